"""What is held of one contract under one product, as the sum of its fills."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Self


@dataclass(frozen=True, slots=True)
class Position:
    """Shares and what was paid for them.

    Parameters
    ----------
    key, product : str
    bought, sold : int, shares
        Today.
    paid, received : int, units
        Of these.
    carried : int, shares
        From the day before; below 0: sold.
    carried_price : int, units
        What one of these is worth at the day's beginning.
    """

    key: str
    product: str
    bought: int = 0
    sold: int = 0
    paid: int = 0
    received: int = 0
    carried: int = 0
    carried_price: int = 0

    @property
    def quantity(self) -> int:
        """Net shares; below 0: sold."""
        return self.carried + self.bought - self.sold

    @property
    def all_bought(self) -> tuple[int, int]:
        """Shares and units of all purchases, the carried ones included."""
        carried = max(self.carried, 0)
        return self.bought + carried, self.paid + carried * self.carried_price

    @property
    def all_sold(self) -> tuple[int, int]:
        """Shares and units of all sales, the carried ones included."""
        carried = max(-self.carried, 0)
        return self.sold + carried, self.received + carried * self.carried_price

    @property
    def entry(self) -> Fraction:
        """Units a share that the open side was bought or sold for; 0 when flat."""
        shares, value = self.all_bought if self.quantity > 0 else self.all_sold
        return Fraction(value, shares) if self.quantity else Fraction(0)

    @property
    def realised(self) -> Fraction:
        """Units won by what was both bought and sold, by the averages of the day, as the broker counts."""
        (bought, paid), (sold, received) = self.all_bought, self.all_sold
        closed = min(bought, sold)
        return closed * (Fraction(received, sold) - Fraction(paid, bought)) if closed else Fraction(0)

    def unrealised(self, last: int) -> Fraction:
        """Return the units that the open shares have won at a price."""
        return self.quantity * (last - self.entry)

    def filled_by(self, quantity: int, price: int, *, buy: bool) -> Self:
        """Return the position after a fill."""
        if buy:
            return replace(self, bought=self.bought + quantity, paid=self.paid + quantity * price)
        return replace(self, sold=self.sold + quantity, received=self.received + quantity * price)


@dataclass(frozen=True, slots=True)
class Holding:
    """Shares in the demat account.

    Parameters
    ----------
    key : str
    quantity : int, shares
    price : int, units
        Average paid for one.
    used : int, shares
        Sold today.
    """

    key: str
    quantity: int
    price: int
    used: int = 0

    @property
    def free(self) -> int:
        """Shares that may still be sold."""
        return self.quantity - self.used
