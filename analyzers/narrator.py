"""Tells what a strategy does while it does it."""

from __future__ import annotations

from math import isnan
from typing import Any

import backtrader as bt

from auction_bt.core.news import Filled, Turned
from auction_bt.core.regime import Regime
from auction_bt.core.stamps import ends_at, known_at


class Narrator(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Give each decision, fill, closed trade and change of regime of an `AuctionStrategy` to a listener, in their order.

    Params
    ------
    tell : callable taking a `core.news.News`
    begin : int, ns
        Bars that end at it or before are warm-up: their regimes are not told. So are those before the strategy's `trade_from`.
    """

    params = (("tell", None), ("begin", 0))

    def create_analysis(self) -> None:
        """Begin with nothing told; called by backtrader before the first bar."""
        self._decisions = self._trades = 0
        self._regime: Regime | None = None

    def next(self) -> None:
        """Tell what this bar brought."""
        self._turn()
        self._catch_up()

    def notify_order(self, order: Any) -> None:
        """Tell of a fill, and of the trade it closed."""
        if order.status == order.Completed and "fill" in order.info:
            self.p.tell(Filled(order.data.instrument.symbol, bool(order.isbuy()), order.info["fill"]))
        self._catch_up()

    def get_analysis(self) -> dict[str, int]:
        """Return how many decisions and trades were told of."""
        return {"decisions": self._decisions, "trades": self._trades}

    def _turn(self) -> None:
        strategy = self.strategy
        lines = strategy.profile.lines
        value = lines.regime[0]
        if isnan(value) or (now := Regime(int(value))) is self._regime:
            return
        before, self._regime = self._regime, now
        seq, ts = known_at(strategy.data), ends_at(strategy.data)
        if ts > max(self.p.begin, strategy.p.trade_from):
            levels = (float(line[0]) for line in (lines.poc, lines.vah, lines.val))
            self.p.tell(Turned(seq, ts, strategy.instrument.symbol, before, now, *levels))

    def _catch_up(self) -> None:
        decisions, trades = self.strategy.decisions, self.strategy.trades
        while self._decisions < len(decisions):
            self._decisions += 1
            self.p.tell(decisions[self._decisions - 1])
        while self._trades < len(trades):
            self._trades += 1
            self.p.tell(trades[self._trades - 1])
