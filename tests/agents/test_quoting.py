from __future__ import annotations

from pilotfish import Evidence
from pilotfish.agents.quoting import best_quote

TEXT = "The canal opened in 1869. Its toll is paid in dollars. Ships wait at the southern anchorage."


def passage(text: str = TEXT, *, rank: int = 1, start: int = 100) -> Evidence:
    return Evidence(
        source="a.md", text=text, chunk_id=f"c{rank}", start=start, end=start + len(text), rank=rank
    )


def test_the_sentence_with_the_questions_words_is_quoted_where_it_stands() -> None:
    quote = best_quote(
        "In what is the toll paid?", [passage("Nothing here at all.", rank=1), passage(rank=2)]
    )
    assert quote is not None
    assert quote.quote == "Its toll is paid in dollars."
    assert TEXT[quote.start - 100 : quote.end - 100] == quote.quote


def test_nothing_is_quoted_when_no_sentence_is_about_it() -> None:
    assert best_quote("Who baked the cake?", [passage()]) is None
    assert best_quote("What is the toll?", []) is None


def test_a_list_item_is_quoted_without_its_mark() -> None:
    quote = best_quote("What is the toll?", [passage("Limits:\n\n- The toll is high.\n- Nothing else.")])
    assert quote is not None
    assert quote.quote == "The toll is high."
