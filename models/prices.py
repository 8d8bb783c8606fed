"""What calls cost: a versioned table of dollars per million tokens, and of what an hour of this machine costs.

A model that the table does not name costs what its spec says. The table is the user's: list prices change too often
to ship.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .. import UsageError
from .data_policy import nearest
from .spec import ModelSpec

_MS_PER_HOUR = 3_600_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """US dollars of a model, per million tokens."""

    input: float
    output: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTable:
    """Prices by model id, and of local work by the hour."""

    version: str = ""
    models: Mapping[str, Price] = field(default_factory=dict[str, Price])
    """By id; `*` and `?` as in file names, the first that fits counts."""
    local_usd_per_hour: float = 0.0
    """Of one call under way on this machine: the machine's hour over the calls it carries at once."""

    def cost(self, spec: ModelSpec, input_tokens: int, output_tokens: int, latency_ms: float) -> float:
        """US dollars for one call: by its tokens for a model with a price, by its time for one on this machine."""
        price = next((price for name, price in self.models.items() if fnmatchcase(spec.id, name)), None)
        if price is not None:
            return (input_tokens * price.input + output_tokens * price.output) / 1_000_000
        tokens = spec.cost(input_tokens, output_tokens)
        machine = self.local_usd_per_hour * latency_ms / _MS_PER_HOUR if spec.locality == "local" else 0.0
        return tokens + machine


class _ModelPrice(BaseModel):
    model_config = ConfigDict(extra="forbid")
    input: float = Field(ge=0)
    output: float = Field(ge=0)
    source: str = ""


class _Local(BaseModel):
    model_config = ConfigDict(extra="forbid")
    usd_per_hour: float | None = Field(default=None, ge=0)
    watts: float | None = Field(default=None, gt=0)
    usd_per_kwh: float | None = Field(default=None, ge=0)
    calls_at_once: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _one_way(self) -> _Local:
        by_energy = self.watts is not None and self.usd_per_kwh is not None
        if (self.usd_per_hour is not None) == by_energy or (self.watts is None) != (self.usd_per_kwh is None):
            raise ValueError("give either usd_per_hour, or watts and usd_per_kwh")
        return self

    def hour(self) -> float:
        energy = (self.watts or 0.0) / 1000 * (self.usd_per_kwh or 0.0)
        return (self.usd_per_hour if self.usd_per_hour is not None else energy) / self.calls_at_once


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    version: str = Field(min_length=1)
    models: dict[str, _ModelPrice] = {}
    local: _Local | None = None


def load_prices(path: Path) -> PriceTable:
    """Read a table from TOML: `version`, `[models."ID"]` with `input` and `output`, `[local]`.

    `[local]` takes `usd_per_hour`, or `watts` and `usd_per_kwh`, and `calls_at_once`. Raises `UsageError` naming the
    file and the entry.
    """
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        read = _File.model_validate(data)
    except OSError as error:
        raise UsageError(f"the price table {str(path)!r} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the price table {str(path)!r} is not TOML: {error}") from None
    except ValidationError as error:
        faults = (_explain(fault) for fault in error.errors(include_input=False))
        raise UsageError(f"the price table {str(path)!r} cannot be used: {'; '.join(faults)}") from None
    return PriceTable(
        version=read.version,
        models={name: Price(input=each.input, output=each.output) for name, each in read.models.items()},
        local_usd_per_hour=read.local.hour() if read.local else 0.0,
    )


def _explain(fault: Any) -> str:
    where, name = ".".join(map(str, fault["loc"])), str(fault["loc"][-1]) if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        holder = {"models": _ModelPrice, "local": _Local}.get(str(fault["loc"][0])) or _File
        return f"{where!r} is not known; the nearest is {nearest(name, list(holder.model_fields))!r}"
    if fault["type"] == "missing":
        example = 'version = "2026-11"' if name == "version" else f"{name} = 0.0"
        return f"{where!r} is missing; add {example}"
    return f"{where!r}: {fault['msg'].removeprefix('Value error, ')}"
