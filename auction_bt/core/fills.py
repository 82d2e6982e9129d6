"""What one pays: the price of a fill from a tick and its book, or from a bar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isnan

from .errors import BadInput


class FillPrice(StrEnum):
    """Whose price a market or stop order gets."""

    TRADE = "trade"  # the tick's own price
    QUOTE = "quote"  # the side of the book one would pay; the tick's price where there is no book


@dataclass(frozen=True, slots=True)
class FillModel:
    """How fills are priced.

    Parameters
    ----------
    price : FillPrice
    slippage : int, ticks
        Added against the trader on market and stop orders, never on limits.
    latency : int, ns
        An order meets the first tick whose message came this much after the decision's.
    """

    price: FillPrice = FillPrice.QUOTE
    slippage: int = 1
    latency: int = 0

    def __post_init__(self) -> None:
        if self.slippage < 0:
            raise BadInput(f"slippage {self.slippage} must be 0 or more ticks")
        if self.latency < 0:
            raise BadInput(f"latency {self.latency} ns must be 0 or more")

    def market(self, *, buy: bool, price: float, bid: float, ask: float, tick: float) -> float:
        """Return the price of a market or triggered stop order.

        Parameters
        ----------
        price, bid, ask : float, rupees
            Of the tick; NaN for a side that has no quote.
        tick : float, rupees
        """
        quote = ask if buy else bid
        paid = price if self.price is FillPrice.TRADE or isnan(quote) else quote
        return self.slipped(paid, buy=buy, tick=tick)

    def slipped(self, price: float, *, buy: bool, tick: float) -> float:
        """Return `price` moved against the trader by the slippage, never to 0 or below."""
        if not self.slippage:
            return price
        moved = price + self.slippage * tick if buy else price - self.slippage * tick
        return max(round(moved, 6), tick)

    def limit(self, *, buy: bool, limit: float, price: float, bid: float, ask: float) -> float:
        """Return the price of a limit order that this tick's trade has reached: never worse than its limit."""
        quote = ask if buy else bid
        reached = price if self.price is FillPrice.TRADE or isnan(quote) else quote
        return min(limit, reached) if buy else max(limit, reached)
