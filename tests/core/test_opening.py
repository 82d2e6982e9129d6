"""Initial balance, open types and the 80 % rule, on minutes worked by hand."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.minutes import Minutes
from auction_bt.core.opening import (
    Direction,
    Eighty,
    EightyRule,
    InitialBalance,
    Opened,
    OpenType,
    eighty_rule,
    initial_balance,
    opened,
    opening_of,
)

CLOSES = st.lists(st.integers(-30, 30), min_size=1, max_size=12)


def path(*closes, step=10, start=100):
    """Minutes `step` apart, each from the close before to its own."""
    rows, before = [], start
    for i, close in enumerate(closes):
        rows.append((i * step, before, max(before, close), min(before, close), close))
        before = close
    return Minutes.of(rows)


def halves(*ranges):
    """One minute of each half hour: (open, high, low, close)."""
    return Minutes.of([(30 * i, *prices) for i, prices in enumerate(ranges)])


def test_the_initial_balance_is_the_first_sixty_minutes():
    minutes = Minutes.of([(0, 5, 9, 4, 6), (59, 6, 12, 6, 8), (60, 8, 20, 1, 3)])
    assert initial_balance(minutes, 60) == InitialBalance(4, 12, True)
    assert initial_balance(minutes.before(59), 59) == InitialBalance(4, 9, False)
    assert initial_balance(Minutes.of([(60, 1, 1, 1, 1)]), 375) is None


def test_multiples_lie_beyond_the_edges_on_the_next_tick_away():
    # Width 5: half of it is 2.5, to the next tick 3.
    assert InitialBalance(10, 15, True).multiples() == [(Fraction(3, 2), 7, 18), (2, 5, 20), (3, 0, 25)]


def test_range_extension_is_counted_from_each_edge():
    assert InitialBalance(10, 15, True).extension(8, 15) == (2, 0)
    assert InitialBalance(10, 15, True).extension(12, 19) == (0, 4)


@pytest.mark.parametrize(
    ("closes", "references", "want", "direction"),
    [
        # Up at once, never back: A is 100..110 and closes at its top.
        ((103, 106, 110, 112, 115, 120), (), OpenType.DRIVE, Direction.UP),
        # A probe of 4 to the reference at 96, then through the open; IB 96..116, 10 % of it is 2.
        ((96, 104, 110, 112, 114, 116), (95,), OpenType.TEST_DRIVE, Direction.UP),
        # The same without a reference there: the open auctions.
        ((96, 104, 110, 112, 114, 116), (90,), OpenType.AUCTION, None),
        # 12 down of an IB of 17, then back above the open.
        ((94, 88, 96, 101, 104, 105), (), OpenType.REJECTION_REVERSE, Direction.UP),
        # To and fro.
        ((103, 98, 102, 97, 103, 99), (), OpenType.AUCTION, None),
    ],
)
def test_open_types(closes, references, want, direction):
    found = opening_of(path(*closes), references, 60)
    assert (found.type, found.direction, found.is_final) == (want, direction, True)
    mirrored = opening_of(path(*closes).mirrored(), [-r for r in references], 60)
    opposite = {Direction.UP: Direction.DOWN, None: None}[direction]
    assert (mirrored.type, mirrored.direction) == (want, opposite)


def test_crosses_of_the_opening_price_are_counted():
    assert opening_of(path(103, 98, 100, 102, 97, 99), (), 60).crosses == 3  # 100 itself is no side


def test_an_open_type_needs_its_first_half_hour_and_some_movement():
    assert opening_of(path(103, 106, 110), (), 29) is None
    assert not opening_of(path(103, 106, 110), (), 30).is_final
    assert opening_of(path(100, 100, 100, 105), (), 60) is None


@given(CLOSES, st.lists(st.integers(-30, 30), max_size=4))
def test_a_mirrored_open_has_the_same_type_and_the_other_way(closes, references):
    up = opening_of(path(*closes, start=0), references, 60)
    down = opening_of(path(*closes, start=0).mirrored(), [-r for r in references], 60)
    assert (up is None) == (down is None)
    if up is not None:
        assert (up.type, up.crosses) == (down.type, down.crosses)
        assert {up.direction, down.direction} in ({None}, {Direction.UP, Direction.DOWN})


@pytest.mark.parametrize(
    ("price", "want"),
    [(104, Opened.IN_VALUE), (106, Opened.IN_VALUE), (107, Opened.IN_RANGE), (110, Opened.IN_RANGE), (111, Opened.OUT_OF_RANGE)],
)
def test_where_a_session_opened(price, want):
    assert opened(price, 100, 110, (104, 106)) is want


def test_without_value_a_price_is_in_the_range_or_out_of_it():
    assert opened(105, 100, 110, None) is Opened.IN_RANGE


OUT = (115, 118, 112, 114)
IN = (112, 113, 105, 107)


@pytest.mark.parametrize(
    ("ranges", "elapsed", "want"),
    [
        ([(105, 108, 103, 106)], 30, EightyRule(Eighty.NOT_APPLICABLE, reason="opened in value and has not left it")),
        ([OUT], 1, EightyRule(Eighty.ARMED, Direction.UP)),
        ([OUT, IN], 59, EightyRule(Eighty.ARMED, Direction.UP)),  # the second half hour is not over
        ([OUT, IN], 60, EightyRule(Eighty.RE_ENTERED, Direction.UP)),
        ([OUT, IN, IN], 90, EightyRule(Eighty.CONFIRMED, Direction.UP, 100)),
        ([OUT, IN, IN, (107, 108, 100, 104)], 91, EightyRule(Eighty.DONE, Direction.UP, 100)),  # touched: no close needed
        ([OUT, IN, IN, (107, 113, 106, 112)], 120, EightyRule(Eighty.FAILED, Direction.UP)),
        ([OUT, IN, OUT], 90, EightyRule(Eighty.ARMED, Direction.UP)),
        ([OUT, IN, IN, OUT, IN], 150, EightyRule(Eighty.RE_ENTERED, Direction.UP)),  # failed, and tries again
        ([(105, 112, 104, 112), IN, IN], 90, EightyRule(Eighty.CONFIRMED, Direction.UP, 100)),  # left value after the open
        ([(95, 98, 94, 96), IN, IN], 90, EightyRule(Eighty.CONFIRMED, Direction.DOWN, 110)),
        ([OUT, (112, 112, 90, 95)], 60, EightyRule(Eighty.ARMED, Direction.DOWN)),  # right through
    ],
)
def test_the_eighty_percent_rule(ranges, elapsed, want):
    assert eighty_rule(halves(*ranges), 100, 110, elapsed) == want


def test_before_the_first_trade_the_rule_says_so():
    assert eighty_rule(Minutes.of([]), 100, 110, 0).reason == "nothing traded yet"


@given(CLOSES, st.integers(0, 390))
def test_a_mirrored_session_has_the_mirrored_state(closes, elapsed):
    minutes = path(*closes, step=30, start=0)
    up, down = eighty_rule(minutes, -5, 8, elapsed), eighty_rule(minutes.mirrored(), -8, 5, elapsed)
    assert up.state is down.state
    assert up.target == (None if down.target is None else -down.target)
    assert (up.outside is None) == (down.outside is None)
    assert up.outside is None or up.outside is not down.outside
