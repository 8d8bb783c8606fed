"""What is sensitive in a text, by its form: the `Detector` seam, and Presidio's pattern recognisers behind it.

No language model is loaded and nothing is fetched: kinds that need one, such as names of persons, are not found.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import inspect
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from .. import UsageError

LEAST_SCORE = 0.4
"""Presidio's own score, 0 to 1, from which a match counts: a checksum that fits gives 1, a bare form less."""
CONTEXT_SCORE = 0.35
"""What a word that names the kind ("passport", "account") shortly before a match adds; it counts then."""
CONTEXT_REACH = 60
"""Characters before a match in which such a word is looked for."""
_EXTRA = "presidio_analyzer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One sensitive span of a text."""

    kind: str
    """Such as `CREDIT_CARD`, `EMAIL_ADDRESS` or `IBAN_CODE`."""
    start: int
    end: int
    score: float = 1.0
    """How sure the detector is, 0 to 1."""


@runtime_checkable
class Detector(Protocol):
    """Finds what is sensitive in a text."""

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Every finding, in order of its start."""
        ...


class PatternDetector:
    """Presidio's pattern recognisers for the kinds asked for. They are imported when the first text comes."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self.kinds = tuple(sorted(set(kinds)))
        self._recognisers: list[Any] | None = None
        self._mutex = threading.Lock()

    def __repr__(self) -> str:
        return f"PatternDetector({', '.join(self.kinds)})"

    def detect(self, text: str, /) -> tuple[Finding, ...]:
        """Findings of these kinds. Raises `UsageError` naming the nearest kind for one that is not known."""
        found: dict[tuple[str, int, int], Finding] = {}
        for recogniser in self._loaded():
            for match in recogniser.analyze(text, list(self.kinds)):
                score = _in_context(text, match, recogniser)
                where = (match.entity_type, match.start, match.end)
                if score >= LEAST_SCORE and match.entity_type in self.kinds:
                    found[where] = Finding(kind=where[0], start=where[1], end=where[2], score=score)
        return tuple(sorted(found.values(), key=lambda finding: (finding.start, finding.kind)))

    def _loaded(self) -> list[Any]:
        with self._mutex:
            if self._recognisers is None:
                self._recognisers = _recognisers(self.kinds)
        return self._recognisers


def load_detector(kinds: Iterable[str]) -> PatternDetector:
    """The detector of these kinds; `UsageError` with the remedy where Presidio is not installed."""
    if importlib.util.find_spec(_EXTRA) is None:
        raise UsageError(
            "the data policy asks for detection, which needs Presidio: pip install 'pilotfish[pii]', "
            "or give the policy a detector of your own"
        )
    return PatternDetector(kinds)


def _recognisers(kinds: Iterable[str]) -> list[Any]:
    """Every recogniser of the kinds, in whatever language: a number is what it is."""
    module = importlib.import_module(f"{_EXTRA}.predefined_recognizers")
    pattern: Any = importlib.import_module(_EXTRA).PatternRecognizer
    classes = [found for _, found in inspect.getmembers(module, inspect.isclass)]
    made: list[Any] = [
        cls() for cls in classes if issubclass(cls, pattern) and cls is not module.EmailRecognizer
    ]
    made.append(module.PhoneRecognizer())
    # Presidio's own asks for the list of top-level domains over the network, and lets addresses of a firm's own
    # network go; its pattern alone does neither.
    email = module.EmailRecognizer
    made.append(pattern(supported_entity="EMAIL_ADDRESS", patterns=email.PATTERNS, context=email.CONTEXT))
    by_kind: dict[str, list[Any]] = {}
    for recogniser in made:
        for kind in recogniser.supported_entities:
            by_kind.setdefault(kind, []).append(recogniser)
    for kind in kinds:
        if kind not in by_kind:
            near = difflib.get_close_matches(kind, by_kind, n=1, cutoff=0.0)[0]
            raise UsageError(
                f"the data policy asks to detect {kind!r}, which no pattern finds; the nearest kind is {near!r} "
                f"(there are: {', '.join(sorted(by_kind))})"
            )
    return [recogniser for kind in kinds for recogniser in by_kind[kind]]


def _in_context(text: str, match: Any, recogniser: Any) -> float:
    before = text[max(0, match.start - CONTEXT_REACH) : match.start].lower()
    named = any(word.lower() in before for word in recogniser.context or ())
    return min(1.0, max(LEAST_SCORE, match.score + CONTEXT_SCORE)) if named else float(match.score)
