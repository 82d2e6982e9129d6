"""The same exits with entries at random: what the choice of the moment added, if anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, inf
from typing import Final

import numpy as np

from .bar import BarColumns
from .planned import Planned
from .simple_exits import HAIR, Walkable

DRAWS: Final = 1000


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
    ready: dict[str, Walkable] = {}
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
            ready[trade.symbol] = Walkable.of(bars)
        on = ready[trade.symbol]
        entry = on.entry_bar(trade.entry_ts)
        choices = on.of_hour.get(int(on.hour[entry])) if entry >= 0 else None
        if choices is None:
            left_out += 1
            continue
        limit = len(bars) if plan.target is not None else on.bars_held(entry, trade.exit_ts)
        picks = np.concatenate(([entry], choices[rng.integers(0, len(choices), size=draws)]))
        gains = on.gains(picks, float(trade.side.sign), plan.stop, inf if plan.target is None else plan.target, limit)
        nets = gains * trade.qty - float(trade.charges)
        actual.append(float(nets[0]))
        totals += nets[1:]
        scale += float(np.abs(nets).max())
        symbols.add(trade.symbol)
    if not actual:
        return None
    n, own = len(actual), fsum(actual)
    beaten_by = int(np.count_nonzero(totals >= own - HAIR * scale))
    low, median, high = (float(q) for q in np.quantile(totals / n, [0.025, 0.5, 0.975]))
    mean = float(totals.mean()) / n
    return RandomEntries(n, draws, own / n, mean, low, median, high, (1 + beaten_by) / (1 + draws), left_out, len(symbols))
