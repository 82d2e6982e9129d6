"""The charges of Indian exchanges and of a broker's plan, from the dated tables."""

from __future__ import annotations

from auction_bt.brokers.charges import DatedCharges
from auction_bt.market.rates import STANDARD, tariff


def indian_charges(plan: str = STANDARD, multiple: int = 1) -> DatedCharges:
    """Return the charges of Indian exchanges under a broker's plan.

    Raises
    ------
    BadInput
        No such plan.
    """
    return DatedCharges(tariff(plan), multiple)
