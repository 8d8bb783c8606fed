from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from langchain_core.outputs import ChatResult

from pilotfish import UnavailableError, UsageError
from pilotfish.models.calling import Calling
from pilotfish.models.load import spec_for
from pilotfish.models.logprobs import TokenLogprob
from pilotfish.prompts import load_prompt
from pilotfish.router.deciding import decide_now
from pilotfish.router.llm import (
    ANSWER_ONLY,
    TEXT,
    Calibration,
    LlmPolicy,
    RoutingModel,
    calibration_key,
    clipped,
    load_llm,
    log_odds,
)
from pilotfish.router.load import load_policy
from pilotfish.router.policy import RunPolicy, TrainedPolicy
from pilotfish.router.rules import RulesPolicy
from pilotfish.router.subtask import Subtask
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.policy_conformance import check_policy
from pilotfish.tracing.call import Call

STEP = Subtask(id="s1", text="Is #a longer than #b?")
FACT = Subtask(id="s2", text="Who composed Aida?")


class SureChat(ScriptedChat):
    """Says how sure it is: `odds` of reasoning for the text of the last message."""

    odds: Callable[[str], float] = lambda _: 0.0
    logprobs: bool = False
    top_logprobs: int | None = None

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        found = super()._generate(*args, **kwargs)
        odds = self.odds(str(args[0][-1].content))
        places = {" reasoning": -math.log1p(math.exp(-odds)), "know": -math.log1p(math.exp(odds))}
        said = max(places, key=lambda token: places[token])
        top = [{"token": token, "logprob": value} for token, value in places.items()]
        content = [
            {"token": '"', "logprob": -0.1, "top_logprobs": []},
            {"token": said, "logprob": places[said], "top_logprobs": top},
        ]
        if kwargs.get("logprobs"):
            found.generations[0].message.response_metadata["logprobs"] = {"content": content}
        return found


def is_step(text: str) -> bool:
    return "#" in text


def says(text: str) -> str:
    return '"reasoning"' if is_step(text) else '"knowledge"'


def policy_of(chat: ScriptedChat, **options: Any) -> LlmPolicy:
    return LlmPolicy(model=RoutingModel(chat), fallback=RulesPolicy(), **options)


def sure(odds: float = 2.0) -> SureChat:
    return SureChat(reply=says, odds=lambda text: odds if is_step(text) else -odds)


def calibrations(chat: ScriptedChat, calibration: Calibration) -> Mapping[str, Calibration]:
    spec = spec_for(chat)
    return {calibration_key(spec.id, spec.digest, load_prompt("route")): calibration}


async def test_probabilities_come_from_the_log_probabilities_of_the_two_words() -> None:
    step, fact = await policy_of(sure(2.0)).decide([STEP, FACT])
    assert (step.kind, step.lane, fact.kind, fact.lane) == ("reasoning", "local", "knowledge", "retrieval")
    assert step.p_reasoning == pytest.approx(1 / (1 + math.exp(-2.0)))
    assert fact.p_reasoning == pytest.approx(1 - step.p_reasoning)
    assert fact.confidence == pytest.approx(step.confidence)
    assert "scripted gives reasoning 0.88, not calibrated" in step.reason


async def test_a_calibration_of_the_model_and_prompt_may_overturn_the_word() -> None:
    chat = sure(0.5)
    shifted = policy_of(chat, calibrations=calibrations(chat, Calibration(slope=2.0, shift=-3.0)))
    (step,) = await shifted.decide([STEP])
    assert step.p_reasoning == pytest.approx(1 / (1 + math.exp(2.0)))
    assert (step.kind, step.confidence) == ("knowledge", pytest.approx(1 - step.p_reasoning))
    assert "gives reasoning 0.62, calibrated 0.12" in step.reason
    (raw,) = await policy_of(chat).decide([STEP])
    assert raw.version != step.version


async def test_without_log_probabilities_the_answer_counts_and_the_decision_says_so() -> None:
    for policy in (policy_of(ScriptedChat(reply=says)), policy_of(sure(), logprobs=False)):
        step, fact = await policy.decide([STEP, FACT])
        assert (step.p_reasoning, fact.p_reasoning) == (ANSWER_ONLY, 1 - ANSWER_ONLY)
        assert "without log-probabilities, so its confidence is a guess" in fact.reason


async def test_a_model_that_had_to_be_asked_again_is_taken_at_its_word_only() -> None:
    asked: list[str] = []

    def reply(text: str) -> str:
        asked.append(text)
        return "well" if len(asked) == 1 else '"reasoning"'

    (step,) = await policy_of(SureChat(reply=reply, odds=lambda _: 9.0)).decide([STEP])
    assert (len(asked), step.p_reasoning) == (2, ANSWER_ONLY)


async def test_a_failed_call_falls_back_to_the_wrapped_policy_and_says_so() -> None:
    def refuse(_: str) -> str:
        raise ConnectionRefusedError("nobody there")

    expected = RulesPolicy().decide([STEP, FACT])
    for reply, why in ((refuse, "nobody there"), (lambda _: "no idea", "does not fit")):
        found = await policy_of(ScriptedChat(reply=reply)).decide([STEP, FACT])
        assert [(d.kind, d.p_reasoning) for d in found] == [(d.kind, d.p_reasoning) for d in expected]
        assert all(
            d.policy == "llm" and "(decided by rules: no answer of scripted" in d.reason for d in found
        )
        assert why in found[0].reason


async def test_without_weights_the_fallback_decides_and_the_reason_names_the_remedy() -> None:
    (fact,) = await load_llm(model="smollm2-135m", fallback=RulesPolicy()).decide([FACT])
    assert (fact.kind, fact.policy) == ("knowledge", "llm")
    assert "pilotfish models pull smollm2-135m" in fact.reason
    with pytest.raises(UnavailableError):
        await load_llm(model="smollm2-135m", fallback=RulesPolicy()).complete([FACT])
    with pytest.raises(UsageError, match="did you mean 'smollm2-135m'"):
        await load_llm(model="smollm2", fallback=RulesPolicy()).decide([FACT])


async def test_a_tool_and_an_empty_text_cost_no_call() -> None:
    calls: list[Call] = []
    policy = policy_of(sure()).for_run([], calling=Calling(record=calls.append))
    tool, empty = await policy.decide([Subtask(id="t", text="x", tool="sum"), Subtask(id="e", text=" ")])
    assert (tool.lane, calls) == ("tool", [])
    assert "it has no text" in empty.reason


async def test_the_calls_of_a_run_are_recorded_under_the_prompts_name_and_version() -> None:
    policy = policy_of(sure())
    assert isinstance(policy, RunPolicy)
    one: list[Call] = []
    other: list[Call] = []
    first = policy.for_run([STEP, FACT], calling=Calling(record=one.append))
    policy.for_run([STEP], calling=Calling(record=other.append))
    await first.decide([STEP, FACT])
    await policy.decide([STEP])
    prompt = load_prompt("route")
    assert [(call.prompt_name, call.prompt_version) for call in one] == [(prompt.name, prompt.version)] * 2
    assert other == []


async def test_no_more_calls_are_under_way_than_allowed() -> None:
    under_way: list[int] = [0, 0]

    class Busy(SureChat):
        async def _agenerate(self, *args: Any, **kwargs: Any) -> ChatResult:
            under_way[0] += 1
            under_way[1] = max(under_way)
            await asyncio.sleep(0)
            under_way[0] -= 1
            return self._generate(*args, **kwargs)

    steps = [Subtask(id=str(n), text=f"Is #{n} odd?") for n in range(20)]
    found = await policy_of(Busy(reply=says, odds=lambda t: len(t)), concurrency=3).decide(steps)
    assert len(found) == 20
    assert under_way[1] == 3


def test_it_keeps_the_promises_of_a_policy() -> None:
    check_policy(policy_of(sure()))  # pyright: ignore[reportArgumentType] - decide is awaited
    check_policy(load_policy("llm"))


def test_it_was_trained_on_what_its_fallback_was_trained_on() -> None:
    assert policy_of(sure()).trained_on is None
    learned = load_policy("learned")
    policy = load_policy("llm", fallback=learned)
    assert isinstance(policy, TrainedPolicy)
    assert policy.trained_on
    assert isinstance(learned, TrainedPolicy)
    assert policy.trained_on == learned.trained_on


async def test_another_model_is_another_version_and_so_is_none() -> None:
    class Other(SureChat):
        model_name: str = "other"

    one, other = sure(), Other(reply=says)
    assert spec_for(one).id != spec_for(other).id
    (first, tool) = await policy_of(one).decide([STEP, Subtask(id="t", text="x", tool="sum")])
    (second,) = await policy_of(other).decide([STEP])
    (without,) = await load_llm(model="smollm2-135m", fallback=RulesPolicy()).decide([STEP])
    assert first.version == tool.version
    assert f"{spec_for(one).id}@{spec_for(one).digest[:12]}/" in first.version
    assert len({first.version, second.version, without.version}) == 3


def test_a_word_that_is_not_among_the_alternatives_is_at_most_as_likely_as_the_least() -> None:
    reason = TokenLogprob(token="reas", logprob=-0.1, top=(("reas", -0.1), ("the", -4.0)))
    assert log_odds([TokenLogprob(token='"', logprob=0.0), reason]) == pytest.approx(3.9)
    both = TokenLogprob(token="Know", logprob=-2.0, top=(("know", -2.0), (" re", -1.0), ("reasoning", -1.0)))
    assert log_odds([both]) == pytest.approx(1.0 + math.log(2.0))
    unlikely = TokenLogprob(token="know", logprob=-9.0, top=(("the", -0.1), ("a", -3.0)))
    assert log_odds([unlikely]) == 0.0
    assert log_odds([TokenLogprob(token="maybe", logprob=-1.0)]) is None


def test_a_long_text_is_shown_by_head_and_tail() -> None:
    long = "a" * TEXT + "middle" + "z" * TEXT
    assert clipped("short") == "short"
    assert len(clipped(long)) <= TEXT + 3
    assert clipped(long).startswith("aaa")
    assert clipped(long).endswith("zzz")
    assert "middle" not in clipped(long)


def test_calibrations_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no calibrations at"):
        load_policy("llm", weights=str(tmp_path / "none.json"))
    (tmp_path / "bad.json").write_text('{"calibrations": {"m": {"slope": "steep"}}}')
    with pytest.raises(UsageError, match="holds no calibrations"):
        load_policy("llm", weights=str(tmp_path / "bad.json"))
    (tmp_path / "own.json").write_text(json.dumps({"calibrations": {"m": {"slope": 1, "shift": 0}}}))
    assert "model='settings.local'" in repr(load_policy("llm", weights=str(tmp_path / "own.json")))


@pytest.mark.weights
def test_a_real_model_is_held_to_the_two_words_and_its_probabilities_come_along(weights: Path) -> None:
    policy = LlmPolicy(model=RoutingModel("smollm2-135m", home=weights), fallback=RulesPolicy())
    calls: list[Call] = []
    run = policy.for_run([STEP, FACT], calling=Calling(record=calls.append))
    found = decide_now(run, [STEP, FACT])  # pyright: ignore[reportArgumentType] - decide is awaited
    assert all("smollm2-135m gives reasoning" in decision.reason for decision in found)
    assert all(0.01 < decision.p_reasoning < 0.99 for decision in found)
    assert found[0].p_reasoning != found[1].p_reasoning
    assert all(
        call.failure is None and call.finish_reason == "stop" and call.output_tokens < 10 for call in calls
    )
