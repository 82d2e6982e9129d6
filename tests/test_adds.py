"""Adds in a run: when they are made, what they refuse, and the same in every engine and in a replay of the messages."""

from itertools import pairwise
from pathlib import Path

import backtrader as bt
import pytest

from auction_bt.backtest import Engine
from auction_bt.core.decision import Decision
from auction_bt.core.errors import BadInput
from auction_bt.report import render
from auction_bt.store.dsn import open_store
from auction_bt.strategy import AuctionStrategy
from auction_bt.synthetic import DEMO
from tests.builders import recorded
from tests.test_guards import result
from tests.test_replay import fill
from tests.test_strategy import ENGINES, FREE, frame, run, ticks, told

ADDS = {"period": 40, "adds": 2, "add_step": 0.00001}


def decided(strategies: list[AuctionStrategy], action: str) -> list[Decision]:
    return [d for s in strategies for d in s.decisions if d.action == action]


@pytest.mark.parametrize("bars_only", [False, True])
def test_a_trade_that_gains_is_added_to_twice_at_most_and_its_stop_goes_with_it(bars_only: bool) -> None:
    strategies = run([recorded(ticks(seed), symbol=f"S{seed}", bars_only=bars_only) for seed in range(4)], **ADDS)

    added = [t for s in strategies for t in s.trades if any(f.reason == "add" for f in t.fills)]
    assert len(added) > 5
    assert len(decided(strategies, "add")) >= sum(f.reason == "add" for t in added for f in t.fills)
    for trade in added:
        fills = list(trade.fills)
        entries = [f for f in fills if f.opens]
        assert fills[0].reason == "entry"
        assert 1 <= len(entries) - 1 <= 2
        assert sum(f.qty for f in fills if not f.opens) == trade.qty
        assert all(f.qty <= entries[0].qty for f in entries)
        gained = [(f.price - before.price) * trade.side.sign for before, f in pairwise(entries)]
        assert min(gained) > -0.002 * trade.entry_price, "it was bought far from where it was decided"
    moves = [(d.stop - next(t.stop for t in s.trades if t.entry_seq < d.seq <= t.exit_seq)) * d.side.sign
             for s in strategies for d in s.decisions
             if d.action == "add" and any(t.entry_seq < d.seq <= t.exit_seq for t in s.trades)]  # fmt: skip
    assert moves
    assert min(moves) >= 0


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_in_every_engine_the_same_is_added(engine: str) -> None:
    days = [recorded(ticks(seed=1))]  # stock steps several symbols in another order
    mine, theirs = run(days, **ADDS), run(days, ENGINES[engine](), **ADDS)

    assert decided(mine, "add")
    ends = min(len(told(s)[0]) for s in theirs)
    assert ends
    for one, other in zip(mine, theirs, strict=True):
        count = len(other.decisions)  # stock stops with the last bar
        assert repr(other.decisions) == repr(one.decisions[:count])
        assert repr(other.trades) == repr(one.trades[: len(other.trades)])
        assert len(one.trades) - len(other.trades) <= 1


def test_a_replay_of_the_messages_adds_the_same(tmp_path: Path) -> None:
    instruments = list(DEMO.values())[:2]
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        fill(store, instruments, 5, per_minute=4)
        settings = ADDS | {"risk_fraction": 0.001, "daily_loss": 0.01}
        fast, replayed = (result(store, instruments, engine, settings) for engine in Engine)
    assert any(d.action == "add" for d in fast.decisions)
    assert repr(replayed.decisions) == repr(fast.decisions)
    assert replayed.trades == fast.trades


def test_the_guards_and_the_filters_are_asked_and_a_refusal_is_told_once() -> None:
    days = [recorded(ticks(seed), symbol=f"S{seed}") for seed in range(4)]
    free = run(days, **ADDS)
    assert not [d for d in decided(free, "refuse_add") if d.reason == "order count"]

    counted = run(days, **ADDS, orders_day=7)  # an entry asks for up to six
    refused = [d for d in decided(counted, "refuse_add") if d.reason == "order count"]
    assert refused
    assert not decided(counted, "add")
    by_trade = [(d.symbol, next((t.entry_seq for s in counted for t in s.trades if t.signal_symbol == d.symbol
                                 and t.entry_seq < d.seq <= t.exit_seq), 0)) for d in refused]  # fmt: skip
    assert len(by_trade) == len(set(by_trade)), "one trade, one word"

    limited = run(days, **ADDS, exposure=0.2)
    assert {d.reason for d in decided(limited, "refuse_add")} & {"exposure", "size 0"}
    assert max(t.qty * t.entry_price for s in limited for t in s.trades) <= 205_000


def test_off_by_default_nothing_is_added() -> None:
    strategies = run([recorded(ticks(1))], period=40)
    assert not decided(strategies, "add")
    assert not decided(strategies, "refuse_add")


def test_on_a_stock_broker_they_are_refused_before_anything_is_run() -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(ticks(seed=5))))
    cerebro.addstrategy(AuctionStrategy, tick_size=0.05, session="09:15-15:30", **FREE, **ADDS)
    with pytest.raises(BadInput, match="need TickBroker: set adds=0"):
        cerebro.run()


def test_the_report_says_what_was_added_and_why_more_was_not(tmp_path: Path) -> None:
    instruments = list(DEMO.values())[:1]
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        fill(store, instruments, 5, per_minute=4)
        added = result(store, instruments, Engine.FAST, ADDS | {"risk_fraction": 0.001})
        without = result(store, instruments, Engine.FAST, {"period": 40})
    made = sum(f.reason == "add" for t in added.trades for f in t.fills)
    refused = sum(d.action == "refuse_add" for d in added.decisions)
    assert made
    line = next(text for text in render(added).splitlines() if text.startswith("Adds "))
    assert f"{made} made; refused: " in line
    assert ("refused: none" in line) == (refused == 0)
    assert "Adds " not in render(without)
