"""What traded at each price of a minute, split by who seems to have wanted it: an estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .ist import day_index, minute_start
from .tick import I64, TickColumns


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Volume by minute and price, in three parts.

    Parameters
    ----------
    start : int64, (n,), ns
        Minutes in which something traded, rising.
    at : int64, (n + 1,)
        Minute i owns rows ``at[i]`` to ``at[i + 1]``, the second not included.
    k : int64, (m,), ticks
        Prices, rising within a minute.
    buy, sell, neither : int64, (m,), shares
    """

    start: I64
    at: I64
    k: I64
    buy: I64
    sell: I64
    neither: I64


def footprint_of(ticks: TickColumns, tick: float) -> Footprint | None:
    """Return the footprint of some ticks; None where none of them carries a book.

    Parameters
    ----------
    ticks : TickColumns
        In the order of `seq`.
    tick : float, rupees
        Price step.

    Notes
    -----
    A trade at the ask or above is counted as bought, at the bid or below as sold, and as neither in between, by the book that
    came with the message before it on the same day (Lee and Ready 1991, without their tick rule). Snapshots a second apart sum
    several trades at the price of the last one, and their book may be older: an estimate, and to be called one.
    """
    has_book = np.isfinite(ticks.bid) & np.isfinite(ticks.ask) & (ticks.bid > 0) & (ticks.ask >= ticks.bid)
    if not has_book.any():
        return None
    place = np.arange(len(ticks))
    before = np.roll(np.maximum.accumulate(np.where(has_book, place, -1)), 1)
    before[0] = -1
    day = day_index(ticks.ts)
    known = (before >= 0) & (day[before] == day)
    traded = ticks.size > 0
    k = np.rint(ticks.price[traded] / tick).astype(np.int64)
    ask, bid = (np.rint(book[before[traded]] / tick) for book in (np.nan_to_num(ticks.ask), np.nan_to_num(ticks.bid)))
    told, size = known[traded], ticks.size[traded]
    is_bought, is_sold = told & (k >= ask), told & (k <= bid)
    both = is_bought & is_sold  # a locked book tells nothing
    minutes = minute_start(ticks.ts[traded])
    start, minute = np.unique(minutes, return_inverse=True)
    cells, cell = np.unique(np.stack((minute, k)), axis=1, return_inverse=True)
    parts = [np.zeros(cells.shape[1], np.int64) for _ in range(3)]
    sides = (is_bought & ~both, is_sold & ~both, (is_bought == is_sold))
    for part, chosen in zip(parts, sides, strict=True):
        np.add.at(part, cell.reshape(-1)[chosen], size[chosen])
    return Footprint(start, np.searchsorted(cells[0], np.arange(len(start) + 1)), cells[1], *parts)
