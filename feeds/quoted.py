"""A feed of one instrument's trades and quotes without bars: what is traded on another instrument's signal."""

from __future__ import annotations

from math import nan
from typing import Any

import backtrader as bt
import numpy as np

from auction_bt.core.bar import BarColumns
from auction_bt.core.instrument import Instrument, to_ticks
from auction_bt.core.ist import day_index, day_start
from auction_bt.core.market import GrowingTape, MarketTape, Tape, capped_clock
from auction_bt.core.session import Span
from auction_bt.core.stamps import to_num
from auction_bt.core.substitute import Quote
from auction_bt.core.tick import Tick
from auction_bt.feeds.stored import Quotes, inside
from auction_bt.market.sessions import session_of
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache


class QuotedData(bt.feed.DataBase):  # type: ignore[misc]  # backtrader has no types
    """Ticks that orders meet, and a last price for the account's value; it makes no bars, and no strategy is stepped by it.

    Params
    ------
    instrument : Instrument
    market : MarketTape or None
        None: ticks come one by one, by `add_tick`.
    begin : int, ns
        What is older is not taken.

    Notes
    -----
    *Causality*: `quote` answers from messages before the one that is asked about, never from it: two symbols may speak in one
    message, and their order in it must not matter.
    """

    params = (("instrument", None), ("market", None), ("begin", 0))

    def __init__(self) -> None:
        super().__init__()
        self.instrument: Instrument = self.p.instrument
        self._name = self._dataname = self.instrument.symbol
        self.bars = BarColumns.empty()  # none, and they say when each is known
        self.tick_days: tuple[bool, ...] = ()
        self.market: Tape = self.p.market if self.p.market is not None else GrowingTape(float(self.instrument.tick))
        if isinstance(self.market, GrowingTape):
            self.market.known.append(0)
        self._tz = None
        # One row, as backtrader's orders and accounts look at the current one.
        self.forward()
        self.close[0], self.datetime[0] = 0.0, to_num(0)
        self._span: Span = (0, 0)
        self._inside: Span = (0, 0)
        self._pauses: tuple[Span, ...] = ()

    def add_tick(self, tick: Tick) -> bool:
        """Take a trade; return whether it lies inside the session of its day."""
        ts = tick.ts
        if not self._span[0] <= ts < self._span[1]:
            day = day_index(ts)
            session = session_of(self.instrument, day)
            self._span, self._inside = (day_start(day), day_start(day + 1)), session.bounds(day)
            self._pauses = session.pauses_on(day)
        is_inside = self._inside[0] <= ts < self._inside[1] and not any(begin <= ts < end for begin, end in self._pauses)
        if not is_inside or ts < self.p.begin or not self._span[0] <= tick.seq < self._span[1]:
            return False
        assert isinstance(self.market, GrowingTape)  # noqa: S101 - for the type checker
        self.market.append(tick)
        return True

    def quote(self, seq: int) -> Quote | None:
        """Return the quote as messages before `seq` (ns) left it; None where there was none."""
        index = int(np.searchsorted(self.market.seq, seq, side="left")) - 1
        if index < 0:
            return None
        tape = self.market
        return Quote(float(tape.bid[index]), float(tape.ask[index]), float(tape.price[index]), seq - int(tape.seq[index]))

    def look(self, seq: int) -> float:
        """Make the last price before `seq` (ns) the current one, and return it; NaN where there was none."""
        found = self.quote(seq)
        if found is None:
            return nan
        self.close[0], self.datetime[0] = found.last, to_num(seq)
        return found.last


def quotes_of(store: TickStore, instrument: Instrument, begin: int, end: int, cache: DayCache | None = None) -> Quotes:
    """Return what a store holds of `instrument` between two instants (ns), prints outside its sessions left out."""
    ticks = store.ticks(instrument.symbol, begin, end) if cache is None else cache.ticks(store, instrument.symbol, begin, end)
    days = day_index(ticks.ts)
    sessions = {int(day): session_of(instrument, int(day)) for day in np.unique(days)}
    ticks = ticks.take((ticks.seq < end) & (days == day_index(ticks.seq)) & inside(ticks.ts, sessions))
    tick = float(instrument.tick)
    clock = np.maximum.accumulate(capped_clock(ticks.clock, ticks.ts)) if len(ticks) else ticks.clock
    known = np.zeros(1, dtype=np.int64)
    market = MarketTape(ticks.seq, ticks.ts, to_ticks(ticks.price, tick), ticks.price, ticks.bid, ticks.ask, clock, known, tick)
    return Quotes(instrument, market, begin)


def feed_of(quotes: Quotes, *, streamed: bool) -> QuotedData:
    """Return a feed of quotes as at their start; `streamed`: they come one by one, by `QuotedData.add_tick`."""
    make: Any = QuotedData
    market = None if streamed else quotes.market
    return make(instrument=quotes.instrument, market=market, begin=quotes.begin)  # type: ignore[no-any-return]
