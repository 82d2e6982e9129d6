"""Charges as backtrader's commission: in a stock Cerebro, and under the broker that fills on ticks."""

from datetime import date
from decimal import Decimal
from typing import Any

import backtrader as bt
import pandas as pd
import pytest

from auction_bt.brokers.charges import NoCharges
from auction_bt.brokers.commission import ChargedCommission
from auction_bt.brokers.indian import indian_charges
from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import day_index, from_date
from auction_bt.core.tariff import Product
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from tests.builders import columns_of, random_ticks, recorded

BEFORE, AFTER = date(2026, 3, 31), date(2026, 4, 1)  # STT on futures rises from 0.02 % to 0.05 %
SHARE = Instrument("NSE_EQ|INE002A01018", Decimal("0.05"))
FUTURE = Instrument("NSE_FO|51502", Decimal("0.10"), 65, Kind.FUTURE)


class Scripted(bt.Strategy):
    """Orders by bar number: {bar: signed shares}."""

    params = (("orders", {}),)

    def __init__(self) -> None:
        self.paid: list[float] = []

    def next(self) -> None:
        size = self.p.orders.get(len(self.data), 0)
        if size:
            (self.buy if size > 0 else self.sell)(size=abs(size))

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.paid.append(order.executed.comm)


def stock(stamps: list[str], price: float, orders: dict[int, int], **commission: Any) -> tuple[Scripted, float]:
    index = pd.DatetimeIndex(stamps).tz_localize("Asia/Kolkata")
    frame = pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": 100}, index=index)
    cerebro = bt.Cerebro(stdstats=False)
    feed = bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes)
    cerebro.adddata(feed)
    cerebro.addstrategy(Scripted, orders=orders)
    cerebro.broker.setcash(1e7)
    cerebro.broker.addcommissioninfo(ChargedCommission(charges=indian_charges(), data=feed, **commission))
    return cerebro.run()[0], cerebro.broker.getvalue()


def minutes(day: date, count: int) -> list[str]:
    return [f"{day} 10:{m:02d}" for m in range(count)]


def test_in_a_stock_cerebro_a_round_trip_costs_what_the_note_says():
    strategy, value = stock(minutes(date(2026, 11, 20), 5), 1000.0, {1: 100, 3: -100}, instrument=SHARE)

    # 20 + 3.07 + 0.10 + 3.00 and 18 % of the first three; 20 + 25 + 3.07 + 0.10 and the same 18 %
    assert strategy.paid == pytest.approx([30.3406, 52.3406])
    assert value == pytest.approx(1e7 - 82.6812)


def test_each_execution_pays_the_rates_of_its_day():
    strategy, _ = stock(minutes(BEFORE, 2) + minutes(AFTER, 2), 25_000.0, {1: -65, 2: -65}, instrument=FUTURE)

    assert strategy.paid[1] - strategy.paid[0] == pytest.approx(1_625_000 * 0.0003)


def test_of_several_sales_on_a_day_the_first_alone_pays_the_depository():
    stamps = minutes(date(2026, 11, 19), 6) + minutes(date(2026, 11, 20), 2)
    strategy, _ = stock(stamps, 1000.0, {1: 300, 2: -100, 4: -100, 6: -100}, instrument=SHARE, product=Product.DELIVERY)

    _, first, second, next_day = strategy.paid
    assert first - second == pytest.approx(18.5 * 1.18)
    assert next_day == pytest.approx(first)


def test_a_frozen_quantity_pays_brokerage_for_each_of_its_orders():
    whole, sliced = (
        stock(minutes(AFTER, 4), 100.0, {1: 4000}, instrument=FUTURE, freeze=freeze)[0].paid[0] for freeze in (0, 1800)
    )

    assert sliced - whole == pytest.approx(40 * 1.18)


def test_what_is_not_said_is_asked_for():
    with pytest.raises(BadInput, match="instrument=… where the feed does not carry one"):
        ChargedCommission(charges=NoCharges())
    with pytest.raises(BadInput, match="needs charges"):
        ChargedCommission(instrument=SHARE)
    with pytest.raises(BadInput, match="give it data=…, the feed"):
        ChargedCommission(charges=NoCharges(), instrument=SHARE).getcommission(1, 100.0)


def test_the_feeds_own_instrument_is_taken():
    feed = StoredData(recorded=recorded(columns_of(random_ticks(1, per_minute=3, seed=1)), kind=Kind.OPTION))

    assert ChargedCommission(charges=NoCharges(), data=feed).get_margin(100.0) == 100.0


def test_a_tick_of_the_next_day_pays_the_rates_of_the_next_day():
    shift = (from_date(BEFORE) - from_date(date(2015, 1, 6))) * 86_400_000_000_000  # a Tuesday each
    drawn = random_ticks(5, per_minute=3, seed=3)
    drawn["ts"] = drawn["ts"] + shift
    day = recorded(columns_of(drawn), symbol=FUTURE.symbol, kind=Kind.FUTURE)
    last = int((day_index(day.bars.ts) <= from_date(BEFORE)).sum())  # known at the first tick of the day after
    cerebro, broker = AuctionCerebro(), TickBroker()
    broker.setcash(1e7)
    broker.addcommissioninfo(ChargedCommission(charges=indian_charges(), instrument=day.instrument), name=FUTURE.symbol)
    cerebro.setbroker(broker)
    cerebro.add_symbol(StoredData(recorded=day), Noting, orders={last: -65})

    order = cerebro.run()[0].sold

    assert day_index(order.info["fill"].ts) == from_date(AFTER)
    paid = indian_charges().of(day.instrument, order.executed.price, 65, buy=False, day=from_date(AFTER))
    assert order.executed.comm == pytest.approx(float(paid.total), abs=1e-6)


class Noting(Scripted):
    """Keeps its order."""

    sold: Any = None

    def notify_order(self, order: Any) -> None:
        self.sold = order
