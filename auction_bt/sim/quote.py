"""What is known of a contract's market at a time: its last trade, the best of its book, what was traded today. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import Self


@dataclass(frozen=True, slots=True)
class Quote:
    """The market of one contract.

    Parameters
    ----------
    price : float, rupees
        Of the last trade; 0 before there was one.
    size : int, shares
        Of the last trade.
    at : int, ns
        When that was.
    bid, ask : float, rupees
        0 where nobody knows.
    volume : int, shares
        Traded today.
    value : float, rupees
        Of these.
    """

    price: float = 0.0
    size: int = 0
    at: int = 0
    bid: float = 0.0
    ask: float = 0.0
    volume: int = 0
    value: float = 0.0

    @property
    def average(self) -> float:
        """Rupees paid for a share today, 0 where none was traded."""
        return round(self.value / self.volume, 4) if self.volume else 0.0

    def after(self, ts: int, price: float, size: int, bid: float, ask: float) -> Self:
        """Return the quote after a tick; one without a size has changed the book alone."""
        booked = replace(self, bid=0.0 if isnan(bid) else bid, ask=0.0 if isnan(ask) else ask)
        if not size:
            return booked
        return replace(booked, price=price, size=size, at=ts, volume=self.volume + size, value=self.value + size * price)
