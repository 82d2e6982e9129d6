"""What a strategy's trades paid to be made."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from auction_bt.analyzers.trades import TradeList
from auction_bt.core.paid import Paid, paid


class Costs(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Add up charges, slippage and the break-even move, of our strategy or anyone's.

    Notes
    -----
    A strategy with `trades` and `decisions` (as `AuctionStrategy` has) is asked for them: charges are by kind, and slippage is
    held against the price decided on. Of any other, trades are put together from its executions (`TradeList`), and their
    charges are the commission that backtrader took: one total, no slippage.
    """

    def __init__(self) -> None:
        self._list = TradeList()

    def get_analysis(self) -> dict[str, Any]:
        """Return ``all`` (a `core.paid.Paid`) and ``by_symbol`` (the same by what was traded)."""
        found = self._list.get_analysis()
        trades, decisions = found["trades"], found["decisions"]
        symbols = sorted({t.symbol for t in trades if not t.is_open})
        by_symbol: dict[str, Paid] = {s: paid([t for t in trades if t.symbol == s], decisions) for s in symbols}
        return {"all": paid(trades, decisions), "by_symbol": by_symbol}
