"""The probability that a choice among many settings was fitted to its days: combinatorially symmetric cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .tick import F64

BLOCKS: Final = 16
LEAST_DAYS: Final = 2  # of a block: one day has no deviation
_CELLS: Final = 4_000_000  # of a table in memory at a time


@dataclass(frozen=True, slots=True)
class Overfitting:
    """How often the best of one half of the days was below the middle on the other half.

    Parameters
    ----------
    probability : float in [0, 1]
        Below 0.1 is good; above 0.5 the choice is worse than none.
    splits, blocks, days, trials : int
        What it was found from.
    loss : float in [0, 1]
        Share of splits in which the best of one half lost money on the other.
    """

    probability: float
    splits: int
    blocks: int
    days: int
    trials: int
    loss: float


def overfitting(nets: F64, blocks: int = BLOCKS) -> Overfitting | None:
    """Return the probability of overfitting of the choice of the best Sharpe ratio.

    Parameters
    ----------
    nets : float64, (days, trials)
        Net of each day, in the order of days.
    blocks : int, even
        Spans of days that are dealt to the halves, at most; fewer where they would have less than two days.

    Returns
    -------
    Overfitting or None
        None for fewer than two trials or eight days.

    Notes
    -----
    Where days do not divide evenly the first are left out. Sums go block by block in one order, so that equal nets give equal
    figures on any machine. A half on which a trial earned the same each day has no ratio: its mean's sign decides.

    References
    ----------
    Bailey, Borwein, López de Prado, Zhu, *The Probability of Backtest Overfitting*, 2015.
    """
    days, trials = nets.shape
    blocks = min(blocks, days // LEAST_DAYS) // 2 * 2
    if trials < 2 or blocks < 4:
        return None
    length = days // blocks
    table = nets[days - length * blocks :].reshape(blocks, length, trials)
    sums, squares = _summed(table), _summed(table * table)
    below = lost = 0
    count = length * blocks // 2
    for chosen in _halves(blocks, trials):
        inside = _ratios(_of(chosen, sums), _of(chosen, squares), count)
        best = np.argmax(inside, axis=1)
        outside_sums = _of(~chosen, sums)
        outside = _ratios(outside_sums, _of(~chosen, squares), count)
        rows = np.arange(len(best))
        own = outside[rows, best][:, None]
        # Ties count half, so that equal trials are in the middle and not at an end.
        rank = (outside < own).sum(axis=1) + ((outside == own).sum(axis=1) + 1) / 2
        below += int((rank / (trials + 1) <= 0.5).sum())
        lost += int((outside_sums[rows, best] < 0).sum())
    splits = comb(blocks, blocks // 2)
    return Overfitting(below / splits, splits, blocks, length * blocks, trials, lost / splits)


def _halves(blocks: int, trials: int) -> Iterator[NDArray[np.bool_]]:
    # Each choice of half the blocks, bool (some, blocks); as many at a time as memory allows.
    some = max(1, _CELLS // trials)
    found: list[NDArray[np.bool_]] = []
    for those in combinations(range(blocks), blocks // 2):
        row = np.zeros(blocks, np.bool_)
        row[list(those)] = True
        found.append(row)
        if len(found) == some:
            yield np.array(found)
            found = []
    if found:
        yield np.array(found)


def _summed(table: F64) -> F64:
    total = np.zeros((table.shape[0], table.shape[2]))
    for day in range(table.shape[1]):
        total += table[:, day]
    return total


def _of(chosen: NDArray[np.bool_], sums: F64) -> F64:
    total = np.zeros((len(chosen), sums.shape[1]))
    for block in range(len(sums)):
        total[chosen[:, block]] += sums[block]
    return total


def _ratios(sums: F64, squares: F64, count: int) -> F64:
    mean = sums / count
    variance = squares / count - mean * mean
    flat = variance <= 1e-12 * (squares / count)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: F64 = mean / np.sqrt(np.where(flat, 1.0, variance))
    ratio[flat] = np.where(mean[flat] == 0, 0.0, np.copysign(np.inf, mean[flat]))
    return ratio
