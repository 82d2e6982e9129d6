"""Ticks from a seed, the levels at each bar, and the rule every engine trades: NumPy only, as each peer's environment has it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]

TICK: Final = 0.05  # rupees
PERIOD: Final = 60  # bars of the profile's window
LAG: Final = PERIOD // 2  # bars over which the POC's way says whether the auction migrates
FIRST: Final = PERIOD + LAG  # bars there must be before one is decided on
CASH: Final = 1e7
DAYS: Final = 20  # sessions for engines that are done with them in seconds; stock is given one
MINUTE_NS: Final = 60_000_000_000
_IST_NS: Final = 19_800_000_000_000
_MONDAY: Final = int(np.datetime64("2015-01-05").astype("datetime64[D]").astype(np.int64))


@dataclass(frozen=True)
class Ticks:
    """A walk on the price grid: weekdays 09:15 to 15:30 IST, none of its ticks on a minute's edge.

    Parameters
    ----------
    ts : int64, (n,), ns since 1970
    k : int64, (n,), ticks
    price : float64, (n,), rupees
    size : int64, (n,), shares
    """

    ts: I64
    k: I64
    price: NDArray[np.float64]
    size: I64

    def __len__(self) -> int:
        return len(self.ts)


def make(days: int, *, per_minute: int = 60, seed: int = 7, step: float = 6.0, start: int = 400_000) -> Ticks:
    """Return the ticks of `days` sessions; the same arguments give the same ticks on any machine.

    Parameters
    ----------
    step : float, ticks
        Standard deviation from one tick to the next.
    start : int, ticks
    """
    rng = np.random.default_rng(seed)
    minutes = days * 375
    within = np.sort(rng.integers(1, 60_000, size=(minutes, per_minute), dtype=np.int32), axis=1).astype(np.int64)
    day = np.arange(days, dtype=np.int64)
    opens = ((_MONDAY + day // 5 * 7 + day % 5) * 1440 + 555) * MINUTE_NS - _IST_NS
    begins = (opens[:, None] + np.arange(375, dtype=np.int64) * MINUTE_NS).ravel()
    k = start + np.cumsum(np.rint(rng.normal(0, step, minutes * per_minute)).astype(np.int64))
    size = rng.integers(1, 20, minutes * per_minute, dtype=np.int64) * 25
    return Ticks((begins[:, None] + within * 1_000_000).ravel(), k, np.round(k * TICK, 2), size)


@dataclass(frozen=True)
class Bars:
    """Minutes of ticks: int64, (n,); prices in ticks, `begin` the index of a bar's first tick, `end` its end in ns."""

    open: I64
    high: I64
    low: I64
    close: I64
    volume: I64
    begin: I64
    end: I64

    def __len__(self) -> int:
        return len(self.open)


def bars_of(ticks: Ticks) -> Bars:
    """Return the minutes of `ticks`."""
    minute = ticks.ts // MINUTE_NS
    begin = np.concatenate(([0], np.flatnonzero(np.diff(minute)) + 1))
    last = np.concatenate((begin[1:], [len(ticks)])) - 1
    high, low = np.maximum.reduceat(ticks.k, begin), np.minimum.reduceat(ticks.k, begin)
    volume = np.add.reduceat(ticks.size, begin)
    return Bars(ticks.k[begin], high, low, ticks.k[last], volume, begin, (minute[begin] + 1) * MINUTE_NS)


class Auction:
    """POC, value area and regime of the last `PERIOD` bars: what one writes with NumPy where no indicator is at hand.

    Notes
    -----
    A bar's volume is spread evenly over its rows, what is left over next to its close; the value area grows row by row by the
    larger neighbour, upwards where both are equal. `VolumeProfile` has the same as ``source="candles", method="one_row"``.
    """

    def __init__(self) -> None:
        self._h = np.zeros(1 << 16, np.int64)
        self._base: int | None = None
        self._bars: deque[tuple[int, int, int, int, int]] = deque()  # first and last row, volume a row, where the rest lies
        self._pocs: deque[int] = deque(maxlen=LAG + 1)

    def push(self, low: int, high: int, close: int, volume: int) -> tuple[int, int, int, int] | None:
        """Take the next bar; return POC, VAH, VAL (ticks) and the regime, None until there is one."""
        if self._base is None:
            self._base = low - len(self._h) // 2
        base, h = self._base, self._h
        if not base <= low <= high < base + len(h):
            raise ValueError("the walk has left the histogram: give it more rows")
        rows = high - low + 1
        each, rest = divmod(volume, rows)
        first = max(low, min(close - rest // 2, high - rest + 1)) - base
        bar = (low - base, high - base, each, first, rest)
        self._put(bar, 1)
        self._bars.append(bar)
        if len(self._bars) > PERIOD:
            self._put(self._bars.popleft(), -1)
        if len(self._bars) < PERIOD:
            return None
        begin, end = min(b[0] for b in self._bars), max(b[1] for b in self._bars) + 1
        poc, vah, val = (row + begin + base for row in value_area(h[begin:end]))
        self._pocs.append(poc)
        return (poc, vah, val, regime_of(poc - self._pocs[0], vah - val)) if len(self._pocs) > LAG else None

    def _put(self, bar: tuple[int, int, int, int, int], sign: int) -> None:
        first, last, each, at, rest = bar
        self._h[first : last + 1] += sign * each
        self._h[at : at + rest] += sign


def value_area(h: I64) -> tuple[int, int, int]:
    """Return POC, VAH and VAL of a histogram, as rows of it.

    Notes
    -----
    Growing by the larger neighbour merges the two sides in the order of their running minima, so a sort does it.
    """
    poc = int(h.argmax())
    missing = -(-int(h.sum()) * 7 // 10) - int(h[poc])
    if missing <= 0:
        return poc, poc, poc
    up, down = h[poc + 1 :], h[:poc][::-1]
    keys = np.concatenate([np.minimum.accumulate(side) for side in (up, down)])
    order = np.argsort(-keys, kind="stable")
    taken = int(np.searchsorted(np.cumsum(np.concatenate((up, down))[order]), missing)) + 1
    above = int((order[:taken] < len(up)).sum())
    return poc, poc + above, poc - (taken - above)


def regime_of(way: int, width: int) -> int:
    """Return 0 (balanced), or the sign of the POC's way over `LAG` bars where that is more than half the value area."""
    return 0 if 2 * abs(way) <= width else 1 if way > 0 else -1


def levels_of(bars: Bars) -> I64:
    """Return POC, VAH, VAL, regime at each bar, (n, 4), 0 until there are any: for engines that take whole columns."""
    auction, found = Auction(), np.zeros((len(bars), 4), np.int64)
    for i, row in enumerate(np.column_stack((bars.low, bars.high, bars.close, bars.volume)).tolist()):
        found[i] = auction.push(*row) or 0
    return found


def decide(bar: tuple[int, int, int], poc: int, vah: int, val: int, regime: int) -> tuple[int, int, int] | None:
    """Return (side, stop, target) of a bracket on a closed bar, None for none; all in ticks.

    Parameters
    ----------
    bar : (high, low, close)

    Notes
    -----
    In balance, a close beyond value comes back to the POC; in migration, a bar that has come back to the POC goes on to the
    far edge of value.
    """
    high, low, close = bar
    if regime == 0:
        beyond = (vah - val) // 2 + 1
        if close <= val:
            side, stop, target = 1, val - beyond, poc
        elif close >= vah:
            side, stop, target = -1, vah + beyond, poc
        else:
            return None
    elif regime > 0:
        if not low <= poc <= close:
            return None
        side, stop, target = 1, val, vah
    else:
        if not close <= poc <= high:
            return None
        side, stop, target = -1, vah, val
    return (side, stop, target) if (target - close) * side > 0 and (close - stop) * side > 0 else None


def wishes_of(bars: Bars) -> I64:
    """Return side, stop, target (ticks) of the bracket the rule wants at each bar, (n, 3), 0 for none."""
    found = np.zeros((len(bars), 3), np.int64)
    rows = zip(np.column_stack((bars.high, bars.low, bars.close)).tolist(), levels_of(bars).tolist(), strict=True)
    for i, (bar, levels) in enumerate(rows):
        if i >= FIRST - 1:
            found[i] = decide(bar, *levels) or 0
    return found


def rupees(k: int) -> float:
    """Return a price in ticks as rupees, the same bits as the ticks' prices."""
    return round(k * TICK, 2)
