"""One number that names the content of a symbol's day: equal rows have equal seals, in every store."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from hashlib import blake2b
from typing import Any

import numpy as np

from auction_bt.core.bar import BarColumns
from auction_bt.core.ist import day_index
from auction_bt.core.tick import TickColumns

from . import Gap


def seal_of(ticks: TickColumns, bars: BarColumns, gaps: Iterable[Gap]) -> int:
    """Return the seal of a day's rows.

    Parameters
    ----------
    ticks : TickColumns
        In `seq` order.
    bars : BarColumns
        In `ts` order.
    gaps : iterable of Gap
        In any order.

    Returns
    -------
    int
        63 bits, 0 for a day without rows. NaNs are one value, whatever their bits.
    """
    found = sorted({(g.begin, g.end, g.kind, g.volume) for g in gaps})
    if not (len(ticks) or len(bars) or found):
        return 0
    digest = blake2b(digest_size=8)
    for columns in (ticks, bars):
        digest.update(b"%d;" % len(columns))
        for field in fields(columns):
            digest.update(_bytes(getattr(columns, field.name)))
    digest.update(repr(found).encode())
    return (int.from_bytes(digest.digest(), "little") >> 1) or 1


def seals_of(ticks: TickColumns, bars: BarColumns, gaps: Iterable[Gap]) -> dict[int, int]:
    """Return the seal of each IST day that has rows; a gap belongs to the day it begins on."""
    days = day_index(ticks.ts), day_index(bars.ts)
    by_day: dict[int, list[Gap]] = {}
    for gap in gaps:
        by_day.setdefault(day_index(gap.begin), []).append(gap)
    every = sorted({*by_day, *np.unique(np.concatenate(days)).tolist()})
    return {day: seal_of(ticks.take(days[0] == day), bars.take(days[1] == day), by_day.get(day, [])) for day in every}


def _bytes(column: Any) -> bytes:
    if column.dtype == np.float64:
        column = np.where(np.isnan(column), np.nan, column)
    return bytes(np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<"), copy=False).data)
