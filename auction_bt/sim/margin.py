"""What the broker blocks for positions and orders, and what is left to trade with. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from auction_bt.core.instrument import Kind as InstrumentKind

from .contract import Contract
from .order import Order, Request
from .position import Position


@dataclass(frozen=True, slots=True)
class MarginRates:
    """Shares of a value that are blocked.

    Parameters
    ----------
    intraday, delivery : Fraction
        Of shares bought, or sold short within the day.
    derivative : Fraction
        Of a future's value, and of a written option's strike: in place of SPAN and exposure, which need the exchange's own files.
    """

    intraday: Fraction = Fraction(1, 5)
    delivery: Fraction = Fraction(1)
    derivative: Fraction = Fraction(3, 20)


@dataclass(frozen=True, slots=True)
class Used:
    """What is blocked, in units, by what it is for.

    Parameters
    ----------
    span : Fraction
        Futures and written options.
    shares : Fraction
        Within the day.
    premium : Fraction
        Bought options.
    delivery : Fraction
        Shares bought to keep.
    """

    span: Fraction = Fraction(0)
    shares: Fraction = Fraction(0)
    premium: Fraction = Fraction(0)
    delivery: Fraction = Fraction(0)

    @property
    def total(self) -> Fraction:
        """The sum."""
        return self.span + self.shares + self.premium + self.delivery

    def __add__(self, more: Used) -> Used:
        return Used(self.span + more.span, self.shares + more.shares, self.premium + more.premium, self.delivery + more.delivery)


def blocked_for(contract: Contract, product: str, quantity: int, price: Fraction | int, *, buy: bool, rates: MarginRates) -> Used:
    """Return what opening `quantity` shares at `price` (units) blocks."""
    value, kind = quantity * Fraction(price), contract.instrument.kind
    if kind is InstrumentKind.OPTION:
        if buy:
            return Used(premium=value)
        about = contract.instrument.contract
        strike = Fraction(about.strike) * 10_000 if about is not None and about.strike is not None else Fraction(price)
        return Used(span=quantity * strike * rates.derivative)
    if kind is InstrumentKind.FUTURE:
        return Used(span=value * rates.derivative)
    if product == "I":
        return Used(shares=value * rates.intraday)
    return Used(delivery=value * rates.delivery) if buy else Used()


def price_of(request: Request, contract: Contract, last: int) -> int:
    """Return the price (units) at which an order's margin is counted."""
    return request.price or request.trigger or last or contract.close


def used(
    positions: Iterable[Position],
    orders: Iterable[Order],
    contracts: Mapping[str, Contract],
    last: Mapping[str, int],
    rates: MarginRates,
) -> Used:
    """Return all that is blocked.

    Notes
    -----
    Orders that close a position need nothing, in the order in which they came, until they are for as much as is held: the second
    exit of the same shares would open a position and is margined as one.
    """
    total, closable = Used(), {}
    for held in positions:
        contract = contracts[held.key]
        closable[held.key, held.product] = held.quantity
        total += blocked_for(contract, held.product, abs(held.quantity), held.entry, buy=held.quantity > 0, rates=rates)
    for order in sorted(orders, key=lambda o: o.order_id):
        request, contract = order.request, contracts[order.request.key]
        free = closable.get((request.key, request.product), 0)
        closing = min(order.pending, max(0, -free if request.buy else free))
        closable[request.key, request.product] = free + closing if request.buy else free - closing
        price = order.limit or price_of(request, contract, last.get(request.key, 0))
        total += blocked_for(contract, request.product, order.pending - closing, price, buy=request.buy, rates=rates)
    return total


def lost(positions: Iterable[Position], last: Mapping[str, int]) -> tuple[Fraction, Fraction]:
    """Return what is lost today in units, realised and not, as negative numbers; gains are not to be traded with yet."""
    realised = unrealised = Fraction(0)
    for held in positions:
        realised += held.realised
        unrealised += held.unrealised(last.get(held.key, 0) or round(held.entry))
    return min(realised, Fraction(0)), min(unrealised, Fraction(0))
