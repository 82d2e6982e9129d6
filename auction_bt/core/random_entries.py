"""The same exits with entries at random: what the choice of the moment added, if anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from math import fsum, inf
from types import SimpleNamespace
from typing import Final

import numpy as np

from . import hold as kernels
from .bar import BarColumns
from .ist import IST_OFFSET_NS, MINUTE_NS, day_index
from .jit import compiled
from .planned import Planned
from .tick import F64, I64

DRAWS: Final = 1000
_HOUR_NS: Final = 60 * MINUTE_NS
_HAIR: Final = 1e-9  # of the amounts compared: sums in another order differ by as much


@dataclass(frozen=True, slots=True)
class RandomEntries:
    """The trades' entries against entries drawn at random, both under the same simple exits.

    Parameters
    ----------
    trades : int
        Compared.
    draws : int
    actual : float, rupees a trade
        Mean net with the trades' own entries, under the simple exits: not what the trades came to.
    mean : float, rupees a trade
        Mean net over all draws.
    low, median, high : float, rupees a trade
        2.5 %, 50 % and 97.5 % of the draws' mean nets.
    p_value : float in (0, 1]
        How often random entries did as well or better.
    left_out : int
        Trades without a known stop, without bars of what was traded, or entered outside of them.
    symbols : int
    """

    trades: int
    draws: int
    actual: float
    mean: float
    low: float
    median: float
    high: float
    p_value: float
    left_out: int
    symbols: int


@dataclass(frozen=True, slots=True, eq=False)
class _Walkable:
    # Bars of one symbol, with the last bar of each one's day, and the bars of each IST hour that have another after them.
    bars: BarColumns
    last: I64
    hour: I64
    of_hour: dict[int, I64]


def random_entries(
    plans: Iterable[Planned], bars_by_symbol: Mapping[str, BarColumns], *, draws: int = DRAWS, seed: int = 0
) -> RandomEntries | None:
    """Return how the trades' entries did against random ones; None where no trade can be compared.

    Parameters
    ----------
    plans : iterable of Planned
    bars_by_symbol : mapping of str to BarColumns
        Minutes of the days run, without warm-up.
    draws : int
    seed : int
        The same seed, the same draws.

    Notes
    -----
    Each draw gives every trade another entry: the close of a random bar of the same symbol and the same IST hour, on any day of
    the run, in the same direction. Exits are simple, so that they can be tried anywhere: the trade's own stop distance, its own
    first target distance (without one: the close after as many bars as it was held), the end of the day at the latest, the stop
    before the target in one bar. A trade's charges are taken off wherever it is entered.

    The real exits move stops and leave on levels; random entries have no such history. So the real entries are judged under the
    simple exits too, from the close of the last bar complete at the entry: like is compared with like, and `actual` differs from
    the trades' own mean. Neither side pays slippage. What the strategy's exits add is not judged here.

    Draws of several trades are independent. Real trades of several symbols on one day are not: over more than one symbol the
    p-value comes out too small.
    """
    ready: dict[str, _Walkable] = {}
    rng = np.random.default_rng(seed)
    totals = np.zeros(draws)
    scale = 0.0
    actual: list[float] = []
    symbols: set[str] = set()
    left_out = 0
    for plan in plans:
        trade = plan.trade
        bars = bars_by_symbol.get(trade.symbol)
        # An option's stop is at the signal's prices, which its own bars do not know.
        if plan.stop is None or bars is None or not len(bars) or trade.symbol != trade.signal_symbol:
            left_out += 1
            continue
        if trade.symbol not in ready:
            ready[trade.symbol] = _walkable(bars)
        on = ready[trade.symbol]
        entry = _entry_bar(on, trade.entry_ts)
        choices = on.of_hour.get(int(on.hour[entry])) if entry >= 0 else None
        if choices is None:
            left_out += 1
            continue
        until = int(np.searchsorted(bars.ts, trade.exit_ts, side="right")) - 1
        limit = len(bars) if plan.target is not None else max(1, until - entry)
        picks = np.concatenate(([entry], choices[rng.integers(0, len(choices), size=draws)]))
        gains = _gains(on, picks, float(trade.side.sign), plan.stop, inf if plan.target is None else plan.target, limit)
        nets = gains * trade.qty - float(trade.charges)
        actual.append(float(nets[0]))
        totals += nets[1:]
        scale += float(np.abs(nets).max())
        symbols.add(trade.symbol)
    if not actual:
        return None
    n, own = len(actual), fsum(actual)
    beaten_by = int(np.count_nonzero(totals >= own - _HAIR * scale))
    low, median, high = (float(q) for q in np.quantile(totals / n, [0.025, 0.5, 0.975]))
    mean = float(totals.mean()) / n
    return RandomEntries(n, draws, own / n, mean, low, median, high, (1 + beaten_by) / (1 + draws), left_out, len(symbols))


def _walkable(bars: BarColumns) -> _Walkable:
    days = day_index(bars.ts)
    last = np.searchsorted(days, days, side="right").astype(np.int64) - 1
    hour = (bars.ts + IST_OFFSET_NS) // _HOUR_NS % 24
    may_enter = np.flatnonzero(last > np.arange(len(bars)))  # at a day's last close nothing can be entered any more
    return _Walkable(bars, last, hour, {int(h): may_enter[hour[may_enter] == h] for h in np.unique(hour[may_enter])})


def _entry_bar(on: _Walkable, entry_ts: int) -> int:
    # The last bar complete at the entry, of the same day; -1 where there is none, or none after it to be in.
    entry = int(np.searchsorted(on.bars.ts + MINUTE_NS, entry_ts, side="right")) - 1
    if entry < 0 or day_index(int(on.bars.ts[entry])) != day_index(entry_ts) or on.last[entry] == entry:
        return -1
    return entry


def _gains(on: _Walkable, entries: I64, sign: float, stop: float, target: float, limit: int) -> F64:
    gains = np.empty(len(entries))
    bars = on.bars
    _machine().hold(bars.open, bars.high, bars.low, bars.close, on.last, entries, sign, stop, target, limit, gains)
    return gains


@cache
def _machine() -> SimpleNamespace:
    return compiled(vars(kernels))
