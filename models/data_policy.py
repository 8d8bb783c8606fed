"""Which data may go where: a policy maps each data class to the localities and models that may see it.

What no rule names is denied. Text that came from several classes may go only where all of them may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType

from .spec import Locality

INTERNAL = "internal"
"""The class of a task that nobody classified."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where text of one data class may go."""

    localities: tuple[Locality, ...]
    models: tuple[str, ...] = ("*",)
    """Ids of the models that may see it, `*` and `?` as in file names."""
    keep_content: bool = True
    """Whether the ledger may keep the text, besides its hash."""


_SHIPPED: Mapping[str, Rule] = MappingProxyType(
    {
        "public": Rule(localities=("local", "remote")),
        "internal": Rule(localities=("local", "remote")),
        "restricted": Rule(localities=("local",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPolicy:
    """Rules by data class."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: _SHIPPED)

    def refusal(self, data_classes: Iterable[str], *, locality: Locality, model_id: str = "") -> str | None:
        """Why text of these classes may not go there, in words; None where it may. No class at all is refused."""
        names = sorted(set(data_classes))
        if not names:
            return "the text has no data class, and what is not classified goes nowhere"
        for name in names:
            rule = self.rules.get(name)
            if rule is None:
                return f"data class {name!r} has no rule, so it goes nowhere (there are: {', '.join(self.rules)})"
            if locality not in rule.localities:
                return f"data class {name!r} may not go to a {locality} {_place(model_id)}"
            if model_id and not any(fnmatchcase(model_id, pattern) for pattern in rule.models):
                return f"data class {name!r} may go to {', '.join(rule.models)}, not to {model_id!r}"
        return None

    def keeps_content(self, data_classes: Iterable[str]) -> bool:
        """Whether text of these classes may be kept in the ledger; not where a class has no rule."""
        names = set(data_classes)
        return bool(names) and all(name in self.rules and self.rules[name].keep_content for name in names)


def _place(model_id: str) -> str:
    return f"model ({model_id})" if model_id else "service"
