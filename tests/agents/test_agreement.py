from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pilotfish import Subtask
from pilotfish.agents.agreement import Agreement, Vote, majority_posterior, vote
from pilotfish.agents.attempt import Attempt, Verdict


async def cast(*answers: str | None, k: int = 5) -> Vote:
    async def draw(index: int) -> str | None:
        return answers[index]

    return await vote(draw, k=k)


def check(text: str, *samples: str) -> Verdict:
    return Agreement().check(Subtask(id="s", text="q"), Attempt(lane="local", text=text, samples=samples))


async def test_three_of_three_settle_it() -> None:
    found = await cast("12", "12.0", "12", "13", "13")
    assert (found.answer, found.share, found.drawn) == ("12", 1.0, 3)


async def test_a_split_vote_draws_all_five() -> None:
    found = await cast("a tree", "a house", "a tree", "a house", "a tree")
    assert (found.answer, found.share, found.drawn) == ("a tree", 0.6, 5)


async def test_a_lead_of_two_goes_on_while_four_of_five_can_be_reached() -> None:
    assert (await cast("1", "1", "2", "1", "1")).share == 0.8


async def test_it_stops_when_the_leader_can_neither_lose_nor_pass() -> None:
    assert (await cast("1", "2", "1", "3", "9")).drawn == 5
    assert (await cast("1", "2", None, "1", "1", k=4)).drawn == 4


async def test_draws_without_an_answer_count_against_the_share() -> None:
    found = await cast(None, "7", " ", "7", "7")
    assert (found.answer, found.share, found.drawn, found.samples) == ("7", 0.5, 4, ("7", "7"))


async def test_no_answer_at_all() -> None:
    assert await cast(None, None, None, None, None) == Vote(answer=None, share=0.0, drawn=5, samples=())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "3", None]), min_size=7, max_size=7), st.integers(1, 7))
async def test_never_more_than_k_and_the_answer_leads(answers: list[str | None], k: int) -> None:
    found = await cast(*answers, k=k)
    assert 1 <= found.drawn <= k
    counts = {answer: found.samples.count(answer) for answer in found.samples}
    assert found.answer is None or counts[found.answer] == max(counts.values())


@pytest.mark.parametrize(
    ("first", "second", "expected"), [(0, 0, 0.5), (2, 0, 0.875), (3, 0, 0.9375), (3, 3, 0.5)]
)
def test_posterior_of_the_majority(first: int, second: int, expected: float) -> None:
    assert majority_posterior(first, second) == expected


def test_agreeing_samples_pass() -> None:
    assert check("12", "12", "12.0", "twelve").status == "pass"


def test_disagreement_escalates_as_low_agreement() -> None:
    verdict = check("12", "12", "13", "12")
    assert (verdict.status, verdict.escalation) == ("fail", "low_agreement")
    assert verdict.reason == "2 of 3 samples agree"


def test_a_kept_answer_nobody_drew_fails() -> None:
    assert check("14", "12", "12", "12").status == "fail"


def test_two_agreeing_samples_are_too_few() -> None:
    assert check("12", "12", "12").status == "unknown"
    assert check("12", "12").status == "unknown"
