"""What orders cost, booked fill by fill."""

from datetime import date
from decimal import Decimal

from auction_bt.brokers.indian import indian_charges
from auction_bt.core.breakdown import Breakdown
from auction_bt.core.costing import OrderCosts
from auction_bt.core.decision import Decision
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.ledger import OpenTrade
from auction_bt.core.tariff import Product
from auction_bt.core.trade import Fill, Levels, Side

SHARE = Instrument("NSE_EQ|INE002A01018", Decimal("0.05"))
MONDAY = day_start(from_date(date(2026, 11, 16))) + 36_000_000_000_000


def costs(charges=None, product=Product.INTRADAY):
    return OrderCosts(SHARE, charges, product, lambda price, size: Decimal(str(price)) * abs(size) / 1000)


def fill(price, qty, reason, at=MONDAY):
    return Fill(at, at, price, qty, reason)


def open_trade(side, *fills, charges=None):
    decision = Decision(1, 1, SHARE.symbol, "enter", side, "fade", "balanced", Levels(1.0, 2.0, 0.5, "rolling"), "", stop=990.0)
    trade = OpenTrade(decision, SHARE.symbol, side, costs(charges).of)
    for one in fills:
        trade.add(one)
    return trade


def test_without_a_model_the_brokers_commission_is_all_there_is():
    own = costs()

    assert own.of(fill(1000.0, 10, "entry"), True) == Breakdown(other=Decimal(10))
    assert own.round_trip(1000.0, 10, 0) == 20


def test_a_trade_is_rounded_once_as_a_note_is():
    trade = open_trade(
        Side.LONG, fill(1000.0, 100, "entry"), fill(1010.0, 100, "target1"), charges=indian_charges()
    ).trade((1000.0, 1010.0))  # fmt: skip

    assert trade.charges == trade.costs.total == Decimal("82.97")
    assert trade.pnl_net == trade.pnl_gross - trade.charges == Decimal("917.03")


def test_a_short_trade_sells_first():
    trade = open_trade(Side.SHORT, fill(1010.0, 100, "entry"), fill(1000.0, 100, "stop"), charges=indian_charges())

    assert trade.trade((1000.0, 1010.0)).costs.stt == Decimal("25.25")


def test_marking_an_open_trade_counts_a_way_out_that_has_not_been_paid():
    trade = open_trade(Side.LONG, fill(1000.0, 100, "entry"), charges=indian_charges())
    marked = trade.trade((1000.0, 1010.0), fill(1010.0, 100, "open"))

    assert marked.charges == Decimal("82.97")
    assert trade.costs.stt == 0


def test_a_trade_the_broker_closed_pays_for_that():
    own, forced = (
        open_trade(Side.LONG, fill(1000.0, 100, "entry"), fill(1010.0, 100, reason), charges=indian_charges()).trade(
            (1000.0, 1010.0)
        )
        for reason in ("square_off", "broker")
    )

    assert (own.costs.square_off, forced.costs.square_off) == (0, 50)
    assert forced.charges - own.charges == 59


def test_the_second_sale_of_a_day_takes_nothing_more_out_of_the_account_of_shares():
    own = costs(indian_charges(), Product.DELIVERY)
    paid = []
    for at in (MONDAY, MONDAY + 1, MONDAY + 86_400_000_000_000):
        sale = fill(1000.0, 10, "target1", at)
        paid.append(own.of(sale, False).dp)
        own.booked(sale, False)

    assert paid == [Decimal("18.5"), 0, Decimal("18.5")]
