from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pilotfish.lab import retrieval_grading
from pilotfish.lab.retrieval_cases import Case, CaseKind
from pilotfish.lab.retrieval_grading import fit_model, judge_model, train_grading
from pilotfish.retrieval.grading import SIGNALS, parse_grader


def make_cases(name: str, seed: int) -> list[Case]:
    chance = random.Random(seed)
    centres: dict[CaseKind, float] = {"answerable": 0.8, "removed": 0.4, "off_topic": 0.1}
    return [
        Case(
            set=name,
            kind=kind,
            answered=kind == "answerable",
            signals={signal: min(1.0, max(0.0, chance.gauss(centre, 0.15))) for signal in SIGNALS},
        )
        for kind, centre in centres.items()
        for _ in range(200)
    ]


def test_a_model_learned_on_one_set_tells_the_other_apart() -> None:
    model = fit_model(make_cases("xquad", 1))
    report = judge_model(model, make_cases("scifact", 2))
    assert report["auroc"]["removed"] > 0.95
    assert report["grades"]["answerable"]["none"] < 0.15
    assert report["grades"]["off_topic"]["none"] > 0.95


def test_the_cuts_keep_to_the_allowed_errors_on_every_set_of_training() -> None:
    cases = make_cases("xquad", 1) + make_cases("scifact", 2)
    model = fit_model(cases)
    for name in ("xquad", "scifact"):
        grades = judge_model(model, [case for case in cases if case.set == name])["grades"]
        assert grades["answerable"]["none"] <= retrieval_grading.LOST + 0.01
        assert grades["removed"]["sufficient"] <= retrieval_grading.FALSE + 0.01


def test_training_writes_weights_that_the_store_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = make_cases("xquad", 1) + make_cases("scifact", 2)
    monkeypatch.setattr(retrieval_grading, "gather_cases", lambda *args, **options: cases)
    report = train_grading(tmp_path, out=tmp_path / "w" / "grading.json", embedder=object())  # type: ignore[arg-type]
    text = (tmp_path / "w" / "grading.json").read_text()
    grader = parse_grader(text)
    assert 0 < grader.partial <= grader.sufficient < 1
    assert grader.grade(dict.fromkeys(SIGNALS, 1.0)) == "sufficient"
    assert "AUROC" in json.loads(text)["card"]
    assert report["xquad_to_scifact"]["auroc"].keys() == {"removed", "off_topic"}
