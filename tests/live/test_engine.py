"""The live engine on stored messages ends in the backtest's trades and decisions."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.backtest import Request, run_backtest
from auction_bt.brokers.indian import indian_charges
from auction_bt.core.decision import funnel
from auction_bt.core.fills import FillModel
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.core.news import AtLevel, Turned
from auction_bt.derive import derive
from auction_bt.feeds.stored import load, warm_up_start
from auction_bt.guard_settings import DESIGN
from auction_bt.live.commands import STALE
from auction_bt.live.engine import LiveAuctionEngine, LivePlan, Orders
from auction_bt.live.source import StoredSource, gap_message
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, messages

FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False}
DAYS = (date(2026, 3, 9), date(2026, 3, 10))
DAY = from_date(DAYS[-1])


def filled(store: Any, instruments: list[Instrument], seed: int) -> None:
    for shape, instrument in zip(DEMO, instruments, strict=False):
        store.put_instrument(instrument)
        for number, day in enumerate(DAYS):
            stream = messages(instrument.symbol, day, shape, seed + number, per_minute=6)
            store.add_raw(RawMessage(stamp, json.dumps(body), tuple(body.get("feeds", ()))) for stamp, body in stream)
    derive(store, [i.symbol for i in instruments], [from_date(d) for d in DAYS])


def warm(store: Any, instruments: list[Instrument], period: int) -> list[Any]:
    return [load(store, i, warm_up_start(store, i, DAY, period + 15), day_start(DAY)) for i in instruments]


def plan(instruments: list[Instrument], **changed: Any) -> LivePlan:
    named = {"settings": FREE, "cash": Decimal(1_000_000), "charges": indian_charges(), "live_from": day_start(DAY)}
    return LivePlan(tuple(instruments), **{**named, **changed})


@settings(max_examples=4, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    period=st.sampled_from([30, 120]),
    sends=st.booleans(),
    rule=st.sampled_from(["original", "auction"]),
    guards=st.sampled_from([{}, {**DESIGN, "daily_loss": 0.004, "side_block_min": 3, "orders_minute": 8}]),
)
def test_paper_is_the_backtest(
    tmp_path_factory: pytest.TempPathFactory, seed: int, period: int, sends: bool, rule: str, guards: dict[str, Any]
) -> None:
    instruments = list(DEMO.values())[:3]
    chosen = {**FREE, "period": period, "rule": rule, **guards}
    model = FillModel(sends_targets=sends)
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('live') / 'a.db'}", create=True) as store:
        filled(store, instruments, seed)
        symbols = tuple(i.symbol for i in instruments)
        fast = run_backtest(store, Request(symbols, DAYS[-1], DAYS[-1], chosen, fill=model)).result
        source = StoredSource(store.raw(day_start(DAY), day_start(DAY + 1), sorted(symbols)))
        alarms: list[str] = []
        live = plan(instruments, settings=chosen, fill=model)
        engine = LiveAuctionEngine(live, source, warm(store, instruments, period), alarm=alarms.append)
        engine.run()

    assert len(fast.decisions) > 5
    assert sum("loss of the day" in text for text in alarms) == engine.risk.today.is_lost
    assert [repr(d) for d in sorted(engine.decisions, key=lambda d: (d.seq, d.symbol))] == [repr(d) for d in fast.decisions]
    closed = [t for t in fast.trades if not t.is_open]
    assert sorted(engine.trades, key=lambda t: (t.exit_seq, t.symbol)) == closed


def signals(decisions: list[Any]) -> set[Any]:
    return {(d.symbol, d.ts) for d in decisions if d.action in {"enter", "refuse"}}


def test_without_orders_every_signal_is_told_and_none_is_taken(tmp_path: Path) -> None:
    instruments = list(DEMO.values())[:1]
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        filled(store, instruments, 3)
        source = StoredSource(store.raw(day_start(DAY), day_start(DAY + 1), [instruments[0].symbol]))
        told: list[Any] = []
        engine = LiveAuctionEngine(plan(instruments, orders=Orders.NONE), source, warm(store, instruments, 120), tell=told.append)
        engine.run()

    assert len(engine.decisions) > 5
    assert {d.reason for d in engine.decisions} == {"alerts only"}
    assert not engine.trades
    assert any(d in told for d in engine.decisions)


@pytest.mark.parametrize("orders", [Orders.PAPER, Orders.NONE])
def test_of_minutes_that_were_missed_the_state_now_is_told_and_nothing_of_how_it_came_about(
    tmp_path: Path, orders: Orders
) -> None:
    instrument = next(iter(DEMO.values()))
    symbol, begin, end = instrument.symbol, day_start(DAY), day_start(DAY + 1)
    cut = begin + 13 * 60 * MINUTE_NS
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        filled(store, [instrument], 3)
        b = store.bars(symbol, begin, cut)
        columns = (b.ts, b.open, b.high, b.low, b.close, b.volume)
        rows = [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]
        frames = list(store.raw(begin, end, [symbol]))
        late = [message for message in frames if message.ts >= cut]
        first = late[0].ts
        gap = gap_message(first - 1, cut - MINUTE_NS, "late start", awaits=[symbol])
        asked = {"kind": "candles", "ts": first + 1, "symbol": symbol, "rows": rows}
        started = [
            RawMessage(first - 1, json.dumps(gap), (symbol,)),
            late[0],
            RawMessage(first + 1, json.dumps(asked), (symbol,)),
        ]
        told: dict[bool, list[Any]] = {}
        for is_late, source in ((False, frames), (True, [*started, *late[1:]])):
            told[is_late] = []
            live = plan([instrument], orders=orders)
            engine = LiveAuctionEngine(
                live, StoredSource(iter(source)), warm(store, [instrument], 120), tell=told[is_late].append
            )
            engine.run()

    turns = {way: [n for n in news if isinstance(n, Turned)] for way, news in told.items()}
    assert len([n for n in turns[False] if n.ts <= cut]) > 1
    now, after, *_ = turns[True]
    assert (now.before, now.now) == (None, after.before)
    assert now.seq <= first + 1 < after.seq
    assert any(d.reason == STALE for d in engine.decisions) is (orders is Orders.PAPER)
    log = funnel(engine.decisions)  # what was missed is counted by the monitor as by `eod`
    assert (engine.refused, log["signals"]) == (log["signals"] - log["taken"], len(signals(engine.decisions)))
    levels = {way: [n for n in news if isinstance(n, AtLevel) and n.ts < cut - 2 * MINUTE_NS] for way, news in told.items()}
    assert (len(levels[False]) > 5) is (orders is Orders.NONE)
    assert not levels[True]
