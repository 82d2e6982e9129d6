"""The workload in stock backtrader."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from benchmarks.peers.workload import CASH, PERIOD, TICK, Ticks, decide, rupees

Fill = tuple[int, int, int]  # ms, price in ticks, size


class Fade(bt.Strategy):  # type: ignore[misc]  # backtrader has no types
    """Trades the rule with brackets, one at a time.

    Params
    ------
    ago : int
        -1 where the current bar is still growing.
    levels : list of list of int
        POC, VAH, VAL, regime at each bar, in ticks.
    """

    params = (("ago", 0), ("levels", ()))

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.levels = self.p.levels
        self._seen = PERIOD
        self._stays: Any = None

    def notify_order(self, order: Any) -> None:
        """Note a fill."""
        if order.status == order.Completed:
            done = order.executed
            self.fills.append((round(done.dt * 86_400_000), round(done.price / TICK), round(done.size)))

    def next(self) -> None:
        """Decide once a closed bar."""
        ago, data = self.p.ago, self.data
        bars = len(data) + ago
        if bars <= self._seen:
            return
        self._seen = bars
        if self.position.size or (self._stays is not None and self._stays.alive()):
            return
        poc, vah, val, regime = (row[bars - 1] for row in self.levels)
        bar = (round(data.high[ago] / TICK), round(data.low[ago] / TICK), round(data.close[ago] / TICK))
        found = decide(bar, poc, vah, val, regime)
        if found is None:
            return
        side, stop, target = found
        enter = self.buy_bracket if side > 0 else self.sell_bracket
        self._stays = enter(size=1, exectype=bt.Order.Market, stopprice=rupees(stop), limitprice=rupees(target))[0]


class LeanTicks(bt.feed.DataBase):  # type: ignore[misc]
    """The cheapest feed of ticks there can be: rows from a list.

    Params
    ------
    rows : list of (float days, rupees, shares)
    """

    params = (("rows", ()), ("timeframe", bt.TimeFrame.Ticks))

    def start(self) -> None:
        """Start from the first tick."""
        super().start()
        self._rows = iter(self.p.rows)

    def _load(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        lines = self.lines
        lines.datetime[0] = row[0]
        lines.open[0] = lines.high[0] = lines.low[0] = lines.close[0] = row[1]
        lines.volume[0], lines.openinterest[0] = row[2], 0.0
        return True


def days_of(ts: Any) -> Any:
    """Return ns as backtrader's float days."""
    day = 86_400_000_000_000
    return ts // day + 719_163 + (ts % day) / day


def lean(ticks: Ticks) -> Any:
    """Return the leanest feed of the ticks."""
    columns = (days_of(ticks.ts).tolist(), ticks.price.tolist(), ticks.size.astype(float).tolist())
    return LeanTicks(rows=list(zip(*columns, strict=True)))  # type: ignore[call-arg]


def pandas(ticks: Ticks) -> Any:
    """Return the feed that most users would take."""
    import pandas as pd

    price = ticks.price
    columns = {"open": price, "high": price, "low": price, "close": price, "volume": ticks.size.astype(float)}
    frame = pd.DataFrame(columns, index=pd.to_datetime(ticks.ts))
    return bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Ticks)


def run(feed: Any, levels: list[list[int]], *, replay: bool = True) -> Any:
    """Return the strategy after a run on ticks, replayed in growing bars or resampled to whole ones."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(CASH)
    make = cerebro.replaydata if replay else cerebro.resampledata
    make(feed, timeframe=bt.TimeFrame.Minutes, compression=1)
    cerebro.addstrategy(Fade, levels=levels, ago=-1 if replay else 0)
    return cerebro.run()[0]
