"""The workload in this project: from arrays of ticks to fills."""

from __future__ import annotations

from typing import Any

import numpy as np

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.tick import TickColumns
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from auction_bt.indicators import VolumeProfile
from benchmarks.peers.stock import Fade
from benchmarks.peers.workload import CASH, PERIOD, TICK, Ticks, regimes
from tests.builders import recorded


class FadeProfile(Fade):
    """`Fade` on the levels of an indicator of its own, where a peer is given them."""

    def __init__(self) -> None:
        super().__init__()
        self.profile = VolumeProfile(self.data, period=PERIOD)

    def nextstart(self) -> None:
        """Read the profile's lines, which are whole by then."""
        self.levels = levels_of(self.profile)
        self.next()


def levels_of(profile: Any) -> list[list[int]]:
    """Return POC, VAH, VAL and the rule's regime at each bar, in ticks; 0 until the window is full."""
    rows = [np.nan_to_num(np.rint(np.array(line.array) / TICK)).astype(np.int64) for line in profile.lines[:3]]
    rows.append(regimes(*rows))
    return [row.tolist() for row in rows]


def columns_of(ticks: Ticks) -> TickColumns:
    """Return the ticks as the store has them; the messages' stamps are the ticks'."""
    n = len(ticks)
    seq = np.maximum.accumulate(ticks.ts - np.arange(n)) + np.arange(n)
    none = np.full(n, np.nan)
    clock = np.concatenate(([0], ticks.ts[:-1]))
    return TickColumns(seq, ticks.ts, ticks.price, ticks.size, np.cumsum(ticks.size), none, none, none, clock)


def run(ticks: Ticks, strategy: Any = FadeProfile) -> Any:
    """Return the strategy after its run: bars, profile, rule and fills are made here."""
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, slippage=0)))
    cerebro.broker.setcash(CASH)
    cerebro.add_symbol(StoredData(recorded=recorded(columns_of(ticks))), strategy)  # type: ignore[call-arg]
    return cerebro.run()[0]
