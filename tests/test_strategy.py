"""The strategy in every engine and mode: the same trades, no look-ahead, exits that add up."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from typing import Any

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.brokers.commission import MARGIN, ChargedCommission
from auction_bt.brokers.indian import indian_charges
from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.decision import funnel
from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import clock_text, day_index
from auction_bt.core.risk import RiskBook
from auction_bt.core.tick import TickColumns
from auction_bt.core.trade import Side
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import Recorded, StoredData
from auction_bt.strategy import AuctionStrategy
from tests.builders import columns_of, random_ticks, recorded

# Random walks seldom pay their costs: the filters are off so that there are trades to compare.
FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False}


def run(data: list[Recorded], cerebro: Any = None, **params: Any) -> list[AuctionStrategy]:
    cerebro = cerebro or AuctionCerebro()
    broker = TickBroker()
    broker.setcash(1e6)
    cerebro.setbroker(broker)
    risk = RiskBook(Decimal(1_000_000))
    charges = indian_charges()
    for day in data:
        instrument = day.instrument
        broker.addcommissioninfo(ChargedCommission(charges=charges, instrument=instrument), name=instrument.symbol)
        shared = {
            "risk": risk,
            "charges": charges,
            "margin": MARGIN[instrument.kind],
            **FREE,
            **params,
        }
        if isinstance(cerebro, AuctionCerebro):
            cerebro.add_symbol(StoredData(recorded=day), AuctionStrategy, **shared)
        else:
            cerebro.adddata(StoredData(recorded=day))
            cerebro.addstrategy(AuctionStrategy, **shared)
    return cerebro.run()  # type: ignore[no-any-return]


def told(strategy: AuctionStrategy) -> tuple[str, str]:
    """Everything said, comparable although some of it is NaN."""
    return repr(strategy.trades), repr(strategy.decisions)


def ticks(seed: int, days: int = 2) -> TickColumns:
    return columns_of(random_ticks(days, per_minute=6, seed=seed), spread=1)


ENGINES: dict[str, Callable[[], Any]] = {
    "next": lambda: AuctionCerebro(runonce=False),
    "not preloaded": lambda: AuctionCerebro(runonce=False, preload=False),
    "exactbars": lambda: AuctionCerebro(exactbars=1),
    "stock": lambda: bt.Cerebro(stdstats=False),
    "stock next": lambda: bt.Cerebro(stdstats=False, runonce=False),
    "stock not preloaded": lambda: bt.Cerebro(stdstats=False, preload=False),
    "stock exactbars": lambda: bt.Cerebro(stdstats=False, exactbars=1),
    "stock quick": lambda: bt.Cerebro(stdstats=False, quicknotify=True),
}


@pytest.mark.parametrize("rule", ["original", "auction"])
@pytest.mark.parametrize("bars_only", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_mode_gives_the_same_trades_and_decisions(engine: str, rule: str, bars_only: bool) -> None:
    day = recorded(ticks(seed=5), bars_only=bars_only)
    params = {"rule": rule, "period": 60}

    expected, found = run([day], **params)[0], run([day], ENGINES[engine](), **params)[0]

    assert len(expected.trades) >= 3
    assert told(found) == told(expected)


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.floats(0.5, 1.0), rule=st.sampled_from(["original", "auction"]))
def test_cutting_the_future_off_changes_nothing_before(seed: int, cut: float, rule: str) -> None:
    whole = ticks(seed)
    known = whole.take(slice(0, int(len(whole) * cut)))
    params = {"rule": rule, "period": 40}

    full, part = run([recorded(whole)], **params)[0], run([recorded(known)], **params)[0]

    until = int(known.seq[-1])
    last_bar = part.decisions[-1].seq if part.decisions else 0
    assert repr([d for d in full.decisions if d.seq <= last_bar]) == repr(part.decisions)
    assert [t for t in full.trades if t.exit_seq <= until] == part.trades


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), rule=st.sampled_from(["original", "auction"]))
def test_every_trade_adds_up(seed: int, rule: str) -> None:
    strategy = run([recorded(ticks(seed))], rule=rule, period=40)[0]

    for trade in strategy.trades:
        entries = [f for f in trade.fills if f.reason == "entry"]
        exits = [f for f in trade.fills if f.reason != "entry"]
        assert sum(f.qty for f in entries) == sum(f.qty for f in exits) == trade.qty
        assert trade.pnl_net == trade.pnl_gross - trade.charges
        assert trade.mae >= 0
        assert trade.mfe >= 0
        assert trade.entry_seq < trade.exit_seq
        assert (trade.entry_price - trade.stop) * trade.side.sign > -20 * 0.05
        assert day_index(trade.entry_ts) == day_index(trade.exit_ts), "carried overnight"
        assert clock_text(trade.exit_ts) < "15:16:00"
    spans = [(t.entry_seq, t.exit_seq) for t in strategy.trades]
    assert all(a[1] <= b[0] for a, b in pairwise(spans)), "two trades at once"
    value = strategy.broker.getvalue()
    last = strategy.open_trade()
    total = sum((t.pnl_net for t in strategy.trades), Decimal(0)) + (last.pnl_gross if last else 0)
    if last is None:  # a trade's charges are rounded, six kinds by half a paisa at most; the account's are exact
        assert float(total) == pytest.approx(value - 1e6, abs=0.001 + 0.03 * len(strategy.trades))


def test_many_symbols_together_trade_as_alone_where_nothing_couples_them() -> None:
    days = [recorded(ticks(seed), symbol=f"S{seed}") for seed in range(4)]
    params = {"period": 40, "quantity": 10}

    together = {s.instrument.symbol: told(s) for s in run(days, **params)}
    backwards = {s.instrument.symbol: told(s) for s in run(days[::-1], **params)}
    alone = {d.instrument.symbol: told(run([d], **params)[0]) for d in days}

    def without_equity(said: tuple[str, str]) -> str:
        return said[0]

    assert {k: without_equity(v) for k, v in together.items()} == {k: without_equity(v) for k, v in alone.items()}
    assert together == backwards


def test_a_limit_on_open_trades_holds_at_every_instant() -> None:
    days = [recorded(ticks(seed), symbol=f"S{seed}") for seed in range(5)]
    cerebro = AuctionCerebro()
    broker = TickBroker()
    broker.setcash(1e7)
    cerebro.setbroker(broker)
    risk = RiskBook(Decimal(10_000_000))
    for day in days:
        cerebro.add_symbol(StoredData(recorded=day), AuctionStrategy, risk=risk, period=40, quantity=1, max_concurrent=2, **FREE)
    strategies = cerebro.run()

    changes = sorted((seq, change) for s in strategies for t in s.trades for seq, change in ((t.entry_seq, 1), (t.exit_seq, -1)))
    held = np.cumsum([c for _, c in changes])
    assert held.max() == 2
    assert any(d.reason == "max concurrent" for s in strategies for d in s.decisions)


def test_warm_up_bars_are_never_traded() -> None:
    day = recorded(ticks(seed=5))
    begin = int(day.bars.ts[375])

    strategy = run([day], period=60, trade_from=begin)[0]

    assert strategy.trades
    assert min(d.ts for d in strategy.decisions) > begin


def test_in_the_morning_the_previous_sessions_levels_are_used_and_named_or_nothing_is_done() -> None:
    day = recorded(ticks(seed=7))
    second = int(day.bars.ts[375])

    prior = [d for d in run([day], period=60)[0].decisions if d.ts > second]
    flat = [d for d in run([day], period=60, levels="flat")[0].decisions if d.ts > second]

    morning = second + 60 * 60_000_000_000
    assert {d.levels.source for d in prior if d.ts <= morning} == {"prior"}
    assert {d.levels.source for d in prior if d.ts > morning + 60_000_000_000} <= {"rolling"}
    assert not [d for d in flat if d.ts <= morning]


def frame(source: TickColumns) -> pd.DataFrame:
    minute = pd.Series(source.price, index=pd.to_datetime(source.ts)).resample("1min", label="right", closed="left")
    bars = minute.ohlc()
    bars["volume"] = pd.Series(source.size, index=pd.to_datetime(source.ts)).resample("1min", label="right", closed="left").sum()
    return bars.dropna()


@pytest.mark.parametrize("broker", [None, TickBroker])
def test_alone_in_stock_cerebro_with_a_pandas_feed_it_trades_and_ends_flat_or_consistent(broker: Any) -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(ticks(seed=5, days=4))))
    cerebro.addstrategy(AuctionStrategy, tick_size=0.05, session="09:15-15:30", period=60, quantity=10, **FREE)
    if broker is not None:
        cerebro.setbroker(broker())
    cerebro.broker.setcash(1e7)

    strategy = cerebro.run()[0]

    assert len(strategy.trades) > 5
    assert {f.source for t in strategy.trades for f in t.fills} == {"bars"}
    held = sum(t.qty * t.side.sign for t in [strategy.open_trade()] if t is not None)
    booked = sum(float(t.pnl_net) for t in strategy.trades)
    if held == 0:
        assert strategy.position.size == 0
        assert cerebro.broker.getvalue() == pytest.approx(1e7 + booked, abs=0.01)


class Watched(AuctionStrategy):
    """Compares what is held with what is booked, at every bar."""

    def next(self) -> None:
        super().next()
        held = self.open_trade()
        assert self.position.size == (held.side.sign * self._open.qty if held is not None else 0), f"bar {len(self)}"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("broker", [None, TickBroker])
def test_alone_in_stock_cerebro_it_holds_what_it_has_booked_at_every_bar(broker: Any, seed: int) -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(ticks(seed=seed, days=4))))
    cerebro.addstrategy(Watched, tick_size=0.05, session="09:15-15:30", period=60, quantity=10, **FREE)
    if broker is not None:
        cerebro.setbroker(broker())
    cerebro.broker.setcash(1e7)

    assert len(cerebro.run()[0].trades) > 50


def test_what_the_funnel_counts_are_all_the_signals() -> None:
    strategy = run([recorded(ticks(seed=5))], period=60, cost_multiple=3.0, min_r=1.0, one_entry_an_edge=True)[0]

    counts = funnel(strategy.decisions)
    assert counts["signals"] == sum(d.action in {"enter", "refuse"} for d in strategy.decisions)
    assert counts["signals"] - counts["taken"] == sum(n for name, n in counts.items() if name not in {"signals", "taken"})


def test_an_option_is_only_ever_bought() -> None:
    day = recorded(ticks(seed=5))
    option = replace(day, instrument=replace(day.instrument, kind=Kind.OPTION))

    strategy = run([option], period=60)[0]

    assert {t.side for t in strategy.trades} == {Side.LONG}
    assert any(d.reason == "option short" for d in strategy.decisions)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"period": 0}, "period"),
        ({"value_area": 1.2}, "value_area"),
        ({"method": "magic"}, "two_row"),
        ({"session": "15:30-09:15"}, "session"),
        ({"session": "nine"}, "HH:MM"),
        ({"single_lot": "hope"}, "single_lot"),
    ],
)
def test_a_setting_that_means_nothing_is_refused_by_name(params: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        run([recorded(ticks(seed=5, days=1))], **params)


def test_a_feed_without_a_price_step_asks_for_it() -> None:
    cerebro = bt.Cerebro()
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(ticks(seed=5, days=1))))
    cerebro.addstrategy(AuctionStrategy)
    with pytest.raises(BadInput, match="give tick_size"):
        cerebro.run()


@pytest.mark.parametrize("exactbars", [1, -1, -2, 0])
def test_in_stock_cerebro_the_brokers_commission_is_the_charge_in_every_memory_mode(exactbars: int) -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(ticks(seed=5, days=3)).tz_localize("UTC")))
    cerebro.addstrategy(AuctionStrategy, tick_size=0.05, session="09:15-15:30", period=60, quantity=10, **FREE)
    cerebro.broker.setcash(1e7)
    cerebro.broker.setcommission(commission=0.0003)

    strategy = cerebro.run(exactbars=exactbars)[0]

    assert len(strategy.trades) > 5
    assert all(t.charges > 0 for t in strategy.trades)
    booked = sum(float(t.pnl_net) for t in strategy.trades)
    if strategy.open_trade() is None:
        assert cerebro.broker.getvalue() == pytest.approx(1e7 + booked, abs=0.01)
    assert {d.evidence["cost"] > 10 for d in strategy.decisions if d.action == "enter"} == {True}


def test_in_stock_cerebro_charged_commission_is_the_charge() -> None:
    cerebro = bt.Cerebro(stdstats=False)
    feed = bt.feeds.PandasData(dataname=frame(ticks(seed=5, days=3)).tz_localize("UTC"))
    cerebro.adddata(feed)
    cerebro.addstrategy(AuctionStrategy, tick_size=0.05, session="09:15-15:30", period=60, quantity=10, **FREE)
    cerebro.broker.setcash(1e7)
    future = Instrument("NSE_FO|1", Decimal("0.05"), 1, Kind.FUTURE)
    cerebro.broker.addcommissioninfo(ChargedCommission(charges=indian_charges(), instrument=future, data=feed))

    strategy = cerebro.run()[0]

    assert len(strategy.trades) > 5
    assert strategy.open_trade() is None
    assert cerebro.broker.getvalue() == pytest.approx(1e7 + sum(float(t.pnl_net) for t in strategy.trades), abs=0.001)
    for trade in strategy.trades:
        orders = [(f, (f.reason == "entry") == (trade.side is Side.LONG)) for f in trade.fills]
        paid = [indian_charges().of(future, f.price, f.qty, buy=b, day=int(day_index(f.ts))).total for f, b in orders]
        assert float(trade.charges) == pytest.approx(float(sum(paid)), abs=1e-5)


def test_a_bar_that_became_known_too_late_is_not_acted_on() -> None:
    whole = ticks(seed=0)
    silent_from, silent_to = int(whole.ts[0]) + 200 * 60_000_000_000, int(whole.ts[0]) + 215 * 60_000_000_000
    thin = whole.take((whole.ts < silent_from) | (whole.ts >= silent_to))
    day = recorded(thin)
    late = int(np.flatnonzero(day.bars.known_seq - day.bars.ts > 10 * 60_000_000_000)[0])
    strategy = run([day], period=60)[0]
    patient = run([day], period=60, stale_bars=100)[0]

    def at(decisions: Any) -> set[str]:
        return {d.action + " " + d.reason for d in decisions if d.seq == int(day.bars.known_seq[late])}

    assert at(strategy.decisions) <= {"refuse stale bar", "refuse open trade"}
    assert at(strategy.decisions) != at(patient.decisions) or not at(strategy.decisions)


def test_nothing_is_entered_after_the_square_off_or_on_yesterdays_last_bar() -> None:
    day = recorded(ticks(seed=3))
    strategy = run([day], period=60, entry_until_min=0, entry_from_min=0)[0]

    assert strategy.trades
    assert all(clock_text(f.ts) < "15:15:00" for t in strategy.trades for f in t.fills if f.reason == "entry")
