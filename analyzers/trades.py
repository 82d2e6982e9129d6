"""The trades and decisions of a strategy, ours or anyone's."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import nan
from typing import Any

import backtrader as bt

from auction_bt.core.stamps import bar_end_ns
from auction_bt.core.trade import Fill, Levels, Side, Trade


class TradeList(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """List trades and decisions.

    Notes
    -----
    A strategy with `trades`, `open_trade()` and `decisions` (as `AuctionStrategy` has) is asked for them. Of any other
    the trades are put together from the executions it is told of, from flat to flat, one position a data feed: exact in
    money, but without levels, regime, setup and stop (NaN or empty), `seq` is the time of the bar, and excursions are
    those of the bars during which the position was held, which includes what a bar did before an entry within it.
    Sizes are rounded to whole shares.
    """

    def create_analysis(self) -> None:
        """Begin with no trades; called by backtrader before the first bar."""
        self._positions: dict[Any, _Position] = {}
        self._seen: dict[int, int] = {}
        self._closed: list[Trade] = []
        self._knows = all(hasattr(self.strategy, name) for name in ("trades", "open_trade", "decisions"))

    def notify_order(self, order: Any) -> None:
        """Take up the executions an order reports."""
        if self._knows or not order.executed.size:
            return
        # Each notice shares one growing list of executions and marks which end of it is new.
        bits = order.executed.exbits
        begin, end = self._seen.get(order.ref, 0), order.executed.p2 or len(bits)
        self._seen[order.ref] = max(begin, end)
        for i in range(begin, end):
            self._take(order, bits[i])

    def next(self) -> None:
        """Widen the excursions of open positions by this bar."""
        for data, position in self._positions.items():
            position.see(data.high[0], data.low[0])

    def get_analysis(self) -> dict[str, Any]:
        """Return the trades so far.

        Returns
        -------
        dict
            ``trades``: list of Trade, closed ones in the order of exits, then those still open, marked at the last close.
            ``decisions``: list of Decision.
        """
        if not self._knows:
            still_open = [p.marked(d, self._comm(d)) for d, p in self._positions.items()]
            return {"trades": [*self._closed, *still_open], "decisions": []}
        last = self.strategy.open_trade()
        return {"trades": [*self.strategy.trades, *([last] if last else [])], "decisions": list(self.strategy.decisions)}

    def _take(self, order: Any, bit: Any) -> None:
        data, ts = order.data, bar_end_ns(bit.dt or order.data.datetime[0])
        position = self._positions.get(data)
        if bit.closed and position:
            position.close(bit, ts, _reason(order))
            if not position.size:
                self._closed.append(position.trade(_name(data), ts, position.reason))
                del self._positions[data]
        if bit.opened:
            position = self._positions.setdefault(data, _Position(bit.opened, ts))
            position.open(bit, ts)

    def _comm(self, data: Any) -> Any:
        return self.strategy.broker.getcommissioninfo(data)


@dataclass(slots=True)
class _Position:
    sign: float
    since: int
    size: float = 0.0
    bought: float = 0.0
    bought_value: float = 0.0
    sold: float = 0.0
    sold_value: float = 0.0
    gross: float = 0.0
    charges: float = 0.0
    high: float = -float("inf")
    low: float = float("inf")
    reason: str = "manual"
    fills: list[Fill] = field(default_factory=list)

    def open(self, bit: Any, ts: int) -> None:
        size = abs(bit.opened)
        self.size += size
        self.bought += size
        self.bought_value += size * bit.price
        self.charges += bit.openedcomm
        self._fill(bit.price, size, ts, "entry")

    def close(self, bit: Any, ts: int, reason: str) -> None:
        size = abs(bit.closed)
        self.size -= size
        if abs(self.size) < 1e-12 * self.bought:  # fractional sizes leave dust
            self.size = 0.0
        self.sold += size
        self.sold_value += size * bit.price
        self.gross += bit.pnl
        self.charges += bit.closedcomm
        self.reason = reason
        self._fill(bit.price, size, ts, reason)

    def see(self, high: float, low: float) -> None:
        self.high, self.low = max(self.high, high), min(self.low, low)

    def marked(self, data: Any, comm: Any) -> Trade:
        last = float(data.close[0])
        sign = 1 if self.sign > 0 else -1
        entry = self.bought_value / self.bought
        mark = replace(
            self,
            gross=self.gross + float(comm.profitandloss(sign * self.size, entry, last)),
            sold=self.sold + self.size,
            sold_value=self.sold_value + self.size * last,
        )
        mark.see(last, last)
        return mark.trade(_name(data), 0, "open")

    def trade(self, symbol: str, exit_ts: int, reason: str) -> Trade:
        entry = self.bought_value / self.bought
        up, down = max(0.0, self.high - entry), max(0.0, entry - self.low)
        since, sold_at = self.since, self.sold_value / self.sold
        gross, charges = _money(self.gross), _money(self.charges)
        return Trade(
            symbol=symbol, signal_symbol=symbol, side=Side.LONG if self.sign > 0 else Side.SHORT, setup="", regime="",
            levels=Levels(nan, nan, nan, ""), qty=round(self.bought), entry_ts=since, entry_seq=since, entry_price=entry,
            exit_ts=exit_ts, exit_seq=exit_ts, exit_price=sold_at, stop=nan, reason=reason, pnl_gross=gross,
            charges=charges, pnl_net=gross - charges, mae=down if self.sign > 0 else up, mfe=up if self.sign > 0 else down,
            r_multiple=nan, fills=tuple(self.fills),
        )  # fmt: skip

    def _fill(self, price: float, size: float, ts: int, reason: str) -> None:
        self.see(price, price)
        self.fills.append(Fill(ts, ts, float(price), round(size), reason, "bars"))


def _reason(order: Any) -> str:
    kinds = {
        bt.Order.Stop: "stop", bt.Order.StopLimit: "stop", bt.Order.StopTrail: "trail", bt.Order.StopTrailLimit: "trail",
        bt.Order.Limit: "target1",
    }  # fmt: skip
    return kinds.get(order.exectype, "manual")


def _name(data: Any) -> str:
    return str(getattr(data, "symbol", "") or data._name or "data")


def _money(value: float) -> Decimal:
    return Decimal(repr(round(float(value), 6)))
