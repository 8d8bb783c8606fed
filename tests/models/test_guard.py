from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass

import pytest

from pilotfish import ModelSpec, UsageError
from pilotfish.models import guard as guard_module
from pilotfish.models.guard import Guard, Guards
from pilotfish.models.resilience import RefusedError, Resilience
from pilotfish.tracing.call import Call, Failure

SPEC = ModelSpec(id="m", engine="openai", revision="m", source="http://127.0.0.1:1/v1")
QUICK = Resilience(wait_s=0.0)


@dataclass(frozen=True)
class Reply:
    call: Call
    transient: bool = False
    retry_after_s: float | None = None


def reply(failure: Failure | None = None, *, transient: bool = False, after: float | None = None) -> Reply:
    call = Call(
        model_id="m",
        model_digest="m",
        prompt_name="p",
        prompt_version="1",
        input_tokens=0,
        output_tokens=0,
        cost_usd=0.0,
        latency_ms=0.0,
        finish_reason="stop",
        failure=failure,
    )
    return Reply(call=call, transient=transient, retry_after_s=after)


GOOD = reply()
AWAY = reply("model_unavailable", transient=True)
REFUSED = reply("model_unavailable")
UNFIT = reply("parse_error")


class Script:
    """Replies in order, the last one for ever, and the attempts it was asked for."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = replies
        self.attempts: list[int] = []

    async def __call__(self, attempt: int) -> Reply:
        self.attempts.append(attempt)
        return self.replies[min(len(self.attempts), len(self.replies)) - 1]


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the retry loop would have slept."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(guard_module.asyncio, "sleep", sleep)
    return seconds


@pytest.mark.parametrize("only", [GOOD, REFUSED, UNFIT])
async def test_what_went_well_or_will_not_get_better_is_asked_once(only: Reply) -> None:
    script = Script(only, GOOD)
    assert await Guard(SPEC, QUICK).run(script, deadline=None) is only
    assert script.attempts == [1]


async def test_what_may_pass_is_asked_again_until_it_has() -> None:
    script, guard = Script(AWAY, AWAY, GOOD), Guard(SPEC, QUICK)
    assert await guard.run(script, deadline=None) is GOOD
    assert script.attempts == [1, 2, 3]
    assert (guard.report().requests, guard.report().retries) == (3, 2)


async def test_the_last_reply_is_the_answer_when_attempts_are_used_up() -> None:
    script = Script(AWAY)
    assert await Guard(SPEC, QUICK).run(script, deadline=None) is AWAY
    assert script.attempts == [1, 2, 3]


async def test_pauses_double_within_bounds_and_are_jittered(slept: list[float]) -> None:
    terms = Resilience(attempts=7, wait_s=1.0, longest_wait_s=8.0, within_s=1e6, breaker_failures=0)
    for _ in range(20):
        await Guard(SPEC, terms).run(Script(AWAY), deadline=None)
    for place, ceiling in enumerate([1.0, 2.0, 4.0, 8.0, 8.0, 8.0]):
        drawn = slept[place::6]
        assert all(ceiling / 2 <= seconds <= ceiling for seconds in drawn)
        assert len(set(drawn)) > 1


async def test_retry_after_is_honoured(slept: list[float]) -> None:
    script = Script(reply("model_unavailable", transient=True, after=7.0), GOOD)
    assert await Guard(SPEC, QUICK).run(script, deadline=None) is GOOD
    assert slept == [7.0]


async def test_a_retry_after_beyond_the_deadline_gives_up_at_once(slept: list[float]) -> None:
    busy = reply("model_unavailable", transient=True, after=60.0)
    script = Script(busy, GOOD)
    assert await Guard(SPEC, QUICK).run(script, deadline=time.monotonic() + 59.0) is busy
    assert (script.attempts, slept) == ([1], [])
    patient = Resilience(wait_s=0.0, within_s=59.0)
    assert await Guard(SPEC, patient).run(Script(busy, GOOD), deadline=None) is busy
    assert slept == []


async def test_the_breaker_refuses_without_asking_and_a_retry_it_stops_keeps_its_reply() -> None:
    guard = Guard(SPEC, Resilience(attempts=3, wait_s=0.0, breaker_failures=2))
    script = Script(AWAY)
    assert await guard.run(script, deadline=None) is AWAY
    assert script.attempts == [1, 2]
    with pytest.raises(RefusedError, match="'m' failed 2 times in a row"):
        await guard.run(script, deadline=None)
    assert script.attempts == [1, 2]
    assert guard.report().openings == 1


async def test_a_probe_that_is_cancelled_is_not_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Guard(SPEC, Resilience(attempts=1, breaker_failures=1, breaker_open_s=30.0))
    await guard.run(Script(AWAY), deadline=None)
    monkeypatch.setattr(guard.breaker, "_clock", lambda: time.monotonic() + 31.0)
    probing = asyncio.create_task(guard.run(_never, deadline=None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="asking it again now"):
        await guard.run(Script(GOOD), deadline=None)
    probing.cancel()
    await asyncio.gather(probing, return_exceptions=True)
    assert await guard.run(Script(GOOD), deadline=None) is GOOD


async def _never(_attempt: int) -> Reply:
    await asyncio.Event().wait()
    return GOOD


async def test_being_told_to_wait_opens_no_breaker_and_neither_does_time_in_process() -> None:
    terms = Resilience(attempts=1, breaker_failures=1)
    busy = Guard(SPEC, terms)
    await busy.run(Script(reply("model_unavailable", transient=True, after=1.0)), deadline=None)
    assert busy.breaker is not None
    assert busy.breaker.state == "closed"
    slow = reply("timeout", transient=True)
    here, there = Guard(ModelSpec(id="m", engine="llamacpp", sha256="1"), terms), Guard(SPEC, terms)
    states = []
    for guard in (here, there):
        await guard.run(Script(slow), deadline=None)
        assert guard.breaker is not None
        states.append(guard.breaker.state)
    assert states == ["closed", "open"]


async def test_no_more_requests_than_places_and_none_leaks_when_cancelled() -> None:
    guard = Guard(SPEC, Resilience(concurrency=2, waiting=1, attempts=1))
    held = [asyncio.create_task(guard.run(_never, deadline=None)) for _ in range(3)]
    for _ in range(5):
        await asyncio.sleep(0)
    with pytest.raises(RefusedError, match="1 wait already"):
        await guard.run(Script(GOOD), deadline=None)
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert await asyncio.gather(*(guard.run(Script(GOOD), deadline=None) for _ in range(3))) == [GOOD] * 3


async def test_a_place_is_free_while_a_retry_waits() -> None:
    guard, waiting = Guard(SPEC, Resilience(concurrency=1, wait_s=60.0)), asyncio.Event()

    async def once(_attempt: int) -> Reply:
        waiting.set()
        return AWAY

    first = asyncio.create_task(guard.run(once, deadline=None))
    await waiting.wait()
    assert await guard.run(Script(GOOD), deadline=None) is GOOD
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)


async def test_a_retry_that_finds_no_place_in_time_leaves_the_reply_there_is() -> None:
    guard = Guard(SPEC, Resilience(concurrency=1, wait_s=0.0, within_s=0.05))
    asked: list[asyncio.Task[Reply]] = []

    async def once(_attempt: int) -> Reply:
        asked.append(asyncio.create_task(guard.run(_never, deadline=None)))
        await asyncio.sleep(0)  # it is in the queue, and has the place before the retry
        return AWAY

    async with asyncio.timeout(10):
        assert await guard.run(once, deadline=None) is AWAY
    assert len(asked) == 1
    asked[0].cancel()
    await asyncio.gather(*asked, return_exceptions=True)


def test_one_guard_serves_event_loops_in_several_threads() -> None:
    guard, done = Guard(SPEC, Resilience(concurrency=2, waiting=1000)), list[Reply]()

    async def many() -> None:
        done.extend(await asyncio.gather(*(guard.run(Script(GOOD), deadline=None) for _ in range(50))))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(done) == 200
    assert guard.report().requests == 200


async def test_an_error_that_is_raised_is_neither_repeated_nor_swallowed() -> None:
    asked: list[int] = []

    async def once(attempt: int) -> Reply:
        asked.append(attempt)
        raise KeyError("oops")

    with pytest.raises(KeyError, match="oops"):
        await Guard(SPEC, QUICK).run(once, deadline=None)
    assert asked == [1]


def test_guards_are_one_for_each_model_on_its_own_terms() -> None:
    other = ModelSpec(id="n", engine="openai", revision="n")
    guards = Guards({"m": Resilience(attempts=5)})
    assert guards.of(SPEC) is guards.of(SPEC)
    assert (guards.of(SPEC).resilience.attempts, guards.of(other).resilience) == (5, Resilience())
    assert Guards(QUICK).of(other).resilience == QUICK
    apart = guards.of(SPEC, candidate=True)
    assert apart is guards.of(SPEC, candidate=True)
    assert apart.breaker is not guards.of(SPEC).breaker


@pytest.mark.parametrize("wrong", [{"attempts": 0}, {"concurrency": 0}, {"per_minute": 0}, {"wait_s": -1.0}])
def test_terms_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match=next(iter(wrong))):
        Resilience(**wrong)  # pyright: ignore[reportArgumentType]
