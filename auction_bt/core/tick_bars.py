"""Minutes built from whole columns of ticks: what `bar_builder` does one message at a time, where no I1 ever comes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .bar import NEVER, BarColumns, Source
from .ist import DAY_NS, IST_OFFSET_NS, MINUTE_NS
from .limits import LARGEST_VOLUME
from .tick import I64, TickColumns


def bars_of_ticks(ticks: TickColumns) -> BarColumns:
    """Return the bars of `ticks`, ordered by `ts`; each is known at the first tick of a later minute, the last one never.

    Parameters
    ----------
    ticks : TickColumns (n,)
        In `seq` order.

    Returns
    -------
    BarColumns (m,)
        Source `TICKS`; volume and tick volume are the same.

    Notes
    -----
    A tick of a closed minute counts in the volume of the minute that is open then, and in no price.
    Causal: a bar rests on ticks before its `known_seq` alone.
    """
    if len(ticks) == 0:
        return BarColumns.empty()
    minute = minutes_of(ticks)
    # A late tick never reopens a minute of its day; a day is a run of its own however its ticks lie among another's.
    day = (ticks.ts + IST_OFFSET_NS) // DAY_NS
    order = np.argsort(day, kind="stable")
    filed = np.empty_like(minute)
    filed[order] = _running_max(minute[order], day[order])
    starts, place = np.unique(filed, return_inverse=True)
    is_timely = minute == filed
    volume = np.zeros(len(starts), dtype=np.int64)
    np.add.at(volume, place, ticks.size)
    # The sum as floats cannot wrap around: no minute has more than one row may say.
    volume[np.bincount(place, weights=ticks.size) > LARGEST_VOLUME] = LARGEST_VOLUME
    price, where = ticks.price[is_timely], place[is_timely]
    by_minute = np.argsort(where, kind="stable")
    price, where = price[by_minute], where[by_minute]
    first = np.searchsorted(where, np.arange(len(starts)))
    last = np.append(first[1:], len(where)) - 1
    return BarColumns(
        ts=starts,
        open=price[first],
        high=np.maximum.reduceat(price, first),
        low=np.minimum.reduceat(price, first),
        close=price[last],
        volume=volume,
        tick_volume=volume.copy(),
        known_seq=first_later(ticks, starts),
        source=np.full(len(starts), int(Source.TICKS), dtype=np.int64),
    )


def with_candles(built: BarColumns, candles: BarColumns, ticks: TickColumns) -> BarColumns:
    """Return `candles` and, for the minutes they lack, `built`.

    Parameters
    ----------
    built : BarColumns
        From ticks; gives each candle its tick volume.
    candles : BarColumns
        Imported or fetched; the better bar, because extremes between two snapshots are only there.
    ticks : TickColumns
        Of the same days: a candle is known at the first tick of a later minute of its day, else at its minute's end.
    """
    place = np.searchsorted(built.ts, candles.ts)
    match = place < len(built)
    match[match] = built.ts[place[match]] == candles.ts[match]
    tick_volume = candles.tick_volume.copy()
    tick_volume[match] = built.tick_volume[place[match]]
    known = first_later(ticks, candles.ts)
    end = candles.ts + MINUTE_NS
    # The tick that follows on another day may be weeks away in the store: a candle needs none to be complete.
    found = known != NEVER
    at = np.searchsorted(ticks.seq, known[found])
    found[found] = (ticks.ts[at] + IST_OFFSET_NS) // DAY_NS == (candles.ts[found] + IST_OFFSET_NS) // DAY_NS
    candles = BarColumns(
        candles.ts, candles.open, candles.high, candles.low, candles.close, candles.volume,
        tick_volume, np.where(found, known, end), candles.source,
    )  # fmt: skip
    alone = built.take(~np.isin(built.ts, candles.ts))
    joined = _join(alone, candles)
    return joined.take(np.argsort(joined.ts, kind="stable"))


def minutes_of(ticks: TickColumns) -> I64:
    """Return the start of each tick's minute."""
    return ticks.ts - ticks.ts % MINUTE_NS


def first_later(ticks: TickColumns, starts: I64) -> I64:
    """Return for each minute the `seq` of the first tick of a later one, `NEVER` where there is none."""
    if len(ticks) == 0:
        return np.full(len(starts), NEVER, dtype=np.int64)
    reached = np.maximum.accumulate(minutes_of(ticks))
    place = np.searchsorted(reached, starts, side="right")
    seq = np.append(ticks.seq, NEVER)
    found: I64 = seq[place]
    return found


def _running_max(values: I64, group: I64) -> I64:
    """Return the running maximum of each run of equal `group`."""
    out = values.copy()
    edges: NDArray[np.intp] = np.append(np.flatnonzero(np.diff(group, prepend=group[:1] - 1)), len(group))
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        np.maximum.accumulate(values[begin:end], out=out[begin:end])
    return out


def _join(first: BarColumns, second: BarColumns) -> BarColumns:
    names = BarColumns.__dataclass_fields__
    return BarColumns(*(np.concatenate([getattr(first, n), getattr(second, n)]) for n in names))
