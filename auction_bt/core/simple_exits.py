"""The simple exits under which entries are compared: first stop, first target, the end of the day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Final

import numpy as np

from . import hold as kernels
from .bar import BarColumns
from .ist import IST_OFFSET_NS, MINUTE_NS, day_index
from .jit import compiled
from .tick import F64, I64

HAIR: Final = 1e-9  # of the amounts compared: sums in another order differ by as much
_HOUR_NS: Final = 60 * MINUTE_NS


@dataclass(frozen=True, slots=True, eq=False)
class Walkable:
    """Minutes of one symbol, ready to be entered.

    Parameters
    ----------
    bars : BarColumns
    last : int64, (n,)
        Of each bar, the last bar of its day.
    hour : int64, (n,)
        Of each bar, its hour in India.
    of_hour : dict of int to int64 array
        Bars of each hour that have another after them on their day.
    """

    bars: BarColumns
    last: I64
    hour: I64
    of_hour: dict[int, I64]

    @classmethod
    def of(cls, bars: BarColumns) -> Walkable:
        """Return `bars` made ready."""
        days = day_index(bars.ts)
        last = np.searchsorted(days, days, side="right").astype(np.int64) - 1
        hour = (bars.ts + IST_OFFSET_NS) // _HOUR_NS % 24
        may_enter = np.flatnonzero(last > np.arange(len(bars)))  # at a day's last close nothing can be entered any more
        return cls(bars, last, hour, {int(h): may_enter[hour[may_enter] == h] for h in np.unique(hour[may_enter])})

    def entry_bar(self, entry_ts: int) -> int:
        """Return the last bar complete at `entry_ts` (ns), of the same day; -1 where there is none, or none after it to be in."""
        entry = int(np.searchsorted(self.bars.ts + MINUTE_NS, entry_ts, side="right")) - 1
        if entry < 0 or day_index(int(self.bars.ts[entry])) != day_index(entry_ts) or self.last[entry] == entry:
            return -1
        return entry

    def bars_held(self, entry: int, exit_ts: int) -> int:
        """Return how many bars, at least 1, a trade was held from the close of bar `entry` to `exit_ts` (ns)."""
        return max(1, int(np.searchsorted(self.bars.ts, exit_ts, side="right")) - 1 - entry)

    def gains(self, entries: I64, sign: float, stop: float, target: float, limit: int) -> F64:
        """Return what a share gains from each entry, in rupees; see `hold.hold`."""
        gains = np.empty(len(entries))
        bars = self.bars
        _machine().hold(bars.open, bars.high, bars.low, bars.close, self.last, entries, sign, stop, target, limit, gains)
        return gains


@cache
def _machine() -> SimpleNamespace:
    return compiled(vars(kernels))
