from __future__ import annotations

import asyncio
import threading

import pytest

from pilotfish.models.limits import Places, Rate
from pilotfish.models.resilience import RefusedError


async def hold(places: Places, until: asyncio.Event) -> None:
    async with places.place():
        await until.wait()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_place_is_handed_on_in_order() -> None:
    places, order = Places(1, waiting=10, what="m"), list[int]()

    async def work(number: int) -> None:
        async with places.place():
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(5)))
    assert order == [0, 1, 2, 3, 4]
    assert places.waited == 4


async def test_a_full_queue_refuses_at_once_and_says_so() -> None:
    places, done = Places(1, waiting=1, what="'m'"), asyncio.Event()
    held = [asyncio.create_task(hold(places, done)) for _ in range(2)]
    await settle()
    with pytest.raises(RefusedError, match="all 1 places of 'm' are taken and 1 wait already"):
        async with places.place():
            pass
    done.set()
    await asyncio.gather(*held)


async def test_waiting_ends_at_the_deadline() -> None:
    places, done = Places(1, waiting=1, what="m"), asyncio.Event()
    held = asyncio.create_task(hold(places, done))
    await settle()
    with pytest.raises(RefusedError, match="no place of m"):
        async with places.place(deadline=0.0):
            pass
    done.set()
    await held
    async with places.place(deadline=0.0):  # a free place needs no time
        pass


async def test_cancelling_holders_and_waiters_in_any_order_leaks_no_place() -> None:
    places, never = Places(2, waiting=100, what="m"), asyncio.Event()
    for turn in range(40):
        tasks = [asyncio.create_task(hold(places, never)) for _ in range(7)]
        await settle()
        for task in tasks[turn % 7 :] + tasks[: turn % 7]:
            task.cancel()
            if turn % 3 == 0:  # a place given to a task that is cancelled before it wakes
                await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
    async with places.place(deadline=0.0), places.place(deadline=0.0):
        with pytest.raises(RefusedError):
            async with places.place(deadline=0.0):
                pass


def test_places_hold_across_threads_and_event_loops() -> None:
    places, lock = Places(2, waiting=1000, what="m"), threading.Lock()
    inside = most = done = 0

    async def work() -> None:
        nonlocal inside, most, done
        async with places.place():
            with lock:
                inside += 1
                most = max(most, inside)
            await asyncio.sleep(0)
            with lock:
                inside, done = inside - 1, done + 1

    async def many() -> None:
        await asyncio.gather(*(work() for _ in range(50)))

    threads = [threading.Thread(target=asyncio.run, args=(many(),)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (most, done) == (2, 200)


def test_one_who_waits_in_a_loop_that_is_gone_is_passed_over() -> None:
    places = Places(1, waiting=10, what="m")
    here, gone = asyncio.new_event_loop(), asyncio.new_event_loop()
    holder = places.place()
    here.run_until_complete(holder.__aenter__())
    left = gone.create_task(hold(places, asyncio.Event()))
    gone.run_until_complete(settle())
    gone.close()  # without cancelling its tasks, as a loop that is torn down by hand
    here.run_until_complete(holder.__aexit__(None, None, None))
    here.run_until_complete(places.place(deadline=0.0).__aenter__())
    here.close()
    left._log_destroy_pending = False


async def test_a_rate_gives_a_minutes_turns_and_books_the_next_only_where_it_is_in_time() -> None:
    now = 1000.0
    rate = Rate(2, waiting=5, what="'m'", clock=lambda: now)
    await rate.turn()
    await rate.turn()
    with pytest.raises(RefusedError, match="'m' may be called 2 times a minute"):
        await rate.turn(deadline=now + 59)
    now += 60.0
    await rate.turn(deadline=now)


async def test_those_who_wait_for_a_turn_are_bounded_and_one_who_gives_up_frees_it() -> None:
    rate = Rate(1, waiting=1, what="m", clock=lambda: 0.0)
    await rate.turn()
    waiting = asyncio.create_task(rate.turn())
    await settle()
    with pytest.raises(RefusedError, match="1 waiting"):
        await rate.turn()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    again = asyncio.create_task(rate.turn())
    await settle()
    assert not again.done()
    again.cancel()


async def test_no_limit_asks_nothing() -> None:
    await Rate(None, waiting=0, what="m").turn(deadline=0.0)
    async with Places(None, waiting=0, what="m").place(deadline=0.0):
        pass
