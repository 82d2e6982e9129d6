"""Builds recorded days from plain arrays, for tests and benchmarks of everything behind the store."""

from decimal import Decimal
from typing import Any

import numpy as np

from auction_bt.core.bar import NEVER, BarColumns, Source
from auction_bt.core.instrument import Instrument, Kind, to_ticks
from auction_bt.core.ist import MINUTE_NS, day_index, from_date
from auction_bt.core.market import MarketTape
from auction_bt.core.tape import TickTape
from auction_bt.core.tick import TickColumns
from auction_bt.feeds.stored import Recorded
from auction_bt.market.sessions import session_of


def random_ticks(
    days: int, *, per_minute: int, seed: int, step: float = 4.0, start: int = 400_000, tick: float = 0.05
) -> dict[str, Any]:
    """Ticks of a random walk on the price grid, 09:15-15:30 IST of weekdays from 2015-01-05 on, none on a minute's edge."""
    import datetime

    rng = np.random.default_rng(seed)
    minutes = days * 375
    offsets = np.sort(rng.integers(1, 60_000, size=(minutes, per_minute)), axis=1) * 1_000_000
    first = from_date(datetime.date(2015, 1, 5))
    numbers = np.arange(days) // 5 * 7 + np.arange(days) % 5
    starts = ((first + numbers)[:, None] * 1440 + 9 * 60 + 15 + np.arange(375)[None, :]).ravel() * MINUTE_NS - 19_800_000_000_000
    ts = (starts[:, None] + offsets).ravel().astype(np.int64)
    k = start + np.cumsum(np.rint(rng.normal(0, step, len(ts)))).astype(np.int64)
    size = rng.integers(1, 20, len(ts)) * 25
    return {"ts": ts, "k": k, "price": np.round(k * tick, 4), "size": size.astype(np.int64), "tick": tick}


def columns_of(ticks: dict[str, Any], *, spread: int | None = None) -> TickColumns:
    """The ticks as columns; with a book of `spread` ticks around the trade price where given."""
    n = len(ticks["ts"])
    seq = np.maximum.accumulate(ticks["ts"] - np.arange(n)) + np.arange(n)
    none = np.full(n, np.nan)
    half = (spread or 0) * ticks["tick"]
    bid = none if spread is None else np.round(ticks["price"] - half, 4)
    ask = none if spread is None else np.round(ticks["price"] + half, 4)
    clock = np.concatenate(([0], ticks["ts"][:-1]))
    return TickColumns(seq, ticks["ts"], ticks["price"], ticks["size"], np.cumsum(ticks["size"]), bid, ask, none, clock)


def bars_of(ticks: TickColumns) -> BarColumns:
    """One-minute bars built from ticks: known at the first tick of a later minute."""
    minute = ticks.ts // MINUTE_NS
    start = np.concatenate(([0], np.flatnonzero(minute[1:] != minute[:-1]) + 1))
    last = np.concatenate((start[1:], [len(minute)])) - 1
    volume = np.add.reduceat(ticks.size, start)
    known = np.concatenate((ticks.seq[start[1:]], [NEVER]))
    return BarColumns(
        minute[start] * MINUTE_NS, ticks.price[start],
        np.maximum.reduceat(ticks.price, start), np.minimum.reduceat(ticks.price, start),
        ticks.price[last], volume, volume, known, np.full(len(start), int(Source.TICKS)),
    )  # fmt: skip


def recorded(
    ticks: TickColumns,
    *,
    symbol: str = "TEST",
    tick: str = "0.05",
    lot: int = 1,
    kind: Kind = Kind.EQUITY,
    bars_only: bool = False,
) -> Recorded:
    """What the store would give for these ticks."""
    instrument = Instrument(symbol, Decimal(tick), lot, kind)
    bars = bars_of(ticks)
    bars = bars.take(bars.known_seq != NEVER)
    days = day_index(bars.ts)
    sessions = {int(d): session_of(instrument, int(d)) for d in np.unique(days)}
    k = to_ticks(ticks.price, float(tick))
    contract = np.zeros(len(bars), dtype=np.int64)
    if bars_only:
        nothing = np.empty(0, dtype=np.int64)
        tape = TickTape(np.zeros(len(bars) + 1, dtype=np.int64), nothing, nothing, days, contract)
        return Recorded(instrument, bars, tape, None, np.zeros(len(bars), dtype=bool), np.full(len(bars), np.nan), sessions)
    ends = bars.ts + (MINUTE_NS - 1)
    offsets = np.concatenate(([0], np.searchsorted(ticks.ts, ends, side="right"))).astype(np.int64)  # ticks in order of ts
    tape = TickTape(offsets, k[: offsets[-1]], ticks.size[: offsets[-1]], days, contract)
    known = np.searchsorted(ticks.seq, bars.known_seq, side="right").astype(np.int64)
    market = MarketTape(ticks.seq, ticks.ts, k, ticks.price, ticks.bid, ticks.ask, ticks.clock, known, float(tick))
    return Recorded(instrument, bars, tape, market, np.ones(len(bars), dtype=bool), np.ones(len(bars)), sessions)
