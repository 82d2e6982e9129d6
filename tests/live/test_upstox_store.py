"""A stock Cerebro on a live feed: the three of backtrader's words, and the same trades as our own engine."""

import threading
from datetime import date
from pathlib import Path
from typing import Any

import backtrader as bt
import pytest

from auction_bt.brokers.commission import MARGIN
from auction_bt.brokers.indian import indian_charges
from auction_bt.cli import live_main
from auction_bt.cli.sim import seeded
from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Kind
from auction_bt.core.ist import day_start, from_date
from auction_bt.live import rehearsal
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.sim_process import SimProcess
from auction_bt.live.upstox_store import UpstoxStore
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.strategy import AuctionStrategy
from tests.waiting import until

DAY = date(2026, 3, 10)
WORDS = ["--seed", "7", "--instruments", "1", "--per-minute", "3", "--day", str(DAY)]
SETTINGS = {"risk_fraction": 0.002}


class Heard(AuctionStrategy):
    """Keeps what it is told beside its trades."""

    def start(self) -> None:
        super().start()
        self.said: list[str] = []

    def notify_data(self, data: bt.AbstractDataBase, status: int, *_: object, **__: object) -> None:
        self.said.append(data._getstatusname(status))


def watch(sim: SimProcess, cerebro: bt.Cerebro) -> threading.Thread:
    def stop() -> None:
        until(lambda: sim.is_over, 120)
        cerebro.runstop()

    thread = threading.Thread(target=stop)
    thread.start()
    return thread


def traded(tmp_path: Path, words: list[str], **named: Any) -> tuple[Heard, SimProcess]:
    """Run a stock Cerebro over the simulator's day; return its strategy, and the simulator, ended."""
    state = tmp_path / "state"
    state.mkdir()
    rehearsal.fill_made_up(state, 7, list(seeded(1)), DAY, 3)
    with SimProcess([*WORDS, *words]) as sim:
        store = UpstoxStore(
            lambda: sim.ready.token, store=rehearsal.store_of(state), state=state, base_url=sim.ready.url,
            clock=MarketClock(sim.ready.now, sim.ready.speed), settings=SETTINGS, **named,
        )  # fmt: skip
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.adddata(store.getdata(dataname="NSE_FO|SIM-1"))
        cerebro.setbroker(store.getbroker())
        money = {"charges": indian_charges(), "margin": MARGIN[Kind.FUTURE]}
        cerebro.addstrategy(Heard, trade_from=day_start(from_date(DAY)), slippage=0, **money, **SETTINGS)
        thread = watch(sim, cerebro)
        (strategy,) = cerebro.run()
        thread.join()
    with open_store(rehearsal.store_of(state), readonly=True) as kept:
        assert from_date(DAY) in kept.raw_days("NSE_FO|SIM-1")
    return strategy, sim


def test_a_stock_cerebro_trades_as_our_engine_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = tmp_path / "ours"
    assert live_main(["--orders", "sim", *WORDS, "--lockstep", "--set", "risk_fraction=0.002", "--state", str(ours)]) == 0
    capsys.readouterr()
    with Journal.open(ours / "rehearsal", readonly=True) as journal:
        wanted = [(t.side, t.qty, t.entry_ts, t.exit_ts, t.entry_price, t.exit_price, t.reason) for t in journal.trades(1)]
    assert len(wanted) > 3

    strategy, sim = traded(tmp_path, ["--lockstep"], orders="sim", lockstep=True)
    found = [(t.side, t.qty, t.entry_ts, t.exit_ts, t.entry_price, t.exit_price, t.reason) for t in strategy.trades]
    assert found == wanted
    assert sim.last["positions"] == {}
    assert strategy.said == ["DELAYED", "CONNECTED", "LIVE"]


def test_on_paper_orders_stay_here_and_the_morning_comes_from_candles(tmp_path: Path) -> None:
    strategy, sim = traded(tmp_path, ["--speed", "1200", "--from-time", "12:00"])
    assert sim.last["orders"] == 0
    assert len(strategy.trades) > 1
    assert strategy.said[0] == "DELAYED"
    assert strategy.said[-1] == "LIVE"
    assert len(strategy.data) > 600, "yesterday, this morning and the afternoon"


def test_what_it_cannot_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="must be paper or upstox"):
        UpstoxStore(lambda: "", orders="perhaps", state=tmp_path)
    store = UpstoxStore(lambda: "", store=f"sqlite:///{tmp_path / 'a.db'}", state=tmp_path)
    with pytest.raises(BadInput, match="NOSUCH"):
        store.getdata(dataname="NOSUCH")
    with pytest.raises(BadInput, match="has no feed"):
        store.start()
