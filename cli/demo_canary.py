"""`pilotfish demo shipping-canary`: a worse prompt is caught in shadow, on real requests and a real model."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .output import Json, console, print_json

if TYPE_CHECKING:
    from ..demos.shipping_canary import Progress


def shipping_canary(
    *,
    requests: Annotated[int, typer.Option(min=1, help="Most requests carried out.")] = 60,
    candidate: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.md", help="A demo_read_request.md of your own; a worse one of ours unless given."
        ),
    ] = None,
    same: Annotated[
        bool, typer.Option("--same", help="Try the prompt in use against itself: it must not be rolled back.")
    ] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the story, PNG.")] = None,
    json: Json = False,
) -> None:
    """Try another prompt on the shipping workflow, in shadow.

    The embedded model reads real requests with the prompt in use, which answers, and once more with the candidate,
    which answers nobody; the words of the request judge both. The gates roll a worse prompt back as soon as they are
    sure. A request takes some seconds on two cores.
    """
    from ..demos.shipping_canary import (
        WORSE_PROMPT,
        demo_requests,
        reading_agent,
        run_canary,
        same_prompt,
        start_canary,
    )
    from ..models.settings import load_settings
    from ..rollout.plan import RolloutPlan
    from ..rollout.states import TERMINAL
    from .demo import fetch_weights
    from .render_canary import render_canary

    settings = load_settings()
    fetch_weights(settings, None, embedder=False)
    chosen = demo_requests(requests)
    prompt = same_prompt(settings.home / "canary") if same else candidate or WORSE_PROMPT
    agent = reading_agent(chosen, settings)
    # A pair that nothing could judge uses the cap up and fills nothing: it must not be what ends the demonstration.
    plan = RolloutPlan(workflows=("shipping",), shadow_pairs=min(60, requests), shadow_cap=2 * requests)
    rollout = start_canary(agent, prompt, plan)
    asyncio.run(run_canary(agent, rollout, chosen, _ignore if json else _tell))
    if plot is not None:
        from ..lab.canary_story import draw_story

        plot.write_bytes(draw_story(rollout, agent.services.ledger))
    report = rollout.report()
    if same and rollout.state not in TERMINAL:  # it was nobody's candidate
        rollout.roll_back("the demonstration is over")
    if json:
        print_json(report)
    else:
        render_canary(console(), report)
        if rollout.state not in TERMINAL:
            console().print(_still(rollout.id), markup=False, soft_wrap=True)


def _still(rollout_id: str) -> str:
    return (
        f"Canary {rollout_id} stays under way in your ledger: the shipping workflow's next runs take part in it. "
        f"End it with `pilotfish canary rollback {rollout_id}`."
    )


def _tell(progress: Progress) -> None:
    console(stderr=True).print(
        f"request {progress.requests} ({progress.stage}): read right {progress.passed['baseline']} by the baseline, "
        f"{progress.passed['candidate']} by the candidate; evidence {progress.evidence:.3g} of {progress.needed:.3g}",
        style="dim",
        markup=False,
        soft_wrap=True,
    )


def _ignore(_progress: Progress) -> None:
    """Nobody listens."""
