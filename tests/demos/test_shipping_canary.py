from __future__ import annotations

import json
from collections import Counter
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from pilotfish.demos.ports import find_port
from pilotfish.demos.reading import read_request
from pilotfish.demos.reading_model import PROMPT
from pilotfish.demos.shipping_canary import (
    WORSE_PROMPT,
    Progress,
    demo_requests,
    reading_agent,
    run_canary,
    same_prompt,
    start_canary,
)
from pilotfish.models.settings import Settings
from pilotfish.prompts import load_prompt
from pilotfish.rollout.plan import RolloutPlan
from pilotfish.testing.chat import ScriptedChat


def form(request: str, day: date) -> str:
    """What a model that reads a request right writes into its form."""
    read = dict(read_request(request, today=day).partial)
    for end in ("origin", "destination"):
        read[end] = find_port(read[end]).label()
    read["teu"] = None if read["teu"] is None else int(read["teu"])
    return json.dumps(read)


def reader(requests: list[tuple[str, date]]) -> ScriptedChat:
    """A model that reads right where the prompt lists the places, and fills in nothing where it does not."""
    forms = {request.strip(): form(request, day) for request, day in requests}
    nothing = dict.fromkeys(json.loads(next(iter(forms.values()))), None) | {"avoid": []}

    def reply(prompt: str) -> str:
        asked = max((request for request in forms if request in prompt), key=len)
        return forms[asked] if "Places in it" in prompt else json.dumps(nothing)

    return ScriptedChat(reply=reply, model_name="reader")


def test_the_requests_are_in_a_seeded_order_and_none_is_of_those_the_candidate_was_chosen_on() -> None:
    text = (resources.files("pilotfish.demos") / "data" / "requests.jsonl").read_text(encoding="utf-8")
    dev = {row["request"] for row in map(json.loads, text.splitlines()) if row["split"] == "dev"}
    chosen = demo_requests(100)
    assert len({request for request, _ in chosen}) == 100
    assert not dev & {request for request, _ in chosen}
    assert demo_requests(10) == chosen[:10]


def test_the_candidates_are_prompts_of_ones_own_and_not_released_ones(tmp_path: Path) -> None:
    worse, same, used = (
        load_prompt(str(WORSE_PROMPT)),
        load_prompt(str(same_prompt(tmp_path))),
        load_prompt(PROMPT),
    )
    assert worse.name == same.name == used.name
    assert len({worse.version, same.version, used.version}) == 3
    assert same.messages == used.messages != worse.messages


async def test_a_worse_prompt_is_rolled_back_before_it_answers_anybody(tmp_path: Path) -> None:
    requests = demo_requests(60)
    agent = reading_agent(requests, Settings(home=tmp_path), local=reader(requests))
    rollout = start_canary(agent, WORSE_PROMPT, RolloutPlan(workflows=("shipping",)))
    seen: list[Progress] = []
    done = await run_canary(agent, rollout, requests, seen.append)
    assert rollout.state == "rolled_back"
    assert done < 40
    assert seen[-1].evidence >= seen[-1].needed
    assert seen[-1].passed["candidate"] < seen[-1].passed["baseline"]
    for run in agent.services.ledger.runs(limit=100):
        calls = [record.body for record in agent.services.ledger.records(run.run_id, "call")]
        assert {(each["purpose"], each["prompt_version"]) for each in calls} <= {
            ("answer", load_prompt(PROMPT).version),
            ("shadow", "with-an-example"),
        }


def unsteady(requests: list[tuple[str, date]]) -> ScriptedChat:
    """A model that reads one request in four wrong when it is asked first, and another one in four when asked again."""
    right = reader(requests).reply
    order = {request.strip(): number for number, (request, _) in enumerate(requests)}
    asked: Counter[str] = Counter()

    def reply(prompt: str) -> str:
        request = max((each for each in order if each in prompt), key=len)
        asked[request] += 1
        wrong = order[request] % 4 == (1 if asked[request] == 1 else 3)
        return right(prompt.replace("Places in it", "") if wrong else prompt)

    return ScriptedChat(reply=reply, model_name="unsteady")


async def test_the_same_prompt_goes_on_to_the_ramp_though_its_copies_differ(tmp_path: Path) -> None:
    """Were a pair told the wrong way round, or only its losses counted, 6 of 24 would keep it out."""
    requests = demo_requests(24)
    agent = reading_agent(requests, Settings(home=tmp_path), local=unsteady(requests))
    rollout = start_canary(agent, same_prompt(tmp_path / "p"), RolloutPlan(shadow_pairs=24))
    assert await run_canary(agent, rollout, requests) == 24
    assert rollout.state == "ramp"
    (compared, *_) = rollout.report()["gate"]["evidence"]["tests"]
    assert (compared["comparisons"], compared["gain"]) == (24, 0)
    assert [each["passed"] for each in rollout.report()["arms"]["shadow"].values()] == [18, 18]


async def test_another_canary_of_the_prompt_makes_room(tmp_path: Path) -> None:
    agent = reading_agent(demo_requests(1), Settings(home=tmp_path), local=reader(demo_requests(1)))
    first = start_canary(agent, WORSE_PROMPT, RolloutPlan())
    start_canary(agent, same_prompt(tmp_path / "p"), RolloutPlan())
    first.refresh()
    assert first.state == "superseded"


@pytest.mark.weights
async def test_the_embedded_model_reads_under_both_prompts(weights: Path, tmp_path: Path) -> None:
    """A few of the demo's requests for real: every pair is judged, and the answers are the stable prompt's."""
    (tmp_path / "models").symlink_to(weights / "models")
    requests = demo_requests(3)
    agent = reading_agent(requests, Settings(home=tmp_path))
    rollout = start_canary(agent, WORSE_PROMPT, RolloutPlan(workflows=("shipping",)))
    assert await run_canary(agent, rollout, requests) == 3
    arms: dict[str, Any] = rollout.report()["arms"]["shadow"]
    assert [arms[arm]["judged"] for arm in ("baseline", "candidate")] == [3, 3]
    assert arms["baseline"]["passed"] >= arms["candidate"]["passed"]
    assert arms["candidate"]["error"] == 0
    for run in agent.services.ledger.runs():
        (result,) = agent.services.ledger.records(run.run_id, "subtask")
        assert result.body["status"] == "accepted"  # the model's reading, or the tool's where it was wrong
        assert {call["arm"] for call in result.body["calls"]} == {"baseline"}
