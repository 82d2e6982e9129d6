from dataclasses import replace
from decimal import Decimal
from math import isnan, nan
from types import SimpleNamespace

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from auction_bt.analyzers.equity import Equity
from auction_bt.analyzers.quality import Quality
from auction_bt.analyzers.regimes import Regimes
from auction_bt.analyzers.summary import AuctionSummary
from auction_bt.analyzers.trades import TradeList
from auction_bt.core.decision import Decision
from auction_bt.core.ist import MINUTE_NS, SECOND_NS
from auction_bt.core.stamps import bar_end_ns
from auction_bt.core.trade import Fill, Levels, Side, Trade

OPEN = 1_765_770_300 * SECOND_NS  # 2025-12-15 09:15 IST
CLOSES = [100.0, 101.0, 103.0, 102.0, 98.0, 97.0, 99.0, 104.0, 105.0, 103.0, 101.0, 100.0]
ENGINES = [
    {"preload": True, "runonce": True}, {"preload": True, "runonce": False}, {"preload": False, "runonce": False},
    {"exactbars": 1}, {"quicknotify": True},
]  # fmt: skip


def feed(closes=CLOSES, name="X", **attributes):
    frame = pd.DataFrame(
        {"open": closes, "high": [c + 1 for c in closes], "low": [c - 2 for c in closes], "close": closes, "volume": 10}
    )
    frame.index = pd.to_datetime([OPEN + (i + 1) * MINUTE_NS for i in range(len(closes))], unit="ns")
    data = bt.feeds.PandasData(dataname=frame, name=name)
    for key, value in attributes.items():
        setattr(data, key, value)
    return data


class Script(bt.Strategy):
    """Send the orders of a script: {bar number from 1: (size, order arguments)}."""

    params = (("script", {}),)

    def next(self):
        if len(self.data) in self.p.script:
            size, extra = self.p.script[len(self.data)]
            (self.buy if size > 0 else self.sell)(size=abs(size), **extra)


def run(script, *analyzers, engine=None, data=None, strategy=Script, commission=0.01, **params):
    cerebro = bt.Cerebro(stdstats=False, **(engine or {}))
    cerebro.adddata(feed() if data is None else data)
    cerebro.broker.setcash(10_000.0)
    cerebro.broker.setcommission(commission=commission)
    cerebro.addstrategy(strategy, script=script, **params)
    for analyzer, options in analyzers:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__, **options)
    strategy = cerebro.run()[0]
    return strategy, [getattr(strategy.analyzers, a.__name__).get_analysis() for a, _ in analyzers]


def trades_of(script, **more):
    strategy, (found,) = run(script, (TradeList, {}), **more)
    return strategy, found["trades"]


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_round_trip_of_a_stock_strategy_is_one_trade_in_every_engine(engine):
    strategy, (trade,) = trades_of({2: (10, {}), 5: (-10, {})}, engine=engine)

    assert (trade.symbol, trade.side, trade.qty, trade.reason) == ("X", Side.LONG, 10, "manual")
    assert (trade.entry_price, trade.exit_price) == (103.0, 97.0)  # market orders fill at the next bar's open
    assert (trade.entry_ts, trade.exit_ts) == (OPEN + 3 * MINUTE_NS, OPEN + 6 * MINUTE_NS)
    assert trade.pnl_gross == -60
    assert float(trade.charges) == pytest.approx((1030 + 970) * 0.01)
    assert strategy.broker.getvalue() - 10_000 == pytest.approx(float(trade.pnl_net))
    assert isnan(trade.r_multiple)
    assert isnan(trade.levels.poc)
    assert [f.reason for f in trade.fills] == ["entry", "manual"]


def test_excursions_are_those_of_the_bars_while_held():
    _, (trade,) = trades_of({2: (10, {}), 5: (-10, {})})

    # Held on bars 3, 4 and 5 (closes 103, 102, 98) and out at the open of bar 6 at 97; bar 6's own low of 95 is not ours.
    assert (trade.mfe, trade.mae) == (1.0, 7.0)


def test_short_has_its_excursions_turned_over():
    _, (trade,) = trades_of({2: (-10, {}), 5: (10, {})})

    assert (trade.side, trade.mfe, trade.mae) == (Side.SHORT, 7.0, 1.0)
    assert trade.pnl_gross == 60


def test_scaling_in_and_out_is_one_trade_at_average_prices():
    strategy, (trade,) = trades_of({1: (10, {}), 2: (30, {}), 6: (-15, {}), 8: (-25, {})})

    assert trade.qty == 40
    assert trade.entry_price == pytest.approx((10 * 101 + 30 * 103) / 40)
    assert trade.exit_price == pytest.approx((15 * 99 + 25 * 105) / 40)
    assert strategy.broker.getvalue() - 10_000 == pytest.approx(float(trade.pnl_net))


def test_reversal_in_one_order_ends_one_trade_and_begins_the_next():
    strategy, found = trades_of({1: (10, {}), 4: (-25, {}), 8: (15, {})})

    assert [(t.side, t.qty) for t in found] == [(Side.LONG, 10), (Side.SHORT, 15)]
    assert found[0].exit_ts == found[1].entry_ts
    assert strategy.broker.getvalue() - 10_000 == pytest.approx(sum(float(t.pnl_net) for t in found))


def test_position_at_the_end_is_an_open_trade_marked_at_the_last_close():
    strategy, (trade,) = trades_of({2: (10, {}), 5: (-4, {})})

    assert (trade.is_open, trade.reason, trade.qty) == (True, "open", 10)
    assert trade.pnl_gross == 4 * (97 - 103) + 6 * (100 - 103)
    assert strategy.broker.getvalue() - 10_000 == pytest.approx(float(trade.pnl_net))


@pytest.mark.parametrize(
    ("kind", "price", "reason"),
    [(bt.Order.Stop, 99.0, "stop"), (bt.Order.Limit, 105.0, "target1"), (bt.Order.Market, None, "manual")],
)
def test_kind_of_exit_order_names_the_reason(kind, price, reason):
    _, (trade,) = trades_of({2: (10, {}), 3: (-10, {"exectype": kind, "price": price})})

    assert trade.reason == reason


def test_volume_limited_fills_are_counted_once_each():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(feed())
    cerebro.broker.set_filler(bt.fillers.FixedSize(size=3))
    cerebro.addstrategy(Script, script={1: (10, {}), 7: (-10, {})})
    cerebro.addanalyzer(TradeList, _name="t")

    strategy = cerebro.run()[0]

    (trade,) = strategy.analyzers.t.get_analysis()["trades"]
    assert [f.qty for f in trade.fills] == [3, 3, 3, 1, 3, 3, 3, 1]
    assert strategy.broker.getvalue() - 10_000 == pytest.approx(float(trade.pnl_net))


def test_order_that_was_never_filled_is_no_trade():
    assert trades_of({2: (10, {"exectype": bt.Order.Limit, "price": 1.0}), 3: (10_000, {})})[1] == []


class Knowing(Script):
    """A strategy that keeps its own trades, as AuctionStrategy does."""

    def __init__(self):
        levels = Levels(1.0, 2.0, 0.5, "rolling")
        self.trades = [
            Trade(
                "X", "X", Side.LONG, "fade", "balanced", levels, 1, 1, 1, 1.0, 2, 2, 2.0, 0.5, "stop", Decimal(1), Decimal(0),
                Decimal(1), 0.0, 1.0, 2.0, (Fill(1, 1, 1.0, 1, "entry"),),
            )
        ]  # fmt: skip
        self.decisions = [Decision(1, 1, "X", "refuse", Side.LONG, "fade", "balanced", levels, "cost")]

    def open_trade(self):
        return replace(self.trades[0], exit_ts=0, reason="open") if self.position else None


def test_strategy_that_keeps_its_trades_is_asked_for_them():
    strategy, (found,) = run({2: (10, {}), 5: (-10, {})}, (TradeList, {}), strategy=Knowing)
    _, (open_ended,) = run({2: (10, {})}, (TradeList, {}), strategy=Knowing)

    assert found == {"trades": strategy.trades, "decisions": strategy.decisions}
    assert [t.reason for t in open_ended["trades"]] == ["stop", "open"]


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_equity_is_recorded_while_held_and_equals_the_broker(engine):
    strategy, (found,) = run({2: (10, {}), 5: (-10, {})}, (Equity, {}), engine=engine, commission=0.0)

    # In at 103 on bar 3, marked at 103, 102, 98, out at 97 on bar 6; bar 3 changed nothing.
    assert found["points"] == [(OPEN + i * MINUTE_NS, v) for i, v in [(4, 9990.0), (5, 9950.0), (6, 9940.0)]]
    assert (found["start"], found["end"]) == (10_000.0, strategy.broker.getvalue())
    assert found["max_drawdown"] == 60.0
    assert found["max_drawdown_share"] == pytest.approx(0.006)
    assert (found["bars"], found["bars_in_market"]) == (12, 3)


def test_drawdown_of_a_trade_that_recovered_is_still_seen():
    _, (found,) = run({2: (10, {}), 8: (-10, {})}, (Equity, {}), commission=0.0)

    assert found["end"] == 10_020.0
    assert found["max_drawdown"] == 60.0


def test_broker_is_not_asked_while_flat():
    asked = []

    class Counting(bt.brokers.BackBroker):
        def getposition(self, data):
            return super().getposition(data)

        def getvalue(self, *args, **kwargs):
            asked.append(1)
            return super().getvalue(*args, **kwargs)

    counts = []
    for analyzers in ([], [Equity]):
        asked.clear()
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(Counting())
        cerebro.adddata(feed())
        cerebro.addstrategy(Script)
        for analyzer in analyzers:
            cerebro.addanalyzer(analyzer)
        cerebro.run()
        counts.append(len(asked))

    assert counts[1] - counts[0] == 1  # the value at the start


def test_points_carry_the_time_a_bar_became_known_where_the_feed_says_it():
    known = np.array([OPEN + (i + 1) * MINUTE_NS + 7 for i in range(len(CLOSES))], dtype=np.int64)
    data = feed(bars=SimpleNamespace(known_seq=known))

    _, (found,) = run({9: (10, {})}, (Equity, {}), data=data, commission=0.0)

    assert [ts - OPEN for ts, _ in found["points"]] == [11 * MINUTE_NS + 7, 12 * MINUTE_NS + 7]


class Regime(bt.Indicator):
    """Regime by bar from a list, ready after three bars."""

    lines = ("regime",)
    params = (("values", ()),)

    def __init__(self):
        self.addminperiod(3)

    def next(self):
        self.lines.regime[0] = self.p.values[len(self) - 1]


class WithProfile(Script):
    params = (("values", (nan, nan, nan, 0, 0, 0, 1, 1, 2, -1, -1, 0)),)

    def __init__(self):
        self.profile = Regime(self.data, values=self.p.values)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_regimes_are_counted_the_same_in_every_engine(engine):
    _, (found,) = run({}, (Regimes, {}), strategy=WithProfile, engine=engine)

    assert {name: row["bars"] for name, row in found.items()} == {
        "bear": 2,
        "balanced": 4,
        "bull": 2,
        "transition": 1,
        "undefined": 3,
    }
    assert list(found) == ["bear", "balanced", "bull", "transition", "undefined"]
    assert sum(row["share"] for row in found.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_warm_up_bars_have_no_regime_that_counts(engine):
    _, (found,) = run({}, (Regimes, {"begin": OPEN + 7 * MINUTE_NS}), strategy=WithProfile, engine=engine)

    assert {name: row["bars"] for name, row in found.items()} == {"bear": 2, "balanced": 1, "bull": 2, "transition": 1}


def test_strategy_without_a_profile_has_no_regimes_and_no_quality():
    _, found = run({}, (Regimes, {}), (Quality, {}))

    assert found == [{}, {}]


def test_bars_decided_on_are_graded():
    data = feed(bar_quality=np.array([0.0, 0.0, 0.95, 1.0, 0.949, 0.80, 0.79, 0.0, nan, nan, 1.0, 1.0]))

    _, (found,) = run({}, (Quality, {}), data=data, strategy=WithProfile)

    assert {g: row["bars"] for g, row in found.items()} == {"A": 4, "B": 2, "C": 2, "-": 2}
    assert found["A"]["share"] == 0.4


def test_summary_of_a_stock_strategy_adds_up():
    strategy, (found,) = run({2: (10, {}), 5: (-25, {}), 8: (15, {})}, (AuctionSummary, {"cost_name": "1 %"}))

    summary = found["summary"]
    assert summary.trades == 2
    assert float(summary.net) == pytest.approx(strategy.broker.getvalue() - 10_000)
    assert (summary.cost_name, summary.cash) == ("1 %", 10_000)
    assert summary.exposure == pytest.approx(6 / 11)
    assert found["equity"][-1][1] == pytest.approx(strategy.broker.getvalue())


def test_strategy_that_never_traded_has_a_summary_that_says_so():
    _, (found,) = run({}, (AuctionSummary, {}))

    assert (found["summary"].verdict, found["summary"].exposure, found["equity"]) == ("no_trades", 0.0, [])


def test_backtrader_can_print_the_analyses(capsys):
    strategy, _ = run({2: (10, {}), 5: (-10, {})}, (AuctionSummary, {}), (Equity, {}))

    for analyzer in strategy.analyzers:
        analyzer.pprint()
        analyzer.print()

    assert "max_drawdown" in capsys.readouterr().out


@pytest.mark.parametrize("minute", [0, 1, 374, 525_599])
def test_float_days_give_back_whole_minutes_exactly(minute):
    ts = OPEN + minute * MINUTE_NS

    assert bar_end_ns(bt.date2num(pd.Timestamp(ts, unit="ns").to_pydatetime())) == ts
