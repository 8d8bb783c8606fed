"""Which data may go where: a policy maps each data class to the localities and models that may see it.

What no rule names is denied. Text that came from several classes may go only where all of them may.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, get_args

from .. import UsageError
from .detection import Detector, load_detector
from .spec import Locality

INTERNAL = "internal"
"""The class of a task, and of a document, that nobody classified."""
LOCALITY = "pilotfish.locality"
"""Where a LangChain tool or retriever says in its metadata whether text given to it leaves this machine."""
_LOCALITIES: tuple[str, ...] = get_args(Locality)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where text of one data class may go."""

    localities: tuple[Locality, ...]
    models: tuple[str, ...] = ("*",)
    """Ids of the models that may see it, `*` and `?` as in file names. Tools and retrievers go by locality alone."""
    keep_content: bool = True
    """Whether the ledger may keep the text, besides its hash."""

    def __post_init__(self) -> None:
        for name in ("localities", "models"):
            given: Any = getattr(self, name)
            if isinstance(given, str) or not isinstance(given, Iterable):
                raise UsageError(f"a rule's {name} are {given!r}; give a tuple, such as ({given!r},)")
            object.__setattr__(self, name, tuple(given))
        for locality in self.localities:
            if locality not in _LOCALITIES:
                raise UsageError(
                    f"a rule names the locality {locality!r}; there are: {', '.join(_LOCALITIES)}"
                )


_SHIPPED: Mapping[str, Rule] = MappingProxyType(
    {
        "public": Rule(localities=("local", "remote")),
        "internal": Rule(localities=("local", "remote")),
        "restricted": Rule(localities=("local",)),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPolicy:
    """Rules by data class, and the classes of what is detected in a text. Raises `UsageError` where they do not fit."""

    rules: Mapping[str, Rule] = field(default_factory=lambda: _SHIPPED)
    """Given, they replace the shipped ones."""
    detect: Mapping[str, str] = field(default_factory=dict[str, str])
    """Data class by kind of finding, such as `CREDIT_CARD`; detection only ever adds classes."""
    detector: Detector | None = None
    """Finds those kinds; None takes Presidio's pattern recognisers, the extra `pii`."""

    def __post_init__(self) -> None:
        for kind, name in self.detect.items():
            if name not in self.rules:
                raise UsageError(f"detect gives {kind} the data class {name!r}: {self._unknown(name)}")
        if self.detect and self.detector is None:
            object.__setattr__(self, "detector", load_detector(self.detect))

    def refusal(
        self, data_classes: Iterable[str], *, locality: Locality, model_id: str = "", place: str = ""
    ) -> str | None:
        """Why text of these classes may not go there, in words; None where it may. No class at all is refused.

        `place` names what is neither a model nor to be called a service.
        """
        names = sorted(set(data_classes))
        if not names:
            return "the text has no data class, and what is not classified goes nowhere"
        for name in names:
            rule = self.rules.get(name)
            if rule is None:
                return self._unknown(name)
            if locality not in rule.localities:
                return f"data class {name!r} may not go to {place or _place(locality, model_id)}"
            if model_id and not any(fnmatchcase(model_id, pattern) for pattern in rule.models):
                allowed = ", ".join(rule.models) or "no model"
                return f"data class {name!r} may go to {allowed}, not to {model_id!r}"
        return None

    def require_rule(self, data_class: str) -> None:
        """Raise `UsageError` naming the nearest class where this one has no rule."""
        if data_class not in self.rules:
            raise UsageError(self._unknown(data_class))

    def keeps_content(self, data_classes: Iterable[str]) -> bool:
        """Whether text of these classes may be kept in the ledger; not where a class has no rule."""
        names = set(data_classes)
        return bool(names) and all(name in self.rules and self.rules[name].keep_content for name in names)

    def detected(self, *texts: str) -> tuple[str, ...]:
        """The data classes of what is found in the texts, by the `detect` rules; none without such rules."""
        if self.detector is None:
            return ()
        kinds = {finding.kind for text in texts if text for finding in self.detector.detect(text)}
        return tuple(sorted({self.detect[kind] for kind in kinds if kind in self.detect}))

    def _unknown(self, name: str) -> str:
        near = nearest(name, self.rules)
        hint = f"; the nearest one that has is {near!r}" if near else ""
        known = ", ".join(self.rules) or "none"
        return f"data class {name!r} has no rule, so it goes nowhere (there are: {known}){hint}"


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name most like `name`; None where nothing is known."""
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.0)), None)


def locality_of(thing: object, *, undeclared: Locality = "remote") -> Locality:
    """Where text given to a tool, a retriever, an embedder or a verifier goes, as it declares it.

    It may have a `locality`, or `metadata` with `pilotfish.locality`; one that says neither is `undeclared`. Raises
    `UsageError` for a word that is neither `local` nor `remote`.
    """
    metadata: Any = getattr(thing, "metadata", None)
    found: Any = getattr(thing, "locality", None)
    if found is None and isinstance(metadata, Mapping):
        found = metadata.get(LOCALITY)
    if found is None:
        return undeclared
    if found not in _LOCALITIES:
        raise UsageError(f"{thing!r} declares the locality {found!r}; it is one of: {', '.join(_LOCALITIES)}")
    return found


def place_refusal(
    what: str, thing: object, data_classes: Iterable[str], data_policy: DataPolicy
) -> str | None:
    """Why a tool, a retriever or a lane may not be given text of these classes, with the remedy; None where it may."""
    name = str(getattr(thing, "name", None) or type(thing).__name__)
    locality = locality_of(thing)
    place = f"the {what} {name!r}, which is {locality}"
    if locality_of(thing, undeclared="local") != locality:
        own = (
            "metadata={'pilotfish.locality': 'local'}" if hasattr(thing, "metadata") else "locality = 'local'"
        )
        place = f"the {what} {name!r}, which does not say where text goes; if it stays here, declare {own}"
    return data_policy.refusal(data_classes, locality=locality, place=place)


def _place(locality: Locality, model_id: str) -> str:
    return f"a {locality} model ({model_id})" if model_id else f"a {locality} service"
