"""What of a trade's orders is over: told once each, in an order in which it can be booked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .keeping import Done, ended
from .live_order import LiveOrder
from .order_set import OrderSet, Role, average_of


class Ends:
    """Remembers what was told of one trade.

    Attributes
    ----------
    is_entry_told : bool
        Nothing else is told before: there would be no trade to book it to.

    Notes
    -----
    No more shares are told to be closed than were told to be open: an exit of more waits for the end of the add that made the
    trade so large.
    """

    def __init__(self) -> None:
        self.is_entry_told = False
        self._told: set[str] = set()
        self._open = 0  # shares, by what was told

    def tell(self, orders: OrderSet, reason: Callable[[str, LiveOrder], str]) -> list[Done]:
        """Return what has ended since this was last asked.

        Parameters
        ----------
        reason : callable (tag, LiveOrder)
            Why an exit was sent.
        """
        found: list[Done] = []
        if not self.is_entry_told:
            entries = orders.of(Role.ENTRY)
            if (done := _whole(Role.ENTRY, "entry", entries)) is None:
                return []
            self.is_entry_told, self._open = True, done.qty
            found.append(done)
        adds = [(tag, order) for tag, order in orders.of(Role.ADD) if tag not in self._told]
        if adds and (done := _whole(Role.ADD, "add", adds)) is not None:
            self._told |= {tag for tag, _ in adds}
            self._open += done.qty
            found.append(done)
            adds = []
        for tag, role, order in list(ended(orders, self._told)):
            left = self._open + (order.filled if role is Role.BACK else -order.filled)
            if left < 0 and adds:
                continue
            self._told.add(tag)
            self._open = left
            found.append(Done(role, reason(tag, order), order.filled, order.average, order.at, order.note))
        return found


def _whole(role: Role, reason: str, orders: Sequence[tuple[str, LiveOrder]]) -> Done | None:
    # What was asked for in one or several orders, once none of them can be filled any more; None before.
    parts = [order for _, order in orders]
    qty = sum(order.filled for order in parts)
    if not all(order.is_final for order in parts) or (not qty and any(order.is_lost for order in parts)):
        return None
    price = average_of(parts) if qty else 0.0
    note = next((order.note for order in parts if order.note), "")
    return Done(role, reason, qty, price, max(order.at for order in parts), note)
