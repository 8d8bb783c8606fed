"""The retrieval lane: evidence first, then a small model that reads it; what it says must be in the sources."""

from __future__ import annotations

import asyncio
import inspect
import json
from dataclasses import dataclass, field
from typing import Any

from ..models.client import Completion
from ..prompts import PromptChoice, RenderedPrompt
from ..retrieval.evidence import Evidence, Retriever
from ..router.subtask import Subtask
from .attempt import Attempt
from .caller import Model
from .groundedness import Groundedness, supporting_quote
from .lane import LaneContext
from .model_lane import answer_tokens, final_answer
from .quoting import best_quote

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

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """Search, read, quote. No sufficient evidence is the failure `no_evidence`."""
        evidence = await self._search(_query(subtask, context))
        if not evidence or evidence[0].grade == "none":
            return Attempt(lane="retrieval", evidence=evidence, failure="no_evidence", detail=NOT_IN_SOURCES)
        completion = await context.caller.complete(
            self.reader,
            self._prompt(subtask, evidence, context.unit),
            seed=context.seed + context.sample,
            max_tokens=answer_tokens(self.reader, self.max_tokens),
            timeout_s=context.timeout_s,
            schema=subtask.answer_schema,
            temperature=0.0 if self.reader.spec.thinking == "none" else None,
        )
        read = _free if subtask.answer_schema is None else _structured
        return await asyncio.to_thread(read, subtask, completion, evidence)

    async def _search(self, query: str) -> tuple[Evidence, ...]:
        if inspect.iscoroutinefunction(self.retriever.search):
            found: Any = await self.retriever.search(query, self.passages)
        else:
            found = await asyncio.to_thread(self.retriever.search, query, self.passages)
        return tuple(found)

    def _prompt(self, subtask: Subtask, evidence: tuple[Evidence, ...], unit: str) -> RenderedPrompt:
        name = "agent_read" if subtask.answer_schema is None else "agent_read_structured"
        return self.prompts.load(name, unit=unit).render(
            question=subtask.text, passages=self._passages(evidence)
        )

    def _passages(self, evidence: tuple[Evidence, ...]) -> str:
        share = self.read_chars // self.read
        return "\n\n".join(f"[{passage.rank}] {passage.text[:share]}" for passage in evidence[: self.read])


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
