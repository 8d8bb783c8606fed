"""The retrieval lane: evidence first, then a small model that reads it; what it says must be in the sources."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass
from typing import Any

from ..models.client import Completion
from ..prompts import RenderedPrompt, load_prompt
from ..retrieval.evidence import Evidence, Retriever
from ..router.subtask import Subtask
from .attempt import Attempt, Citation
from .caller import Model
from .groundedness import supporting_quote
from .lane import LaneContext
from .model_lane import final_answer
from .quoting import best_quote

NOT_IN_SOURCES = "not in the sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalLane:
    """A retriever and a reading model. It answers from evidence only."""

    retriever: Retriever
    reader: Model
    passages: int = 5
    """How many passages are fetched, and kept as evidence."""
    read: int = 3
    """How many of them the model reads."""
    read_chars: int = 2400
    """Most characters of evidence in the prompt: a small model loses the thread beyond that."""
    max_tokens: int = 128

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Search, read, quote. No sufficient evidence is the failure `no_evidence`."""
        evidence = await self._search(_query(subtask, context))
        if not evidence or evidence[0].grade == "none":
            return Attempt(lane="retrieval", evidence=evidence, failure="no_evidence", detail=NOT_IN_SOURCES)
        completion = await context.caller.complete(
            self.reader,
            self._prompt(subtask, evidence),
            seed=context.seed + context.sample,
            max_tokens=max(self.max_tokens, self.reader.spec.sampling.max_tokens or 0),
            timeout_s=context.timeout_s,
            schema=subtask.answer_schema,
            temperature=0.0 if self.reader.spec.thinking == "none" else None,
        )
        if subtask.answer_schema is not None:
            return _structured(completion, evidence)
        return _free(completion, evidence, subtask.text)

    async def _search(self, query: str) -> tuple[Evidence, ...]:
        if inspect.iscoroutinefunction(self.retriever.search):
            found: Any = await self.retriever.search(query, self.passages)
        else:
            found = await asyncio.to_thread(self.retriever.search, query, self.passages)
        return tuple(found)

    def _prompt(self, subtask: Subtask, evidence: tuple[Evidence, ...]) -> RenderedPrompt:
        name = "agent_read" if subtask.answer_schema is None else "agent_read_structured"
        return load_prompt(name).render(question=subtask.text, passages=self._passages(evidence))

    def _passages(self, evidence: tuple[Evidence, ...]) -> str:
        share = self.read_chars // self.read
        return "\n\n".join(f"[{passage.rank}] {passage.text[:share]}" for passage in evidence[: self.read])


def _query(subtask: Subtask, context: LaneContext) -> str:
    """The question, with upstream answers behind it that its text does not already hold ("it" needs its noun)."""
    known = [
        item.text for item in context.upstream.values() if item.answered and item.text not in subtask.text
    ]
    return " ".join([subtask.text, *(text for text in known if len(text) <= 200)])


def _free(completion: Completion, evidence: tuple[Evidence, ...], question: str) -> Attempt:
    """The model's answer where a passage supports it, else the passage's own words."""
    answer = "" if completion.failure else final_answer(completion.text)
    quote = supporting_quote(answer, evidence, question) if answer else None
    if quote is not None:
        return Attempt(
            lane="retrieval", text=answer, evidence=evidence, citations=(quote,), calls=completion.calls
        )
    said = completion.detail if completion.failure else f"{answer!r}"
    return _quoted(
        completion,
        evidence,
        question,
        f"the reader's answer was not in the sources ({said}), so they are quoted",
    )


def _quoted(completion: Completion, evidence: tuple[Evidence, ...], question: str, why: str) -> Attempt:
    quote = best_quote(question, evidence)
    if quote is None:
        return Attempt(
            lane="retrieval",
            evidence=evidence,
            calls=completion.calls,
            failure="no_evidence",
            detail=NOT_IN_SOURCES,
        )
    return Attempt(
        lane="retrieval",
        text=quote.quote,
        evidence=evidence,
        citations=(quote,),
        calls=completion.calls,
        detail=why,
    )


def _structured(completion: Completion, evidence: tuple[Evidence, ...]) -> Attempt:
    if completion.failure is not None:
        return Attempt(
            lane="retrieval",
            evidence=evidence,
            calls=completion.calls,
            failure=completion.failure,
            detail=completion.detail,
        )
    text = json.dumps(completion.value, ensure_ascii=False)
    cited: tuple[Citation, ...] = tuple(
        quote for quote in (supporting_quote(text, evidence, ""),) if quote is not None
    )
    return Attempt(
        lane="retrieval",
        text=text,
        value=completion.value,
        evidence=evidence,
        citations=cited,
        calls=completion.calls,
    )
