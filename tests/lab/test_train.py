from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab import train as train_module
from pilotfish.lab.router_data import Row
from pilotfish.lab.router_exemplars import parse_exemplars
from pilotfish.lab.router_fit import Reader, examples_of, fit
from pilotfish.lab.train import train
from pilotfish.router.features import STEP
from pilotfish.router.fingerprints import fingerprint, read_fingerprints
from pilotfish.router.learned import load_learned
from pilotfish.router.subtask import Subtask
from pilotfish.testing.policy_conformance import check_policy

pytest.importorskip("sklearn")

SMALL = list(
    parse_exemplars(
        "@n: 3 | 4 | 5 | 6 | 7 | 8 | 9 | 11 | 13\n@x: Oslo | Lima | Rome | Bonn | Kyiv | Bern | Doha | Male\n"
        "+ Is #1 greater than {n}?\n+ What is {n} plus {n}?\n+ Add #1 and {n}.\n"
        "- Who founded {x}?\n- When was {x} founded?\n- Where is {x}?\n"
    )
)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two tiny sets of our own writing."""
    monkeypatch.setattr(train_module, "load_exemplars", lambda: SMALL)
    folder = tmp_path / "data"
    (folder / "nq_open").mkdir(parents=True)
    questions = [{"question": f"who owns the harbour of town {n}", "answer": ["x"]} for n in range(12)]
    (folder / "nq_open" / "dev.jsonl").write_text("\n".join(json.dumps(q) for q in questions))
    (folder / "gsm8k").mkdir()
    sums = [{"question": f"Ann has {n} pears and buys {n + 2} more. How many now?"} for n in range(12)]
    for name in ("train", "test"):
        (folder / "gsm8k" / f"{name}.jsonl").write_text("\n".join(json.dumps(q) for q in sums))
    return folder


def test_the_same_command_gives_the_same_bytes_and_a_policy_that_works(data: Path, tmp_path: Path) -> None:
    first = train(data, out=tmp_path / "a")
    second = train(data, out=tmp_path / "b")
    assert first.weights.read_bytes() == second.weights.read_bytes()
    assert first.card.read_bytes() == second.card.read_bytes()
    policy = load_learned(weights=first.weights)
    check_policy(policy)
    kinds = [
        d.kind
        for d in policy.decide(
            [Subtask(id="a", text="Is #1 greater than 5?"), Subtask(id="b", text="Who founded Lima?")]
        )
    ]
    assert kinds == ["reasoning", "knowledge"]


def test_the_card_names_the_sets_that_were_there_and_the_version(data: Path, tmp_path: Path) -> None:
    trained = train(data, out=tmp_path)
    text = trained.card.read_text(encoding="utf-8")
    assert trained.version in text
    assert "NQ-open" in text
    assert "HotpotQA" not in text
    assert set(trained.sets) == {"nq", "gsm8k", "exemplars"}


def test_rows_of_the_test_split_are_never_fitted_on(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = train_module.examples_of
    monkeypatch.setattr(
        train_module, "examples_of", lambda rows: seen.extend(r.text for r in rows) or real(rows)
    )
    held = Row(text="Is the held out step larger than #1?", label=1, dataset="strategyqa", split="test")
    monkeypatch.setattr(train_module, "load_rows", lambda _: [*SMALL, held])
    trained = train(data, out=tmp_path)
    assert seen
    assert held.text not in seen
    assert "strategyqa_accuracy" in trained.metrics


def test_progress_is_told(data: Path, tmp_path: Path) -> None:
    told: list[str] = []
    train(data, out=tmp_path, progress=told.append)
    assert told[-1] == "all rows"


def test_a_folder_without_any_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no question set found"):
        train(tmp_path, out=tmp_path / "out")


def test_the_wording_of_steps_is_fitted_on_their_set_and_not_without_it() -> None:
    steps = [
        *(Row(text=f"Is #2 heavier than {n}?", label=1, dataset="strategyqa") for n in range(9)),
        *(Row(text=f"Who sold ship {n} to #1?", label=0, dataset="strategyqa") for n in range(9)),
    ]
    weights = fit(examples_of([*steps, *SMALL]), Reader()).weights
    assert weights[STEP + "heavier than"] > 0 > weights[STEP + "who sold"]
    assert STEP + "ship 3" not in weights, "a wording seen once is not kept"
    others = fit(examples_of([*SMALL, *(replace(row, dataset="break") for row in steps)]), Reader()).weights
    assert not any(name.startswith(STEP) for name in others)


def test_what_is_to_be_scored_is_left_out_and_what_was_seen_is_written(data: Path, tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    asked = "WHO owns  the harbour of town 3\nA. Ann\nB. Bo"
    table.write_text(f'id,prompt,m|correct\n1,"{asked}",1\n', encoding="utf-8")
    everything = train(data, out=tmp_path / "all")
    trained = train(data, out=tmp_path / "less", without=[table])
    assert trained.left_out == {f"{tmp_path.name}/mine.csv": 1}
    assert trained.sets["nq"] == everything.sets["nq"] - 1
    assert f"1 rows that ask what `{tmp_path.name}/mine.csv` asks were left out" in trained.card.read_text()
    seen = load_learned(weights=trained.weights).trained_on
    assert seen == read_fingerprints(trained.rows)
    assert seen is not None
    assert fingerprint("who owns the harbour of town 4") in seen
    assert fingerprint("who owns the harbour of town 3") not in seen
    assert everything.left_out == {}


def test_tables_that_the_shipped_weights_are_scored_on_are_left_out_unasked(
    data: Path, tmp_path: Path
) -> None:
    (data / "mmlu_pro").mkdir()
    with gzip.open(data / "mmlu_pro" / "outcomes.csv.gz", "wt", encoding="utf-8") as handle:
        handle.write(
            "question_id,category,question,options,m|correct\n1,x,who owns the harbour of town 5,a | b,1\n"
        )
    assert train(data, out=tmp_path / "o").left_out == {"mmlu_pro/outcomes.csv.gz": 1}
    assert train(data, out=tmp_path / "p", without=[]).left_out == {}
