"""What one pays: the price of a fill from a tick and its book, or from a bar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import isnan
from typing import Final

from .errors import BadInput

HAIR: Final = 1e-6  # rupees: less than any price step, more than binary rounding, so that 3 * 0.05 is reached by 0.15


class FillPrice(StrEnum):
    """Whose price a market or stop order gets."""

    TRADE = "trade"  # the tick's own price
    QUOTE = "quote"  # the worse of the trade and the side of the book one would pay: a snapshot's book may be stale


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
    sends_targets : bool
        Targets do not rest in the book: one goes to the market when a trade has reached its price, and meets the next tick. So
        it is done live, where a second resting exit would ask for margin and could sell more than is held.
    """

    price: FillPrice = FillPrice.QUOTE
    slippage: int = 1
    latency: int = 0
    sends_targets: bool = False

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
        return self.slipped(self._paid(buy=buy, price=price, bid=bid, ask=ask), buy=buy, tick=tick)

    def _paid(self, *, buy: bool, price: float, bid: float, ask: float) -> float:
        quote = ask if buy else bid
        if self.price is FillPrice.TRADE or isnan(quote):
            return price
        return max(price, quote) if buy else min(price, quote)

    def slipped(self, price: float, *, buy: bool, tick: float) -> float:
        """Return `price` moved against the trader by the slippage, never to 0 or below."""
        if not self.slippage:
            return price
        moved = price + self.slippage * tick if buy else price - self.slippage * tick
        return max(round(moved, 6), tick)

    def limit(self, *, buy: bool, limit: float, price: float, bid: float, ask: float, resting: bool) -> float:
        """Return the price of a limit order that this tick's trade has reached: never worse than its limit.

        Parameters
        ----------
        resting : bool
            It lay in the book before this tick, so whoever traded with it paid its limit and no more. Only an order that comes
            to a market already beyond its limit gets the market's better price. With `FillPrice.TRADE` every order does, as
            in stock backtrader.
        """
        if resting and self.price is FillPrice.QUOTE:
            return limit
        reached = self._paid(buy=buy, price=price, bid=bid, ask=ask)
        return min(limit, reached) if buy else max(limit, reached)
