"""SQL views over the records, so that the ledger can be asked with `sqlite3`; a text that is not kept is NULL."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from .content import UNKEPT

_FROM = "FROM records r LEFT JOIN contents c ON c.sha256 = r.content"


def _text(path: str) -> str:
    """A text of the record: from the contents, or from the body of a record older than those."""
    return f"nullif(coalesce(json_extract(c.text, '$.\"{path}\"'), json_extract(r.body, '$.{path}')), '')"


def _meta(*names: str) -> str:
    return ", ".join(f"json_extract(r.body, '$.{name}') AS {name.replace('.', '_')}" for name in names)


def _named(*names: str) -> str:
    """Hashes of texts that the record names, marked where it was written without them, so that they join nothing."""
    mark = f"CASE WHEN r.content LIKE '{UNKEPT}%' THEN '{UNKEPT}' ELSE '' END"
    return ", ".join(f"{mark} || nullif(json_extract(r.body, '$.{name}'), '') AS {name}" for name in names)


def _item(*names: str) -> str:
    return ", ".join(f"json_extract(e.value, '$.{name}') AS {name}" for name in names)


def _item_text(path: str, name: str) -> str:
    """A text of one item of a list in the body."""
    stored = f"json_extract(c.text, '$.\"{path}.' || e.key || '.{name}\"')"
    return f"nullif(coalesce({stored}, json_extract(e.value, '$.{name}')), '')"


_SUBTASK = "r.seq, r.at, r.run_id, r.subtask_id"

_VIEWS: Mapping[str, str] = MappingProxyType(
    {
        "runs": f"""
            SELECT r.seq, r.at AS started, r.run_id, {_text("task")} AS task,
                   coalesce((SELECT json_extract(a.body, '$.status') FROM records a
                             WHERE a.run_id = r.run_id AND a.kind = 'answer' ORDER BY a.seq DESC LIMIT 1),
                            'unfinished') AS status,
                   {_meta("local", "large", "policy", "workflow", "tenant", "data_class")}
            {_FROM} WHERE r.kind = 'run'""",  # noqa: S608 - names of this module only
        "subtasks": f"""
            SELECT {_SUBTASK}, r.key, {_text("text")} AS text, {_text("answer")} AS answer,
                   {_meta("status", "kind", "lane", "failure")},
                   json_extract(r.body, '$.verdict.status') AS verdict,
                   json_array_length(r.body, '$.escalations') AS escalations
            {_FROM} WHERE r.kind = 'subtask'""",
        "decisions": f"""
            SELECT {_SUBTASK}, r.key,
                   {_meta("kind", "lane", "p_reasoning", "confidence", "policy", "version", "model")},
                   {_text("reason")} AS reason
            {_FROM} WHERE r.kind = 'decision'""",
        "calls": f"""
            SELECT {_SUBTASK},
                   {
            _meta(
                "model_id",
                "model_digest",
                "prompt_name",
                "prompt_version",
                "purpose",
                "attempt",
                "arm",
                "input_tokens",
                "output_tokens",
                "cost_usd",
                "price_version",
                "latency_ms",
                "finish_reason",
                "failure",
            )
        },
                   {_named("prompt_sha256", "answer_sha256")},
                   {_text("detail")} AS detail
            {_FROM} WHERE r.kind = 'call'""",
        "verdicts": f"""
            SELECT {_SUBTASK}, {_meta("attempt", "lane", "status", "checked", "escalation", "failure", "arm")},
                   {_text("reason")} AS reason
            {_FROM} WHERE r.kind = 'verdict'""",
        "escalations": f"""
            SELECT {_SUBTASK}, e.key + 1 AS step, {_item("source", "target", "reason")},
                   {_item_text("escalations", "detail")} AS detail
            {_FROM}, json_each(r.body, '$.escalations') e WHERE r.kind = 'subtask'""",
        "citations": f"""
            SELECT {_SUBTASK}, {_item("source", "chunk_id", "page", "sha256")},
                   json_extract(e.value, '$.start') AS start_at, json_extract(e.value, '$.end') AS end_at,
                   {_item_text("citations", "quote")} AS quote
            {_FROM}, json_each(r.body, '$.citations') e WHERE r.kind = 'subtask'""",
        "feedback": f"""
            SELECT {_SUBTASK}, {_meta("reward")}, {_text("text")} AS text
            {_FROM} WHERE r.kind = 'feedback'""",
    }
)
VIEW_NAMES = tuple(_VIEWS)
VIEWS = tuple(
    statement
    for name, query in _VIEWS.items()
    for statement in (f"DROP VIEW IF EXISTS {name}", f"CREATE VIEW {name} AS {query}")
)
"""Statements that make the views anew, as this version has them."""
