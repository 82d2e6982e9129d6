"""Nanoseconds since 1970 UTC, and the Indian days and minutes they fall in. IST has no daylight saving: UTC+05:30 always."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ns = TypeVar("Ns", int, NDArray[np.int64])

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_NS = 86_400 * SECOND_NS
IST_OFFSET_NS = 19_800 * SECOND_NS
IST = timezone(timedelta(hours=5, minutes=30), "IST")
_EPOCH = date(1970, 1, 1).toordinal()


def day_index(ts: Ns) -> Ns:
    """Return the number of the IST day (days since 1970-01-01) in which `ts` (ns) falls; works on arrays too."""
    return (ts + IST_OFFSET_NS) // DAY_NS


def day_start(index: Ns) -> Ns:
    """Return the first ns of IST day `index`; works on arrays too."""
    return index * DAY_NS - IST_OFFSET_NS


def minute_start(ts: Ns) -> Ns:
    """Return the first ns of the minute of `ts`; works on arrays too (IST minutes are UTC minutes)."""
    return ts - ts % MINUTE_NS


def to_date(index: int) -> date:
    """Return the calendar date of IST day `index`."""
    return date.fromordinal(index + _EPOCH)


def from_date(day: date) -> int:
    """Return the index of an IST calendar date."""
    return day.toordinal() - _EPOCH


def to_datetime(ts: int) -> datetime:
    """Return `ts` (ns) as an aware IST datetime, cut to microseconds."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ts // 1000)).astimezone(IST)


def clock_text(ts: int, fraction: bool = False) -> str:
    """Return ``HH:MM:SS`` in IST (``HH:MM:SS.mmm`` with `fraction`)."""
    text = to_datetime(ts).strftime("%H:%M:%S.%f")
    return text[:-3] if fraction else text[:8]
