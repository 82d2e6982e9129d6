"""The same exits at levels of other days: what the places of the levels added, if anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import fsum, inf, isfinite, sqrt
from typing import Final

import numpy as np

from .bar import BarColumns
from .ist import day_index, day_start
from .planned import Planned
from .random_entries import DRAWS
from .simple_exits import HAIR, Walkable
from .tick import F64, I64
from .trade import Trade

LEAD: Final = 30  # bars before an entry at which its level is looked at
WINDOW: Final = 120  # bars whose mean a level is measured from
MIN_DAYS: Final = 5  # other days on which the price must have come to a level


@dataclass(frozen=True, slots=True)
class ShuffledLevels:
    """The trades at their own levels against the same trades at levels of other days, both under the same simple exits.

    Parameters
    ----------
    trades : int
        Compared.
    draws : int
    actual : float, rupees a trade
        Mean net at the trades' own levels, under the simple exits: not what the trades came to.
    mean : float, rupees a trade
        Mean net over all draws.
    low, median, high : float, rupees a trade
        2.5 %, 50 % and 97.5 % of the draws' mean nets.
    p_value : float in (0, 1]
        How often other days' levels did as well or better.
    left_out : int
        Trades without a known stop or level, without bars, or to whose level the price came on too few other days.
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


def shuffled_levels(
    plans: Iterable[Planned], bars_by_symbol: Mapping[str, BarColumns], *, draws: int = DRAWS, seed: int = 0
) -> ShuffledLevels | None:
    """Return how the trades did at their levels against other days' levels; None where no trade can be compared.

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
    *What is shuffled*: the day. A trade's level is the edge it faded (VAL of a long, VAH of a short), or the POC it was pulled
    back to. `LEAD` bars before the entry (or at the day's first bar) the level lay so many rupees from the mean of the day's last
    `WINDOW` closes. In a draw the days of the run are exchanged at random: another day gets a level as far from its own mean at
    the same minute, where to that day it is a place like any other. If there the price is on the same side of it, it has twice as
    long as the trade took to come to the level as it came to its own: with a close at or beyond it where the trade's bar closed
    so, else as near, closing on the near side. The close of that bar is the entry, in the same direction, with the trade's own
    stop and target distances and charges under `simple_exits`. So is the trade's own entry: `actual` is not its net.

    *Why it is fair*: an entry is met by waiting, never picked by what came after it, so a price without drift nets its charges on
    either side. Unlike a random entry it comes after a move to a price as stretched, so a market in which any move comes back
    flatters both sides, nearly alike, and the rest is the place. Trades of one day, of every symbol, are moved together, or to
    the next day on which the price came, so trades that lean on one another do so in the draws. With few days the draws are
    spread wider about their mean, by what leaving out one day at a time shows of its error.

    What is not shuffled stays: the hours traded, the direction, how far stop and target were. What these earn, the draws earn.
    """
    ready: dict[str, _Symbol] = {}
    moved: list[_Moved] = []
    left_out = 0
    for plan in plans:
        trade, bars = plan.trade, bars_by_symbol.get(plan.trade.symbol)
        level = level_of(trade)
        if plan.stop is None or level is None or bars is None or not len(bars) or trade.symbol != trade.signal_symbol:
            left_out += 1
            continue
        if trade.symbol not in ready:
            ready[trade.symbol] = _Symbol(bars)
        found = ready[trade.symbol].move(plan, plan.stop, level)
        if found is None:
            left_out += 1
        else:
            moved.append(found)
    if not moved:
        return None
    own = fsum(m.actual for m in moved)
    totals, scale = np.zeros(draws), 0.0
    days = np.unique(np.concatenate([s.days for s in ready.values()]))
    rng = np.random.default_rng(seed)
    exchanged = rng.permuted(np.tile(days, (draws, 1)), axis=1)
    for m in moved:
        to = exchanged[:, int(np.searchsorted(days, m.day))]
        totals += m.nets[np.searchsorted(m.days, to) % len(m.days)]
        scale += max(abs(m.actual), float(np.abs(m.nets).max()))
    n, middle = len(moved), float(totals.mean())
    totals = middle + (totals - middle) * _wider(moved, days, float(totals.std()) / n)
    beaten_by = int(np.count_nonzero(totals >= own - HAIR * scale))
    low, median, high = (float(q) for q in np.quantile(totals / n, [0.025, 0.5, 0.975]))
    p_value = (1 + beaten_by) / (1 + draws)
    return ShuffledLevels(n, draws, own / n, middle / n, low, median, high, p_value, left_out)


def _wider(moved: list[_Moved], days: I64, spread: float) -> float:
    # How much wider the mean of a trade lies than draws show, `spread`: they do not know that their own mean is of these days
    # alone. Each day is left out once, as one that was traded and as one to be moved to.
    ahead, kept = np.zeros(len(days)), np.full(len(days), len(moved))
    for m in moved:
        own, total, count = int(np.searchsorted(days, m.day)), float(m.nets.sum()), len(m.nets)
        means = np.full(len(days), total / count)
        means[np.searchsorted(days, m.days)] = (total - m.nets) / (count - 1)
        gap = m.actual - means
        gap[own] = 0.0
        ahead += gap
        kept[own] -= 1
    ahead = ahead[kept > 0] / kept[kept > 0]
    n = len(ahead)
    error = sqrt((n - 1) / n * float(((ahead - ahead.mean()) ** 2).sum()))
    return max(1.0, error / spread) if spread > 0 else 1.0


def level_of(trade: Trade) -> float | None:
    """Return the level a trade was taken at, in rupees: the edge faded, the POC pulled back to; None where it is not known."""
    levels = trade.levels
    at = {"fade": levels.val if trade.side.sign > 0 else levels.vah, "pullback": levels.poc}.get(trade.setup)
    return at if at is not None and isfinite(at) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Moved:
    # One trade: its day, what it nets at its own level, and by other day what it nets there.
    day: int
    actual: float
    days: I64
    nets: F64


class _Symbol:
    # The bars of one symbol by day.
    def __init__(self, bars: BarColumns) -> None:
        self._on = Walkable.of(bars)
        self._bars = bars
        of_bar = day_index(bars.ts)
        self.days: I64 = np.unique(of_bar)
        self._begin, self._end = (np.searchsorted(of_bar, self.days, side=side) for side in ("left", "right"))
        self._sums = np.concatenate(([0.0], np.cumsum(bars.close - bars.close[0])))

    def move(self, plan: Planned, stop: float, level: float) -> _Moved | None:
        trade, on = plan.trade, self._on
        entry = on.entry_bar(trade.entry_ts)
        if entry < 0:
            return None
        day = int(day_index(int(self._bars.ts[entry])))
        days, entries = self._come(entry, day, level, float(trade.side.sign))
        if len(days) < MIN_DAYS:
            return None
        limit = len(self._bars) if plan.target is not None else on.bars_held(entry, trade.exit_ts)
        target = inf if plan.target is None else plan.target
        gains = on.gains(np.concatenate(([entry], entries)), float(trade.side.sign), stop, target, limit)
        nets = gains * trade.qty - float(trade.charges)
        return _Moved(day, float(nets[0]), days, nets[1:])

    def _come(self, entry: int, day: int, level: float, sign: float) -> tuple[I64, I64]:
        # The other days on which the price came to a level as far away, and the bars at whose close it had.
        bars = self._bars
        begin = int(self._begin[np.searchsorted(self.days, day)])
        start = max(entry - LEAD, begin)
        away = level - float(self._mean(np.array([start]), np.array([begin]))[0])
        lead, hair = entry - start, HAIR * max(1.0, abs(level))
        others = self.days != day
        at = np.searchsorted(bars.ts, day_start(self.days[others]) + int(bars.ts[start]) - day_start(day))
        end = self._end[others]
        steps = np.arange(1, 2 * lead + 1) if lead else np.zeros(1, dtype=np.int64)
        places = at[:, None] + steps
        is_there = places < end[:, None] - 1  # another bar of the day must follow
        places = np.minimum(places, len(bars) - 1)
        at = np.minimum(at, end - 1)
        levels = (self._mean(at, self._begin[others]) + away)[:, None]
        close = (bars.close[places] - levels) * sign
        own = (float(bars.close[entry]) - level) * sign
        if not lead:
            came = is_there  # there from the first
        elif own <= hair:
            came = is_there & (close <= hair)
        else:
            nearest = bars.low if sign > 0 else bars.high
            near = max(0.0, (float(nearest[entry]) - level) * sign)
            came = is_there & (close > hair) & ((nearest[places] - levels) * sign <= near + hair)
        was_beyond = (bars.close[at] - levels[:, 0]) * sign <= hair
        has_come = came.any(axis=1) & (was_beyond == ((bars.close[start] - level) * sign <= hair))
        first = came.argmax(axis=1)
        return self.days[others][has_come], places[has_come, first[has_come]].astype(np.int64)

    def _mean(self, at: I64, begin: I64) -> F64:
        # Of the closes up to `at`, the last `WINDOW` of the day.
        first = np.maximum(begin, at + 1 - WINDOW)
        mean: F64 = self._bars.close[0] + (self._sums[at + 1] - self._sums[first]) / (at + 1 - first)
        return mean
