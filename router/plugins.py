"""Policies that other packages register as entry points of `pilotfish.policies`: found by name, imported on use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from .. import UsageError
from .policy import Policy

GROUP = "pilotfish.policies"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """One name that a package registers; nothing of it is imported until `load_plugin`."""

    name: str
    points: tuple[EntryPoint, ...]
    """One, or those of every package that claims the name."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The distributions that register it, with their versions."""
        return tuple(f"{p.dist.name} {p.dist.version}" if p.dist else "(unknown)" for p in self.points)

    @property
    def target(self) -> str:
        """`module:function`, as registered."""
        return next(iter(self.points)).value


def find_plugins() -> Mapping[str, Plugin]:
    """Every registered policy by name, sorted; reads package metadata only."""
    claims: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        owner = point.dist.name if point.dist else point.value
        claims.setdefault(point.name, {}).setdefault(
            owner, point
        )  # the first on sys.path, as Python imports it
    return {name: Plugin(name=name, points=tuple(claims[name].values())) for name in sorted(claims)}


def load_plugin(plugin: Plugin) -> Callable[..., Policy]:
    """The callable registered: its keyword arguments are the policy's options.

    Raises `UsageError` naming the packages when several claim the name, when it cannot be imported or called.
    """
    packages = " and ".join(plugin.packages)
    first, *others = plugin.points
    if others:
        raise UsageError(
            f"the policy {plugin.name!r} is registered by {packages}; uninstall one, or make the policy in Python"
        )
    where = f"the policy {plugin.name!r} of the package {packages} ({plugin.target!r})"
    try:
        make = first.load()
    except Exception as error:  # whatever another's module raises; it is kept as the cause
        raise UsageError(
            f"{where} cannot be imported: {type(error).__name__}: {error}; repair or uninstall the package"
        ) from error
    if not callable(make):
        raise UsageError(f"{where} is no function that makes a policy; its author must register a callable")
    return cast("Callable[..., Policy]", make)
