"""What a trade costs. Pure: prices, quantities and the rates of a day in, rupees out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from auction_bt.core.breakdown import Breakdown
from auction_bt.core.errors import Refused
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ledger import rupees
from auction_bt.core.tariff import Exchange, Key, Note, Product, Segment, Tariff, split

_PAISA: Final = Decimal("0.01")
_EXCHANGES: Final = {exchange.value: exchange for exchange in Exchange}


@dataclass(frozen=True, slots=True)
class NoCharges:
    """Trading for nothing: results are gross only."""

    @property
    def name(self) -> str:
        """See `core.costing.Charges`."""
        return "none"

    def of(self, instrument: Instrument, price: float, qty: int, **_: object) -> Breakdown:  # noqa: ARG002
        """See `core.costing.Charges`."""
        return Breakdown()

    def round_trip(self, instrument: Instrument, price: float, qty: int, **_: object) -> Decimal:  # noqa: ARG002
        """See `core.costing.Charges`."""
        return Decimal(0)

    def notes(self, *_: object) -> tuple[Note, ...]:
        """See `core.costing.Charges`."""
        return ()


# For what no table covers: a share of turnover a side that comes near all charges on one lot, or on about one lakh of rupees.
_RATE: Final = {
    Kind.EQUITY: Decimal("0.00042"),
    Kind.FUTURE: Decimal("0.00030"),
    Kind.OPTION: Decimal("0.00250"),
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
        """See `core.costing.Charges`."""
        rates = ", ".join(f"{k.value} {rate * self.multiple * 100:.3f} %" for k, rate in _RATE.items())
        return f"simple rate x{self.multiple} (a side of turnover: {rates})"

    def of(self, instrument: Instrument, price: float, qty: int, **_: object) -> Breakdown:
        """See `core.costing.Charges`."""
        return Breakdown(other=self._side(instrument, price, qty))

    def round_trip(self, instrument: Instrument, price: float, qty: int, **_: object) -> Decimal:
        """See `core.costing.Charges`."""
        return 2 * self._side(instrument, price, qty)

    def notes(self, *_: object) -> tuple[Note, ...]:
        """See `core.costing.Charges`."""
        return (Note("other", "unverified", 0),)

    def _side(self, instrument: Instrument, price: float, qty: int) -> Decimal:
        _refuse_index(instrument)
        return (rupees(price) * qty * _RATE[instrument.kind]).quantize(_PAISA, ROUND_HALF_UP) * self.multiple


@dataclass(frozen=True, slots=True)
class DatedCharges:
    """The charges of Indian exchanges, each by the rates of its day.

    Parameters
    ----------
    tariff : Tariff
    multiple : int
        1 for the charges themselves, 2 for the usual stress test.

    Notes
    -----
    Instruments of other exchanges, and data from elsewhere, pay `SimpleRate`.
    """

    tariff: Tariff
    multiple: int = 1

    @property
    def name(self) -> str:
        """See `core.costing.Charges`."""
        return f"rates of the day, plan {self.tariff.plan}, x{self.multiple}"

    def of(
        self, instrument: Instrument, price: float, qty: int, *, buy: bool, day: int, product: Product = Product.INTRADAY,
        reason: str = "", first_sale: bool = True, freeze: int = 0,
    ) -> Breakdown:  # fmt: skip
        """See `core.costing.Charges`."""
        key = key_of(instrument, product)
        if key is None:
            return SimpleRate(self.multiple).of(instrument, price, qty)
        rates, parts = self.tariff.on(day, *key), split(qty, freeze)
        paid = rates.order(rupees(price), parts, buy=buy, first_sale=first_sale, by_broker=reason == "broker")
        return paid if self.multiple == 1 else paid * self.multiple

    def round_trip(
        self, instrument: Instrument, price: float, qty: int, *, day: int, product: Product = Product.INTRADAY
    ) -> Decimal:
        """See `core.costing.Charges`."""
        key = key_of(instrument, product)
        if key is None:
            return SimpleRate(self.multiple).round_trip(instrument, price, qty)
        return self.tariff.on(day, *key).round_trip(rupees(price) * qty) * self.multiple

    def notes(self, instrument: Instrument, days: Iterable[int], product: Product = Product.INTRADAY) -> tuple[Note, ...]:
        """See `core.costing.Charges`."""
        key = key_of(instrument, product)
        if key is None:
            return SimpleRate().notes()
        found = {note for day in days for note in self.tariff.on(day, *key).notes}
        return tuple(sorted(n for n in found if n.kind not in {"square_off", "exercise"}))  # our own orders pay neither


def key_of(instrument: Instrument, product: Product = Product.INTRADAY) -> Key | None:
    """Return what decides the rates of an instrument: its segment and exchange; None where no table covers it.

    Raises
    ------
    Refused
        It is an index.
    """
    _refuse_index(instrument)
    prefix, bar, _ = instrument.symbol.partition("|")
    name = prefix.partition("_")[0] if bar else Exchange.NSE.value  # a friendly name: most are traded there
    exchange = _EXCHANGES.get(name)
    if instrument.kind is Kind.OTHER or exchange is None:
        return None
    if instrument.kind is Kind.EQUITY:
        return (Segment.DELIVERY if product is Product.DELIVERY else Segment.INTRADAY), exchange, ""
    if instrument.kind is Kind.FUTURE:
        return Segment.FUTURES, exchange, ""
    underlying = instrument.contract.underlying.partition("|")[2] if instrument.contract is not None else ""
    return Segment.OPTIONS, exchange, group_of(Segment.OPTIONS, exchange, underlying)


def group_of(segment: Segment, exchange: Exchange, underlying: str) -> str:
    """Return the group of contracts with a transaction charge of their own; '' where there is none.

    Notes
    -----
    Where nobody has said what an option of BSE is on, the dearer charge counts.
    """
    is_other = segment is Segment.OPTIONS and exchange is Exchange.BSE and underlying.upper() not in {"", "SENSEX", "BANKEX"}
    return "other" if is_other else ""


def _refuse_index(instrument: Instrument) -> None:
    if instrument.kind is Kind.INDEX:
        raise Refused(f"{instrument.symbol} is an index and cannot be bought or sold: trade its future or an option")
