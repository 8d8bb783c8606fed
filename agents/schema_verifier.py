"""Checks that a structured answer has the structure that was asked for.

It never passes an answer: the right shape says nothing of the truth of what is in it, so a fitting answer stays
`unknown` until another verifier speaks, and only a misfit is a verdict.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ..router.subtask import Subtask
from .attempt import Attempt, Verdict
from .verifier import unknown


@dataclass(frozen=True, slots=True)
class SchemaVerifier:
    """Validates the answer's value against the subtask's `answer_schema` (JSON Schema)."""

    name: str = "schema"

    def check(self, subtask: Subtask, attempt: Attempt, /) -> Verdict:
        """Fail when the value does not fit the schema, `unknown` otherwise; references are never fetched."""
        if subtask.answer_schema is None:
            return unknown(self.name, "no structure was asked for")
        try:
            value = _value_of(attempt)
        except (ValueError, RecursionError) as error:
            return Verdict(
                status="fail",
                reason=f"the answer is not JSON: {error}",
                checked=self.name,
                escalation="parse_error",
            )
        return self._validate(value, subtask.answer_schema)

    def _validate(self, value: Any, schema: Mapping[str, Any]) -> Verdict:
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import SchemaError, best_match
        from jsonschema.validators import validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable

        kind = validator_for(schema, default=Draft202012Validator)
        try:
            kind.check_schema(dict(schema))
            error = best_match(kind(dict(schema), registry=Registry()).iter_errors(value))
        except SchemaError as broken:
            return unknown(
                self.name, f"the answer schema itself is invalid at {broken.json_path}: {broken.message}"
            )
        except Unresolvable as missing:
            return unknown(self.name, f"the answer schema refers to {missing.ref!r}, which is not inside it")
        if error is None:
            return unknown(self.name, "has the asked structure; its content is unchecked")
        return Verdict(
            status="fail", reason=f"at {error.json_path}: {_short(error.message)}", checked=self.name
        )


def _value_of(attempt: Attempt) -> Any:
    if attempt.value is not None:
        return attempt.value
    return json.loads(attempt.text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _short(message: str, limit: int = 300) -> str:
    return message if len(message) <= limit else f"{message[: limit - 1]}…"
