"""Tests that stay valid however often one looks: bets whose winnings cannot grow on a candidate that does no harm.

Both are test martingales: under the null the wealth, 1 at first, ever reaches 1/alpha with a chance of at most alpha
(Ville's inequality), so looking after every observation costs nothing. They rest on no normal approximation, hold
from the first observation on, and take a few multiplications each.
"""

from __future__ import annotations

import math
from collections import Counter

HARM_STAKES = ((0.1, 0.1), (0.25, 0.3), (0.5, 0.3), (0.85, 0.3))
"""What is risked per unit of difference on the candidate's being worse, each with its part of the wealth: small
stakes find small drops, large ones large drops fast. Below 1 no single difference ruins the gambler."""
BOUND_STAKES = (0.1, 0.2, 0.4)
"""The same for the bounds, in equal parts: smaller, because a margin of some points is what they are for."""
_ALTERNATIVES = ((0.08, 0.15), (0.2, 0.15), (0.5, 0.7))
"""Error rates bet on, each with its part of the wealth."""
_FIRST = 0.8
"""Part of the guard's wealth that is bet from the first call on; the rest is for candidates that break later."""
_CEILING = 1e300


class ErrorGuard:
    """Tests "the error rate is at most `limit`" on one stream of calls.

    A mixture of likelihood ratios against rates above the limit. A part of the wealth stays at the side and is put
    in bit by bit (1/(n(n+1)) of it before call n), so that ten thousand good calls do not make it blind to the bad
    ones that follow (e-values mixed over the time of the change; Shin, Ramdas and Rinaldo 2022).
    """

    def __init__(self, *, limit: float, alpha: float) -> None:
        rates = [(limit + (1 - limit) * rate, part) for rate, part in _ALTERNATIVES]
        self._alpha = alpha
        self._odds = [(rate / limit, (1 - rate) / (1 - limit), part) for rate, part in rates]
        self._wealth = [_FIRST * part for _, part in rates]
        self.calls = 0
        self.errors = 0

    def add(self, error: bool) -> None:
        """Take in how one call ended."""
        self.calls += 1
        self.errors += error
        fresh = (1 - _FIRST) / (self.calls * (self.calls + 1))
        self._wealth = [
            min((wealth + fresh * part) * (bad if error else good), _CEILING)
            for wealth, (bad, good, part) in zip(self._wealth, self._odds, strict=True)
        ]

    @property
    def evidence(self) -> float:
        """The e-value: how many times over the gambler has multiplied 1; 1/alpha is proof."""
        return sum(self._wealth) + (1 - _FIRST) / (self.calls + 1)

    @property
    def fired(self) -> bool:
        """Whether the rate is shown to be above the limit, at alpha."""
        return self.evidence >= 1 / self._alpha


class DifferenceSequence:
    """Tests the mean of differences in [-1, 1]: how much better the candidate did than what it is compared with.

    Every difference is a fair comparison of its own (a pair in shadow, or a candidate's answer less the mean of some
    baseline answers of its stratum), so pooling them over strata is the stratified test. The bets are those of
    Waudby-Smith and Ramdas (2024) with fixed stakes, mixed: the order of the differences does not matter.
    """

    def __init__(self, *, alpha: float) -> None:
        self._alpha = alpha
        self._wealth = [part for _, part in HARM_STAKES]
        self._seen: Counter[float] = Counter()
        self.count = 0
        self._sum = 0.0

    def add(self, gain: float) -> None:
        """Take in one difference, candidate less baseline, above 0 where the candidate did better."""
        self.count += 1
        self._seen[gain] += 1
        if gain:  # nothing is won or lost on a draw
            self._sum += gain
            self._wealth = [
                min(wealth * (1 - stake * gain), _CEILING)
                for wealth, (stake, _) in zip(self._wealth, HARM_STAKES, strict=True)
            ]

    @property
    def mean(self) -> float:
        """Mean difference so far; 0 without any."""
        return self._sum / self.count if self.count else 0.0

    @property
    def evidence(self) -> float:
        """The e-value against "the candidate is not worse"; 1/alpha is proof."""
        return sum(self._wealth)

    @property
    def worse(self) -> bool:
        """Whether the candidate is shown to be worse, at alpha."""
        return self.evidence >= 1 / self._alpha

    def above(self, bound: float) -> bool:
        """Whether the mean is shown to be above `bound`, at alpha: the same as `low` > `bound`, and cheaper."""
        return self._log_evidence(bound, sign=1) >= -math.log(self._alpha)

    @property
    def low(self) -> float:
        """Lower bound of the mean: holds at all times together with a chance of 1 - alpha."""
        return self._bound(sign=1)

    @property
    def high(self) -> float:
        """Upper bound of the mean: holds at all times together with a chance of 1 - alpha."""
        return self._bound(sign=-1)

    def _bound(self, *, sign: int) -> float:
        """The last null that is rejected, by bisection: the evidence falls as the null comes near the mean."""
        rejected, possible = -1.0 * sign, 1.0 * sign
        for _ in range(24):
            middle = (rejected + possible) / 2
            if self._log_evidence(middle, sign=sign) >= -math.log(self._alpha):
                rejected = middle
            else:
                possible = middle
        return rejected

    def _log_evidence(self, null: float, *, sign: int) -> float:
        """Log e-value against "the mean is at most `null`" (sign 1) or "at least" (sign -1)."""
        widest = 1 + sign * null  # the most that one difference can cost, which stakes are measured in
        if widest <= 0:
            return 0.0
        logs = [
            sum(
                times * math.log1p(stake * sign * (gain - null) / widest)
                for gain, times in self._seen.items()
            )
            for stake in BOUND_STAKES
        ]
        top = max(logs)
        return top + math.log(sum(math.exp(each - top) for each in logs) / len(logs))
