"""Where a mean lies, with 95 % confidence, when draws of one day hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist, fmean
from typing import Final

CONFIDENCE: Final = 0.95

_T975: Final = (12.7062, 4.3027, 3.1824, 2.7764, 2.5706)  # Student's t, 1 to 5 degrees of freedom, where the expansion is poor


@dataclass(frozen=True, slots=True)
class Interval:
    """Where the mean net result of a trade lies with 95 % confidence.

    Parameters
    ----------
    low, high : float, rupees a trade
    unit : str
        ``trades`` where each trade counts as independent, ``days`` where those of one IST day count as one draw.
    """

    low: float
    high: float
    unit: str


def mean_interval(values: Sequence[float], days: Sequence[int]) -> Interval | None:
    """Return the 95 % Student t interval of the mean of `values`.

    Parameters
    ----------
    values : sequence of float, rupees
    days : sequence of int, same length
        What each value belongs together with.

    Returns
    -------
    Interval or None
        None for fewer than two values.

    Notes
    -----
    Trades of one day share that day's market and are not independent. So the interval is taken twice, over trades and
    over days (cluster-robust standard error, one degree of freedom less than there are days), and the wider one is
    returned: a claim must survive both.

    References
    ----------
    C. B. Hansen, *Asymptotic properties of a robust variance matrix estimator for panel data when T is large*, 2007
    (t with clusters − 1 degrees of freedom).
    """
    n = len(values)
    if n < 2:
        return None
    mean = fmean(values)
    errors = [v - mean for v in values]
    half, unit = t_quantile(n - 1) * sqrt(fsum(e * e for e in errors) / (n - 1) / n), "trades"
    sums: dict[int, float] = {}
    for day, error in zip(days, errors, strict=True):
        sums[day] = sums.get(day, 0.0) + error
    clusters = len(sums)
    if clusters > 1:
        wide = t_quantile(clusters - 1) * sqrt(clusters / (clusters - 1) * fsum(s * s for s in sums.values())) / n
        if wide > half:
            half, unit = wide, "days"
    return Interval(mean - half, mean + half, unit)


def t_quantile(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t with `freedom` ≥ 1 degrees of freedom.

    References
    ----------
    Abramowitz and Stegun, *Handbook of Mathematical Functions*, 26.7.5.
    """
    if freedom <= len(_T975):
        return _T975[freedom - 1]
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + fsum(term / float(freedom) ** k for k, term in enumerate(terms, start=1))
