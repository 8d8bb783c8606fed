"""Feature names of the learned policy put into words for a decision's `reason`."""

from __future__ import annotations

from collections.abc import Sequence

from .features import STEP
from .policy import Kind

_SIGNS = {
    "references": "works on upstream answers",
    "references 2": "relates two or more upstream answers",
    "numbers": "carries its own numbers",
    "numbers 2": "carries two or more numbers",
    "years": "names a year",
    "formula": "holds a formula",
    "logic signs": "holds logical symbols",
    "measures": "gives measured quantities",
    "question mark": "ends as a question",
    "names": "names particular things",
    "numeric options": "has numbers as options",
    "long options": "has wordy options",
    "restated options": "offers as options what the text already named",
    "repetition": "keeps coming back to the same things",
}
_FAMILIES = {
    "w": "word {!r}",
    "b": "words {!r}",
    "s": "ending '-{}'",
    "k": "pattern {!r}",
    "o": "opening {!r}",
    "q": "asks {!r}",
    "e": "asks, ending {!r}",
    "c": "words about {}",
    "h": "letters {!r}",
    "t": "step wording {!r}",
    "x": "form ({})",
}
_SHAPES = (("<n.n>", "NUMBER"), ("<n>", "NUMBER"), ("<year>", "YEAR"), ("_", "…"), ("^ ", ""), (" $", ""))


def reason_of(names: Sequence[str], kind: Kind) -> str:
    """One sentence saying what spoke for `kind`, strongest first."""
    if not names:
        return f"{kind}: nothing in the text stood out"
    return f"{kind}: " + "; ".join(dict.fromkeys(_in_words(name) for name in names))


def _in_words(name: str) -> str:
    name = name.removeprefix("r ")
    family, _, rest = name.partition(" ")
    if name == STEP:
        return "is a short question"
    if family == "d":
        return _SIGNS.get(rest, "its " + rest.split()[0])
    for shape, words in _SHAPES:
        rest = rest.replace(shape, words)
    return _FAMILIES[family].format(rest)
