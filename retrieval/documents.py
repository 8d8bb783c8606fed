"""Reading Markdown, text, HTML and PDF files into plain text with marks where a heading or a page begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .. import UsageError

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

MAX_BYTES = 64 * 2**20
"""Larger files are skipped: a text of that size is a data set, not a document."""
_SETEXT = re.compile(r"(=+|-+)\s*")
_ATX = re.compile(r" {0,3}(#{1,6})\s+(.+?)\s*#*\s*")
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?P<matter>.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_BLOCK_NAMES = """
    address article aside blockquote br caption dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr li main ol p pre section summary table tbody tfoot thead tr ul
"""
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_UNSEEN = ["script", "style", "template", "noscript", "nav", "svg"]


class UnreadableError(UsageError):
    """A file cannot be read as a document; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where a heading or a page begins."""

    start: int
    """Position in the document's text."""
    heading: str | None = None
    """The heading in force from here on, with those above it: `Canals > Suez`."""
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The text of one file; every span refers to it."""

    source: str
    text: str
    marks: tuple[Mark, ...] = ()
    """In order of `start`."""


def read_document(path: Path, *, source: str) -> Document:
    """The document in the file `path`, to be called `source`; `UnreadableError` says why there is none."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableError(
            f"{path.suffix or 'a file without suffix'} is not read (only {', '.join(SUFFIXES)})"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UnreadableError(f"larger than {MAX_BYTES // 2**20} MiB")
        text, marks = reader(path)
    except OSError as error:
        raise UnreadableError(f"cannot be opened: {error.strerror or error}") from error
    if not text.strip():
        raise UnreadableError("holds no text")
    return Document(source=source, text=text, marks=tuple(marks))


def front_matter(text: str) -> str:
    """The lines between `---` at the very beginning of Markdown and the next `---`; empty where there are none."""
    found = _FRONT_MATTER.match(text)
    return found["matter"] if found else ""


def _read_text(path: Path) -> tuple[str, list[Mark]]:
    return _decode(path.read_bytes()), []


def _decode(data: bytes) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableError("is not UTF-8 text") from error
    if "\x00" in text:
        raise UnreadableError("is binary, not text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _read_markdown(path: Path) -> tuple[str, list[Mark]]:
    text = _decode(path.read_bytes())
    trail = _HeadingTrail()
    return text, [
        Mark(start=at, heading=trail.enter(level, title)) for at, level, title in _find_headings(text)
    ]


class _HeadingTrail:
    """The headings above the present position, outermost first."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> str:
        self._open = [(depth, name) for depth, name in self._open if depth < level]
        self._open.append((level, title))
        return " > ".join(name for _, name in self._open)


def _find_headings(text: str) -> Iterator[tuple[int, int, str]]:
    """Position, level and title of each Markdown heading outside fenced code."""
    matter = _FRONT_MATTER.match(text)
    at, fence, above = matter.end() if matter else 0, "", ""
    for line in text[at:].splitlines(keepends=True):
        bare = line.rstrip("\n")
        if found := _FENCE.match(bare):
            mark = found[1][:3]
            fence = "" if fence == mark else fence or mark
            above = ""
        elif fence:
            above = ""
        elif heading := _ATX.fullmatch(bare):
            yield at, len(heading[1]), heading[2]
            above = ""
        elif above and _SETEXT.fullmatch(bare) and len(bare.strip()) > 2:
            yield at - len(above), 1 if bare[0] == "=" else 2, above.strip()
            above = ""
        else:
            above = line if bare.strip() and not bare.lstrip().startswith(("|", "-", "*", ">")) else ""
        at += len(line)


def _read_html(path: Path) -> tuple[str, list[Mark]]:
    from bs4 import BeautifulSoup

    page = BeautifulSoup(_decode(path.read_bytes()), "html.parser")
    for element in page(_UNSEEN):
        element.decompose()
    return _flatten(page)


def _flatten(page: BeautifulSoup) -> tuple[str, list[Mark]]:
    from bs4.element import NavigableString, Tag

    body = page.body or page
    for element in body(list(_BLOCKS)):
        element.insert_after(page.new_tag("br"))
    pieces: list[str] = []
    marks: list[Mark] = []
    trail = _HeadingTrail()
    length = 0
    for node in body.descendants:
        if isinstance(node, Tag):
            piece = "\n" if node.name in _BLOCKS and length else " " if node.name in ("td", "th") else ""
            if re.fullmatch("h[1-6]", node.name):
                title = " ".join(node.get_text(" ").split())
                marks.append(Mark(start=length + len(piece), heading=trail.enter(int(node.name[1]), title)))
        elif type(node) is NavigableString:
            piece = str(node) if node.find_parent("pre") else re.sub(r"\s+", " ", str(node))
        else:  # a comment, a doctype
            continue
        pieces.append(piece)
        length += len(piece)
    return "".join(pieces), marks


def _read_pdf(path: Path) -> tuple[str, list[Mark]]:
    import logging
    import struct
    import zlib

    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    # It writes what is wrong with a file to the log as well as raising it.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pieces: list[str] = []
    marks: list[Mark] = []
    try:
        for number, page in enumerate(PdfReader(path).pages, start=1):
            marks.append(Mark(start=sum(map(len, pieces)), page=number))
            text = page.extract_text().replace("\x00", "")
            # pypdf passes on lone surrogates, which no UTF-8 file can hold.
            pieces.append(text.encode("utf-8", "replace").decode() + "\n\n")
    # What pypdf raises on a malformed file besides its own errors, seen in its issue tracker.
    except (
        PyPdfError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
        zlib.error,
        struct.error,
    ) as e:
        raise UnreadableError(f"is not a PDF that can be read: {e}") from e
    if not "".join(pieces).strip():
        raise UnreadableError("is a PDF without a text layer")
    return "".join(pieces), marks


_READERS = {
    ".md": _read_markdown,
    ".markdown": _read_markdown,
    ".txt": _read_text,
    ".html": _read_html,
    ".htm": _read_html,
    ".pdf": _read_pdf,
}
SUFFIXES = tuple(_READERS)
"""What is read."""
