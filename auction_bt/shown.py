"""What one symbol's run shows beside its trades: the levels it went by, and the volume they were made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .backtest import Traced
from .core.instrument import to_ticks
from .core.ist import MINUTE_NS
from .core.profile import VolumeSource, allocate
from .core.rolling import WindowKind
from .core.rolling import levels_of as windows_of
from .core.tick import F64, I64
from .picture import LevelColumns, PriceRows


def levels_of(traced: Traced) -> LevelColumns:
    """Return the levels the strategy went by at each bar, warm-up included.

    Notes
    -----
    The profile's lines, and the prior session's levels while the window reached back into it.
    """
    strategy, instrument = traced.strategy, traced.recorded.instrument
    lines = strategy.profile.lines
    columns = [np.frombuffer(line.array, dtype=np.float64).copy() for line in (lines.poc, lines.vah, lines.val, lines.regime)]
    days = traced.recorded.tape.day
    for day, (poc, vah, val, regime) in strategy.prior_levels.items():
        begin = int(np.searchsorted(days, day))
        of_prior = slice(begin, min(begin + strategy.p.period, int(np.searchsorted(days, day + 1))))
        for column, value in zip(columns, (*map(instrument.to_price, (poc, vah, val)), float(regime)), strict=True):
            column[of_prior] = value
    return LevelColumns(*columns)


def rows_of(traced: Traced, chosen: I64) -> PriceRows | None:
    """Return the volume at each price of some bars, as the profile counts it; None where it counts none of them.

    Parameters
    ----------
    chosen : int64, shape (n,)
        Indices of bars.

    Notes
    -----
    Of a bar with ticks its ticks, of any other its candle, spread evenly; a profile of ticks alone leaves the others out.
    """
    bars, tape, profile = traced.recorded.bars, traced.recorded.tape, traced.strategy.profile
    source, group = profile.spec.source, profile.grid.ticks_per_row
    counted = np.append(0, np.cumsum(tape.size))[tape.offsets]
    has_ticks = (np.diff(counted)[chosen] > 0) & (source is not VolumeSource.CANDLES)
    of_bar = np.repeat(np.arange(len(tape)), np.diff(tape.offsets))
    own = np.isin(of_bar, chosen[has_ticks])
    k, size = [tape.k[own] // group], [tape.size[own]]
    rest = bars.take(chosen[~has_ticks])
    rest = rest.take(rest.volume > 0)
    if with_candles := len(rest) > 0 and source is not VolumeSource.TICKS:
        low, high, close = (to_ticks(p, float(profile.grid.tick)) // group for p in (rest.low, rest.high, rest.close))
        for first, shares in allocate(low, high, close, rest.volume):
            k.append(np.arange(first, first + len(shares)))
            size.append(shares)
    rows, place = np.unique(np.concatenate(k), return_inverse=True)
    if not len(rows):
        return None
    volume = np.zeros(len(rows), dtype=np.int64)
    np.add.at(volume, place, np.concatenate(size))
    prices = profile.grid.levels(np.column_stack([rows, rows, rows]))[:, 0]
    with_ticks = bool(has_ticks.any())
    return PriceRows(prices, volume, "ticks and bars" if with_ticks and with_candles else "ticks" if with_ticks else "bars")


def window_at(traced: Traced, ts: int, source: str) -> I64:
    """Return the bars of the window on whose levels a bar was judged.

    Parameters
    ----------
    ts : int, ns
        End of the bar decided on, which is none of them.
    source : str
        Of the levels: ``rolling``, ``session``, ``prior``; empty for the other windows, of which this module knows nothing.
    """
    bars, days, period = traced.recorded.bars, traced.recorded.tape.day, traced.strategy.p.period
    at = int(np.searchsorted(bars.ts, ts - MINUTE_NS))
    if at >= len(bars.ts):
        return np.empty(0, dtype=np.int64)
    opened = int(np.searchsorted(days, days[at]))
    match source:
        case "rolling":
            begin, end = at - period, at
        case "session":
            begin, end = opened, at
        case "prior":
            begin, end = (int(np.searchsorted(days, days[opened - 1])) if opened else 0), opened
        case _:
            begin = end = 0
    return np.arange(max(begin, 0), end)


@dataclass(frozen=True, slots=True, eq=False)
class BarRows:
    """What traded at each price in each bar.

    Parameters
    ----------
    at : int64, (n_bars + 1,)
        Bar i owns rows ``at[i]`` to ``at[i + 1]``, the second not included.
    k : int64, (m,), ticks
        The lowest price of a row, rising within a bar.
    volume : int64, (m,), shares
    """

    at: I64
    k: I64
    volume: I64


def rows_by_bar(traced: Traced) -> BarRows:
    """Return the volume at each price of every bar, warm-up included, as the profile counts it (see `rows_of`)."""
    bars, tape, profile = traced.recorded.bars, traced.recorded.tape, traced.strategy.profile
    source, grid = profile.spec.source, profile.grid
    group = grid.ticks_per_row
    counted = np.append(0, np.cumsum(tape.size))[tape.offsets]
    has_ticks = (np.diff(counted) > 0) & (source is not VolumeSource.CANDLES)
    of_bar = np.repeat(np.arange(len(tape)), np.diff(tape.offsets))
    own = has_ticks[of_bar] & (tape.size > 0)
    bar, row, size = [of_bar[own]], [tape.k[own] // group], [tape.size[own]]
    if source is not VolumeSource.TICKS:
        rest = np.flatnonzero(~has_ticks & (bars.volume > 0))
        candles = bars.take(rest)
        low, high, close = (to_ticks(p, float(grid.tick)) // group for p in (candles.low, candles.high, candles.close))
        for i, (first, shares) in zip(rest.tolist(), allocate(low, high, close, candles.volume), strict=True):
            bar.append(np.full(len(shares), i))
            row.append(np.arange(first, first + len(shares)))
            size.append(shares)
    cells, place = np.unique(np.stack((np.concatenate(bar), np.concatenate(row))), axis=1, return_inverse=True)
    volume = np.zeros(cells.shape[1], dtype=np.int64)
    np.add.at(volume, place.reshape(-1), np.concatenate(size))
    return BarRows(np.searchsorted(cells[0], np.arange(len(tape) + 1)), cells[1] * group, volume)


def session_levels(traced: Traced) -> F64:
    """Return POC, VAH and VAL of the session so far after each bar, float64 (n_bars, 3), rupees; NaN where undefined."""
    profile = traced.strategy.profile
    found = windows_of(replace(profile.spec, kind=WindowKind.SESSION), profile.window_bars(len(traced.recorded.bars)))
    return profile.grid.levels(found.whole[:, :3])  # type: ignore[no-any-return]
