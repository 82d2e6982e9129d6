"""Is a Sharpe ratio more than luck, given how long it was watched and how many settings were tried before it was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import e, fsum, sqrt
from statistics import NormalDist
from typing import Final

EULER: Final = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Sharpe:
    """The Sharpe ratio of one series, and what of its shape decides how far to trust it.

    Parameters
    ----------
    ratio : float, per period
        Mean over standard deviation of one period's result (a day's); not annual.
    periods : int
    skew : float
    kurtosis : float
        3 for a normal distribution.
    """

    ratio: float
    periods: int
    skew: float = 0.0
    kurtosis: float = 3.0

    @property
    def spread(self) -> float:
        """Variance of the estimated ratio, times the periods less one."""
        return 1.0 - self.skew * self.ratio + (self.kurtosis - 1.0) / 4.0 * self.ratio**2


@dataclass(frozen=True, slots=True)
class Trials:
    """How many different settings were tried on the same market and days.

    Parameters
    ----------
    count : int
        This run's own included.
    variance : float or None
        Of their Sharpe ratios per period; None where fewer than two are known.
    """

    count: int = 1
    variance: float | None = None


def measure(returns: Sequence[float]) -> Sharpe | None:
    """Return the Sharpe ratio of `returns`, one a period; None for fewer than two, or where all are equal."""
    n = len(returns)
    if n < 2:
        return None
    mean = fsum(returns) / n
    errors = [r - mean for r in returns]
    variance = fsum(x * x for x in errors) / n
    size = max(map(abs, returns))
    if variance <= (1e-12 * size) ** 2:  # equal but for rounding
        return None
    deviation = sqrt(variance)
    scaled = [x / deviation for x in errors]
    skew, kurtosis = fsum(z**3 for z in scaled) / n, fsum(z**4 for z in scaled) / n
    return Sharpe(mean / (deviation * sqrt(n / (n - 1))), n, skew, kurtosis)


def probabilistic_sharpe(found: Sharpe, benchmark: float = 0.0) -> float:
    """Return the probability that the true ratio is above `benchmark`, allowing for length, skew and fat tails.

    Parameters
    ----------
    found : Sharpe
    benchmark : float, per period

    References
    ----------
    Bailey and López de Prado, *The Sharpe Ratio Efficient Frontier*, 2012.
    """
    gap = (found.ratio - benchmark) * sqrt(found.periods - 1)
    if found.spread <= 0:  # two values only, in the one proportion that leaves no doubt: the limit
        return 1.0 if gap > 0 else 0.5 if gap == 0 else 0.0
    return NormalDist().cdf(gap / sqrt(found.spread))


def expected_max_sharpe(n_trials: int, variance: float) -> float:
    """Return the best ratio to be expected of `n_trials` settings that are all worth nothing; 0 for one.

    Parameters
    ----------
    n_trials : int
    variance : float
        Of the ratios of the trials, per period.

    References
    ----------
    Bailey and López de Prado, *The Deflated Sharpe Ratio*, 2014.
    """
    if n_trials < 2:
        return 0.0
    z = NormalDist().inv_cdf
    return sqrt(variance) * ((1 - EULER) * z(1 - 1 / n_trials) + EULER * z(1 - 1 / (n_trials * e)))


def deflated_sharpe(found: Sharpe, trials: Trials) -> float:
    """Return the probability that the true ratio is above the best that as many worthless trials would have shown.

    Notes
    -----
    Where the trials' own variance is not known it is taken as that of ratios without an edge, 1 / (periods − 1).
    """
    return probabilistic_sharpe(found, luck_of(found, trials))


def luck_of(found: Sharpe, trials: Trials) -> float:
    """Return the best ratio, per period, that luck alone would have shown in as many trials of this length."""
    variance = 1.0 / (found.periods - 1) if trials.variance is None else trials.variance
    return expected_max_sharpe(trials.count, variance)


def min_track_record(found: Sharpe, benchmark: float = 0.0, confidence: float = 0.95) -> float | None:
    """Return how many periods a ratio like this must be watched to be above `benchmark` with `confidence`; None where below.

    References
    ----------
    Bailey and López de Prado, *The Sharpe Ratio Efficient Frontier*, 2012.
    """
    if found.ratio <= benchmark:
        return None
    return 1.0 + found.spread * (NormalDist().inv_cdf(confidence) / (found.ratio - benchmark)) ** 2
