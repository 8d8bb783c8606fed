"""Policies by name, loaded only when asked for."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from .. import UsageError
from .policy import Policy


def _always_local() -> Policy:
    from .fixed import always_local

    return always_local()


def _always_large() -> Policy:
    from .fixed import always_large

    return always_large()


def _random(*, seed: int = 0, share: float = 0.5) -> Policy:
    from .fixed import RandomPolicy

    return RandomPolicy(seed=seed, share=share)


def _rules() -> Policy:
    from .rules import RulesPolicy

    return RulesPolicy()


def _learned(*, weights: str | None = None, threshold: float = 0.5) -> Policy:
    from .learned import load_learned

    return load_learned(weights=weights, threshold=threshold)


_POLICIES: Mapping[str, Callable[..., Policy]] = {
    "always-large": _always_large,
    "always-local": _always_local,
    "learned": _learned,
    "random": _random,
    "rules": _rules,
}

DEFAULT = "learned"
"""The policy an agent uses when none is named."""


def policy_names() -> tuple[str, ...]:
    """Every name `load_policy` knows, sorted."""
    return tuple(sorted(_POLICIES))


def load_policy(name: str = DEFAULT, **options: Any) -> Policy:
    """The policy called `name`: `random` takes `seed` and `share`, `learned` takes `weights` and `threshold`.

    Raises `UsageError` naming the nearest policy or the options there are.
    """
    make = _POLICIES.get(name)
    if make is None:
        raise UsageError(f"unknown policy {name!r}{_nearest(name)}; there are: {', '.join(policy_names())}")
    allowed = inspect.signature(make).parameters
    for option in options:
        if option not in allowed:
            takes = ", ".join(repr(known) for known in allowed) or "no options"
            raise UsageError(f"policy {name!r} has no option {option!r}; it takes {takes}")
    return make(**options)


def parse_policy(text: str) -> tuple[str, dict[str, Any]]:
    """`NAME` or `NAME:option=value,…` as name and options; values are read as YAML scalars.

    Raises `UsageError` when an option has no value.
    """
    name, _, rest = text.partition(":")
    options: dict[str, Any] = {}
    for item in filter(None, rest.split(",")):
        option, equals, value = item.partition("=")
        if not equals:
            raise UsageError(f"option {item!r} of policy {name!r} has no value; write {item}=VALUE")
        options[option.strip()] = yaml.safe_load(value)
    return name, options


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, _POLICIES, n=1, cutoff=0.4)
    return f", did you mean {near[0]!r}?" if near else ""
