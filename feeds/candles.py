"""Minutes that were asked for, as a recorded ``candles`` message brings them. Pure."""

from __future__ import annotations

from auction_bt.core.snapshot import Candle
from auction_bt.feeds.decode import MS, usual_candle

_COLUMNS = 6


def candles_of(message: object) -> tuple[Candle, ...]:
    """Return the minutes of a message's ``rows``: each (start in ns, open, high, low, close in rupees, shares, …).

    Notes
    -----
    A row that can be no bar is left out.
    """
    rows = message.get("rows") if isinstance(message, dict) else None
    found = []
    for row in rows if isinstance(rows, list) else []:
        if not isinstance(row, list) or len(row) < _COLUMNS or not all(type(value) in (int, float) for value in row[:_COLUMNS]):
            continue
        begin, *prices, volume = row[:_COLUMNS]
        if type(begin) is int and type(volume) is int and begin >= 0 <= volume:
            candle = usual_candle(str(begin // MS), str(volume), *map(float, prices))
            if candle is not None:
                found.append(candle)
    return tuple(found)
