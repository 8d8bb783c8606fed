"""The retrieval lane: evidence first, then a small model that reads it; what it says must be in the sources."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from ..models.client import Completion
from ..models.data_policy import DataPolicy, place_refusal
from ..prompts import PromptChoice, RenderedPrompt
from ..retrieval.evidence import Evidence, Retriever, classes_of
from ..retrieval.screening import screen
from ..router.subtask import Subtask
from .attempt import Attempt
from .caller import Model
from .groundedness import Groundedness, supporting_quote
from .lane import LaneContext
from .lane_spans import retrieval_span, retrieval_told
from .model_lane import answer_tokens, final_answer
from .quoting import best_quote

_GAP = re.compile(r"\s{3,}")
"""What screening leaves."""
NOT_IN_SOURCES = "not in the sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalLane:
    """A retriever and a reading model. It answers from evidence only."""

    retriever: Retriever
    reader: Model
    passages: int = 5
    """How many passages are fetched, and kept as evidence."""
    read: int = 2
    """How many of them the model reads."""
    read_chars: int = 1200
    """Most characters of evidence in the prompt: a small model loses the thread beyond that."""
    max_tokens: int = 64
    """Enough for the short answer that is asked for; one that runs on is truncated, and replaced by a quote."""
    prompts: PromptChoice = field(default_factory=PromptChoice)
    """Which version of each prompt."""
    screening: bool = True
    """Whether sentences that address a model are blanked before one reads a passage or quotes it."""

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Search, read, quote. No sufficient evidence is the failure `no_evidence`."""
        caller = context.caller
        why = self._retriever_refusal(caller.context.data_classes, caller.calling.data_policy)
        if why is not None:
            return Attempt(lane="retrieval", failure="data_policy", detail=why)
        query = _query(subtask, context)
        with retrieval_span(context, self.retriever, query) as span:
            found = await self._search(query)
            evidence, withheld = await asyncio.to_thread(self._may_read, found, caller.calling.data_policy)
            retrieval_told(span, context, evidence)
        if withheld and not evidence:
            return Attempt(lane="retrieval", failure="data_policy", detail=withheld)
        if not evidence or evidence[0].grade == "none":
            return Attempt(lane="retrieval", evidence=evidence, failure="no_evidence", detail=NOT_IN_SOURCES)
        readable = tuple(map(_blanked, evidence)) if self.screening else evidence
        completion = await caller.seeing(*classes_of(evidence)).complete(
            self.reader,
            self._prompt(subtask, readable, context.unit),
            seed=context.seed + context.sample,
            max_tokens=answer_tokens(self.reader, self.max_tokens),
            timeout_s=context.timeout_s,
            schema=subtask.answer_schema,
            temperature=0.0 if self.reader.spec.thinking == "none" else None,
        )
        read = _free if subtask.answer_schema is None else _structured
        attempt = await asyncio.to_thread(read, subtask, completion, readable)
        return replace(attempt, evidence=evidence, detail="; ".join(filter(None, (attempt.detail, withheld))))

    def refusal(self, subtask: Subtask, data_policy: DataPolicy, /) -> str | None:
        """Why its retriever or its reader may not see the subtask; None where both may."""
        spec = self.reader.spec
        return self._retriever_refusal(subtask.data_classes, data_policy) or data_policy.refusal(
            subtask.data_classes, locality=spec.locality, model_id=spec.id
        )

    def _retriever_refusal(self, data_classes: Iterable[str], data_policy: DataPolicy) -> str | None:
        return place_refusal("retriever", self.retriever, data_classes, data_policy)

    def _may_read(
        self, found: tuple[Evidence, ...], data_policy: DataPolicy
    ) -> tuple[tuple[Evidence, ...], str]:
        """The passages the reader may see, with what is detected in them; and why others are not among them."""
        spec = self.reader.spec
        evidence: list[Evidence] = []
        refused: list[str] = []
        for passage in found:
            detected = data_policy.detected(passage.text, passage.heading or "")
            passage = replace(passage, also=tuple(sorted({*passage.also, *detected})))
            why = data_policy.refusal(passage.data_classes, locality=spec.locality, model_id=spec.id)
            evidence += [passage] if why is None else []
            refused += [] if why is None else [why]
        note = f"{len(refused)} of {len(found)} passages were withheld: {'; '.join(dict.fromkeys(refused))}"
        return tuple(evidence), note if refused else ""

    async def _search(self, query: str) -> tuple[Evidence, ...]:
        if inspect.iscoroutinefunction(self.retriever.search):
            found: Any = await self.retriever.search(query, self.passages)
        else:
            found = await asyncio.to_thread(self.retriever.search, query, self.passages)
        return tuple(found)

    def prompt_name(self, subtask: Subtask, /) -> str:
        """The prompt that asks for this subtask's answer."""
        return "agent_read" if subtask.answer_schema is None else "agent_read_structured"

    def _prompt(self, subtask: Subtask, evidence: tuple[Evidence, ...], unit: str) -> RenderedPrompt:
        name = self.prompt_name(subtask)
        return self.prompts.load(name, unit=unit).render(
            question=subtask.text, passages=self._passages(evidence)
        )

    def _passages(self, evidence: tuple[Evidence, ...]) -> str:
        share = self.read_chars // self.read
        return "\n\n".join(
            f"[{each.rank}] {_GAP.sub(' ', each.text)[:share]}" for each in evidence[: self.read]
        )


def _blanked(passage: Evidence) -> Evidence:
    return replace(passage, text=screen(passage.text).text)


def _query(subtask: Subtask, context: LaneContext) -> str:
    """The question, with upstream answers behind it that its text does not already hold ("it" needs its noun)."""
    known = [
        item.text for item in context.upstream.values() if item.answered and item.text not in subtask.text
    ]
    return " ".join([subtask.text, *(text for text in known if len(text) <= 200)])


def _free(subtask: Subtask, completion: Completion, evidence: tuple[Evidence, ...]) -> Attempt:
    """The reader's answer where the evidence carries it, else the evidence's own words."""
    answer = "" if completion.failure else final_answer(completion.text)
    quote = supporting_quote(answer, evidence, subtask.text) if answer else None
    if quote is not None:
        read = _attempt(completion, evidence, text=answer, citations=(quote,))
        if Groundedness().check(subtask, read).status == "pass":
            return read
    quote = best_quote(subtask.text, evidence)
    if quote is None:
        return _attempt(completion, evidence, failure="no_evidence", detail=NOT_IN_SOURCES)
    said = completion.detail if completion.failure else repr(answer)
    why = f"the reader's answer was not in the sources ({said}), so they are quoted"
    return _attempt(completion, evidence, text=quote.quote, citations=(quote,), detail=why)


def _structured(subtask: Subtask, completion: Completion, evidence: tuple[Evidence, ...]) -> Attempt:
    if completion.failure is not None:
        return _attempt(completion, evidence, failure=completion.failure, detail=completion.detail)
    text = json.dumps(completion.value, ensure_ascii=False)
    quote = supporting_quote(text, evidence, subtask.text)
    cited = () if quote is None else (quote,)
    return _attempt(completion, evidence, text=text, value=completion.value, citations=cited)


def _attempt(completion: Completion, evidence: tuple[Evidence, ...], **found: Any) -> Attempt:
    return Attempt(lane="retrieval", evidence=evidence, calls=completion.calls, **found)
