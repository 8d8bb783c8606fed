"""The rule planner: splits a task into subtasks by its sentences, questions, conjunctions and sequence words.

It calls no model and never invents work: every subtask is words of the task. Statements are context for the
questions after them, so a word problem stays whole; a part that points back ("it", "they", "that …", "then …")
depends on the part before it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..router.subtask import Subtask
from .plan import Plan, PlanError

_SENTENCE = re.compile(r"(?<=[.?!;])\s+(?=[\"'(]?[A-Z0-9#])|\n{2,}")
_OPTIONS = re.compile(r"(?:^|\s)\(?[A-D][).]\s.*(?:^|\s)\(?[B-E][).]\s|\boptions:", re.IGNORECASE | re.DOTALL)
_SEQUENCE = re.compile(
    r"[,;]?\s*\b(?:and\s+)?(?:then|after\s+that|afterwards|next|finally|lastly)\b[,:]?\s+", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|finally|lastly)[,:]?\s+", re.IGNORECASE
)
_ASKS = frozenset(
    [
        "who",
        "whom",
        "whose",
        "what",
        "when",
        "where",
        "which",
        "why",
        "how",
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "can",
        "could",
        "will",
        "would",
        "should",
        "has",
        "have",
        "find",
        "list",
        "name",
        "give",
        "tell",
        "compute",
        "calculate",
        "work",
        "determine",
        "explain",
        "compare",
        "choose",
        "pick",
        "plan",
        "estimate",
        "convert",
        "sum",
        "add",
        "subtract",
        "multiply",
        "divide",
        "sort",
        "rank",
        "count",
        "look",
        "search",
        "summarise",
        "summarize",
        "describe",
        "say",
        "write",
        "show",
        "check",
        "decide",
        "solve",
        "translate",
        "identify",
    ]
)
_AND_ASK = re.compile(rf",?\s+and\s+(?:also\s+)?(?=(?:{'|'.join(sorted(_ASKS))})\b)", re.IGNORECASE)
_POINTS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|he|him|his|she|her|this|these|those|the (?:result|answer|sum|total|difference|former"
    r"|latter)|that (?:number|value|year|city|country|person|amount|figure|result|one))\b",
    re.IGNORECASE,
)
_NOUN = re.compile(r"[.!]\s|(?<=\s)[A-Z]\w+")
MOST_PARTS = 50
"""A text with more questions than this is a document, not a task."""


@dataclass(frozen=True, slots=True)
class RulePlanner:
    """Plans by rules alone."""

    def plan(self, task: str, /) -> Plan:
        """One subtask per thing asked, each of which the answer answers; what cannot be split is one subtask."""
        if not task.strip():
            raise PlanError("the task is empty; say what is to be answered")
        parts = _split(task)
        if len(parts) > MOST_PARTS:
            raise PlanError(f"the task asks {len(parts)} things; ask at most {MOST_PARTS} at a time")
        subtasks: list[Subtask] = []
        for number, (text, follows) in enumerate(parts, start=1):
            before = (f"s{number - 1}",) if number > 1 and (follows or _points_back(text)) else ()
            subtasks.append(Subtask(id=f"s{number}", text=text, depends_on=before))
        return Plan(subtasks, planner="rules", outputs=[subtask.id for subtask in subtasks])


def _points_back(text: str) -> bool:
    """Whether a pronoun has nothing before it in its own text to stand for: no earlier sentence, no name."""
    found = _POINTS_BACK.search(text)
    return found is not None and not _NOUN.search(text[: found.start()])


def _split(task: str) -> list[tuple[str, bool]]:
    """Parts of the task, each with whether a sequence word puts it after the one before."""
    if _OPTIONS.search(task):
        return [(task.strip(), False)]
    context: list[str] = []
    parts: list[tuple[str, bool]] = []
    for sentence in (piece.strip() for piece in _SENTENCE.split(task) if piece.strip()):
        if not _asks(sentence):
            context.append(sentence)
            continue
        asked = _asked(sentence)
        parts += [(" ".join([*context, asked[0][0]]), asked[0][1] and bool(parts)), *asked[1:]]
        context = []
    if context and parts:
        # Words after the last question belong to it: "How many are left? Answer in metres."
        text, follows = parts[-1]
        parts[-1] = (" ".join([text, *context]), follows)
    return parts or [(task.strip(), False)]


def _asked(sentence: str) -> list[tuple[str, bool]]:
    steps = [step for step in _SEQUENCE.split(sentence) if step.strip()]
    if not all(_asks(step) for step in steps):
        steps = [sentence]
    parts: list[tuple[str, bool]] = []
    for index, step in enumerate(steps):
        for place, part in enumerate(_conjuncts(step)):
            parts.append((_tidy(part), index > 0 and place == 0))
    lead = _LEAD.match(sentence)
    if lead is not None and not lead[0].lower().startswith("first"):
        parts[0] = (parts[0][0], True)
    return parts


def _conjuncts(step: str) -> list[str]:
    pieces = _AND_ASK.split(step)
    return pieces if all(len(piece.split()) >= 2 and _asks(piece) for piece in pieces) else [step]


def _asks(text: str) -> bool:
    words = _LEAD.sub("", text.strip().lstrip("\"'(")).lower().split()
    return bool(words) and (text.rstrip().endswith("?") or words[0].strip(",:") in _ASKS)


def _tidy(part: str) -> str:
    text = _LEAD.sub("", part.strip())
    return text[:1].upper() + text[1:]
