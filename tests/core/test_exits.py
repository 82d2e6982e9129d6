"""The exit group as a value: quantities always add up, the stop never goes back, nothing is left naked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import Refused
from auction_bt.core.exits import Deadline, ExitGroup, Target, exits_in_bar
from auction_bt.core.trade import Side


def group(side: Side = Side.LONG, qty: int = 4, stop: float = 95.0, **kwargs: object) -> ExitGroup:
    sign = side.sign
    targets = (Target(100 + 5 * sign, qty // 2, to_entry=True), Target(100 + 9 * sign, qty - qty // 2, "target2"))
    return ExitGroup(side, qty, 100 - (100 - stop) * sign, kwargs.pop("targets", targets), **kwargs)  # type: ignore[arg-type]


@st.composite
def groups(draw: st.DrawFn) -> ExitGroup:
    side = draw(st.sampled_from(Side))
    qty = draw(st.integers(1, 20))
    distances = sorted(draw(st.lists(st.integers(1, 30), max_size=4)))
    left, targets = qty, []
    for i, distance in enumerate(distances):
        if left:
            take = draw(st.integers(1, left))
            left -= take
            targets.append(
                Target(100 + side.sign * distance, take, "target1" if i == 0 else "target2", to_entry=draw(st.booleans()))
            )
    return ExitGroup(side, qty, 100.0 - side.sign * draw(st.integers(1, 30)), tuple(targets))


@given(groups(), st.data())
def test_whatever_fills_in_whatever_order_the_stop_covers_exactly_what_is_open(start: ExitGroup, data: st.DataObject) -> None:
    current: ExitGroup | None = start.entered_at(100.0)
    left = start.qty
    while current is not None:
        assert current.qty == left
        assert sum(t.qty for t in current.targets) <= left
        target = current.nearest
        if target is not None and data.draw(st.booleans()):
            left -= target.qty
            after = current.after_target(target)
            assert after is None or (after.stop - current.stop) * start.side.sign >= 0
        else:
            gone = data.draw(st.integers(1, left))
            left -= gone
            after = current.resized(left)
        assert (after is None) == (left == 0)
        current = after


@given(groups(), st.integers(1, 20), st.integers(60, 140))
def test_what_is_added_leaves_with_what_was_to_leave_last_and_its_stop_comes_nearer_or_stays(
    start: ExitGroup, qty: int, stop: int
) -> None:
    grown = start.grown(qty, float(stop))

    assert grown.qty == start.qty + qty
    assert (grown.stop - start.stop) * start.side.sign >= 0
    at_target = sum(t.qty for t in start.targets)
    assert sum(t.qty for t in grown.targets) == at_target + (qty if at_target == start.qty else 0)
    assert [t.price for t in grown.targets] == [t.price for t in start.targets]
    assert grown.nearest is None or len(grown.targets) == 1 or grown.nearest == start.nearest


@given(groups(), st.integers(60, 140))
def test_a_trailing_stop_only_moves_towards_the_market_and_never_past_a_target(start: ExitGroup, price: int) -> None:
    moved = start.trailed(float(price))

    assert (moved.stop - start.stop) * start.side.sign >= 0
    assert all((t.price - moved.stop) * start.side.sign > 0 for t in moved.targets)


@given(groups(), st.integers(70, 130), st.integers(0, 30), st.integers(0, 30))
def test_in_one_bar_the_stop_comes_before_any_target_and_no_share_leaves_twice(
    start: ExitGroup, open_: int, up: int, down: int
) -> None:
    high, low = open_ + up, open_ - down
    found = exits_in_bar(start, float(open_), float(high), float(low))

    assert sum(leg.qty for leg in found) <= start.qty
    worst = low if start.side is Side.LONG else high
    if (worst - start.stop) * start.side.sign <= 0:
        assert [(leg.reason, leg.qty) for leg in found] == [("stop", start.qty)]
        assert found[0].group is None
    for leg in found:
        if leg.is_limit:  # rests at its price: never better, even where the bar opened beyond it
            assert leg.price in [t.price for t in start.targets]
        else:
            assert low <= leg.price <= high
        if not leg.is_limit and leg.price != start.stop:
            assert leg.price == open_ or leg.reason == "trail"


def test_the_stop_goes_to_the_entry_when_the_first_target_is_filled() -> None:
    entered = group().entered_at(101.5)
    target = entered.nearest
    assert target is not None

    after = entered.after_target(target)

    assert after is not None
    assert (after.qty, after.stop, after.stop_reason) == (2, 101.5, "trail")


def test_a_time_stop_is_dropped_at_the_first_target_and_the_square_off_stays() -> None:
    both = group(deadlines=(Deadline(5, "time", until_target=True), Deadline(9, "square_off")))
    assert both.due == both.deadlines[0]
    target = both.nearest
    assert target is not None

    after = both.after_target(target)

    assert after is not None
    assert after.deadlines == (Deadline(9, "square_off"),)


@pytest.mark.parametrize(
    "bad",
    [
        {"qty": 0},
        {"stop": float("nan")},
        {"targets": (Target(110.0, 5),)},
        {"targets": (Target(94.0, 1),)},
        {"targets": (Target(110.0, 1, "wish"),)},
        {"targets": (Target(110.0, 0),)},
    ],
)
def test_a_group_that_cannot_be_kept_is_refused(bad: dict[str, object]) -> None:
    fields = {"side": Side.LONG, "qty": 4, "stop": 95.0, **bad}
    with pytest.raises(Refused):
        ExitGroup(**fields)  # type: ignore[arg-type]


def test_on_a_bar_a_price_of_three_ticks_is_reached_although_its_float_is_not() -> None:
    found = exits_in_bar(ExitGroup(Side.LONG, 2, 0.05, (Target(3 * 0.05, 2),)), 0.10, 0.15, 0.10)

    assert [(leg.reason, leg.qty) for leg in found] == [("target1", 2)]
