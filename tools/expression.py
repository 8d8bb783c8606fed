"""The calculator's grammar: text to a small syntax tree, by precedence climbing.

It knows numbers, `+ - * / // % **`, brackets and calls of named functions, and nothing else: no attributes,
strings, comparisons or assignments, so no text can reach Python. Values are worked out in `calculator`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from .errors import ToolInputError

MAX_LENGTH = 500
"""Characters in an expression."""
MAX_DEPTH = 40
"""Brackets, signs and powers inside one another."""
MAX_EXPONENT_DIGITS = 3
"""Digits in the exponent of a number such as 1e9."""

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<number>(?:\d+(?:,\d{3})*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>\*\*|//|[-+*/%(),^$])
    )""",
    re.VERBOSE,
)
_SPELLINGS = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "\u00a0": " ", "\u202f": " "})
_LEVELS = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2, "of": 2, "**": 4, "^": 4}
_SIGN_LEVEL = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A piece of the text."""

    kind: str
    """`number`, `name`, `sign` or `end`."""
    text: str
    at: int
    """Its first character, counted from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A literal; exact."""

    value: Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operator or function applied to its arguments. The sign of `-x` is the operator `neg`."""

    name: str
    arguments: tuple[Node, ...]


Node = Number | Call


def parse_expression(text: str) -> Node:
    """Read an expression; `ToolInputError` says what is wrong and where."""
    if not text.strip():
        raise ToolInputError("the expression is empty; write something like '2 * (3 + 4)'")
    if len(text) > MAX_LENGTH:
        raise ToolInputError(
            f"the expression has {len(text)} characters, the limit is {MAX_LENGTH}; split it"
        )
    parser = _Parser(_tokens(text.translate(_SPELLINGS)), text)
    node = parser.expression(0, 0)
    parser.expect("end")
    return node


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    brackets: list[bool] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            stray = text[at:].lstrip()[:1]
            raise ToolInputError(f"{stray!r} at character {at + 1} of {text!r} is not part of arithmetic")
        kind = str(match.lastgroup)
        word, start = match[kind], match.start(kind)
        if kind == "number" and "," in word and brackets and brackets[-1]:
            word = word[: word.index(",")]  # inside a call a comma parts arguments
        if word == "(":
            brackets.append(bool(tokens) and tokens[-1].kind == "name" and tokens[-1].text != "of")
        elif word == ")" and brackets:
            brackets.pop()
        tokens.append(Token(kind=kind, text=word, at=start + 1))
        at = start + len(word)
    return [*tokens, Token(kind="end", text="the end", at=len(text) + 1)]


class _Parser:
    """One pass over the tokens."""

    def __init__(self, tokens: list[Token], text: str) -> None:
        self._tokens = tokens
        self._text = text
        self._next = 0

    def expression(self, level: int, depth: int) -> Node:
        """Everything that binds at least as tightly as `level`."""
        if depth > MAX_DEPTH:
            raise ToolInputError(f"{self._text!r} nests deeper than {MAX_DEPTH}; split it into steps")
        left = self._percents(self._operand(depth))
        while (binding := _LEVELS.get(self._peek().text, -1)) > level:
            operator = self._take().text
            # Powers group to the right, and their right side may carry a sign: 2**-3**2.
            right_level = _SIGN_LEVEL - 1 if binding == _LEVELS["**"] else binding
            right = self.expression(right_level, depth + 1)
            left = Call(name={"^": "**", "of": "*"}.get(operator, operator), arguments=(left, right))
        return left

    def expect(self, text: str) -> None:
        token = self._take()
        if text not in (token.kind, token.text):
            wanted = "an operator" if text == "end" else repr(text)
            raise ToolInputError(
                f"expected {wanted} at character {token.at} of {self._text!r}, found {token.text!r}"
            )

    def _operand(self, depth: int) -> Node:
        token = self._take()
        if token.kind == "number":
            return Number(value=_number(token.text))
        if token.kind == "name" and token.text != "of":
            return self._named(token, depth)
        if token.text == "(":
            inner = self.expression(0, depth + 1)
            self.expect(")")
            return inner
        if token.text in ("+", "-", "$"):
            operand = self.expression(_SIGN_LEVEL, depth + 1)
            return Call(name="neg", arguments=(operand,)) if token.text == "-" else operand
        raise ToolInputError(
            f"expected a number at character {token.at} of {self._text!r}, found {token.text!r}"
        )

    def _named(self, token: Token, depth: int) -> Node:
        if self._peek().text != "(":
            return Call(name=token.text, arguments=())
        self._take()
        arguments = [self.expression(0, depth + 1)]
        while self._peek().text == ",":
            self._take()
            arguments.append(self.expression(0, depth + 1))
        self.expect(")")
        return Call(name=token.text, arguments=tuple(arguments))

    def _percents(self, node: Node) -> Node:
        """`15%` is a share where no operand follows; in `17 % 5` the sign is the remainder."""
        while self._peek().text == "%" and not _starts_operand(self._tokens[self._next + 1]):
            self._take()
            node = Call(name="/", arguments=(node, Number(value=Fraction(100))))
        return node

    def _peek(self) -> Token:
        return self._tokens[self._next]

    def _take(self) -> Token:
        token = self._tokens[self._next]
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token


def _starts_operand(token: Token) -> bool:
    return token.kind == "number" or (token.kind == "name" and token.text != "of") or token.text in ("(", "$")


def _number(text: str) -> Fraction:
    digits = text.replace(",", "").lower()
    exponent = digits.partition("e")[2].lstrip("+-")
    if len(exponent) > MAX_EXPONENT_DIGITS:
        raise ToolInputError(
            f"the exponent of {text!r} is out of range; use at most {MAX_EXPONENT_DIGITS} digits"
        )
    return Fraction(digits)
