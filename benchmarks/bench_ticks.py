"""How fast ticks are backtested: ours beside stock backtrader's `replaydata`, on the same ticks, in one process.

Usage: python benchmarks/bench_ticks.py [ticks of ours = 1,000,000] [ticks of stock = 22,500] [runs = 3]

Both run the same strategy (brackets of market, stop and limit orders at the edges of a volume profile) and must give the same
fills on the days both see. Ours makes bars and profile inside the timing; stock is given its levels for nothing. Quote ratios.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import backtrader as bt

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.stamps import to_num
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from auction_bt.indicators import VolumeProfile
from tests.brokers.test_tick_replay_parity import StockTicks
from tests.builders import columns_of, random_ticks, recorded

PER_MINUTE = 60
PERIOD = 60


class Fade(bt.Strategy):
    """Fades the value area of the last 60 bars with a bracket; its levels are given."""

    params = (("levels", None), ("ago", 0))

    def __init__(self) -> None:
        self.fills: list[tuple[int, float, int]] = []
        self.seen = 0
        self.orders: list[Any] = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.fills.append((round(order.executed.dt * 86_400_000), round(order.executed.price, 4), round(order.executed.size)))

    def next(self) -> None:
        closed = len(self.data) + self.p.ago
        if closed == self.seen or closed < PERIOD:
            return
        self.seen = closed
        if self.position.size or any(o.alive() for o in self.orders):
            return
        poc, vah, val = (line[closed - 1] for line in self.p.levels)
        close, width = self.data.close[self.p.ago], vah - val
        if close <= val and poc > close:
            self.orders = self.buy_bracket(size=1, exectype=bt.Order.Market, stopprice=close - width / 2, limitprice=poc)
        elif close >= vah and poc < close:
            self.orders = self.sell_bracket(size=1, exectype=bt.Order.Market, stopprice=close + width / 2, limitprice=poc)


class Levels(bt.Strategy):
    """Only makes the profile."""

    def __init__(self) -> None:
        self.profile = VolumeProfile(self.data, period=PERIOD)


def levels_of(ticks: dict[str, Any]) -> list[list[float]]:
    cerebro = AuctionCerebro()
    cerebro.add_symbol(StoredData(recorded=recorded(columns_of(ticks), tick=repr(ticks["tick"]))), Levels)
    lines = cerebro.run()[0].profile.lines
    return [list(line.array) for line in (lines.poc, lines.vah, lines.val)]


def ours(ticks: dict[str, Any]) -> list[tuple[int, float, int]]:
    """From arrays of ticks to fills: bars, profile, strategy, matching."""
    data = StoredData(recorded=recorded(columns_of(ticks), tick=repr(ticks["tick"])))
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, slippage=0)))
    cerebro.broker.setcash(1e9)
    cerebro.add_symbol(data, FadeWithProfile)
    return cerebro.run()[0].fills  # type: ignore[no-any-return]


class FadeWithProfile(Fade):
    """`Fade` that makes its profile itself: ours pays for it, stock is given it for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.profile = VolumeProfile(self.data, period=PERIOD)

    def start(self) -> None:
        lines = self.profile.lines
        self.p.levels = (lines.poc.array, lines.vah.array, lines.val.array)


def pandas_ticks(ticks: dict[str, Any]) -> Any:
    """The frame that a user of stock backtrader would feed."""
    import pandas as pd

    price = ticks["price"]
    return pd.DataFrame({"open": price, "high": price, "low": price, "close": price, "volume": ticks["size"].astype(float)},
                        index=pd.to_datetime(ticks["ts"]))  # fmt: skip


def stock(feed: Any, levels: list[list[float]]) -> list[tuple[int, float, int]]:
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.replaydata(feed, timeframe=bt.TimeFrame.Minutes, compression=1)
    cerebro.addstrategy(Fade, levels=levels, ago=-1)
    cerebro.broker.setcash(1e9)
    return cerebro.run()[0].fills  # type: ignore[no-any-return]


def timed(work: Any, runs: int) -> tuple[float, Any]:
    seconds, found = [], None
    for _ in range(runs):
        begin = time.perf_counter()
        found = work()
        seconds.append(time.perf_counter() - begin)
    return statistics.median(seconds), found


def main() -> None:
    words = [int(w.replace(",", "")) for w in sys.argv[1:]]
    many, few, runs = (words + [1_000_000, 22_500, 3][len(words) :])[:3]
    per_day = 375 * PER_MINUTE
    big = random_ticks(-(-many // per_day), per_minute=PER_MINUTE, seed=7, tick=0.0625, step=6)
    small = random_ticks(-(-few // per_day), per_minute=PER_MINUTE, seed=7, tick=0.0625, step=6)
    rows = list(
        zip([to_num(int(t)) for t in small["ts"]], small["price"].tolist(), small["size"].astype(float).tolist(), strict=True)
    )
    given = levels_of(small)  # also compiles the kernels
    ours(small)
    frame = pandas_ticks(small)
    usual, as_usual = timed(lambda: stock(bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Ticks), given), runs)
    slow, expected = timed(lambda: stock(StockTicks(rows=rows), given), runs)
    same, found = timed(lambda: ours(small), runs)
    assert found == expected[: len(found)], "fills differ"
    assert len(expected) - len(found) <= 2, "fills are missing"
    assert len(as_usual) == len(expected)
    fast, fills = timed(lambda: ours(big), runs)
    n_small, n_big = len(small["ts"]), len(big["ts"])
    rows_of = (
        ("stock replaydata, PandasData", n_small, usual, len(as_usual)),
        ("stock replaydata, own feed", n_small, slow, len(expected)),
        ("auction_bt, the same ticks", n_small, same, len(found)),
        ("auction_bt, ticks to fills", n_big, fast, len(fills)),
    )
    for name, count, seconds, filled in rows_of:
        print(f"{name:<30} {count:>9,} ticks {seconds:7.2f} s {count / seconds:>11,.0f} ticks/s {filled:>6,} fills")
    print("fills of the same ticks are identical in time, price and size")
    rate = n_big / fast
    on_pandas, leanest = rate * usual / n_small, rate * slow / n_small
    print(f"medians of {runs}: {on_pandas:.0f} x stock on pandas ticks, {leanest:.0f} x its leanest feed")


if __name__ == "__main__":
    main()
