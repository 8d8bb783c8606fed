"""A prompt: a named, versioned template of chat messages, read from a Markdown file.

A file opens with `name`, `version` and `sha256` lines between two `---`, then a `## system`, `## user` or
`## assistant` heading per message. Values are filled in as `$name` (`string.Template`), so braces and JSON are
plain text. A file whose text no longer has the hash in its head fails to load, and a shipped one also when its version
was released with another text (`files/released.txt`): the version must change with the text.
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

    @property
    def variables(self) -> frozenset[str]:
        """Every `$name` that it is rendered with."""
        return frozenset(name for _, text in self.messages for name in Template(text).get_identifiers())

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
    names = (entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md"))
    return sorted(name for name in names if "@" not in name)


@cache
def load_prompt(name: str) -> Prompt:
    """Load the shipped prompt `name` or `name@version`, or your own from a path that ends in `.md`; hashes are checked.

    `files/NAME.md` is the version in use, `files/NAME@VERSION.md` any other that is kept beside it.
    """
    if name.endswith(".md"):
        return _load_own(Path(name))
    base, _, version = name.partition("@")
    file = resources.files(_PACKAGE) / "files" / f"{base}.md"
    if not file.is_file():
        raise PromptError(f"unknown prompt {base!r}; there are: {', '.join(prompt_names())}")
    prompt = _shipped(file.read_text(encoding="utf-8"), base)
    if not version or prompt.version == version:
        return prompt
    other = resources.files(_PACKAGE) / "files" / f"{name}.md"
    if not other.is_file():
        raise PromptError(f"prompt {base!r} has no version {version!r}; in use is {prompt.version!r}")
    prompt = _shipped(other.read_text(encoding="utf-8"), base)
    if prompt.version != version:
        raise PromptError(f"prompt file {name!r} holds version {prompt.version!r}; name and head must agree")
    return prompt


def _shipped(text: str, name: str) -> Prompt:
    """A shipped prompt, compared with what its version was released with."""
    prompt = parse_prompt(text, name)
    digest = text_digest(text.partition("\n---\n")[2])
    if _released().get((name, prompt.version), digest) != digest:
        raise PromptError(
            f"version {prompt.version!r} of prompt {name!r} was released with another text: raise the version"
        )
    return prompt


@cache
def _released() -> dict[tuple[str, str], str]:
    """Digest by name and version: lines are added to the list with each release, never changed."""
    text = (resources.files(_PACKAGE) / "files" / "released.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in text.splitlines() if line.strip()]
    return {(name, version): digest for name, version, digest in rows}


def _load_own(path: Path) -> Prompt:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(f"the prompt {str(path)!r} cannot be read: {error.strerror}") from None
    return parse_prompt(text, path.stem, own=True)


def parse_prompt(text: str, name: str, *, own: bool = False) -> Prompt:
    """Read a prompt file's text; `name` is what its head must say. A user's `own` has its errors told another way."""
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
    if head.get("sha256") != digest and own:
        raise PromptError(
            f"the text of prompt {name!r} does not have the hash in its head: write sha256: {digest} "
            "(and raise the version if the text changed)"
        )
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
