from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import UsageError
from pilotfish.router.learned import SHIPPED
from pilotfish.router.lexical import LexicalModel, read_model, sigmoid, strongest, write_model

MODEL = LexicalModel(version="v", bias=-1.0, slope=2.0, shift=0.5, weights={"w sum": 3.0, "w who": -2.0})


def test_probability_is_the_calibrated_logistic_of_the_known_features() -> None:
    parts = MODEL.contributions([("w sum", 0.5), ("w unseen", 9.0)])
    assert parts == [(1.5, "w sum")]
    assert MODEL.probability(parts) == pytest.approx(sigmoid(2.0 * (-1.0 + 1.5) + 0.5))


def test_strongest_names_only_what_spoke_for_the_kind() -> None:
    parts = [(1.5, "w sum"), (-2.0, "w who"), (0.5, "w count")]
    assert strongest(parts, reasoning=True) == ["w sum", "w count"]
    assert strongest(parts, reasoning=False) == ["w who"]


def test_a_model_survives_its_file_and_equal_models_give_equal_bytes(tmp_path: Path) -> None:
    write_model(MODEL, tmp_path / "a.json")
    assert read_model(tmp_path / "a.json") == MODEL
    write_model(read_model(tmp_path / "a.json"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("text", ["{", "[]", '{"format": 99}'])
def test_a_file_that_is_no_model_is_refused_with_the_remedy(tmp_path: Path, text: str) -> None:
    path = tmp_path / "learned.json"
    path.write_text(text)
    with pytest.raises(UsageError, match="train"):
        read_model(path)
    with pytest.raises(UsageError, match="lab train"):
        read_model(tmp_path / "absent.json")


def test_the_shipped_weights_are_small_and_have_a_card_of_their_version() -> None:
    assert SHIPPED.stat().st_size < 3_000_000
    assert read_model(SHIPPED).version in SHIPPED.with_name("learned.card.md").read_text(encoding="utf-8")


def test_sigmoid_is_safe_at_both_ends() -> None:
    assert sigmoid(-1e6) == 0.0
    assert sigmoid(1e6) == 1.0
