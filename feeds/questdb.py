"""A backtrader feed of what a store holds, QuestDB or embedded: ticks, seconds, minutes or days, for any Cerebro."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import backtrader as bt
import numpy as np

from auction_bt.core.bar import BarColumns
from auction_bt.core.bins import bars_of_ticks, bins_of, merged_bars, merged_market, merged_quality, merged_tape
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Instrument, Kind, to_ticks
from auction_bt.core.ist import DAY_NS, IST, MINUTE_NS, SECOND_NS, clock_text, day_index, day_start, from_date, to_date
from auction_bt.core.session import WHOLE_DAY
from auction_bt.core.tape import TickTape
from auction_bt.core.tick import F64, I64, TickColumns
from auction_bt.feeds.stored import ColumnData, IstZone, Recorded, inside, lines_of, load
from auction_bt.market.sessions import session_of
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import DEFAULT, open_store

_LAST_NS: Final = 2**62
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNIT_NS: Final = {bt.TimeFrame.Seconds: SECOND_NS, bt.TimeFrame.Minutes: MINUTE_NS, bt.TimeFrame.Days: DAY_NS}
_SOURCES: Final = ("auto", "bars", "ticks")


class QuestDBData(ColumnData):
    """What a store holds of one symbol, as a feed for anyone's ``Cerebro``, stamped with the end of each bar, in IST.

    Params
    ------
    dataname : str
        Symbol, or name, as the store knows it.
    store : str or TickStore
        ``questdb://user:password@host:8812/qdb?http=9000``, ``sqlite:///auction.db`` (the default), or an open store, which stays
        open. One opened here is closed once everything is read, before the run begins.
    fromdate, todate : date or datetime
        A date means its whole Indian day, included. A datetime is an instant, IST where it says no zone; `todate` itself is left
        out. Default: all there is.
    timeframe, compression
        ``bt.TimeFrame.Ticks``: one bar a tick, in the order of their messages, stamps never falling. ``Seconds``, ``Minutes``
        (default) with any compression; ``Days``.
    source : 'auto', 'bars', 'ticks'
        Minutes and days as the exchange said them (``bars_1m``), or built from ticks; auto: bars where the store has any. Ticks
        and seconds are always made of ticks.
    sessions : bool
        Leave out what lies outside the instrument's own continuous session of that date.
    cache : str or Path
        A folder for ticks once read (`store.cache.DayCache`); default: none.

    Attributes
    ----------
    instrument, tape, ends
        What `VolumeProfile` reads beside the lines, and the exact ends of the bars in ns.
    bars, market, tick_days, bar_quality, silences
        For `AuctionStrategy` and `TickBroker`, as `StoredData` has them; None for a feed of ticks or seconds.
    ticks : TickColumns or None
        Of a feed of ticks or seconds: the ticks in the order of its bars, each column exact.

    Notes
    -----
    Bars are counted from the session's open and never reach over its close: of 30 minutes, the first is 09:15-09:45 and the last
    may be short. Minutes of compression 1 are what a backtest of this package runs on.

    *Causality*: a bar holds what lies within it and is stamped with its end; what the store learnt after `todate` is left out.

    Raises
    ------
    AuctionError
        When made: unknown symbol, nothing in the range, an index (no volume), a store that cannot be opened.
    """

    params = (
        ("store", DEFAULT),
        ("timeframe", bt.TimeFrame.Minutes),
        ("source", "auto"),
        ("sessions", True),
        ("cache", None),
    )

    def __init__(self) -> None:
        super().__init__()
        p = self.p
        unit = _unit(p.timeframe, p.compression, p.source)
        begin, end = _instant(p.fromdate, "fromdate"), _instant(p.todate, "todate", is_last=True)
        if begin is not None and end is not None and begin >= end:
            raise BadInput(f"fromdate {p.fromdate} is not before todate {p.todate}: swap them")
        if not isinstance(p.dataname, str) or not p.dataname:
            raise BadInput("dataname is missing: give the symbol or name the store knows, e.g. QuestDBData(dataname='NIFTY-FUT')")
        self.ticks: TickColumns | None = None
        with _opened(p.store) as store:
            asked = _Asked(store, store.instrument(p.dataname), begin, end, p.sessions, p.source,
                           None if p.cache is None else DayCache(Path(p.cache)))  # fmt: skip
            self._fill(asked, unit)
        # From here on the range is in the bars: backtrader would cut them once more, by other rules.
        p.store = p.fromdate = p.todate = None
        p.tz = IstZone()
        self._name = p.name or self.instrument.symbol
        if p.sessions:
            self._say_session()

    def _say_session(self) -> None:
        # Where backtrader's own resampler ends a day: at the latest close of the range, or it would part days that close later.
        sessions = [session_of(self.instrument, int(day)) for day in np.unique(self.tape.day)]
        if not any(session.is_whole_day for session in sessions):
            self.p.sessionstart = self.p.sessionstart or _time(min(s.open for s in sessions))
            self.p.sessionend = self.p.sessionend or _time(max(s.close for s in sessions))

    def _fill(self, asked: _Asked, unit: int) -> None:
        if unit < MINUTE_NS:
            self._fill_ticks(asked, unit)
            return
        recorded = asked.recorded()
        width = unit * int(self.p.compression)
        if width == MINUTE_NS:
            self._carry(recorded, recorded.bars.ts + MINUTE_NS)
            return
        sessions = {day: session_of(asked.instrument, day) for day in recorded.sessions}
        begin, end = bins_of(recorded.bars.ts, sessions, width)
        bars, first, last = merged_bars(recorded.bars, np.maximum(begin, asked.begin))
        market = None if recorded.market is None else merged_market(recorded.market, last)
        silences = None if recorded.silences is None else np.maximum.reduceat(recorded.silences, first)
        merged = replace(recorded, bars=bars, tape=merged_tape(recorded.tape, first), market=market, silences=silences,
                         tick_days=recorded.tick_days[last], quality=merged_quality(recorded.quality, first))  # fmt: skip
        self._carry(merged, np.minimum(end[first], asked.end))

    def _fill_ticks(self, asked: _Asked, unit: int) -> None:
        ticks = asked.ticks()
        if unit:
            sessions = {int(day): session_of(asked.instrument, int(day)) for day in np.unique(day_index(ticks.ts))}
            begin, end = bins_of(ticks.ts, sessions, unit * int(self.p.compression))
            begin, end = np.maximum(begin, asked.begin), np.minimum(end, asked.end)
            self._candles, self.ends, ticks, offsets = bars_of_ticks(ticks, begin, end)
        else:
            self.ends = np.maximum.accumulate(ticks.ts)
            offsets = np.arange(len(ticks) + 1)
            same = (ticks.price,) * 4
            self._candles = BarColumns(self.ends, *same, ticks.size, ticks.size, ticks.seq, np.zeros_like(ticks.seq))
        bars = self._candles
        self.instrument, self.ticks = asked.instrument, ticks
        k = to_ticks(ticks.price, float(asked.instrument.tick))
        self.tape = TickTape(offsets, k, ticks.size, day_index(bars.ts), np.zeros(len(bars), dtype=np.int64))
        self._oi = np.nan_to_num(ticks.oi[offsets[1:] - 1])
        # To a broker these bars are plain candles: what it could match them on is what they are made of.
        nothing: Any = None
        self.bars = self.market = self.tick_days = self.bar_quality = self.silences = nothing

    def _columns(self) -> dict[str, F64]:
        bars = self.bars if self.bars is not None else self._candles
        # A day that ends at midnight is not a bar of the next date.
        ends = self.ends
        if self.p.timeframe == bt.TimeFrame.Days:
            ends = np.where(ends == day_start(day_index(ends)), ends - 1_000_000, ends)
        columns = lines_of(ends, bars)
        if self.ticks is not None:
            columns["openinterest"] = self._oi
        return columns


@dataclass(frozen=True, slots=True)
class _Asked:
    """A symbol of a store and a range of it."""

    store: TickStore
    instrument: Instrument
    given_begin: int | None
    given_end: int | None
    in_sessions: bool
    source: str
    cache: DayCache | None

    @property
    def begin(self) -> int:
        return -_LAST_NS if self.given_begin is None else self.given_begin

    @property
    def end(self) -> int:
        return _LAST_NS if self.given_end is None else self.given_end

    def recorded(self) -> Recorded:
        """Return its minutes; raise where there is none."""
        self._check_days()
        built = self.source == "ticks"
        if self.source == "auto":
            built = not len(self.store.bars(self.instrument.symbol, self.begin, self.end))
        found = load(self.store, self.instrument, self.begin, self.end, self.cache,
                     in_sessions=self.in_sessions, built=built)  # fmt: skip
        if not len(found.bars):
            raise self._nothing("ticks" if built else "bars")
        self._check_volume(bool(found.bars.volume.any() or found.tape.size.any()))
        return found

    def ticks(self) -> TickColumns:
        """Return its ticks; raise where there is none."""
        self._check_days()
        read = (self.instrument.symbol, self.begin, self.end)
        found = self.store.ticks(*read) if self.cache is None else self.cache.ticks(self.store, *read)
        days: I64 = np.unique(day_index(found.ts))
        sessions = {int(day): session_of(self.instrument, int(day)) if self.in_sessions else WHOLE_DAY for day in days}
        found = found.take(inside(found.ts, sessions))
        if not len(found):
            raise self._nothing("ticks")
        self._check_volume(bool(found.size.any()))
        return found

    def _check_days(self) -> None:
        days = self.store.days(self.instrument.symbol)
        if not days:
            raise NothingToDo(f"the store knows {self.instrument.symbol} but holds no data of it: import or record some")
        if not any(day_start(day) < self.end and day_start(day + 1) > self.begin for day in days):
            held = f"the store has {to_date(days[0])} to {to_date(days[-1])}"
            raise NothingToDo(f"no data of {self.instrument.symbol} {self._range()}: {held}")
        self._check_volume(True)

    def _check_volume(self, has_volume: bool) -> None:
        if self.instrument.kind is Kind.INDEX or not has_volume:
            raise BadInput(f"{self.instrument.symbol} has no volume, so it has no volume profile: take its future, "
                           "e.g. NIFTY-FUT for NIFTY 50")  # fmt: skip

    def _nothing(self, what: str) -> NothingToDo:
        read = self.instrument.symbol, self.begin, self.end
        held = {"ticks": len(self.store.ticks(*read)), "bars": len(self.store.bars(*read))}
        cure = "look at what it holds with the data command"
        if held[what]:
            what += " inside the session"
            cure = "sessions=False shows what lies outside it"
        elif held["bars"]:
            cure = "the store has bars: take minutes or days"
        elif held["ticks"]:
            cure = "the store has ticks: source='ticks' builds bars of them"
        return NothingToDo(f"no {what} of {self.instrument.symbol} {self._range()}: {cure}")

    def _range(self) -> str:
        begin = "" if self.given_begin is None else f"from {_said(self.given_begin)}"
        end = "" if self.given_end is None else f"to {_said(self.given_end - 1)}"
        return " ".join(filter(None, (begin, end))) or "at all"


def _said(ts: int) -> str:
    return f"{to_date(day_index(ts))} {clock_text(ts)}"


def _unit(timeframe: int, compression: int, source: str) -> int:
    # 0 for ticks.
    if source not in _SOURCES:
        raise BadInput(f"source must be {', '.join(_SOURCES)}, not {source!r}")
    if timeframe != bt.TimeFrame.Ticks and timeframe not in _UNIT_NS:
        name = bt.TimeFrame.getname(timeframe, 1)
        raise BadInput(f"timeframe {name} is none of Ticks, Seconds, Minutes, Days: make it with cerebro.resampledata")
    unit = _UNIT_NS.get(timeframe, 0)
    if isinstance(compression, bool) or not isinstance(compression, int) or compression < 1:
        raise BadInput(f"compression {compression!r} must be a whole number, 1 or more")
    if compression > 1 and unit in {0, DAY_NS}:
        raise BadInput(f"compression {compression} of {'days' if unit else 'ticks'}: make it with cerebro.resampledata")
    if source == "bars" and unit < MINUTE_NS:
        raise BadInput("bars of ticks or seconds are made of ticks: leave source at 'auto'")
    return unit


def _instant(given: object, name: str, *, is_last: bool = False) -> int | None:
    if given is None:
        return None
    if isinstance(given, dt.datetime):
        since = (given if given.tzinfo else given.replace(tzinfo=IST)) - _EPOCH
        return (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1000
    if isinstance(given, dt.date):
        return day_start(from_date(given) + is_last)
    raise BadInput(f"{name} {given!r} must be a date or a datetime")


def _time(since_midnight: int) -> dt.time:
    minutes = since_midnight // MINUTE_NS
    return dt.time(minutes // 60, minutes % 60)


@contextmanager
def _opened(store: Any) -> Iterator[TickStore]:
    if not isinstance(store, str):
        yield store
        return
    with open_store(store, readonly=True) as opened:
        yield opened
