"""`pilotfish lab bench decision`: what one decision of every policy costs, beside a MiniLM encode, and what it earns.

With `--data` the texts are prompts of RouteLLM's MMLU, policies that need labels are fitted on 1,500 of its rows, and
APGR stands beside the cost. Nothing is read from a cache: each text timed is a new one.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import UnavailableError, UsageError
from ..models.settings import load_settings
from ..router.deciding import decide_now
from ..router.load import load_policy, parse_policy, policy_names, shipped_policies
from ..router.policy import Policy
from ..router.subtask import Subtask
from .bench import Report
from .contenders import refuse_stand_in
from .importers import load_table
from .recipes import Context, Recipe, find_recipe
from .replay import replay
from .router_exemplars import load_exemplars
from .router_speed import BATCH, Timing, Work, measure, uncached_encoder
from .splits import splits_of
from .table import OutcomeTable, Rows, pair_of

TABLE = Path("routellm") / "mmlu"
LABELS = 1500
AIM = 1 / 20
"""The share of an encode that a decision may cost unless embedding buys accuracy."""
AIMED_AT = ("learned", "capability")
ENCODE = "MiniLM encode"
SPELT: Mapping[str, str] = {"budgeted": "budgeted:large_calls=8"}
"""Policies that need an option to be made at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A policy that is there to be timed."""

    name: str
    work: Work
    apgr: float | None
    """On the rest of the table; None without one, or where the policy is too slow for it or ranks nothing."""


def run(data: Path | None) -> Report:
    """Times every policy that can be made here; the others are listed with the reason."""
    table = load_table(data / TABLE) if data is not None and (data / TABLE).is_dir() else None
    home = load_settings().home
    with _scratch_home(home):
        encode = uncached_encoder(home)
        contenders, skipped = contenders_of(table)
        works = {contender.name: contender.work for contender in contenders}
        if encode is not None:
            works[ENCODE] = encode
        timings = measure(works, texts_of(table))
    return Report(
        figures=figures_of(contenders, timings), text=text_of(contenders, timings, skipped, table=table)
    )


def contenders_of(table: OutcomeTable | None) -> tuple[list[Contender], dict[str, str]]:
    """Every policy that can be made, and why the others cannot."""
    found: list[Contender] = []
    skipped: dict[str, str] = {}
    for name in policy_names():
        spelt = SPELT.get(name, name)
        try:
            found.append(_contender(name, find_recipe(spelt), table))
        except (UsageError, UnavailableError) as error:
            skipped[name] = str(error)
    return found, skipped


def texts_of(table: OutcomeTable | None) -> list[str]:
    """As many texts as a batch holds: unlabelled prompts of the table, or our own exemplars."""
    if table is None:
        texts = [row.text for row in load_exemplars()]
    else:
        texts = [table.prompts[row] for row in _split(table)[1]]
    return [texts[place] for place in np.random.default_rng(0).permutation(len(texts))[:BATCH]]


def figures_of(contenders: Sequence[Contender], timings: Mapping[str, Timing]) -> dict[str, float]:
    """Per policy its p50 in microseconds, its share of an encode and its APGR, as far as they are known."""
    encode = timings.get(ENCODE)
    figures: dict[str, float] = {}
    if encode is not None:
        figures |= {"encode_single_ms": 1e3 * encode.single_s, "encode_batch_ms": 1e3 * encode.batch_s}
    for contender in contenders:
        timing, name = timings[contender.name], contender.name
        figures |= {f"{name}_single_us": 1e6 * timing.single_s, f"{name}_batch_us": 1e6 * timing.batch_s}
        if encode is not None:
            figures[f"{name}_single_over_encode"] = timing.single_s / encode.single_s
            figures[f"{name}_batch_over_encode"] = timing.batch_s / encode.batch_s
        if contender.apgr is not None:
            figures[f"{name}_apgr"] = contender.apgr
    return figures


def text_of(
    contenders: Sequence[Contender],
    timings: Mapping[str, Timing],
    skipped: Mapping[str, str],
    *,
    table: OutcomeTable | None,
) -> str:
    """The table, cheapest first, and what is missing in it."""
    encode = timings.get(ENCODE)
    lines = [
        f"| policy | p50 alone | share of an encode | p50 in a batch of {BATCH} | share of an encode | APGR |",
        "|---|---|---|---|---|---|",
    ]
    known = {contender.name: contender for contender in contenders}
    for name, timing in sorted(timings.items(), key=lambda item: item[1].single_s):
        apgr = known[name].apgr if name in known else None
        alone = _share(timing.single_s, encode.single_s if encode else None)
        together = _share(timing.batch_s, encode.batch_s if encode else None)
        lines.append(
            f"| {name} | {_time(timing.single_s)} | {alone} | {_time(timing.batch_s)} | {together} | "
            f"{'–' if apgr is None else f'{apgr:.3f}'} |"
        )
    lines += ["", *_remarks(contenders, timings, table), ""]
    lines += ["Not timed:", ""] if skipped else []
    lines += [f"- `{name}`: {why}" for name, why in skipped.items()]
    return "\n".join(lines).rstrip()


def _remarks(
    contenders: Sequence[Contender], timings: Mapping[str, Timing], table: OutcomeTable | None
) -> list[str]:
    encode = timings.get(ENCODE)
    said: list[str] = []
    if encode is None:
        said.append("No shares: fetch the embedder with `pilotfish models pull minilm-l6`.")
    for name in AIMED_AT if encode is not None else ():
        if name in timings and encode is not None:
            share = timings[name].single_s / encode.single_s
            verdict = "within" if share <= AIM else "above"
            said.append(f"`{name}` is {verdict} the aim of 1/20 of an encode: 1/{1 / share:.0f} alone.")
    if table is None:
        said.append("No APGR: pass --data DIR with RouteLLM's MMLU files.")
    else:
        said.append(
            f"APGR is of {LABELS:,} labelled rows of {table.name} and the rest for test, less the rows a policy "
            "shipped trained on, one seed; a policy that asks a model for every decision or ranks nothing has none."
        )
    if any(timings[contender.name].slow for contender in contenders):
        said.append("Slow policies were timed on every eighth text and one batch.")
    return [" ".join(said)]


def _contender(name: str, recipe: Recipe, table: OutcomeTable | None) -> Contender:
    policy = _made(name, recipe, table)
    refuse_stand_in(policy)
    entry = shipped_policies().get(name)
    asks_a_model = entry is not None and "model" in entry.needs
    apgr = None if table is None or asks_a_model else _apgr(name, policy, table)
    return Contender(name=name, work=_work(policy), apgr=apgr)


def _made(name: str, recipe: Recipe, table: OutcomeTable | None) -> Policy:
    """Fitted on the table's labelled rows where that is how it is made, else as it ships."""
    if recipe.needs_labels and table is not None:
        return recipe.fit(table.take(_split(table)[0]), context=Context(pair=pair_of(table)))
    return load_policy(name, **parse_policy(recipe.name)[1])


def _work(policy: Policy) -> Work:
    def work(texts: Sequence[str]) -> object:
        return decide_now(policy, [Subtask(id=str(place), text=text) for place, text in enumerate(texts)])

    return work


def _apgr(name: str, policy: Policy, table: OutcomeTable) -> float | None:
    recipe = Recipe(name=name, needs_labels=False, fit=lambda _, *, context: policy)  # noqa: ARG005 - as it is
    found = replay(table.take(_split(table)[1]), [recipe], resamples=0)
    return next(row.apgr for row in found.rows if row.policy == name)


def _split(table: OutcomeTable) -> tuple[Rows, Rows]:
    """The labelled rows and the others."""
    split = splits_of(table, labels=LABELS if len(table) > 2 * LABELS else 0.5)[0]
    return split.train, split.test


@contextmanager
def _scratch_home(home: Path) -> Generator[None]:
    """A home with the same weights and a copy of the cache, so that the texts timed leave no trace in the real one."""
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as name:
        scratch = Path(name)
        if (home / "models").is_dir():
            (scratch / "models").symlink_to((home / "models").resolve(), target_is_directory=True)
        cache = home / "cache" / "embeddings.db"
        if cache.is_file():
            (scratch / "cache").mkdir()
            with (
                closing(sqlite3.connect(cache)) as source,
                closing(sqlite3.connect(scratch / "cache" / cache.name)) as copy,
            ):
                source.backup(copy)
        before = os.environ.get("PILOTFISH_HOME")
        os.environ["PILOTFISH_HOME"] = name
        try:
            yield
        finally:
            if before is None:
                del os.environ["PILOTFISH_HOME"]
            else:
                os.environ["PILOTFISH_HOME"] = before


def _share(seconds: float, encode: float | None) -> str:
    if encode is None:
        return "–"
    share = seconds / encode
    return f"1/{1 / share:,.0f}" if share < 0.5 else f"{share:.1f}"


def _time(seconds: float) -> str:
    return f"{1e6 * seconds:,.0f} µs" if seconds < 1e-2 else f"{1e3 * seconds:,.0f} ms"
