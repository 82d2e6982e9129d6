"""Where the mean of a day lies, by drawing the days that were anew, in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cbrt, sqrt
from statistics import NormalDist

import numpy as np

from .interval import CONFIDENCE, t_quantile


@dataclass(frozen=True, slots=True)
class MeanOfDays:
    """The mean net of a day, and where it lies with 95 % confidence.

    Parameters
    ----------
    mean, low, high : float, rupees a day
    days : int
    block : int, days
        Drawn together.
    """

    mean: float
    low: float
    high: float
    days: int
    block: int


def block_length(days: int) -> int:
    """Return how many days in a row are drawn together: the cube root of their number, the usual rate."""
    return max(1, round(cbrt(days)))


def bootstrap_mean(values: Sequence[float], seed: int = 0, *, resamples: int = 4000, block: int = 0) -> MeanOfDays | None:
    """Return the interval of the mean of `values` by the circular block bootstrap; None for fewer than two.

    Parameters
    ----------
    values : sequence of float, rupees
        One a day, in order.
    seed : int
        The same seed, the same interval.
    resamples : int
    block : int, days
        0 = `block_length`.

    Notes
    -----
    A block of neighbouring days keeps what they have in common. Drawn means vary too little where there are few blocks, and
    percentiles of them know no t distribution; so their distances from the mean are widened by both, as Hesterberg does.

    References
    ----------
    Politis and Romano, *A circular block-resampling procedure for stationary data*, 1992. Hesterberg, *What Teachers Should
    Know About the Bootstrap*, 2015, section 4.4.
    """
    n = len(values)
    if n < 2:
        return None
    block = min(block or block_length(n), n - 1)
    x = np.asarray(values, dtype=np.float64)
    mean = float(x.mean())
    # Summed about the mean, so that large equal days do not drown small differences.
    sums = np.concatenate(([0.0], np.cumsum(np.concatenate((x, x)) - mean)))
    full, rest = divmod(n, block)
    starts = np.random.default_rng(seed).integers(0, n, size=(resamples, full + 1))
    drawn = (sums[starts[:, :full] + block] - sums[starts[:, :full]]).sum(axis=1)
    drawn += sums[starts[:, full] + rest] - sums[starts[:, full]]
    blocks = n / block
    wider = t_quantile(max(1, round(blocks) - 1)) / NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    wider *= sqrt(blocks / (blocks - 1))
    low, high = np.quantile(drawn / n, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) * wider
    return MeanOfDays(mean, mean + float(low), mean + float(high), n, block)
