from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.exceptions import OutputParserException
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from pilotfish.models.structured import StructureError, json_schema_of, parse_answer, repaired

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class City(BaseModel):
    city: str


def scripted(*answers: str) -> GenericFakeChatModel:
    return GenericFakeChatModel(messages=iter([AIMessage(answer) for answer in answers]))


@pytest.mark.parametrize(
    "text",
    [
        '{"city": "Oslo"}',
        'Here it is:\n```json\n{"city": "Oslo"}\n```\nDone.',
        'The city {of fjords} is {"city": "Oslo"}, I think.',
        'Not {"town": "Bergen"} but {"city": "Oslo"}',
        '{"city": "Rome"} no, {"city": "Oslo"}',
    ],
)
def test_the_value_is_found_among_words_and_the_last_fitting_one_counts(text: str) -> None:
    assert parse_answer(text, SCHEMA) == {"city": "Oslo"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Oslo", "no JSON"),
        ('{"city": 3}', r"\$\.city: 3 is not of type"),
        ('{"city": NaN}', "no JSON"),
        ("[" * 5000, "no JSON"),
    ],
)
def test_what_does_not_fit_is_refused_with_words_for_the_model(text: str, told: str) -> None:
    with pytest.raises(StructureError, match=told):
        parse_answer(text, SCHEMA)


@given(
    st.dictionaries(st.text(), st.integers() | st.text(), min_size=1),
    st.text(st.characters(exclude_characters="{}[]`")),
)
def test_any_object_survives_words_around_it(value: dict[str, Any], words: str) -> None:
    assert parse_answer(f"{words} {json.dumps(value)} {words}", {"type": "object"}) == value


def test_a_wrong_answer_is_mended_once() -> None:
    model = repaired(scripted("Oslo, of course", '{"city": "Oslo"}'), City, include_raw=False)
    assert model.invoke("Which city?") == City(city="Oslo")


async def test_a_thinking_model_is_left_to_think_and_two_wrong_answers_are_an_error() -> None:
    thinking = '<think>{"city": "Rome"}</think>{"city": "Oslo"}'
    assert await repaired(scripted(thinking), SCHEMA, include_raw=False).ainvoke("?") == {"city": "Oslo"}
    with pytest.raises(OutputParserException):
        await repaired(scripted("no", "again no"), SCHEMA, include_raw=False).ainvoke("?")


def test_include_raw_hands_over_the_error_instead_of_raising() -> None:
    result = repaired(scripted("no", "again no"), City, include_raw=True).invoke("?")
    assert result["parsed"] is None
    assert result["raw"].text == "again no"
    assert isinstance(result["parsing_error"], StructureError)


def test_a_schema_is_a_mapping_or_a_pydantic_class() -> None:
    assert json_schema_of(City)["required"] == ["city"]
    with pytest.raises(TypeError, match="int"):
        json_schema_of(int)
