"""Which of backtrader's orders an exchange knows."""

from __future__ import annotations

from typing import Any, Final

import backtrader as bt

from auction_bt.core.errors import Refused
from auction_bt.core.live_order import Kind

KINDS: Final = {
    bt.Order.Market: Kind.MARKET, bt.Order.Limit: Kind.LIMIT, bt.Order.Stop: Kind.STOP_MARKET,
    bt.Order.StopLimit: Kind.STOP_LIMIT,
}  # fmt: skip


def check_order(order: Any) -> None:
    """Refuse an order of backtrader's that the exchange could not keep as it is.

    Raises
    ------
    Refused
        Its type, its ties to other orders, its size or its exits.
    """
    instrument = order.data.instrument
    exits, size = order.info.get("exits"), round(order.size)
    if order.exectype not in KINDS:
        raise Refused(f"order type {order.getordername()} is not known to the exchange: use Market, Limit, Stop or StopLimit")
    if order.oco is not None or order.parent is not None or not order.transmit:
        raise Refused("orders that depend on one another (oco, parent, transmit=False) are not known to the exchange: give "
                      "the entry an exit group (exits=ExitGroup(…))")  # fmt: skip
    if order.p.valid is not None:
        raise Refused("the exchange keeps an order for the day or takes it at once: leave valid out and cancel it yourself")
    if not size or size % instrument.lot:
        raise Refused(f"{instrument.symbol}: {abs(size)} is not a multiple of the lot of {instrument.lot}")
    if exits is not None and exits.qty * exits.side.sign != size:
        raise Refused(f"an entry of {size} shares cannot carry exits for {exits.side} {exits.qty}")
    if "adds" in order.info and order.exectype != bt.Order.Market:
        raise Refused("what is added to a trade is a market order")
    if exits is not None and order.exectype not in (bt.Order.Market, bt.Order.Limit):
        raise Refused("an entry with an exit group is a market or a limit order")
