"""What orders cost, whoever says it: a model of charges, or the commission of a broker."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

from .breakdown import Breakdown
from .instrument import Instrument
from .ist import day_index
from .tariff import Note, Product
from .trade import Fill


class Charges(Protocol):
    """The cost of an order: one object for backtest, paper and live.

    Notes
    -----
    An *order* is charged, on its whole quantity and average price, when it is filled: several fills pay one brokerage.
    """

    @property
    def name(self) -> str:
        """How the result names this model."""
        ...

    def of(
        self, instrument: Instrument, price: float, qty: int, *, buy: bool, day: int, product: Product = Product.INTRADAY,
        reason: str = "", first_sale: bool = True, freeze: int = 0,
    ) -> Breakdown:  # fmt: skip
        """Return what buying or selling `qty` shares at `price` rupees costs, exact.

        Parameters
        ----------
        day : int, IST day
            Of the execution.
        product : Product
        reason : str
            Of an exit; ``broker`` pays for the broker's square-off.
        first_sale : bool
            The share was not sold before on that day.
        freeze : int, shares
            Most that one order may have; 0: no limit known.
        """
        ...

    def round_trip(
        self, instrument: Instrument, price: float, qty: int, *, day: int, product: Product = Product.INTRADAY
    ) -> Decimal:
        """Return what buying and selling at about `price` costs in all, in rupees."""
        ...

    def notes(self, instrument: Instrument, days: Iterable[int], product: Product = Product.INTRADAY) -> tuple[Note, ...]:
        """Return how well the rates are known that `instrument` pays on these IST days."""
        ...


class OrderCosts:
    """The orders of one symbol and what they cost, in the order in which they are filled.

    Parameters
    ----------
    instrument : Instrument
    charges : Charges or None
        None: `commission` alone is asked.
    product : Product
    commission : callable (price in rupees, signed shares) -> Decimal rupees
        The broker's own.
    """

    def __init__(
        self, instrument: Instrument, charges: Charges | None, product: Product, commission: Callable[[float, int], Decimal]
    ) -> None:
        self._instrument = instrument
        self._charges = charges
        self._product = product
        self._commission = commission
        self._sold_on = -1

    def of(self, fill: Fill, buy: bool) -> Breakdown:
        """Return what an order costs that was filled like this."""
        if self._charges is None:
            return Breakdown(other=self._commission(fill.price, fill.qty if buy else -fill.qty))
        day = int(day_index(fill.ts))
        return self._charges.of(
            self._instrument, fill.price, fill.qty, buy=buy, day=day, product=self._product, reason=fill.reason,
            first_sale=day != self._sold_on,
        )  # fmt: skip

    def booked(self, fill: Fill, buy: bool) -> None:
        """Remember a fill: of several sales on a day the first alone pays the depository."""
        if not buy:
            self._sold_on = int(day_index(fill.ts))

    def round_trip(self, price: float, qty: int, day: int) -> float:
        """Return what buying and selling at about `price` costs in all, in rupees; `day` is the IST day."""
        if self._charges is None:
            return float(self._commission(price, qty) + self._commission(price, -qty))
        return float(self._charges.round_trip(self._instrument, price, qty, day=day, product=self._product))
