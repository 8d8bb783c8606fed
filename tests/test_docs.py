"""The documentation: its Python runs, its links lead somewhere, its commands exist, its graphs are the real ones."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

import pilotfish
from pilotfish import Agent
from pilotfish.cli.main import app
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakePolicy

ROOT = Path(pilotfish.__file__).parent
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if page.exists()]
SHELLS = {"bash", "console", "sh", "shell"}
FENCE = re.compile(r"^\s*(?P<ticks>`{3,}|~{3,})(?P<language>[\w+-]*)")
COMMENT = re.compile(r"^\s*<!--\s*(?P<text>.*?)\s*-->\s*$")
LINK = re.compile(r"\[[^\]\n]*\]\((?P<target>[^)\s]+)\)")
INLINE_COMMAND = re.compile(r"`(?P<command>pilotfish [^`]+)`")
every_page = pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block, with the line its code begins on and the comment above it."""

    language: str
    code: str
    line: int
    comment: str

    @property
    def skipped(self) -> bool:
        return self.comment.startswith("no-test:")

    @property
    def needs_weights(self) -> bool:
        return self.comment == "weights"


def split_page(page: Path) -> tuple[list[Block], str]:
    """The fenced blocks of a page, and its prose without them."""
    blocks: list[Block] = []
    prose: list[str] = []
    ticks, start = "", 0
    opening: re.Match[str] | None = None
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, start=1):
        fence = FENCE.match(line)
        if opening is None and fence:
            opening, ticks, start = fence, fence["ticks"], number
        elif opening is not None and fence and line.strip() == ticks:
            above = next((text for text in reversed(lines[: start - 1]) if text.strip()), "")
            comment = COMMENT.match(above)
            code = "\n".join(lines[start : number - 1]) + "\n"
            blocks.append(
                Block(
                    language=opening["language"],
                    code=code,
                    line=start + 1,
                    comment=comment["text"] if comment else "",
                )
            )
            opening = None
        elif opening is None:
            prose.append(line)
    assert opening is None, f"{page.name}:{start}: the block is never closed"
    return blocks, "\n".join(prose)


def python_blocks(page: Path) -> list[Block]:
    return [block for block in split_page(page)[0] if block.language == "python" and not block.skipped]


def run_blocks(page: Path, blocks: list[Block]) -> None:
    """One namespace a page, in order; a traceback shows the page's own line."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks:
        code = compile("\n" * (block.line - 1) + block.code, str(page), "exec")
        exec(code, namespace)


WITH_PYTHON = [page for page in PAGES if any(not block.needs_weights for block in python_blocks(page))]
WITH_WEIGHTS = [page for page in PAGES if any(block.needs_weights for block in python_blocks(page))]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=[page.name for page in WITH_PYTHON])
def test_the_python_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_blocks(page, [block for block in python_blocks(page) if not block.needs_weights])


@pytest.mark.weights
@pytest.mark.parametrize("page", WITH_WEIGHTS, ids=[page.name for page in WITH_WEIGHTS])
def test_the_python_runs_on_the_real_models(
    page: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models").symlink_to(weights / "models")
    monkeypatch.chdir(tmp_path)
    run_blocks(page, python_blocks(page))


@every_page
def test_every_block_has_a_language_and_every_skip_a_reason(page: Path) -> None:
    for block in split_page(page)[0]:
        assert block.language, f"{page.name}:{block.line}: the block has no language"
        if block.skipped:
            assert block.comment.removeprefix("no-test:").strip(), (
                f"{page.name}:{block.line}: skipped for no reason"
            )


@every_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    for match in LINK.finditer(split_page(page)[1]):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve() if target else page
        assert file.exists(), f"{page.name} links to {match['target']!r}, which is not there"
        if anchor:
            assert anchor in set(anchors(file)), f"{page.name} links to {match['target']!r}: no such heading"


@every_page
def test_every_command_in_a_shell_block_is_a_real_one(page: Path) -> None:
    for block in split_page(page)[0]:
        if block.language in SHELLS:
            for words in commands_in(block.code):
                fault = find_fault(words, where=f"{page.name}:{block.line}")
                assert fault is None, f"{page.name}:{block.line}: pilotfish {' '.join(words)}: {fault}"


@every_page
def test_every_command_named_in_the_text_is_a_real_one(page: Path) -> None:
    for match in INLINE_COMMAND.finditer(split_page(page)[1]):
        words = match["command"].replace("[", " ").replace("]", " ").split()
        command, rest = find_command(words[1:], where=page.name)
        known = {option for parameter in command.params for option in parameter.opts}
        for word in rest:
            name = word.partition("=")[0]
            assert not re.match(r"--?[a-z]", name) or name in known | {"--help"}, (
                f"{page.name}: {match['command']!r} has no option {name!r}"
            )


def test_the_pages_graphs_are_what_the_agent_draws() -> None:
    blocks, _ = split_page(ROOT / "docs" / "architecture.md")
    shown = [block.code.strip() for block in blocks if block.language == "mermaid"]
    drawn = Agent(local=ScriptedChat(reply=lambda _text: ""), policy=FakePolicy()).mermaid()
    assert drawn["run"].strip() in shown
    assert drawn["subtask"].strip() in shown


def test_the_architecture_names_every_folder() -> None:
    _, prose = split_page(ROOT / "docs" / "architecture.md")
    named = set(re.findall(r"^\| `(\w+)/` \|", prose, re.MULTILINE))
    assert named == {folder.parent.name for folder in ROOT.glob("*/__init__.py")}


def test_the_index_names_every_page() -> None:
    _, prose = split_page(ROOT / "docs" / "index.md")
    linked = {match["target"].partition("#")[0] for match in LINK.finditer(prose)}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"} <= linked


def anchors(page: Path) -> Iterator[str]:
    """Headings as GitHub makes them into anchors."""
    for line in split_page(page)[1].splitlines():
        if heading := re.match(r"#+ (.+)", line):
            yield re.sub(r"[^\w\- ]", "", heading[1].strip().lower()).replace(" ", "-")


def commands_in(script: str) -> Iterator[list[str]]:
    """The words of every `pilotfish` command of a script, without what it is piped to or redirected into."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|;&<>")
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set("|;&<>"):
                if command and command[0] == "pilotfish":
                    yield command[1:]
                command = []
            elif command or "=" not in word:
                command.append(word)


def find_command(words: list[str], *, where: str) -> tuple[Any, list[str]]:
    """The command that the first words name, and the words after them."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and hasattr(command, "commands") and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"{where}: no command {name!r} in `pilotfish {' '.join(words)}`"
        command = command.commands[name]
    return command, rest


def find_fault(words: list[str], *, where: str) -> str | None:
    """What the command line has against the words, which are read and not carried out; None if nothing."""
    command, rest = find_command(words, where=where)
    if "--help" in rest or hasattr(command, "commands"):
        return None
    try:
        command.make_context(command.name, rest)
    except typer.BadParameter.__bases__[0] as error:  # of every wrong-command error; Typer does not export it
        message = error.format_message()
        # A folder of an example lies on the reader's disk, not here.
        return None if message.endswith("does not exist.") else message
    return None
