"""Guards in a run: what they refuse, what a lost day leaves and when, and the same in a replay of the messages."""

from pathlib import Path
from typing import Any

import backtrader as bt
import numpy as np
import pytest

from auction_bt.backtest import Engine, Request, located, read, run_on
from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index
from auction_bt.guard_settings import DESIGN, GUARD_SETTINGS, MOST_ADDS, guards_of
from auction_bt.result import BacktestResult
from auction_bt.settings import SETTINGS
from auction_bt.store.dsn import open_store
from auction_bt.strategy import AuctionStrategy
from auction_bt.synthetic import DEMO
from auction_bt.wording import REFUSALS
from tests.builders import recorded
from tests.test_replay import DAYS, FREE, fill
from tests.test_strategy import frame, run, ticks

LOSS = {"daily_loss": 0.0006, "period": 40, "time_stop_bars": 0, "acceptance_bins": 0, "flip_bars": 0}


@pytest.mark.parametrize("bars_only", [False, True])
def test_a_lost_day_is_left_with_what_comes_after_it_was_seen_and_nothing_is_opened(bars_only: bool) -> None:
    days = [recorded(ticks(seed), symbol=f"S{seed}", bars_only=bars_only) for seed in range(4)]
    strategies = run(days, **LOSS)

    seen: dict[int, int] = {}  # day -> when it was given up
    left = 0
    for strategy in strategies:
        for decision in strategy.decisions:
            if decision.reason == "day_loss":
                day = int(day_index(decision.seq))
                assert seen.setdefault(day, decision.seq) == decision.seq, "all are left at one event"
    assert seen
    for day, strategy in zip(days, strategies, strict=True):
        for trade in strategy.trades:
            at = seen.get(int(day_index(trade.exit_seq)))
            assert at is None or trade.entry_seq <= at, "entered after the day was given up"
            if trade.reason != "day_loss":
                # Of a minute that has begun, only its whole is known where there are no ticks: its stop may lie in it.
                seq = day.bars.ts[np.searchsorted(day.bars.known_seq, trade.exit_seq)] if bars_only else trade.exit_seq
                assert at is None or seq <= at, "kept after the day was given up"
                continue
            left += 1
            assert at is not None
            if bars_only:
                first = day.bars.ts[np.searchsorted(day.bars.ts, at)]
                assert trade.exit_ts == first, "the first bar that begins after it was seen, at its open"
            else:
                assert trade.exit_seq == day.market.seq[np.searchsorted(day.market.seq, at, side="right")]
        refused = [d for d in strategy.decisions if d.reason == "daily loss"]
        assert all(d.seq >= seen[int(day_index(d.seq))] for d in refused)
        entered = [d for d in strategy.decisions if d.action == "enter"]
        assert all(d.seq < seen.get(int(day_index(d.seq)), 2**62) for d in entered)
    assert left >= 2


@pytest.mark.parametrize("with_ticks", [False, True])
def test_with_a_stock_broker_a_lost_day_is_left_as_well(with_ticks: bool) -> None:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame(ticks(seed=5, days=3))))
    params = FREE | LOSS | {"daily_loss": 0.00005, "quantity": 20}
    cerebro.addstrategy(AuctionStrategy, tick_size=0.05, session="09:15-15:30", **params)
    cerebro.broker.setcash(1e6)
    if with_ticks:
        cerebro.setbroker(TickBroker())
        cerebro.broker.setcash(1e6)
    (strategy,) = cerebro.run()

    ended = {day_index(t.exit_ts - 1): t for t in strategy.trades}  # the last of each day
    seen = {day_index(d.ts - 1): d.ts for d in strategy.decisions if d.reason == "day_loss"}
    assert any(ended[day].reason == "day_loss" for day in seen)
    for day, ts in seen.items():
        assert ended[day].reason in {"day_loss", "stop"}  # a stop of the same bar may come first
        assert 0 <= ended[day].exit_ts - ts <= 2 * 60_000_000_000
        assert not [d for d in strategy.decisions if d.action == "enter" and day_index(d.ts - 1) == day and d.ts >= ts]


def test_a_size_is_cut_to_the_room_there_is_and_no_more_is_held() -> None:
    days = [recorded(ticks(seed), symbol=f"S{seed}") for seed in range(2)]
    strategies = run(days, period=40, exposure=0.5, exposure_total=0.8)

    changes = sorted(
        (seq, change)
        for s in strategies
        for t in s.trades
        for seq, change in ((t.entry_seq, t.qty * t.entry_price), (t.exit_seq, -t.qty * t.entry_price))
    )
    held = np.cumsum([c for _, c in changes])
    assert max(t.qty * t.entry_price for s in strategies for t in s.trades) == pytest.approx(500_000, rel=0.01)
    assert 700_000 < held.max() < 810_000


def test_all_guards_on_a_replay_ends_in_the_same_trades_and_decisions_and_each_has_spoken(tmp_path: Path) -> None:
    instruments = list(DEMO.values())[:2]
    loose = DESIGN | {"stale_feed_s": 0.0, "quality_floor": 0.0, "price_band": 0.0, "exposure": 0.0, "exposure_total": 0.0}
    named = f"{instruments[1].name},{DAYS[-1]},{DAYS[-1]},results"
    tight: list[dict[str, Any]] = [
        loose | {"daily_loss": 0.0, "no_trade": named, "orders_day": 12, "side_block_min": 2, "max_concurrent": 1,
                 "risk_fraction": 0.001},
        loose | {"daily_loss": 0.001, "price_band": 0.3, "stale_feed_s": 30.0, "exposure_total": 1.0, "orders_half_hour": 6},
    ]  # fmt: skip
    said: set[str] = set()
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        fill(store, instruments, 5, per_minute=4)
        for guards in tight:
            fast, replayed = (result(store, instruments, engine, guards) for engine in Engine)
            assert repr(replayed.decisions) == repr(fast.decisions)
            assert replayed.trades == fast.trades
            assert fast.trades
            said |= {d.reason for d in fast.decisions}

    names = {*GUARD_SETTINGS, "order count", "day_loss"} - {"quality", "adds"}
    assert said >= names, names - said


def result(store: Any, instruments: list[Instrument], engine: Engine, guards: dict[str, Any]) -> BacktestResult:
    params = {**FREE, "period": 30, **guards}
    request = located(store, Request(tuple(i.symbol for i in instruments), DAYS[-1], DAYS[-1], params, engine=engine))
    return run_on(store, list(read(store, request)), request).result


def test_every_guard_is_off_by_default_and_on_by_design() -> None:
    class Params:
        def __init__(self, **changed: Any) -> None:
            vars(self).update({s.name: s.default for s in SETTINGS} | changed)

    listed = [name for of_guard in GUARD_SETTINGS.values() for name in of_guard]
    assert guards_of(Params()).on == ()
    assert len(guards_of(Params(**DESIGN, no_trade="*,2027-02-01,2027-02-01,budget")).on) == len(GUARD_SETTINGS) - 2
    # Guards let less happen, adds more: these are asked for by name.
    assert set(DESIGN) | {"no_trade", "adds", "add_step"} == set(listed)
    assert {s.name for s in SETTINGS if s.meaning.startswith("guard:")} == set(listed) - {"quality_floor", "adds", "add_step"}
    for guard, of_guard in ((guard, names) for guard, names in GUARD_SETTINGS.items() if guard != "adds"):
        assert set(REFUSALS[guard][1].split(", ")) <= set(of_guard)


def test_the_page_on_guards_has_every_number_as_it_is() -> None:
    page = (Path(__file__).parents[1] / "docs" / "guards.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    told = {cells[1].split("`")[1]: cells[2:] for cells in rows if "`" in cells[1]}
    defaults = {s.name: s.default for s in SETTINGS}

    assert {name: float(told.pop(name)[0]) for name in MOST_ADDS} == {name: defaults[name] for name in MOST_ADDS}
    assert set(told) == set(DESIGN) | {"no_trade"}
    for name, value in DESIGN.items():
        default, recommended, reason = told[name]
        assert (float(default), float(recommended)) == (defaults[name], value), name
        assert not reason or reason.strip("`") in REFUSALS
