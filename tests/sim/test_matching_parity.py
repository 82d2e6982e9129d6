"""With fills as in a backtest the exchange pays what the backtest's broker pays, on the same tick."""

from dataclasses import dataclass
from math import nan

import backtrader as bt
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.brokers.book import Working
from auction_bt.brokers.tick_rules import price_at_tick
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import SECOND_NS
from auction_bt.core.market import MarketTape
from auction_bt.sim.books import Account
from auction_bt.sim.exchange import Exchange
from auction_bt.sim.matching import AS_BACKTESTED, Matching
from auction_bt.sim.money import to_rupees, units
from auction_bt.sim.order import Kind, Request, Status
from tests.sim.made import SHARE, at, contracts

YARDSTICK = FillModel(FillPrice.QUOTE, slippage=0)
KINDS = {Kind.MARKET: bt.Order.Market, Kind.LIMIT: bt.Order.Limit, Kind.STOP_LIMIT: bt.Order.StopLimit,
         Kind.STOP_MARKET: bt.Order.Stop}  # fmt: skip
LOW, HIGH = 12_000, 14_000  # in steps of 0.10: within the day's band, and far beyond a market order's protection


@dataclass(frozen=True)
class Tick:
    k: int
    size: int
    bid: int | None  # steps from the trade
    ask: int | None

    @property
    def prices(self):
        """Trade, bid and ask in rupees; NaN where there is no quote."""
        return self.k / 10, *(nan if away is None else (self.k + away) / 10 for away in (self.bid, self.ask))


@dataclass(frozen=True)
class Asked:
    kind: Kind
    buy: bool
    price: int
    trigger: int
    after: int  # ticks

    @property
    def request(self):
        price = self.price if self.kind in {Kind.LIMIT, Kind.STOP_LIMIT} else 0
        trigger = self.trigger if self.kind in {Kind.STOP_LIMIT, Kind.STOP_MARKET} else 0
        return Request(SHARE, self.buy, 1000, self.kind, price * 1000, trigger * 1000)


NEAR = st.integers(13_090, 13_110)
STEPS = st.one_of(NEAR, NEAR, st.integers(LOW, HIGH))
AWAY = st.one_of(st.none(), st.integers(0, 8))
TICKS = st.lists(
    st.builds(lambda k, size, bid, ask: Tick(k, size, None if bid is None else -bid, ask), STEPS, st.integers(0, 40), AWAY, AWAY),
    min_size=1, max_size=30,
)  # fmt: skip
ORDERS = st.lists(st.builds(Asked, st.sampled_from(Kind), st.booleans(), STEPS, STEPS, st.integers(0, 20)), max_size=12)


class BacktestOrder:
    """What `price_at_tick` asks of backtrader's order."""

    def __init__(self, asked):
        price = asked.trigger if asked.kind in {Kind.STOP_LIMIT, Kind.STOP_MARKET} else asked.price
        self.created = bt.order.OrderData(price=price / 10, pricelimit=asked.price / 10)
        self.exectype, self.triggered, self._buy = KINDS[asked.kind], False, asked.buy

    def isbuy(self):
        return self._buy


def expected(asked, ticks):
    """The tick and the price of an order in a backtest, None where it is not filled."""
    trade, bid, ask = np.array([tick.prices for tick in ticks]).T
    seq = np.arange(1, len(ticks) + 1)
    tape = MarketTape(seq, seq, np.array([tick.k for tick in ticks]), trade, bid, ask, seq, np.array([]), 0.1)
    working = Working(BacktestOrder(asked), asked.after + 1, None, 0)
    for i in range(asked.after, len(ticks)):
        price = price_at_tick(working, tape, i, YARDSTICK)
        if price is not None:
            return i, price
    return None


def played(orders, ticks, matching=AS_BACKTESTED):
    """The exchange after all of it, and for each order its number, and the tick and price of its fills."""
    on, ids, fills = Exchange(contracts(), Account(cash=10**15), matching), {}, {}
    for i in range(len(ticks) + 1):
        now = at(10, 0) + i * SECOND_NS
        for n, asked in enumerate(orders):
            if asked.after == i:
                ids[n] = on.place(asked.request, now).order_ids[0]
        if i < len(ticks):
            price, bid, ask = ticks[i].prices
            before = len(on.books.fills())
            on.on_tick(SHARE, now + 1, price, ticks[i].size, bid, ask, now=now + 1, traded=True)
            for fill in on.books.fills()[before:]:
                fills.setdefault(fill.order_id, []).append((i, fill.price, fill.quantity))
    return on, ids, fills


def is_taken(on, order_id):
    return on.books.by_id[order_id].status is not Status.REJECTED


@given(TICKS, ORDERS)
@settings(max_examples=600, deadline=None)
def test_orders_are_filled_on_the_tick_and_at_the_price_of_a_backtest(ticks, orders):
    on, ids, fills = played(orders, ticks)
    for n, order_id in ids.items():
        if not is_taken(on, order_id):
            continue  # a stop whose trigger the market has passed; a backtest knows no such rule
        found = expected(orders[n], ticks)
        assert fills.get(order_id, []) == ([] if found is None else [(found[0], units(found[1]), 1000)])


@given(TICKS, ORDERS)
@settings(max_examples=300, deadline=None)
def test_protection_changes_nothing_where_the_market_stays_within_it(ticks, orders):
    calm = [Tick(13_090 + tick.k % 20, tick.size, tick.bid, tick.ask) for tick in ticks]
    protected, ids, fills = played(orders, calm, Matching(partial_fills=False))
    without, same, bare = played(orders, calm)
    stops = {Kind.STOP_LIMIT, Kind.STOP_MARKET}
    near = {n for n in ids if orders[n].kind not in stops or abs(orders[n].trigger - 13_100) <= 20}
    assert ids == same
    assert {ids[n]: fills.get(ids[n]) for n in near} == {ids[n]: bare.get(ids[n]) for n in near}
    assert all(is_taken(protected, ids[n]) == is_taken(without, ids[n]) for n in ids)


def test_the_band_of_protection_binds_where_it_is_left():
    asked = Asked(Kind.MARKET, True, 0, 0, 1)
    ticks = [Tick(13_100, 5, -1, 1), Tick(13_500, 5, -1, 1), Tick(13_200, 5, -1, 1)]
    _, (order_id, *_), fills = _unpacked(played([asked], ticks))
    assert fills[order_id] == [(1, units(1350.1), 1000)]
    _, (order_id, *_), fills = _unpacked(played([asked], ticks, Matching(partial_fills=False)))
    assert [(i, to_rupees(price)) for i, price, _ in fills[order_id]] == [(2, 1323.1)]


def test_a_change_of_the_book_alone_is_not_looked_at():
    on = Exchange(contracts(), Account(cash=10**15), AS_BACKTESTED)
    order_id = on.place(Request(SHARE, True, 10, Kind.LIMIT, units(1310)), at(10, 0)).order_ids[0]
    on.on_tick(SHARE, at(10, 0, 1), 1310.0, 0, 1309.9, 1310.5, now=at(10, 0, 1))
    assert on.books.by_id[order_id].filled == 0
    on.on_tick(SHARE, at(10, 0, 2), 1309.0, 0, 1308.9, 1309.1, now=at(10, 0, 2), traded=True)
    assert [to_rupees(fill.price) for fill in on.books.fills()] == [1309.1]  # it had not met a tick before


def _unpacked(found):
    on, ids, fills = found
    return on, list(ids.values()), fills
