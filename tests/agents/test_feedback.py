from __future__ import annotations

from pathlib import Path

import pytest

from pilotfish import Agent, UsageError
from pilotfish.models.settings import Settings
from pilotfish.testing.chat import ScriptedChat
from pilotfish.testing.lanes import FakeLearner


@pytest.fixture
def learner() -> FakeLearner:
    return FakeLearner()


@pytest.fixture
def agent(tmp_path: Path, learner: FakeLearner) -> Agent:
    chat = ScriptedChat(reply=lambda _text: "2 + 2 = 4, so the answer is 4")
    return Agent(settings=Settings(home=tmp_path), local=chat, policy=learner)


def test_what_a_user_says_is_kept_and_taught_besides_the_verdict(agent: Agent, learner: FakeLearner) -> None:
    result = agent.run("How much is two apples and two apples?", run_id="r")
    (subtask,) = result.subtasks
    agent.feedback("r", subtask.id, reward=0.25)
    assert learner.rewards() == [(subtask.id, 1.0), (subtask.id, 0.25)]
    first, second = (lesson[:2] for lesson in learner.lessons)
    assert first == second, "what is fed back later is the same subtask and decision"
    (record,) = agent.services.ledger.records("r", "feedback")
    assert (record.subtask_id, record.body) == (subtask.id, {"reward": 0.25})
    assert agent.services.ledger.verify() == []


def test_feedback_that_fits_nothing_says_what_there_is(agent: Agent) -> None:
    (subtask,) = agent.run("How much is two apples and two apples?", run_id="r").subtasks
    with pytest.raises(UsageError, match="no run 'other'"):
        agent.feedback("other", subtask.id, reward=1.0)
    with pytest.raises(UsageError, match=f"no finished subtask 'zz'; finished are: '{subtask.id}'"):
        agent.feedback("r", "zz", reward=1.0)
    with pytest.raises(UsageError, match=r"reward 2\.0 is not between"):
        agent.feedback("r", subtask.id, reward=2.0)
