"""`LevelEvents` and `Costs` in anyone's Cerebro, beside our strategy and another's."""

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from auction_bt.analyzers.costs import Costs
from auction_bt.analyzers.levels import LevelEvents
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import MINUTE_NS, day_start
from auction_bt.core.regime import Regime
from auction_bt.core.touches import LevelsAt, TouchRule, TouchWatch
from auction_bt.indicators import VolumeProfile
from auction_bt.strategy import AuctionStrategy

ENGINES = [
    {"preload": True, "runonce": True}, {"preload": True, "runonce": False}, {"preload": False, "runonce": False},
    {"exactbars": 1}, {"quicknotify": True},
]  # fmt: skip
OPEN = day_start(20_437) + 555 * MINUTE_NS
DAYS = 2


def frame():
    """Two days of minutes that swing about a price."""
    rng = np.random.default_rng(3)
    n = 375 * DAYS
    level = np.zeros(n)
    for i in range(1, n):
        level[i] = 0.97 * level[i - 1] + rng.normal(0, 4)
    close = np.round(np.round((2_500 + level) / 0.05) * 0.05, 2)
    before = np.concatenate((close[:1], close[:-1]))
    columns = {"open": before, "high": np.maximum(before, close) + 1, "low": np.minimum(before, close) - 1, "close": close,
               "volume": rng.integers(100, 1000, n)}  # fmt: skip
    stamps = [OPEN + (i // 375) * 1440 * MINUTE_NS + (i % 375 + 1) * MINUTE_NS for i in range(n)]
    return pd.DataFrame(columns, index=pd.to_datetime(stamps, unit="ns"))


class Other(bt.Strategy):
    """Somebody's own: a profile by another name, orders by the clock, commissions as backtrader tells them."""

    def __init__(self):
        self.value = VolumeProfile(self.data, period=60, tick_size=0.05)
        self.commission = self.gross = 0.0
        self.seen = []

    def next(self):
        if len(self.data) % 40 == 5:
            self.buy(size=10) if not self.position else self.close()
        now = [line[0] for line in (self.value.poc, self.value.vah, self.value.val, self.value.regime)]
        self.seen.append((len(self.data), *now))

    def notify_trade(self, trade):
        if trade.isclosed:
            self.commission += trade.commission
            self.gross += trade.pnl


def run(strategy, *, engine=None, commission=0.001, analyzers=((LevelEvents, {}), (Costs, {})), **params):
    cerebro = bt.Cerebro(stdstats=False, **(engine or {}))
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(), name="X"))
    cerebro.broker.setcash(1_000_000.0)
    cerebro.broker.setcommission(commission=commission)
    cerebro.addstrategy(strategy, **params)
    for analyzer, options in analyzers:
        cerebro.addanalyzer(analyzer, _name=analyzer.__name__, **options)
    made = cerebro.run()[0]
    return made, [getattr(made.analyzers, a.__name__).get_analysis() for a, _ in analyzers]


def expected():
    """What `TouchWatch` makes of the same bars and the lines that the strategy saw."""
    strategy, _ = run(Other, analyzers=())
    levels = {at: (poc, vah, val, regime) for at, poc, vah, val, regime in strategy.seen}
    watch = TouchWatch(TouchRule())
    for i, (ts, bar) in enumerate(frame().iterrows(), 1):
        at = levels.get(i)
        poc, vah, val = (round(x / 0.05) for x in at[:3]) if at else (0, 0, 0)
        shown = LevelsAt(poc, vah, val, Regime(int(at[3]))) if at else None
        high, low, close = (round(bar[name] / 0.05) for name in ("high", "low", "close"))
        watch.step(ts=ts.value, high=high, low=low, close=close, levels=shown)
    return watch.touches


@pytest.mark.parametrize("engine", ENGINES, ids=str)
def test_touches_are_those_of_the_lines_in_every_engine(engine):
    _, (found,) = run(Other, engine=engine, analyzers=((LevelEvents, {"profile": "value"}),))

    assert len(found["touches"]) > 20
    assert found["touches"] == expected()
    assert found["all"].touches == sum(c.touches for c in found["by_level"].values()) == len(found["touches"])
    assert found["all"].touches == sum(c.touches for levels in found["by_regime"].values() for c in levels.values())


def test_warm_up_is_left_out():
    begin = OPEN + 1440 * MINUTE_NS
    _, (found,) = run(Other, analyzers=((LevelEvents, {"profile": "value", "begin": begin}),))

    assert found["touches"]
    assert all(t.ts > begin for t in found["touches"])


def test_beside_our_strategy_nothing_need_be_said():
    strategy, (levels, costs) = run(AuctionStrategy, tick_size=0.05, session="09:15-15:30", commission=0.0002)

    assert levels["all"].touches > 0
    assert costs["all"].trades == len(strategy.trades) > 0
    assert costs["all"].measured == costs["all"].trades
    assert costs["all"].charges == sum(t.charges for t in strategy.trades)


def test_costs_of_anyones_strategy_are_what_backtrader_tells_it():
    strategy, (costs,) = run(Other, analyzers=((Costs, {}),))

    found = costs["all"]
    assert found.trades > 3
    assert float(found.charges) == pytest.approx(strategy.commission)
    assert float(found.gross) == pytest.approx(strategy.gross)
    assert found.by_kind == (("other", found.charges),)
    assert found.share_of_turnover == pytest.approx(0.001)
    assert found.slippage is None
    assert costs["by_symbol"] == {"X": found}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({}, "Other has no VolumeProfile as profile: give LevelEvents profile="),
        ({"profile": "value", "tolerance": -1}, "0 or more"),
    ],
)
def test_what_cannot_be_watched_is_said(options, told):
    with pytest.raises(BadInput, match=told):
        run(Other, analyzers=((LevelEvents, options),))
