"""Trades, equity and decisions of one strategy, summed up."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import backtrader as bt

from auction_bt.analyzers.equity import Equity
from auction_bt.analyzers.trades import TradeList
from auction_bt.core.ist import day_index
from auction_bt.core.stamps import bar_end_ns
from auction_bt.core.summary import Summary, summarise


class AuctionSummary(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Sum up a run in anyone's Cerebro.

    Params
    ------
    cost_name : str
        What the broker's commission scheme is called; ``none`` says that the run is gross.

    Notes
    -----
    The session of a day is the span of its bars, by their stamps.
    """

    params = (("cost_name", "broker"),)

    def __init__(self) -> None:
        self._list = TradeList()
        self._equity = Equity()
        self._days: dict[int, tuple[int, int]] = {}

    def next(self) -> None:
        """Widen the session of the day by this bar."""
        ts = bar_end_ns(self.strategy.data.datetime[0])
        day = day_index(ts)
        begin, _ = self._days.get(day, (ts, ts))
        self._days[day] = (begin, ts)

    def get_analysis(self) -> dict[str, Any]:
        """Return ``summary`` (a `core.summary.Summary`), ``trades``, ``decisions`` and ``equity``."""
        found, equity = self._list.get_analysis(), self._equity.get_analysis()
        summary: Summary = summarise(
            found["trades"],
            found["decisions"],
            cash=Decimal(repr(equity["start"])),
            cost_name=self.p.cost_name,
            equity=equity["points"],
            sessions=self._days.values(),
        )
        return {"summary": summary, **found, "equity": equity["points"]}
