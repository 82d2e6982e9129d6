"""Bars of any length, made of ticks or of minutes: counted from the session's open, never across a close or a day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .bar import BarColumns, Source
from .ist import DAY_NS, day_index, day_start
from .market import MarketTape
from .session import Session
from .tape import TickTape
from .tick import F64, I64, TickColumns


def bounds_of(ts: I64, sessions: dict[int, Session]) -> tuple[I64, I64]:
    """Return begin and end (ns) of the session of each stamp's day; `sessions` has every day of `ts`."""
    days = np.array(sorted(sessions), dtype=np.int64)
    bounds = np.array([sessions[int(day)].bounds(int(day)) for day in days], dtype=np.int64).reshape(-1, 2)
    begin, end = bounds[np.searchsorted(days, day_index(ts))].T
    return begin, end


def bins_of(ts: I64, sessions: dict[int, Session], width: int) -> tuple[I64, I64]:
    """Return begin and end (ns) of the bin each stamp falls in.

    Parameters
    ----------
    ts : int64, shape (n,), ns
    sessions : dict of day to Session
        Of every day of `ts`.
    width : int, ns
        A day or more: one bin a day.

    Notes
    -----
    Bins are counted from the open; the last one ends at the close. Stamps outside the session have bins of their own: the last of
    them before it ends at the open, the first after it begins at the close. Where there is one bin a day, they are in it.
    """
    first = day_start(day_index(ts))
    last = first + DAY_NS
    opened, closed = bounds_of(ts, sessions)
    if width >= DAY_NS:
        is_outside = (ts < opened) | (ts >= closed)
        with_others = np.isin(day_index(ts), day_index(ts[is_outside]))
        return np.where(with_others, first, opened), np.where(with_others, last, closed)
    origin = np.where(ts >= closed, closed, opened)
    begin = origin + (ts - origin) // width * width
    end = np.minimum(begin + width, np.where(ts < opened, opened, np.where(ts < closed, closed, last)))
    return np.maximum(begin, first), end


def bars_of_ticks(ticks: TickColumns, begin: I64, end: I64) -> tuple[BarColumns, I64, TickColumns, I64]:
    """Return bars built from ticks: (bars, their ends in ns, the ticks in the order of the bars, offsets of each bar's ticks).

    Parameters
    ----------
    ticks : TickColumns
        In `seq` order.
    begin, end : int64, shape (n_ticks,), ns
        The bin of each (`bins_of`).

    Notes
    -----
    A tick of a bin that is closed by then counts as volume of the one that is open, and moves no price. A bar is known at the
    day's first tick of a later bin; a day's last one when it ends.
    """
    day = day_index(ticks.ts)
    if bool((np.diff(day) < 0).any()):  # a trade of yesterday told today belongs to yesterday
        order = np.argsort(day, kind="stable")
        ticks, begin, end, day = ticks.take(order), begin[order], end[order], day[order]
    if not len(ticks):
        empty = np.empty(0, dtype=np.int64)
        return BarColumns.empty(), empty, ticks, np.zeros(1, dtype=np.int64)
    own = np.maximum.accumulate(begin)
    in_time = begin == own
    first = np.flatnonzero(np.diff(own, prepend=own[0] - 1))
    last = np.append(first[1:], len(own)) - 1
    close = np.maximum.reduceat(np.where(in_time, np.arange(len(own)), 0), first)
    volume = np.add.reduceat(ticks.size, first)
    ends = end[first]
    known = np.maximum(ends, ticks.seq[last])
    goes_on = np.flatnonzero(day[first][1:] == day[first][:-1])
    known[goes_on] = ticks.seq[first][goes_on + 1]
    bars = BarColumns(
        own[first],
        ticks.price[first],
        np.maximum.reduceat(np.where(in_time, ticks.price, -np.inf), first),
        np.minimum.reduceat(np.where(in_time, ticks.price, np.inf), first),
        ticks.price[close],
        volume,
        volume,
        known,
        np.full(len(first), int(Source.TICKS), dtype=np.int64),
    )
    return bars, ends, ticks, np.append(first, len(own)).astype(np.int64)


def merged_bars(bars: BarColumns, begin: I64) -> tuple[BarColumns, I64, I64]:
    """Return bars made of minutes: (bars, index of the first minute of each, index of the last).

    Parameters
    ----------
    bars : BarColumns
        In `ts` order, at least one.
    begin : int64, shape (n_bars,), ns
        Where the bin of each begins (`bins_of`).
    """
    first = np.flatnonzero(np.diff(begin, prepend=begin[0] - 1))
    last = np.append(first[1:], len(begin)) - 1
    found = BarColumns(
        begin[first],
        bars.open[first],
        np.maximum.reduceat(bars.high, first),
        np.minimum.reduceat(bars.low, first),
        bars.close[last],
        np.add.reduceat(bars.volume, first),
        np.add.reduceat(bars.tick_volume, first),
        bars.known_seq[last],
        np.maximum.reduceat(bars.source, first),
    )
    return found, first, last


def merged_tape(tape: TickTape, first: I64) -> TickTape:
    """Return the tape of bars of which each begins at bar `first` of this one."""
    return TickTape(tape.offsets[np.append(first, len(tape))], tape.k, tape.size, tape.day[first], tape.contract[first])


def merged_market(market: MarketTape, last: I64) -> MarketTape:
    """Return the same ticks for bars of which each ends with bar `last`."""
    return replace(market, known=market.known[last])


def merged_quality(quality: F64, first: I64) -> F64:
    """Return the mean of each bar's minutes; NaN where none of them has one."""
    judged = ~np.isnan(quality)
    count = np.add.reduceat(judged.astype(np.int64), first)
    total = np.add.reduceat(np.where(judged, quality, 0.0), first)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
