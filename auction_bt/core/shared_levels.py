"""Levels of one feed's windows, measured once for each way of measuring: runs that differ in other settings share them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np

from .kept import Kept
from .profile import Grid
from .regime import RegimeJudge, Rule
from .rolling import WindowBars, WindowKind, WindowLevels, WindowSpec, levels_of
from .tick import F64


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a `VolumeProfile` shows at each bar.

    Parameters
    ----------
    levels : WindowLevels
    prices : float64, shape (n, 3), rupees
        POC, VAH, VAL.
    regime, balance : float64, shape (n,)
    """

    levels: WindowLevels
    prices: F64
    regime: F64
    balance: F64

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        arrays = (self.levels.whole, self.levels.real, self.prices, self.regime, self.balance)
        return sum(a.nbytes for a in arrays)


def measured(spec: WindowSpec, rule: Rule, grid: Grid, bars: WindowBars) -> Measured:
    """Return what windows over `bars` show.

    Notes
    -----
    *Causality*: row b depends on bars 0..b only.
    """
    levels = levels_of(spec, bars)
    regime, balance = RegimeJudge(rule).take(levels.whole, levels.real, bars.day, bars.contract)
    return Measured(levels, grid.levels(levels.whole[:, :3]), np.asarray(regime), np.asarray(balance))


class SharedLevels:
    """What was measured on the bars of one feed, for the next run on the same bars.

    Parameters
    ----------
    kept : Kept
        Where it is kept, beside that of other feeds; see `kept_levels`.
    feed : hashable
        Names the bars.
    """

    def __init__(self, kept: Kept[Hashable, Measured], feed: Hashable) -> None:
        self._kept = kept
        self._feed = feed

    def of(self, spec: WindowSpec, rule: Rule, grid: Grid, n: int, bars: Callable[[int], WindowBars]) -> Measured:
        """Return what the first `n` bars show; `bars` gives them where it has to be measured."""
        if spec.kind is WindowKind.SESSION:
            spec = replace(spec, period=1)  # has no weight there
        if spec.kind is not WindowKind.ANCHORED:
            spec = replace(spec, anchor=None)
        return self._kept.get((self._feed, spec, rule, grid, n), lambda: measured(spec, rule, grid, bars(n)))


def kept_levels(most: int) -> Kept[Hashable, Measured]:
    """Return a place for what is measured on any feed, `most` bytes of it."""
    return Kept(most, lambda m: m.nbytes)
