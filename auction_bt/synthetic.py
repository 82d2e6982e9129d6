"""A made-up market day as the broker's feed would show it: trades from a seed, conflated into decoded v3 ``full`` messages.

`tape` is the truth (every trade), `conflate` is what a subscriber sees of it, `messages` is both, `merge` is several symbols on
one socket. Nothing here is a recording and nothing reads a clock: equal arguments give equal bytes.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final
from zlib import crc32

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .core.errors import BadInput
from .core.instrument import Instrument, Kind
from .core.ist import MINUTE_NS, SECOND_NS, day_start, from_date
from .core.tick import F64, I64
from .market.sessions import session_of

Message = dict[str, Any]  # JSON, as the SDK decodes it

_MS: Final = 1_000_000
_SECONDS_OF_MINUTE: Final = 60


class Shape(StrEnum):
    """What kind of day it is."""

    BALANCED = "balanced"  # pulled back to one value: a bell of volume around it
    TREND = "trend"  # impulses with rests, all one way
    WALK = "walk"  # no pull and no direction: the control


DEMO: Final = {
    Shape.BALANCED: Instrument("NSE_FO|DEMO-BALANCED", Decimal("0.10"), 250, Kind.FUTURE, "Demo balanced (synthetic)"),
    Shape.TREND: Instrument("NSE_FO|DEMO-TREND", Decimal("0.10"), 250, Kind.FUTURE, "Demo trend (synthetic)"),
    Shape.WALK: Instrument("NSE_FO|DEMO-WALK", Decimal("0.10"), 250, Kind.FUTURE, "Demo random walk (synthetic)"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """Every trade of one symbol on one day.

    Parameters
    ----------
    instrument : Instrument
    begin, end : int, ns
        The session, half-open.
    previous_close : float, rupees
    ts : int64, shape (n,), ns
        Whole milliseconds, not decreasing.
    ticks : int64, shape (n,), ticks
    size : int64, shape (n,), shares
    """

    instrument: Instrument
    begin: int
    end: int
    previous_close: float
    ts: I64
    ticks: I64
    size: I64

    @property
    def close(self) -> float:
        """Price of the last trade: the next day's `start_price`."""
        return self.instrument.to_price(int(self.ticks[-1]))


def tape(
    instrument: Instrument,
    day: date,
    shape: Shape | str,
    seed: int | Generator,
    start_price: float = 2400.0,
    per_minute: int = 20,
) -> Tape:
    """Return the trades of `instrument` on `day`.

    Parameters
    ----------
    seed : int or Generator
        A number is mixed with symbol and day, so one seed serves many of both; a Generator is used as it is.
    start_price : float, rupees
        Price of the open and, on a balanced day, the value it is pulled to.
    per_minute : int, messages a minute
        What `conflate` will show; orders arrive a little less often, each in one to some trades.

    Notes
    -----
    Balanced: an Ornstein-Uhlenbeck pull with a half-life of six minutes. Trend: impulses of 20-40 and rests of 15-30 minutes.
    Walk: independent steps, 0.8 % a day.
    """
    shape = _shape(shape)
    if per_minute < 1:
        raise BadInput(f"messages a minute must be 1 or more, not {per_minute}")
    start = instrument.to_ticks(start_price) if np.isfinite(start_price) else 0
    if start < 100:
        raise BadInput(f"{instrument.symbol}: start price {start_price} leaves no room above 0 in ticks of {instrument.tick}")
    session = session_of(instrument, from_date(day))
    if session.is_closed:
        raise BadInput(f"the exchange is closed on {day} ({day:%A}): choose a trading day")
    begin, end = session.bounds(from_date(day))
    rng = _generator(seed, instrument.symbol, day, "tape")
    seconds = (end - begin) // SECOND_NS

    path = start + start * _PATHS[shape](rng, seconds)
    # Busy at the open and the close, as every session is; gaps between orders vary less than Poisson's, as price has no holes.
    rate = 0.6 * per_minute / _SECONDS_OF_MINUTE * (0.7 + 0.9 * np.linspace(-1, 1, seconds) ** 2)
    due = np.append(0.0, np.cumsum(rate))
    arrival = np.cumsum(rng.gamma(3, 1 / 3, int(due[-1] + 6 * due[-1] ** 0.5 + 6)))
    at_ms = np.floor(np.interp(arrival[arrival < due[-1]], due, np.arange(seconds + 1)) * 1000).astype(np.int64)
    if not len(at_ms):
        at_ms = np.zeros(1, np.int64)

    trades = rng.geometric(0.25, len(at_ms))  # an order takes the book trade by trade
    order = np.repeat(np.arange(len(at_ms)), trades)
    nth = np.arange(len(order)) - np.repeat(np.cumsum(trades) - trades, trades)
    at_ms = np.minimum(at_ms[order] + nth * 3, seconds * 1000 - 1)
    in_time = np.argsort(at_ms, kind="stable")
    side = rng.choice(np.array([-1, 1]), len(at_ms))[order]
    ticks = np.rint(path[at_ms // 1000]).astype(np.int64) + np.where(side > 0, 1, 0) + side * (nth // 4)
    lots = rng.geometric(0.35, len(order))
    return Tape(
        instrument,
        begin,
        end,
        instrument.to_price(start),
        begin + at_ms[in_time] * _MS,
        np.maximum(ticks[in_time], 1),
        lots[in_time].astype(np.int64) * instrument.lot,
    )


def conflate(trades: Tape, seed: int | Generator, per_minute: int = 20) -> Iterator[tuple[int, Message]]:
    """Yield (receive stamp in ns, message) of one symbol: snapshots of the tape, about `per_minute` a minute.

    Notes
    -----
    As measured on the real feed: a message covers several trades; a third and more change only the book; a few pairs come
    swapped and a few messages twice; the first data frame has no ``type`` and carries yesterday's trade; zero fields are absent;
    ``I1`` is the last minute that had trades before the minute of the message's ``ltt`` (after the close: before now), never a
    forming one.
    Stamps rise strictly and lie 5 ms and more after ``currentTs``.
    """
    day = date.fromordinal(date(1970, 1, 1).toordinal() + (trades.begin // MINUTE_NS + 330) // 1440)
    rng = _generator(seed, trades.instrument.symbol, day, "feed")
    return _conflated(trades, rng, per_minute, day)


def messages(
    symbol: str,
    day: date,
    shape: Shape | str,
    seed: int | Generator,
    start_price: float = 2400.0,
    tick: Decimal | float | str = Decimal("0.10"),
    per_minute: int = 20,
    lot: int = 250,
    kind: Kind = Kind.FUTURE,
) -> Iterator[tuple[int, Message]]:
    """Yield (receive stamp in ns, decoded v3 ``full`` message) of one made-up day of `symbol`; see `tape` and `conflate`."""
    instrument = Instrument(symbol, Decimal(str(tick)), lot, kind)
    return conflate(tape(instrument, day, shape, seed, start_price, per_minute), seed, per_minute)


def merge(*streams: Iterable[tuple[int, Message]]) -> Iterator[tuple[int, Message]]:
    """Yield several symbols' messages as one socket would: by stamp, stamps unique, each market status once."""
    last, status = -1, None
    for stamp, message in heapq.merge(*streams, key=lambda item: item[0]):
        if "marketInfo" in message:
            if message["marketInfo"] == status:
                continue
            status = message["marketInfo"]
        last = max(stamp, last + 1)
        yield last, message


def _shape(shape: Shape | str) -> Shape:
    try:
        return Shape(shape)
    except ValueError:
        raise BadInput(f"shape must be {', '.join(Shape)}, not {shape!r}") from None


def _generator(seed: int | Generator, symbol: str, day: date, purpose: str) -> Generator:
    if isinstance(seed, Generator):
        return seed
    if seed < 0:
        raise BadInput(f"seed must be 0 or more, not {seed}")
    return np.random.default_rng([seed, crc32(symbol.encode()), day.toordinal(), crc32(purpose.encode())])


def _pulled(rng: Generator, seconds: int, half_life: float, spread: float) -> F64:
    """Ornstein-Uhlenbeck deviations with standard deviation `spread`, from 0."""
    keep = 0.5 ** (1 / half_life)
    noise = rng.normal(0, spread * float(np.sqrt(1 - keep * keep)), seconds).tolist()
    out, x = [], 0.0
    for step in noise:
        x = keep * x + step
        out.append(x)
    return np.array(out)


def _balanced(rng: Generator, seconds: int) -> F64:
    value = np.cumsum(rng.normal(0, 0.0006 / np.sqrt(seconds), seconds))
    return value + _pulled(rng, seconds, 6 * _SECONDS_OF_MINUTE, 0.0022)


def _trend(rng: Generator, seconds: int) -> F64:
    speed = np.zeros(seconds)
    at = 0
    while at < seconds:
        impulse, rest = (int(rng.integers(low, high) * _SECONDS_OF_MINUTE) for low, high in ((20, 40), (15, 30)))
        speed[at : at + impulse] = rng.uniform(0.7, 1.3)
        at += impulse + rest
    climb = np.cumsum(speed)
    direction = float(rng.choice(np.array([-1.0, 1.0])))
    whole = direction * rng.uniform(0.014, 0.022)
    return np.asarray(whole * climb / climb[-1] + _pulled(rng, seconds, 4 * _SECONDS_OF_MINUTE, 0.0008))


def _walk(rng: Generator, seconds: int) -> F64:
    return np.asarray(np.cumsum(rng.normal(0, 0.008 / np.sqrt(seconds), seconds)))


_PATHS: Final = {Shape.BALANCED: _balanced, Shape.TREND: _trend, Shape.WALK: _walk}


@dataclass(frozen=True, slots=True, eq=False)
class _Minutes:
    """True minute candles of a tape, in the form of the wire; `start[i]` is where minute i's trades begin."""

    start: list[int]
    candle: list[Message]


def _minutes(trades: Tape) -> _Minutes:
    minute = trades.ts // MINUTE_NS
    start = np.flatnonzero(np.diff(minute, prepend=minute[0] - 1))
    price = trades.instrument.to_price
    columns = (
        trades.ticks[start],
        np.maximum.reduceat(trades.ticks, start),
        np.minimum.reduceat(trades.ticks, start),
        trades.ticks[np.append(start[1:], len(minute)) - 1],
        np.add.reduceat(trades.size, start),
        minute[start] * (MINUTE_NS // _MS),
    )
    rows = zip(*(c.tolist() for c in columns), strict=True)
    return _Minutes(
        start.tolist(), [_candle("I1", price(o), price(h), price(lo), price(c), v, ts) for o, h, lo, c, v, ts in rows]
    )


def _candle(interval: str, open_: float, high: float, low: float, close: float, volume: int, ts_ms: int) -> Message:
    return {"interval": interval, "open": open_, "high": high, "low": low, "close": close, "vol": str(volume), "ts": str(ts_ms)}


def _conflated(trades: Tape, rng: Generator, per_minute: int, day: date) -> Iterator[tuple[int, Message]]:
    instrument, begin, end = trades.instrument, trades.begin, trades.end
    price, lot = instrument.to_price, instrument.lot
    segment = instrument.symbol.partition("|")[0]

    # When frames leave the exchange, and up to which trade each one sees.
    mean = MINUTE_NS // _MS / per_minute
    at = np.cumsum(rng.gamma(4, mean / 4, int((end - begin) / _MS / mean * 1.2 + 40))).astype(np.int64) + 300
    at = (begin // _MS + at[at < (end - begin) // _MS]) * _MS
    at = np.append(at, [end + 2 * SECOND_NS, end + 9 * SECOND_NS])
    seen = np.searchsorted(trades.ts, at - rng.integers(50, 250, len(at)) * _MS, side="right")
    seen = np.maximum.accumulate(np.maximum(seen, 1))
    order = _delivery(rng, seen)
    delay = 5 * _MS + rng.exponential(20 * _MS, len(order)).astype(np.int64)
    stamp = _rising(np.maximum.accumulate(at[order]) + delay)

    high, low = np.maximum.accumulate(trades.ticks), np.minimum.accumulate(trades.ticks)
    volume = np.cumsum(trades.size)
    turnover = np.cumsum(trades.ticks * trades.size)
    minutes = _minutes(trades)
    open_interest = 40_000 * lot + np.cumsum(rng.integers(-2, 3, len(at))) * lot
    books = _books(rng, instrument, trades.ticks[seen - 1], len(at))

    def frame(i: int) -> Message:
        n = int(seen[i])
        last = price(int(trades.ticks[n - 1]))
        candles = [
            _candle("1d", price(int(trades.ticks[0])), price(int(high[n - 1])), price(int(low[n - 1])), last, int(volume[n - 1]),
                    day_start(from_date(day)) // _MS)
        ]  # fmt: skip
        done = len(minutes.candle) if at[i] >= end else bisect_right(minutes.start, n - 1) - 1
        if done > 0:
            candles.append(dict(minutes.candle[done - 1]))
        book, bids, asks = books(i)
        market = {
            "ltpc": {
                "ltp": last,
                "ltt": str(int(trades.ts[n - 1]) // _MS),
                "ltq": str(int(trades.size[n - 1])),
                "cp": trades.previous_close,
            },
            "marketLevel": {"bidAskQuote": book},
            "optionGreeks": {},
            "marketOHLC": {"ohlc": candles},
            "atp": round(float(instrument.tick) * int(turnover[n - 1]) / int(volume[n - 1]), 2),
            "vtt": str(int(volume[n - 1])),
            "oi": float(open_interest[i]),
            "tbq": bids,
            "tsq": asks,
        }
        return _frame(instrument.symbol, market, int(at[i]), first=False)

    opening = begin - 3 * SECOND_NS
    yesterday = day - timedelta(days=3 if day.weekday() == 0 else 1)
    stale = day_start(from_date(yesterday)) + (end - day_start(from_date(day))) - 1300 * _MS
    snapshot = {"ltpc": {"ltp": trades.previous_close, "ltt": str(stale // _MS), "ltq": str(lot), "cp": trades.previous_close}}
    yield opening + 21 * _MS, _status(opening, segment, "PRE_OPEN_END")
    yield opening + 64 * _MS, _frame(instrument.symbol, {**snapshot, "optionGreeks": {}}, opening + 40 * _MS, first=True)
    yield begin + 4 * _MS, _status(begin, segment, "NORMAL_OPEN")
    for when, i in zip(stamp.tolist(), order.tolist(), strict=True):
        yield when, frame(i)
    yield int(max(stamp[-1], end + 10 * SECOND_NS)) + 9 * _MS, _status(end + 10 * SECOND_NS, segment, "NORMAL_CLOSE")


def _delivery(rng: Generator, seen: I64) -> I64:
    """Indices of frames in the order they arrive: a few pairs swapped, a few frames twice; the last two stay."""
    order = np.arange(len(seen))
    moved = np.flatnonzero(np.diff(seen[:-2]) > 0)
    for i in rng.choice(moved, min(3, len(moved)), replace=False) if len(moved) else ():
        order[i], order[i + 1] = order[i + 1], order[i]
    twice = np.sort(rng.choice(len(order) - 2, len(order) // 200, replace=False)) if len(order) > 200 else np.empty(0, np.int64)
    return np.insert(order, twice + 1, order[twice])


def _rising(stamps: NDArray[np.int64]) -> I64:
    """Return the smallest strictly rising stamps not below `stamps`."""
    steps = np.arange(len(stamps))
    return np.asarray(np.maximum.accumulate(stamps - steps) + steps, dtype=np.int64)


def _books(rng: Generator, instrument: Instrument, last: I64, count: int) -> Any:
    """Return a function of the frame's number giving (five levels, total bid, total ask)."""
    lean = rng.integers(0, 2, count)  # whether the last trade took the bid or the ask
    gaps = rng.geometric(0.6, (count, 2, 5))
    lots = rng.geometric(0.12, (count, 2, 5))
    deep = rng.integers(900, 1800, (count, 2))
    bid = last - lean - np.cumsum(gaps[:, 0], axis=1).T + gaps[:, 0, 0]
    ask = last + (1 - lean) + np.cumsum(gaps[:, 1], axis=1).T - gaps[:, 1, 0]

    def book(i: int) -> tuple[list[Message], float, float]:
        levels = []
        for k in range(5):
            quote: Message = {}
            if bid[k, i] > 0:
                quote |= {"bidQ": str(int(lots[i, 0, k]) * instrument.lot), "bidP": instrument.to_price(int(bid[k, i]))}
            levels.append(quote | {"askQ": str(int(lots[i, 1, k]) * instrument.lot), "askP": instrument.to_price(int(ask[k, i]))})
        return levels, float(deep[i, 0] * instrument.lot), float(deep[i, 1] * instrument.lot)

    return book


def _frame(symbol: str, market: Message, at: int, *, first: bool) -> Message:
    kind = {} if first else {"type": "live_feed"}  # initial_feed is 0 on the wire, and zero is not sent
    feed = {"fullFeed": {"marketFF": market}, "requestMode": "full_d5"}
    return {**kind, "feeds": {symbol: feed}, "currentTs": str(at // _MS)}


def _status(at: int, segment: str, status: str) -> Message:
    return {"type": "market_info", "currentTs": str(at // _MS), "marketInfo": {"segmentStatus": {segment: status}}}
