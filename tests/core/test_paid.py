"""What trades paid: by kind, as a share, and as a move of the price."""

from dataclasses import replace
from decimal import Decimal

import pytest

from auction_bt.core.breakdown import Breakdown
from auction_bt.core.decision import Decision
from auction_bt.core.paid import paid
from auction_bt.core.trade import Levels, Side, Trade

LEVELS = Levels(100.0, 101.0, 99.0, "rolling")
COSTS = Breakdown(brokerage=Decimal(3), stt=Decimal(1))
LONG = Trade("X", "X", Side.LONG, "fade", "balanced", LEVELS, 10, 20, 20, 100.0, 30, 30, 104.0, 99.0, "target1", Decimal(40),
             Decimal(4), Decimal(36), 0.0, 4.0, 3.6, (), COSTS)  # fmt: skip
SHORT = replace(LONG, side=Side.SHORT, entry_ts=40, entry_seq=40, exit_ts=50, exit_seq=50, exit_price=101.0,
                pnl_gross=Decimal(-10), pnl_net=Decimal(-14))  # fmt: skip


def entry(seq, close, **evidence):
    return Decision(seq, seq, "X", "enter", Side.LONG, "fade", "balanced", LEVELS, evidence={"close": close, **evidence})


def test_charges_by_kind_and_the_move_that_pays_for_them():
    found = paid([LONG, SHORT, replace(LONG, exit_ts=0)])

    assert (found.trades, found.gross, found.charges, found.net) == (2, 30, 8, 22)
    assert found.by_kind == (("brokerage", 6), ("stt", 2))
    assert found.turnover == 1000 + 1040 + 1000 + 1010
    assert found.share_of_gross == 8 / 30
    assert found.share_of_turnover == 8 / 4050
    assert (found.break_even_move, found.break_even_share) == (8 / 20, 8 / 2000)
    assert (found.slippage, found.measured) == (None, 0)


def test_a_total_without_kinds_is_other():
    assert paid([replace(LONG, costs=Breakdown())]).by_kind == (("other", 4),)


def test_slippage_is_positive_where_the_fill_was_worse_than_the_close_decided_on():
    found = paid([LONG, SHORT], [entry(10, 99.5), entry(35, 100.25)])

    assert found.slippage == pytest.approx((0.5 + 0.25) / 2)  # a short sold at 100 what stood at 100.25
    assert found.slippage_worst == 0.5
    assert found.slippage_cost == pytest.approx(7.5)
    assert found.measured == 2


def test_an_option_is_held_against_its_premium_and_the_way_it_was_held():
    put = replace(LONG, symbol="PUT", side=Side.SHORT, position=Side.LONG, entry_price=12.0, exit_price=11.0)

    assert paid([put], [entry(10, 99.5, premium=11.9)]).slippage == pytest.approx(0.1)
    assert paid([put], [entry(10, 99.5)]).slippage is None


def test_nothing_traded_paid_nothing():
    found = paid([])

    assert (found.charges, found.break_even_move, found.share_of_gross, found.share_of_turnover) == (0, None, None, None)


def test_a_gross_loss_has_no_share():
    assert paid([SHORT]).share_of_gross is None
