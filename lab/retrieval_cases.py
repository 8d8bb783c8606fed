"""Queries against corpora where it is known whether the evidence can answer: what the grade is trained and judged on.

From XQuAD and SciFact, at full size and cut to corpora of 10 to 50 passages: the query as it is (`answerable`), with
what answers it removed (`removed`), a claim whose abstracts say too little (`nei`), and a foreign query (`off_topic`).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ..models.embedder import Embedder
from ..retrieval.chunks import Chunk
from ..retrieval.dense import Vectors
from ..retrieval.fusion import fuse_ranks
from ..retrieval.grading import TOP, measure_signals
from ..retrieval.index import DEPTH, Findings, Index
from ..retrieval.lexical import LexicalIndex
from ..retrieval.terms import split_terms
from .retrieval_data import Claim, Question, read_abstracts, read_claims, read_questions

CaseKind = Literal["answerable", "removed", "nei", "off_topic"]
_GROUP = 20
_FOREIGN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """The signals of one result list, and whether it answers."""

    set: str
    kind: CaseKind
    answered: bool
    """Whether a passage that answers is among the first ones found."""
    signals: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Query:
    text: str
    vector: Vectors
    answers: frozenset[int]
    """Rows that answer; empty where there is not enough information."""
    home: frozenset[int]
    """Rows to remove, or to keep in a small corpus."""


class ExactLeg:
    """A dense leg that compares with every vector, so that small corpora need no Chroma."""

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def find_top(self, vector: Vectors, depth: int) -> list[tuple[str, float]]:
        """At most `depth` rows, as text, nearest to `vector`, with their cosines."""
        cosines = self._vectors @ vector
        return [(str(row), float(cosines[row])) for row in np.argsort(-cosines, kind="stable")[:depth]]

    def close(self) -> None:
        """Nothing to let go of."""


class Corpus:
    """Texts with their vectors, and queries put to them."""

    def __init__(self, texts: Sequence[str], vectors: Vectors) -> None:
        self._texts = texts
        self._vectors = vectors
        lexical = LexicalIndex.build(texts)
        self._index = Index(
            [make_chunk(row, text) for row, text in enumerate(texts)], lexical, ExactLeg(vectors)
        )

    def take(self, rows: Sequence[int]) -> Corpus:
        """The corpus of these rows only, numbered anew."""
        return Corpus([self._texts[row] for row in rows], self._vectors[list(rows)])

    def without(self, rows: frozenset[int]) -> Corpus:
        """The corpus less these rows, numbered anew."""
        return self.take([row for row in range(len(self._texts)) if row not in rows])

    def judge(self, name: str, kind: CaseKind, query: _Query, answers: frozenset[int] = frozenset()) -> Case:
        """Put the query and measure; `answers` are the rows that answer it. `removed` hides its home rows."""
        terms = split_terms(query.text)
        hidden = query.home if kind == "removed" else frozenset[int]()
        found = self._index.find(terms, query.vector, depth=DEPTH + len(hidden))
        findings = _hide(found, hidden) if hidden else found
        return Case(
            set=name,
            kind=kind,
            answered=any(row in answers for row, _ in findings.fused[:TOP]),
            signals=measure_signals(self._index, terms, findings),
        )


def _hide(found: Findings, rows: frozenset[int]) -> Findings:
    lexical = {row: score for row, score in found.lexical.items() if row not in rows}
    dense = {row: score for row, score in found.dense.items() if row not in rows}
    return Findings(
        lexical=lexical, dense=dense, fused=fuse_ranks({"bm25": list(lexical), "dense": list(dense)})
    )


def make_chunk(row: int, text: str) -> Chunk:
    """`text` as a passage of its own, with its row as id."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Chunk(id=str(row), source=str(row), text=text, start=0, end=len(text), sha256=digest)


def gather_cases(data: Path, embedder: Embedder, *, seed: int = 0) -> list[Case]:
    """All cases of both sets; the same seed gives the same ones."""
    chance = random.Random(seed)  # noqa: S311 - sampling, not secrets
    articles, questions = read_questions(data)
    paragraphs = [text for article in articles for text in article]
    claims = [*read_claims(data, split="train"), *read_claims(data, split="validation")]
    xquad = Corpus(paragraphs, embedder.encode_document(paragraphs))
    abstracts = read_abstracts(data)
    scifact = Corpus(abstracts, embedder.encode_document(abstracts))
    asked = _embed_questions(questions, embedder)
    claimed = _embed_claims(claims, embedder)
    bounds = np.cumsum([0, *(len(article) for article in articles)])
    pairs = [range(bounds[i], bounds[min(i + 2, len(articles))]) for i in range(0, len(articles), 2)]
    return [
        *_judge_small("xquad", xquad, asked, pairs, claimed, chance),
        *_judge_full("xquad", xquad, asked, chance.sample(claimed, 360)),
        *_judge_small("scifact", scifact, claimed, _group_homes(claimed, chance), asked, chance),
        *_judge_full("scifact", scifact, claimed, chance.sample(asked, 360)),
    ]


def _embed_questions(questions: Sequence[Question], embedder: Embedder) -> list[_Query]:
    vectors = embedder.encode_query([question.text for question in questions])
    return [
        _Query(question.text, vector, frozenset({question.paragraph}), frozenset({question.paragraph}))
        for question, vector in zip(questions, vectors, strict=True)
    ]


def _embed_claims(claims: Sequence[Claim], embedder: Embedder) -> list[_Query]:
    vectors = embedder.encode_query([claim.text for claim in claims])
    return [
        _Query(claim.text, vector, claim.evidence, claim.cited)
        for claim, vector in zip(claims, vectors, strict=True)
    ]


def _group_homes(queries: Sequence[_Query], chance: random.Random) -> list[Sequence[int]]:
    order = chance.sample(queries, len(queries))
    groups = [order[start : start + _GROUP] for start in range(0, len(order), _GROUP)]
    return [sorted(frozenset[int]().union(*(query.home for query in group))) for group in groups]


def _judge_full(
    name: str, corpus: Corpus, own: Sequence[_Query], foreign: Sequence[_Query]
) -> Iterator[Case]:
    for query in own:
        if query.answers:
            yield corpus.judge(name, "answerable", query, query.answers)
            yield corpus.judge(name, "removed", query)
        else:
            yield corpus.judge(name, "nei", query)
    for query in foreign:
        yield corpus.judge(name, "off_topic", query)


def _judge_small(
    name: str,
    corpus: Corpus,
    own: Sequence[_Query],
    groups: Sequence[Sequence[int]],
    foreign: Sequence[_Query],
    chance: random.Random,
) -> Iterator[Case]:
    """Every own query in a small corpus that holds its home, and in that corpus without it; and off-topic ones."""
    done: set[int] = set()
    for rows in groups:
        members = set(rows)
        number = {row: position for position, row in enumerate(rows)}
        small = corpus.take(rows)
        for position, query in enumerate(own):
            if position in done or not query.home <= members:
                continue
            done.add(position)
            yield from _judge_pair(name, small, query, number)
        outside = [query for query in own if not query.home & members]
        for query in [*chance.sample(outside, _FOREIGN), *chance.sample(list(foreign), _FOREIGN)]:
            yield small.judge(name, "off_topic", query)


def _judge_pair(name: str, small: Corpus, query: _Query, number: dict[int, int]) -> Iterator[Case]:
    if not query.answers:
        yield small.judge(name, "nei", query)
        return
    answers = frozenset(number[row] for row in query.answers)
    yield small.judge(name, "answerable", query, answers)
    rest = small.without(frozenset(number[row] for row in query.home))
    # Its home is gone from this corpus, whose rows are numbered anew, so there is nothing left to hide.
    yield rest.judge(name, "removed", replace(query, home=frozenset()))
