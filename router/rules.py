"""The `rules` policy: hand-written surface rules, first match wins, each with its reason.

It is the policy to read and to beat; it learns nothing and its probabilities are plain guesses per rule.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .lanes import lane_of
from .policy import Decision, Kind
from .subtask import Subtask

VERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One surface rule."""

    pattern: re.Pattern[str]
    p_reasoning: float
    reason: str


def _rule(pattern: str, p_reasoning: float, reason: str) -> Rule:
    return Rule(
        pattern=re.compile(pattern, re.IGNORECASE | re.DOTALL), p_reasoning=p_reasoning, reason=reason
    )


_VERB = r"(?:is|are|was|were|does|do|did|can|which)"
_COMPARISON = (
    r"(?:more|less|fewer|greater|larger|bigger|smaller|higher|lower|longer|shorter|older|younger|earlier|later|faster"
    r"|slower|cheaper|heavier|lighter|same|equal|before|after|between|within|exceeds?|match(?:es)?)"
)

RULES: tuple[Rule, ...] = (
    _rule(r"#\w+.*#\w+", 0.92, "relates two upstream answers"),
    _rule(
        r"\b(?:is|are|was|were|does|do|did|can|could|would|has|have)\b.*#\w+",
        0.7,
        "a yes/no check of an upstream answer",
    ),
    _rule(
        r"\b(?:look up|look for|search|retrieve|quote|find out who|according to the (?:document|report))\b",
        0.05,
        "asks to look something up",
    ),
    _rule(
        r"\d\s*[-+*/=^<>]\s*[(\d]|\b(?:equation|integral|derivative|polynomial|probability)\b",
        0.95,
        "holds a formula",
    ),
    _rule(
        r"^\W*(?:compute|calculate|add|subtract|multiply|divide|sum|count|sort|order|rank|compare|convert|solve"
        r"|simplify|evaluate|decide|determine|choose|pick|schedule|assign|plan|prove|check (?:if|whether|that))\b",
        0.9,
        "opens with something to work out",
    ),
    _rule(
        r"\b(?:how many|how much|how long|how far)\b.*$(?<=\?)(?<=.{120})",
        0.85,
        "a long text that asks for a quantity",
    ),
    _rule(r"(?:\b\d[\d.,]*\b.*){3}", 0.85, "carries three or more numbers"),
    _rule(rf"^\W*{_VERB}\b.*\b{_COMPARISON}\b.*\b(?:than|as|to|and|or|\d)", 0.8, "compares given things"),
    _rule(
        r"\b(?:premises?|valid or invalid|follows? (?:that|from)|if all|true or false|alphabetical)\b",
        0.9,
        "draws a conclusion",
    ),
    _rule(
        r"^\W*(?:who|whom|whose|when|where|why|what|which|how|name|define|describe|explain|list)\b",
        0.12,
        "asks for a fact",
    ),
)
"""In the order in which they are tried."""

_OTHERWISE = Rule(
    pattern=re.compile(""), p_reasoning=0.3, reason="no rule spoke; most short subtasks ask for facts"
)


class RulesPolicy:
    """Decides by the first rule that matches."""

    def __repr__(self) -> str:
        return f"RulesPolicy({len(RULES)} rules)"

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        """One decision per subtask, in order."""
        return [_decide(subtask) for subtask in subtasks]


def _decide(subtask: Subtask) -> Decision:
    rule = next((rule for rule in RULES if rule.pattern.search(subtask.text[:4000])), _OTHERWISE)
    kind: Kind = "reasoning" if rule.p_reasoning >= 0.5 else "knowledge"
    return Decision(
        kind=kind,
        lane=lane_of(subtask, kind),
        p_reasoning=rule.p_reasoning,
        confidence=max(rule.p_reasoning, 1.0 - rule.p_reasoning),
        reason=f"{kind}: {rule.reason}",
        policy="rules",
        version=VERSION,
    )
