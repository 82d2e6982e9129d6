"""Shapes and day types, on small profiles and ranges worked by hand."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.day_type import Day, DayType, ProfileShape, day_type, shape_of
from auction_bt.core.nodes import Nodes, nodes_of
from auction_bt.core.opening import Direction, InitialBalance
from auction_bt.core.profile import Grid, Profile

GRID = Grid(Decimal("0.05"))
IB = InitialBalance(100, 120, True)  # width 20
NO_NODES = Nodes()
UP, DOWN = Direction.UP, Direction.DOWN
FLIPPED = {ProfileShape.P: ProfileShape.b, ProfileShape.b: ProfileShape.P}


def profile(volume):
    return Profile(100, np.array(volume, np.int64), GRID)


def shape(volume):
    found = profile(volume)
    return shape_of(found, nodes_of(found))


def tell(low, high, close, *, balance=IB, nodes=NO_NODES, singles=(), mean=None):
    return day_type(balance, low, high, close, nodes, singles, mean)


@pytest.mark.parametrize(
    ("volume", "want"),
    [
        ([1, 3, 8, 15, 20, 15, 8, 3, 1], ProfileShape.D),
        ([1, 1, 1, 1, 1, 4, 12, 20, 12, 4], ProfileShape.P),
        ([4, 12, 20, 12, 4, 1, 1, 1, 1, 1], ProfileShape.b),
        ([1, 9, 20, 9, 1, 0, 0, 1, 9, 20, 9, 1], ProfileShape.B),
        ([5] * 20, ProfileShape.I),
        ([1, 2, 3, 2], None),  # fewer than five prices
        ([0], None),
    ],
)
def test_shapes(volume, want):
    assert shape(volume) is want
    assert shape(volume[::-1]) is FLIPPED.get(want, want)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=40).filter(lambda v: v.count(max(v)) == 1))
def test_a_mirrored_profile_has_p_for_b_and_else_the_same(volume):
    one, other = shape(volume), shape(volume[::-1])
    bc = profile(volume).shape().bc
    if abs(bc - 5 / 9) > 1e-9:  # at the threshold itself the rounding of floats decides
        assert other is FLIPPED.get(one, one)


@pytest.mark.parametrize(
    ("prices", "more", "want"),
    [
        # No extension: the first hour was the day. With a mean above twice its width nobody came.
        ((100, 120, 110), {}, Day(DayType.NORMAL)),
        ((100, 120, 110), {"mean": 40}, Day(DayType.NORMAL)),
        ((100, 120, 110), {"mean": 41}, Day(DayType.NON_TREND)),
        ((100, 123, 122), {}, Day(DayType.NORMAL)),  # 20 of 23 is 87 %
        # One way: twice the balance is a variation, more than three times with the close out there is a trend.
        ((100, 140, 139), {}, Day(DayType.NORMAL_VARIATION, UP)),
        ((100, 161, 150), {}, Day(DayType.TREND, UP)),
        ((100, 161, 148), {}, Day(DayType.NORMAL_VARIATION, UP)),  # close 13 of 61 below the high
        ((100, 160, 160), {}, Day(DayType.NORMAL_VARIATION, UP)),  # the balance is a third, not less
        # Both ways: the close decides.
        ((90, 130, 110), {}, Day(DayType.NEUTRAL)),
        ((90, 130, 122), {}, Day(DayType.NEUTRAL_EXTREME, UP)),
        ((90, 130, 123), {"mean": 100}, Day(DayType.NEUTRAL_EXTREME, UP)),
        # Two nodes with single prints between.
        ((100, 161, 160), {"nodes": Nodes((110, 150), (130,)), "singles": ((120, 135),)}, Day(DayType.DOUBLE_DISTRIBUTION, UP)),
        ((100, 161, 160), {"nodes": Nodes((110, 150), (130,)), "singles": ((152, 155),)}, Day(DayType.TREND, UP)),
        ((100, 161, 160), {"nodes": Nodes((110, 150), ()), "singles": ((120, 135),)}, Day(DayType.TREND, UP)),
    ],
)
def test_day_types(prices, more, want):
    low, high, close = prices
    assert tell(low, high, close, **more) == want
    nodes, singles = more.get("nodes", Nodes()), more.get("singles", ())
    turned = {
        **more,
        "balance": InitialBalance(-120, -100, True),
        "nodes": Nodes(tuple(-r for r in reversed(nodes.hvn)), tuple(-r for r in nodes.lvn)),
        "singles": tuple((-b, -a) for a, b in singles),
    }
    assert tell(-high, -low, -close, **turned) == Day(want.type, DOWN if want.direction else None)


def test_no_day_type_before_the_first_hour_is_over_nor_without_movement():
    assert tell(100, 120, 110, balance=InitialBalance(100, 120, False)) is None
    assert tell(100, 100, 100, balance=InitialBalance(100, 100, True)) is None


def test_a_trend_day_alone_accepts_no_value():
    assert [t for t in DayType if not Day(t).has_value] == [DayType.TREND]


@given(st.integers(0, 80), st.integers(0, 80), st.integers(0, 180), st.none() | st.integers(1, 90))
def test_a_mirrored_day_has_the_same_type_and_the_other_way(down, up, place, mean):
    low, high = 100 - down, 120 + up
    close = low + place * (high - low) // 180
    one = tell(low, high, close, mean=mean)
    other = tell(-high, -low, -close, balance=InitialBalance(-120, -100, True), mean=mean)
    assert one.type is other.type
    assert {one.direction, other.direction} in ({None}, {UP, DOWN})
