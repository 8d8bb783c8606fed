"""`pilotfish ask`: one task through the agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .options import DataClass, Large, Local, Policy, Prompts
from .output import Json, console, exit_unless_answered, print_json


def ask(
    question: Annotated[
        str | None, typer.Argument(metavar="QUESTION", help="The task; leave it out with --resume.")
    ] = None,
    *,
    corpus: Annotated[str | None, typer.Option(help="Folder of documents to ground answers in.")] = None,
    policy: Policy = None,
    local: Local = None,
    large: Large = None,
    planner: Annotated[
        str | None, typer.Option(help="`rules` or `llm`; `llm` where there is a large model.")
    ] = None,
    prompt: Prompts = None,
    data_class: DataClass = None,
    max_calls: Annotated[int | None, typer.Option(min=0, help="Budget: most model calls.")] = None,
    max_usd: Annotated[float | None, typer.Option(min=0, help="Budget: most dollars.")] = None,
    max_seconds: Annotated[float | None, typer.Option(min=0, help="Budget: most seconds.")] = None,
    approve: Annotated[
        bool, typer.Option("--approve", help="Stop after planning until `--resume RUN_ID --yes`.")
    ] = False,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN_ID", help="Go on with this run, set up as it was.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="With --resume: approve the plan.")] = False,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the run's plan as mermaid too.")] = False,
    json: Json = False,
) -> None:
    """Answer QUESTION, and check the answer.

    The task is planned, every subtask is routed to the model, retriever or tool it needs, and what cannot be
    verified is escalated or marked.
    """
    from ..agents.agent import Agent
    from ..agents.budget import Budget
    from .set_up import set_up_of
    from .watch import watch

    given = {"corpus": corpus, "policy": policy, "local": local, "large": large}
    fixed = {**given, "prompt": prompt, "data-class": data_class}
    _refuse_contradictions(question, resume, fixed, approve=approve, yes=yes)
    names: dict[str, Any] = (
        {**given, "approve": approve, "prompts": prompt or ()} if resume is None else set_up_of(resume)
    )
    agent = Agent(**names, planner=planner, budget=Budget(calls=max_calls, usd=max_usd, seconds=max_seconds))
    result = watch(
        agent, question, run_id=resume, approve=True if yes else None, data_class=data_class, quiet=json
    )
    if json:
        waits = result.status == "awaiting_approval"
        print_json({**result.to_json(), **({"plan": result.plan} if waits else {})})
    else:
        from .render import render_result

        render_result(console(), result, mermaid=mermaid)
    exit_unless_answered(result, partly=True)


def _refuse_contradictions(
    question: str | None, resume: str | None, given: Mapping[str, object], *, approve: bool, yes: bool
) -> None:
    from .. import UsageError

    if (question is None) == (resume is None):
        raise UsageError("give a QUESTION, or --resume RUN_ID to go on with a run; one of the two")
    if resume is None and yes:
        raise UsageError("--yes approves the plan of a run that waits: give --resume RUN_ID with it")
    set_again = [f"--{name}" for name, value in given.items() if value] + ["--approve"] * approve
    if resume is not None and set_again:
        raise UsageError(f"a run goes on as it was set up; leave out {', '.join(set_again)} with --resume")
