"""Fills on ticks are those of stock backtrader replaying the same ticks one by one."""

import functools
from collections.abc import Callable
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import IST_OFFSET_NS
from auction_bt.core.stamps import to_num
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from benchmarks.peers.stock import LeanTicks
from tests.builders import columns_of, random_ticks, recorded

Fills = list[tuple[int, float, int]]
KINDS = ("bracket", "oco", "trail", "stoplimit", "limit", "percent", "valid", "cancel", "traillimit")
ENDING = ("bracket", "oco", "valid", "cancel", "all")  # some of these are cancelled or expire


class Scripted(bt.Strategy):
    """Gives orders of every kind by the count of closed bars; the same in both engines."""

    params = (("ago", 0), ("kinds", ()))

    def __init__(self) -> None:
        self.fills: Fills = []
        self.ended: list[str] = []
        self.seen = 0
        self.alive: list[Any] = []

    def notify_order(self, order: Any) -> None:
        if order.status in (order.Canceled, order.Expired):
            self.ended.append(order.getstatusname())
        if order.status == order.Completed:
            self.fills.append((round(order.executed.dt * 86_400_000), round(order.executed.price, 4), round(order.executed.size)))

    def next(self) -> None:
        closed = len(self.data) + self.p.ago  # in a replay the current bar is still growing
        if closed == self.seen or closed < 1:
            return
        self.seen = closed
        self.alive = [o for o in self.alive if o.alive()]
        close = self.data.close[self.p.ago]
        if self.alive:
            if closed % 7 == 0 and "cancel" in self.p.kinds:
                self.cancel(self.alive[-1])
            return
        if self.position.size:
            if closed % 3 == 0:
                self.alive.append(self.close())
            return
        kind = self.p.kinds[closed % len(self.p.kinds)]
        up = closed % 2 == 0
        enter, leave = (self.buy, self.sell) if up else (self.sell, self.buy)
        sign = 1 if up else -1
        price = lambda ticks: round(close + sign * ticks * 0.0625, 4)  # noqa: E731
        if kind == "bracket":
            bracket = self.buy_bracket if up else self.sell_bracket
            self.alive += bracket(size=2, exectype=bt.Order.Market, stopprice=price(-15), limitprice=price(20))
        elif kind == "oco":
            first = enter(size=1, exectype=bt.Order.Limit, price=price(-10))
            self.alive += [first, enter(size=1, exectype=bt.Order.Stop, price=price(12), oco=first)]
        elif kind == "trail":
            enter(size=3)
            self.alive.append(leave(size=3, exectype=bt.Order.StopTrail, trailamount=0.5))
        elif kind == "stoplimit":
            self.alive.append(enter(size=1, exectype=bt.Order.StopLimit, price=price(8), plimit=price(10)))
        elif kind == "percent":
            enter(size=1)
            self.alive.append(leave(size=1, exectype=bt.Order.StopTrail, trailpercent=0.0001))
        elif kind == "limit":
            self.alive.append(enter(size=1, exectype=bt.Order.Limit, price=price(-5)))
        elif kind == "valid":
            # Stock's clock in a replay stands at the end of the growing bar, ours goes with the ticks: both pass a minute's end.
            until = self.data.num2date(self.data.datetime[self.p.ago]) + bt.timedelta(minutes=3, microseconds=500)
            self.alive.append(enter(size=1, exectype=bt.Order.Limit, price=price(-12), valid=until))
        elif kind == "cancel":
            self.alive.append(enter(size=1, exectype=bt.Order.Limit, price=price(-25)))
        elif kind == "traillimit":
            enter(size=1)
            trail = {"trailamount": 0.75, "price": close, "plimit": price(-4)}
            self.alive.append(leave(size=1, exectype=bt.Order.StopTrailLimit, **trail))


def _kinds(kind: str) -> tuple[str, ...]:
    return KINDS if kind == "all" else (kind,)


def stock_run(ticks: dict[str, Any], kinds: tuple[str, ...]) -> Any:
    cerebro = bt.Cerebro(stdstats=False)
    rows = list(
        zip([to_num(int(t)) for t in ticks["ts"]], ticks["price"].tolist(), ticks["size"].astype(float).tolist(), strict=True)
    )
    cerebro.replaydata(LeanTicks(rows=rows), timeframe=bt.TimeFrame.Minutes, compression=1)
    cerebro.addstrategy(Scripted, ago=-1, kinds=kinds)
    cerebro.broker.setcash(1e9)
    return cerebro.run()[0]


def our_run(ticks: dict[str, Any], kinds: tuple[str, ...], cerebro: Any) -> Any:
    data = StoredData(recorded=recorded(columns_of(ticks), tick=repr(ticks["tick"])))
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, slippage=0)))
    cerebro.broker.setcash(1e9)
    if isinstance(cerebro, AuctionCerebro):
        cerebro.add_symbol(data, Scripted, kinds=kinds)
    else:
        cerebro.adddata(data)
        cerebro.addstrategy(Scripted, kinds=kinds)
    return cerebro.run()[0]


@pytest.fixture(scope="module")
def ticks() -> dict[str, Any]:
    return random_ticks(1, per_minute=12, seed=11, tick=0.0625)  # exact in binary: no comparison depends on rounding


@pytest.fixture(scope="module")
def stocks(ticks: dict[str, Any]) -> Callable[[str], Any]:
    """What stock does with orders of a kind, replayed once."""
    return functools.cache(lambda kind: stock_run(ticks, _kinds(kind)))


@pytest.mark.parametrize("kind", [*KINDS, "all"])
@pytest.mark.parametrize("engine", [AuctionCerebro, bt.Cerebro])
def test_fills_equal_stock_replay_in_time_price_and_size(kind: str, engine: Any, ticks: Any, stocks: Any) -> None:
    expected, ours = stocks(kind), our_run(ticks, _kinds(kind), engine(stdstats=False))

    assert len(expected.fills) > 20
    # The last bar of stock's replay is decided on at the end of the data; ours was never known.
    assert ours.fills == expected.fills[: len(ours.fills)]
    assert len(expected.fills) - len(ours.fills) <= 2
    assert ours.ended == expected.ended[: len(ours.ended)]
    assert bool(ours.ended) == (kind in ENDING)


def test_a_price_of_three_ticks_is_reached_although_its_float_is_not() -> None:
    class Buyer(Scripted):
        def next(self) -> None:
            if len(self.data) == 2:
                self.buy(size=1, exectype=bt.Order.Stop, price=3 * 0.05)  # 0.15000000000000002

    ts = (np.arange(12, dtype=np.int64) * 20_000_000_000) + 16_440 * 86_400_000_000_000 + 9 * 3_600_000_000_000 - IST_OFFSET_NS
    ts += 30 * 60_000_000_000
    k = np.array([2] * 9 + [3] * 3)
    ticks = {"ts": ts, "k": k, "price": np.round(k * 0.05, 2), "size": np.ones(12, dtype=np.int64), "tick": 0.05}
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, slippage=0)))
    cerebro.add_symbol(StoredData(recorded=recorded(columns_of(ticks))), Buyer)

    fills = cerebro.run()[0].fills

    assert [f[1:] for f in fills] == [(0.15, 1)]
