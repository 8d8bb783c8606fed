"""What differs between two recorded runs: plan, decisions, calls, escalations, verdicts, answers, and what they took.

Texts that the ledger does not hold are compared by the hashes that it does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..tracing.content import content_digest
from ..tracing.ledger import Ledger, Record
from .codec import digest, to_json

_SET_UP = ("task", "local", "large", "corpus", "policy", "prompts", "planner", "seed", "votes", "data_class")
_DIGITS = 12
"""Of a hash, where a text is not kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that is not the same; None where a run does not have it."""

    what: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtaskChange:
    """What is not the same about one subtask."""

    id: str
    changes: tuple[Change, ...]
    """One change `subtask` for a subtask that only one of the runs has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a run took, shadow calls left out."""

    calls: int
    replayed: int
    """Of the calls, those taken from the record of an earlier run."""
    input_tokens: int
    output_tokens: int
    cost_usd: float
    """As if every call had been made; a replayed one is counted at what it cost when it was."""
    billed_usd: float
    """What was in fact spent."""
    latency_ms: float
    """Of all calls one after the other; a replayed one has the latency of when it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """Two runs beside each other."""

    a: str
    b: str
    answer_changed: bool
    status: tuple[str, str]
    answers: tuple[str, str]
    """The texts; a hash where the text is not kept, empty where a run has no answer."""
    set_up: tuple[Change, ...]
    """Changes of what the runs were asked and made of."""
    plan_changed: bool
    subtasks: tuple[SubtaskChange, ...]
    """Those with changes only, in the order of the first run's plan."""
    before: Totals
    after: Totals

    def to_json(self) -> dict[str, Any]:
        """The object that `pilotfish runs diff --json` prints."""
        return to_json(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A run's records, sorted out."""

    began: Record
    plan: Record | None
    answer: Mapping[str, Any]
    calls: Sequence[Record]
    subtasks: Mapping[str, Mapping[str, Any]]


def diff_runs(ledger: Ledger, a: str, b: str) -> RunDiff:
    """What became different from run `a` to run `b`; an unknown run raises `UsageError`."""
    one, two = _read(ledger, a), _read(ledger, b)
    answers = (_text(one.answer, "text"), _text(two.answer, "text"))
    names = [*one.subtasks, *(name for name in two.subtasks if name not in one.subtasks)]
    found = [(name, _subtask_changes(name, one, two)) for name in names]
    return RunDiff(
        a=a,
        b=b,
        answer_changed=_sha(one.answer, "text") != _sha(two.answer, "text"),
        status=(one.answer.get("status", "unfinished"), two.answer.get("status", "unfinished")),
        answers=answers,
        set_up=tuple(_changes(_chosen(one.began), _chosen(two.began))),
        plan_changed=_shape(one) != _shape(two),
        subtasks=tuple(SubtaskChange(id=name, changes=changes) for name, changes in found if changes),
        before=_totals(one),
        after=_totals(two),
    )


def _read(ledger: Ledger, run_id: str) -> _Run:
    ledger.summary(run_id)
    records = ledger.records(run_id)
    plans = [record for record in records if record.kind == "plan"]
    answers = [record.body for record in records if record.kind == "answer"]
    return _Run(
        began=next(record for record in records if record.kind == "run"),
        plan=plans[-1] if plans else None,
        answer=answers[-1] if answers else {},
        calls=[r for r in records if r.kind == "call" and r.body.get("purpose") != "shadow"],
        subtasks={r.subtask_id: r.body for r in records if r.kind == "subtask" and r.subtask_id},
    )


def _chosen(began: Record) -> dict[str, Any]:
    chosen = {name: began.body.get(name) or None for name in _SET_UP}
    return {**chosen, "task": chosen["task"] or _hash_only(began.content_sha256 or "")}


def _shape(run: _Run) -> str:
    """The plan without what it says of its own making; where its texts are not kept, what is left of it."""
    names = ("id", "text", "depends_on", "tool", "arguments", "answer_schema", "verifier")
    if run.plan is None:
        return ""
    texts = run.plan.content_sha256 if run.plan.content_missing else None
    return digest(texts, [{name: row.get(name) for name in names} for row in run.plan.body["subtasks"]])


def _subtask_changes(name: str, one: _Run, two: _Run) -> tuple[Change, ...]:
    before, after = one.subtasks.get(name), two.subtasks.get(name)
    if before is None or after is None:
        present = ("there" if before else None, "there" if after else None)
        return (Change(what="subtask", before=present[0], after=present[1]),)
    found = list(_changes(_view(name, before, one), _view(name, after, two)))
    if _sha(before, "answer") != _sha(after, "answer"):
        found.append(Change(what="answer", before=_text(before, "answer"), after=_text(after, "answer")))
    return tuple(found)


def _view(name: str, body: Mapping[str, Any], run: _Run) -> dict[str, Any]:
    """What of a subtask is compared, besides its answer."""
    decision, verdict = body.get("decision") or {}, body["verdict"]
    calls = [record.body for record in run.calls if record.subtask_id == name]
    return {
        "question": body["text"] or None,
        **{f"decision.{key}": decision.get(key) for key in ("policy", "version", "kind", "lane")},
        "lane": body["lane"],
        "escalations": [f"{e['source']} → {e['target']} ({e['reason']})" for e in body["escalations"]],
        "verdict": f"{verdict['status']} ({verdict['checked']})",
        "status": body["status"],
        "failure": body.get("failure"),
        "calls": _counted([_call_name(call) for call in calls]),
    }


def _call_name(call: Mapping[str, Any]) -> str:
    identity = f"{call['model_id']}@{call['model_digest'][:_DIGITS]}"
    purpose = call.get("purpose", "answer")
    arm = f" {call['arm']}" if call.get("arm") else ""
    return f"{identity} {call['prompt_name']}@{call['prompt_version']} {purpose}{arm}"


def _counted(names: Sequence[str]) -> list[str]:
    return [f"{count} × {name}" for name, count in Counter(names).items()]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return [
        Change(what=name, before=before[name], after=after[name])
        for name in before
        if before[name] != after[name]
    ]


def _sha(body: Mapping[str, Any], name: str) -> str:
    """The hash of a text, written with it or, in an older record, made from it."""
    if not body:
        return ""
    text = body.get(name)
    return body.get(f"{name}_sha256") or ("" if text is None else content_digest(text))


def _text(body: Mapping[str, Any], name: str) -> str:
    if text := body.get(name):
        return text
    known = body.get(f"{name}_sha256")
    return _hash_only(known) if known and known != content_digest("") else ""


def _hash_only(sha256: str) -> str:
    return f"(not kept, sha256 {sha256[:_DIGITS]})"


def _totals(run: _Run) -> Totals:
    calls = [record.body for record in run.calls]
    billed = sum(call["cost_usd"] for call in calls)
    return Totals(
        calls=len(calls),
        replayed=sum(call.get("replayed", False) for call in calls),
        input_tokens=sum(call["input_tokens"] for call in calls),
        output_tokens=sum(call["output_tokens"] for call in calls),
        cost_usd=billed + sum(call.get("recorded_cost_usd", 0.0) for call in calls),
        billed_usd=billed,
        latency_ms=sum(call["latency_ms"] for call in calls),
    )
