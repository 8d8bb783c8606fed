"""`pilotfish lab bench kinds`: MMLU-Pro routed by predicted kind, reasoning to a small model, the rest to a large one.

Nothing here is fitted on MMLU-Pro's outcomes or categories: `learned` comes as it is shipped, `knn` with MMLU's
questions as exemplars, labelled by subject, without those that MMLU-Pro asks too. Yet the choice was not blind: about
twenty variants were scored on MMLU-Pro before the blend was reported, and MMLU's labels changed after a first look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import UnavailableError, UsageError
from ..models.embedder import Embedder
from ..models.settings import load_settings
from ..router.blend import blended
from ..router.exemplars import Exemplar
from ..router.fingerprints import fingerprints, stem_of
from ..router.knn import find_embedder, load_knn
from ..router.learned import load_learned
from ..router.policy import Kind, Policy, TrainedPolicy
from .bench import Report
from .bootstrap import interval_of, means_of
from .importers import load_table
from .kind_ceiling import fitted_gains
from .kind_pairs import Bools, PairGrid, pair_grid
from .kind_plot import draw_heatmap
from .routed import decide, subtasks_of
from .table import Floats, OutcomeTable
from .train import TO_BE_SCORED

SMALL, LARGE = "mathstral-7B", "jamba-1.5-large"
GOLD = ("math", "physics", "chemistry", "engineering")
"""MMLU-Pro's categories that the reference sends to the small model."""
SHARE = 0.57
"""Large calls of the step of confidence: the threshold that gives it is read off the prompts, without an outcome."""
REASONING_SUBJECTS = frozenset(
    (
        "abstract_algebra",
        "astronomy",
        "college_chemistry",
        "college_mathematics",
        "college_physics",
        "conceptual_physics",
        "electrical_engineering",
        "elementary_mathematics",
        "high_school_chemistry",
        "high_school_mathematics",
        "high_school_physics",
        "high_school_statistics",
    )
)
"""MMLU's own subjects of mathematics, physics, chemistry and engineering (Hendrycks et al. 2021, categories.py)."""
NEIGHBOURS, TEMPERATURE = 64, 0.1
"""Of `knn` on MMLU's subjects; chosen by how well it tells subjects it was not given, in ten folds."""
RESAMPLES = 2000
NOT_BLIND = (
    "Not a blind test: about twenty variants were scored on MMLU-Pro before the blend was reported, and the labels of "
    "MMLU's subjects were changed after a first look at the score. The intervals do not count that."
)
POLICIES: Mapping[str, str] = {
    "learned": "learned",
    "knn": "knn on MMLU's subjects",
    "blend": "blend of learned and knn",
}
"""Key to what a reader is told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Contender:
    """One way to share the prompts out."""

    name: str
    key: str
    """What its figures are called."""
    large: Floats
    """Probability that the large model answers, shape (n,): 0 or 1, or the share where chance decides."""


def run(data: Path | None, *, picture: Path | None = None) -> Report:
    """Measures, and draws the heat map to `picture` (default: PILOTFISH_HOME/lab/kinds-heatmap.png), with an SVG.

    Raises `UsageError` when `data` is not given or holds no MMLU-Pro outcomes.
    """
    path = None if data is None else data / TO_BE_SCORED[0]
    if data is None or path is None or not path.is_file():
        raise UsageError(
            f"the kinds bench needs MMLU-Pro's outcomes; pass --data DIR with {TO_BE_SCORED[0]} in it (docs/data.md)"
        )
    table = load_table(path)
    pair = table.only([SMALL, LARGE])
    embedder, missing = _embedder()
    p_reasoning = kinds_of(table, data, embedder=embedder)
    contenders = contenders_of(pair, p_reasoning)
    if embedder is not None:
        contenders.append(_ceiling(pair, embedder))
    figures = pair_figures(pair, contenders)
    best = "blend" if "blend" in p_reasoning else "learned"
    grid = pair_grid(table, surest(p_reasoning[best]))
    figures |= grid_figures(grid)
    out = picture or load_settings().home / "lab" / "kinds-heatmap.png"
    drawn = draw_heatmap(grid, out=out, policy=POLICIES[best], share=SHARE)
    text = [_pair_text(contenders, figures), NOT_BLIND, *missing, _grid_text(grid, figures, POLICIES[best])]
    text.append(f"The heat map: {drawn[0]} and {drawn[1].name}.")
    return Report(figures=figures, text="\n\n".join(text))


def kinds_of(table: OutcomeTable, data: Path, *, embedder: Embedder | None) -> dict[str, Floats]:
    """Probability of reasoning by policy, shape (n,) each: of `learned` alone where there is no embedder."""
    found = {"learned": _p_reasoning(unseen(load_learned(), table), table)}
    if embedder is not None:
        knn = load_knn(
            exemplars=mmlu_exemplars(data), embedder=embedder, k=NEIGHBOURS, temperature=TEMPERATURE
        )
        found["knn"] = _p_reasoning(unseen(knn, table), table)
        both = zip(found["learned"], found["knn"], strict=True)
        found["blend"] = np.array([blended(p) for p in both])
    return found


def mmlu_exemplars(data: Path) -> tuple[Exemplar, ...]:
    """MMLU's questions as exemplars, each of the kind of its subject, without those that MMLU-Pro asks too."""
    mmlu = load_table(data / "routellm" / "mmlu")
    asked = {stem_of(prompt) for prompt in load_table(data / TO_BE_SCORED[0]).prompts}
    found: dict[str, Exemplar] = {}
    for text, subject in zip(mmlu.prompts, mmlu.groups or (), strict=True):
        kind: Kind = "reasoning" if subject in REASONING_SUBJECTS else "knowledge"
        if stem_of(text) not in asked:
            found.setdefault(text, Exemplar(text=text, kind=kind, route=subject))
    return tuple(found.values())


def unseen(policy: Policy, table: OutcomeTable) -> Policy:
    """The policy, once it is plain that it was trained on none of the table's prompts."""
    seen = policy.trained_on if isinstance(policy, TrainedPolicy) else None
    overlap = len((seen or frozenset()) & fingerprints(table.prompts))
    if overlap:
        raise UsageError(
            f"{policy!r} was trained on {overlap} prompts of {table.name!r}; train it with --without that table"
        )
    return policy


def contenders_of(pair: OutcomeTable, p_reasoning: Mapping[str, Floats]) -> list[Contender]:
    """The references, then each policy at its own threshold and at the share `SHARE` of large calls."""
    ones: Floats = np.ones(len(pair))
    gains = pair.correct[:, 1] > pair.correct[:, 0]
    found = [
        Contender(name="large alone", key="large", large=ones),
        Contender(name="small alone", key="small", large=np.zeros(len(pair))),
        Contender(name="oracle", key="oracle", large=gains.astype(np.float64)),
    ]
    if pair.groups is not None:
        gold = np.array([group not in GOLD for group in pair.groups], dtype=np.float64)
        found.append(Contender(name="gold categories", key="gold", large=gold))
    for policy, p in p_reasoning.items():
        name = POLICIES[policy]
        found.append(Contender(name=name, key=policy, large=(p < 0.5).astype(np.float64)))
        large = (~surest(p)).astype(np.float64)
        key = f"{policy}_at_{round(100 * SHARE)}"
        found.append(Contender(name=f"{name}, {SHARE:.0%} large", key=key, large=large))
    return found


def surest(p_reasoning: Floats) -> Bools:
    """The prompts most surely of reasoning, as many as leave `SHARE` of all to the large model."""
    found = np.ones(len(p_reasoning), dtype=np.bool_)
    found[np.argsort(p_reasoning, kind="stable")[: round(SHARE * len(p_reasoning))]] = False
    return found


def pair_figures(pair: OutcomeTable, contenders: Sequence[Contender]) -> dict[str, float]:
    """Per contender `KEY_quality`, `KEY_large_share`, and what it gains over the large model alone, over gold and over
    chance at its own share, with the ends `_low` and `_high` of 95 % paired bootstrap intervals."""
    small, large = pair.correct.T
    quality = {c.key: c.large * large + (1.0 - c.large) * small for c in contenders}
    figures: dict[str, float] = {}
    for contender in contenders:
        own, share = quality[contender.key], float(contender.large.mean())
        chance = share * large + (1.0 - share) * small
        differences = {"quality": own, "over_large": own - large, "over_random": own - chance}
        if "gold" in quality:
            differences["over_gold"] = own - quality["gold"]
        samples = means_of(np.stack(list(differences.values()), axis=1), resamples=RESAMPLES)
        figures[f"{contender.key}_large_share"] = share
        for (name, values), drawn in zip(differences.items(), samples.T, strict=True):
            low, high = interval_of(drawn)
            figures[f"{contender.key}_{name}"] = float(values.mean())
            figures |= {f"{contender.key}_{name}_low": low, f"{contender.key}_{name}_high": high}
    return figures


def grid_figures(grid: PairGrid) -> dict[str, float]:
    """How many pairs gain, and what tells them from the others."""
    cells = ~np.isnan(grid.gap)
    better, random = grid.better() & cells, grid.beats_random() & cells
    worse = (grid.over_large_high < 0.0) & cells
    leans = grid.lean[:, None] - grid.lean[None, :]
    return {
        "pairs": float(cells.sum()),
        "pairs_over_large": float(better.sum()),
        "pairs_under_large": float(worse.sum()),
        "pairs_over_random": float(random.sum()),
        "gap_where_over_large": _mean(grid.gap[better]),
        "gap_elsewhere": _mean(grid.gap[cells & ~better]),
        "lean_where_over_large": _mean(leans[better]),
        "lean_elsewhere": _mean(leans[cells & ~better]),
        "rank_correlation_with_gap": _rank_correlation(grid.over_large[cells], grid.gap[cells]),
        "rank_correlation_with_lean": _rank_correlation(grid.over_large[cells], leans[cells]),
    }


def _embedder() -> tuple[Embedder | None, list[str]]:
    """The embedder where its weights are here, and what to say where they are not."""
    try:
        return find_embedder("minilm-l6"), []
    except UnavailableError as error:
        return None, [f"Without `knn`: {error}"]


def _ceiling(pair: OutcomeTable, embedder: Embedder) -> Contender:
    """What a regression reaches that is fitted on these outcomes, gold categories and all."""
    vectors = np.asarray(embedder.encode_query(pair.prompts), dtype=np.float64)
    small, large = pair.correct.T
    gains = fitted_gains(vectors, pair.groups or ("",) * len(pair), large - small)
    calls = (~surest(-gains)).astype(np.float64)
    return Contender(name=f"ceiling: fitted on these outcomes, {SHARE:.0%} large", key="ceiling", large=calls)


def _p_reasoning(policy: Policy, table: OutcomeTable) -> Floats:
    return np.array([decision.p_reasoning for decision in decide(policy, subtasks_of(table))])


def _mean(values: Floats) -> float:
    return float(values.mean()) if values.size else float("nan")


def _rank_correlation(a: Floats, b: Floats) -> float:
    """Spearman's; the grid has too many different values for ties to matter."""
    if len(a) < 3:
        return float("nan")
    return float(np.corrcoef(np.argsort(np.argsort(a)), np.argsort(np.argsort(b)))[0, 1])


def _pair_text(contenders: Sequence[Contender], figures: Mapping[str, float]) -> str:
    lines = [
        f"Small: {SMALL}. Large: {LARGE}. Points with 95 % paired bootstrap intervals.",
        "",
        "| who | quality | large calls | over large alone | over gold | over random at its share |",
        "|---|---|---|---|---|---|",
    ]
    for contender in contenders:
        cells = [contender.name, _interval(figures, f"{contender.key}_quality")]
        cells.append(f"{figures[f'{contender.key}_large_share']:.1%}")
        cells += [
            _interval(figures, f"{contender.key}_over_{of}", sign=True) for of in ("large", "gold", "random")
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _interval(figures: Mapping[str, float], key: str, *, sign: bool = False) -> str:
    if key not in figures:
        return "–"
    value, low, high = (100.0 * figures[name] for name in (key, f"{key}_low", f"{key}_high"))
    if value == low == high:
        return f"{value:{'+' if sign else ''}.1f}"
    return f"{value:{'+' if sign else ''}.1f} ({low:.1f} to {high:.1f})"


def _grid_text(grid: PairGrid, figures: Mapping[str, float], policy: str) -> str:
    better = grid.better()
    best = sorted(grid.pairs(), key=lambda cell: -grid.over_large[tuple(cell)])[:8]
    lines = [
        f"Every pair, by the {policy} at {SHARE:.0%} large calls: {figures['pairs_over_large']:.0f} of "
        f"{figures['pairs']:.0f} pairs beat their large model alone at 95 % each, "
        f"{figures['pairs_under_large']:.0f} fall below it, and {figures['pairs_over_random']:.0f} beat as many large "
        "calls at random. The gain over the large model is what the small one is better at on the reasoning prompts, "
        "times their share: it takes a small gap between the two, and a small model that leans to reasoning.",
        "",
        "| pairs | mean gap, large over small | small leans more to reasoning by |",
        "|---|---|---|",
        f"| over the large model | {100 * figures['gap_where_over_large']:.1f} | "
        f"{100 * figures['lean_where_over_large']:.1f} |",
        f"| all others | {100 * figures['gap_elsewhere']:.1f} | {100 * figures['lean_elsewhere']:.1f} |",
        "",
        "| best pairs: small | large | gap | gain over large |",
        "|---|---|---|---|",
    ]
    for row, column in best:
        gain = f"{100 * grid.over_large[row, column]:+.1f}"
        lines.append(
            f"| {grid.models[row]} | {grid.models[column]} | {100 * grid.gap[row, column]:.1f} | {gain} |"
        )
    lines += [
        "",
        "| model | quality | leans to reasoning by | wins as small | as large |",
        "|---|---|---|---|---|",
    ]
    for index, name in enumerate(grid.models):
        lines.append(
            f"| {name} | {100 * grid.quality[index]:.1f} | {100 * grid.lean[index]:+.1f} | {better[index].sum()} | "
            f"{better[:, index].sum()} |"
        )
    return "\n".join(lines)
