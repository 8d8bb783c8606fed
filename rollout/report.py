"""What is told of a canary: counts per arm, how it got where it is, and what to do next. Nothing here decides."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .gates import Look
    from .observation import Observation
    from .states import History

Part = Literal["shadow", "live"]
_FLAGS = ("error", "escalated", "truncated", "parse_failed")


@dataclass(slots=True, kw_only=True)
class Counts:
    """What one arm's requests came to."""

    requests: int = 0
    judged: int = 0
    """Those that a verifier passed or failed."""
    passed: int = 0
    error: int = 0
    escalated: int = 0
    truncated: int = 0
    parse_failed: int = 0
    latency_ms: float = 0.0
    """Of all together."""
    cost_usd: float = 0.0
    """Of all together."""

    def add(self, observation: Observation) -> None:
        """Take one observation in."""
        self.requests += 1
        self.judged += observation.passed is not None
        self.passed += bool(observation.passed)
        for name in _FLAGS:
            setattr(self, name, getattr(self, name) + getattr(observation, name))
        self.latency_ms += observation.latency_ms
        self.cost_usd += observation.cost_usd

    def to_json(self, alpha: float) -> dict[str, Any]:
        """Counts, and the rates and means they make; None where there is nothing to divide."""
        low, high = always_valid(self.passed, self.judged, alpha=alpha)
        return {
            **asdict(self),
            "pass_rate": _ratio(self.passed, self.judged),
            "pass_rate_low": low,
            "pass_rate_high": high,
            **{f"{name}_rate": _ratio(getattr(self, name), self.requests) for name in _FLAGS},
            "mean_latency_ms": _ratio(self.latency_ms, self.requests),
            "cost_per_pass_usd": _ratio(self.cost_usd, self.passed),
        }


@dataclass(slots=True)
class Tally:
    """Counts of one canary, by arm, in shadow and live."""

    counts: dict[tuple[Part, str], Counts] = field(default_factory=dict[tuple[Part, str], Counts])
    by_step: dict[int, dict[str, int]] = field(default_factory=dict[int, dict[str, int]])
    """Requests by arm, by the number of the transition that they came after."""
    pairs: set[str] = field(default_factory=set[str])
    """Requests that shadow was spent on."""

    def add(self, observation: Observation, step: int) -> None:
        """Take in an observation that came after the transition of that number."""
        part: Part = "shadow" if observation.pair else "live"
        self.counts.setdefault((part, observation.arm), Counts()).add(observation)
        arms = self.by_step.setdefault(step, {"baseline": 0, "candidate": 0})
        arms[observation.arm] += 1
        if observation.pair:
            self.pairs.add(observation.pair)


def always_valid(passed: int, judged: int, *, alpha: float) -> tuple[float, float]:
    """An interval for a pass rate that holds at every look at once with probability 1 − `alpha`.

    The rates at which a Beta(½, ½) mixture does not beat the observed counts by 1/`alpha` (Robbins 1970).
    """
    failed = judged - passed
    mixture = (
        math.lgamma(passed + 0.5) + math.lgamma(failed + 0.5) - math.lgamma(judged + 1) - math.log(math.pi)
    )
    limit = mixture + math.log(alpha)

    def believable(rate: float) -> bool:
        return passed * math.log(rate) + failed * math.log(1 - rate) >= limit

    tiny = 1e-12
    best = min(max(passed / judged if judged else 0.5, tiny), 1 - tiny)
    low = tiny if believable(tiny) else _edge(best, tiny, believable)
    high = 1 - tiny if believable(1 - tiny) else _edge(best, 1 - tiny, believable)
    return round(low, 6), round(high, 6)


def _edge(inside: float, outside: float, believable: Any) -> float:
    for _ in range(40):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if believable(middle) else (inside, middle)
    return inside


def report_of(history: History, tally: Tally, look: Look, known: Mapping[str, Any]) -> dict[str, Any]:
    """A canary's story as JSON data."""
    stage, last = history.stage, history.transitions[-1]
    alpha = history.plan.alpha
    arms = {
        part: {
            arm: tally.counts.get((part, arm), Counts()).to_json(alpha) for arm in ("baseline", "candidate")
        }
        for part in ("shadow", "live")
    }
    return {
        "id": history.rollout_id,
        "state": stage.state,
        "stage": stage.label,
        "share": stage.share,
        "why": last.why,
        "evidence": dict(last.evidence),
        "candidate": _arm(history, "candidate"),
        "baseline": _arm(history, "baseline"),
        "differs": history.candidate.differs(history.baseline),
        "plan": history.plan.model_dump(mode="json"),
        "timeline": _timeline(history, tally),
        "arms": arms,
        "pairs": len(tally.pairs),
        "gate": {"action": look.action, "reasons": list(look.reasons), "evidence": dict(known)},
        "ignored": [{**asdict(each), "stage": each.stage.label} for each in history.ignored],
        "lease": asdict(history.lease),
        "next": _next(history),
    }


def _timeline(history: History, tally: Tally) -> list[dict[str, Any]]:
    return [
        {
            "seq": step.seq,
            "at": step.at,
            "state": step.stage.state,
            "stage": step.stage.label,
            "share": step.stage.share,
            "why": step.why,
            "by": step.by,
            "requests": dict(tally.by_step.get(step.seq, {})),
            "evidence": dict(step.evidence),
        }
        for step in history.transitions
    ]


def _arm(history: History, arm: Literal["baseline", "candidate"]) -> dict[str, Any]:
    identity = history.candidate if arm == "candidate" else history.baseline
    return {"digest": identity.digest, **identity.to_json()}


def _next(history: History) -> str:
    """What the one who reads this may do."""
    name, candidate = history.rollout_id, history.candidate
    match history.stage.state:
        case "promoted":
            return (
                f"everybody in scope gets {candidate.spec or candidate.model_id!r}: make it your setting "
                f"(the model as `local` or `large`, a prompt with --prompt), then `pilotfish canary rollback {name}` "
                "takes the canary away"
            )
        case "paused":
            return f"everybody gets the baseline until `pilotfish canary resume {name}`"
        case "offline":
            return f"`pilotfish canary resume {name}` evaluates the outcome table that the plan names"
        case "rolled_back" | "superseded":
            return "nothing: this canary is over, and everybody gets the baseline"
        case _:
            return f"`pilotfish canary pause {name}` or `rollback {name}` gives everybody the baseline"


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None
