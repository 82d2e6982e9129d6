"""An order at the broker: what was asked for, where it stands, and which state may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Self

from auction_bt.core.errors import Fatal
from auction_bt.core.live_order import FINAL, Kind, Status

STOPS: Final = frozenset({Kind.STOP_LIMIT, Kind.STOP_MARKET})
PRICED: Final = frozenset({Kind.LIMIT, Kind.STOP_LIMIT})


class Validity(StrEnum):
    """How long an order waits."""

    DAY = "DAY"
    IOC = "IOC"  # immediate or cancel


AFTER_HOURS: Final = frozenset({Status.AFTER_MARKET, Status.MODIFY_AFTER_MARKET})
_IN_BOOK: Final = frozenset({Status.OPEN, Status.TRIGGER_PENDING})

#: Which states may follow; a state may always be told again (a part of the order was filled).
LEGAL: Final[Mapping[Status, frozenset[Status]]] = MappingProxyType({
    Status.PUT: frozenset({Status.VALIDATION, Status.AFTER_MARKET, Status.REJECTED}),
    Status.VALIDATION: frozenset({Status.OPEN_PENDING, Status.REJECTED}),
    Status.OPEN_PENDING: _IN_BOOK | {Status.REJECTED},
    Status.AFTER_MARKET: frozenset({Status.MODIFY_AFTER_MARKET, Status.CANCELLED_AFTER_MARKET, Status.VALIDATION}),
    Status.MODIFY_AFTER_MARKET: frozenset({Status.CANCELLED_AFTER_MARKET, Status.VALIDATION}),
    Status.OPEN: frozenset({Status.COMPLETE, Status.CANCELLED, Status.CANCEL_PENDING, Status.MODIFY_VALIDATION}),
    Status.TRIGGER_PENDING: frozenset({Status.OPEN, Status.CANCELLED, Status.CANCEL_PENDING, Status.MODIFY_VALIDATION}),
    Status.MODIFY_VALIDATION: frozenset({Status.MODIFY_PENDING, Status.NOT_MODIFIED}),
    Status.MODIFY_PENDING: frozenset({Status.MODIFIED, Status.NOT_MODIFIED}),
    Status.MODIFIED: _IN_BOOK,
    Status.NOT_MODIFIED: _IN_BOOK,
    Status.CANCEL_PENDING: frozenset({Status.CANCELLED, Status.NOT_CANCELLED}),
    Status.NOT_CANCELLED: _IN_BOOK,
    Status.COMPLETE: frozenset(),
    Status.CANCELLED: frozenset(),
    Status.CANCELLED_AFTER_MARKET: frozenset(),
    Status.REJECTED: frozenset(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks the broker to do.

    Parameters
    ----------
    key : str
        Instrument key.
    buy : bool
    quantity : int, shares
    kind : Kind
    price, trigger : int, units
        0 where the kind has none.
    product : str
        ``I``, ``D`` or ``MTF``.
    validity : Validity
    tag : str
    disclosed : int, shares
    after_market : bool
        To be kept until the market opens.
    protection : float, percent
        How far from the last price a market order may go: -1 the broker's own table, 0 no limit.
    slices : bool
        To be cut into orders of the freeze quantity.
    """

    key: str
    buy: bool
    quantity: int
    kind: Kind = Kind.MARKET
    price: int = 0
    trigger: int = 0
    product: str = "I"
    validity: Validity = Validity.DAY
    tag: str = ""
    disclosed: int = 0
    after_market: bool = False
    protection: float = -1
    slices: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody asks to change in an order; None keeps what it has.

    Parameters
    ----------
    order_id : str
    quantity : int or None, shares
        The whole, what is filled included.
    kind : Kind or None
    price, trigger : int or None, units
    validity : Validity or None
    disclosed : int or None, shares
    protection : float or None, percent
    """

    order_id: str
    quantity: int | None = None
    kind: Kind | None = None
    price: int | None = None
    trigger: int | None = None
    validity: Validity | None = None
    disclosed: int | None = None
    protection: float | None = None

    def applied(self, request: Request) -> Request:
        """Return what `request` is with this change."""
        asked = {"quantity": self.quantity, "kind": self.kind, "price": self.price, "trigger": self.trigger,
                 "validity": self.validity, "disclosed": self.disclosed, "protection": self.protection}  # fmt: skip
        return replace(request, **{name: value for name, value in asked.items() if value is not None})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Order:
    """An order and where it stands.

    Parameters
    ----------
    order_id, exchange_id, reference : str
        The broker's number, the exchange's ('' before the order has reached it), and the broker's reference.
    request : Request
    status : Status
    placed, changed : int, ns
        When it came, and when its state was last told.
    filled : int, shares
    value : int, units
        Of all that was filled: the sum of price times quantity.
    traded_at : int, ns
        The exchange's time of the last fill; 0 before one.
    limit : int, units
        Up to which it may be filled now; 0: without a limit.
    takes : bool
        It has not yet rested in the book: it pays what the other side asks.
    note : str
        Why it was refused or cancelled.
    version : int
        1, and one more for each change.
    placed_by : str
    """

    order_id: str
    request: Request
    status: Status
    placed: int
    changed: int
    exchange_id: str = ""
    reference: str = ""
    filled: int = 0
    value: int = 0
    traded_at: int = 0
    limit: int = 0
    takes: bool = True
    note: str = ""
    version: int = 1
    placed_by: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.filled <= self.request.quantity:
            raise Fatal(f"order {self.order_id}: {self.filled} of {self.request.quantity} shares filled")

    @property
    def pending(self) -> int:
        """Shares that may still be filled; 0 of a final order."""
        return 0 if self.status in FINAL else self.request.quantity - self.filled

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in FINAL

    def to(self, status: Status, now: int, note: str = "") -> Self:
        """Return the order in its next state.

        Raises
        ------
        Fatal
            That state may not follow: the simulation is wrong.
        """
        if status is not self.status and status not in LEGAL[self.status]:
            raise Fatal(f"order {self.order_id} cannot go from {self.status!r} to {status!r}")
        return replace(self, status=status, changed=now, note=note or self.note)

    def filled_by(self, quantity: int, price: int, ts: int, now: int) -> Self:
        """Return the order after a fill of some shares at a price (units) of the exchange's time `ts`."""
        after = replace(self, filled=self.filled + quantity, value=self.value + quantity * price, traded_at=ts)
        return after.to(Status.COMPLETE if after.filled == after.request.quantity else self.status, now)
