from __future__ import annotations

from typing import Any

import pytest

from pilotfish import Subtask
from pilotfish.agents.attempt import Attempt, Verdict
from pilotfish.agents.tool_checked import ToolChecked

SUBTASK = Subtask(id="s", text="Which route is cheapest?")


async def check(truth: Any, attempt: Attempt) -> Verdict:
    return await ToolChecked("optimiser", lambda subtask, tried: truth).check(SUBTASK, attempt)


async def test_an_overruled_choice_names_both() -> None:
    verdict = await check("Suez", Attempt(lane="local", text="Cape"))
    assert verdict.status == "fail"
    assert verdict.reason == "chose Cape; the optimiser found Suez"


@pytest.mark.parametrize(
    ("truth", "attempt"),
    [
        ("Suez", Attempt(lane="local", text="suez.")),
        (1234.0, Attempt(lane="local", text="1,234")),
        ({"via": "Suez", "days": 12}, Attempt(lane="local", value={"days": 12.0, "via": "Suez"})),
    ],
)
async def test_the_same_said_otherwise_passes(truth: Any, attempt: Attempt) -> None:
    assert (await check(truth, attempt)).status == "pass"


async def test_the_order_of_ports_matters() -> None:
    assert (await check(["A", "B"], Attempt(lane="local", value=["B", "A"]))).status == "fail"


async def test_no_truth_is_unknown() -> None:
    assert (await check(None, Attempt(lane="local", text="Cape"))).status == "unknown"


async def test_a_verdict_of_the_function_stands() -> None:
    own = Verdict(status="pass", reason="both are cheapest", checked="optimiser")
    assert await check(own, Attempt(lane="local", text="Cape")) == own


async def test_part_of_a_value_and_an_async_function() -> None:
    async def optimise(subtask: Subtask, attempt: Attempt) -> str:
        return "Suez"

    verifier = ToolChecked("optimiser", optimise, chosen=lambda attempt: attempt.value["via"])
    verdict = await verifier.check(SUBTASK, Attempt(lane="local", value={"via": "Suez", "why": "shorter"}))
    assert verdict.status == "pass"
