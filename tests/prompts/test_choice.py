from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from pilotfish.prompts import choose_prompts, load_prompt, prompt_names
from pilotfish.prompts.prompt import PromptError, text_digest

NAME = "agent_answer"


def own(folder: Path, text: str = "Say it in one word.") -> Path:
    body = f"## user\n{text} ${{known}} $question\n"
    path = folder / "short.md"
    path.write_text(f"---\nname: short\nversion: 7\nsha256: {text_digest(body)}\n---\n{body}")
    return path


def test_without_a_choice_the_prompt_in_use_is_taken() -> None:
    assert choose_prompts(()).load(NAME) == load_prompt(NAME)


def test_the_version_in_use_can_be_pinned_by_its_number() -> None:
    version = load_prompt(NAME).version
    assert choose_prompts([f"{NAME}@{version}"]).load(NAME) == load_prompt(NAME)


def test_a_file_of_ones_own_takes_the_place_of_a_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own(tmp_path)
    monkeypatch.chdir(tmp_path)
    choice = choose_prompts([f"{NAME}=short.md"])
    monkeypatch.chdir("/")
    taken = choice.load(NAME)
    assert (taken.name, taken.version) == ("short", "7"), "by its full path, wherever the run is resumed"
    assert choice.load("agent_read") == load_prompt("agent_read"), "others stay as they are"


def test_a_split_is_even_and_gives_the_same_unit_the_same(tmp_path: Path) -> None:
    choice = choose_prompts({NAME: f"{load_prompt(NAME).version},{own(tmp_path)}"})
    given = {f"run{n}": choice.load(NAME, unit=f"run{n}").name for n in range(400)}
    assert given == {unit: choice.load(NAME, unit=unit).name for unit in given}
    assert 160 < Counter(given.values())["short"] < 240


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([f"{NAME}@99"], "has no version '99'"),
        (["nope@1"], "unknown prompt 'nope'"),
        ([NAME], "write NAME@VERSION"),
        ([f"{NAME}=missing.md"], "cannot be read"),
        ([f"{NAME}@1", f"{NAME}@1"], "chosen twice"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_before_any_run(given: list[str], message: str) -> None:
    with pytest.raises(PromptError, match=message):
        choose_prompts(given)


def test_a_choice_goes_into_the_record_of_a_run_and_back(tmp_path: Path) -> None:
    choice = choose_prompts({NAME: f"1,{own(tmp_path)}"})
    again = choose_prompts({name: ",".join(each) for name, each in choice.versions().items()})
    assert again == choice


@pytest.mark.parametrize("what", ["", "1,", ",1"])
def test_a_version_left_out_is_not_taken_for_the_one_in_use(what: str) -> None:
    with pytest.raises(PromptError, match="names no version of prompt 'agent_answer'"):
        choose_prompts({"agent_answer": what})


@pytest.mark.parametrize("variable", ["$qestion", "${qestion}"])
def test_a_file_that_asks_for_a_value_nobody_gives_is_refused_when_chosen(
    tmp_path: Path, variable: str
) -> None:
    file = own(tmp_path, f"Say it: {variable}")
    with pytest.raises(
        PromptError, match=r"'short' has \$qestion, .*'agent_answer'.*did you mean \$question\?"
    ):
        choose_prompts([f"{NAME}={file}"])
    with pytest.raises(PromptError, match="did you mean"):
        choose_prompts({NAME: f"1,{file}"})


def test_a_file_may_leave_variables_out_and_a_workflows_own_name_may_have_any(tmp_path: Path) -> None:
    file = own(tmp_path, "It costs $$5 and $qestion is:")
    assert choose_prompts([f"mine={file}"]).files() == {"mine": str(file)}
    body = "## user\n$question\n"
    file.with_name("bare.md").write_text(
        f"---\nname: bare\nversion: 1\nsha256: {text_digest(body)}\n---\n{body}"
    )
    choice = choose_prompts({NAME: str(tmp_path / "bare.md"), "agent_read": "1"})
    assert choice.files() == {NAME: str(tmp_path / "bare.md")}
    assert choice.load(NAME).variables == {"question"}


def test_the_documentation_names_the_variables_of_every_prompt() -> None:
    text = Path(__file__).parents[2].joinpath("docs", "prompts.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `") and "`$" in line]
    told = {
        name: set(re.findall(r"\$(\w+)", variables))
        for names, variables in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert told == {name: set(load_prompt(name).variables) for name in prompt_names()}
