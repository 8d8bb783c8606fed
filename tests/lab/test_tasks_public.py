from __future__ import annotations

import json
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab.tasks_file import read_tasks
from pilotfish.lab.tasks_public import held_in, main, public_tasks, write_tasks

MADE_UP = "The mill of Foo was built by Ada Bar in 1820."


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    for name in ("gsm8k", "nq_open", "xquad"):
        (data / name).mkdir(parents=True)
    sums = [{"question": f"What is {n} + 1000?", "answer": f"Add.\n#### 1,{n:03d}"} for n in range(5)]
    (data / "gsm8k" / "test.jsonl").write_text("\n".join(map(json.dumps, sums)))
    facts = [
        {"question": "who built the mill of foo", "answer": ["Ada Bar"]},
        {"question": "who is x", "answer": ["Y"]},
    ]
    (data / "nq_open" / "dev.jsonl").write_text("\n".join(map(json.dumps, facts)))
    asked = {
        "id": "q1",
        "question": "When was the mill built?",
        "answers": [{"text": "1820"}, {"text": "1820"}],
    }
    article = {"paragraphs": [{"context": MADE_UP, "qas": [asked]}]}
    (data / "xquad" / "xquad.en.json").write_text(json.dumps({"data": [article]}))
    return data


def test_what_is_written_is_read_as_tasks_that_gold_answers_pass(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    write_tasks(public_tasks(data, each=2), path)
    tasks = {task.id: task for task in read_tasks(path)}
    assert len(tasks) == 5
    assert [task.group for task in tasks.values()] == ["gsm8k", "nq_open", "xquad", "gsm8k", "nq_open"]
    assert tasks["xquad-q1"].check.score("It was in 1820.") == 1.0
    sums = [task for task in tasks.values() if task.group == "gsm8k"]
    assert all(task.check.score(f"so {1000 + int(task.id.removeprefix('gsm8k-'))}") == 1.0 for task in sums)
    assert {task.kind for task in sums} == {"reasoning"}


def test_the_same_seed_draws_the_same(data: Path) -> None:
    assert public_tasks(data, each=3, seed=4) == public_tasks(data, each=3, seed=4)
    drawn = {tuple(line["id"] for line in public_tasks(data, each=3, seed=seed)) for seed in range(9)}
    assert len(drawn) > 1


def test_a_strict_check_wants_the_gold_answer_alone(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    write_tasks(public_tasks(data, contains=False), path)
    check = {task.id: task.check for task in read_tasks(path)}["xquad-q1"]
    assert (check.score("1820."), check.score("in 1820")) == (1.0, 0.0)


def test_how_many_questions_the_corpus_holds_an_answer_of(data: Path) -> None:
    lines = public_tasks(data)
    assert held_in(lines, data, group="nq_open") == 0.5
    assert held_in(lines, data, group="xquad") == 1.0


def test_the_command_writes_tasks_and_corpus(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--data", str(data), "--out", str(tmp_path / "t.jsonl"), "--corpus", str(tmp_path / "corpus")])
    assert capsys.readouterr().out == "8 tasks, 1 paragraphs of corpus\n"
    assert [file.read_text() for file in (tmp_path / "corpus").iterdir()] == [MADE_UP]


def test_a_folder_without_any_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gsm8k, nq_open, xquad"):
        public_tasks(tmp_path)
