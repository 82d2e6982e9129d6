"""The workload in backtesting.py: minutes alone, for it knows no ticks; the levels are given."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
from backtesting import Backtest, Strategy

from benchmarks.peers.worker import Case
from benchmarks.peers.workload import CASH, DAYS, FIRST, TICK, Ticks, bars_of, decide, levels_of, rupees


class Fade(Strategy):  # type: ignore[misc]
    """Trades the rule with a stop and a target on each order."""

    levels: Any = None

    def init(self) -> None:
        """Hold the levels as an indicator of four lines."""
        self.shown = self.I(lambda: self.levels, overlay=True)

    def next(self) -> None:
        """Decide on a closed bar."""
        data = self.data
        if self.position or self.orders or len(data) < FIRST:
            return
        bar = tuple(round(line[-1] / TICK) for line in (data.High, data.Low, data.Close))
        found = decide(bar, *(int(line[-1]) for line in self.shown))  # type: ignore[arg-type]
        if found is not None:
            side, stop, target = found
            (self.buy if side > 0 else self.sell)(size=1, sl=rupees(stop), tp=rupees(target))


def ready(ticks: Ticks) -> tuple[Any, Any]:
    """Return the frame of minutes and the levels."""
    bars = bars_of(ticks)
    columns = {name.title(): np.round(getattr(bars, name) * TICK, 2) for name in ("open", "high", "low", "close")}
    frame = pd.DataFrame({**columns, "Volume": bars.volume}, index=pd.to_datetime(bars.end))
    return frame, levels_of(bars).T.astype(float)


def run(given: tuple[Any, Any]) -> int:
    """Return how many fills there were."""
    frame, levels = given
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = Backtest(frame, Fade, cash=CASH, trade_on_close=False).run(levels=levels)
    return 2 * int(found["# Trades"])


CASES = {"bars": Case(run, DAYS, "bars", ready)}
