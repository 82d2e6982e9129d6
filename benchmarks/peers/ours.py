"""The workload in this project: from arrays of ticks to fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.tick import TickColumns
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import Recorded, StoredData
from auction_bt.indicators import VolumeProfile
from benchmarks.peers.stock import Fade
from benchmarks.peers.worker import Case
from benchmarks.peers.workload import CASH, DAYS, FIRST, LAG, PERIOD, TICK, Ticks, regime_of
from tests.builders import recorded


class FadeProfile(Fade):
    """`Fade` on the levels of an indicator, where a peer's works out its own."""

    def __init__(self) -> None:
        super().__init__()
        self.profile = VolumeProfile(self.data, period=PERIOD, source="candles", method="one_row")

    def next(self) -> None:
        """Decide on the profile's lines."""
        if len(self.data) < FIRST or self.is_busy():
            return
        lines = self.profile.lines
        poc, vah, val, before = (round(x / TICK) for x in (lines.poc[0], lines.vah[0], lines.val[0], lines.poc[-LAG]))
        self.act((poc, vah, val, regime_of(poc - before, vah - val)))


def columns_of(ticks: Ticks) -> TickColumns:
    """Return the ticks as the store has them; the messages' stamps are the ticks'."""
    n = len(ticks)
    steps = np.arange(n)
    seq = np.maximum.accumulate(ticks.ts - steps) + steps
    none = np.full(n, np.nan)
    clock = np.concatenate(([0], ticks.ts[:-1]))
    return TickColumns(seq, ticks.ts, ticks.price, ticks.size, np.cumsum(ticks.size), none, none, none, clock)


def on_ticks(ticks: Ticks) -> Any:
    """Return the strategy after a run on arrays of ticks: bars, profile, rule and fills are made here."""
    return run(recorded(columns_of(ticks)))


def bars_alone(ticks: Ticks) -> Recorded:
    """Return the minutes of the ticks, as a store of candles gives them."""
    return recorded(columns_of(ticks), bars_only=True)


def run(data: Recorded) -> Any:
    """Return the strategy after its run."""
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, slippage=0)))
    cerebro.broker.setcash(CASH)
    cerebro.add_symbol(StoredData(recorded=data), FadeProfile)  # type: ignore[call-arg]
    return cerebro.run()[0]


CASES = {
    "ticks to fills": Case(lambda ticks: on_ticks(ticks).fills, DAYS),
    "the day stock is given": Case(lambda ticks: on_ticks(ticks).fills, 1),
    "bars to fills": Case(lambda data: run(data).fills, DAYS, "bars", bars_alone),
}
