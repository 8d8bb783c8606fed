from __future__ import annotations

import importlib
from importlib import resources
from pathlib import Path

import pytest

from pilotfish.prompts import load_prompt, prompt_names
from pilotfish.prompts.prompt import PromptError, parse_prompt, text_digest

BODY = "## system\nBe brief.\n\n## user\nAsk: $question {json}\n"


def file(body: str = BODY, *, name: str = "p", digest: str | None = None) -> str:
    return f"---\nname: {name}\nversion: 3\nsha256: {digest or text_digest(body)}\n---\n{body}"


@pytest.mark.parametrize("name", prompt_names())
def test_every_shipped_prompt_loads_under_its_version(name: str) -> None:
    prompt = load_prompt(name)
    assert prompt.name == name
    assert prompt.version
    assert prompt.messages[-1][0] == "user"


def test_values_are_inserted_verbatim() -> None:
    rendered = parse_prompt(file(), "p").render(question="$1 & $question")
    assert rendered.messages == (("system", "Be brief."), ("user", "Ask: $1 & $question {json}"))
    assert (rendered.name, rendered.version) == ("p", "3")


def test_a_stray_dollar_names_the_prompt_and_the_remedy() -> None:
    with pytest.raises(PromptError, match=r"'p' has a stray '\$'.*write '\$\$'"):
        parse_prompt(file("## user\nIt costs $ 5.\n"), "p").render()


def test_a_changed_text_under_an_old_version_is_refused() -> None:
    with pytest.raises(PromptError, match="changed but its version '3' did not"):
        parse_prompt(file().replace("brief", "long"), "p")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no head", "has no head"),
        (file(name="q"), "calls itself 'q'"),
        (file("nothing\n"), "has no messages"),
        (file().replace("version: 3\n", ""), "has no version"),
    ],
)
def test_a_malformed_file_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        parse_prompt(text, "p")


def test_a_missing_value_and_an_unknown_prompt_are_named() -> None:
    with pytest.raises(PromptError, match="needs a value for 'question'"):
        parse_prompt(file(), "p").render()
    with pytest.raises(PromptError, match=r"unknown prompt 'nope'; there are: .*agent_answer"):
        load_prompt("nope")


def test_a_workflow_brings_its_own_prompt_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "p.md"
    path.write_text(file())
    assert load_prompt(str(path)).version == "3"
    with pytest.raises(PromptError, match=r"gone\.md' cannot be read"):
        load_prompt(str(tmp_path / "gone.md"))


def test_a_wrong_hash_in_a_file_of_ones_own_says_the_right_one(tmp_path: Path) -> None:
    path = tmp_path / "p.md"
    right = text_digest(file().partition("\n---\n")[2])
    path.write_text(file().replace(right, "anything"))
    message = f"does not have the hash in its head: write sha256: {right} .and raise the version if"
    with pytest.raises(PromptError, match=message):
        load_prompt(str(path))
    path.write_text(file())
    assert load_prompt(str(path)).version == "3"


def released() -> dict[tuple[str, str], str]:
    text = (resources.files("pilotfish.prompts") / "files" / "released.txt").read_text()
    return {(name, version): digest for name, version, digest in map(str.split, text.splitlines())}


def test_every_shipped_prompt_is_in_the_list_of_what_was_released() -> None:
    folder = resources.files("pilotfish.prompts") / "files"
    for file in (entry for entry in folder.iterdir() if entry.name.endswith(".md")):
        text = file.read_text()
        prompt = parse_prompt(text, file.name.removesuffix(".md").partition("@")[0])
        assert released().get((prompt.name, prompt.version)) == text_digest(text.partition("\n---\n")[2]), (
            f"add {prompt.name} {prompt.version} to released.txt; a line that is there stays as it is"
        )


def test_a_new_text_with_a_new_hash_under_a_released_version_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The hash in the head was mended with the text, the version was forgotten."""
    (name, version), _ = next(iter(released().items()))
    module = importlib.import_module("pilotfish.prompts.prompt")
    monkeypatch.setattr(module, "_released", lambda: {(name, version): "0" * 16})
    load_prompt.cache_clear()
    with pytest.raises(PromptError, match="was released with another text: raise the version"):
        load_prompt(name)
    load_prompt.cache_clear()
