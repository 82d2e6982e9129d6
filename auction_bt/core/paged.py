"""A market tape of more ticks than memory should hold: read page by page as a run comes to them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from .instrument import to_ticks
from .kept import Kept
from .market import MarketTape, capped_clock
from .tick import F64, I64, TickColumns

PAGE: Final = 2**16  # ticks, at most
_HELD: Final = 3  # pages: orders look back to the tick before, and a little ahead


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """Some ticks in a row, as `MarketTape` has them."""

    seq: I64
    ts: I64
    k: I64
    price: F64
    bid: F64
    ask: F64
    clock: I64

    @classmethod
    def of(cls, ticks: TickColumns, tick: float, clock: int) -> Page:
        """Return the page of `ticks`; `clock` (ns) is the greatest before them."""
        clocks = np.maximum(np.maximum.accumulate(capped_clock(ticks.clock, ticks.ts)), clock)
        return cls(ticks.seq, ticks.ts, to_ticks(ticks.price, tick), ticks.price, ticks.bid, ticks.ask, clocks)


class Pages:
    """The pages of a tape; holds the few that were asked for last.

    Parameters
    ----------
    starts : int64, shape (n_pages + 1,)
        Number of the first tick of each page, and the number of ticks.
    last_seq, last_clock : int64, shape (n_pages,), ns
        Of each page's last tick.
    read : callable
        Reads a page by its number.
    """

    def __init__(self, starts: I64, last_seq: I64, last_clock: I64, read: Callable[[int], Page]) -> None:
        self.starts: list[int] = starts.tolist()
        self.lasts = {"seq": last_seq, "clock": last_clock}
        self._read = read
        self._held: Kept[int, Page] = Kept(_HELD, lambda _: 1)
        self._begin = self._end = 0
        self._page: Page | None = None

    def __len__(self) -> int:
        return self.starts[-1]

    def page(self, number: int) -> Page:
        """Return a page."""
        return self._held.get(number, lambda: self._read(number))

    def of(self, index: int) -> tuple[Page, int]:
        """Return the page that has tick `index`, and the number of its first."""
        if self._page is None or not self._begin <= index < self._end:
            if not 0 <= index < len(self):
                raise IndexError(f"no tick {index} of {len(self)}")
            number = bisect_right(self.starts, index) - 1
            self._page = self.page(number)
            self._begin, self._end = self.starts[number : number + 2]
        return self._page, self._begin


class Column:
    """One column of all pages, read like an array by index and by slice."""

    __slots__ = ("_name", "_pages")

    def __init__(self, pages: Pages, name: str) -> None:
        self._pages = pages
        self._name = name

    def __len__(self) -> int:
        return len(self._pages)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            page, begin = self._pages.of(index)
            return getattr(page, self._name)[index - begin]
        at, end, step = index.indices(len(self))
        if step != 1:
            raise IndexError("ticks of pages are read one after the other")
        parts = []
        while at < end:
            page, begin = self._pages.of(at)
            part = getattr(page, self._name)[at - begin : end - begin]
            parts.append(part)
            at += len(part)
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else np.empty(0, np.float64)

    def searchsorted(self, value: int, side: Literal["left", "right"] = "left") -> int:
        """Return where `value` would stand, as the method of an array; of `seq` and `clock`."""
        pages = self._pages
        number = int(pages.lasts[self._name].searchsorted(value, side=side))
        if number == len(pages.starts) - 1:
            return len(pages)
        return pages.starts[number] + int(getattr(pages.page(number), self._name).searchsorted(value, side=side))


@dataclass(frozen=True, slots=True, eq=False)
class PagedTape(MarketTape):
    """A `MarketTape` whose columns are those of pages.

    Parameters
    ----------
    days : int64, shape (n_pages, 2)
        IST day and number of ticks of each.
    """

    days: I64

    @classmethod
    def of(cls, pages: Pages, known: I64, tick: float, days: I64) -> PagedTape:
        """Return the tape of `pages`."""
        columns: Any = {name: Column(pages, name) for name in ("seq", "ts", "k", "price", "bid", "ask", "clock")}
        return cls(**columns, known=known, tick=tick, days=days)

    def ticks_from(self, day: int) -> int:
        """Return what `MarketTape.ticks_from` does."""
        return int(self.days[self.days[:, 0] >= day, 1].sum())
