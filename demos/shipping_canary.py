"""A canary on the shipping workflow: another prompt reads real requests in shadow, until the gates have seen enough.

Only the step that the prompt belongs to is run: the model reads a request under its grammar, and the words of the
request check the reading. The candidate that ships is a change that looks harmless: an example was added to the prompt
and the lists of candidates were left out, which saves a third of its tokens. A model this small copies the example.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ..agents.agent import Agent
from ..agents.model_lane import ModelLane
from ..agents.plan import Plan
from ..prompts import PromptChoice, choose_prompts, load_prompt
from ..rollout.identity import Identity, identity_of
from ..rollout.plan import RolloutPlan
from ..rollout.rollout import Rollout
from ..rollout.states import TERMINAL
from .reading_model import PROMPT
from .shipping import WORKFLOW, read_only
from .shipping_tools import READING_CHECK, checks, tools

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from ..models.settings import Settings

WORSE_PROMPT = Path(__file__).with_name("data") / f"{PROMPT}.md"
"""The candidate, as a user's own prompt file."""
SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the canary stands after a request."""

    requests: int
    stage: str
    passed: dict[str, int]
    """By arm."""
    evidence: float
    """E-value against the candidate."""
    needed: float
    """E-value at which it is rolled back."""


def demo_requests(count: int) -> list[tuple[str, date]]:
    """Requests that can be planned, with their day, in a seeded order; none of them was looked at for the candidate."""
    text = (resources.files("pilotfish.demos") / "data" / "requests.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    fit = [row for row in rows if row["split"] != "dev" and row["expect"]["status"] == "ok"]
    random.Random(SEED).shuffle(fit)  # noqa: S311 - an order, not a secret
    return [(row["request"], date.fromisoformat(row["today"])) for row in fit[:count]]


def same_prompt(folder: Path) -> Path:
    """The prompt in use under another version, for a candidate that differs in nothing."""
    shipped = (resources.files("pilotfish.prompts") / "files" / f"{PROMPT}.md").read_text(encoding="utf-8")
    version = load_prompt(PROMPT).version
    path = folder / f"{PROMPT}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        shipped.replace(f"version: {version}\n", f"version: {version}-again\n", 1), encoding="utf-8"
    )
    return path


def reading_agent(
    requests: Sequence[tuple[str, date]], settings: Settings, *, local: str | BaseChatModel | None = None
) -> Agent:
    """An agent of the shipping workflow whose plans end where the request is read."""
    days = dict(requests)

    def plan(request: str) -> Plan:
        return read_only(request, days[request])

    # The rules decide nothing here, as the workflow names the lane; they need no weights.
    return Agent(
        name=WORKFLOW,
        local=local,
        policy="rules",
        planner=plan,
        tools=tools(),
        verifiers=checks(),
        settings=settings,
        fetch=True,
    )


def start_canary(agent: Agent, prompt: Path, plan: RolloutPlan) -> Rollout:
    """Begin the canary of a prompt file against the prompt in use; one that is under way makes room."""
    services = agent.services
    lane = services.lanes["local"]
    assert isinstance(lane, ModelLane)  # noqa: S101 - one local model was given
    model = lane.model.spec

    def identity(choice: PromptChoice, spec: str) -> Identity:
        prompts = {PROMPT: choice.load(PROMPT)}
        return identity_of(model, prompts=prompts, files=choice.files(), verifiers=[READING_CHECK], spec=spec)

    option = f"{PROMPT}={prompt.absolute()}"
    return Rollout.start(
        services.ledger,
        candidate=identity(choose_prompts([option]), f"{model.id}:prompt={option}"),
        baseline=identity(PromptChoice(), model.id),
        plan=plan,
        supersede=True,
    )


async def run_canary(
    agent: Agent,
    rollout: Rollout,
    requests: Sequence[tuple[str, date]],
    told: Callable[[Progress], None] = lambda _progress: None,
) -> int:
    """Carry requests out one after the other until the canary is over; how many were."""
    done = 0
    for request, _ in requests:
        await agent.arun(request)
        await agent.adrain()
        rollout.refresh()
        done += 1
        told(_progress(rollout, done))
        if rollout.state in TERMINAL:
            break
    return done


def _progress(rollout: Rollout, done: int) -> Progress:
    report = rollout.report()
    evidence = report["evidence"] or report["gate"]["evidence"]
    return Progress(
        requests=done,
        stage=report["stage"],
        passed={arm: counts["passed"] for arm, counts in report["arms"]["shadow"].items()},
        evidence=evidence.get("e_value", 0.0),
        needed=evidence.get("needed", 0.0),
    )
