"""Records to JSON data and back: graph state and the ledger hold plain data only."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

RecordType = TypeVar("RecordType")


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(record: Any) -> dict[str, Any]:
    """A record as JSON data."""
    return _adapter(type(record)).dump_python(record, mode="json")


def from_json(kind: type[RecordType], data: Any) -> RecordType:
    """The inverse of `to_json`; raises pydantic's `ValidationError` when the data does not fit."""
    return _adapter(kind).validate_python(data)


def digest(*data: Any) -> str:
    """A stable identity of JSON data: 32 hexadecimal digits."""
    text = json.dumps(data, sort_keys=True, default=str)  # ASCII: a model may write half of a surrogate pair
    return hashlib.sha256(text.encode()).hexdigest()[:32]
