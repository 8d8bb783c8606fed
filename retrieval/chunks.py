"""Cutting a document into passages of at most about 200 tokens, along headings, pages and sentences.

A passage is a span: `document.text[chunk.start:chunk.end] == chunk.text`, always.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..models.data_policy import INTERNAL
from .documents import Document, Mark

WINDOW_TOKENS = 180
"""Most tokens of a passage, by the estimate of `count_tokens`; below the 256 pieces that MiniLM reads."""
OVERLAP_TOKENS = 36
"""Most tokens a passage repeats of the one before it in the same section."""
_TOKEN = re.compile(r"\w+|[^\w\s]")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])[\"')\]]*\s+|\s*\n\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One passage of a document, the unit that is indexed, found and cited."""

    id: str
    """Derived from source and content, so that an edit elsewhere in the document does not change it."""
    source: str
    text: str
    start: int
    end: int
    sha256: str
    """Hash of `text`."""
    heading: str | None = None
    page: int | None = None
    data_class: str = INTERNAL
    """Who may see the document."""
    also: tuple[str, ...] = ()
    """Further data classes that the document says of itself."""

    @property
    def indexed(self) -> str:
        """What both legs index: the text under its headings, which often hold the subject the text omits."""
        return f"{self.heading}\n{self.text}" if self.heading and self.heading not in self.text else self.text


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    tokens: int


def count_tokens(text: str) -> int:
    """An estimate of the word pieces in `text`: one a word or sign, and one more for every eight letters."""
    return sum(1 + len(token) // 8 for token in _TOKEN.findall(text))


def split_document(document: Document) -> list[Chunk]:
    """The passages of `document` in order. Only white space is left out."""
    seen: Counter[str] = Counter()
    return [
        _make_chunk(document, span, mark, seen)
        for start, end, mark in _list_sections(document)
        for span in _pack_windows(_split_units(document.text, start, end))
    ]


def _make_chunk(document: Document, span: _Span, mark: Mark, seen: Counter[str]) -> Chunk:
    text = document.text[span.start : span.end]
    key = "\x00".join((document.source, mark.heading or "", str(mark.page or ""), text))
    seen[key] += 1
    return Chunk(
        id=hashlib.sha256(f"{key}\x00{seen[key]}".encode()).hexdigest()[:24],
        source=document.source,
        text=text,
        start=span.start,
        end=span.end,
        sha256=hashlib.sha256(text.encode()).hexdigest(),
        heading=mark.heading,
        page=mark.page,
    )


def _list_sections(document: Document) -> Iterator[tuple[int, int, Mark]]:
    """Spans between marks. A heading with nothing under it begins the section that follows."""
    marks = [Mark(start=0), *document.marks]
    stops = [mark.start for mark in marks[1:]] + [len(document.text)]
    begin: int | None = None
    for position, (mark, stop) in enumerate(zip(marks, stops, strict=True)):
        start = mark.start if begin is None else begin
        body = document.text[start:stop].strip()
        last = position == len(marks) - 1
        if not last and (not body or (mark.heading is not None and "\n" not in body)):
            begin = start if body else None
            continue
        begin = None
        if body:
            yield start, stop, mark


def _split_units(text: str, start: int, end: int) -> Iterator[_Span]:
    """Sentences and lines between `start` and `end`, trimmed, each at most one window long."""
    cuts = [start, *(found.end() for found in _SENTENCE_END.finditer(text, start, end)), end]
    for left, right in pairwise(cuts):
        piece = _trim(text, left, right)
        if piece.tokens > WINDOW_TOKENS:
            yield from _split_long(text, piece)
        elif piece.tokens:
            yield piece


def _trim(text: str, start: int, end: int) -> _Span:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    piece = piece.strip()
    return _Span(start, start + len(piece), count_tokens(piece) or len(piece))


def _split_long(text: str, unit: _Span) -> Iterator[_Span]:
    """Cut a unit longer than a window between words, and a word longer than a window between letters."""
    start, tokens, stop = unit.start, 0, unit.start
    for found in re.finditer(r"\S{1,400}", text[unit.start : unit.end]):
        size = max(1, count_tokens(found[0]))
        if tokens + size > WINDOW_TOKENS and stop > start:
            yield _Span(start, stop, tokens)
            start, tokens = unit.start + found.start(), 0
        tokens, stop = tokens + size, unit.start + found.end()
    yield _Span(start, stop, tokens)


def _pack_windows(units: Iterator[_Span]) -> Iterator[_Span]:
    """Runs of units that fill a window; each run begins with the last units of the run before it."""
    window: list[_Span] = []
    for unit in units:
        if window and sum(each.tokens for each in window) + unit.tokens > WINDOW_TOKENS:
            yield _join(window)
            window = _choose_overlap(window, room=WINDOW_TOKENS - unit.tokens)
        window.append(unit)
    if window:
        yield _join(window)


def _choose_overlap(window: Sequence[_Span], *, room: int) -> list[_Span]:
    kept: list[_Span] = []
    budget = min(OVERLAP_TOKENS, room)
    for unit in reversed(window[1:]):
        budget -= unit.tokens
        if budget < 0:
            break
        kept.insert(0, unit)
    return kept


def _join(window: Sequence[_Span]) -> _Span:
    return _Span(window[0].start, window[-1].end, sum(unit.tokens for unit in window))
