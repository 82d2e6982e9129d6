"""What the broker does about orders and positions that are not its own."""

from decimal import Decimal
from types import SimpleNamespace

import backtrader as bt
import pandas as pd
import pytest

from auction_bt.brokers.messages import book_message, positions_message
from auction_bt.brokers.upstox_broker import UpstoxBroker
from auction_bt.core.exits import ExitGroup
from auction_bt.core.instrument import Instrument
from auction_bt.core.keeper import Keeper
from auction_bt.core.keeping import Terms
from auction_bt.core.live_order import Place
from auction_bt.core.trade import Side
from auction_bt.parsing import dump

KEY = "NSE_EQ|INE002A01018"
ROW = {"order_id": "9", "instrument_token": KEY, "transaction_type": "BUY", "status": "complete", "quantity": 10,
       "filled_quantity": 10, "average_price": 100.0, "placed_by": "ME"}  # fmt: skip


class Data:
    """As much of a feed as a broker asks for."""

    instrument = Instrument(KEY, Decimal("0.10"))


@pytest.fixture
def broker():
    """A broker of one symbol in which nothing is traded."""
    made = UpstoxBroker()
    made.cerebro = SimpleNamespace(datas=[Data()])
    made.init()
    made.at(1, 1)
    return made


def test_an_order_with_our_tag_that_we_have_not_given_stops_trading(broker):
    broker.on_message(dump(book_message([{**ROW, "tag": "abt1e1"}], 1)))
    assert broker.difference == "order 9 carries our tag and is not of this run"
    assert "another bot, or its state was lost" in broker.alarms[0]
    broker.difference = ""
    broker.on_message(dump(book_message([{**ROW, "tag": "abt1e1"}], 2)))
    assert broker.difference == "", "it is said once, and a person has resumed since"


@pytest.mark.parametrize("tag", ["", "mine", "abtxqzh1"])  # the last is of `flatten`
def test_orders_of_a_person_are_left_alone_and_their_positions_are_known(broker, tag):
    broker.on_message(dump(book_message([{**ROW, "tag": tag}], 1)))
    for _ in range(4):
        broker.on_message(dump(positions_message([{"instrument_token": KEY, "quantity": 10}], 2)))
    assert (broker.difference, broker.alarms, broker.blocked) == ("", [], {})


def test_a_position_that_nobody_has_opened_stops_trading_after_three_looks(broker):
    for look in range(3):
        assert broker.difference == "", look
        broker.on_message(dump(positions_message([{"instrument_token": KEY, "quantity": 10}], 2)))
    assert broker.difference == "position differs"
    assert "the account holds +10 shares and +0 are known here" in broker.alarms[0]


@pytest.mark.parametrize(("held", "size", "is_taken"), [(0, 10, False), (10, -10, True), (10, 10, False), (10, -30, False)])
def test_while_something_is_in_doubt_positions_may_become_smaller_alone(held, size, is_taken):
    sent, states = [], []

    class Once(bt.Strategy):
        def next(self):
            broker, data = self.broker, self.data
            if len(self) > 1:
                return
            broker.positions[data].update(held, 100.0)
            for look in range(3):
                broker.on_message(dump(positions_message([{"instrument_token": KEY, "quantity": 99}], look)))
            assert broker.difference
            order = self.buy(size=size) if size > 0 else self.sell(size=-size)
            states.append(order.status != bt.Order.Rejected)
            broker.resume()
            states.append(self.buy(size=10).status != bt.Order.Rejected)

    cerebro = bt.Cerebro(stdstats=False)
    days = pd.date_range("2026-03-10", periods=2)
    data = bt.feeds.PandasData(
        dataname=pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 100.0), index=days)
    )
    data.instrument = Instrument(KEY, Decimal("0.10"))
    cerebro.adddata(data)
    cerebro.setbroker(UpstoxBroker(send=sent.append))
    cerebro.addstrategy(Once)
    cerebro.run()
    assert states == [is_taken, True]
    assert len(sent) == is_taken + 1


def test_what_was_held_over_night_is_left_alone_and_its_symbol_blocked(broker):
    rows = [{"instrument_token": KEY, "quantity": 10, "overnight_quantity": 10}, {"instrument_token": "NSE_EQ|X", "quantity": 5}]
    for _ in range(4):
        broker.on_message(dump(positions_message(rows, 2)))
    assert broker.blocked == {KEY: "overnight position"}
    assert len(broker.alarms) == 1
    assert broker.difference == ""


def test_a_stop_that_was_taken_back_with_its_position_is_not_placed_again(broker):
    # As a start finds it after `flatten` without a bot: in the order book the stop comes before the order that closed the trade.
    sent = []
    broker._send = sent.append
    terms = Terms(KEY, 0.1)
    keeper = Keeper(terms, Side.LONG, 10, ExitGroup(Side.LONG, 10, 95.0), 1, 1, sent.append)
    entry = next(iter(keeper.orders.by_tag))
    broker._trades[KEY] = SimpleNamespace(data=Data(), order=None, keeper=keeper, adding=None, entered=0)
    broker._entered = broker._left = lambda *_: None
    bought = {**ROW, "order_id": "1", "tag": entry}
    broker.on_message(dump(book_message([bought], 1)))
    stop = sent[-1].intent
    assert (stop.reason, stop.qty) == ("stop", 10)
    resting = {**ROW, "order_id": "2", "tag": stop.tag, "transaction_type": "SELL", "status": "trigger pending",
               "filled_quantity": 0, "trigger_price": 95.0}  # fmt: skip
    broker.on_message(dump(book_message([bought, resting], 2)))
    before = len(sent)
    closed = {**ROW, "order_id": "3", "tag": "abtxqzh1", "transaction_type": "SELL"}
    broker.on_message(dump(book_message([bought, {**resting, "status": "cancelled"}, closed], 3)))
    assert [type(action).__name__ for action in sent[before:] if isinstance(action, Place)] == []
    assert keeper.held == 0
    assert keeper.is_over
    assert ["`flatten` has closed 10 shares" in text for text in broker.alarms] == [True]
