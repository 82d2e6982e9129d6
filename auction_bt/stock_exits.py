"""The exit group on a broker that knows only stock orders, for the strategy in anyone's Cerebro."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from .core.exits import ExitGroup
from .core.trade import Side


class StockExits:
    """Keeps an `ExitGroup` with plain stop and limit orders.

    A stock bracket with two targets leaves a naked rest when the first fills, so each share of the trade gets a stop of its
    own, tied (OCO) to its target. Moving the stop replaces the pairs.

    Parameters
    ----------
    strategy : bt.Strategy
        Through which orders are given.

    Notes
    -----
    Stops and targets rest from the bar after the entry's on, as with any stock bracket; a deadline is looked at once a bar.
    Orders are given once a bar, by `place`: a stock broker cannot take back an order of the same bar, and would fill both it and
    the one that was to replace it.
    Use `brokers.tick_broker.TickBroker` for fills on ticks and for pessimistic bars.
    """

    def __init__(self, strategy: bt.Strategy) -> None:
        self._strategy = strategy
        self._group: ExitGroup | None = None
        self._working: dict[int, str] = {}  # order ref -> reason
        self._orders: list[Any] = []
        self._placed_stop = 0.0
        self._is_new = False  # the group is not what rests

    def exits(self, _: Any) -> ExitGroup | None:
        """Return the group of the open trade."""
        return self._group

    def set_exits(self, data: Any, group: ExitGroup | None) -> None:
        """Replace the group, from the next `place` on."""
        self._group, self._is_new = group.against(data.close[0]) if group is not None else None, True

    def leave(self, data: Any, reason: str, _: int) -> None:
        """Leave the trade at market from the next `place` on; an entry that is not filled is left alone."""
        if self._group is not None:
            self.set_exits(data, self._group.leave(0, reason))

    def place(self, data: Any) -> None:
        """Make rest what the group asks for, having seen all fills of the bar; a due deadline closes at market."""
        if not self._is_new:
            return
        self._is_new = False
        self._cancel()
        group = self._group
        if group is None:
            return
        close = self._strategy.sell if group.side is Side.LONG else self._strategy.buy
        if group.due is not None and group.is_left():
            self._remember(close(data=data, size=group.qty), group.due.reason)
            return
        self._placed_stop = group.stop
        left = group.qty
        for target in group.targets:
            stop = close(data=data, size=target.qty, exectype=bt.Order.Stop, price=group.stop)
            limit = close(data=data, size=target.qty, exectype=bt.Order.Limit, price=target.price, oco=stop)
            self._remember(stop, group.stop_reason)
            self._remember(limit, target.reason)
            left -= target.qty
        if left:
            self._remember(close(data=data, size=left, exectype=bt.Order.Stop, price=group.stop), group.stop_reason)

    def reason(self, order: Any) -> str:
        """Return why an order of ours was given, or an empty string for somebody else's."""
        return self._working.get(order.ref, "")

    def filled(self, order: Any) -> None:
        """Take note of a filled exit: the group shrinks, and its stop moves where a target asks for it."""
        reason = self._working.pop(order.ref, "")
        group = self._group
        if group is None or not reason:
            return
        qty = abs(round(order.executed.size))
        target = next((t for t in group.targets if t.reason == reason and t.qty == qty), None)
        after = group.after_target(target) if target is not None else group.resized(group.qty - qty)
        self._group = after
        if after is None or after.stop != self._placed_stop:
            self._is_new = True

    def _remember(self, order: Any, reason: str) -> None:
        self._working[order.ref] = reason
        self._orders.append(order)

    def _cancel(self) -> None:
        for order in self._orders:
            if order.alive():
                self._strategy.cancel(order)
        self._orders = []
