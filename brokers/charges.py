"""What a trade costs. Pure: prices and quantities in, rupees out."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Protocol

from auction_bt.core.instrument import Kind

_PAISA: Final = Decimal("0.01")


class Charges(Protocol):
    """The cost of one execution."""

    @property
    def name(self) -> str:
        """How the result names this model."""
        ...

    def of(self, kind: Kind, price: float, qty: int, *, buy: bool) -> Decimal:
        """Return the rupees charged for buying or selling `qty` shares at `price`."""
        ...


@dataclass(frozen=True, slots=True)
class NoCharges:
    """Trading for nothing: results are gross only."""

    @property
    def name(self) -> str:
        """See `Charges`."""
        return "none"

    def of(self, kind: Kind, price: float, qty: int, *, buy: bool) -> Decimal:  # noqa: ARG002
        """See `Charges`."""
        return Decimal(0)


# Share of turnover a side that comes near the sum of brokerage, STT, exchange charges, stamp duty and GST for one lot or about
# one lakh of rupees: 8.3 bp a round trip intraday, 5.9 bp on an index future, far more on an option's premium.
_RATE: Final = {
    Kind.EQUITY: Decimal("0.00042"),
    Kind.FUTURE: Decimal("0.00030"),
    Kind.OPTION: Decimal("0.00250"),
    Kind.INDEX: Decimal(0),
    Kind.OTHER: Decimal("0.00010"),
}


@dataclass(frozen=True, slots=True)
class SimpleRate:
    """A share of turnover a side, by kind of instrument.

    Parameters
    ----------
    multiple : int
        1 for the rate itself, 2 for the usual stress test.
    """

    multiple: int = 1

    @property
    def name(self) -> str:
        """See `Charges`."""
        rates = ", ".join(f"{k.value} {rate * self.multiple * 100:.3f} %" for k, rate in _RATE.items() if rate)
        return f"simple rate x{self.multiple} (a side of turnover: {rates})"

    def of(self, kind: Kind, price: float, qty: int, *, buy: bool) -> Decimal:  # noqa: ARG002
        """See `Charges`."""
        turnover = Decimal(repr(price)) * qty
        return (turnover * _RATE[kind] * self.multiple).quantize(_PAISA, ROUND_HALF_UP)
