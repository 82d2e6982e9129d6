"""Levels of other days under the same exits: nothing is found where levels are nothing, and levels that hold are found."""

from dataclasses import replace
from decimal import Decimal
from functools import cache
from math import nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.bar import BarColumns
from auction_bt.core.ist import MINUTE_NS, day_start
from auction_bt.core.planned import Planned
from auction_bt.core.random_entries import random_entries
from auction_bt.core.shuffled_levels import level_of, shuffled_levels
from auction_bt.core.trade import Fill, Levels, Side, Trade

FIRST = 20_437  # 2025-12-15
BARS = 90  # a day, from 09:15


def columns(open_, high, low, close):
    n = len(close)
    minute = np.arange(n)
    ts = day_start(FIRST + minute // BARS) + (555 + minute % BARS) * MINUTE_NS
    none = np.zeros(n, dtype=np.int64)
    return BarColumns(ts, open_, high, low, close, none + 1, none, ts + MINUTE_NS, none + 3)


def flat_bars(close):
    return columns(close, close, close, close)


def planned(bars, bar, level, side=Side.LONG, stop=2.0, target=3.0, symbol="X", setup="fade"):
    entered = int(bars.ts[bar]) + MINUTE_NS + 1  # right after the bar's close
    left = entered + 5 * MINUTE_NS
    price = float(bars.close[bar])
    vah, val = (level + 4.0, level) if side is Side.LONG else (level, level - 4.0)
    levels = Levels(level + 2.0 * side.sign, vah, val, "rolling")
    trade = Trade(
        symbol, symbol, side, setup, "balanced", levels, 10, entered, entered, price, left, left, price, price - side.sign * stop,
        "time", Decimal(0), Decimal(1), Decimal(-1), 0.0, 0.0, 0.0,
        (Fill(entered, entered, price, 10, "entry"), Fill(left, left, price, 10, "time")),
    )  # fmt: skip
    return Planned(trade, stop, target)


def walk(rng, days, *, reverts=0.0, holds=None):
    """Closes and extremes of a walk. It may come back to a middle of each day, or turn where it first meets that day's level."""
    closes = np.empty((days, BARS))
    price = 1000.0
    for day in range(days):
        middle = price = price + rng.normal(0, 4) if reverts else price
        turn = 0
        for bar in range(BARS):
            pull = reverts * (middle - price) + (0.6 if 0 < turn <= 12 else 0.0)
            price += rng.normal(0, 0.8) + pull
            if turn or (holds is not None and price <= holds(day, closes)):
                turn += 1
            closes[day, bar] = price
    close = closes.ravel()
    before = np.concatenate((close[:1], close[:-1]))
    wick = np.abs(rng.normal(0, 0.4, len(close)))
    return columns(before, np.maximum(before, close) + wick, np.minimum(before, close) - wick, close)


def at(levels, sign=1):
    """A level of each day, from the close of the day before."""
    return lambda day, closes: (closes[day - 1, -1] if day else 1000.0) - sign * levels[day]


def trades(bars, levels, sides=(Side.LONG, Side.SHORT)):
    """Fade each level where the price first closes at or beyond it."""
    closes = bars.close.reshape(-1, BARS)
    found = []
    for day in range(len(closes)):
        for side in sides:
            level = at(levels, side.sign)(day, closes)
            come = np.flatnonzero((closes[day, :-1] - level) * side.sign <= 0)
            if len(come):
                found.append(planned(bars, day * BARS + int(come[0]), level, side))
    return found


# ---------------------------------------------------------------- what is found
def judged(seed, **more):
    rng = np.random.default_rng(seed)
    levels = rng.uniform(1, 7, 30)
    bars = walk(rng, 30, **more)
    return bars, trades(bars, levels)


def test_levels_that_carry_nothing_are_judged_worth_nothing():
    ps = []
    for seed in range(200):
        bars, plans = judged(seed)
        ps.append(shuffled_levels(plans, {"X": bars}, draws=200, seed=seed).p_value)

    # One in twenty, as far as 200 runs can tell; and not by being blind.
    assert 0.02 < np.mean(np.array(ps) < 0.05) < 0.08
    assert 0.4 < np.mean(ps) < 0.6


def test_levels_at_which_the_price_turns_are_found():
    rng = np.random.default_rng(5)
    levels = rng.uniform(1, 5, 80)
    bars = walk(rng, 80, holds=at(levels))
    found = shuffled_levels(trades(bars, levels, (Side.LONG,)), {"X": bars}, seed=1)

    assert found.trades >= 30
    assert found.p_value < 0.01
    assert found.low < found.mean < found.high < found.actual


def test_shorts_are_mirrored():
    rng = np.random.default_rng(5)
    levels = rng.uniform(1, 5, 80)
    bars = walk(rng, 80, holds=at(levels))
    up = replace(bars, open=2000 - bars.open, high=2000 - bars.low, low=2000 - bars.high, close=2000 - bars.close)
    one = shuffled_levels(trades(bars, levels, (Side.LONG,)), {"X": bars}, seed=1)
    other = shuffled_levels(trades(up, levels, (Side.SHORT,)), {"X": up}, seed=1)

    assert (other.trades, other.actual, other.mean) == pytest.approx((one.trades, one.actual, one.mean))


def test_a_market_that_always_comes_back_is_hardly_a_merit_of_the_levels():
    by_level, by_moment = [], []
    for seed in range(40):
        bars, plans = judged(seed, reverts=0.08)
        by_level.append(shuffled_levels(plans, {"X": bars}, draws=200, seed=seed).p_value < 0.05)
        by_moment.append(random_entries(plans, {"X": bars}, draws=200, seed=seed).p_value < 0.05)

    assert np.mean(by_moment) > 0.5
    assert np.mean(by_level) < 0.2


# ---------------------------------------------------------------- by hand
def falling(days=8, **changes):
    """Days that stand at 100, 110, …, fall by 1 a minute from the 11th to the 20th, and end higher by their own number."""
    table = np.empty((days, BARS))
    for day in range(days):
        table[day] = 100.0 + 10 * day
        table[day, 10:] -= np.minimum(np.arange(1, BARS - 9), 10)
        table[day, 40:] += day
        if str(day) in changes:
            table[day] = changes[str(day)]
    return table


def test_each_other_day_is_entered_where_it_comes_as_far_from_its_own_mean():
    bars = flat_bars(falling().ravel())
    found = shuffled_levels([planned(bars, 14, 95.0, stop=50.0, target=99.0)], {"X": bars}, draws=4000)

    # Entered 5 below its first price, day k leaves at k − 5: ten shares, charges of 1.
    assert found.actual == -51.0
    assert (found.low, found.high) == (-41.0, 19.0)
    assert found.mean == pytest.approx(np.mean([10 * (k - 5) - 1 for k in (1, 1, 2, 3, 4, 5, 6, 7)]), abs=1.0)
    assert (found.trades, found.p_value) == (1, 1.0)


@pytest.mark.parametrize(
    ("other", "is_used"),
    [
        (np.full(BARS, 150.0), False),  # it never comes
        (np.concatenate((np.full(35, 150.0), np.full(BARS - 35, 140.0))), False),  # it comes too late: the trade took 14 minutes
        (np.concatenate((np.full(20, 150.0), np.full(BARS - 20, 140.0))), True),
    ],
)
def test_days_on_which_the_price_does_not_come_are_not_entered(other, is_used):
    bars = flat_bars(falling(6, **{"5": other}).ravel())
    found = shuffled_levels([planned(bars, 14, 95.0)], {"X": bars})

    assert (found is not None) == is_used  # fewer than five days are too few


def test_a_bar_that_met_its_level_and_closed_on_the_near_side_is_sought_as_such():
    table = falling(7)
    close, low = table.ravel(), table.copy()
    low[:, 30] -= 3.0  # 13 below the first price, back at 10 below by the close
    bars = columns(close, close, low.ravel(), close)
    found = shuffled_levels([planned(bars, 30, 88.0, stop=50.0, target=99.0)], {"X": bars})

    assert found.actual == -1.0
    assert (found.low, found.high) == (9.0, 59.0)  # each other day from its own bar 30


def test_a_trade_of_the_first_bar_is_moved_to_the_first_bars():
    bars = flat_bars(falling().ravel())
    found = shuffled_levels([planned(bars, 0, 100.0, stop=50.0, target=99.0)], {"X": bars})

    assert (found.actual, found.low, found.high) == (-101.0, -91.0, -31.0)


def test_what_cannot_be_compared_is_left_out_and_counted():
    bars = flat_bars(falling().ravel())
    good = planned(bars, 14, 95.0)
    nowhere = Levels(nan, nan, nan, "")
    out = [
        replace(good, stop=None),
        planned(bars, 14, 95.0, symbol="Y"),  # no bars
        planned(bars, 14, 95.0, setup=""),  # no level
        replace(good, trade=replace(good.trade, levels=nowhere)),
        replace(good, trade=replace(good.trade, signal_symbol="Z")),
        planned(bars, BARS - 1, 95.0),  # nothing after it on its day
    ]
    found = shuffled_levels([good, *out], {"X": bars})

    assert (found.trades, found.left_out) == (1, len(out))
    assert shuffled_levels(out, {"X": bars}) is None
    assert shuffled_levels([good], {"X": BarColumns.empty()}) is None


@pytest.mark.parametrize(
    ("side", "setup", "level"), [("long", "fade", 1.0), ("short", "fade", 3.0), ("long", "pullback", 2.0), ("long", "", None)]
)
def test_the_level_of_a_trade(side, setup, level):
    trade = planned(flat_bars(np.full(BARS, 1.0)), 5, 1.0, setup=setup).trade

    assert level_of(replace(trade, side=Side(side), levels=Levels(2.0, 3.0, 1.0, "rolling"))) == level


@given(st.integers(0, 30), st.integers(1, 50))
def test_the_same_seed_gives_the_same_figures_and_p_is_a_probability(seed, draws):
    bars, plans = _made()
    found = shuffled_levels(plans, {"X": bars}, draws=draws, seed=seed)

    assert found == shuffled_levels(plans, {"X": bars}, draws=draws, seed=seed)
    assert 0.0 < found.p_value <= 1.0
    assert found.low <= found.median <= found.high


@cache
def _made():
    return judged(2)


def test_charges_are_taken_from_both_sides_alike():
    bars, plans = judged(4)
    dear = [replace(p, trade=replace(p.trade, charges=Decimal(51))) for p in plans]
    one, other = (shuffled_levels(p, {"X": bars}, seed=3) for p in (plans, dear))

    assert one.p_value == other.p_value
    assert (one.actual - other.actual, one.mean - other.mean) == pytest.approx((50, 50))
