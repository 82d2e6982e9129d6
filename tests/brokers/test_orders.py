"""Orders made the short way are backtrader's, field by field."""

import copy
from typing import Any

import backtrader as bt
import pytest
from backtrader.order import BuyOrder, SellOrder

from auction_bt.brokers.orders import make_order
from auction_bt.feeds.stored import StoredData
from tests.builders import columns_of, random_ticks, recorded

KINDS: list[dict[str, Any]] = [
    {},
    {"price": 101.5},
    {"price": 99.0, "exectype": bt.Order.Limit, "tradeid": 3},
    {"price": 99.0, "pricelimit": 98.5, "exectype": bt.Order.StopLimit},
    {"pricelimit": 98.5, "exectype": bt.Order.StopLimit, "transmit": False},
    {"exectype": bt.Order.StopTrail, "trailamount": 2.5},
    {"exectype": bt.Order.StopTrail, "trailpercent": 0.01, "price": 100.0},
    {"exectype": bt.Order.StopTrailLimit, "trailamount": 2.5, "price": 100.0, "pricelimit": 99.0},
    {"exectype": bt.Order.Limit, "price": 99.0, "valid": bt.timedelta(minutes=5)},
]


def fields(order: Any) -> dict[str, Any]:
    found = {name: vars(value) if name in ("created", "executed") else value for name, value in vars(order).items()}
    found |= {name: getattr(order.p, name) for name in type(order).params._getkeys()}
    found["params"] = dict(order.p._getkwargs())
    found["dteos"] = order.dteos
    return {name: value for name, value in found.items() if name not in ("ref", "p")}


@pytest.fixture(scope="module")
def data() -> Any:
    cerebro = bt.Cerebro(stdstats=False)
    feed = StoredData(recorded=recorded(columns_of(random_ticks(1, per_minute=2, seed=5))))
    cerebro.adddata(feed)
    cerebro.addstrategy(bt.Strategy)
    cerebro.run()
    return feed


@pytest.mark.parametrize("asked", KINDS, ids=lambda k: "-".join(k) or "market")
@pytest.mark.parametrize("buy", [True, False])
def test_every_field_and_answer_is_that_of_backtraders_order(buy: bool, asked: dict[str, Any], data: Any) -> None:
    ours = make_order(buy=buy, owner=None, data=data, size=5, **asked)
    stocks = (BuyOrder if buy else SellOrder)(owner=None, data=data, size=5, **asked)

    expected = fields(stocks)
    found = fields(ours)

    assert {name: found[name] for name in expected} == expected
    assert ours.ref == stocks.ref - 1
    assert isinstance(ours, BuyOrder if buy else SellOrder)
    assert (ours.isbuy(), ours.issell(), ours.alive()) == (stocks.isbuy(), stocks.issell(), stocks.alive())
    assert ours.plimit == stocks.plimit
    for status in range(len(bt.Order.Status)):
        ours.status = stocks.status = status
        assert ours.alive() == stocks.alive()
    with pytest.raises(AttributeError):
        _ = ours.no_such_field


def new_in(order: Any) -> list[float]:
    return [bit.size for bit in order.executed.iterpending()]


def test_a_copy_stands_still_and_knows_its_own_executions(data: Any) -> None:
    made = [make_order(buy=True, owner=None, data=data, size=4), BuyOrder(owner=None, data=data, size=4)]
    seen: list[Any] = []
    for order in made:
        copies = [order.clone()]
        for size, price in ((1, 100.0), (3, 104.0)):
            order.execute(1.0, size, price, 0, 0.0, 0.0, size, size * price, 1.0, None, 0.0, size, price)
            copies.append(order.clone())
        order.addinfo(note="late")
        seen.append([(c.status, c.executed.size, c.executed.price, len(c.executed), new_in(c)) for c in copies])
        assert [dict(c.info) for c in copies] == [{"note": "late"}] * 3  # shared, as in stock
        assert copies[0] == order
        assert copy.copy(order).ref == order.ref

    assert seen[0] == seen[1]
    assert [pending for *_, pending in seen[0]] == [[], [1], [3]]
