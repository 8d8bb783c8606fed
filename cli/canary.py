"""`pilotfish canary`: a candidate model or prompt on a part of the traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import UsageError
from .canary_simulate import simulate
from .output import Json, print_json

if TYPE_CHECKING:
    from ..rollout.identity import Identity
    from ..rollout.rollout import Rollout
    from ..tracing.ledger import Ledger

_STANDARD = ("arithmetic", "groundedness", "schema")
"""The verifiers that look at every answer, whatever the agent."""
canary_app = typer.Typer(
    help="Try a new model or prompt on some of the requests.",
    no_args_is_help=True,
)

Spec = Annotated[str, typer.Option(metavar="SPEC", help="MODEL[:prompt=NAME@VERSION,NAME=FILE.md].")]
Id = Annotated[str, typer.Argument(metavar="ID", help="As `canary status` shows it.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]


@canary_app.command()
def start(
    *,
    candidate: Spec,
    baseline: Spec,
    plan: Annotated[Path | None, typer.Option(help="YAML; the default plan without.")] = None,
    name: Annotated[str, typer.Option("--id", help="Id of the canary; made up unless given.")] = "",
    supersede: Annotated[
        bool, typer.Option("--supersede", help="End the canary that is in the way, if there is one.")
    ] = False,
    json: Json = False,
) -> None:
    """Begin a canary.

    From then on every agent of this ledger that asks the baseline takes part.
    """
    from ..lab.canary_offline import evaluate_offline, read_recorded
    from ..rollout.plan import RolloutPlan, load_plan
    from ..rollout.rollout import Rollout

    chosen = RolloutPlan() if plan is None else load_plan(plan)
    tried, against = _identity(candidate), _identity(baseline)
    # Before anything is written: a canary that waits for a table which is not there is in every later one's way.
    recorded = read_recorded(chosen, candidate=tried, baseline=against) if chosen.offline else None
    rollout = Rollout.start(
        _ledger(), candidate=tried, baseline=against, plan=chosen, supersede=supersede, rollout_id=name
    )
    if rollout.state == "offline":
        evaluate_offline(rollout, recorded)
    _show(rollout, json=json)


@canary_app.command()
def status(
    name: Annotated[str | None, typer.Argument(metavar="[ID]", help="One canary; all unless given.")] = None,
    *,
    plot: Annotated[Path | None, typer.Option(help="Draw the difference over the observations, PNG.")] = None,
    json: Json = False,
) -> None:
    """Tell how a canary stands, how it got there and what it waits for.

    Without an ID every canary is listed, and the latest is told.
    """
    from ..rollout.rollout import Rollout
    from ..rollout.states import histories

    if plot is not None:
        from ..lab.canary_story import check_picture

        check_picture(plot)
    ledger = _ledger()
    known = histories(ledger)
    told = [name] if name else [*known]
    rollouts = [Rollout.open(ledger, each) for each in (told if json else told[-1:])]
    if plot is not None and rollouts:
        from ..lab.canary_story import draw_story

        plot.write_bytes(draw_story(rollouts[-1], ledger))
        typer.echo(f"written: {plot}", err=True)
    if json:
        reports = [each.report() for each in rollouts]
        print_json(reports[0] if name else reports)
    elif not rollouts:
        typer.echo("no canaries yet; `pilotfish canary start` begins one", err=True)
    else:
        from .output import console
        from .render_canary import render_canaries, render_canary

        if len(told) > 1:
            render_canaries(console(), [known[each] for each in told])
        render_canary(console(), rollouts[-1].report())


@canary_app.command()
def promote(
    name: Id,
    *,
    anyway: Annotated[bool, typer.Option("--anyway", help="Even while a gate is not content.")] = False,
    reason: Reason = "",
    json: Json = False,
) -> None:
    """Give the candidate to everybody in the plan's scope."""
    rollout = _open(name)
    if rollout.state in ("draft", "offline", "shadow"):
        raise UsageError(
            f"canary {name!r} is in {rollout.state}, and cannot be promoted yet: {_leads_on(rollout)}"
        )
    rollout.promote(reason, anyway=anyway)
    _show(rollout, json=json)


@canary_app.command()
def pause(name: Id, *, reason: Reason = "", json: Json = False) -> None:
    """Give the baseline to everybody until `resume`."""
    rollout = _open(name)
    rollout.pause(reason)
    _tell(rollout, json=json)


@canary_app.command()
def resume(name: Id, *, reason: Reason = "", json: Json = False) -> None:
    """Go on where `pause` stopped, or evaluate the outcome table that a canary waits for."""
    from ..lab.canary_offline import evaluate_offline
    from ..rollout.states import TERMINAL

    rollout = _open(name)
    if rollout.state not in ("offline", "paused", *TERMINAL):
        raise UsageError(
            f"canary {name!r} is not paused: it is in {rollout.stage.label!r} and goes on by itself"
        )
    if rollout.state != "offline":
        rollout.resume(reason)
    if rollout.state == "offline":
        evaluate_offline(rollout)
    _tell(rollout, json=json)


@canary_app.command()
def rollback(name: Id, *, reason: Reason = "", json: Json = False) -> None:
    """Give the baseline to everybody, for good, from the next request on."""
    rollout = _open(name)
    rollout.roll_back(reason)
    _tell(rollout, json=json)


canary_app.command()(simulate)


def _show(rollout: Rollout, *, json: bool) -> None:
    report: dict[str, Any] = rollout.report()
    if json:
        print_json(report)
        return
    from .output import console
    from .render_canary import render_canary

    render_canary(console(), report)


def _tell(rollout: Rollout, *, json: bool) -> None:
    """What is now and what to do, after a command that changes one thing."""
    report: dict[str, Any] = rollout.report()
    if json:
        print_json(report)
        return
    from .output import console
    from .render_canary import render_change

    render_change(console(), report)


def _leads_on(rollout: Rollout) -> str:
    """How a canary that nobody gets yet comes to the ramp."""
    if rollout.state == "offline":
        return f"`pilotfish canary resume {rollout.id}` evaluates the outcome table that the plan names"
    reasons = "; ".join(rollout.look().reasons)
    return f"it goes on by itself{f' ({reasons})' if reasons else ''}; --anyway does not skip shadow"


def _identity(text: str) -> Identity:
    """What a SPEC stands for: every prompt that ships is in it, the named ones in the named version."""
    from ..models.settings import load_settings
    from ..prompts import choose_prompts, prompt_names
    from ..rollout.identity import identity_of, parse_spec

    spec = parse_spec(text).located()
    choice = choose_prompts(spec.prompts)
    prompts = {name: choice.load(name) for name in sorted({*prompt_names(), *choice.references})}
    model = spec.model_spec(load_settings())
    return identity_of(model, prompts=prompts, files=choice.files(), verifiers=_STANDARD, spec=spec.text)


def _open(name: str) -> Rollout:
    from ..rollout.rollout import Rollout

    return Rollout.open(_ledger(), name)


def _ledger() -> Ledger:
    from ..models.settings import load_settings
    from ..tracing.ledger import Ledger

    return Ledger(load_settings().home / "ledger.db")
