"""What a recorded run brought: replies and tool values, to be taken again where the request is the same."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from ..models.recorded import RecordedReply
from ..tracing.content import content_digest
from ..tracing.ledger import Ledger, Record
from .codec import digest

_UNANSWERED = ("error", "cancelled")
"""Finish reasons of calls that brought nothing which could be taken again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolOutcome:
    """What invoking a tool came to."""

    text: str = ""
    value: Any = None
    fault: str = ""
    """Why the tool refused its arguments; empty where it computed something."""

    @property
    def sha256(self) -> str:
        """The outcome's identity, which stays in the record where its text does not."""
        return digest(self.text, self.value, self.fault)


def was_answered(call: Mapping[str, Any]) -> bool:
    """Whether a recorded call brought an answer of its model's; one by another model is none."""
    return call["finish_reason"] not in _UNANSWERED and call.get("failure") != "model_unavailable"


class RecordedRun:
    """The replies and tool values of one run. The same request made several times takes them one after the other."""

    def __init__(self, ledger: Ledger, run_id: str) -> None:
        self.run_id = run_id
        self._ledger = ledger
        self._calls: defaultdict[str, list[Record]] = defaultdict(list)
        self._tools: dict[str, ToolOutcome] = {}
        for record in ledger.records(run_id, "call", "tool"):
            if record.kind == "call":
                if was_answered(record.body):
                    self._calls[record.body.get("request_sha256", "")].append(record)
            elif record.key and (outcome := _outcome(record)) is not None:
                self._tools[record.key] = outcome

    def __repr__(self) -> str:
        return f"RecordedRun({self.run_id!r})"

    def reply(self, request_sha256: str, /) -> RecordedReply | None:
        """What was answered to this request, or None where it was not made or its answer is not kept."""
        calls = self._calls.get(request_sha256)
        if not calls:
            return None
        return self._read(calls.pop(0) if len(calls) > 1 else calls[0])

    def tool(self, request: str, /) -> ToolOutcome | None:
        """What this tool computed from these arguments, or None where it did not or its value is not kept."""
        return self._tools.get(request)

    def _read(self, record: Record) -> RecordedReply | None:
        if record.content_unkept:
            return None  # also where another run kept the same texts
        call = record.body
        text, odds = self._text(call["answer_sha256"]), self._text(call["logprobs_sha256"])
        if text is None or odds is None:
            return None
        return RecordedReply(
            text=text,
            finish_reason=call["finish_reason"],
            input_tokens=call["input_tokens"],
            output_tokens=call["output_tokens"],
            latency_ms=call["latency_ms"],
            cost_usd=call["cost_usd"] + call["recorded_cost_usd"],
            logprobs=json.loads(odds) if odds else None,
        )

    def _text(self, sha256: str) -> str | None:
        """The text of a hash, empty where there was none; None where it is not kept, or not as it was written."""
        text = self._ledger.content(sha256) if sha256 else ""
        return None if text is None or (sha256 and content_digest(text) != sha256) else text


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRecords:
    """Where the tool lane of one run finds what was computed before, and writes what it computes."""

    ledger: Ledger
    run_id: str
    subtask_id: str | None
    recorded: RecordedRun | None = None
    keep_content: bool = True

    def find(self, tool: str, arguments: Mapping[str, Any]) -> ToolOutcome | None:
        """The recorded outcome of the same tool and arguments, when this run is a replay."""
        return None if self.recorded is None else self.recorded.tool(digest(tool, dict(arguments)))

    def note(
        self, tool: str, arguments: Mapping[str, Any], outcome: ToolOutcome, *, replayed: bool = False
    ) -> None:
        """Write an outcome to the ledger, of a value what JSON can say."""
        outcome = replace(outcome, value=_plain(outcome.value))
        body: dict[str, Any] = {"tool": tool, "outcome_sha256": outcome.sha256, "replayed": replayed}
        body |= {"text": outcome.text, "value": outcome.value, "fault": outcome.fault}
        self.ledger.append(
            self.run_id,
            "tool",
            body,
            subtask_id=self.subtask_id,
            key=digest(tool, dict(arguments)),
            keep_content=self.keep_content,
        )


def _outcome(record: Record) -> ToolOutcome | None:
    """The outcome that a record tells in full; None where its texts are left out."""
    body = record.body
    outcome = ToolOutcome(text=body.get("text", ""), value=body.get("value"), fault=body.get("fault", ""))
    return outcome if outcome.sha256 == body["outcome_sha256"] else None


def _plain(value: Any) -> Any:
    """A value as the graph's state holds it: JSON data, in which a tuple is a list."""
    return TypeAdapter(Any).dump_python(value, mode="json", fallback=str)


__all__ = ["RecordedRun", "ToolOutcome", "ToolRecords", "was_answered"]
