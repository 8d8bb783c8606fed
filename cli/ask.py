"""`pilotfish ask`: one task through the agent."""

from __future__ import annotations

from typing import Annotated

import typer

from .output import EXIT_UNANSWERED, Json, console, print_json


def ask(
    question: Annotated[str | None, typer.Argument(help="The task; leave it out with --resume.")] = None,
    *,
    corpus: Annotated[str | None, typer.Option(help="Folder of documents to ground answers in.")] = None,
    policy: Annotated[str | None, typer.Option(help="Router policy; `learned` unless set otherwise.")] = None,
    local: Annotated[
        str | None, typer.Option(help="Small model: an id of `pilotfish models list` or a file.")
    ] = None,
    large: Annotated[str | None, typer.Option(help="Large model; none unless given.")] = None,
    planner: Annotated[str | None, typer.Option(help="`rules` or `llm`.")] = None,
    max_calls: Annotated[int | None, typer.Option(help="Budget: most model calls.")] = None,
    max_usd: Annotated[float | None, typer.Option(help="Budget: most dollars.")] = None,
    max_seconds: Annotated[float | None, typer.Option(help="Budget: most seconds.")] = None,
    approve: Annotated[bool, typer.Option(help="Stop after planning until `--resume RUN_ID --yes`.")] = False,
    resume: Annotated[str | None, typer.Option(help="Go on with the run of this id.")] = None,
    yes: Annotated[bool, typer.Option(help="With --resume: approve the plan.")] = False,
    mermaid: Annotated[bool, typer.Option(help="Print the run's plan as mermaid too.")] = False,
    json: Json = False,
) -> None:
    """Answer QUESTION: plan it, route every subtask, check every answer."""
    from ..agents.agent import Agent
    from ..agents.budget import Budget
    from .watch import watch

    if (question is None) == (resume is None):
        raise typer.BadParameter("give a QUESTION, or --resume RUN_ID")
    names = {"corpus": corpus, "policy": policy, "local": local, "large": large}
    agent = Agent(
        **(names if resume is None else _names_of(resume)),
        planner=planner,
        approve=approve or yes,
        budget=Budget(calls=max_calls, usd=max_usd, seconds=max_seconds),
    )
    result = watch(agent, question, run_id=resume, approve=True if yes else None, quiet=json)
    if json:
        print_json(result.to_json())
    else:
        from .render import render_result

        render_result(console(), result, mermaid=mermaid)
    if result.status not in {"answered", "partial"}:
        raise typer.Exit(EXIT_UNANSWERED)


def _names_of(run_id: str) -> dict[str, str | None]:
    """What the agent was made of when the run began, from the ledger."""
    from ..models.settings import load_settings
    from ..tracing.ledger import Ledger

    ledger = Ledger(load_settings().home / "ledger.db")
    ledger.summary(run_id)
    (start, *_) = ledger.records(run_id, "run")
    return {name: start.body.get(name) for name in ("local", "large", "corpus", "policy")}
