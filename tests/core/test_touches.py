"""Touches of a level, on bars made by hand and at random."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.ist import DAY_NS, MINUTE_NS
from auction_bt.core.regime import Regime
from auction_bt.core.touches import (
    Level,
    LevelsAt,
    Outcome,
    Touch,
    TouchRule,
    TouchWatch,
    by_approach,
    by_level,
    by_regime,
    count,
)

OPEN = 20_437 * DAY_NS + 225 * MINUTE_NS  # 09:15 IST
AT = LevelsAt(poc=100, vah=110, val=90, regime=Regime.BALANCED)


def touches(bars, *, levels=AT, rule=None, start=0):
    """Give bars of (low, high, close) or one price, a minute each; return all touches."""
    watch = TouchWatch(rule or TouchRule(tolerance=1))
    for i, bar in enumerate(bars):
        low, high, close = bar if isinstance(bar, tuple) else (bar, bar, bar)
        watch.step(ts=OPEN + (start + i + 1) * MINUTE_NS, high=high, low=low, close=close, levels=levels)
    return watch.touches


def ends(found):
    return [(t.level.value, t.came, t.outcome.value, t.bars) for t in found]


def test_vah_from_inside_sent_back_to_the_poc_is_rejected():
    found = touches([105, (105, 110, 108), 106, (99, 104, 103)])

    # the way back comes to the POC too
    assert ends(found) == [("vah", 1, "rejected", 2), ("poc", -1, "pending", 0)]
    assert (found[0].home, found[0].approach, found[1].home, found[1].approach) == (100, "inside", 110, "above")


def test_two_closed_bins_beyond_are_acceptance():
    # Touched in minute 1: the bin of minutes 0-4 began before it, 5-9 and 10-14 count.
    found = touches([105, (105, 111, 111), *[112] * 14])

    assert ends(found) == [("vah", 1, "accepted", 13)]


def test_a_bin_closed_back_at_the_level_starts_the_count_anew():
    found = touches([105, 111, 112, 112, 112, *[112] * 5, *[112] * 4, 110, *[112] * 10])

    assert ends(found) == [("vah", 1, "accepted", 23)]  # bins 15-19 and 20-24


def test_home_in_the_bar_of_the_last_close_was_first():
    found = touches([105, 111, *[112] * 12, (100, 112, 112)])

    assert ends(found)[0] == ("vah", 1, "rejected", 13)


@pytest.mark.parametrize(
    ("before", "bar", "level", "came", "home", "approach"),
    [
        (105, 110, Level.VAH, 1, 100, "inside"),
        (120, 111, Level.VAH, -1, 120, "outside"),  # as far outside as the POC lies inside
        (95, 90, Level.VAL, -1, 100, "inside"),
        (80, 89, Level.VAL, 1, 80, "outside"),
        (105, 101, Level.POC, -1, 110, "above"),
        (95, 99, Level.POC, 1, 90, "below"),
    ],
)
def test_where_the_price_is_back(before, bar, level, came, home, approach):
    (found,) = touches([before, bar])

    assert (found.level, found.came, found.home, found.approach) == (level, came, home, approach)
    assert found.outcome is Outcome.PENDING


def test_the_level_is_frozen_at_the_touch_and_of_the_bar_before():
    watch = TouchWatch(TouchRule(tolerance=0))
    moved = LevelsAt(poc=104, vah=120, val=90, regime=Regime.BULL)
    for i, (price, levels) in enumerate([(105, AT), (110, moved), (102, moved), (100, moved)]):
        watch.step(ts=OPEN + (i + 1) * MINUTE_NS, high=price, low=price, close=price, levels=levels)

    first = watch.touches[0]
    assert first == Touch(Level.VAH, 110, 1, 100, Regime.BALANCED, OPEN + 2 * MINUTE_NS, Outcome.REJECTED, 2)


@pytest.mark.parametrize(
    ("bars", "told"),
    [
        ([105, 108], []),  # outside the tolerance of 1
        ([105, 109], [("vah", 1, "pending", 0)]),
        ([109, 110], []),  # it was at the level already
        ([105, 109, 109, 105, 109], [("vah", 1, "pending", 3)]),  # one touch until it is decided
        ([110], []),  # nothing before it that day
    ],
)
def test_what_is_a_touch(bars, told):
    assert ends(touches(bars)) == told


def test_the_end_of_the_day_leaves_a_touch_undecided_and_begins_anew():
    watch = TouchWatch(TouchRule())
    for day, prices in enumerate([(105, 110, 111), (105, 110)]):
        for i, price in enumerate(prices):
            watch.step(ts=OPEN + day * DAY_NS + (i + 1) * MINUTE_NS, high=price, low=price, close=price, levels=AT)

    assert ends(watch.touches) == [("vah", 1, "undecided", 1), ("vah", 1, "pending", 0)]


def test_without_levels_there_is_nothing_to_touch():
    assert touches([105, 110, 100, 90], levels=None) == ()


def test_a_value_area_of_one_price_is_left_before_it_sends_back():
    one = LevelsAt(100, 100, 100, Regime.BALANCED)

    found = touches([95, 100, 100, 98], levels=one)

    # Home is outside the tolerance: to touch is not to be sent back at once.
    assert ends(found) == [("poc", 1, "rejected", 2), ("vah", 1, "rejected", 2), ("val", 1, "rejected", 2)]


def test_counts_and_shares():
    def touch(level, outcome, bars=0, came=1, regime=Regime.BALANCED):
        return Touch(level, 0, came, 0, regime, 0, outcome, bars)

    found = [
        touch(Level.VAH, Outcome.ACCEPTED, 10),
        touch(Level.VAH, Outcome.REJECTED, 3, came=-1),
        touch(Level.VAH, Outcome.REJECTED, 6),
        touch(Level.VAH, Outcome.UNDECIDED, 9),
        touch(Level.POC, Outcome.PENDING, 2, regime=Regime.BULL),
    ]

    told = by_level(found)
    assert list(told) == ["poc", "vah"]
    assert (told["vah"].touches, told["vah"].accepted_share, told["vah"].rejected_share) == (4, 1 / 3, 2 / 3)
    assert (told["vah"].bars_to_acceptance, told["vah"].bars_to_rejection, told["vah"].undecided) == (10, 4.5, 1)
    assert (told["poc"].pending, told["poc"].accepted_share, told["poc"].bars_to_rejection) == (1, None, None)
    assert list(by_approach(found)) == ["poc from below", "vah from inside", "vah from outside"]
    assert {regime: list(levels) for regime, levels in by_regime(found).items()} == {"balanced": ["vah"], "bull": ["poc"]}
    assert count([]).touches == 0


prices = st.integers(80, 120)
shown = st.one_of(st.none(), st.tuples(st.integers(85, 95), st.integers(96, 104), st.integers(105, 115), st.sampled_from(Regime)))
bars = st.lists(st.tuples(prices, prices, prices, st.integers(1, 4), shown), min_size=1, max_size=80)


def follow(some):
    watch, ts = TouchWatch(TouchRule()), OPEN
    for a, b, c, minutes, levels in some:
        ts += minutes * 30 * MINUTE_NS if minutes == 4 else minutes * MINUTE_NS
        at = None if levels is None else LevelsAt(levels[1], levels[2], levels[0], levels[3])
        watch.step(ts=ts, high=max(a, b, c), low=min(a, b, c), close=b, levels=at)
    return watch.touches


@settings(deadline=None)
@given(bars, st.integers(0, 80))
def test_later_bars_change_nothing_that_was_told(some, cut):
    early, whole = follow(some[:cut]), follow(some)

    for before, after in zip(early, whole, strict=False):
        if before.outcome is Outcome.PENDING:
            assert (before.level, before.price, before.ts, before.home) == (after.level, after.price, after.ts, after.home)
        else:
            assert before == after
    assert len(early) <= len(whole)
