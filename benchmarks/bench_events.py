"""What one event costs with few and with many symbols: the event-stepping engine beside stock Cerebro.

Usage: python benchmarks/bench_events.py [runs = 3]

Every symbol's bars become known at instants of their own, as on a real feed. Stock is stopped at 100 symbols: its cost grows.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import backtrader as bt
import numpy as np

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.stamps import to_num
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from tests.builders import columns_of, random_ticks, recorded


class Counting(bt.Strategy):
    """Counts its bars."""

    def __init__(self) -> None:
        self.seen = 0
        self.sma = bt.ind.SMA(self.data.close, period=20)

    def next(self) -> None:
        self.seen += 1


class Stamped(StoredData):
    """Stamped with the instant at which each bar became known: stock's way to deliver bars in that order."""

    def _columns(self) -> dict[str, Any]:
        return {**super()._columns(), "datetime": np.array([to_num(int(seq)) for seq in self.bars.known_seq])}


def feeds(symbols: int) -> list[StoredData]:
    """One short day for each symbol, shifted by a few milliseconds each."""
    found = []
    for number in range(symbols):
        ticks = random_ticks(1, per_minute=2, seed=number)
        shifted = {**ticks, "ts": ticks["ts"] + number * 1_000_000}
        day = recorded(columns_of(shifted), symbol=f"S{number:03d}")
        found.append(Stamped(recorded=day))
    return found


def run(engine: Any, symbols: int) -> tuple[float, int]:
    cerebro = engine(stdstats=False)
    datas = feeds(symbols)
    if engine is AuctionCerebro:
        cerebro.setbroker(TickBroker())
        for data in datas:
            cerebro.add_symbol(data, Counting)
    else:
        for data in datas:
            cerebro.adddata(data)
        cerebro.addstrategy(Counting)
    events = sum(len(data.bars) for data in datas)
    begin = time.perf_counter()
    cerebro.run()
    return (time.perf_counter() - begin) / events * 1e6, events


def main() -> None:
    words = [int(w) for w in sys.argv[1:]]
    runs = words[0] if words else 3
    for symbols in (1, 20, 100, 250):
        for engine in (AuctionCerebro, bt.Cerebro):
            if engine is bt.Cerebro and symbols > 100:
                continue
            costs = [run(engine, symbols) for _ in range(runs)]
            cost = statistics.median(c for c, _ in costs)
            print(f"{engine.__name__:14s} {symbols:4d} symbols  {costs[0][1]:>7,} events  {cost:8.1f} us an event")


if __name__ == "__main__":
    main()
