from __future__ import annotations

import hashlib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pilotfish.retrieval.chunks import OVERLAP_TOKENS, WINDOW_TOKENS, count_tokens, split_document
from pilotfish.retrieval.documents import Document, Mark

words = st.sampled_from(
    ["ship", "canal.", "Draft", "15.24", "m!\n", "\n\n", "# Port\n", "x" * 900, "?", " ", "é", "…"]
)
texts = st.one_of(st.text(max_size=400), st.lists(words, max_size=300).map(" ".join))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = draw(texts)
    starts = draw(st.lists(st.integers(0, len(text)), max_size=6, unique=True).map(sorted))
    return Document(source="a.md", text=text, marks=tuple(Mark(start=at, heading=f"H{at}") for at in starts))


@given(documents())
def test_a_passage_is_exactly_its_span_and_nothing_but_white_space_is_lost(document: Document) -> None:
    chunks = split_document(document)
    covered = bytearray(len(document.text))
    for chunk in chunks:
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip()
        assert chunk.sha256 == hashlib.sha256(chunk.text.encode("utf-8", "surrogatepass")).hexdigest()
        covered[chunk.start : chunk.end] = b"\x01" * (chunk.end - chunk.start)
    assert all(covered[at] or character.isspace() for at, character in enumerate(document.text))
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@given(documents())
def test_no_passage_is_larger_than_the_window(document: Document) -> None:
    assert all(count_tokens(chunk.text) <= WINDOW_TOKENS for chunk in split_document(document))


def make_long(sentences: int) -> Document:
    return Document(source="a.txt", text=" ".join(f"Sentence number {n} is here." for n in range(sentences)))


def test_neighbours_overlap_by_whole_sentences() -> None:
    chunks = split_document(make_long(200))
    assert len(chunks) > 3
    for before, after in pairwise(chunks):
        shared = after.text[: before.end - after.start]
        assert shared.startswith("Sentence")
        assert shared.endswith(".")
        assert count_tokens(shared) <= OVERLAP_TOKENS


def test_a_passage_takes_the_heading_and_page_it_stands_under() -> None:
    text = "Lead.\nSuez\nDeep.\nPanama\nShallow."
    marks = (Mark(start=6, heading="Suez", page=2), Mark(start=17, heading="Panama", page=3))
    chunks = split_document(Document(source="a", text=text, marks=marks))
    assert [(chunk.heading, chunk.page) for chunk in chunks] == [(None, None), ("Suez", 2), ("Panama", 3)]


def test_a_bare_heading_goes_with_the_section_below() -> None:
    text = "# Canals\n\n## Suez\n\nDeep."
    marks = (Mark(start=0, heading="Canals"), Mark(start=10, heading="Canals > Suez"))
    (chunk,) = split_document(Document(source="a", text=text, marks=marks))
    assert (chunk.text, chunk.heading) == (text, "Canals > Suez")


def test_an_edit_leaves_the_ids_of_the_other_passages_alone() -> None:
    def ids(first: str) -> dict[str, str]:
        text = f"# One\n{first}\n# Two\nKept as it was.\n"
        marks = (Mark(start=0, heading="One"), Mark(start=text.index("# Two"), heading="Two"))
        chunks = split_document(Document(source="a", text=text, marks=marks))
        return {chunk.heading or "": chunk.id for chunk in chunks}

    before, after = ids("Short."), ids("Now a longer text.")
    assert before["Two"] == after["Two"]
    assert before["One"] != after["One"]


def test_what_is_indexed_names_the_headings_the_text_omits() -> None:
    text = "## Suez\nIts limit is 20.1 m."
    document = Document(source="a", text=text, marks=(Mark(start=0, heading="Canals > Suez"),))
    (chunk,) = split_document(document)
    assert chunk.indexed.startswith("Canals > Suez\n")
    assert chunk.indexed.endswith(chunk.text)
