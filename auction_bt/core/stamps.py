"""backtrader's float days as nanoseconds."""

from __future__ import annotations

from typing import Any

from .ist import DAY_NS, MINUTE_NS, SECOND_NS

_EPOCH_ORDINAL = 719_163  # backtrader's float days count from the year 1; 1970-01-01 is this one


def to_num(ts: int) -> float:
    """Return `ts` (ns) as backtrader's float days (UTC), the same bits as its `date2num`."""
    return ts // DAY_NS + _EPOCH_ORDINAL + (ts % DAY_NS) / DAY_NS


def to_ns(num: float) -> int:
    """Return backtrader's float days as ns, to the nearest 10 microseconds: what a float day can hold."""
    days = int(num)
    return (days - _EPOCH_ORDINAL) * DAY_NS + round((num - days) * 8_640_000_000) * 10_000


def bar_end_ns(num: float) -> int:
    """Return a bar's stamp as ns, to the nearest millisecond."""
    return (to_ns(num) + 500_000) // 1_000_000 * 1_000_000


def columns_of(data: Any) -> Any:
    """Return the columns a feed carries beside its lines; None where it has none, or a resampler makes other bars of them."""
    return None if getattr(data, "_filters", None) else getattr(data, "bars", None)


def ends_at(data: Any) -> int:
    """Return the end of a feed's current bar, ns: exact where the feed carries columns, else its stamp to the millisecond."""
    bars = columns_of(data)
    if bars is None:
        return bar_end_ns(data.datetime[0])
    ends = getattr(data, "ends", None)  # of a feed whose bars are not all minutes
    return int(ends[len(data) - 1]) if ends is not None else int(bars.ts[len(data) - 1]) + MINUTE_NS


def known_at(data: Any) -> int:
    """Return the `seq` of the message that made a feed's current bar known, ns; its end where the feed does not say."""
    bars = columns_of(data)
    return int(bars.known_seq[len(data) - 1]) if bars is not None else bar_end_ns(data.datetime[0])


_UNIT_NS = {3: SECOND_NS, 4: MINUTE_NS, 5: DAY_NS}  # bt.TimeFrame.Seconds, Minutes, Days


def bar_length_ns(data: Any) -> int:
    """Return the length of a feed's bars in ns; a minute where the feed does not say."""
    return _UNIT_NS.get(data._timeframe, MINUTE_NS) * max(1, data._compression or 1)
