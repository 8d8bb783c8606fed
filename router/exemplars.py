"""Labelled examples for the `knn` policy: those shipped, or the user's own from a small YAML file.

The file holds routes; a route names a `kind` (reasoning, knowledge), a `lane` (local, retrieval, large) or both, and
lists `examples`, as in semantic routers. It holds no numbers: vectors are made and kept by the embedder.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import yaml

from .. import UsageError
from .policy import Kind, LaneName

SHIPPED = "shipped"
"""The name of our own exemplars, where a file could be given."""
LANES: tuple[LaneName, ...] = ("local", "retrieval", "large")
"""Lanes a route may name; a subtask goes to the tool lane by its tool alone."""
_KEYS = ("kind", "lane", "examples")
_FORM = "a route holds 'kind' or 'lane', and 'examples': a list of texts"

_CUT = re.compile(r"""\s*-\s+[^\s'"#\[{|>][^'"]*\s#\w""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplar:
    """A text whose treatment is known."""

    text: str
    kind: Kind
    route: str
    """The name of its route in the file, shown in reasons."""
    lane: LaneName | None = None
    """The lane its route asks for; None for the one its kind prefers."""
    large_gain: float | None = None
    """How much more the large model was worth on it than the small one, -1 to 1; None where nobody measured it."""


def load_exemplars(source: Path | str = SHIPPED) -> tuple[Exemplar, ...]:
    """The shipped exemplars, or those of a YAML file. Raises `UsageError` naming file, route and remedy."""
    return shipped_exemplars() if str(source) == SHIPPED else read_exemplars(Path(source))


def shipped_exemplars() -> tuple[Exemplar, ...]:
    """Our own sentences, one for each pattern that `pilotfish lab train` fills in many times."""
    from . import exemplar_patterns

    found: dict[str, Exemplar] = {}
    for pattern in exemplar_patterns.read_patterns(exemplar_patterns.SHIPPED.read_text(encoding="utf-8")):
        kind: Kind = "reasoning" if pattern.reasoning else "knowledge"
        [text] = pattern.fill(1)
        found.setdefault(text, Exemplar(text=text, kind=kind, route=kind))
    return tuple(found.values())


def read_exemplars(path: Path) -> tuple[Exemplar, ...]:
    """The exemplars of a YAML file, in its order."""
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except OSError as error:
        raise UsageError(f"no exemplars at {str(path)!r}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(
            f"exemplars {str(path)!r} are not YAML; texts with signs need quotes: {error}"
        ) from None
    _refuse_lost_references(path, text)
    routes = cast("Mapping[str, Any]", content).get("routes") if isinstance(content, dict) else None
    if not isinstance(routes, dict) or not routes:
        raise UsageError(
            f"exemplars {str(path)!r} have no 'routes': write 'routes:', then NAME: routes; {_FORM}"
        )
    found = [
        e for name, route in cast("Mapping[Any, Any]", routes).items() for e in _route(path, str(name), route)
    ]
    _check(path, found)
    return tuple(found)


def _refuse_lost_references(path: Path, text: str) -> None:
    """YAML would take what follows ` #1` for a comment and cut the text there without a word."""
    for number, line in enumerate(text.splitlines(), start=1):
        if _CUT.match(line):
            raise UsageError(
                f"exemplars {str(path)!r}, line {number}: YAML reads '#' as a comment here; put the text in quotes"
            )


def _route(path: Path, name: str, route: Any) -> list[Exemplar]:
    where = f"route {name!r} of {str(path)!r}"
    if not isinstance(route, dict):
        raise UsageError(f"{where} is {route!r}: {_FORM}")
    for key in cast("Mapping[Any, Any]", route):
        if key not in _KEYS:
            near = difflib.get_close_matches(str(key), _KEYS, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f": {_FORM}"
            raise UsageError(f"{where} has an unknown key {key!r}{hint}")
    route = cast("Mapping[str, Any]", route)
    kind, lane = _one_of(where, route, "kind", get_args(Kind)), _one_of(where, route, "lane", LANES)
    if kind is None and lane is None:
        raise UsageError(f"{where} has neither 'kind' nor 'lane'; add 'kind: reasoning' or 'kind: knowledge'")
    known: Kind = kind or ("reasoning" if lane == "local" else "knowledge")
    return [Exemplar(text=text, kind=known, route=name, lane=lane) for text in _texts(where, route)]


def _one_of(where: str, route: Mapping[str, Any], key: str, allowed: Sequence[Any]) -> Any:
    value = route.get(key)
    if value is not None and value not in allowed:
        raise UsageError(f"{where}: {key} {value!r} is none of {', '.join(allowed)}")
    return value


def _texts(where: str, route: Mapping[str, Any]) -> list[str]:
    texts = route.get("examples")
    if not isinstance(texts, list) or not texts:
        raise UsageError(f"{where} has no examples; list at least one text under 'examples:'")
    for number, text in enumerate(cast("list[Any]", texts), start=1):
        if not isinstance(text, str) or not text.strip():
            raise UsageError(f"{where}, example {number} is {text!r}, which is no text; put it in quotes")
    return [text.strip() for text in cast("list[str]", texts)]


def _check(path: Path, exemplars: Sequence[Exemplar]) -> None:
    """No text twice, and both kinds: with one there is nothing to decide."""
    routes: dict[str, str] = {}
    for exemplar in exemplars:
        first = routes.setdefault(exemplar.text, exemplar.route)
        if first != exemplar.route:
            raise UsageError(
                f"exemplars {str(path)!r}: {exemplar.text!r} stands in the routes {first!r} and {exemplar.route!r}; "
                "leave it in one"
            )
    for kind in get_args(Kind):
        if all(exemplar.kind != kind for exemplar in exemplars):
            raise UsageError(
                f"exemplars {str(path)!r} have no route of kind {kind!r}; add one with a few examples"
            )
