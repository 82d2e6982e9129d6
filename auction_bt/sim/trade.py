"""A fill as the exchange confirms it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fill:
    """Some shares of an order at a price.

    Parameters
    ----------
    trade_id, order_id : str
    quantity : int, shares
    price : int, units
    at : int, ns
    """

    trade_id: str
    order_id: str
    quantity: int
    price: int
    at: int
