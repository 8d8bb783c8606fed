"""Fits `capability` on an outcome table: one estimator for every table, its settings chosen on the labelled rows alone.

Groups of the table are not looked at, and neither is any prompt beyond the labelled rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import UsageError
from ..models.embedder import Embedder
from ..router.capability import CapabilityPolicy
from ..router.capability_file import save_capability, settled
from ..router.capability_model import CapabilityModel, Familiar
from ..router.fingerprints import fingerprints
from .capability_views import Views, gram, pairwise_nearness, read_views, term_weights
from .kernel_choice import Choice, choose
from .policy_card import write_card
from .recipes import Context, check_options
from .table import Floats, OutcomeTable, Pair
from .trees import grow, plant

OPTIONS = ("tradeoff", "embedder", "home")
FEWEST = 20
STRANGE = 0.005
"""Share of its own training prompts that would be called strange, by each of the two signs of it."""


def fit(train: OutcomeTable, /, *, context: Context) -> CapabilityPolicy:
    """`capability` on the rows of `train`; `embedder` of the context's options adds the view of meaning.

    Raises `UsageError` for an option it does not know, or fewer than `FEWEST` rows.
    """
    check_options("capability", context.options, known=OPTIONS)
    rows = train.take(np.flatnonzero(~np.isnan(train.correct).any(axis=1)))
    if len(rows) < FEWEST:
        raise UsageError(f"{len(rows)} labelled rows are too few for capability; give it {FEWEST} or more")
    embedder = _embedder(context.options)
    model = fit_model(rows, context.pair, embedder=embedder, seed=context.seed)
    return CapabilityPolicy(model, embedder=embedder, tradeoff=context.options.get("tradeoff", 0.0))


def fit_model(
    train: OutcomeTable, pair: Pair, *, embedder: Embedder | None, seed: int = 0
) -> CapabilityModel:
    """The model of all models in the table, with the precision it has on disk."""
    views = read_views(train.prompts, embedder)
    choice = choose(views, train.correct, seed=seed)
    prior = train.correct.mean(axis=0)
    dual = dual_of(gram(views, choice.mix), train.correct, choice)
    forest = None
    if choice.trees.any():
        projection = (choice.basis * choice.trees) @ choice.basis.T
        forest = plant(grow(views.measures, train.correct, seed=seed), prior, projection)
    cost = None if train.cost is None else cost_by_length(train.prompts, train.cost)
    return settled(
        CapabilityModel(
            models=train.models,
            small=pair.small,
            large=pair.large,
            mix=choice.mix,
            familiar=familiar_of(views),
            vocabulary=views.vocabulary,
            weights=term_weights(views, choice.mix, dual),
            forms=views.forms,
            dual=dual,
            forest=forest,
            prior=prior,
            cost=cost,
            mean_cost=None if train.cost is None else train.cost.mean(axis=0),
            embedder=None if embedder is None else embedder.model_id,
            embedder_digest=None if embedder is None else embedder.digest,
            vectors=views.vectors,
            trained_on=np.array(sorted(fingerprints(train.prompts)), dtype=np.int64),
            notes=notes_of(train, choice, pair),
        )
    )


def dual_of(kernel: Floats, correct: Floats, choice: Choice) -> Floats:
    """What nearness to each row adds to each model's quality, shape (n, m): every part under its own shrinkage."""
    from scipy.linalg import cho_factor, cho_solve

    parts = (correct - correct.mean(axis=0)) @ choice.basis
    dual = np.zeros_like(parts)
    for shrinkage in np.unique(choice.shrinkage):
        same = choice.shrinkage == shrinkage
        factor = cho_factor(kernel + shrinkage * np.eye(len(kernel)), lower=True)
        dual[:, same] = cho_solve(factor, parts[:, same])
    return (dual * (1.0 - choice.trees)) @ choice.basis.T


def familiar_of(views: Views) -> Familiar:
    """What nearly every training prompt has in common with the others."""
    plain = np.array([" " not in term and not term.startswith("~") for term in views.vocabulary.index])
    held: Any = views.words > 0  # scipy's stubs call the comparison a bool
    shared = np.asarray(held.sum(axis=0)).ravel() >= 2
    known = np.asarray(held @ (plain & shared).astype(np.float64)).ravel()
    total = np.maximum(np.asarray(held @ plain.astype(np.float64)).ravel(), 1.0)
    alike = pairwise_nearness(views.forms.rows, 1.0)
    np.fill_diagonal(alike, 0.0)
    return Familiar(
        known=min(0.5, float(np.quantile(known / total, STRANGE))),
        nearness=float(np.quantile(alike.max(axis=1), STRANGE)),
    )


def cost_by_length(prompts: Sequence[str], cost: Floats) -> Floats:
    """Dollars a prompt and dollars a character, shape (2, m): least squares, neither below 0."""
    from scipy.optimize import nnls

    sizes = np.array([len(prompt) for prompt in prompts], dtype=np.float64)
    design = np.column_stack([np.ones(len(sizes)), sizes])
    return np.column_stack([nnls(design, column)[0] for column in cost.T])


def notes_of(train: OutcomeTable, choice: Choice, pair: Pair) -> dict[str, Any]:
    """What the fit was and how well it did on rows left out."""
    held, correct = choice.held_out, train.correct[choice.rows]
    place = np.arange(len(held))
    gain = correct[:, pair.large] - correct[:, pair.small]
    guess = held[:, pair.large] - held[:, pair.small]
    related = float(np.corrcoef(gain, guess)[0, 1]) if gain.std() and guess.std() else 0.0
    return {
        "table": train.name,
        "digest": train.digest,
        "labels": len(train),
        "shrinkage": choice.shrinkage.tolist(),
        "trees": choice.trees.round(4).tolist(),
        "quality_left_out": round(float(correct[place, held.argmax(axis=1)].mean()), 4),
        "quality_best_fixed": round(float(correct.mean(axis=0).max()), 4),
        "gain_correlation_left_out": round(related, 4),
    }


def save(
    policy: CapabilityPolicy, out: Path, *, train: OutcomeTable, figures: Mapping[str, float], command: str
) -> Path:
    """Writes `capability.npz` and its card into `out` and returns the former."""
    out.mkdir(parents=True, exist_ok=True)
    save_capability(policy.model, out / "capability.npz")
    write_card(
        out / "capability.card.md",
        what="capability",
        policy=policy,
        train=train,
        figures=figures,
        command=command,
        remark=card(policy.model),
    )
    return out / "capability.npz"


def card(model: CapabilityModel) -> str:
    """What the model card says of features, quality on rows left out, and limits."""
    notes, mix = model.notes, model.mix
    views = ["words and pairs of words", "runs of letters", "form (length, numbers, signs, options)"]
    views += [f"meaning (`{model.embedder}`)"] if model.embedder else []
    return (
        f"It looks at {', '.join(views)}, weighed {mix.words:g}, {mix.runs:g}, {mix.form:g}"
        + (f" and {mix.meaning:g}" if model.embedder else "")
        + f"; {len(model.vocabulary.index):,} terms, {len(model.dual):,} prompts"
        + (f", {len(model.forest.roots)} trees" if model.forest is not None else "")
        + ".\n"
        f"- With each row left out in turn, it earned {notes['quality_left_out']:.3f} where the "
        f"best fixed model earned {notes['quality_best_fixed']:.3f}; its expected gain of the large model "
        f"correlated {notes['gain_correlation_left_out']:.2f} with the real one. Settings were chosen on these rows, "
        "so these figures flatter it a little.\n"
        "- A prompt with too few known words, or of a form unlike any, is answered by the best model on average.\n"
        "- The file holds words of the prompts it was trained on, and their fingerprints."
    )


def _embedder(options: Mapping[str, Any]) -> Embedder | None:
    wanted = options.get("embedder")
    if wanted is None:
        return None
    from ..router.knn import find_embedder

    return find_embedder(wanted, home=options.get("home"))
