"""What Indian brokers, exchanges and the state take, as dated values."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Final

from .breakdown import Breakdown
from .errors import BadInput

MAX_SLICES: Final = 25  # child orders of one request, at Upstox
_ZERO: Final = Decimal(0)


class Product(StrEnum):
    """How long a position may be held, as an order says it."""

    INTRADAY = "I"  # closed the same day, by the broker at the latest
    DELIVERY = "D"  # carried overnight

    @classmethod
    def squared_off(cls, at: str) -> Product:
        """Return what orders are under a setting ``square_off``; ``none``: carried."""
        return cls.DELIVERY if at == "none" else cls.INTRADAY


class Segment(StrEnum):
    """What the rates depend on, beside the exchange and the day."""

    DELIVERY = "eq-delivery"
    INTRADAY = "eq-intraday"
    FUTURES = "futures"
    OPTIONS = "options"


class Exchange(StrEnum):
    """Whose transaction charge is paid."""

    NSE = "NSE"
    BSE = "BSE"


@dataclass(frozen=True, slots=True)
class Sides:
    """A charge as a share of turnover, for who buys and who sells."""

    buy: Decimal = _ZERO
    sell: Decimal = _ZERO

    def of(self, turnover: Decimal, *, buy: bool) -> Decimal:
        """Return the rupees on `turnover`, exact."""
        return turnover * (self.buy if buy else self.sell)


@dataclass(frozen=True, slots=True)
class Brokerage:
    """What the broker takes for an order.

    Parameters
    ----------
    flat : Decimal, rupees
    share : Decimal or None
        Of the order's turnover, where that is less; None: always `flat`.
    """

    flat: Decimal
    share: Decimal | None = None

    def of(self, turnover: Decimal) -> Decimal:
        """Return the rupees for one order of `turnover`, however many fills it had."""
        return self.flat if self.share is None else min(self.flat, turnover * self.share)


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """How well a rate is known.

    Parameters
    ----------
    kind : str
        One of `core.breakdown.KINDS`, or ``exercise``.
    certainty : str
        ``sure``, ``likely``, ``unverified``.
    since : int, IST day
        From which its rule is valid.
    extrapolated : bool
        Taken from the nearest day that is known.
    """

    kind: str
    certainty: str
    since: int
    extrapolated: bool = False


@dataclass(frozen=True, slots=True)
class Rates:
    """What holds for one segment on one exchange from a day on.

    Parameters
    ----------
    begin : int, IST day
    brokerage : Brokerage
    stt, transaction, ipft, sebi, stamp : Sides
    gst : Decimal, share
        On brokerage, transaction, IPFT, SEBI, DP and square-off fees.
    exercise : Decimal, share
        STT on the intrinsic value of an option that is exercised; its buyer pays.
    dp, square_off : Decimal, rupees
    notes : tuple of Note
    """

    begin: int
    brokerage: Brokerage
    stt: Sides
    transaction: Sides
    ipft: Sides
    sebi: Sides
    stamp: Sides
    gst: Decimal
    exercise: Decimal = _ZERO
    dp: Decimal = _ZERO
    square_off: Decimal = _ZERO
    notes: tuple[Note, ...] = ()
    _both: Decimal = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fees = sum((s.buy + s.sell for s in (self.transaction, self.ipft, self.sebi)), _ZERO)
        taxes = sum((s.buy + s.sell for s in (self.stt, self.stamp)), _ZERO)
        object.__setattr__(self, "_both", fees * (1 + self.gst) + taxes)

    def order(
        self, price: Decimal, parts: Sequence[int], *, buy: bool, first_sale: bool = True, by_broker: bool = False
    ) -> Breakdown:
        """Return the charges of buying or selling, exact.

        Parameters
        ----------
        price : Decimal, rupees
            The average over all fills.
        parts : sequence of int, shares
            Of each order at the exchange (`split`): each pays brokerage, however many fills it had.
        first_sale : bool
            No other sale of the share has paid the depository's charge that day.
        by_broker : bool
            The broker closed the position, because its owner did not in time.
        """
        turnover = price * sum(parts)
        brokerage = sum((self.brokerage.of(price * part) for part in parts), _ZERO)
        transaction, ipft, sebi = (s.of(turnover, buy=buy) for s in (self.transaction, self.ipft, self.sebi))
        dp = self.dp if first_sale and not buy else _ZERO
        square_off = self.square_off * len(parts) if by_broker else _ZERO
        return Breakdown(
            brokerage=brokerage,
            stt=self.stt.of(turnover, buy=buy),
            transaction=transaction,
            ipft=ipft,
            sebi=sebi,
            stamp=self.stamp.of(turnover, buy=buy),
            gst=(brokerage + transaction + ipft + sebi + dp + square_off) * self.gst,
            dp=dp,
            square_off=square_off,
        )

    def exercised(self, intrinsic: Decimal, qty: int) -> Breakdown:
        """Return what exercising a bought option costs; `intrinsic` is its value in rupees a share at expiry."""
        return Breakdown(stt=intrinsic * qty * self.exercise)

    def round_trip(self, turnover: Decimal) -> Decimal:
        """Return the exact total of buying and selling for `turnover` rupees, in one order each: `order` twice, only quicker."""
        return turnover * self._both + (2 * self.brokerage.of(turnover) + self.dp) * (1 + self.gst)


def split(qty: int, freeze: int = 0) -> tuple[int, ...]:
    """Return the quantities of the orders that `qty` shares make where one may have at most `freeze`; 0: any.

    Raises
    ------
    BadInput
        More orders than one request may have.
    """
    if not freeze or qty <= freeze:
        return (qty,)
    count = -(-qty // freeze)
    if count > MAX_SLICES:
        raise BadInput(f"{qty} shares make {count} orders of at most {freeze}, and a request may have {MAX_SLICES}: send several")
    return (*[freeze] * (count - 1), qty - freeze * (count - 1))


Key = tuple[Segment, Exchange, str]


@dataclass(frozen=True, slots=True)
class Tariff:
    """All rates there are, as dated values.

    Parameters
    ----------
    plan : str
        The broker's.
    cards : mapping of (segment, exchange, group) to tuple of Rates
        In the order of their days. Group is '' but for contracts with a charge of their own.
    """

    plan: str
    cards: Mapping[Key, tuple[Rates, ...]]

    def on(self, day: int, segment: Segment, exchange: Exchange, group: str = "") -> Rates:
        """Return the rates of an IST day; those of the nearest day, and marked so, where it is not known."""
        card = self.cards.get((segment, exchange, group)) or self.cards[segment, exchange, ""]
        return card[max(0, bisect_right(card, day, key=attrgetter("begin")) - 1)]
