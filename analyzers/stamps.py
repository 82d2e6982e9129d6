"""Time of a backtrader bar as ns since 1970."""

from __future__ import annotations

from typing import Any

from auction_bt.core.bar import NEVER

_EPOCH = 719163  # ordinal of 1970-01-01, the day backtrader counts as 719163.0
_DAY_MS = 86_400_000


def to_ns(number: float) -> int:
    """Return backtrader's float day `number` as ns since 1970 UTC.

    Notes
    -----
    A float day of our time is good to about ten microseconds, so it is rounded to the millisecond.
    """
    return round((number - _EPOCH) * _DAY_MS) * 1_000_000


def now_ns(data: Any) -> int:
    """Return the time of the current bar of `data`, ns since 1970 UTC."""
    return to_ns(data.datetime[0])


def known_ns(data: Any) -> int:
    """Return when the current bar of `data` became known, ns since 1970 UTC; its own time where the feed does not say."""
    bars = getattr(data, "bars", None)
    seq = NEVER if bars is None else int(bars.known_seq[len(data) - 1])
    return now_ns(data) if seq == NEVER else seq
