"""Fingerprints of prompts: they tell that a question was trained on, without keeping a word of it.

The same question with other options, another case or other spacing has the same fingerprint; a reworded one has not.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from .. import UsageError
from ..tracing.whole import write_whole

BYTES = 6
"""Length of a fingerprint: among 100,000 questions a stranger meets a known one by chance once in 2.8 billion."""
FEWEST_WORDS = 8
"""A stem shorter than this, as `Which of these is true?`, is no question of its own: it takes its options in."""
MAGIC = b"PFROWS1\n"
_DIGEST = 8

_WORD = re.compile(r"\w+")
_OPTIONS = re.compile(r"\n\s*\(?A[.):]\s")


def fingerprint(text: str) -> int:
    """48 bits of a SHA-256 over the words of the stem, see `stem_of`, or of the whole text where that is short."""
    words = stem_of(text)
    if words.count(" ") + 1 < FEWEST_WORDS:
        words = _words(text)
    return int.from_bytes(hashlib.sha256(words.encode("utf-8", "surrogatepass")).digest()[:BYTES])


def stem_of(text: str) -> str:
    """The words of the text before its first lettered option line, in one case, one space apart."""
    return _words(_OPTIONS.split(text, maxsplit=1)[0])


def fingerprints(texts: Iterable[str]) -> frozenset[int]:
    """The fingerprints of all `texts`."""
    return frozenset(map(fingerprint, texts))


def write_fingerprints(found: Iterable[int], path: Path) -> None:
    """Writes fingerprints sorted, each once, behind a digest of them; whole or not at all."""
    body = b"".join(number.to_bytes(BYTES) for number in sorted(set(found)))
    write_whole(path, MAGIC + _digest(body) + body)


def read_fingerprints(path: Path) -> frozenset[int]:
    """The fingerprints in `path`. Raises `UsageError` when the file is missing, of another form, or altered."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"no fingerprints at {str(path)!r} ({error.strerror}); train again to write them"
        ) from None
    start = len(MAGIC) + _DIGEST
    body = data[start:]
    if not data.startswith(MAGIC) or len(body) % BYTES or data[len(MAGIC) : start] != _digest(body):
        raise UsageError(
            f"fingerprints {str(path)!r} are altered, cut short or of another form; train again, or restore the file"
        )
    return frozenset(int.from_bytes(body[at : at + BYTES]) for at in range(0, len(body), BYTES))


def _words(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()[:_DIGEST]
