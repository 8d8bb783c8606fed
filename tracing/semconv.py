"""Names of spans, attributes and metrics: OpenTelemetry's GenAI conventions, and `pilotfish.*` where they have none.

The conventions are in development and their Python constants deprecated, so the names are strings, and only here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OPERATIONS: Mapping[str, str] = MappingProxyType(
    {
        "invoke_workflow": "a run",
        "plan": "making its plan",
        "invoke_agent": "a subtask",
        "chat": "one request to a model",
        "retrieval": "one search for evidence",
        "execute_tool": "one use of a tool",
    }
)
"""Values of `gen_ai.operation.name`, and what each stands for."""

STANDARD: Mapping[str, str] = MappingProxyType(
    {
        "operation": "gen_ai.operation.name",
        "provider": "gen_ai.provider.name",
        "workflow": "gen_ai.workflow.name",
        "agent": "gen_ai.agent.name",
        "model": "gen_ai.request.model",
        "seed": "gen_ai.request.seed",
        "max_tokens": "gen_ai.request.max_tokens",
        "temperature": "gen_ai.request.temperature",
        "prompt_name": "gen_ai.prompt.name",
        "prompt_version": "gen_ai.prompt.version",
        "response_model": "gen_ai.response.model",
        "finish_reasons": "gen_ai.response.finish_reasons",
        "input_tokens": "gen_ai.usage.input_tokens",
        "output_tokens": "gen_ai.usage.output_tokens",
        "token_type": "gen_ai.token.type",
        "tool": "gen_ai.tool.name",
        "tool_type": "gen_ai.tool.type",
        "error_type": "error.type",
        "server_address": "server.address",
        "server_port": "server.port",
    }
)
"""Attributes the conventions name."""

CONTENT: Mapping[str, str] = MappingProxyType(
    {
        "input_messages": "gen_ai.input.messages",
        "output_messages": "gen_ai.output.messages",
        "arguments": "gen_ai.tool.call.arguments",
        "result": "gen_ai.tool.call.result",
        "query": "gen_ai.retrieval.query.text",
        "documents": "gen_ai.retrieval.documents",
    }
)
"""Attributes that hold text of users, documents or models: opt-in, and under the data policy."""

OWN: Mapping[str, str] = MappingProxyType(
    {
        "run_id": "the run",
        "subtask_id": "the subtask within its run",
        "kind": "`reasoning` or `knowledge`",
        "lane": "the lane that gave the answer",
        "status": "what became of the run or subtask",
        "policy": "the router policy that decided",
        "policy_version": "its version",
        "confidence": "how sure the policy was",
        "verdict": "`pass`, `fail` or `unknown`",
        "verifier": "the verifier that spoke",
        "escalations": "each step as `FROM>TO:REASON`",
        "escalation_reason": "the reason of the last step",
        "planner": "who made the plan",
        "subtasks": "how many subtasks the plan has",
        "resumed": "whether the run had begun before",
        "from_ledger": "whether the result was kept from before the run was resumed",
        "model_digest": "sha256 of the weights, or the revision",
        "purpose": "what the call was for: answer, sample, plan, route, verify, judge, shadow",
        "attempt": "1 for the first request, 2 and up for repetitions",
        "arm": "which side of a canary; absent where there is none",
        "cost_usd": "US dollars",
        "price_version": "the price table behind the cost",
        "replayed": "whether the answer was taken from the record of an earlier run",
        "data_classes": "every data class that the text came from",
        "passages": "how many passages were found",
        "grade": "whether they carry an answer: `sufficient`, `partial`, `none`",
        "content_withheld": "true where content was asked for and the data policy kept it back",
        "task": "the task (content)",
        "answer": "the answer (content)",
        "reason": "the verdict's or failure's words (content)",
    }
)
"""Attributes of ours, written `pilotfish.NAME`."""

OWN_CONTENT = ("task", "answer", "reason")
"""Those of ours that hold text."""

TOKEN_USAGE = "gen_ai.client.token.usage"  # noqa: S105 - no password
TOKEN_USAGE_BOUNDARIES = tuple(4**power for power in range(14))
"""Bucket boundaries that the conventions ask for, in tokens."""
OPERATION_DURATION = "gen_ai.client.operation.duration"
OPERATION_DURATION_BOUNDARIES = tuple(0.01 * 2**power for power in range(14))
"""The same, in seconds."""
MEASURED = ("operation", "provider", "model", "response_model", "error_type", "purpose", "arm")
"""What the metrics are told apart by: nothing that grows with the number of runs."""


def attribute_name(name: str) -> str:
    """What a keyword of `Span.set` or `Span.show` is called outside. An unknown one raises `KeyError`."""
    if name in OWN:
        return f"pilotfish.{name}"
    return STANDARD.get(name) or CONTENT[name]


def span_name(operation: str, name: str) -> str:
    """The name of a span: the operation, and what it was done with."""
    return f"{operation} {name}" if name else operation
