"""The `constrained` wrapper: lanes that a data class, a text's length or a latency target forbids are not chosen.

This is the choice of the first lane only, by names of lanes. The hard data policy is not here: `agents.data_gate`
and the client boundary hold every hop to it (escalations, planners, tools, stand-ins), by where each model is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from .. import UsageError
from .lanes import lane_of
from .policy import Decision, LaneName, Policy, large_score
from .subtask import Subtask
from .wrapper import Wrapper, signed

VERSION = "1"
DATA_CLASSES: Mapping[str, tuple[LaneName, ...]] = {
    "public": ("local", "retrieval", "large"),
    "internal": ("local", "retrieval", "large"),
    "restricted": ("local", "retrieval"),
}
"""The lanes each data class may go to, unless told otherwise; one that is not named may go to `UNNAMED` only."""
UNNAMED: tuple[LaneName, ...] = ("local", "retrieval")
_CHARACTERS_PER_TOKEN = 4.0
_INSTEAD: Mapping[LaneName, tuple[LaneName, ...]] = {
    "local": ("retrieval", "large"),
    "retrieval": ("local", "large"),
    "large": ("retrieval", "local"),
}
"""Lanes in the place of a forbidden one, best first, where the kind does not say."""
LANES: tuple[LaneName, ...] = tuple(_INSTEAD)


class Constrained(Wrapper):
    """`policy`, moved off the lanes that a constraint forbids.

    `data_classes` maps a class to the lane or lanes it may go to; `context_tokens` is what the small model can read,
    by characters over four; `latencies` are seconds by lane and `latency_s` the target. A lane whose latency is not
    given is not held against the target. Data class wins over length, and length over latency.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        data_classes: Mapping[str, str | Sequence[str]] | None = None,
        context_tokens: int | None = None,
        latency_ms: float | None = None,
        latencies_ms: Mapping[str, float] | None = None,
    ) -> None:
        super().__init__(policy)
        given = DATA_CLASSES if data_classes is None else data_classes
        self.data_classes = {name: _lanes(name, lanes) for name, lanes in given.items()}
        self.context_tokens = _positive("context_tokens", context_tokens)
        self.latency_ms = _positive("latency_ms", latency_ms)
        self.latencies_ms = {
            _lane(name, "latencies_ms"): _taken(name, ms) for name, ms in (latencies_ms or {}).items()
        }
        if self.latency_ms is not None and not self.latencies_ms:
            raise UsageError(
                f"the target latency_ms={latency_ms!r} needs what each lane takes: give latencies_ms, "
                "such as {local: 800, large: 4000}"
            )

    def __repr__(self) -> str:
        told = {"context_tokens": self.context_tokens, "latency_ms": self.latency_ms}
        limits = "".join(f", {name}={limit!r}" for name, limit in told.items() if limit is not None)
        return f"Constrained({self.inner!r}, data_classes={sorted(self.data_classes)}{limits})"

    def revise(self, subtasks: Sequence[Subtask], decisions: Sequence[Decision]) -> list[Decision]:
        """Each decision on a lane that it may go to, or on the safest where all are forbidden."""
        return [self._one(subtask, decision) for subtask, decision in zip(subtasks, decisions, strict=True)]

    def _one(self, subtask: Subtask, decision: Decision) -> Decision:
        if decision.lane == "tool":
            return _settled(decision, "tool", "a tool has the subtask, no lane to choose")
        ruled_out: set[LaneName] = set()
        forbidden: list[str] = []
        given_up: list[str] = []
        for why, lanes in self._forbidden(
            subtask
        ):  # the strictest first: what it leaves no lane for gives way
            if set(LANES) <= ruled_out | set(lanes):
                given_up.append(why)
                continue
            ruled_out |= set(lanes)
            if decision.lane in lanes:
                forbidden.append(why)
        order = (decision.lane, lane_of(subtask, decision.kind), *_INSTEAD[decision.lane])
        lane: LaneName = next(each for each in order if each not in ruled_out)
        why = f"moved from {decision.lane} to {lane}: {'; '.join(forbidden)}"
        if lane == decision.lane:
            why = f"{lane} is allowed"
        if given_up:
            why += f", although {' and '.join(given_up)}: no lane satisfies every constraint"
        return _settled(decision, lane, why, barred="large" in ruled_out)

    def _forbidden(self, subtask: Subtask) -> list[tuple[str, tuple[LaneName, ...]]]:
        """Why, and for which lanes: the data class first, which never gives way."""
        found: list[tuple[str, tuple[LaneName, ...]]] = []
        for name in subtask.data_classes:
            allowed = self.data_classes.get(name, UNNAMED)
            barred: tuple[LaneName, ...] = tuple(lane for lane in LANES if lane not in allowed)
            if barred:
                what = f"data class {name!r}" + ("" if name in self.data_classes else ", which is not named,")
                found.append((f"{what} may go to {' and '.join(allowed)} only", barred))
        tokens = math.ceil(len(subtask.text) / _CHARACTERS_PER_TOKEN)
        if self.context_tokens is not None and tokens > self.context_tokens:
            why = f"about {tokens} tokens are more than the small model's {self.context_tokens}"
            found.append((why, ("local", "retrieval")))
        slow: tuple[LaneName, ...] = tuple(lane for lane in LANES if self._is_slow(lane))
        if slow:
            taken = ", ".join(f"{lane} takes {self.latencies_ms[lane]:g} ms" for lane in slow)
            found.append((f"{taken} against a target of {self.latency_ms:g} ms", slow))
        return found

    def _is_slow(self, lane: LaneName) -> bool:
        return self.latency_ms is not None and self.latencies_ms.get(lane, 0.0) > self.latency_ms


def make_constrained(policy: Policy, *, constraints: str | Mapping[str, Any] | None = None) -> Constrained:
    """`policy` under constraints: a mapping, YAML or JSON text, or the path of a file of it; None takes the defaults.

    Its keys are the keyword arguments of `Constrained`. Raises `UsageError` naming the key or value that will not do.
    """
    given = {} if constraints is None else _read(constraints)
    known = ("data_classes", "context_tokens", "latency_ms", "latencies_ms")
    for name in given:
        if name not in known:
            raise UsageError(f"unknown constraint {name!r}; there are: {', '.join(known)}")
    for name in ("data_classes", "latencies_ms"):
        if given.get(name) is not None and not isinstance(given[name], Mapping):
            raise UsageError(f"constraint {name!r} is {given[name]!r}; it maps names to values")
    return Constrained(policy, **given)


def _read(constraints: str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(constraints, Mapping):
        return dict(constraints)
    path, source = Path(constraints), "the constraints given"
    if ":" not in constraints or path.suffix in (".yaml", ".yml", ".json"):
        try:
            constraints, source = path.read_text(encoding="utf-8"), repr(str(path))
        except OSError as error:
            raise UsageError(
                f"no constraints at {constraints!r}: {error.strerror}; or write them as YAML"
            ) from None
        except UnicodeDecodeError:
            raise UsageError(f"the constraints {constraints!r} are not text in UTF-8") from None
    try:
        found = yaml.safe_load(constraints)
    except yaml.YAMLError as error:
        raise UsageError(f"{source} are not YAML or JSON: {error}") from None
    if not isinstance(found, dict):
        raise UsageError(f"{source} are {found!r}; expected names with values, such as context_tokens: 2048")
    return cast("dict[str, Any]", found)


def _settled(decision: Decision, lane: LaneName, why: str, *, barred: bool = False) -> Decision:
    """`barred`: the large model may not have it, however much it would gain."""
    gain = 1.0 if lane == "large" != decision.lane else decision.large_gain
    if barred:
        gain = min(large_score(decision), 0.0)
    kept = lane == decision.lane
    return signed(
        decision,
        policy="constrained",
        version=VERSION,
        lane=lane,
        reason=f"{why}; {decision.reason}",
        large_gain=gain,
        model=decision.model if kept else None,
        expected_quality=decision.expected_quality if kept else None,
        expected_cost_usd=decision.expected_cost_usd if kept else None,
    )


def _lanes(name: str, lanes: str | Sequence[str]) -> tuple[LaneName, ...]:
    if not isinstance(lanes, str | Sequence):  # pyright: ignore[reportUnnecessaryIsInstance] - from a file
        raise UsageError(f"data class {name!r} may go to {lanes!r}; name lanes of: {', '.join(LANES)}")
    given: Iterable[str] = [lanes] if isinstance(lanes, str) else lanes
    found: tuple[LaneName, ...] = tuple(_lane(lane, f"data class {name!r}") for lane in given)
    if not found:
        raise UsageError(f"data class {name!r} may go to no lane; name at least one of: {', '.join(LANES)}")
    return found


def _lane(name: str, where: str) -> LaneName:
    if name not in LANES:
        raise UsageError(f"{where} names the lane {name!r}; there are: {', '.join(LANES)}")
    return name


def _taken(lane: str, ms: Any) -> Any:
    """A lane's latency: a number, and 0 for one that takes no time."""
    if isinstance(ms, bool) or not isinstance(ms, int | float) or not ms >= 0:
        raise UsageError(f"constraint 'latencies_ms' of {lane!r} is {ms!r}; it must be a number, 0 or more")
    return ms


def _positive(name: str, limit: Any) -> Any:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int | float) or not limit > 0):
        raise UsageError(f"constraint {name!r} is {limit!r}; it must be a number above 0")
    return limit
