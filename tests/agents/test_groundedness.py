from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import Evidence, Subtask
from pilotfish.agents.attempt import Attempt, Citation, Verdict
from pilotfish.agents.groundedness import Groundedness, supporting_quote

DOCUMENT = (
    "# Canals\n\nThe Suez Canal opened on 17 November 1869. It was built by Ferdinand de Lesseps. Ships with a draft "
    "above 20.1 m cannot pass. Tolls came to $5.5 million, 24% more than in 2020. The northern route is not open in "
    "winter. The Panama Canal opened in 1914."
)
START = DOCUMENT.index("The Suez")
PASSAGE = Evidence(
    source="canals.md",
    text=DOCUMENT[START:],
    chunk_id="c1",
    start=START,
    end=len(DOCUMENT),
    heading="Canals",
    page=2,
)
OPENED = "When did the Suez Canal open?"


def check(question: str, answer: str, **attempt: object) -> Verdict:
    tried = replace(Attempt(lane="retrieval", text=answer, evidence=(PASSAGE,)), **attempt)
    return Groundedness().check(Subtask(id="s", text=question), tried)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (OPENED, "17 November 1869"),
        (OPENED, "1869-11-17"),
        (OPENED, "The Suez Canal opened in 1869."),
        ("Who built the Suez Canal?", "It was built by Ferdinand de Lesseps."),
        ("What is the draft limit of ships?", "20.1 m"),
        ("How much were the tolls?", "$5,500,000"),
        ("How much more were the tolls than in 2020?", "24%"),
        ("Is the northern route open in winter?", "The northern route is not open in winter."),
    ],
)
def test_what_the_evidence_says_passes(question: str, answer: str) -> None:
    assert check(question, answer).status == "pass"


@pytest.mark.parametrize(
    ("question", "answer", "named"),
    [
        (OPENED, "1870", "'1870'"),
        (OPENED, "18 November 1869", "'1869-11-18'"),
        ("Who built the Suez Canal?", "Napoleon", "'Napoleon'"),
        ("What is the draft limit of ships?", "20.1 km", "'20.1 km'"),
        ("How much were the tolls?", "€5.5 million", "'€5.5 million'"),
        ("How much were the tolls?", "2020%", "'2020%'"),
        ("Is the northern route open in winter?", "The northern route is open in winter.", "negation"),
        ("What of the whales?", "plentiful krill attracts them southwards", "no passage says"),
    ],
)
def test_what_the_evidence_does_not_say_fails_by_name(question: str, answer: str, named: str) -> None:
    verdict = check(question, answer)
    assert verdict.status == "fail"
    assert named in verdict.reason


def test_an_answer_to_another_question_does_not_pass() -> None:
    assert check("Who built the Suez Canal?", "1914").status == "unknown"


def test_one_ungrounded_sentence_spoils_the_answer() -> None:
    assert check(OPENED, "The Suez Canal opened on 17 November 1869. Queen Victoria came.").status == "fail"


@pytest.mark.parametrize("answer", ["", "I don't know.", "Yes", "No evidence was found."])
def test_an_answer_without_facts_is_unknown(answer: str) -> None:
    verdict = check(OPENED, answer)
    assert (verdict.status, verdict.escalation) == ("unknown", "no_evidence")


def test_without_evidence_it_is_unknown() -> None:
    verdict = check(OPENED, "1869", evidence=())
    assert (verdict.status, verdict.escalation) == ("unknown", "no_evidence")


def test_a_lane_that_needs_no_evidence_does_not_escalate_for_it() -> None:
    assert check(OPENED, "1869", evidence=(), lane="local").escalation == "low_confidence"


def test_a_structured_answer_is_checked_leaf_by_leaf() -> None:
    assert check(OPENED, "", value={"opened": "17 November 1869", "sure": True}).status == "pass"
    assert check(OPENED, "", value={"opened": ["17 November 1869", 1870]}).status == "fail"


def cite(quote: str, source: str = "canals.md") -> tuple[Citation, ...]:
    return (
        Citation(source=source, quote=quote, chunk_id="c1" if source == "canals.md" else "x", start=0, end=1),
    )


def test_a_phantom_quote_fails() -> None:
    verdict = check(OPENED, "1869", citations=cite("It opened in 1869."))
    assert verdict.status == "fail"
    assert "'It opened in 1869.' is not in 'canals.md'" in verdict.reason


def test_a_quote_of_another_document_fails() -> None:
    assert check(OPENED, "1869", citations=cite("opened on 17 November 1869", "other.md")).status == "fail"


def test_a_verbatim_quote_is_no_objection() -> None:
    assert check(OPENED, "1869", citations=cite("opened on 17\nNovember 1869")).status == "pass"


def test_the_quote_is_the_sentence_with_its_place_in_the_document() -> None:
    quote = supporting_quote("Ferdinand de Lesseps", [PASSAGE], "Who built the Suez Canal?")
    assert quote is not None
    assert quote.quote == "It was built by Ferdinand de Lesseps."
    assert DOCUMENT[quote.start : quote.end] == quote.quote
    assert (quote.source, quote.page, quote.heading) == ("canals.md", 2, "Canals")


def test_of_two_sentences_the_one_about_the_question_is_quoted() -> None:
    again = replace(
        PASSAGE, text="In 1914 a war began. The Panama Canal opened in 1914.", chunk_id="c2", start=0
    )
    quote = supporting_quote("1914", [again], "When did the Panama Canal open?")
    assert quote is not None
    assert quote.quote == "The Panama Canal opened in 1914."


def test_no_quote_for_what_is_not_there() -> None:
    assert supporting_quote("1870", [PASSAGE], OPENED) is None
    assert supporting_quote("", [PASSAGE], OPENED) is None


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60))
def test_every_quote_is_verbatim(answer: str, question: str) -> None:
    quote = supporting_quote(answer, [PASSAGE], question)
    assert quote is None or DOCUMENT[quote.start : quote.end] == quote.quote
