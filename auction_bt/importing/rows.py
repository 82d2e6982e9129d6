"""From the columns of a table to ticks or bars; what cannot be one is rejected and counted."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from auction_bt.core.bar import BarColumns, Source
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, IST_OFFSET_NS, MINUTE_NS
from auction_bt.core.limits import LARGEST_PRICE, LARGEST_VOLUME
from auction_bt.core.tick import F64, I64, TickColumns

from .rejects import Rejects
from .stamps import BAD, is_far, parse
from .table import LIKE_BARS, LIKE_TICKS, Table

_BAD_TIME: Final = "the time cannot be read"
_FAR_TIME: Final = "the time is not in the years 1990 to 2199"
_BAD_PRICE: Final = "the price is missing or not above 0"
_TOO_DEAR: Final = "price impossible"
_BAD_SIZE: Final = "the volume is missing, negative or no whole number"
_TOO_MUCH: Final = "volume impossible"


def kind_of(table: Table) -> str:
    """Return ``raw``, ``bars`` or ``ticks``: what the columns can be."""
    if "raw_json" in table.columns:
        return "raw"
    if {"open", "high", "low", "close"} <= table.columns.keys():
        return "bars"
    if "price" in table.columns:
        return "ticks"
    raise BadInput(f"{table.path}: neither a price nor open, high, low, close; the columns are {', '.join(table.names)}: "
                   f"say which with --map price=COLUMN, or write a header like {LIKE_BARS}; of ticks, {LIKE_TICKS}")  # fmt: skip


def ticks_of(table: Table, zone: ZoneInfo | None, rejects: Rejects) -> tuple[TickColumns, int]:
    """Return the ticks of a table in its order, and how many rows of size 0 were left out.

    Returns
    -------
    TickColumns (n,)
        `seq` is the wanted one: the file's where it has the column, else `ts`. `clock` is not set.
    int
        Rows of size 0 are no trades. A file without sizes is a price series, and our own export (it has `seq`) keeps the
        ticks of which a feed tells only the price: there all rows stay.
    """
    table.need("ts", "price")
    ts = parse(table.columns["ts"], zone)
    price = table.numbers("price")
    has_size = "size" in table.columns
    size = table.numbers("size") if has_size else np.zeros(len(ts))
    seq = parse(table.columns["seq"], zone) if "seq" in table.columns else ts
    good = _sift(table, rejects, [
        (_BAD_TIME, (ts == BAD) | (seq == BAD)),
        (_FAR_TIME, is_far(ts) | is_far(seq)),
        (_BAD_PRICE, ~(np.isfinite(price) & (price > 0))),
        (_TOO_DEAR, price > LARGEST_PRICE),
        (_TOO_MUCH, size > LARGEST_VOLUME),
        (_BAD_SIZE, ~_is_count(size)),
    ])  # fmt: skip
    keep = good & (size > 0) if has_size and "seq" not in table.columns else good
    vtt = table.numbers("vtt")[keep] if "vtt" in table.columns else np.full(int(keep.sum()), np.nan)
    bid, ask, oi = (table.numbers(n)[keep] if n in table.columns else np.full(len(vtt), np.nan) for n in ("bid", "ask", "oi"))
    ticks = TickColumns(
        seq=seq[keep], ts=ts[keep], price=price[keep], size=_whole(size[keep]), vtt=_total(vtt),
        bid=bid, ask=ask, oi=oi, clock=np.zeros(len(vtt), dtype=np.int64),
    )  # fmt: skip
    return ticks, int((good & ~keep).sum())


def bars_of(table: Table, zone: ZoneInfo | None, rejects: Rejects, *, stamp_end: bool, cumulative: bool) -> BarColumns:
    """Return the bars of a table ordered by time, known at the end of their minute.

    Parameters
    ----------
    stamp_end : bool
        The file says when a minute ended.
    cumulative : bool
        The file's volume counts from the start of the (IST) day.
    """
    table.need("ts", "open", "high", "low", "close")
    ts = parse(table.columns["ts"], zone)
    prices = [table.numbers(n) for n in ("open", "high", "low", "close")]
    volume = table.numbers("volume") if "volume" in table.columns else np.zeros(len(ts))
    start = np.where(ts == BAD, BAD, ts - (MINUTE_NS if stamp_end else 0))
    stack = np.stack(prices) if len(ts) else np.empty((4, 0))
    no_price = ~(np.isfinite(stack) & (stack > 0)).all(axis=0)
    with np.errstate(invalid="ignore"):
        is_bar = (prices[2] <= np.minimum(prices[0], prices[3])) & (np.maximum(prices[0], prices[3]) <= prices[1])
    good = _sift(table, rejects, [
        (_BAD_TIME, ts == BAD),
        (_FAR_TIME, is_far(ts)),
        ("the bar does not begin at a full minute (bars stamped at their end: --stamp end)", start % MINUTE_NS != 0),
        (_BAD_PRICE, np.atleast_1d(no_price)),
        (_TOO_DEAR, prices[1] > LARGEST_PRICE),
        ("open or close outside low to high", ~is_bar),
        (_TOO_MUCH, volume > LARGEST_VOLUME),
        (_BAD_SIZE, ~_is_count(volume)),
    ])  # fmt: skip
    index = np.flatnonzero(good)
    index = index[np.argsort(start[index], kind="stable")]
    again = np.diff(start[index], prepend=BAD) == 0
    rejects.mask("the minute came before in this file", again, table.lines[index])
    index = index[~again]
    _refuse_longer(table, start[index])
    amount = _whole(volume[index])
    if cumulative:
        amount, falls = _differences(amount, (start[index] + IST_OFFSET_NS) // DAY_NS)
        rejects.mask("the cumulative volume falls within a day", falls, table.lines[index])
        index, amount = index[~falls], amount[~falls]
    begin = start[index]
    opened, high, low, close = (p[index] for p in prices)
    return BarColumns(
        ts=begin, open=opened, high=high, low=low, close=close, volume=amount, tick_volume=np.zeros(len(index), dtype=np.int64),
        known_seq=begin + MINUTE_NS, source=np.full(len(index), int(Source.CANDLES), dtype=np.int64),
    )  # fmt: skip


def _sift(table: Table, rejects: Rejects, tests: list[tuple[str, NDArray[np.bool_]]]) -> NDArray[np.bool_]:
    """Count each bad row once, for the first test it fails; return the good ones."""
    good = np.ones(len(table.lines), dtype=bool)
    for reason, bad in tests:
        rejects.mask(reason, bad & good, table.lines)
        good &= ~bad
    return good


def _is_count(values: F64) -> NDArray[np.bool_]:
    """Return where values are whole numbers from 0 that a float holds exactly."""
    with np.errstate(invalid="ignore"):
        is_count: NDArray[np.bool_] = np.isfinite(values) & (values >= 0) & (values < 2.0**53) & (np.rint(values) == values)
    return is_count


def _total(vtt: F64) -> I64:
    """Return the day's volumes so far, -1 where there is none that can be."""
    return np.where(_is_count(vtt) & (vtt <= LARGEST_VOLUME), _whole(vtt), -1)


def _whole(values: F64) -> I64:
    return np.where(_is_count(values), values, 0).astype(np.int64)


def _differences(volume: I64, day: I64) -> tuple[I64, NDArray[np.bool_]]:
    """Return the rise since the row before of the same day, and where it falls below the day's maximum so far."""
    rise = volume.copy()
    falls = np.zeros(len(volume), dtype=bool)
    starts = np.flatnonzero(np.diff(day, prepend=day[:1] - 1))
    for begin, end in zip(starts.tolist(), np.append(starts[1:], len(day)).tolist(), strict=True):
        peak = np.maximum.accumulate(volume[begin:end])
        falls[begin:end] = volume[begin:end] < peak
        rise[begin + 1 : end] = np.diff(peak)
    return rise, falls


def _refuse_longer(table: Table, start: I64) -> None:
    steps = np.diff(start)
    if len(steps) >= 4 and (minutes := int(np.gcd.reduce(steps)) // MINUTE_NS) > 1:
        raise BadInput(f"{table.path}: the bars are {minutes:,} minutes long: import 1-minute bars or ticks")
