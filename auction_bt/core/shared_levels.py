"""Levels of one feed's windows, measured once for each way of measuring: runs that differ in other settings share them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from .instrument import to_ticks
from .kept import Kept
from .profile import Grid
from .regime import Regime, RegimeJudge, Rule
from .rolling import WindowBars, WindowKind, WindowLevels, WindowSpec, levels_of
from .tick import F64, I64

Area = tuple[int, int, int, Regime]  # POC, VAH, VAL in ticks, regime
_AREA_BYTES: Final = 160
REGIMES: Final = {float(regime): regime for regime in Regime}


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a `VolumeProfile` shows at each bar.

    Parameters
    ----------
    levels : WindowLevels
    prices : float64, shape (n, 3), rupees
        POC, VAH, VAL.
    regime, balance : float64, shape (n,)
    tick : float, rupees
    """

    levels: WindowLevels
    prices: F64
    regime: F64
    balance: F64
    tick: float
    _areas: list[Area | None] = field(default_factory=list, repr=False)

    @property
    def nbytes(self) -> int:
        """Memory it takes beside the levels."""
        return sum(a.nbytes for a in (self.prices, self.regime, self.balance)) + len(self.regime) * _AREA_BYTES

    def areas(self) -> Sequence[Area | None]:
        """Return the same as a loop over bars wants it: numbers of Python, prices in ticks, None where a bar shows nothing."""
        if len(self._areas) < len(self.regime):
            known = ~(np.isnan(self.prices[:, 0]) | np.isnan(self.regime))
            rows = to_ticks(np.where(known[:, None], self.prices, 0.0), self.tick).tolist()
            whole = zip(rows, self.regime.tolist(), known.tolist(), strict=True)
            self._areas[:] = [
                (poc, vah, val, REGIMES[regime]) if is_known else None for (poc, vah, val), regime, is_known in whole
            ]
        return self._areas


def measured(levels: WindowLevels, rule: Rule, grid: Grid, day: I64, contract: I64) -> Measured:
    """Return what windows show whose levels are known, of bars with these IST days and contracts.

    Notes
    -----
    *Causality*: row b depends on bars 0..b only.
    """
    regime, balance = RegimeJudge(rule).take(levels.whole, levels.real, day, contract)
    prices = grid.levels(levels.whole[:, :3])
    return Measured(levels, prices, np.asarray(regime), np.asarray(balance), float(grid.tick))


class SharedLevels:
    """What was measured on the bars of one feed, for the next run on the same bars.

    Parameters
    ----------
    kept : Kept
        Where it is kept, beside that of other feeds; see `kept_levels`.
    feed : hashable
        Names the bars.
    """

    def __init__(self, kept: Kept[Hashable, Any], feed: Hashable) -> None:
        self._kept = kept
        self._feed = feed

    def of(
        self, spec: WindowSpec, rule: Rule, grid: Grid, n: int, bars: Callable[[int], WindowBars],
        days: Callable[[int], tuple[I64, I64]],
    ) -> Measured:  # fmt: skip
        """Return what the first `n` bars show.

        Parameters
        ----------
        bars, days : callable
            Give the bars, and their IST days and contracts, where something has to be measured. Levels are the same for
            every `rule`.
        """
        if spec.kind is WindowKind.SESSION:
            spec = replace(spec, period=1)  # has no weight there
        if spec.kind is not WindowKind.ANCHORED:
            spec = replace(spec, anchor=None)

        def judged() -> Measured:
            levels = self._kept.get((self._feed, spec, grid.tick, n), lambda: levels_of(spec, bars(n)))
            return measured(levels, rule, grid, *days(n))

        found: Measured = self._kept.get((self._feed, spec, rule, grid, n), judged)
        return found


def kept_levels(most: int) -> Kept[Hashable, Any]:
    """Return a place for what is measured on any feed, `most` bytes of it."""
    return Kept(most, lambda found: found.nbytes)
