"""Imported ticks and bars joined with those the store has: nothing twice, nothing lost, what is stored stays."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from auction_bt.core.bar import BarColumns, Source
from auction_bt.core.ist import DAY_NS, IST_OFFSET_NS, day_start
from auction_bt.core.tick import I64, TickColumns
from auction_bt.core.tick_bars import bars_of_ticks, with_candles
from auction_bt.store import TickStore


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the rows of a file.

    Parameters
    ----------
    stored, already : int
        Rows added, and rows that were there.
    conflicts : int
        Bars of a minute that the store has with other values; the stored ones stay.
    recorded : int
        Rows of days that have recorded messages: these days come from the messages alone, or a rebuild would lose the rows.
    days : tuple of int
        IST days of the file's rows.
    replaced : int
        Of those stored, bars that took the place of another candle.
    """

    stored: int
    already: int
    conflicts: int
    recorded: int
    days: tuple[int, ...]
    replaced: int = 0


def merge_ticks(store: TickStore, symbol: str, new: TickColumns) -> Merged:
    """Add ticks; a tick is the same as a stored one by all its columns but `seq` and `clock`, counted as often as it occurs.

    Parameters
    ----------
    new : TickColumns
        In file order, with the wanted `seq`: a new tick is put there or at the next free ns.

    Notes
    -----
    `seq` of a stored tick never changes. `clock` is the greatest `ts` before the tick. Causal.
    """
    with store.writing():
        day = _days(new.ts)
        recorded = set(store.raw_days(symbol))
        is_recorded = np.isin(day, list(recorded))
        new = new.take(~is_recorded)
        days = np.unique(day[~is_recorded]).tolist()
        touched = _with_neighbours(days, [h.day for h in store.holdings(symbol) if h.ticks and h.day not in recorded])
        old = TickColumns.join([store.ticks(symbol, day_start(d), day_start(d + 1)) for d in touched])
        fresh = new.take(~_already(old, new))
        if len(fresh):
            _write(store, symbol, touched, days[-1], _joined(old, fresh))
        return Merged(len(fresh), len(new) - len(fresh), 0, int(is_recorded.sum()), tuple(np.unique(day).tolist()))


def merge_bars(store: TickStore, symbol: str, new: BarColumns, *, replaces: bool = False) -> Merged:
    """Add bars; a bar built from ticks gives way to an imported one, any other stored bar stays.

    Parameters
    ----------
    replaces : bool
        A stored candle gives way too, where the new one has other values; the exchange's own minute (I1) never does.
    """
    with store.writing():
        day = _days(new.ts)
        is_recorded = np.isin(day, store.raw_days(symbol))
        new = new.take(~is_recorded)
        stored = already = conflicts = replaced = 0
        for number in np.unique(day[~is_recorded]).tolist():
            begin, end = day_start(number), day_start(number + 1)
            mine = new.take((new.ts >= begin) & (new.ts < end))
            old = store.bars(symbol, begin, end)
            built = old.source == int(Source.TICKS)
            kept = old.take(~built)
            same, differs = _compare(kept, mine)
            if replaces:
                gives_way = np.isin(kept.ts, mine.ts[differs]) & (kept.source == int(Source.CANDLES))
                differs &= ~np.isin(mine.ts, kept.ts[gives_way])
                kept = kept.take(~gives_way)
                replaced += int(gives_way.sum())
            already += int(same.sum())
            conflicts += int(differs.sum())
            fresh = mine.take(~same & ~differs)
            stored += len(fresh)
            if len(fresh):
                ticks = store.ticks(symbol, begin, end)
                bars = with_candles(old.take(built), _sorted(kept, fresh), ticks)
                store.put_derived(symbol, range(number, number + 1), ticks, bars, store.gaps(symbol, begin, end))
        return Merged(stored, already, conflicts, int(is_recorded.sum()), tuple(np.unique(day).tolist()), replaced)


def free_places(wanted: I64, taken: I64) -> I64:
    """Return for each wanted stamp itself or the next free one, each given once, in the order of `wanted`.

    Parameters
    ----------
    wanted : int64 (n,), ns
        Ascending.
    taken : int64 (m,), ns
        Ascending, each once.
    """
    place = np.arange(len(wanted))
    out: I64 = np.maximum.accumulate(wanted - place) + place
    if len(taken) == 0:
        return out
    ends = np.flatnonzero(np.append(np.diff(taken) != 1, True))  # last of each run without a gap
    after = taken[ends[np.searchsorted(ends, np.arange(len(taken)))]] + 1
    while True:
        at = np.searchsorted(taken, out)
        hit = at < len(taken)
        hit[hit] = taken[at[hit]] == out[hit]
        if not hit.any():
            return out
        out = np.where(hit, after[np.minimum(at, len(taken) - 1)], out)
        out = np.maximum.accumulate(out - place) + place


def _days(ts: I64) -> I64:
    return (ts + IST_OFFSET_NS) // DAY_NS


def _with_neighbours(days: list[int], stored: list[int]) -> list[int]:
    """Return `days`, the stored ones among them, and the stored one on either side.

    The last bar of a day is known at the next day's first tick, and that tick's clock is this day's: both may change.
    """
    if not days:
        return []
    before = [d for d in stored if d < days[0]][-1:]
    after = [d for d in stored if d > days[-1]][:1]
    return sorted({*before, *days, *(d for d in stored if days[0] < d < days[-1]), *after})


def _already(old: TickColumns, new: TickColumns) -> NDArray[np.bool_]:
    """Return where the k-th of equal new rows finds a k-th of equal old ones."""
    if len(old) == 0 or len(new) == 0:
        return np.zeros(len(new), dtype=bool)
    code = np.zeros(len(old) + len(new), dtype=np.int64)
    for name in ("ts", "price", "size", "vtt", "bid", "ask", "oi"):
        bits = np.concatenate([getattr(old, name), getattr(new, name)]).view(np.int64)
        if bool((bits == bits[0]).all()):
            continue
        values, inverse = np.unique(bits, return_inverse=True)
        _, code = np.unique(code * len(values) + inverse, return_inverse=True)
    there = np.bincount(code[: len(old)], minlength=int(code.max()) + 1)
    mine = code[len(old) :]
    order = np.argsort(mine, kind="stable")
    ranked = mine[order]
    begins = np.flatnonzero(np.diff(ranked, prepend=-1))
    counts = np.diff(np.append(begins, len(ranked)))
    rank = np.empty(len(mine), dtype=np.int64)
    rank[order] = np.arange(len(ranked)) - np.repeat(begins, counts)
    found: NDArray[np.bool_] = rank < there[mine]
    return found


def _joined(old: TickColumns, fresh: TickColumns) -> TickColumns:
    """Return all ticks in `seq` order with their clocks."""
    fresh = fresh.take(np.argsort(fresh.seq, kind="stable"))
    seq = free_places(fresh.seq, np.sort(old.seq))
    placed = replace(fresh, seq=seq)
    every = TickColumns.join([old, placed])
    every = every.take(np.argsort(every.seq, kind="stable"))
    clock = np.maximum.accumulate(np.append(every.clock[:1], every.ts[:-1]))
    return replace(every, clock=clock)


def _write(store: TickStore, symbol: str, touched: list[int], last: int, every: TickColumns) -> None:
    bars = bars_of_ticks(every)
    day, bar_day = _days(every.ts), _days(bars.ts)
    for number in touched:
        begin, end = day_start(number), day_start(number + 1)
        ticks = every.take(day == number)
        stored = store.bars(symbol, begin, end)
        if number > last:  # its own bars rest on the days after it, which are not here
            rebuilt = stored
        else:
            rebuilt = with_candles(bars.take(bar_day == number), stored.take(stored.source != int(Source.TICKS)), ticks)
        store.put_derived(symbol, range(number, number + 1), ticks, rebuilt, store.gaps(symbol, begin, end))


def _compare(kept: BarColumns, mine: BarColumns) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which of `mine` are in `kept` with the same values, and which with others."""
    place = np.searchsorted(kept.ts, mine.ts)
    match = place < len(kept)
    match[match] = kept.ts[place[match]] == mine.ts[match]
    same = match.copy()
    for name in ("open", "high", "low", "close", "volume"):
        same[match] &= getattr(kept, name)[place[match]] == getattr(mine, name)[match]
    return same, match & ~same


def _sorted(first: BarColumns, second: BarColumns) -> BarColumns:
    joined = BarColumns(*(np.concatenate([getattr(first, f.name), getattr(second, f.name)]) for f in fields(first)))
    return joined.take(np.argsort(joined.ts, kind="stable"))
