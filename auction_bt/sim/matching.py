"""What one tick does to one order: triggers it, fills it, and at which price. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auction_bt.core.instrument import Kind as InstrumentKind
from auction_bt.core.live_order import Kind, Status

from .contract import Contract, Phase
from .money import RUPEE
from .order import STOPS, Order, Request

# Up to which price (rupees) a market order may go how far (percent), by the broker's table of market price protection.
_PROTECTION: Final = ((50, 3.0), (500, 2.0), (10_000, 1.0), (float("inf"), 0.5))
_OPTION_PROTECTION: Final = ((5, 15.0), (10, 10.0), (float("inf"), 5.0))


@dataclass(frozen=True, slots=True)
class Matching:
    """How strictly orders meet ticks.

    Parameters
    ----------
    partial_fills : bool
        A tick fills no more than was traded, and what it fills of one order is gone for the next. Without: each tick fills all of
        every order it reaches.
    protection : bool
        A market order goes only so far from the last price, and rests there. Without: it is filled by the next tick at any price.
    """

    partial_fills: bool = True
    protection: bool = True


#: What an exchange does.
STRICT: Final = Matching()
#: What backtests assume: the same prices on the same ticks as `core.fills.FillModel` by quotes without slippage.
AS_BACKTESTED: Final = Matching(partial_fills=False, protection=False)


@dataclass(frozen=True, slots=True)
class Trade:
    """One tick as the matching sees it.

    Parameters
    ----------
    ts : int, ns
        The exchange's time of it.
    price : int, units
    size : int, shares
        0 where nobody knows, or nothing was traded.
    traded : bool
        It is a trade; otherwise only the book has changed.
    bid, ask : int, units
        0 where nobody knows.
    phase : Phase
    """

    ts: int
    price: int
    size: int
    traded: bool
    bid: int = 0
    ask: int = 0
    phase: Phase = Phase.CONTINUOUS


@dataclass(frozen=True, slots=True)
class Match:
    """A fill: so many shares at a price (units)."""

    quantity: int
    price: int


def protected(request: Request, contract: Contract, reference: int) -> int:
    """Return up to which price (units) a market order may be filled, on the price grid; 0: at any.

    Parameters
    ----------
    request : Request
    contract : Contract
    reference : int, units
        The last price, or the trigger's of a stop order.

    Notes
    -----
    The table of options above ten rupees was not read: 5 % is a guess.
    """
    if request.protection == 0 or not reference:
        return 0
    if request.protection > 0:
        percent = request.protection
    else:
        table = _OPTION_PROTECTION if contract.instrument.kind is InstrumentKind.OPTION else _PROTECTION
        percent = next(share for below, share in table if reference < below * RUPEE)
    width = int(reference * percent / 100)
    # Onto the grid and not beyond the protection.
    limit = (
        (reference + width) // contract.tick * contract.tick
        if request.buy
        else -(-(reference - width) // contract.tick) * contract.tick
    )
    limit = limit if not contract.high else min(max(limit, contract.low), contract.high)
    return max(limit, contract.tick)


def is_triggered(order: Order, trade: Trade) -> bool:
    """Return whether a trade sets a waiting stop order off."""
    if order.status is not Status.TRIGGER_PENDING or not trade.traded:
        return False
    trigger = order.request.trigger
    return trade.price >= trigger if order.request.buy else trade.price <= trigger


def opening_limit(order: Order, contract: Contract, last: int, model: Matching) -> int:
    """Return the limit (units) with which an order goes into the book; 0: none.

    Notes
    -----
    A stop order that is to become a market order is protected around its trigger, any other around the last price.
    """
    request = order.request
    if request.kind in {Kind.LIMIT, Kind.STOP_LIMIT}:
        return request.price
    if not model.protection:
        return 0
    return protected(request, contract, request.trigger if request.kind in STOPS else last or contract.close)


def match(order: Order, trade: Trade, available: int) -> Match | None:
    """Return what a trade fills of an order that is in the book, None where nothing.

    Parameters
    ----------
    order : Order
    trade : Trade
    available : int, shares
        What the tick may fill of it.

    Notes
    -----
    In an auction everything is filled at its one price. In continuous trading an order that has just come pays the worse of the
    trade and the other side of the book, but not more than its limit; one that has rested is filled at its limit, never better.
    Nothing is filled by a change of the book.
    """
    if not trade.traded or available <= 0 or order.status is not Status.OPEN:
        return None
    buy, limit = order.request.buy, order.limit
    if limit and (trade.price > limit if buy else trade.price < limit):
        return None
    quantity = min(order.pending, available)
    if trade.phase is Phase.MATCHING:
        return Match(quantity, trade.price)
    if limit and not order.takes:
        return Match(quantity, limit)
    if buy:
        price = max(trade.price, trade.ask)
        return Match(quantity, min(price, limit) if limit else price)
    price = min(trade.price, trade.bid) if trade.bid else trade.price
    return Match(quantity, max(price, limit))


def rests(order: Order, trade: Trade) -> bool:
    """Return whether the market was beyond an order's limit at this tick: from then on it is one of those that wait."""
    if not order.limit or trade.phase is not Phase.CONTINUOUS:
        return False
    other = trade.ask if order.request.buy else trade.bid
    seen = [price for price in (trade.price if trade.traded else 0, other) if price]
    return any(price > order.limit if order.request.buy else price < order.limit for price in seen)
