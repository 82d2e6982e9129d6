"""Prices as integers: ten-thousandths of a rupee, in which every price of every Indian exchange is exact."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Final

RUPEE: Final = 10_000


def units(price: float | Decimal) -> int:
    """Return a price or an amount in rupees as units."""
    return round(price * RUPEE)


def to_rupees(amount: int) -> float:
    """Return units as rupees, equal to the decimal literal."""
    return amount / RUPEE


def average(value: int, quantity: int) -> float:
    """Return rupees a share, to four digits as the broker shows them; 0 where nothing was traded."""
    return round(value / quantity / RUPEE, 4) if quantity else 0.0


def shown(amount: Fraction | int) -> float:
    """Return units as rupees and paise."""
    return round(float(Fraction(amount) / RUPEE), 2)
