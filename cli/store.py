"""`pilotfish ingest` and `pilotfish search`: a grounding store by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .. import UsageError
from .output import Json, console, print_json

StorePath = Annotated[Path, typer.Option(file_okay=False, help="Folder of the store.")]


def ingest(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Folder with Markdown, text, HTML and PDF files.",
        ),
    ],
    *,
    store: StorePath,
    json: Json = False,
) -> None:
    """Bring the store up to date with DIR.

    What is new or changed is added, what is gone is removed.
    """
    from ..agents.codec import to_json
    from ..retrieval.store import HybridStore

    if store.resolve() == folder.resolve():
        raise UsageError(
            f"the store would be written among the documents of {str(folder)!r}; give another --store"
        )
    with HybridStore.open(store, embedder=_embedder(), create=True) as opened:
        report = opened.ingest(folder)
    if json:
        print_json(to_json(report))
        return
    screen = console()
    screen.print(
        f"{report.added} added, {report.changed} changed, {report.removed} removed, {report.unchanged} unchanged; "
        f"{report.chunks} passages in {store}",
        markup=False,
        soft_wrap=True,
    )
    for path, why in report.skipped:
        screen.print(f"skipped {path}: {why}", markup=False, soft_wrap=True)


def search(
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for.")],
    *,
    store: StorePath,
    k: Annotated[int, typer.Option("-k", min=1, max=100, help="Most passages.")] = 5,
    json: Json = False,
) -> None:
    """Search the store for QUERY.

    Passages come best first, with the score of each leg and the grade of the whole list.
    """
    from ..agents.codec import to_json
    from ..retrieval.store import HybridStore

    try:
        query.encode()
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the query is not Unicode text at character {error.start}; write it in UTF-8"
        ) from None
    with HybridStore.open(store, embedder=_embedder()) as opened:
        hits = opened.search(query, k)
    if json:
        print_json([to_json(hit) for hit in hits])
        return
    screen = console()
    screen.print(f"evidence: {hits[0].grade if hits else 'none'}", style="bold")
    for hit in hits:
        place = ", ".join(part for part in (hit.heading, f"page {hit.page}" if hit.page else None) if part)
        scores = ", ".join(f"{leg} {score:.3f}" for leg, score in hit.scores.items())
        screen.print(
            f"{hit.rank}. {hit.source} {hit.start}-{hit.end} {place} ({scores})", markup=False, soft_wrap=True
        )
        screen.print("   " + " ".join(hit.text.split())[:240], style="dim", markup=False)


def _embedder():
    from ..models.embedder import load_embedder
    from ..models.settings import load_settings

    return load_embedder(home=load_settings().home)
