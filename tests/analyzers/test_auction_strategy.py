from decimal import Decimal

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from auction_bt.analyzers.regimes import Regimes
from auction_bt.analyzers.summary import AuctionSummary
from auction_bt.explain import explain
from auction_bt.report import BacktestResult, dumps, render
from auction_bt.strategy import AuctionStrategy

TICK = Decimal("0.05")


def balanced_day():
    """Return one synthetic day of minute bars that swing around one price."""
    rng = np.random.default_rng(3)
    close, level = [], 0.0
    for _ in range(375):
        level += -0.05 * level + rng.normal(0, 5)
        close.append(round(round((25_000 + level) / 0.05) * 0.05, 2))
    before = [close[0], *close[:-1]]
    index = pd.date_range("2025-12-15 03:46", periods=375, freq="1min")
    columns = {
        "open": before, "high": np.maximum(before, close) + 1, "low": np.minimum(before, close) - 1, "close": close,
        "volume": rng.integers(100, 1000, 375),
    }  # fmt: skip
    return pd.DataFrame(columns, index=index)


@pytest.fixture(scope="module")
def run():
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=balanced_day(), name="SYNTHETIC"))
    cerebro.broker.setcash(1_000_000.0)
    cerebro.addstrategy(AuctionStrategy, tick_size=0.05)
    cerebro.addanalyzer(AuctionSummary, _name="summary", cost_name="none")
    cerebro.addanalyzer(Regimes, _name="regimes")
    return cerebro.run()[0]


def test_summary_is_that_of_the_strategys_own_trades(run):
    found = run.analyzers.summary.get_analysis()

    assert found["summary"].trades == len(run.trades) > 0
    assert found["summary"].net == sum(t.pnl_net for t in run.trades)
    assert found["summary"].taken >= found["summary"].trades
    assert found["decisions"] == run.decisions


def test_every_bar_has_a_regime_or_none(run):
    found = run.analyzers.regimes.get_analysis()

    assert sum(row["bars"] for row in found.values()) == 375
    assert found["balanced"]["bars"] > 0


def test_run_is_told_as_text_json_and_stories(run):
    found = run.analyzers.summary.get_analysis()
    result = BacktestResult(found["summary"], tuple(found["trades"]), tuple(found["decisions"]))
    entries = {d.seq: d for d in run.decisions if d.action == "enter"}

    stories = [explain(t, d, TICK) for t, d in zip(run.trades, entries.values(), strict=False)]

    assert render(result).startswith("GROSS ONLY")
    assert max(map(len, render(result).splitlines())) <= 100
    assert dumps(result) == dumps(result)
    assert all("Filters passed:" in story and story[-2].startswith("Money:") for story in stories)
