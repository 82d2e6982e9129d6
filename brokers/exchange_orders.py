"""Which of backtrader's orders an exchange knows."""

from __future__ import annotations

from typing import Any, Final

import backtrader as bt

from auction_bt.core.errors import Refused
from auction_bt.core.keeping import Done
from auction_bt.core.live_order import Kind
from auction_bt.core.order_set import Role
from auction_bt.core.trade import Side

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


def way_out(entry: Any, side: Side, done: Done, excursion: tuple[float, float]) -> Any:
    """Return an exit of a kept trade as an order of its own, so that notify_order, trades and analyzers see it as any other.

    Parameters
    ----------
    entry : backtrader order
        The trade's.
    side : Side
    done : Done
    excursion : (lowest, highest) price since the entry, rupees
    """
    is_sale = (side is Side.LONG) == (done.role is not Role.BACK)
    make = bt.order.SellOrder if is_sale else bt.order.BuyOrder
    order = make(owner=entry.owner, data=entry.data, size=done.qty, price=done.price, exectype=bt.Order.Market)
    order.addinfo(exit_reason=done.reason, excursion=excursion)
    return order
