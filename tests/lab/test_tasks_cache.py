from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pilotfish import UnavailableError
from pilotfish.agents.budget import Budget, Meter
from pilotfish.agents.caller import Caller, Model
from pilotfish.agents.lane import LaneContext
from pilotfish.agents.model_lane import ModelLane
from pilotfish.lab.tasks_cache import CachedCaller, CachedLane, CallCache, Tally, call_key
from pilotfish.models.calling import Calling
from pilotfish.models.load import spec_for
from pilotfish.prompts import RenderedPrompt
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lane_conformance import check_lane
from pilotfish.tracing.call import Call, CallContext

CONTEXT = CallContext(data_classes=("internal",))

PROMPT = RenderedPrompt(name="p", version="1", messages=(("user", "Hello?"),))


def model_of(reply: Any, **more: Any) -> Model:
    chat = ScriptedChat(reply=reply, **more)
    return Model(chat=chat, spec=spec_for(chat))


def counted() -> tuple[Model, Counter[str]]:
    asked: Counter[str] = Counter()

    def reply(text: str) -> str:
        asked[text] += 1
        return f"said {asked[text]}"

    return model_of(reply), asked


def caller_of(cache: CallCache, recorded: list[Call], *, budget: Budget | None = None) -> CachedCaller:
    plain = Caller(meter=Meter(budget), calling=Calling(record=recorded.append), context=CONTEXT)
    return CachedCaller.around(plain, cache, Tally())


@pytest.fixture
def cache(tmp_path: Path) -> CallCache:
    return CallCache(tmp_path / "cache" / "calls.db")


async def test_the_second_asking_is_a_replay_with_the_first_ones_calls(cache: CallCache) -> None:
    model, asked = counted()
    recorded: list[Call] = []
    caller = caller_of(cache, recorded)
    first = await caller.complete(model, PROMPT, seed=1)
    second = await caller.complete(model, PROMPT, seed=1)
    assert first == second
    assert asked.total() == 1
    assert recorded == [first.call, first.call]
    assert caller.meter.spend.calls == 2
    assert (caller.tally.made, caller.tally.replayed) == (1, 1)
    assert caller.tally.model_ms == pytest.approx(2 * first.call.latency_ms)


async def test_it_outlives_the_process(cache: CallCache) -> None:
    model, asked = counted()
    await caller_of(cache, []).complete(model, PROMPT)
    cache.close()
    again = CallCache(cache.path)
    assert (await caller_of(again, []).complete(model, PROMPT)).text == "said 1"
    assert asked.total() == 1


async def test_the_same_question_at_the_same_time_is_asked_once(cache: CallCache) -> None:
    model, asked = counted()
    caller = caller_of(cache, [])
    await asyncio.gather(*(caller.complete(model, PROMPT) for _ in range(5)))
    assert asked.total() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"max_tokens": 5},
        {"temperature": 0.5},
        {"schema": {"type": "object"}},
    ],
)
def test_other_terms_are_another_question(change: dict[str, Any]) -> None:
    model = model_of(str)
    asked = {"seed": 1, "max_tokens": None, "temperature": None, "schema": None}
    assert call_key(model, PROMPT, asked) == call_key(model, PROMPT, dict(asked))
    assert call_key(model, PROMPT, asked) != call_key(model, PROMPT, asked | change)


def test_another_prompt_version_text_or_model_is_another_question() -> None:
    model = model_of(str)
    keys = {
        call_key(model, PROMPT, {}),
        call_key(model, replace(PROMPT, version="2"), {}),
        call_key(model, replace(PROMPT, messages=(("user", "Hello!"),)), {}),
        call_key(replace(model, spec=replace(model.spec, sha256="0")), PROMPT, {}),
        call_key(model_of(str, model_name="another"), PROMPT, {}),
        call_key(model_of(str, finish_reason="length"), PROMPT, {}),
    }
    assert len(keys) == 6


class Tuned(ScriptedChat):
    """A chat model with the settings of an endpoint's client."""

    stop: list[str] | None = None
    model_kwargs: dict[str, Any] | None = None
    default_headers: dict[str, str] | None = None
    api_key: SecretStr | None = None


def test_settings_in_containers_are_part_of_the_question_and_secrets_are_not() -> None:
    def key(**settings: Any) -> str:
        chat = Tuned(reply=str, **settings)
        return call_key(Model(chat=chat, spec=spec_for(chat)), PROMPT, {})

    told = [
        {},
        {"stop": ["END"]},
        {"stop": ["STOP"]},
        {"model_kwargs": {"extra_body": {"top_k": 5}}},
        {"model_kwargs": {"extra_body": {"top_k": 6}}},
        {"model_kwargs": {"max_tokens": 5}},
        {"model_kwargs": {"stop_token_ids": [7]}},
        {"default_headers": {"x-tier": "fast"}},
        {"default_headers": {"Authorization": ""}},
    ]
    assert len({key(**settings) for settings in told}) == len(told)
    for name in ("Authorization", "X-Api-Key", "auth_token"):
        assert key(default_headers={name: "one"}) == key(default_headers={name: "two"})
    assert key(api_key=SecretStr("one")) == key(api_key=SecretStr("two"))


async def test_a_failure_of_the_moment_is_asked_again_and_one_of_the_answer_is_kept(cache: CallCache) -> None:
    broken = [True]

    def reply(_text: str) -> str:
        if broken[0]:
            raise ConnectionError("gone")
        return "well"

    model = model_of(reply)
    caller = caller_of(cache, [])
    assert (await caller.complete(model, PROMPT)).failure == "model_unavailable"
    broken[0] = False
    assert (await caller.complete(model, PROMPT)).text == "well"

    cut = model_of(str, finish_reason="length")
    assert (await caller.complete(cut, PROMPT)).failure == "truncated"
    made = caller.tally.made
    assert (await caller.complete(cut, PROMPT)).failure == "truncated"
    assert caller.tally.made == made


async def test_a_used_up_budget_stops_replays_too(cache: CallCache) -> None:
    model, _ = counted()
    await caller_of(cache, []).complete(model, PROMPT)
    refused = await caller_of(cache, [], budget=Budget(calls=0)).complete(model, PROMPT)
    assert refused.failure == "budget"


async def test_a_row_that_cannot_be_read_is_asked_again(cache: CallCache) -> None:
    model, asked = counted()
    await caller_of(cache, []).complete(model, PROMPT)
    connection = sqlite3.connect(cache.path)
    connection.execute("UPDATE completions SET body = '{\"text\": 1}'")
    connection.commit()
    connection.close()
    assert (await caller_of(cache, []).complete(model, PROMPT)).text == "said 2"
    assert asked.total() == 2


def test_a_file_that_is_no_cache_is_named(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    path.write_text("no database at all, but long enough to be looked at by the library " * 20)
    with pytest.raises(UnavailableError, match=r"calls\.db"):
        CallCache(path).get("x")


async def test_a_cached_lane_keeps_the_promises_of_a_lane_and_tells_samples_apart(cache: CallCache) -> None:
    model, asked = counted()
    tally = Tally()
    lane = CachedLane(lane=ModelLane(name="local", model=model), cache=cache, tally=tally)
    await check_lane(lane, [Subtask(id="s1", text="What is 2 + 2?")])
    await check_lane(lane, [Subtask(id="s1", text="What is 2 + 2?")])
    assert asked.total() == 1
    context = LaneContext(
        task="t",
        upstream={},
        caller=Caller(meter=Meter(), calling=Calling(record=lambda _call: None), context=CONTEXT),
    )
    await lane.attempt(Subtask(id="s1", text="What is 2 + 2?"), replace(context, sample=1))
    assert asked.total() == 2
    assert [sample for sample, _ in tally.attempts][-1] == 1
    assert "ModelLane" in repr(lane)
