"""What somebody else has closed of a trade: by hand on another device, or the broker himself. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .live_order import Intent, Kind, LiveOrder, Row, Status


@dataclass(frozen=True, slots=True)
class Outside:
    """An order of the account that is not ours, as far as it has been filled.

    Parameters
    ----------
    filled : int, shares
    value : float, rupees
        Filled times average price.
    """

    filled: int = 0
    value: float = 0.0

    def after(self, row: Row) -> Outside:
        """Return it after a word about it; what is older than what is known changes nothing."""
        return Outside(row.filled, row.filled * row.average) if row.filled > self.filled else self

    def taken(self, before: Outside, row: Row, most: int, reason: str, seq: int) -> LiveOrder | None:
        """Return the order that stands for what was closed of a trade since `before`; None for nothing.

        Parameters
        ----------
        most : int, shares
            What the trade has: whatever is beyond it is not of this trade.
        reason : str
            ``manual`` or ``broker``.
        """
        fresh = self.filled - before.filled
        qty = min(fresh, most)
        if qty < 1:
            return None
        tag = f"{row.order_id}#{self.filled}"
        price = round((self.value - before.value) / fresh, 6)
        intent = Intent(tag, row.symbol, row.buy, qty, reason, seq, Kind.MARKET)
        return LiveOrder(intent, qty, status=Status.COMPLETE, filled=qty, average=price, asked=None, at=row.at)
