"""Days of many ticks: each is looked at once when a run is prepared, and read again, page by page, as the run comes to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auction_bt.core.bar import BarColumns
from auction_bt.core.paged import PAGE, Page, PagedTape, Pages
from auction_bt.core.session import Session
from auction_bt.core.tick import I64, TickColumns
from auction_bt.feeds.stored import Ticks, first_ticks, inside, owners, timely
from auction_bt.store.kept_day import KeptDay

_DENSE = 2**22  # cells of bars and prices that are counted in a table


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a page's ticks are: the chosen of rows begin..end of a day (None: all); `clock` is the greatest before them."""

    day: KeptDay
    begin: int
    end: int
    chosen: NDArray[np.bool_] | None
    clock: int

    def read(self) -> TickColumns:
        ticks = self.day.rows(self.begin, self.end)
        return ticks if self.chosen is None else ticks.take(self.chosen)


def paged_ticks(days: list[KeptDay], bars: BarColumns, sessions: dict[int, Session], end: int, tick: float) -> Ticks | None:
    """Return what `stored.load` makes of ticks, without holding them; None where one day's reach into another's.

    Parameters
    ----------
    days : list of KeptDay
    bars : BarColumns
        As the run takes them.
    sessions : dict of day to Session
    end : int, ns
    tick : float, rupees

    Notes
    -----
    The profile's tape holds the volume at each price of a bar, in order of price: a window is the sum of its bars', so its levels
    are those of the ticks.
    """
    places: list[_Place] = []
    counts: list[tuple[int, int]] = []  # IST day, ticks: of each page
    lasts: list[tuple[int, int]] = []
    first_seqs: dict[int, int] = {}
    cells: list[tuple[I64, I64, I64]] = []
    known = np.zeros(len(bars), dtype=np.int64)
    seq = clock = np.iinfo(np.int64).min
    owner = 0
    for day in days:
        for begin in range(0, day.count, PAGE):
            raw = day.rows(begin, min(begin + PAGE, day.count))
            taken = (raw.seq < end) & inside(raw.ts, {day.day: sessions[day.day]}) & timely(bars, raw)
            rows = np.flatnonzero(taken)
            if not len(rows):
                continue
            low, high = int(rows[0]), int(rows[-1]) + 1
            chosen = None if high - low == len(rows) else taken[low:high]
            place = _Place(day, begin + low, begin + high, chosen, int(clock))
            ticks = raw.take(rows)
            if ticks.seq[0] < seq:
                return None
            page = Page.of(ticks, tick, place.clock)
            seq, clock = page.seq[-1], page.clock[-1]
            places.append(place)
            counts.append((day.day, len(rows)))
            lasts.append((int(seq), int(clock)))
            first_seqs.setdefault(day.day, int(page.seq[0]))
            known += page.seq.searchsorted(bars.known_seq, side="right")
            of_bar = np.maximum(owners(bars, ticks), owner)
            owner = int(of_bar[-1])
            cells.append(_cells(of_bar, page.k, ticks.size, len(bars)))
    bar, k, size = (np.concatenate(c) for c in zip(*cells, strict=True)) if cells else [np.empty(0, np.int64)] * 3
    offsets = np.searchsorted(bar, np.arange(len(bars) + 1), side="left").astype(np.int64)
    market = None
    if places:
        of_days = np.array(counts)
        starts = np.append(0, np.cumsum(of_days[:, 1]))
        last_seq, last_clock = np.array(lasts).T.copy()
        pages = Pages(starts, last_seq, last_clock, lambda n: Page.of(places[n].read(), tick, places[n].clock))
        market = PagedTape.of(pages, known, tick, of_days)
    return Ticks(offsets, k, size, market, first_ticks(bars, np.array(list(first_seqs)), np.array(list(first_seqs.values()))))


def _cells(bar: I64, k: I64, size: I64, bars: int) -> tuple[I64, I64, I64]:
    # Volume by bar and price; ticks after the last known bar meet orders, but belong to no bar yet.
    counted = (size > 0) & (bar < bars)
    bar, k, size = bar[counted], k[counted], size[counted]
    if not len(bar):
        return bar, k, size
    first, lowest = bar[0], k.min()
    span = int(k.max() - lowest) + 1
    cell = (bar - first) * span + (k - lowest)
    if int(cell[-1]) // span * span + span <= _DENSE:
        volume = np.zeros(int(bar[-1] - first + 1) * span, dtype=np.int64)
        np.add.at(volume, cell, size)
        found = np.flatnonzero(volume)
        volume = volume[found]
    else:  # a wrong price is far from the others
        found, place = np.unique(cell, return_inverse=True)
        volume = np.zeros(len(found), dtype=np.int64)
        np.add.at(volume, place, size)
    return found // span + first, found % span + lowest, volume
