"""The ticks an order can meet, as arrays, and the first of them that touches a price."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .growing import Growing
from .ist import Ns, day_index, day_start
from .tick import F64, I64, Tick

_COLUMNS: Final = {
    "seq": np.int64, "ts": np.int64, "k": np.int64, "price": np.float64, "bid": np.float64, "ask": np.float64, "clock": np.int64,
}  # fmt: skip
_CHUNK: Final = 4096  # a scan looks at this many ticks at first, then at twice as many each time


class Lookups:
    """Finds ticks; what it looks in are the arrays of `MarketTape`."""

    __slots__ = ()
    seq: I64
    k: I64
    clock: I64

    def first_touch(self, begin: int, end: int, level: int, *, upward: bool) -> int:
        """Return the first tick in [begin, end) at or beyond `level` (ticks), `end` where there is none."""
        size = _CHUNK
        while begin < end:
            stop = min(begin + size, end)
            part = self.k[begin:stop]
            touched = part >= level if upward else part <= level
            at = int(touched.argmax())
            if touched[at]:
                return begin + at
            begin, size = stop, size * 2
        return end

    def first_due(self, begin: int, end: int, at: int) -> int:
        """Return the first tick in [begin, end) whose clock before its message was `at` (ns) or later."""
        return max(begin, min(int(np.searchsorted(self.clock[begin:end], at, side="left")) + begin, end))

    def first_from(self, begin: int, end: int, seq: int) -> int:
        """Return the first tick in [begin, end) whose `seq` is `seq` or later, `end` where there is none."""
        if begin >= end or self.seq[begin] >= seq:
            return begin
        return int(np.searchsorted(self.seq[begin:end], seq, side="left")) + begin


@dataclass(frozen=True, slots=True, eq=False)
class MarketTape(Lookups):
    """Ticks of one symbol's sessions in `seq` order, and where each bar became known among them.

    Parameters
    ----------
    seq, ts : int64, shape (n_ticks,), ns
    k : int64, shape (n_ticks,), ticks
        Trade price on the grid.
    price, bid, ask : float64, shape (n_ticks,), rupees
    clock : int64, shape (n_ticks,), ns, nondecreasing
        The symbol's message clock just before each tick's message.
    known : int64, shape (n_bars,)
        Number of ticks with ``seq <= known_seq`` of each bar: where matching stands when the bar is decided on.
    tick : float, rupees
    """

    seq: I64
    ts: I64
    k: I64
    price: F64
    bid: F64
    ask: F64
    clock: I64
    known: I64
    tick: float

    def ticks_from(self, day: int) -> int:
        """Return how many trades are of IST day `day` or later."""
        return int((self.ts >= day_start(day)).sum())


class GrowingTape(Lookups):
    """A `MarketTape` that is still being written, tick by tick.

    Parameters
    ----------
    tick : float, rupees
    """

    __slots__ = ("_day", "_last", "_rows", "known", "tick")

    def __init__(self, tick: float) -> None:
        self.tick = tick
        self.known = Growing(np.int64)
        self._rows = Growing(np.dtype(list(_COLUMNS.items())))
        self._day = (0, 0)  # of the last tick's ts: begin and end, ns
        self._last = (0, 0, 0)  # seq, k and clock of the last tick: what is asked for at nearly every one

    def __len__(self) -> int:
        return len(self._rows)

    def append(self, tick: Tick) -> int:
        """Add the next tick; return its price, ticks."""
        _, seq, ts, price, _, _, bid, ask, _, clock = tick
        if not self._day[0] <= ts < self._day[1]:
            day = day_index(ts)
            self._day = day_start(day), day_start(day + 1)
        if clock >= self._day[1]:
            clock = self._day[1] - 1  # as `capped_clock` has it
        clock = max(clock, self._last[2])
        k = round(price / self.tick)
        self._rows.append((seq, ts, k, price, bid, ask, clock))
        self._last = seq, k, clock
        return k

    def first_touch(self, begin: int, end: int, level: int, *, upward: bool) -> int:
        """Return what `Lookups.first_touch` does, at once where only the last tick is asked about."""
        if end - begin == 1 and end == len(self._rows):
            k = self._last[1]
            return begin if (k >= level if upward else k <= level) else end
        return super().first_touch(begin, end, level, upward=upward)

    def first_due(self, begin: int, end: int, at: int) -> int:
        """Return what `Lookups.first_due` does, at once where only the last tick is asked about."""
        if end - begin == 1 and end == len(self._rows):
            return begin if self._last[2] >= at else end
        return super().first_due(begin, end, at)

    def first_from(self, begin: int, end: int, seq: int) -> int:
        """Return what `Lookups.first_from` does, at once where only the last tick is asked about."""
        if end - begin == 1 and end == len(self._rows):
            return begin if self._last[0] >= seq else end
        return super().first_from(begin, end, seq)

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name in _COLUMNS:
            return self._rows.view[name]
        raise AttributeError(name)


Tape = MarketTape | GrowingTape


def capped_clock(clock: Ns, ts: Ns) -> Ns:
    """Return message clocks, none beyond the day of its trade: one damaged stamp must not reach into the days after."""
    end: Ns = day_start(day_index(ts) + 1) - 1
    return np.minimum(clock, end) if isinstance(clock, np.ndarray) else min(clock, end)


def trigger_level(price: float, tick: float, *, upward: bool) -> int:
    """Return the first grid index that reaches `price` from the side it is approached.

    Notes
    -----
    A price a hair off the grid by binary rounding (``3 * 0.05``) still means the grid price.
    """
    ratio = price / tick
    near = round(ratio)
    if abs(ratio - near) < 1e-6:
        return near
    return ceil(ratio) if upward else floor(ratio)
