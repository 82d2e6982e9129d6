"""Candles as the history API gives them: of one minute from ticks, and of longer from those. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from auction_bt.core.ist import MINUTE_NS, day_index, day_start, from_date, minute_start, to_date, to_datetime

_OPEN: Final = (9 * 60 + 15) * MINUTE_NS  # candles of some minutes are counted from here
_MOST: Final = {"minutes": 300, "hours": 5, "days": 1, "weeks": 1, "months": 1}


@dataclass(frozen=True, slots=True)
class Candle:
    """What was traded from one time to another.

    Parameters
    ----------
    ts : int, ns
        When it begins.
    open, high, low, close : float, rupees
    volume : int, shares
    """

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: int

    def with_trade(self, price: float, size: int) -> Candle:
        """Return the candle after one more trade."""
        return Candle(self.ts, self.open, max(self.high, price), min(self.low, price), price, self.volume + size)

    @property
    def row(self) -> list[object]:
        """As the broker writes it: ISO time in IST, prices, volume, open interest."""
        return [to_datetime(self.ts).isoformat(), self.open, self.high, self.low, self.close, self.volume, 0]


Past = Callable[[str, int], Sequence[Candle]]


class Minutes:
    """One-minute candles: today's as they grow, and those of earlier days from elsewhere.

    Parameters
    ----------
    past : callable or None
        ``(key, IST day)`` to the candles of that day, oldest first.
    """

    def __init__(self, past: Past | None = None) -> None:
        self._past = past
        self._today: dict[str, dict[int, Candle]] = {}

    def add(self, key: str, ts: int, price: float, size: int) -> None:
        """Count a tick; a change of the book alone is none."""
        if not size:
            return
        candles, minute = self._today.setdefault(key, {}), minute_start(ts)
        before = candles.get(minute)
        candles[minute] = before.with_trade(price, size) if before else Candle(minute, price, price, price, price, size)

    def put(self, key: str, candle: Candle) -> None:
        """Take a minute of today as it is, in place of what was counted."""
        self._today.setdefault(key, {})[candle.ts] = candle

    def of(self, key: str, day: int, now: int) -> list[Candle]:
        """Return the candles of an IST day that had begun by `now`, oldest first."""
        if day < day_index(now):
            return list(self._past(key, day)) if self._past is not None else []
        found = self._today.get(key, {})
        return [found[ts] for ts in sorted(found) if day_index(ts) == day and ts <= now]


def most_days(unit: str, interval: int) -> int | None:
    """Return how many days one question may span; None: any.

    Raises
    ------
    KeyError
        There are no such candles.
    """
    if not 1 <= interval <= _MOST[unit]:
        raise KeyError(interval)
    if unit == "minutes":
        return 31 if interval <= 15 else 92
    return {"hours": 92, "days": 3653}.get(unit)


def merged(candles: Iterable[Candle], unit: str, interval: int) -> list[Candle]:
    """Return longer candles made of shorter ones, oldest first."""
    found: dict[int, Candle] = {}
    for candle in candles:
        begin = _begin(candle.ts, unit, interval)
        had = found.get(begin)
        if had is None:
            found[begin] = Candle(begin, candle.open, candle.high, candle.low, candle.close, candle.volume)
        else:
            high, low = max(had.high, candle.high), min(had.low, candle.low)
            found[begin] = Candle(begin, had.open, high, low, candle.close, had.volume + candle.volume)
    return [found[begin] for begin in sorted(found)]


def _begin(ts: int, unit: str, interval: int) -> int:
    day = day_index(ts)
    if unit in {"minutes", "hours"}:
        start, step = day_start(day) + _OPEN, interval * (60 if unit == "hours" else 1) * MINUTE_NS
        return start + (ts - start) // step * step
    when = to_date(day)
    if unit == "weeks":
        when -= timedelta(days=when.weekday())
    elif unit == "months":
        when = date(when.year, when.month, 1)
    return day_start(from_date(when))
