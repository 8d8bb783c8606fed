"""The local and the large lane: a chat model answers the subtask, freely or under its schema."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Literal

from ..models.data_policy import DataPolicy
from ..models.thinking import extract_boxed
from ..prompts import PromptChoice, RenderedPrompt
from ..router.subtask import Subtask
from .attempt import Attempt
from .caller import Model
from .lane import LaneContext, known_so_far

_ANSWER = re.compile(r"(?:final\s+)?answer\s*(?:is|:)\s*(?P<answer>\S.*)", re.IGNORECASE)
_SAMPLE_TEMPERATURE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLane:
    """A model as a lane. It checks nothing: verification is the subtask graph's."""

    name: Literal["local", "large"]
    model: Model
    max_tokens: int = 512
    prompt: str = "agent_answer"
    """Name of the prompt for free answers."""
    structured_prompt: str = "agent_structured"
    """Name of the prompt for answers under a schema."""
    prompts: PromptChoice = field(default_factory=PromptChoice)
    """Which version of each prompt."""

    async def attempt(self, subtask: Subtask, context: LaneContext, /) -> Attempt:
        """One completion. The first sample is greedy unless the model's own sampling says otherwise."""
        completion = await context.caller.complete(
            self.model,
            self._prompt(subtask, context),
            seed=context.seed + context.sample,
            max_tokens=answer_tokens(self.model, self.max_tokens),
            timeout_s=context.timeout_s,
            schema=subtask.answer_schema,
            temperature=self._temperature(context),
        )
        if completion.failure is not None:
            return Attempt(
                lane=self.name, calls=completion.calls, failure=completion.failure, detail=completion.detail
            )
        if subtask.answer_schema is not None:
            text = json.dumps(completion.value, ensure_ascii=False)
            return Attempt(lane=self.name, text=text, value=completion.value, calls=completion.calls)
        text = final_answer(completion.text)
        if not text:
            return Attempt(
                lane=self.name,
                calls=completion.calls,
                failure="parse_error",
                detail="the model answered nothing",
            )
        return Attempt(lane=self.name, text=text, calls=completion.calls, detail=completion.text.strip())

    def refusal(self, subtask: Subtask, data_policy: DataPolicy, /) -> str | None:
        """Why its model may not see the subtask; None where it may."""
        spec = self.model.spec
        return data_policy.refusal(subtask.data_classes, locality=spec.locality, model_id=spec.id)

    def prompt_name(self, subtask: Subtask, /) -> str:
        """The prompt that asks for this subtask's answer."""
        return subtask.prompt or (self.prompt if subtask.answer_schema is None else self.structured_prompt)

    def _prompt(self, subtask: Subtask, context: LaneContext) -> RenderedPrompt:
        name = self.prompt_name(subtask)
        known = known_so_far(context.upstream)
        prompt = self.prompts.load(name, unit=context.unit)
        return prompt.render(subtask.prompt_values, question=subtask.text, known=known)

    def _temperature(self, context: LaneContext) -> float | None:
        if self.model.spec.thinking != "none":
            return None  # a reasoning model keeps the sampling of its card
        return _SAMPLE_TEMPERATURE if context.sample else 0.0


def answer_tokens(model: Model, most: int) -> int:
    """Most tokens of an answer; a model that thinks first needs what its card gives it."""
    return most if model.spec.thinking == "none" else max(most, model.spec.sampling.max_tokens)


def final_answer(text: str) -> str:
    """The answer in a model's words: the last `\\boxed{…}`, else what follows the last "answer:", else all of it."""
    boxed = extract_boxed(text)
    if boxed is not None:
        return boxed.strip()
    stated = [match["answer"] for match in _ANSWER.finditer(text)]
    return (stated[-1] if stated else text).strip()
