from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.lab import router_curve as module
from pilotfish.lab.curves import curve_points
from pilotfish.lab.router_curve import ALONE, NONE, WITH_EXEMPLARS, router_curve
from pilotfish.lab.router_data import Row

pytest.importorskip("pandas")
pytest.importorskip("sklearn")

TRAIN = [
    *(Row(text=f"Is #1 larger than {n}?", label=1, dataset="strategyqa") for n in range(30)),
    *(Row(text=f"Who wrote book {n}?", label=0, dataset="strategyqa") for n in range(30)),
]
TEST = [
    Row(text="Is #2 larger than #1?", label=1, dataset="strategyqa", split="test"),
    Row(text="Who wrote #1?", label=0, dataset="strategyqa", split="test"),
]
EXEMPLARS = [
    *(Row(text=f"Add {n} and #1.", label=1, dataset="exemplars") for n in range(12)),
    *(Row(text=f"Where is town {n}?", label=0, dataset="exemplars") for n in range(12)),
]


def test_the_curve_of_the_learned_policy_is_of_dev_steps_it_never_saw(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    real = module.examples_of
    monkeypatch.setattr(module, "load_rows", lambda _: [*TRAIN, *TEST])
    monkeypatch.setattr(module, "load_exemplars", lambda: EXEMPLARS)
    monkeypatch.setattr(module, "examples_of", lambda rows: seen.extend(r.text for r in rows) or real(rows))
    frame = router_curve(Path(), labels=(20, 40), seeds=2)
    assert {row.text for row in TEST}.isdisjoint(seen)
    assert set(frame["n"]) == {2}
    points = {(point["policy"], point["labels"]): point for point in curve_points(frame, "accuracy")}
    assert set(points) == {(NONE, 0), *((name, n) for name in (ALONE, WITH_EXEMPLARS) for n in (20, 40))}
    assert points[ALONE, 40]["mean"] == 1.0


def test_without_the_steps_there_is_no_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "load_rows", lambda _: TRAIN)
    with pytest.raises(UsageError, match="its learning curve needs both"):
        router_curve(Path("data"))
