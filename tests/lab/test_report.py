from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from pilotfish import UsageError
from pilotfish.lab.provenance import commit
from pilotfish.lab.replay import Replay, replay
from pilotfish.lab.replay_output import replay_json
from pilotfish.lab.report import Report, build_report, write_report, write_thin_report
from pilotfish.lab.report_folder import write_folder
from pilotfish.lab.report_markdown import escaped
from pilotfish.router.fixed import always_local
from pilotfish.router.policy import Decision
from pilotfish.router.subtask import Subtask

COMMAND = "pilotfish lab report made-up --policy p"
HOSTILE = "<script>alert(1)</script>|`x`"


class Knowing:
    """Sends what says `hard` to the large model and predicts its quality; its name is what `repr` says."""

    def __init__(self, name: str = "knowing", *, model: str | None = None) -> None:
        self.name = name
        self.model = model

    def __repr__(self) -> str:
        return self.name

    def decide(self, subtasks: Sequence[Subtask], /) -> list[Decision]:
        return [self._decide(subtask.text) for subtask in subtasks]

    def _decide(self, text: str) -> Decision:
        [plain] = always_local().decide([Subtask(id="s", text=text)])
        number = int(text.split()[1])
        return replace(
            plain,
            version="v7",
            lane="large" if number >= 150 else "local",
            large_gain=(number - 150) / 300,
            model=self.model,
            expected_quality=0.6 + number / 1000,
        )


@pytest.fixture
def found(make_table: Any) -> Replay:
    return replay(make_table(300), [Knowing(), "rules"], resamples=50)


@pytest.fixture
def written(found: Replay, tmp_path: Path) -> tuple[Report, Path]:
    out = tmp_path / "report"
    return write_report(found, out, command=COMMAND), out


class _Page(HTMLParser):
    """Tags, and every attribute that could fetch something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        wanted = ("href", "src", "srcset", "data", "action", "poster", "xlink:href")
        self.links += [value or "" for name, value in attrs if name in wanted]


def test_the_page_needs_nothing_else(written: tuple[Report, Path]) -> None:
    text = (written[1] / "report.html").read_text()
    page = _Page(text)
    assert not {"script", "link", "iframe", "img", "object", "embed", "base", "form"} & set(page.tags)
    assert all(link.startswith("#") for link in page.links)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_every_exhibit_says_where_it_comes_from(written: tuple[Report, Path], found: Replay) -> None:
    report, out = written
    assert {"contenders", "cost-quality", "gain-by-score", "scores", "reliability", "slices"} <= {
        exhibit.name for exhibit in report.exhibits
    }
    wanted = [
        COMMAND,
        "seed 0",
        f"data {found.table.digest}",
        "knowing v7",
        f"commit {commit() or 'unknown'}",
    ]
    for exhibit in report.exhibits:
        assert all(part in exhibit.source for part in wanted), exhibit.name
    html, markdown = ((out / name).read_text() for name in ("report.html", "report.md"))
    assert html.count(found.table.digest) == markdown.count(found.table.digest) == len(report.exhibits) + 1


def test_the_answer_names_policy_gain_and_certainty(written: tuple[Report, Path]) -> None:
    answer = " ".join(written[0].answer)
    assert answer.startswith("Of the 2 policies ‘knowing’ is the best")
    for part in ("dealt out by chance", "best single model, large", "prompt length", "certain", "oracle"):
        assert part in answer


def test_all_files_are_there_and_no_others(written: tuple[Report, Path]) -> None:
    report, out = written
    names = {path.name for path in out.iterdir()}
    drawn = {exhibit.name for exhibit in report.exhibits if exhibit.drawing is not None}
    expected = {"report.html", "report.md", "results.json"}
    assert names == expected | {f"{name}.{ending}" for name in drawn for ending in ("png", "svg")}
    markdown = (out / "report.md").read_text()
    assert set(re.findall(r"\]\(([^)]+)\)", markdown)) == {f"{name}.png" for name in drawn}
    assert list(out.parent.glob(".report*")) == []


def test_no_prompt_is_quoted_unless_asked_for(
    written: tuple[Report, Path], found: Replay, tmp_path: Path
) -> None:
    _, out = written
    for path in out.iterdir():
        assert b"about thing" not in path.read_bytes(), path.name
    shown = write_report(found, tmp_path / "shown", command=COMMAND, show_prompts=True)
    assert "about thing" in (tmp_path / "shown" / "report.html").read_text()
    assert shown.exhibits[-1].name == "prompts"


def test_hostile_names_do_not_get_out(make_table: Any, tmp_path: Path) -> None:
    table = make_table(300, models=("sm<b>all", "la|rge"))
    table = replace(table, name="<img src=x>", groups=(HOSTILE,) * 150 + ("[a](http://b)",) * 150)
    found = replay(table, [Knowing(HOSTILE)], resamples=20)
    write_report(found, tmp_path / "out", command=COMMAND)
    page = _Page((tmp_path / "out" / "report.html").read_text())
    assert not {"script", "b", "img", "a"} & set(page.tags)
    markdown = (tmp_path / "out" / "report.md").read_text()
    assert "<script" not in markdown
    assert not re.search(r"(?<!\\)\]\(http", markdown)
    [slices] = re.findall(r"\| prompts \|.*?\n\n", markdown, flags=re.DOTALL)
    assert len({line.replace("\\|", "").count("|") for line in slices.strip().splitlines()}) == 1


def test_a_group_of_markup_stays_text() -> None:
    assert escaped("a|b\n<i>*c*") == "a\\|b &lt;i&gt;\\*c\\*"


def test_more_than_two_models_are_told_apart_by_quality(make_table: Any, tmp_path: Path) -> None:
    table = make_table(300, models=("small", "large", "third"))
    found = replay(table, [Knowing(model="third"), "rules"], resamples=50)
    report = write_report(found, tmp_path / "out", command=COMMAND)
    names = [exhibit.name for exhibit in report.exhibits]
    assert "ranking" in names
    [shares] = [exhibit for exhibit in report.exhibits if exhibit.name == "shares"]
    column = shares.heads.index("knowing")
    assert [line.cells[column].text for line in shares.lines] == ["–", "–", "100"]


def test_costs_in_dollars_make_the_axis(make_table: Any, tmp_path: Path) -> None:
    found = replay(make_table(300, costs=(0.001, 0.02)), [Knowing()], resamples=50)
    report = write_report(found, tmp_path / "out", command=COMMAND)
    [figure] = [exhibit for exhibit in report.exhibits if exhibit.name == "cost-quality"]
    assert figure.drawing is not None
    assert "dollars per 1,000 prompts" in figure.drawing.svg
    assert "less per 1,000 prompts" in " ".join(report.answer)


def test_a_policy_by_the_name_of_a_baseline_is_not_mixed_up_with_it(make_table: Any, tmp_path: Path) -> None:
    found = replay(make_table(300), ["always-large", "rules"], resamples=50)
    report = write_report(found, tmp_path / "out", command=COMMAND)
    lines = [line for line in report.exhibits[0].lines if line.cells[0].text == "always-large"]
    assert len(lines) == 2
    assert lines[0].cells[1].text == lines[1].cells[1].text


def test_a_policy_worse_than_chance_is_called_that(make_table: Any) -> None:
    table = make_table(400)
    upside_down = replace(table, prompts=tuple(reversed(table.prompts)))
    found = replay(upside_down, [Knowing()], resamples=50)
    assert "worse than chance" in build_report(replay_json(found, command=COMMAND), found).answer[0]


def test_results_of_a_replay_give_a_thin_report(found: Replay, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(json.dumps(replay_json(found, command="pilotfish lab replay made-up")))
    report = write_thin_report(results, tmp_path / "out")
    assert [exhibit.name for exhibit in report.exhibits] == ["contenders", "cost-quality"]
    assert "pilotfish lab replay made-up" in report.source
    assert "needs the scores per prompt" in " ".join(report.answer)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"rows": []}', "\xff"])
def test_other_json_is_refused(text: str, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    results.write_text(text)
    with pytest.raises(UsageError, match=r"results\.json"):
        write_thin_report(results, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_report_replaces_a_report(found: Replay, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(found, out, command=COMMAND)
    write_report(found, out, command=COMMAND + " --again")
    assert "--again" in (out / "report.md").read_text()


def test_files_of_others_are_left_alone(found: Replay, tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_report(found, out, command=COMMAND)
    (out / "thesis.txt").write_text("mine")
    before = (out / "report.html").read_bytes()
    with pytest.raises(UsageError, match=r"thesis\.txt.*--out"):
        write_report(found, out, command="pilotfish other")
    assert (out / "report.html").read_bytes() == before
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        write_report(found, tmp_path / "file", command=COMMAND)


def test_a_half_written_folder_does_not_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.write_bytes

    def fails(self: Path, data: bytes) -> int:
        if self.name == "b":
            raise OSError("disk full")
        return real(self, data)

    monkeypatch.setattr(Path, "write_bytes", fails)
    with pytest.raises(OSError, match="disk full"):
        write_folder(tmp_path / "out", {"a": b"1", "b": b"2"}, results={})
    assert list(tmp_path.iterdir()) == []


def test_an_old_report_survives_a_failed_new_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    write_folder(out, {"a": b"1"}, results={})
    real = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(OSError, match="no"):
        write_folder(out, {"a": b"2"}, results={})
    assert (out / "a").read_bytes() == b"1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
