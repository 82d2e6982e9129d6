"""The workload in stock backtrader."""

from __future__ import annotations

from typing import Any

import backtrader as bt
import numpy as np

from benchmarks.peers.worker import Case
from benchmarks.peers.workload import CASH, DAYS, TICK, Auction, Ticks, bars_of, decide, rupees

Fill = tuple[int, int, int]  # ms, price in ticks, size


class Fade(bt.Strategy):  # type: ignore[misc]  # backtrader has no types
    """Trades the rule with brackets, one at a time.

    Params
    ------
    ago : int
        -1 where the current bar is still growing.
    """

    params = (("ago", 0),)

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self._auction = Auction()
        self._seen = 0
        self._stays: Any = None

    def notify_order(self, order: Any) -> None:
        """Note a fill."""
        if order.status == order.Completed:
            done = order.executed
            self.fills.append((round(done.dt * 86_400_000), round(done.price / TICK), round(done.size)))

    def see(self) -> tuple[int, int, int, int] | None:
        """Take the bar that has just closed; return POC, VAH, VAL, regime, in ticks; None until there are any."""
        data, ago = self.data, self.p.ago
        bar = (round(line[ago] / TICK) for line in (data.low, data.high, data.close))
        return self._auction.push(*bar, round(data.volume[ago]))

    def next(self) -> None:
        """Decide once a closed bar."""
        bars = len(self.data) + self.p.ago
        if bars <= self._seen:
            return
        self._seen = bars
        levels = self.see()
        if levels is not None and not self.is_busy():
            self.act(levels)

    def is_busy(self) -> bool:
        """Return whether there is a trade or an order for one."""
        return bool(self.position.size) or (self._stays is not None and self._stays.alive())

    def act(self, levels: tuple[int, int, int, int]) -> None:
        """Trade on the bar that has just closed, or not."""
        ago, data = self.p.ago, self.data
        found = decide((round(data.high[ago] / TICK), round(data.low[ago] / TICK), round(data.close[ago] / TICK)), *levels)
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


def pandas_bars(ticks: Ticks) -> Any:
    """Return the minutes of the ticks as the feed that most users would take."""
    import pandas as pd

    bars = bars_of(ticks)
    columns = {name: np.round(getattr(bars, name) * TICK, 2) for name in ("open", "high", "low", "close")}
    frame = pd.DataFrame({**columns, "volume": bars.volume.astype(float)}, index=pd.to_datetime(bars.end))
    return bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes)


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


def run(feed: Any, mode: str) -> list[Fill]:
    """Return the fills of a run on ticks (``replay``: in growing bars, ``resample``: in whole ones) or on ``bars``."""
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.broker.setcash(CASH)
    if mode == "bars":
        cerebro.adddata(feed)
    else:
        add = cerebro.replaydata if mode == "replay" else cerebro.resampledata
        add(feed, timeframe=bt.TimeFrame.Minutes, compression=1)
    cerebro.addstrategy(Fade, ago=-1 if mode == "replay" else 0)
    fills: list[Fill] = cerebro.run()[0].fills
    return fills


def _case(make: Any, mode: str, days: int) -> Case:
    unit = "bars" if mode == "bars" else "ticks"
    return Case(lambda feed: run(feed, mode), days, unit, make)


CASES = {
    "replaydata, PandasData": _case(pandas, "replay", 1),
    "replaydata, leanest feed": _case(lean, "replay", 1),
    "resampledata, PandasData": _case(pandas, "resample", 1),
    "resampledata, leanest feed": _case(lean, "resample", 1),
    "bars, PandasData, runonce": _case(pandas_bars, "bars", DAYS),
}
