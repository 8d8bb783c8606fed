"""A prompt: a named, versioned template of chat messages, read from a Markdown file.

A file opens with `name`, `version` and `sha256` lines between two `---`, then a `## system`, `## user` or
`## assistant` heading per message. Values are filled in as `$name` (`string.Template`), so braces and JSON are
plain text. A file whose text no longer has the hash in its head fails to load: the version must change with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

from .. import UsageError

_PACKAGE = __name__.rpartition(".")[0]
_HEAD = re.compile(r"\A---\n(?P<head>.*?)\n---\n(?P<body>.*)\Z", re.DOTALL)
_MESSAGE = re.compile(r"^## (system|user|assistant)\n", re.MULTILINE)


class PromptError(UsageError):
    """A prompt that is unknown, misses a value, or whose text changed under an unchanged version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPrompt:
    """Messages ready to send, with the identity of the prompt they come from."""

    name: str
    version: str
    messages: tuple[tuple[str, str], ...]
    """(role, text) pairs; roles are `system`, `user`, `assistant`."""

    def followed_by(self, *turns: tuple[str, str]) -> RenderedPrompt:
        """The same prompt with more turns after it, under the same name and version."""
        return RenderedPrompt(name=self.name, version=self.version, messages=(*self.messages, *turns))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A template of chat messages with a name and a version."""

    name: str
    version: str
    messages: tuple[tuple[str, str], ...]

    def render(self, values: Mapping[str, str] | None = None, /, **more: str) -> RenderedPrompt:
        """Fill every `$name`. A missing value raises `PromptError` and names it; values are inserted verbatim."""
        known = {**(values or {}), **more}
        try:
            filled = tuple((role, Template(text).substitute(known)) for role, text in self.messages)
        except KeyError as missing:
            raise PromptError(
                f"prompt {self.name!r} needs a value for {missing.args[0]!r} (it got: {sorted(known)})"
            ) from None
        except ValueError as error:
            raise PromptError(f"prompt {self.name!r} has a stray '$' ({error}); write '$$' for one") from None
        return RenderedPrompt(name=self.name, version=self.version, messages=filled)


def prompt_names() -> list[str]:
    """Names of the prompts that ship with Pilotfish."""
    folder = resources.files(_PACKAGE) / "files"
    return sorted(entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md"))


@cache
def load_prompt(name: str) -> Prompt:
    """Load the shipped prompt `name`, or a workflow's own from a path that ends in `.md`, checked against its hash."""
    if name.endswith(".md"):
        return _load_own(Path(name))
    file = resources.files(_PACKAGE) / "files" / f"{name}.md"
    if not file.is_file():
        raise PromptError(f"unknown prompt {name!r}; there are: {', '.join(prompt_names())}")
    return parse_prompt(file.read_text(encoding="utf-8"), name)


def _load_own(path: Path) -> Prompt:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(f"the prompt {str(path)!r} cannot be read: {error.strerror}") from None
    return parse_prompt(text, path.stem)


def parse_prompt(text: str, name: str) -> Prompt:
    """Read a prompt file's text; `name` is what its head must say."""
    match = _HEAD.match(text)
    if match is None:
        raise PromptError(
            f"prompt {name!r} has no head: it must open with '---', name, version and sha256 lines"
        )
    head = dict(line.split(": ", 1) for line in match["head"].splitlines() if ": " in line)
    if head.get("name") != name:
        raise PromptError(f"prompt file {name!r} calls itself {head.get('name')!r}; name and file must agree")
    if not head.get("version"):
        raise PromptError(f"the head of prompt {name!r} has no version; add a line such as 'version: 1'")
    digest = text_digest(match["body"])
    if head.get("sha256") != digest:
        raise PromptError(
            f"the text of prompt {name!r} changed but its version {head.get('version')!r} did not: "
            f"raise the version and set sha256: {digest}"
        )
    pieces = _MESSAGE.split(match["body"])
    messages = tuple((role, body.strip()) for role, body in zip(pieces[1::2], pieces[2::2], strict=True))
    if not messages:
        raise PromptError(f"prompt {name!r} has no messages: write '## system' or '## user' headings")
    return Prompt(name=name, version=head["version"], messages=messages)


def text_digest(body: str) -> str:
    """First 16 hexadecimal digits of the sha256 of a prompt's body."""
    return hashlib.sha256(body.encode()).hexdigest()[:16]
