"""The ticks an order can meet, as arrays, and the first of them that touches a price."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor
from typing import Final

import numpy as np

from .tick import F64, I64

_CHUNK: Final = 4096  # a scan looks at this many ticks at first, then at twice as many each time


@dataclass(frozen=True, slots=True, eq=False)
class MarketTape:
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

    def after(self, seq: int) -> int:
        """Return the index of the first tick with a greater `seq`."""
        return int(np.searchsorted(self.seq, seq, side="right"))


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
