"""Size, filters and exits of an entry; the book of open risk."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.exits import Target
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.plan import Terms, plan_entry
from auction_bt.core.risk import Filters, RiskBook, Stake, size_of
from auction_bt.core.signals import Setup, Signal
from auction_bt.core.trade import Side
from tests.core.test_signals import at

OPEN = Filters(cost_multiple=0, stop_cost_multiple=0, min_stop_ticks=0, min_r=0)
FUTURE = Instrument("F", Decimal("0.05"), lot=75, kind=Kind.FUTURE)
SIGNAL = Signal(Side.LONG, Setup.FADE, "val", stop=900, target1=1000, target2=1100)


def terms(**changes: object) -> Terms:
    base = Terms(Filters(), 0.005, 0, 0.15, 1, lambda price, qty: 0.002 * price * qty)
    return replace(base, **changes)  # type: ignore[arg-type]


def plan(signal: Signal = SIGNAL, *, close: int = 940, instrument: Instrument = FUTURE, **changes: object):  # type: ignore[no-untyped-def]
    return plan_entry(signal, at(close=close), instrument, terms(**changes), 1e6, 1e6, ())


def test_an_entry_takes_half_at_the_first_target_and_the_rest_at_the_second() -> None:
    found = plan()

    assert found.refusal == ""
    assert found.qty % 75 == 0
    half = found.qty // 75 // 2 * 75
    assert found.group.targets == (Target(50.0, half, to_entry=True), Target(55.0, found.qty - half, "target2"))
    assert found.group.stop == 45.0
    assert found.evidence["risk"] <= 5_000


def test_one_lot_leaves_whole_at_the_first_target_or_trails() -> None:
    assert plan(quantity=75).group.targets == (Target(50.0, 75),)
    assert plan(quantity=75, single_lot="trail").group.targets == ()
    assert plan(quantity=149).qty == 75


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"close": 990}, "cost"),
        ({"close": 1005}, "cost"),
        ({"close": 903, "filters": replace(OPEN, min_stop_ticks=4)}, "stop_distance"),
        ({"close": 898, "filters": OPEN}, "stop_distance"),
        ({"close": 951, "filters": replace(OPEN, min_r=1.0)}, "r_multiple"),
        ({"risk_fraction": 0.00001}, "size 0"),
        ({"quantity": 74}, "size 0"),
        ({"signal": replace(SIGNAL, refused="narrow value")}, "narrow value"),
    ],
)
def test_the_first_filter_that_fails_is_named(changes: dict[str, object], refusal: str) -> None:
    found = plan(**changes)  # type: ignore[arg-type]

    assert (found.refusal, found.qty, found.group) == (refusal, 0, None)


def test_an_option_is_never_sold_short() -> None:
    option = replace(FUTURE, kind=Kind.OPTION)
    short = Signal(Side.SHORT, Setup.FADE, "vah", stop=1000, target1=900, target2=None)

    assert plan(short, close=960, instrument=option).refusal == "option short"
    assert plan(short, close=960).refusal == ""


def test_a_window_of_poor_ticks_is_refused_only_where_a_floor_is_set_and_ticks_exist() -> None:
    floor = replace(OPEN, quality_floor=0.9)
    figures = {"expected": 10.0, "stop_distance": 5.0, "cost": 0.0}

    assert floor.refusal(quality=0.8, **figures) == "quality"
    assert floor.refusal(quality=float("nan"), **figures) == ""
    assert OPEN.refusal(quality=0.1, **figures) == ""


@given(
    st.floats(1, 1e7), st.floats(0, 1e7), st.floats(0, 0.05), st.floats(0.05, 500), st.integers(1, 2000), st.floats(0.05, 30_000)
)
def test_no_size_risks_or_costs_more_than_allowed(
    equity: float, free: float, fraction: float, loss: float, lot: int, price: float
) -> None:
    qty = size_of(equity=equity, free=free, risk_fraction=fraction, loss_per_share=loss, lot=lot, price=price, margin=0.2)

    assert qty % lot == 0
    assert qty * loss <= equity * fraction * (1 + 1e-6) + 1e-6 * lot * loss
    assert qty * price * 0.2 <= free * (1 + 1e-6) + 1e-6 * lot * price


def test_the_book_frees_margin_and_keeps_the_result_when_a_trade_ends() -> None:
    book = RiskBook(Decimal(1000))
    book.opened("A", Stake(Decimal(300)))
    book.opened("B", Stake(Decimal(100)))

    assert (book.free, book.refusal("A"), book.refusal("C")) == (600, "open trade", "")
    book.closed("A", Decimal(-50))
    assert (book.equity, book.free, book.refusal("C")) == (950, 850, "")
    book.closed("nobody", Decimal(0))
    assert book.equity == 950


@pytest.mark.parametrize("bad", [{"cost_multiple": -1}, {"quality_floor": 1.5}, {"min_r": -0.1}])
def test_filters_that_mean_nothing_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(BadInput, match=next(iter(bad))):
        Filters(**bad)  # type: ignore[arg-type]
