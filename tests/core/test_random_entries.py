"""Random entries under the same exits: nothing is found where nothing is, and an edge that was planted is found."""

from dataclasses import replace
from decimal import Decimal
from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.bar import BarColumns
from auction_bt.core.exits import Deadline, ExitGroup, Target, exits_in_bar
from auction_bt.core.hold import hold
from auction_bt.core.ist import IST_OFFSET_NS, MINUTE_NS, day_index, day_start
from auction_bt.core.planned import Planned
from auction_bt.core.random_entries import random_entries
from auction_bt.core.trade import Fill, Levels, Side, Trade

FIRST = 20_437  # 2025-12-15
BARS = 60  # a day, from 09:15
LEVELS = Levels(100.0, 101.0, 99.0, "rolling")


def walk(seed, days=8, drift=0.0, step=1.0):
    """Minutes of a random walk, `BARS` a day."""
    rng = np.random.default_rng(seed)
    path = 1000.0 + np.cumsum(rng.normal(drift, step / 3, size=(days * BARS, 9)).ravel()).reshape(-1, 9)
    return columns(path[:, 0], path.max(axis=1), path.min(axis=1), path[:, -1])


def columns(open_, high, low, close):
    n = len(close)
    minute = np.arange(n)
    ts = day_start(FIRST + minute // BARS) + (555 + minute % BARS) * MINUTE_NS
    none = np.zeros(n, dtype=np.int64)
    return BarColumns(ts, open_, high, low, close, none + 1, none, ts + MINUTE_NS, none + 3)


def planned(bars, bar, side=Side.LONG, stop=2.0, target=3.0, held=5, charges="1", qty=10, symbol="X"):
    entered = int(bars.ts[bar]) + MINUTE_NS + 1  # right after the bar's close
    left = int(bars.ts[min(bar + held, len(bars) - 1)])
    price = float(bars.close[bar])
    trade = Trade(
        symbol, symbol, side, "fade", "balanced", LEVELS, qty, entered, entered, price, left, left, price,
        price - side.sign * (stop or 1.0), "time", Decimal(0), Decimal(charges), -Decimal(charges), 0.0, 0.0, 0.0,
        (Fill(entered, entered, price, qty, "entry"), Fill(left, left, price, qty, "time")),
    )  # fmt: skip
    return Planned(trade, stop, target)


def at_random(bars, seed, count=40, **more):
    """Plans entered at random, on either side."""
    rng = np.random.default_rng(seed)
    inside = np.flatnonzero(np.arange(len(bars)) % BARS < BARS - 1)
    chosen, sides = rng.choice(inside, count), rng.choice([Side.LONG, Side.SHORT], count)
    return [planned(bars, int(b), Side(s), **more) for b, s in zip(chosen, sides, strict=True)]


def held(bars, entries, side, stop, target, limit=10**9, last=None):
    days = day_index(bars.ts)
    last = np.searchsorted(days, days, side="right") - 1
    gains = np.empty(len(entries))
    hold(bars.open, bars.high, bars.low, bars.close, last, np.array(entries), float(side.sign), stop, target, limit, gains)
    return gains


# ---------------------------------------------------------------- the exits
def flat(*changes):
    """Sixty minutes at 100, but for (bar, open, high, low, close)."""
    table = np.full((4, BARS), 100.0)
    for bar, *prices in changes:
        table[:, bar] = prices
    return columns(*table)


@pytest.mark.parametrize(
    ("bars", "gain"),
    [
        (flat((5, 100, 103, 99.5, 100)), 3.0),  # the target, never better
        (flat((5, 105, 106, 104, 105)), 3.0),  # a gap through it: still its price
        (flat((5, 100, 100.5, 97.5, 100)), -2.0),  # the stop
        (flat((5, 96, 99, 95, 98)), -4.0),  # a gap through it: the open
        (flat((5, 100, 104, 97, 100)), -2.0),  # both in one bar: the stop came first
        (flat((1, 100, 104, 99, 100)), 0.0),  # the entry's own bar is over
        (flat((59, 100, 102.5, 99, 101.5)), 1.5),  # the day's end
    ],
)
def test_exits_by_hand_and_mirrored(bars, gain):
    mirrored = replace(bars, open=200 - bars.open, high=200 - bars.low, low=200 - bars.high, close=200 - bars.close)

    assert held(bars, [1], Side.LONG, 2.0, 3.0) == [gain]
    assert held(mirrored, [1], Side.SHORT, 2.0, 3.0) == [gain]


@given(st.integers(0, 10_000), st.sampled_from(Side), st.floats(0.25, 6), st.floats(0.25, 6))
def test_exits_are_those_of_a_backtest_on_bars(seed, side, stop, target):
    bars = walk(seed, days=1)
    price = bars.close[0]
    group = ExitGroup(side, 1, price - side.sign * stop, (Target(price + side.sign * target, 1),), (Deadline(1, "time"),))
    want = (bars.close[-1] - price) * side.sign
    for i in range(1, BARS):
        if found := exits_in_bar(group, bars.open[i], bars.high[i], bars.low[i]):
            want = (found[0].price - price) * side.sign
            break

    assert held(bars, [0], side, stop, target)[0] == pytest.approx(want)


def test_no_trade_outlives_its_day_or_its_limit():
    bars = walk(1, days=2, drift=0.05)

    assert held(bars, [10], Side.LONG, 1e9, inf) == bars.close[BARS - 1] - bars.close[10]
    assert held(bars, [10], Side.LONG, 1e9, inf, limit=7) == bars.close[17] - bars.close[10]
    assert held(bars, [BARS - 1], Side.LONG, 1e9, inf) == [0.0]


# ---------------------------------------------------------------- what is compared with what
def test_random_entries_on_random_walks_are_judged_worth_nothing():
    found = [random_entries(at_random(walk(s), s), {"X": walk(s)}, draws=200, seed=s) for s in range(100)]

    assert sum(f.p_value < 0.05 for f in found) <= 5
    # Not by being blind: p is as evenly spread as it should be, and what a random entry nets is minus its charges.
    assert 0.4 < np.mean([f.p_value for f in found]) < 0.6
    assert np.mean([f.mean for f in found]) == pytest.approx(-1.0, abs=1.5)


@pytest.mark.parametrize("side", Side)
def test_entries_before_moves_are_found(side):
    bars = walk(7, days=10)
    ahead = np.concatenate((bars.close[10:], np.full(10, np.nan))) - bars.close
    ahead[np.arange(len(bars)) % BARS > BARS - 12] = np.nan
    best = np.argsort(-np.nan_to_num(ahead * side.sign, nan=-1e9))[:40]
    found = random_entries([planned(bars, int(b), side) for b in best], {"X": bars}, seed=1)

    assert found.p_value < 0.01
    assert found.low < found.mean < found.high < found.actual


def test_entries_before_moves_against_them_are_worse_than_chance():
    bars = walk(7, days=10)
    ahead = np.concatenate((bars.close[10:], np.full(10, 1e9))) - bars.close
    worst = [int(b) for b in np.argsort(ahead) if b % BARS < BARS - 12][:40]

    assert random_entries([planned(bars, b) for b in worst], {"X": bars}, seed=1).p_value > 0.99


def test_a_drift_that_every_entry_shares_is_no_merit_of_the_entries():
    bars = walk(3, days=10, drift=0.02)
    found = random_entries([planned(bars, b) for b in range(5, 600, 15)], {"X": bars}, seed=1)

    assert found.mean > 0
    assert found.p_value > 0.05


def test_random_bars_are_of_the_same_hour():
    # At 10 o'clock the price rises every minute, before it never does: an entry at 9 cannot have drawn one at 10.
    minute = np.arange(4 * BARS)
    hour = (columns(*np.full((4, len(minute)), 100.0)).ts + IST_OFFSET_NS) // (60 * MINUTE_NS) % 24
    close = 100.0 + np.cumsum(np.where(hour == 10, 1.0, 0.0))
    bars = columns(close, close, close, close)
    early, late = (random_entries([planned(bars, b, target=1.0)], {"X": bars}) for b in (5, 50))

    assert set(hour[[5, 50]]) == {9, 10}
    assert (late.low, late.high, late.p_value) == (9.0, 9.0, 1.0)  # 10 shares up 1, less charges of 1
    assert early.actual == early.high == 9.0  # by the end of the day every one has met its target


def test_a_trade_without_a_target_leaves_after_as_many_bars_as_it_was_held():
    close = np.arange(2 * BARS, dtype=np.float64)
    bars = columns(close, close, close, close)
    found = random_entries([planned(bars, 10, stop=50.0, target=None, held=7)], {"X": bars})

    assert found.actual == 10 * 7 - 1


def test_what_cannot_be_compared_is_left_out_and_counted():
    bars = walk(1)
    good, first = planned(bars, 5), planned(bars, 0)
    out = [
        replace(good, stop=None),
        planned(bars, 5, symbol="Y"),  # no bars
        replace(good, trade=replace(good.trade, symbol="X", signal_symbol="Z")),
        planned(bars, BARS - 1),  # nothing after it on its day
        replace(first, trade=replace(first.trade, entry_ts=int(bars.ts[0]) + 1)),  # before any minute was complete
        replace(first, trade=replace(first.trade, entry_ts=int(bars.ts[BARS]) + 1)),  # the same, on the second day
    ]
    found = random_entries([good, *out], {"X": bars})

    assert (found.trades, found.left_out, found.symbols) == (1, len(out), 1)
    assert random_entries(out, {"X": bars}) is None
    assert random_entries([good], {"X": BarColumns.empty()}) is None


@given(st.integers(0, 50), st.integers(1, 60))
def test_the_same_seed_gives_the_same_figures_and_p_is_a_probability(seed, draws):
    bars = walk(2, days=2)
    plans = at_random(bars, seed, count=5)
    found = random_entries(plans, {"X": bars}, draws=draws, seed=seed)

    assert found == random_entries(plans, {"X": bars}, draws=draws, seed=seed)
    assert 0.0 < found.p_value <= 1.0
    assert found.low <= found.median <= found.high


def test_charges_are_taken_from_both_sides_alike():
    bars = walk(4)
    plans = at_random(bars, 1)
    dear = [replace(p, trade=replace(p.trade, charges=Decimal(51))) for p in plans]
    one, other = (random_entries(p, {"X": bars}, seed=3) for p in (plans, dear))

    assert one.p_value == other.p_value
    assert (one.actual - other.actual, one.mean - other.mean) == pytest.approx((50, 50))
