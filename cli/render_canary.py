"""A canary's story for people: what is tried, how it got where it is, the numbers, and what it waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..rollout.states import History

_COLOURS = {"promoted": "green", "rolled_back": "red", "superseded": "yellow", "paused": "yellow"}
_SCOPE = ("workflows", "kinds", "tenants")


def render_canaries(console: Console, histories: Sequence[History]) -> None:
    """Every canary on a line, the oldest first."""
    table = _table("canary", "stage", "since (UTC)", "candidate", "why")
    for history in histories:
        last = history.transitions[-1]
        told = history.candidate.spec or history.candidate.model_id
        table.add_row(history.rollout_id, last.stage.label, _when(last.at), Text(told), Text(last.why))
    console.print(table)
    console.print()


def render_canary(console: Console, report: Mapping[str, Any]) -> None:
    """One canary, from its `Rollout.report()`."""
    state, since = report["state"], _when(report["timeline"][-1]["at"])
    console.print(
        f"canary {report['id']}: {report['stage']} since {since} UTC",
        style=f"bold {_COLOURS.get(state, '')}".strip(),
        markup=False,
    )
    for line in _about(report):
        console.print(line, markup=False)
    console.print()
    console.print(_timeline(report))
    if any(arm["requests"] for part in report["arms"].values() for arm in part.values()):
        console.print()
        console.print(_numbers(report))
        console.print()
        console.print(_comparisons(report))
        console.print()
        for line in _legend(report):
            console.print(line, style="dim", markup=False)
    for line in _verdict(report):
        console.print(line, markup=False)


def render_change(console: Console, report: Mapping[str, Any]) -> None:
    """Two lines after a command: what is now, and what to do."""
    colour = _COLOURS.get(report["state"], "")
    now = f"canary {report['id']}: {report['stage']} ({report['why']})"
    console.print(now, style=f"bold {colour}".strip(), markup=False, soft_wrap=True)
    console.print(f"what to do: {report['next']}", markup=False, soft_wrap=True)


def _about(report: Mapping[str, Any]) -> list[str]:
    plan = report["plan"]
    scope = [f"{name} {', '.join(plan[name])}" for name in _SCOPE if plan[name]]
    arms = [f"{arm:9} {report[arm]['spec'] or report[arm]['model_id']}" for arm in ("candidate", "baseline")]
    return [
        *arms,
        f"{'differs':9} {'; '.join(report['differs'])}",
        f"{'scope':9} {'; '.join(scope) or 'every request'}",
    ]


def _timeline(report: Mapping[str, Any]) -> Table:
    table = _table("when (UTC)", "stage", "by", "candidate's", "why")
    for step in report["timeline"]:
        counts = step["requests"]
        of = f"{sum(counts.values())}" if step["state"] != "shadow" else f"{counts.get('baseline', 0)} pairs"
        requests = f"{counts['candidate']} of {of}" if counts else ""
        style = _COLOURS.get(step["state"], "")
        stage = Text(step["stage"], style=style)
        table.add_row(_when(step["at"]), stage, step["by"], requests, Text(step["why"]))
    return table


def _numbers(report: Mapping[str, Any]) -> Table:
    columns = (
        "requests",
        "pass rate",
        "errors",
        "escalated",
        "truncated",
        "unparsed",
        "latency",
        "$ per pass",
    )
    table = _table("", "arm", *columns)
    for part, arms in report["arms"].items():
        for arm, each in arms.items():
            if each["requests"]:
                rates = [_percent(each[f"{name}_rate"]) for name in ("error", "escalated", "truncated")]
                cost = each["cost_per_pass_usd"]
                table.add_row(
                    part,
                    arm,
                    str(each["requests"]),
                    _passes(each),
                    *rates,
                    _percent(each["parse_failed_rate"]),
                    f"{each['mean_latency_ms']:.0f} ms",
                    "" if cost is None else f"{cost:.6f}",
                )
    return table


def _passes(each: Mapping[str, Any]) -> str:
    """Pass rate and interval, and of how many answers where some could not be judged."""
    if not each["judged"]:
        return "nothing judged"
    low, high = _percent(each["pass_rate_low"]), _percent(each["pass_rate_high"])
    of = f" of {each['judged']} judged" if each["judged"] < each["requests"] else ""
    return f"{_percent(each['pass_rate'])}{of} ({low} to {high})"


def _comparisons(report: Mapping[str, Any]) -> Table:
    """Test by test: the candidate less the baseline."""
    table = _table("candidate less baseline", "compared", "points", "interval", "e-value")
    known = report["gate"]["evidence"]
    for test in known.get("tests", ()):
        if test["comparisons"]:
            interval = f"{100 * test['low']:+.1f} to {100 * test['high']:+.1f}"
            gain, e_value = f"{100 * test['gain']:+.1f}", f"{test['e_value']:.3g}"
            table.add_row(test["name"], str(test["comparisons"]), gain, interval, e_value)
    return table


def _legend(report: Mapping[str, Any]) -> list[str]:
    known = report["gate"]["evidence"]
    guard, sure = known["error_guard"], 100 * (1 - report["plan"]["alpha"])
    return [
        f"Intervals hold at every look, {sure:.3g} % sure; above 0 points the candidate is better.",
        f"It goes back at an e-value of {known['needed']:.3g} over all comparisons (now {known['e_value']:.3g}), or of "
        f"{guard['needed']:.3g} for errors (now {guard['e_value']:.3g}, with {guard['errors']} in {guard['calls']}).",
        *_promotion(known["live_pass_rate"]),
    ]


def _promotion(live: Mapping[str, Any]) -> list[str]:
    """What promotion waits for; the intervals above also hold the pairs of the shadow."""
    if not live["comparisons"]:
        return []
    return [
        f"Promotion takes a pass rate above {100 * live['needed']:+.3g} points in live requests alone (now shown above "
        f"{100 * live['low']:+.1f}, in {live['comparisons']} comparisons)."
    ]


def _verdict(report: Mapping[str, Any]) -> list[str]:
    lines: list[str] = [""]
    if report["state"] in ("rolled_back", "promoted"):
        lines.append(f"{report['stage']}: {report['why']}")
    elif report["gate"]["reasons"]:
        lines.append(f"next gate: {'; '.join(report['gate']['reasons'])}")
    lines += [
        f"ignored: record {each['seq']} would have made it {each['stage']}, but {each['why']}"
        for each in report["ignored"]
    ]
    return [*lines, f"what to do: {report['next']}"]


def _table(*columns: str) -> Table:
    table = Table(show_edge=False, pad_edge=False, header_style="dim", caption_style="dim", box=None)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _when(at: str) -> str:
    return at[:19].replace("T", " ")


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.1f} %"
