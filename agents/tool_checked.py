"""Checks an answer against what a function of the workflow computes; when they differ both are named.

The function is the authority: the verdict fails openly (`chose X; the optimiser found Y`) instead of mending the
answer, so that whoever reads the run sees that the model was overruled.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..router.subtask import Subtask
from .attempt import Attempt, Verdict
from .equivalence import same_value
from .verifier import unknown


def answer_of(attempt: Attempt) -> Any:
    """The attempt's value, or its text when it has no value."""
    return attempt.text if attempt.value is None else attempt.value


@dataclass(frozen=True, slots=True)
class ToolChecked:
    """Compares the answer with the truth a function computes.

    The function takes `(subtask, attempt)` and returns the true answer as JSON data, or `None` when it cannot tell,
    or a whole `Verdict` when there is more than one right answer. It may be a coroutine function.
    """

    name: str
    """What the verdict calls the function: `optimiser`, `tide table`."""
    function: Callable[[Subtask, Attempt], Any]
    chosen: Callable[[Attempt], Any] = answer_of
    """Picks the part of the answer that the truth is about."""

    async def check(self, subtask: Subtask, attempt: Attempt, /) -> Verdict:
        """Pass when the answer and the truth are the same, fail naming both when they are not."""
        if inspect.iscoroutinefunction(self.function):
            truth = self.function(subtask, attempt)
        else:
            truth = await asyncio.to_thread(self.function, subtask, attempt)
        return await asyncio.to_thread(
            self._judge, await truth if isinstance(truth, Awaitable) else truth, attempt
        )

    def _judge(self, truth: Any, attempt: Attempt) -> Verdict:
        if isinstance(truth, Verdict):
            return truth
        if truth is None:
            return unknown(self.name, f"the {self.name} could not tell")
        chosen = self.chosen(attempt)
        if same_value(chosen, truth):
            return Verdict(
                status="pass", reason=f"the {self.name} found the same: {truth}", checked=self.name
            )
        return Verdict(
            status="fail",
            reason=f"chose {_shown(chosen)}; the {self.name} found {_shown(truth)}",
            checked=self.name,
        )


def _shown(value: Any, limit: int = 200) -> str:
    text = " ".join(str(value).split()) or "nothing"
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
