"""What there is to choose from: every policy by name, what it is, needs and takes. No other package is imported."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .load import Entry, Need, shipped_policies
from .plugins import Plugin, find_plugins

OURS = "pilotfish"
_WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One policy as `pilotfish lab policies` lists it."""

    name: str
    summary: str
    """One line; of another package's policy what it registered, `module:function`."""
    needs: tuple[Need, ...] = ()
    options: Mapping[str, Any] | None = field(default_factory=dict[str, Any])
    """Option to default; None where they are known only once the policy is imported."""
    weights: str | None = None
    """Path of the shipped weights file, where it is there."""
    card: str | None = None
    """Path of its model card."""
    version: str | None = None
    """Of those weights."""
    source: str = OURS
    """`pilotfish`, or the packages that register it with their versions."""
    note: str = ""
    """What stands in the way of using it."""


def list_policies() -> list[PolicyRow]:
    """Every policy that `load_policy` knows, sorted by name."""
    shipped, plugins = shipped_policies(), find_plugins()
    rows = [_shipped(name, entry, plugins.get(name)) for name, entry in shipped.items()]
    rows += [_plugged(plugin) for name, plugin in plugins.items() if name not in shipped]
    return sorted(rows, key=lambda row: row.name)


def _shipped(name: str, entry: Entry, rival: Plugin | None) -> PolicyRow:
    weights = None if entry.weights is None else _WEIGHTS / entry.weights
    card = None if weights is None else weights.with_name(weights.name.partition(".")[0] + ".card.md")
    rivals = "" if rival is None else " and ".join(rival.packages)
    return PolicyRow(
        name=name,
        summary=entry.summary,
        needs=entry.needs,
        options={option: p.default for option, p in inspect.signature(entry.make).parameters.items()},
        weights=str(weights) if weights and weights.is_file() else None,
        card=str(card) if card and card.is_file() else None,
        version=None if weights is None else _version(weights),
        note=f"{rivals} registers this name too; the shipped policy wins" if rivals else "",
    )


def _plugged(plugin: Plugin) -> PolicyRow:
    clash = len(plugin.points) > 1
    return PolicyRow(
        name=plugin.name,
        summary=plugin.target,
        options=None,
        source=" and ".join(plugin.packages),
        note="cannot be loaded: several packages register this name; uninstall one" if clash else "",
    )


def _version(weights: Path) -> str | None:
    """As the weights file says it; None where it is missing or says none."""
    if weights.suffix == ".npz" and weights.is_file():
        import numpy as np

        with np.load(weights, allow_pickle=False) as file:
            return str(file["version"]) if "version" in file.files else None
    if weights.suffix != ".json" or not weights.is_file():
        return None
    found = json.loads(weights.read_text(encoding="utf-8"))
    return str(found["version"]) if isinstance(found, dict) and "version" in found else None
