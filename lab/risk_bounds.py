"""Tests of "the mean is at most 0" that hold for any finite number of independent, bounded values.

Three are closed forms in the mean and the mean square; the fourth, by betting, reads the values one by one. None of
them assumes a distribution; `normal` approximates one and pays for the approximation's largest error.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np

from .. import UsageError
from .table import Floats

Bound = Literal["normal", "bentkus", "hoeffding-bentkus", "betting"]
"""How the mean is judged; `normal` falls back to `bentkus` where that is sharper."""
SPREAD_SHARE = 0.05
"""Share of the error level spent on not knowing the spread; the mean gets the rest."""
_EDGES: Floats = np.geomspace(0.01, 1.0, 310)
_REACH = 9.0
"""Standard deviations of a binomial beyond which its mass is below 1e-18."""


def critical_means(n: int, *, level: float, bound: Bound) -> Floats:
    """The least mean that rejects "the mean is at most 0" at `level`, by the mean square; shape (n + 1,).

    For `n` independent values in [-1, 1] whose mean square lies in ((k - 1)/n, k/n], entry `k` holds; infinity where
    no mean rejects. With probability 1 - SPREAD_SHARE * level the mean square's upper bound, by the inequality of
    Bentkus (2004) as in Bates et al. (2021, arXiv 2101.02703, section 3.1), is above the true one, which is at least
    the variance; given that, the rest of the level goes to the mean (the argument of Berger and Boos, 1994):

    - `bentkus`: Bentkus (2004, On Hoeffding's inequalities, theorem 1.1): for centred values of at most 1 and
      variance s², P(sum >= x) <= min over t < x of E(B - t)²₊ / (x - t)², B being a sum of n values that are 1 or
      -s². Solved for x in closed form at every atom t of B.
    - `normal`: the central limit theorem with the error of Shevtsova (2011, arXiv 1111.6554): at most
      min(0.4748 r, 0.33554 (r + 0.415)) / sqrt(n), where r = E|z|³ / s³ <= 1/s. Its error grows as s falls, so every
      s up to the bound must reject; where s is small `bentkus` answers for it.

    A mean below 0 needs no case of its own: divided by one more than it lies below, the centred values are within
    [-1, 1] again, have the smaller variance, and the mean observed lies further out.
    """
    if bound in ("betting", "hoeffding-bentkus"):
        raise UsageError(f"bound {bound!r} has no critical mean by the mean square")
    return _critical_means(n, level, bound)


def critical_mean(n: int, mean_square: float, *, level: float, bound: Bound) -> float:
    """One entry of `critical_means`, without the others."""
    upper = float(_spread_upper(np.array([math.ceil(n * mean_square)]), n, level)[0])
    cell = int(np.searchsorted(_EDGES, math.sqrt(upper)))
    return float(_by_spread(n, level, bound)[min(cell, len(_EDGES) - 1)])


def hoeffding_bentkus(mean: Floats, n: int, *, null: float) -> Floats:
    """P-values of "the mean is at most `null`" for values in [0, 1] from their means (Bates et al. 2021, section 3.1,
    for the other tail): the smaller of Hoeffding's and of Bentkus's, neither of which knows the spread."""
    special = _special()
    above = np.clip(mean, null, 1.0)
    divergence = special.rel_entr(above, null) + special.rel_entr(1.0 - above, 1.0 - null)
    # The number of ones among n flips of the coin `null` that is at least the sum.
    counts = math.e * special.bdtrc(np.ceil(n * mean - 1e-9) - 1, n, null)
    found = np.minimum(np.exp(-n * divergence), np.where(np.ceil(n * mean) <= 0, 1.0, counts))
    return np.where(mean <= null, 1.0, np.minimum(found, 1.0))


def betting(values: Floats, *, null: float, level: float) -> Floats:
    """P-values of "the mean is at most `null`" for values in [0, 1], shape (tests, n): one over the largest capital
    of a gambler who bets on the mean being higher (Waudby-Smith and Ramdas, 2020, arXiv 2010.09686, section 4.1, with
    the bets of a fixed sample size, equation 26). Valid for rows in any order chosen without their outcomes."""
    n = values.shape[1]
    seen = np.arange(1, n + 1)
    means = (0.5 + np.cumsum(values, axis=1)) / (seen + 1)
    variances = (0.25 + np.cumsum((values - means) ** 2, axis=1)) / (seen + 1)
    before = np.concatenate([np.full((len(values), 1), 0.25), variances[:, :-1]], axis=1)
    bets = np.minimum(np.sqrt(2 * math.log(1 / level) / (n * before)), 0.75 / null)
    capital = np.cumsum(np.log1p(bets * (values - null)), axis=1)
    return np.exp(-np.maximum(capital.max(axis=1), 0.0))


@lru_cache(maxsize=8)
def _critical_means(n: int, level: float, bound: Bound) -> Floats:
    upper = np.sqrt(_spread_upper(np.arange(n + 1), n, level))
    cells = np.minimum(np.searchsorted(_EDGES, upper), len(_EDGES) - 1)
    return _by_spread(n, level, bound)[cells]


def _spread_upper(counts: Any, n: int, level: float) -> Floats:
    """Upper bounds of the mean square where the observed one is at most `counts` / n."""
    chance = SPREAD_SHARE * level / math.e
    return np.where(counts >= n, 1.0, _special().bdtri(np.minimum(counts, n - 1), n, chance))


@lru_cache(maxsize=32)
def _by_spread(n: int, level: float, bound: Bound) -> Floats:
    """The critical mean where the standard deviation is at most an edge, for every edge."""
    left = level * (1.0 - SPREAD_SHARE)
    found = np.array([_bentkus(n, edge, left) for edge in _EDGES])
    if bound == "bentkus":
        return np.maximum.accumulate(found)
    lower = np.concatenate([[0.0], _EDGES[:-1]])
    return np.maximum.accumulate(np.minimum(found, _normal(n, lower, _EDGES, left)))


def _bentkus(n: int, spread: float, level: float) -> float:
    variance = spread * spread
    chance = variance / (1.0 + variance)
    reach = _REACH * math.sqrt(n * chance) + 40.0
    ones = np.arange(max(0, math.floor(n * chance - reach)), min(n, math.ceil(n * chance + reach)) + 1)
    mass = np.exp(_log_binomial(n, ones, chance))
    atoms = (1.0 + variance) * ones - n * variance
    above = [np.cumsum((mass * atoms**power)[::-1])[::-1] for power in range(3)]
    excess = above[2] - 2 * atoms * above[1] + atoms**2 * above[0]
    return float(np.min(atoms + np.sqrt(np.maximum(excess, 0.0) / level))) / n


def _normal(n: int, lower: Floats, upper: Floats, level: float) -> Floats:
    """Infinite where the approximation's error leaves nothing of the level."""
    with np.errstate(divide="ignore"):
        skew = 1.0 / lower
    left = level - np.minimum(0.4748 * skew, 0.33554 * (skew + 0.415)) / math.sqrt(n)
    quantile = -_special().ndtri(np.clip(left, 1e-300, 0.5))
    return np.where(left > 0, upper * quantile / math.sqrt(n), np.inf)


def _log_binomial(n: int, ones: Any, chance: float) -> Floats:
    gammaln = _special().gammaln
    ways = gammaln(n + 1) - gammaln(ones + 1) - gammaln(n - ones + 1)
    return ways + ones * math.log(chance) + (n - ones) * math.log1p(-chance)


@cache
def _special() -> Any:
    try:
        import scipy.special as special
    except ImportError as error:
        raise UsageError("calibration needs scipy; install it with: pip install 'pilotfish[lab]'") from error
    return special
