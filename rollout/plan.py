"""The plan of a canary: who takes part, how far each stage goes, and what is proof enough to go on or to go back.

It is a frozen record, read from YAML. What it asks for is measured in `gates`; nothing here looks at data.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from .. import UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Metric = Literal["passed", "escalated", "truncated", "parse_failed", "latency_ms", "cost_usd"]
"""What is compared between the arms; each is a field of an observation."""
_LATER = ("escalated", "truncated", "parse_failed", "latency_ms", "cost_usd")
METRICS: tuple[Metric, ...] = ("passed", *_LATER)
KINDS = ("reasoning", "knowledge")
"""The kinds of subtask there are."""
_LISTS = {
    "ramp": "[0.05, 0.2, 0.5]",
    "metrics": "[passed, escalated]",
    "workflows": "[shipping]",
    "kinds": "[knowledge]",
    "tenants": "[acme]",
}
"""An example of each key that takes a list."""


class RolloutPlan(BaseModel):
    """How a candidate is tried. Every field has a default that suits a service of some thousand requests a day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ramp: tuple[float, ...] = (0.01, 0.05, 0.2, 0.5)
    """Shares of the units that get the candidate, stage by stage."""
    outcomes: str = ""
    """Path of an outcome table with both models, for an evaluation before any request; empty to do without."""
    shadow_pairs: int = Field(default=200, ge=0)
    """Fewest pairs before shadow may end; 0 leaves shadow out."""
    shadow_share: float = Field(default=1.0, gt=0, le=1)
    """Share of the units whose requests are also carried out by the candidate, in shadow."""
    shadow_cap: int = Field(default=2000, ge=0)
    """Most requests carried out in shadow."""
    min_requests: int = Field(default=200, ge=1)
    """Fewest requests of the candidate in each stage of the ramp."""
    max_hours: float = Field(default=168.0, gt=0)
    """Longest that a stage may last; one that did not fill up by then ends the canary."""
    bake_requests: int = Field(default=1000, ge=0)
    """Fewest requests of the candidate at the last share before it is promoted."""
    alpha: float = Field(default=0.05, gt=0, lt=1)
    """Chance that a harmless candidate is rolled back, over all metrics and all looks."""
    margin: float = Field(default=0.03, gt=0, lt=1)
    """Promotion needs proof that the pass rate is not worse by this much (0.03: three points)."""
    error_limit: float = Field(default=0.02, gt=0, lt=1)
    """Share of requests with an error that the candidate may have, whatever the baseline does."""
    metrics: tuple[Metric, ...] = METRICS
    """What is compared, the pass rate first."""
    workflows: tuple[str, ...] = ()
    """Agents that take part, by name; empty is all of them."""
    kinds: tuple[str, ...] = ()
    """Kinds of subtask that take part; empty is both."""
    tenants: tuple[str, ...] = ()
    """Tenants that take part; empty is everybody."""

    @property
    def offline(self) -> bool:
        """Whether an evaluation on recorded outcomes comes first."""
        return bool(self.outcomes)

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that stand for everything in the plan."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @field_validator("ramp")
    @classmethod
    def _rising(cls, ramp: tuple[float, ...]) -> tuple[float, ...]:
        if not ramp or any(not 0 < share < 1 for share in ramp) or sorted(set(ramp)) != list(ramp):
            raise ValueError(
                "the shares of the ramp must rise, each between 0 and 1, such as [0.01, 0.05, 0.2]"
            )
        return ramp

    @field_validator("metrics")
    @classmethod
    def _pass_rate_first(cls, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
        if metrics[:1] != ("passed",) or len(set(metrics)) != len(metrics):
            raise ValueError("'passed' comes first, and each metric once")
        return metrics

    @model_validator(mode="after")
    def _cap_allows_the_pairs(self) -> Self:
        if self.shadow_cap < self.shadow_pairs:
            raise ValueError(
                f"shadow_cap {self.shadow_cap} is below shadow_pairs {self.shadow_pairs}: shadow could never end"
            )
        return self

    def takes_part(self, *, workflow: str, kind: str, tenant: str) -> bool:
        """Whether a request is in the canary's scope."""
        return all(
            not named or value in named
            for named, value in ((self.workflows, workflow), (self.kinds, kind), (self.tenants, tenant))
        )

    def overlaps(self, other: RolloutPlan) -> bool:
        """Whether some request could be in both scopes."""
        scopes = (
            (self.workflows, other.workflows),
            (self.kinds, other.kinds),
            (self.tenants, other.tenants),
        )
        return all(not mine or not theirs or bool({*mine} & {*theirs}) for mine, theirs in scopes)


def load_plan(path: Path) -> RolloutPlan:
    """Read a plan from YAML. A key that is unknown or a value that cannot be raises `UsageError` and is named."""
    import yaml

    try:
        data: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"the plan {str(path)!r} cannot be read: {_plainly(error)}") from None
    if data is None:
        return RolloutPlan()
    if not isinstance(data, Mapping):
        raise UsageError(f"the plan {str(path)!r} must be YAML keys such as 'ramp: [0.01, 0.05, 0.2, 0.5]'")
    plan = plan_from(cast("Mapping[str, Any]", data), name=str(path))
    wrong = next((kind for kind in plan.kinds if kind not in KINDS), None)
    if wrong is not None:
        raise UsageError(
            f"{str(path)!r}: kinds: there is no kind {wrong!r}, the nearest is {_nearest(wrong, KINDS)!r} "
            f"(there are: {', '.join(KINDS)})"
        )
    if not plan.outcomes:
        return plan
    return plan.model_copy(update={"outcomes": str((path.parent / plan.outcomes).absolute())})


def plan_from(data: Mapping[str, Any], *, name: str = "plan") -> RolloutPlan:
    """A plan from its fields; `name` is what errors call it."""
    try:
        return RolloutPlan.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the plan"
        raise UsageError(f"{name!r}: {where}: {_why(first)}") from None


def _why(error: ErrorDetails) -> str:
    """What is wrong with a key and what to write instead, without the words of the library that found it."""
    key = str(error["loc"][0]) if error["loc"] else ""
    if error["type"] == "extra_forbidden":
        known = tuple(RolloutPlan.model_fields)
        return (
            f"there is no such key, the nearest is {_nearest(key, known)!r} (there are: {', '.join(known)})"
        )
    if error["type"] == "tuple_type":
        return f"write a list, such as {_LISTS[key]}"
    words = error["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return words if error["type"] == "value_error" else f"{error['input']!r} will not do, it {words}"


def _nearest(name: str, known: Collection[str]) -> str:
    return difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]


def _plainly(error: Exception) -> str:
    """Why a file cannot be read, without its name."""
    import yaml

    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        mark = error.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem or 'no YAML'}"
    return "it is no UTF-8 text" if isinstance(error, UnicodeDecodeError) else "it is no YAML"
