"""From the candles of an answer to bars; what cannot be one is rejected and counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from auction_bt.core.bar import Bar, BarColumns, Source
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_start
from auction_bt.core.limits import LARGEST_PRICE, LARGEST_VOLUME
from auction_bt.importing.rejects import Rejects

_NUMBERS: Final = frozenset({int, float})


def bars_of(symbol: str, candles: Iterable[Any], days: range, now: int, rejects: Rejects) -> BarColumns:
    """Return the bars of one answer, oldest first, each known at the end of its minute.

    Parameters
    ----------
    symbol : str
    candles : iterable
        ``[ISO time, open, high, low, close, volume, open interest]`` each, the newest first; the time is the minute's start.
    days : range
        IST days that were asked for.
    now : int, ns
        A minute that has not ended is left out: it is no bar yet.
    rejects : Rejects
        Takes what is damaged, numbered as in the answer.
    """
    begin, end = day_start(days.start), day_start(days.stop)
    bars: dict[int, Bar] = {}
    for number, candle in enumerate(candles, 1):
        bar = _bar(symbol, candle)
        if isinstance(bar, str):
            rejects.add(bar, number)
        elif not begin <= bar.ts < end:
            rejects.add("the time is not of the days asked for", number)
        elif bar.ts in bars:
            rejects.add("the minute came before in the answer", number)
        elif bar.known_seq <= now:
            bars[bar.ts] = bar
    return BarColumns.of([bars[ts] for ts in sorted(bars)])


def _bar(symbol: str, candle: Any) -> Bar | str:
    """Return the bar of one candle, or why it is none."""
    if type(candle) is not list or len(candle) < 6:
        return "no candle"
    stamp, *prices, volume = candle[:6]
    try:
        time = datetime.fromisoformat(stamp)
        if time.tzinfo is None:
            return "the time has no zone"
        ts = int(time.timestamp()) * SECOND_NS
    except (TypeError, ValueError, OverflowError):
        return "the time cannot be read"
    if ts % MINUTE_NS or time.microsecond:
        return "the candle does not begin at a full minute"
    if not all(type(p) in _NUMBERS and 0 < p <= LARGEST_PRICE for p in prices):
        return "a price is missing, not above 0 or impossible"
    if type(volume) not in _NUMBERS or not 0 <= volume <= LARGEST_VOLUME or volume != int(volume):
        return "the volume is missing, negative or no whole number"
    opened, high, low, close = map(float, prices)
    try:
        return Bar(symbol, ts, opened, high, low, close, int(volume), 0, ts + MINUTE_NS, Source.CANDLES)
    except ValueError:
        return "open or close outside low to high"
