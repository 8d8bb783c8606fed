from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pilotfish.models.catalogue import find_model
from pilotfish.models.load import spec_for
from pilotfish.models.request import request_digest
from pilotfish.models.spec import Sampling
from pilotfish.testing.chat import ScriptedChat

CHAT = ScriptedChat(reply=str)
SPEC = find_model("smollm2-135m")
MESSAGES = [("user", "Which fish?")]
TERMS: dict[str, Any] = {"seed": 1, "max_tokens": 9, "temperature": 0.0, "schema": {"a": 1, "b": 2}}


def test_the_same_request_has_the_same_digest_whatever_the_order_of_its_settings() -> None:
    backwards = {**dict(reversed(TERMS.items())), "schema": {"b": 2, "a": 1}}
    assert request_digest(CHAT, SPEC, MESSAGES, TERMS) == request_digest(CHAT, SPEC, MESSAGES, backwards)
    assert request_digest(CHAT, SPEC, list(MESSAGES), TERMS) == request_digest(
        ScriptedChat(reply=str, model_name="same spec"), SPEC, tuple(MESSAGES), TERMS
    )


@pytest.mark.parametrize(
    "change",
    [
        {"id": "x"},
        {"sha256": "0" * 64},
        {"source": "elsewhere"},
        {"sampling": Sampling(top_p=0.5)},
        {"context": 1},
        {"thinking": "tags"},
    ],
)
def test_another_model_is_another_request(change: dict[str, Any]) -> None:
    other = dataclasses.replace(SPEC, **change)
    assert request_digest(CHAT, SPEC, MESSAGES, TERMS) != request_digest(CHAT, other, MESSAGES, TERMS)


@pytest.mark.parametrize(
    "change", [{"seed": 2}, {"max_tokens": None}, {"temperature": 0.7}, {"schema": None}]
)
def test_other_terms_are_another_request(change: dict[str, Any]) -> None:
    assert request_digest(CHAT, SPEC, MESSAGES, TERMS) != request_digest(
        CHAT, SPEC, MESSAGES, {**TERMS, **change}
    )


@pytest.mark.parametrize(
    "messages", [[("system", "Which fish?")], [("user", "Which fish? ")], [*MESSAGES, ("user", "")], []]
)
def test_other_words_are_another_request(messages: list[tuple[str, str]]) -> None:
    assert request_digest(CHAT, SPEC, MESSAGES, TERMS) != request_digest(CHAT, SPEC, messages, TERMS)


def test_settings_of_a_model_that_was_brought_along_count_and_its_secrets_do_not() -> None:
    class Brought(ScriptedChat):
        top_k: int = 1
        api_key: str = ""

    def digest(**settings: Any) -> str:
        chat = Brought(reply=str, **settings)
        return request_digest(chat, spec_for(chat), MESSAGES, TERMS)

    assert digest() != digest(top_k=2)
    assert digest() == digest(api_key="secret")
