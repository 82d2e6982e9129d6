"""The workload in vectorbt: minutes alone, as columns of signals; the rule's wishes are given.

It has no orders: a stop and a target are shares of the entry's price, one pair a signal.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import vectorbt as vbt

from benchmarks.peers.worker import Case
from benchmarks.peers.workload import CASH, DAYS, TICK, Ticks, bars_of, wishes_of


def ready(ticks: Ticks) -> tuple[Any, Any, Any]:
    """Return the columns of minutes as it takes them, the closes, and what the rule wants at each bar."""
    bars = bars_of(ticks)
    index = pd.to_datetime(bars.end)
    columns = {name: pd.Series(getattr(bars, name) * TICK, index=index) for name in ("open", "high", "low", "close")}
    return columns, bars.close, wishes_of(bars)


def run(given: tuple[Any, Any, Any]) -> int:
    """Return how many fills there were."""
    columns, close, wishes = given
    side, stop, target = wishes.T
    away = [np.where(side != 0, np.abs(close - level) / close, np.nan) for level in (stop, target)]
    stops, targets = (np.concatenate(([np.nan], share[:-1])) for share in away)  # acted on at the next bar's open
    buys, sells = (np.concatenate(([False], (side == sign)[:-1])) for sign in (1, -1))
    found = vbt.Portfolio.from_signals(
        columns["close"], entries=buys, short_entries=sells, price=columns["open"], open=columns["open"], high=columns["high"],
        low=columns["low"], sl_stop=stops, tp_stop=targets, size=1, init_cash=CASH, upon_long_conflict="ignore",
        upon_short_conflict="ignore", upon_dir_conflict="ignore", upon_opposite_entry="ignore", freq="1min",
    )  # fmt: skip
    return int(found.orders.count())


CASES = {"bars, from_signals": Case(run, DAYS, "bars", ready)}
