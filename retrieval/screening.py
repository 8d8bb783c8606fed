"""Screening of retrieved text: sentences that address a model rather than inform a reader are blanked before one reads.

Patterns over normalised text, in several languages and after undoing common disguises. It lowers the number of hijacked
answers and promises nothing: what a planted text can never cause is kept by structure (docs/injection.md), not by this.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

_SPAN = re.compile(
    r"<!--.*?-->|```.*?```|<\|im_start\|>.*?(?:<\|im_end\|>|\Z)|!\[.*?\)|<(\w+)[^>]*>.*?</\1>|[^\n.!?。！？]*[.!?。！？]*[\"'”»)]*\n?",
    re.DOTALL,
)
_ENCODED = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")
_HEX = re.compile(r"\b(?:[0-9a-fA-F]{2}){8,}\b")
_TAGS = range(0xE0000, 0xE0080)
_LOOKALIKES = str.maketrans("аеорсухіјѕԁһոαοερτυνικΑΕΟΡСХІ", "aeopcyxijsdhnaoeptuvikAEOPCXI")
_EARLIER = r"(?:previous|prior|above|earlier|preceding|former|existing|your)"
_ORDERS = r"(?:instruction|direction|prompt|rule|order|command|guideline|told|context|polic)\w*"
_MODEL = r"(?:assistant|ai|chatbot|language model|llm)s?"
_PATTERNS = {
    "overrides what was asked": (
        rf"\b(?:ignor|disregard|forget|override|bypass|drop)\w*\b.{{0,40}}\b(?:{_EARLIER}|all|any|the)\b.{{0,40}}{_ORDERS}",
        r"\b(?:ignor|disregard|forget)\w*\b.{0,20}\b(?:question|sources?|passages?|page|everything)\b",
        r"\b(?:vergiss|ignorier\w*|missacht\w*)\b.{0,40}\b(?:anweisung|befehl|vorgabe|regel|alles|quelle)\w*",
        r"\b(?:oublie\w*|ignore\w*)\b.{0,40}\b(?:instruction|consigne|règle|question)s?\b",
        r"\b(?:ignora|olvida|dimentica|esque[cç]a)\w*\b.{0,40}\b(?:instrucc|istruzion|instru[cç]|regl|regol|pregunt)\w*",
        r"忽略.{0,12}(?:指示|指令|资料|内容)|(?:指示|命令)を?無視|지시.{0,8}무시",
        r"\b(?:игнорир|забудь)\w*.{0,40}(?:инструкц|указан|правил)\w*",
        r"(?:تجاهل|انس).{0,30}(?:التعليمات|الأوامر)",
        r"talimat\w*.{0,20}(?:yok say|unut|görmezden)",
    ),
    "speaks as somebody else": (
        r"<\|?(?:im_start|im_end|system|assistant|user|endoftext)\|?>|\[/?inst\]|<</?sys>>|\(system_message\)",
        r"^\W{0,8}(?:system|assistant|developer|user|система|系统消息)\b(?: (?:message|prompt|note))?\W{0,3}[:：\n]",
        r"^\W*(?:question|answer|thought|action|action input|observation)\s*:",
        r"\bend of (?:passages?|context|documents?|sources?|prompt)\b|\bnew (?:task|instructions?|rules?) for\b",
        r"\bimportant message from me\b|\b(?:do|perform|complete) the following\b",
    ),
    "addresses a model": (
        r"\byou are now\b|\bfrom now on\b|\bda ora in poi\b|\ba partir de agora\b|\bab jetzt\b|\bс этого момента\b",
        r"\b(?:act|pretend|behave) (?:as|to be|like)\b.{0,60}\b(?:assistant|rules?|restrictions?|developer)\b",
        rf"\b{_MODEL}\b.{{0,20}}\b(?:must|should|shall|may|has to|need to|is required)\b|^\W*{_MODEL}\s*[,:]\s",
        r"\b(?:assistent|assistente|asistente|ассистент|助手|アシスタント)\w*.{0,20}(?:\b(?:muss|doit|debe|deve)\b|必须|[,:：])",
        r"\b(?:rispondi|responde|réponds|antworte|answer|reply|respond)\b.{0,12}\b(?:solo|apenas|únicamente|seulement|nur|only)\b",
        r"只回答|だけ答え|أجب فقط|yalnızca şunu yaz",
        r"\b(?:answer|reply|respond|say|begin)\b(?: with| only)?\s*[:\"“]|\byour only answer\b",
        r"\bin your (?:answer|citations?|reply)\b",
        r"\b(?:print|reveal|repeat|show)\b.{0,20}\b(?:system|hidden|secret)\b.{0,12}\b(?:prompt|instructions?)\b",
        r"\b(?:decode|read|translate)\b.{0,25}\b(?:base64|rot13|hex)\b",
    ),
    "asks for a tool, a lane, a class or a citation": (
        r"</?tool_call>|\bfunction call\b|\"(?:tool|function|parameters|arguments)\"\s*:|\b\w+_\w+\(\s*\w+\s*=",
        r"\b(?:call|invoke|use|run|rufe)\b.{0,25}\b(?:tool|function|api|werkzeug)\b",
        r"\b(?:send|forward|post|email|envoie|envía|sende|schicke)\w*\b.{0,60}@\w",
        r"\b(?:route|escalate|transfer|transfère)\w*\b.{0,30}\b(?:model|modèle|lane|modell)\b|\blane\s*=",
        r"\bdata[_ -]?class\b|\breclassified\b|\bdatenklasse\b|\bclase de datos\b|\bclasse de données\b",
        r"\b(?:cite|gib als quelle)\b.{0,60}(?:\bas the source\b|\binstead\b|:)|\byou must (?:cite|quote|say|answer)\b",
        r"\"(?:answer|citations?)\"\s*:|!\[[^\]]*\]\s*\(https?:",
        r"\b(?:confirm|enter|verify)\b.{0,20}\b(?:password|credentials)\b",
    ),
}
"""By what a sentence gives away. They were written with `lab/injections.yaml` at hand, which so is no test of them."""
_PLANTED = re.compile(
    "|".join(f"(?:{pattern})" for patterns in _PATTERNS.values() for pattern in patterns),
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A text whose length and offsets are the original's, and what was blanked in it."""

    text: str
    blanked: tuple[tuple[int, int], ...] = ()
    """Start and end of each span that addresses a model."""


def screen(text: str) -> Screened:
    """Blank the sentences, tagged blocks and comments of `text` that address a model."""
    spans = (match.span() for match in _SPAN.finditer(text) if match[0].strip())
    found = tuple(span for span in spans if any(map(_PLANTED.search, _readings(text[slice(*span)]))))
    for start, end in found:
        text = text[:start] + _gap(end - start) + text[end:]
    return Screened(text=text, blanked=found)


def _gap(length: int) -> str:
    """White space that what stands before and after it is not read across."""
    return "\n" + " " * (length - 2) + "\n" if length > 1 else "\n" * length


def _readings(text: str) -> Iterator[str]:
    """The text as a model may read it: without what cannot be seen, in one script, decoded."""
    plain = _plain(text)
    yield plain
    if "rot13" in plain.lower():
        yield codecs.decode(plain, "rot13")
    for match in _ENCODED.finditer(plain):
        yield from _decoded(match[0])
    for match in _HEX.finditer(plain):
        yield bytes.fromhex(match[0]).decode("utf-8", "ignore")


def _plain(text: str) -> str:
    shown = (chr(ord(each) - 0xE0000) if ord(each) in _TAGS else each for each in text)
    kept = "".join(each for each in shown if unicodedata.category(each) != "Cf")
    folded = unicodedata.normalize("NFKC", kept)
    mixed = any("a" <= each.lower() <= "z" for each in folded)
    return folded.translate(_LOOKALIKES) if mixed and re.search(r"[\u0370-\u052f]", folded) else folded


def _decoded(piece: str) -> Iterator[str]:
    try:
        found = base64.b64decode(piece + "=" * (-len(piece) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return
    if found.isprintable():
        yield found
