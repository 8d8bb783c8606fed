from __future__ import annotations

from datetime import date
from typing import Any

import jsonschema
import pytest

from pilotfish.demos.reading import FIELDS, read_request
from pilotfish.demos.reading_model import PROMPT, check_reading, prompt_values, schema_for
from pilotfish.demos.request import candidates
from pilotfish.prompts.prompt import load_prompt

TODAY = date(2026, 11, 21)
FULL = "400 TEU from Santos to Hamburg, ready 3 March 2027, arrive by 10 April 2027, avoid Suez"
SILENT: dict[str, Any] = dict.fromkeys(FIELDS) | {"avoid": []}


def test_the_grammar_holds_only_what_the_request_may_mean() -> None:
    schema = schema_for(candidates(FULL, today=TODAY))
    fields = schema["properties"]
    assert fields["origin"]["enum"] == ["Santos, Brazil (BRSSZ)", "Hamburg, Germany (DEHAM)", None]
    assert fields["teu"]["enum"] == [400, None]
    assert fields["ready"]["enum"] == ["2027-03-03", "2027-04-10", None]
    assert fields["avoid"]["items"]["enum"] == ["suez"]
    assert schema["required"] == list(FIELDS)


@pytest.mark.parametrize("request_", [FULL, "hello", "Portland to Busan", "Santos to Hamburg, no canals"])
def test_a_silent_answer_always_fits_the_grammar(request_: str) -> None:
    schema = schema_for(candidates(request_, today=TODAY))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(SILENT, schema)


def test_the_words_win_over_the_model_and_say_so() -> None:
    said = SILENT | {
        "origin": "Hamburg, Germany (DEHAM)",
        "destination": "Santos, Brazil (BRSSZ)",
        "teu": 400,
    }
    said |= {"ready": "2027-03-03", "arrive_by": "2027-04-10", "avoid": ["suez"]}
    reading = check_reading(candidates(FULL, today=TODAY), said)
    assert reading.query == read_request(FULL, today=TODAY).query
    assert [(c.field, c.model, c.cue) for c in reading.corrections] == [
        ("origin", "DEHAM", "BRSSZ"),
        ("destination", "BRSSZ", "DEHAM"),
    ]


def test_the_model_fills_what_the_words_leave_open_and_is_named_for_it() -> None:
    found = candidates("Santos to Hamburg, 400 TEU, 3 March 2027", today=TODAY)
    assert check_reading(found, None).status == "needs_input"
    reading = check_reading(
        found, SILENT | {"origin": "BRSSZ", "destination": "DEHAM", "teu": 400, "ready": "2027-03-03"}
    )
    assert reading.status == "ok"
    assert reading.query is not None
    assert reading.query.ready == date(2027, 3, 3)
    assert "model" in reading.message
    assert reading.corrections == ()


def test_the_model_cannot_settle_two_ports_of_one_name() -> None:
    found = candidates("Portland to Hamburg", today=TODAY)
    reading = check_reading(
        found, SILENT | {"origin": "Portland, Oregon, United States (USPDX)", "destination": "DEHAM"}
    )
    assert reading.status == "needs_input"
    assert [correction.field for correction in reading.corrections] == ["origin"]


def test_the_prompt_takes_the_values_of_the_candidates() -> None:
    rendered = load_prompt(PROMPT).render(prompt_values(candidates(FULL, today=TODAY)))
    assert FULL in rendered.messages[-1][1]
    assert "Santos, Brazil (BRSSZ)" in rendered.messages[-1][1]
