"""A backtrader feed of stored bars, loaded in bulk, carrying the ticks of each bar."""

from __future__ import annotations

import array
import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Any

import backtrader as bt
import numpy as np
from numpy.typing import NDArray

from auction_bt.core.bar import NEVER, BarColumns, Source
from auction_bt.core.bins import bars_of_ticks, bins_of, bounds_of
from auction_bt.core.errors import Refused
from auction_bt.core.instrument import Instrument, to_ticks
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_index, day_start, minute_start
from auction_bt.core.leg import Leg
from auction_bt.core.market import MarketTape, capped_clock
from auction_bt.core.quality import DayQuality, bar_quality, day_quality, silences
from auction_bt.core.session import WHOLE_DAY, Session
from auction_bt.core.shared_levels import SharedLevels
from auction_bt.core.tape import TickTape
from auction_bt.core.tick import F64, I64, TickColumns
from auction_bt.market.sessions import session_of
from auction_bt.store import Gap, TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.kept_day import KeptDay

_EPOCH_ORDINAL = 719_163
_HELD = 2**18  # ticks of one instrument that a run holds in memory; of more, it reads those it comes to


class IstZone(dt.tzinfo):
    """IST for backtrader, which asks a zone for `localize`."""

    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        """Return +05:30."""
        return dt.timedelta(hours=5, minutes=30)

    def dst(self, _: dt.datetime | None) -> dt.timedelta:
        """Return 0: India has no daylight saving."""
        return dt.timedelta(0)

    def tzname(self, _: dt.datetime | None) -> str:
        """Return IST."""
        return "IST"

    def localize(self, when: dt.datetime) -> dt.datetime:
        """Return a naive time as IST."""
        return when.replace(tzinfo=self)


@dataclass(frozen=True, slots=True, eq=False)
class Quotes:
    """Trades and quotes of an instrument that is traded on another one's signal.

    Parameters
    ----------
    market : MarketTape
    begin : int, ns
        What is older was not read.
    """

    instrument: Instrument
    market: MarketTape
    begin: int


@dataclass(frozen=True, slots=True, eq=False)
class Recorded:
    """Bars and ticks of one instrument's sessions, ready to be run.

    Parameters
    ----------
    bars : BarColumns
        Known bars inside the sessions, oldest first.
    tape : TickTape
        Each bar's own ticks for the profile.
    market : MarketTape or None
        The same ticks for orders; None where there are none.
    tick_days : bool, shape (n_bars,)
        True for bars of a day that has shown ticks by then.
    quality : float64, shape (n_bars,), in [0, 1]
        NaN for days without ticks.
    sessions : dict of day to Session
    grades : dict of day to DayQuality
    substitutes : tuple of Quotes
        What may be traded on its signals; empty: itself.
    leg : Leg or None
        Which of the days a run trades; None: all.
    silences : int64, shape (n_bars,), ns, or None
        Longest silence of the feed from a bar's beginning until it was known; None: nobody has looked.
    shared_levels : SharedLevels or None
        What earlier runs measured on these bars.
    """

    instrument: Instrument
    bars: BarColumns
    tape: TickTape
    market: MarketTape | None
    tick_days: NDArray[np.bool_]
    quality: F64
    sessions: dict[int, Session]
    grades: dict[int, DayQuality] = field(default_factory=dict)
    substitutes: tuple[Quotes, ...] = ()
    leg: Leg | None = None
    silences: I64 | None = None
    shared_levels: SharedLevels | None = None

    @property
    def tradables(self) -> tuple[Instrument, ...]:
        """The instrument itself, and what may be traded on its signals."""
        return self.instrument, *(q.instrument for q in self.substitutes)


def load(
    store: TickStore, instrument: Instrument, begin: int, end: int, cache: DayCache | None = None,
    *, in_sessions: bool = True, built: bool = False,
) -> Recorded:  # fmt: skip
    """Read what the store holds of `instrument` between two instants.

    Parameters
    ----------
    begin, end : int, ns
    cache : DayCache, optional
        Where ticks of whole days are kept between runs.
    in_sessions : bool
        Leave out prints outside the continuous session (pre-open, closing auction, post-close).
    built : bool
        Build the minutes from the ticks, whatever bars the store has.

    Notes
    -----
    Ticks are given to the bar of their own minute, or, where that was already known when they came, to the one then open.

    Messages may speak of another day than that of their stamp: a damaged time, a frame that was kept back. A run goes forward:
    nothing of a day that has not begun is taken, no bar before one already known, and of an earlier day no tick of such a bar.
    """
    symbol, tick = instrument.symbol, float(instrument.tick)
    bars = BarColumns.empty() if built else store.bars(symbol, begin, end)
    gaps = store.gaps(symbol, begin, end)
    kept = None if built or cache is None else _many(store, symbol, begin, end, cache)
    ticks = TickColumns.empty()
    if kept is None:
        ticks = store.ticks(symbol, begin, end) if cache is None else cache.ticks(store, symbol, begin, end)
    days = {*day_index(bars.ts).tolist(), *day_index(ticks.ts).tolist(), *(d.day for d in kept or () if d.count)}
    sessions = {day: session_of(instrument, day) if in_sessions else WHOLE_DAY for day in sorted(days)}
    if not built:
        bars = _forward(bars.take((bars.known_seq < min(end, NEVER)) & inside(bars.ts, sessions)))
    found = None
    if kept is not None:
        from auction_bt.feeds.paged import paged_ticks  # seldom needed

        found = paged_ticks(kept, bars, sessions, end, tick)
        if found is None and cache is not None:
            ticks = cache.ticks(store, symbol, begin, end)
    if found is None:
        ticks = ticks.take((ticks.seq < end) & inside(ticks.ts, sessions))
        if built:
            bars = bars_of_ticks(ticks, *bins_of(ticks.ts, sessions, MINUTE_NS))[0]
            bars = replace(bars, known_seq=np.minimum.accumulate(bars.known_seq[::-1])[::-1].copy())
        else:
            ticks = ticks.take(timely(bars, ticks))
        found = _all_ticks(bars, ticks, tick)
    tape = TickTape(found.offsets, found.k, found.size, day_index(bars.ts), np.zeros(len(bars), dtype=np.int64))
    quality = np.where(found.tick_days, bar_quality(bars, gaps), np.nan) if len(bars) else np.empty(0)
    grades = {day: _graded(bars, gaps, day, session) for day, session in sessions.items()}
    return Recorded(
        instrument, bars, tape, found.market, found.tick_days, quality, sessions, grades, silences=silences(bars, gaps)
    )


@dataclass(frozen=True, slots=True, eq=False)
class Ticks:
    """What a run takes of its ticks: the profile's (`TickTape`), those that orders meet, and of which bars there are any."""

    offsets: I64
    k: I64
    size: I64
    market: MarketTape | None
    tick_days: NDArray[np.bool_]


def _many(store: TickStore, symbol: str, begin: int, end: int, cache: DayCache) -> list[KeptDay] | None:
    # Whole days with more ticks than are held at once, all of them in the cache.
    first, last = day_index(begin), day_index(end - 1)
    if begin != day_start(first) or end != day_start(last + 1):
        return None
    days = cache.days(store, symbol, first, last)
    return None if days is None or sum(d.count for d in days) <= _HELD else days


def _all_ticks(bars: BarColumns, ticks: TickColumns, tick: float) -> Ticks:
    k = to_ticks(ticks.price, tick)
    # Bar b owns ticks offsets[b]:offsets[b+1]. By the rule of late ticks the owner never goes back, so slices are enough.
    offsets = np.searchsorted(owners(bars, ticks), np.arange(len(bars) + 1), side="left").astype(np.int64)
    with_ticks, first = np.unique(day_index(ticks.ts), return_index=True)
    market = None
    if len(ticks):
        known = np.searchsorted(ticks.seq, bars.known_seq, side="right").astype(np.int64)
        clock = np.maximum.accumulate(capped_clock(ticks.clock, ticks.ts))
        market = MarketTape(ticks.seq, ticks.ts, k, ticks.price, ticks.bid, ticks.ask, clock, known, tick)
    # Ticks after the last known bar meet orders, but belong to no bar yet.
    return Ticks(offsets, k[: offsets[-1]], ticks.size[: offsets[-1]], market, first_ticks(bars, with_ticks, ticks.seq[first]))


def _graded(bars: BarColumns, gaps: list[Gap], day: int, session: Session) -> DayQuality:
    begin, end = day_start(day), day_start(day + 1)
    of_day = bars.take((bars.ts >= begin) & (bars.ts < end))
    silent = [gap for gap in gaps if begin <= gap.end < end]
    return day_quality(of_day, silent, None if session.is_whole_day else session.bounds(day), session.pauses_on(day))


def first_ticks(bars: BarColumns, days: I64, seqs: I64) -> NDArray[np.bool_]:
    """Return which bars are ones of ticks: from their day's first tick on; before it nobody could know that there would be any.

    Parameters
    ----------
    days, seqs : int64, shape (n,)
        IST days with ticks, ascending, and the `seq` of their first.
    """
    if not len(days):
        return np.zeros(len(bars), dtype=np.bool_)
    of_bar = day_index(bars.ts)
    place = np.clip(np.searchsorted(days, of_bar), 0, len(days) - 1)
    found: NDArray[np.bool_] = (days[place] == of_bar) & (seqs[place] <= bars.known_seq)
    return found


def inside(ts: I64, sessions: dict[int, Session]) -> NDArray[np.bool_]:
    """Return which stamps lie inside the session of their day; `sessions` has every day of `ts`."""
    if not sessions:
        return np.zeros(len(ts), dtype=np.bool_)
    begin, end = bounds_of(ts, sessions)
    found: NDArray[np.bool_] = (ts >= begin) & (ts < end)
    for day, session in sessions.items():
        for pause_begin, pause_end in session.pauses_on(day):
            found &= (ts < pause_begin) | (ts >= pause_end)
    return found


def _forward(bars: BarColumns) -> BarColumns:
    bars = bars.take(day_index(bars.ts) <= day_index(bars.known_seq))
    # Candles come from elsewhere: whoever knows a bar after one of them knows that one.
    latest = np.minimum.accumulate(bars.known_seq[::-1])[::-1]
    bars = replace(bars, known_seq=np.where(bars.source == int(Source.CANDLES), latest, bars.known_seq))
    bars = bars.take(np.lexsort((bars.ts, bars.known_seq)))
    before = np.maximum.accumulate(np.append(np.int64(-1), bars.ts))[:-1]
    return bars.take(bars.ts > before)


def timely(bars: BarColumns, ticks: TickColumns) -> NDArray[np.bool_]:
    """Return which ticks are of the day of their stamp, or of an earlier day's bar that was not known yet."""
    day, stamp_day = day_index(ticks.ts), day_index(ticks.seq)
    if (day == stamp_day).all():
        return np.ones(len(ticks), dtype=np.bool_)
    own, already_known = _places(bars, ticks)
    found: NDArray[np.bool_] = (day == stamp_day) | ((day < stamp_day) & (own >= already_known))
    return found


def _places(bars: BarColumns, ticks: TickColumns) -> tuple[I64, I64]:
    # Of each tick: its own bar (or the next there is), and the first that was not known yet.
    own = np.searchsorted(bars.ts, minute_start(ticks.ts), side="left")
    return own, np.searchsorted(bars.known_seq, ticks.seq, side="left")


def owners(bars: BarColumns, ticks: TickColumns) -> I64:
    """Return the bar that each tick is given to; the number of bars where it comes after the last."""
    own, already_known = _places(bars, ticks)
    found: I64 = np.maximum.accumulate(np.maximum(own, already_known)) if len(ticks) else own
    return found


class ColumnData(bt.feed.DataBase):  # type: ignore[misc]  # backtrader has no types
    """A feed whose lines are filled from whole columns, in IST.

    Attributes
    ----------
    instrument, bars, ends, tape, market, tick_days, bar_quality, silences, shared_levels
        What `AuctionStrategy`, `VolumeProfile` and `TickBroker` read beside the lines; `ends` are the bars' exact ends in ns.
    """

    def _carry(self, recorded: Recorded, ends: I64) -> None:
        self._buffers = list(self.lines.lines)
        for name in self.getlinealiases():  # each read of `data.close` would look for it in four objects otherwise
            setattr(self, name, getattr(self.lines, name))
        self.instrument = recorded.instrument
        self.bars = recorded.bars
        self.ends = ends
        self.tape = recorded.tape
        self.market = recorded.market
        self.tick_days = recorded.tick_days
        self.bar_quality = recorded.quality
        self.silences = recorded.silences
        self.shared_levels = recorded.shared_levels

    def __init__(self) -> None:
        super().__init__()
        self._first = self.lines.lines[0]

    def start(self) -> None:
        """Start from the first bar."""
        super().start()
        self._next_row = 0

    def _columns(self) -> dict[str, F64]:
        return lines_of(self.ends, self.bars)

    def __len__(self) -> int:
        return self._first.lencount  # type: ignore[no-any-return]

    def advance(self, size: int = 1, datamaster: Any = None, ticks: bool = True) -> None:
        """Go on by `size` bars whose lines are filled."""
        if ticks or datamaster is not None:
            super().advance(size, datamaster, ticks)
            return
        for line in self._buffers:  # as `LineBuffer.advance`, which finds its way here through five calls a line
            line._idx += size
            line.lencount += size

    def preload(self) -> None:
        """Fill the lines from the columns at once."""
        if self._filters:
            super().preload()
            return
        for name, column in self._columns().items():
            getattr(self.lines, name).array = array.array("d", np.ascontiguousarray(column, dtype=np.float64).tobytes())
        self._next_row = len(self.ends)  # stock's loop asks for more once the lines are at their end
        self.home()

    def _load(self) -> bool:
        row = self._next_row
        if row >= len(self.ends):
            return False
        if row == 0:
            self._rows: dict[str, Any] = {name: column.tolist() for name, column in self._columns().items()}
        for name, column in self._rows.items():
            getattr(self.lines, name)[0] = column[row]
        self._next_row = row + 1
        return True


def lines_of(ends: I64, bars: BarColumns) -> dict[str, F64]:
    """Return backtrader's lines of `bars`, stamped with `ends`."""
    return {
        "datetime": ends // DAY_NS + _EPOCH_ORDINAL + (ends % DAY_NS) / DAY_NS,
        "open": bars.open,
        "high": bars.high,
        "low": bars.low,
        "close": bars.close,
        "volume": bars.volume.astype(np.float64),
        "openinterest": np.zeros(len(bars)),
    }


class StoredData(ColumnData):
    """Bars of a `Recorded` span, stamped with the end of their minute, in IST.

    Params
    ------
    recorded : Recorded
    """

    params = (("recorded", None), ("timeframe", bt.TimeFrame.Minutes))

    def __init__(self) -> None:
        super().__init__()
        recorded: Recorded = self.p.recorded
        self.p.tz = IstZone()
        self._carry(recorded, recorded.bars.ts + MINUTE_NS)
        self._name = self._dataname = recorded.instrument.symbol

    def start(self) -> None:
        """Start from the first bar."""
        if self.p.fromdate is not None or self.p.todate is not None:
            raise Refused("fromdate and todate would part the bars from their ticks: choose the days when loading")
        super().start()


def warm_up_start(store: TickStore, instrument: Instrument, first_day: int, bars: int) -> int:
    """Return the ns from which to load so that at least `bars` bars (and one whole session) lie before `first_day`."""
    found, begin = 0, day_start(first_day)
    for day in reversed([d for d in store.days(instrument.symbol) if d < first_day]):
        begin = day_start(day)
        found += len(store.bars(instrument.symbol, begin, begin + DAY_NS))
        if found >= bars:
            break
    return begin
