"""Whether an answer stands in its evidence: every number, date and name, its words, its quotes, and whether it is
about what was asked. Compares words, so a contradiction in other words passes; `docs/verification.md` says how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..retrieval.evidence import Evidence
from ..router.subtask import Subtask
from .attempt import Attempt, Citation, Verdict
from .claims import Claim, answer_texts, claims_of, says_nothing
from .support import COVERED, Passage, Support, best_support, held_anywhere, missing_from
from .verifier import unknown

ABOUT = 0.4
"""Relevance from which an answer is about the question."""
ABSENT = 0.5
"""Fewer of a claim's new words in all passages together, and no passage says it."""
MAX_EVIDENCE = 20
"""Passages that are looked at, best first."""


@dataclass(frozen=True, slots=True)
class Groundedness:
    """Checks an answer against the passages it is said to rest on."""

    about: float = ABOUT
    covered: float = COVERED
    name: str = "groundedness"

    def check(self, subtask: Subtask, attempt: Attempt, /) -> Verdict:
        """Fail on a phantom quote, a number, date or name that is in no passage, or words that are not; `unknown`
        without evidence or when the answer is hardly about the question.
        """
        if not attempt.evidence:
            lacking = self._no_evidence if attempt.lane == "retrieval" else self._unknown
            return lacking("there is no evidence")
        if (phantom := phantom_citation(attempt.citations, attempt.evidence)) is not None:
            return self._fail(f"the quote {_short(phantom.quote)!r} is not in {phantom.source!r}")
        if any(attempt.text.strip() == citation.quote.strip() for citation in attempt.citations):
            reason = f"quoted word for word from {attempt.citations[0].source!r}"
            return Verdict(status="pass", reason=reason, checked=self.name)
        texts = answer_texts(attempt)
        nothing = [reason for reason in map(says_nothing, texts) if reason]
        if not texts or nothing:
            return self._no_evidence(nothing[0] if nothing else "there is no answer")
        passages = [Passage.of(evidence) for evidence in attempt.evidence[:MAX_EVIDENCE]]
        claims = [claim for text in texts for claim in claims_of(text, subtask.text)]
        return self._judge(claims, passages, subtask.text)

    def _judge(self, claims: Sequence[Claim], passages: Sequence[Passage], question: str) -> Verdict:
        found: list[Support] = []
        for claim in claims:
            if missing := missing_from(claim, passages):
                return self._fail(f"{missing!r} is not in the evidence")
            support = best_support(claim, passages, question)
            if support is None or held_anywhere(claim, passages) < ABSENT:
                return self._fail(f"no passage says {_short(claim.text)!r}")
            if support.opposed and support.coverage >= self.covered:
                return self._fail(
                    f"{_short(claim.text)!r} and {_short(support.quote)!r} differ by a negation"
                )
            found.append(support)
        if not found:
            return self._no_evidence("the answer has no words to look for")
        return self._weigh(found)

    def _weigh(self, found: Sequence[Support]) -> Verdict:
        weakest = min(found, key=lambda support: support.coverage)
        source = found[0].passage.evidence.source
        if weakest.coverage < self.covered:
            return unknown(self.name, f"{source!r} holds {weakest.coverage:.0%} of the answer's words")
        about = max(support.relevance for support in found)
        if about < self.about:
            reason = f"it stands in {source!r}, but hardly where the question's words do ({about:.2f})"
            return unknown(self.name, reason)
        return Verdict(status="pass", reason=f"its facts stand in {source!r}", checked=self.name)

    def _fail(self, reason: str) -> Verdict:
        return Verdict(status="fail", reason=reason, checked=self.name)

    def _unknown(self, reason: str) -> Verdict:
        return unknown(self.name, reason)

    def _no_evidence(self, reason: str) -> Verdict:
        return Verdict(status="unknown", reason=reason, checked=self.name, escalation="no_evidence")


def supporting_quote(answer: str, evidence: Sequence[Evidence], question: str) -> Citation | None:
    """The shortest sentences that carry an answer, as a citation with offsets in the document; `None` if none do."""
    if says_nothing(answer):
        return None
    passages = [Passage.of(one) for one in evidence[:MAX_EVIDENCE]]
    claims = [claim for claim in claims_of(answer, question) if not missing_from(claim, passages)]
    found = [support for claim in claims if (support := best_support(claim, passages, question)) is not None]
    carrying = [support for support in found if support.coverage >= COVERED and not support.opposed]
    if not carrying:
        return None
    nearest = max(carrying, key=lambda support: support.relevance)
    return Citation.of(nearest.passage.evidence, nearest.start, nearest.end)


def phantom_citation(citations: Sequence[Citation], evidence: Sequence[Evidence]) -> Citation | None:
    """The first citation whose quote is not verbatim, but for white space, in a passage of its source."""
    for citation in citations:
        quote = " ".join(citation.quote.split())
        own = [e for e in evidence if citation.chunk_id == e.chunk_id or citation.source == e.source]
        if not quote or not any(quote in " ".join(one.text.split()) for one in own):
            return citation
    return None


def _short(text: str, limit: int = 120) -> str:
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
