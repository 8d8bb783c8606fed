r"""How an answer to a task is scored: exact, numeric, choice, regex, or the user's own Python function.

`exact` compares as NQ-open's evaluation does: case, punctuation and the articles do not count (Lee, Chang and
Toutanova 2019, arXiv 1906.00300; the normalisation is SQuAD's). `numeric` reads the last `\boxed{…}`, else the last
number.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
import string
import sys
import unicodedata
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from .. import UsageError
from ..agents.answer_forms import reading
from ..agents.numerals import numerals
from ..models.thinking import extract_boxed

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation + "‘’´`")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_STATED = re.compile(
    r"\b(?:answer|option|choice)\b\s*(?:is|:)?\s*[\"'*(]*(?P<letter>[A-Z])(?![A-Za-z'])", re.IGNORECASE
)
_BRACKETED = re.compile(r"\((?P<letter>[A-Z])\)")


@runtime_checkable
class Check(Protocol):
    """Scores answers."""

    def score(self, answer: str, /) -> float:
        """How right the answer is, 0 to 1."""
        ...


class _Check(BaseModel):
    """What the checks of a file share: no unknown field is passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Answers = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class Exact(_Check):
    """One of several accepted answers, word for word up to case, punctuation and articles."""

    type: Literal["exact"] = "exact"
    answer: Answers
    contains: bool = False
    """Whether an answer also counts that holds an accepted one as whole words; it favours long answers."""

    @field_validator("answer")
    @classmethod
    def _not_empty(cls, answers: tuple[str, ...]) -> tuple[str, ...]:
        for answer in answers:
            if not normalise(answer):
                raise ValueError(f"the accepted answer {answer!r} has no words left to compare")
        return answers

    def score(self, answer: str, /) -> float:
        """1 for an accepted answer, else 0."""
        said = normalise(answer)
        accepted = [normalise(each) for each in self.answer]
        if self.contains:
            return float(any(f" {each} " in f" {said} " for each in accepted))
        return float(said in accepted)


class Numeric(_Check):
    """A number, within a tolerance."""

    type: Literal["numeric"] = "numeric"
    answer: float
    tolerance: float = Field(default=0.0, ge=0.0, allow_inf_nan=False)
    """Largest difference that still counts, in the answer's own unit."""

    @field_validator("answer")
    @classmethod
    def _finite(cls, answer: float) -> float:
        if not math.isfinite(answer):
            raise ValueError(f"the answer {answer!r} is not a finite number")
        return answer

    def score(self, answer: str, /) -> float:
        """1 where the number read is near enough, else 0; 0 where there is none."""
        found = read_last_number(answer)
        near = found is not None and math.isclose(found, self.answer, rel_tol=1e-12, abs_tol=self.tolerance)
        return float(near)


class Choice(_Check):
    """The letter of an option; an answer that is one option's text counts as its letter."""

    type: Literal["choice"] = "choice"
    answer: str
    options: tuple[str, ...] = ()
    """Texts of the options, the first is A; unless given, only letters are understood."""

    @field_validator("answer")
    @classmethod
    def _letter(cls, answer: str) -> str:
        letter = answer.strip().strip("().").upper()
        if len(letter) != 1 or letter not in _LETTERS:
            raise ValueError(f"{answer!r} is not the letter of an option; write one such as 'B'")
        return letter

    @model_validator(mode="after")
    def _among_options(self) -> Choice:
        if self.options and _LETTERS.index(self.answer) >= len(self.options):
            raise ValueError(f"the answer {self.answer!r} is beyond the {len(self.options)} options")
        return self

    def score(self, answer: str, /) -> float:
        """1 where the answer names the right letter, else 0."""
        return float(read_letter(answer, self.options) == self.answer)


class Regex(_Check):
    """A regular expression that the answer must hold a match of."""

    type: Literal["regex"] = "regex"
    pattern: str = Field(min_length=1)
    whole: bool = False
    """Whether the whole answer must match."""
    ignore_case: bool = True

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return pattern

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE if self.ignore_case else 0)

    def score(self, answer: str, /) -> float:
        """1 for a match, else 0."""
        text = answer.strip()
        return float(
            (self._compiled.fullmatch(text) if self.whole else self._compiled.search(text)) is not None
        )


class Python(_Check):
    """A function of the user's, which takes the answer and returns a bool or a number from 0 to 1."""

    type: Literal["python"] = "python"
    function: str = Field(pattern=r"^.+:[A-Za-z_]\w*$")
    """`module:function` or `file.py:function`, the file relative to the folder of the tasks."""


class Function:
    """A Python function as a check."""

    def __init__(self, name: str, function: Callable[[str], Any]) -> None:
        self.name = name
        self._function = function

    def __repr__(self) -> str:
        return f"Function({self.name!r})"

    def score(self, answer: str, /) -> float:
        """What the function says; `UsageError` where it crashes or says something else than 0 to 1."""
        try:
            found = self._function(answer)
        except Exception as error:
            raise UsageError(
                f"the check {self.name!r} crashed with {type(error).__name__}: {error}, on the answer "
                f"{answer[:200]!r}; mend it and run again, what is done is kept"
            ) from error
        if not isinstance(found, bool | int | float) or not 0 <= found <= 1:
            raise UsageError(f"the check {self.name!r} returned {found!r}; it returns a bool or 0 to 1")
        return float(found)


FileCheck = Annotated[Exact | Numeric | Choice | Regex | Python, Field(discriminator="type")]
"""The checks that a file of tasks can name."""


def resolve_check(check: FileCheck, *, folder: Path, code: Sequence[str]) -> Check:
    """The check itself; a function is imported here, and only from a module or file that `code` names.

    A file of tasks may come from anywhere, so it alone never decides what is imported.
    """
    if not isinstance(check, Python):
        return check
    place, _, name = check.function.rpartition(":")
    if place not in code:
        raise UsageError(
            f"{check.function!r} is code, and it is imported only when you name it: add --code {place}"
        )
    function = getattr(_module(place, folder), name, None)
    if not callable(function):
        raise UsageError(f"{place!r} has no function {name!r}")
    return Function(check.function, function)


def _module(place: str, folder: Path) -> ModuleType:
    try:
        if not place.endswith(".py"):
            return importlib.import_module(place)
        path = (folder / place).resolve()
        name = f"pilotfish_check_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if not path.is_file() or spec is None or spec.loader is None:
            raise UsageError(f"no file {place!r} in {str(folder)!r}")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses and pickling look there
        spec.loader.exec_module(module)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(f"{place!r} cannot be imported: {type(error).__name__}: {error}") from error
    return module


def normalise(text: str) -> str:
    """An answer as NQ-open's exact match compares it."""
    folded = unicodedata.normalize("NFKC", text).lower().translate(_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", folded).split())


def read_last_number(text: str) -> float | None:
    """The number in the last box, else the last number of the text; `25%` is 25."""
    boxed = extract_boxed(text)
    for place in (boxed, text):
        found = list(numerals(place)) if place is not None else []
        if found:
            return float(found[-1].value)
    return None


def read_letter(text: str, options: Sequence[str] = ()) -> str | None:
    """The letter an answer chooses, or None. A lone "A" within a sentence is an article, not a choice."""
    boxed = extract_boxed(text)
    text = text if boxed is None else boxed
    letter = reading(text).choice
    said = normalise(text)
    by_text = [_LETTERS[at] for at, option in enumerate(options) if normalise(option) == said]
    if not letter and len(by_text) == 1:
        letter = by_text[0]
    for pattern in (_STATED, _BRACKETED):
        found = pattern.findall(text)
        letter = letter or (found[-1].upper() if found else "")
    return letter or None
