"""Fits `cascade` on labelled rows: the least confidence of the small model that keeps the large model's quality.

It is chosen as `lab calibrate` does, with the same guarantee, on the table's `MODEL|confidence` of the small model.
"""

from __future__ import annotations

from ..router.cascade import Cascade
from ..router.load import load_inner
from .calibrate import least_confidence
from .calibration_log import cascade_outcomes
from .recipes import Context, check_options
from .risk_control import Promise, cheapest
from .table import OutcomeTable

OPTIONS = ("policy", "target", "confidence")


def fit(train: OutcomeTable, /, *, context: Context) -> Cascade:
    """`cascade` with the threshold that the rows of `train` certify, by the context's options `target` (0.95) and
    `confidence` (0.9), around its `policy` (`learned`).

    Raises `UsageError` for another option or a table without confidences, `TooFewRowsError` where the rows cannot
    certify any threshold.
    """
    check_options("cascade", context.options, known=OPTIONS)
    inner = load_inner(context.options.get("policy", "learned"))
    promise = Promise(
        target=context.options.get("target", 0.95), confidence=context.options.get("confidence", 0.9)
    )
    pair = context.pair
    rows = train.only((train.models[pair.small], train.models[pair.large])).complete()
    return Cascade(inner, min_confidence=least_confidence(cheapest(cascade_outcomes(rows), promise)))
