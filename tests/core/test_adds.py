"""Adds to a trade that gains: never more at risk than at first, and what an entry must offer."""

from decimal import Decimal
from math import nan

from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.adds import Adds, plan_add
from auction_bt.core.breakdown import Breakdown
from auction_bt.core.decision import Decision
from auction_bt.core.exits import ExitGroup, Target
from auction_bt.core.instrument import Instrument
from auction_bt.core.ledger import OpenTrade
from auction_bt.core.plan import Terms
from auction_bt.core.risk import Filters
from auction_bt.core.trade import Fill, Levels, Side

TICK, LOT = 0.05, 25
INSTRUMENT = Instrument("X", Decimal("0.05"), LOT)
FREE = Filters(cost_multiple=0.0, stop_cost_multiple=0.0, min_stop_ticks=1, min_r=0.0)


def opened(side: Side, *fills: tuple[str, float, int], stop: float) -> OpenTrade:
    decision = Decision(1, 1, "X", "enter", side, "fade", "balanced", Levels(nan, nan, nan, "rolling"), stop=stop)
    trade = OpenTrade(decision, "X", side, lambda *_: Breakdown())
    for reason, price, qty in fills:
        trade.add(Fill(1, 1, price, qty, reason))
    return trade


def terms(filters: Filters = FREE, charge: float = 0.0) -> Terms:
    return Terms(filters, 0.005, 0, 1.0, 0, lambda _price, qty: charge * qty)


@given(
    side=st.sampled_from(Side),
    lots=st.integers(1, 6),
    taken=st.integers(0, 5),
    gap=st.integers(5, 400),
    gains=st.lists(st.integers(1, 300), min_size=1, max_size=2),
    trailed=st.integers(0, 400),
    free=st.floats(0, 1e7),
)
def test_whatever_is_added_it_loses_no_more_at_its_stop_than_the_first_entry_put_at_risk(
    side: Side, lots: int, taken: int, gap: int, gains: list[int], trailed: int, free: float
) -> None:
    sign, first = side.sign, 1000.0
    stop = round(first - sign * gap * TICK, 2)
    fills = [("entry", first, lots * LOT)]
    if taken and taken < lots:
        fills.append(("target1", round(first + sign * 0.05, 2), taken * LOT))
    close = first
    for gain in gains[:-1]:
        close = round(close + sign * gain * TICK, 2)
        fills.append(("add", close, lots * LOT))
    close = round(close + sign * gains[-1] * TICK, 2)
    trade = opened(side, *fills, stop=stop)
    near = round(min(stop + trailed * TICK, close - TICK) if sign > 0 else max(stop - trailed * TICK, close + TICK), 2)
    group = ExitGroup(side, trade.qty, near)

    plan = plan_add(trade, group, close, nan, INSTRUMENT, terms(), equity=free, free=free)

    assert (plan.stop - group.stop) * sign >= 0, "the stop never goes back"
    assert (close - plan.stop) * sign > 0
    assert plan.qty % LOT == 0
    assert plan.qty <= lots * LOT
    assert plan.refusal in {"", "size 0"}
    if plan.refusal:
        return
    grown = group.grown(plan.qty, plan.stop)
    assert (grown.qty, grown.stop) == (trade.qty + plan.qty, plan.stop)
    if near == stop:  # else it is where trailing has put it
        average = sum(f.price * f.qty for f in trade.entries) / sum(f.qty for f in trade.entries)
        lost = (trade.qty * (average - plan.stop) + plan.qty * (close - plan.stop)) * sign
        assert lost <= gap * TICK * lots * LOT + 1e-6


@given(
    side=st.sampled_from(Side),
    most=st.integers(0, 2),
    made=st.integers(0, 3),
    step=st.floats(0.001, 0.01),
    gain=st.floats(-0.02, 0.02),
)
def test_one_is_due_when_the_price_has_gone_so_far_since_the_last_entry(
    side: Side, most: int, made: int, step: float, gain: float
) -> None:
    trade = opened(side, ("entry", 990.0, LOT), ("add", 1000.0, LOT), stop=900.0)
    is_due = Adds(most, step).is_due(trade, 1000.0 + side.sign * 1000.0 * gain, made)
    assert is_due == (made < most and gain >= step - 1e-9)


def test_it_must_offer_what_an_entry_must_up_to_the_last_target_and_a_trade_that_trails_has_none() -> None:
    trade = opened(Side.LONG, ("entry", 100.0, 2 * LOT), stop=98.0)
    close = 101.0
    near = ExitGroup(Side.LONG, 2 * LOT, 98.0, (Target(100.5, LOT), Target(101.2, LOT, "target2")))
    trails = ExitGroup(Side.LONG, 2 * LOT, 98.0, (Target(100.5, LOT),))
    asks = terms(Filters(cost_multiple=3.0, stop_cost_multiple=0.0, min_stop_ticks=1, min_r=0.0), charge=0.1)
    money = {"equity": 1e6, "free": 1e6}

    assert plan_add(trade, near, close, nan, INSTRUMENT, asks, **money).refusal == "cost"
    plan = plan_add(trade, trails, close, nan, INSTRUMENT, asks, **money)
    assert (plan.refusal, plan.qty, plan.stop) == ("", 2 * LOT, 99.5)  # 50 x 2 at risk at first; 100 x 1 at an average of 100.5
    assert plan_add(trade, trails, close, nan, INSTRUMENT, asks, equity=1e6, free=1e6, room=3000.0).qty == LOT
    strict = terms(Filters(stop_cost_multiple=3.0, cost_multiple=0.0, min_r=0.0), charge=1.0)
    assert plan_add(trade, trails, close, nan, INSTRUMENT, strict, **money).refusal == "stop_distance"


def test_r_is_measured_by_what_the_first_entry_put_at_risk() -> None:
    trade = opened(Side.LONG, ("entry", 100.0, LOT), ("add", 101.0, LOT), ("trail", 102.0, 2 * LOT), stop=99.0)
    closed = trade.trade((99.5, 102.0))
    assert (closed.qty, closed.entry_price, closed.first_price) == (2 * LOT, 100.5, 100.0)
    assert closed.r_multiple == 3.0  # 25 x 3 over 25 x 1
