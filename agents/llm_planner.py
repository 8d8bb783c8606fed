"""The LLM planner: any capable model writes the plan; what does not validate falls back to the rules, and says why."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from typing import Any

from ..models.client import Completion
from ..models.request import model_identity
from ..prompts import PromptChoice
from ..router.subtask import Subtask
from .caller import Caller, Model
from .codec import digest
from .model_lane import answer_tokens
from .plan import Plan, PlanError
from .planner import Planner, make_plan
from .rule_planner import RulePlanner

logger = logging.getLogger(__name__)
_PROMPT = "agent_plan"
_MOST_SUBTASKS = 12
_MAX_TOKENS = 1024
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["subtasks"],
    "properties": {
        "subtasks": {
            "type": "array",
            "minItems": 1,
            "maxItems": _MOST_SUBTASKS,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["id", "text", "depends_on"],
                "properties": {
                    "id": {"type": "string", "pattern": "^s[0-9]{1,2}$"},
                    "text": {"type": "string", "minLength": 3},
                    "depends_on": {"type": "array", "items": {"type": "string"}, "maxItems": _MOST_SUBTASKS},
                },
            },
        }
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMPlanner:
    """Plans with `model`; `fallback` plans when the model's plan cannot be used."""

    model: Model
    fallback: Planner = field(default_factory=RulePlanner)
    prompts: PromptChoice = field(default_factory=PromptChoice)
    """Which version of its prompt."""
    caller: Caller | None = None
    """Set by the run: calls go through its budget and ledger."""

    @property
    def identity(self) -> str:
        """The model, its prompt and the schema of plans, as one digest."""
        model, prompt = self.model, self.prompts.load(_PROMPT)
        terms = (model_identity(model.chat, model.spec), prompt.messages, _SCHEMA, _MAX_TOKENS)
        return digest(*terms, repr(self.fallback))

    def with_caller(self, caller: Caller, /) -> LLMPlanner:
        """The same planner within a run."""
        return replace(self, caller=caller)

    async def plan(self, task: str, /) -> Plan:
        """The model's plan, or the fallback's with the reason in its note."""
        if self.caller is None:
            raise PlanError("the LLM planner plans only inside a run; call it through an Agent")
        try:
            completion = await self._asked(task, self.caller)
        except Exception as error:  # a model's crash must not take the run with it
            logger.exception("the planning model %r crashed", self.model.spec.id)
            return await self._by_fallback(task, self.caller, f"{type(error).__name__}: {error}")
        if completion.failure is not None:
            return await self._by_fallback(task, self.caller, f"{completion.failure}: {completion.detail}")
        try:
            return Plan([_subtask(row) for row in completion.value["subtasks"]], planner="llm")
        except PlanError as error:
            return await self._by_fallback(task, self.caller, str(error))

    async def _asked(self, task: str, caller: Caller) -> Completion:
        return await caller.complete(
            self.model,
            self.prompts.load(_PROMPT).render(task=task),
            schema=_SCHEMA,
            max_tokens=answer_tokens(self.model, _MAX_TOKENS),
            temperature=0.0 if self.model.spec.thinking == "none" else None,
        )

    async def _by_fallback(self, task: str, caller: Caller, reason: str) -> Plan:
        plan = await make_plan(self.fallback, task, caller)
        note = f"the plan of {self.model.spec.id} was not used ({reason})"
        return Plan(plan.subtasks, planner=plan.planner, note=note, outputs=plan.outputs)


def _subtask(row: dict[str, Any]) -> Subtask:
    return Subtask(id=row["id"], text=row["text"], depends_on=tuple(row["depends_on"]))
