"""Strategies written for stock backtrader, in the manner of its own samples, do in our engine what they do in stock."""

from collections.abc import Iterable
from typing import Any

import backtrader as bt
import pytest

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from auction_bt.stepping import Stepper
from tests.builders import columns_of, random_ticks, recorded

ANALYZERS = (
    bt.analyzers.TradeAnalyzer, bt.analyzers.DrawDown, bt.analyzers.TimeReturn, bt.analyzers.SQN, bt.analyzers.VWR,
    bt.analyzers.PositionsValue, bt.analyzers.GrossLeverage, bt.analyzers.PeriodStats, bt.analyzers.Returns,
)  # fmt: skip


class Heard:
    """Mixed into a strategy: writes down what it is told and when."""

    def start(self) -> None:
        self.heard: list[Any] = []

    def notify_order(self, order: Any) -> None:
        done = order.executed
        money = tuple(round(x, 6) for x in (done.price, done.size, done.value, done.comm, done.pnl))
        self.heard.append((len(self.data), order.getstatusname(), order.getordername(), order.isbuy(), *money))
        super().notify_order(order)

    def notify_trade(self, trade: Any) -> None:
        self.heard.append((len(self.data), trade.status, trade.size, round(trade.pnl, 6), round(trade.pnlcomm, 6), trade.barlen))
        super().notify_trade(trade)


class Quickstart(bt.Strategy):
    """Buys after two falls, sells five bars later."""

    params = (("held", 5),)

    def __init__(self) -> None:
        self.order: Any = None
        self.since = 0

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.since = len(self)
        if not order.alive():
            self.order = None

    def next(self) -> None:
        close = self.data.close
        if self.order:
            return
        if not self.position:
            if close[0] < close[-1] < close[-2]:
                self.order = self.buy()
        elif len(self) >= self.since + self.p.held:
            self.order = self.sell()


class Signals(bt.SignalStrategy):
    """Long above an average, short below it."""

    def __init__(self) -> None:
        self.signal_add(bt.SIGNAL_LONGSHORT, self.data.close - bt.ind.SMA(self.data, period=20))


class Brackets(bt.Strategy):
    """Enters at a limit that lapses, with a stop and a target."""

    def __init__(self) -> None:
        self.cross = bt.ind.CrossOver(bt.ind.EMA(period=5), bt.ind.EMA(period=15))
        self.orders: list[Any] = []

    def next(self) -> None:
        self.orders = [o for o in self.orders if o.alive()]
        if self.position or self.orders or self.cross[0] <= 0:
            return
        price, lapses = self.data.close[0] - 0.25, {"valid": bt.timedelta(minutes=3)}
        self.orders = self.buy_bracket(price=price, stopprice=price - 1.5, limitprice=price + 2, oargs=lapses)


class EitherOther(bt.Strategy):
    """Two orders of which one cancels the other; whatever is held follows a trailing stop."""

    def __init__(self) -> None:
        self.spread = bt.ind.Highest(self.data.high, period=10) - bt.ind.Lowest(self.data.low, period=10)
        self.orders: list[Any] = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed and order.isbuy():
            self.orders.append(self.sell(exectype=bt.Order.StopTrail, trailamount=3.0))

    def next(self) -> None:
        self.orders = [o for o in self.orders if o.alive()]
        if self.position or self.orders:
            return
        close, away = self.data.close[0], self.spread[0] / 4
        first = self.buy(exectype=bt.Order.Stop, price=close + away)
        self.orders = [first, self.buy(exectype=bt.Order.Limit, price=close - away, oco=first)]


class Targets(bt.Strategy):
    """Holds a share of the account that follows the RSI."""

    def __init__(self) -> None:
        self.rsi = bt.ind.RSI(self.data, period=14, safediv=True)

    def next(self) -> None:
        if len(self) % 15 == 0:
            self.order_target_percent(target=0.3 if self.rsi[0] < 45 else -0.2 if self.rsi[0] > 55 else 0.0)


class TwoBooks(bt.Strategy):
    """Trades for two accounts at once, each by its own tradeid, and turns a position round in one order."""

    def __init__(self) -> None:
        self.fast = bt.ind.SMA(self.data, period=4)

    def next(self) -> None:
        if len(self) % 4 == 0:
            (self.buy if self.data.close[0] > self.fast[0] else self.sell)(size=3 + len(self) % 3, tradeid=len(self) % 8)


class Accounting(bt.Strategy):
    """Notes the account at each bar, as it is told of it."""

    def __init__(self) -> None:
        self.told: list[tuple[float, float]] = []
        self.warm = 0
        self.sma = bt.ind.SMA(self.data, period=30)

    def notify_cashvalue(self, cash: float, value: float) -> None:
        self.told.append((round(cash, 6), round(value, 6)))

    def prenext(self) -> None:
        self.warm += 1

    def next(self) -> None:
        if not self.position and self.data.close[0] > self.sma[0]:
            self.buy(size=10)
        elif self.position and self.data.close[0] < self.sma[0]:
            self.close()


SAMPLES = (bt.strategies.MA_CrossOver, Quickstart, Signals, Brackets, EitherOther, Targets, TwoBooks, Accounting)


def heard_by(sample: Any) -> Any:
    return type(sample.__name__, (Heard, sample), {"__module__": __name__})


def feed() -> Any:
    ticks = random_ticks(1, per_minute=6, seed=23, step=9, tick=0.0625)  # exact in binary: nothing depends on rounding
    return StoredData(recorded=recorded(columns_of(ticks), tick="0.0625", bars_only=True))


def with_analyzers(cerebro: Any, observers: Iterable[Any] = ()) -> Any:
    for analyzer in ANALYZERS:
        cerebro.addanalyzer(analyzer)
    for observer in observers:
        cerebro.addobserver(observer)
    cerebro.broker.setcash(1e6)
    cerebro.broker.setcommission(commission=0.0002)
    return cerebro


def in_stock(sample: Any) -> Any:
    cerebro = with_analyzers(bt.Cerebro(stdstats=False, quicknotify=True))  # as ours: a word is passed on when it is said
    cerebro.broker.set_checksubmit(False)
    cerebro.adddata(feed())
    cerebro.addstrategy(sample)
    return cerebro.run()[0]


def in_ours(sample: Any, observers: Iterable[Any] = ()) -> Any:
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, slippage=0)))
    with_analyzers(cerebro, observers).add_symbol(feed(), sample)
    return cerebro.run()[0]


def analyses(strategy: Any) -> list[Any]:
    return [repr(analyzer.get_analysis()) for analyzer in strategy.analyzers]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: s.__name__)
def test_a_strategy_for_stock_does_the_same_in_our_engine(sample: Any) -> None:
    sample = heard_by(sample)

    stock, ours = in_stock(sample), in_ours(sample)

    assert len([h for h in stock.heard if h[1] == "Completed"]) > 10
    assert ours.heard[: len(stock.heard)] == stock.heard
    # Stock says nothing more of an order that is given at the last bar.
    assert {h[:2] for h in ours.heard[len(stock.heard) :]} <= {(len(ours.data), "Accepted")}
    assert analyses(ours) == analyses(stock)
    assert ours.broker.getvalue() == pytest.approx(stock.broker.getvalue(), rel=1e-12)
    assert list(ours.lines.datetime.array) == list(stock.lines.datetime.array)
    for name in ("told", "warm"):
        assert getattr(ours, name, None) == getattr(stock, name, None)


def test_what_overrides_the_stepping_or_looks_on_is_stepped_by_stock_and_sees_the_same() -> None:
    sample = heard_by(Quickstart)

    class Stepped(sample):  # type: ignore[misc, valid-type]
        def _oncepost(self, dt: float) -> None:
            super()._oncepost(dt)

    lean, stocks = in_ours(sample), in_ours(Stepped)
    watched = in_ours(sample, observers=(bt.observers.Broker, bt.observers.Trades, bt.observers.DrawDown))

    assert lean.heard == stocks.heard == watched.heard
    assert analyses(lean) == analyses(stocks) == analyses(watched)
    value = watched.observers.broker.lines.value
    assert len(set(value.array)) > 20
    assert value[0] == pytest.approx(watched.broker.getvalue())
    assert Stepper(lean, lean.data).is_lean
    assert not Stepper(stocks, stocks.data).is_lean


def test_orders_that_are_over_and_closed_trades_are_not_kept() -> None:
    done = in_ours(heard_by(EitherOther))

    ended = len([h for h in done.heard if h[1] in ("Completed", "Canceled")])
    alive = len(done.broker.pending)
    assert ended > 60
    assert alive <= 2
    assert len(done.broker._ocos) == len(done.broker._ocol) == alive
    assert len(done.broker._pchildren) <= alive
    assert not done._orders
    assert all(len(trades) <= 1 for by_id in done._trades.values() for trades in by_id.values())
