from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from langchain_core.outputs import ChatResult

from pilotfish import UsageError
from pilotfish.lab.llm_fit import calibrate_llm, sample_exemplars
from pilotfish.router.llm import read_calibrations
from pilotfish.testing.chat import ScriptedChat

pytest.importorskip("sklearn")
REASONING = tuple(row.text for row in sample_exemplars(60) if row.label == 1)


class Biased(ScriptedChat):
    """Always leans towards reasoning, more so where it is right; two texts in ten it gets wrong."""

    logprobs: bool = False
    top_logprobs: int | None = None

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        found = super()._generate(*args, **kwargs)
        text = str(args[0][-1].content)
        right = text.startswith(REASONING) != (sum(map(ord, text)) % 10 < 2)
        odds = 2.0 if right else 0.5
        top = [
            {"token": "reasoning", "logprob": -math.log1p(math.exp(-odds))},
            {"token": "knowledge", "logprob": -math.log1p(math.exp(odds))},
        ]
        content = [{"token": "reasoning", "logprob": top[0]["logprob"], "top_logprobs": top}]
        found.generations[0].message.response_metadata["logprobs"] = {"content": content}
        return found


async def test_the_calibration_takes_the_models_bias_away(tmp_path: Path) -> None:
    done = await calibrate_llm(out=tmp_path, model=Biased(reply=lambda _: '"reasoning"'), rows=60)
    assert done.metrics["raw_accuracy"] == 0.5
    assert done.metrics["accuracy"] > 0.7
    assert done.metrics["ece"] < done.metrics["raw_ece"]
    assert done.metrics["auroc"] > 0.7
    kept = read_calibrations(done.weights)
    assert kept[done.name].probability(2.0) > 0.5 > kept[done.name].probability(0.5)
    assert f"`{done.name}`" in done.card.read_text()


async def test_calibrations_of_other_models_stay(tmp_path: Path) -> None:
    (tmp_path / "llm.json").write_text('{"calibrations": {"other": {"slope": 1.0, "shift": 0.5}}}')
    done = await calibrate_llm(out=tmp_path, model=Biased(reply=lambda _: '"reasoning"'), rows=60)
    assert set(read_calibrations(done.weights)) == {"other", done.name}


async def test_an_engine_without_log_probabilities_cannot_be_calibrated(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="gave log-probabilities for 0 of 60 exemplars"):
        await calibrate_llm(out=tmp_path, model=ScriptedChat(reply=lambda _: '"knowledge"'), rows=60)
    assert not (tmp_path / "llm.json").exists()
