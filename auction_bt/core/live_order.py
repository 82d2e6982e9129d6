"""An order at a real exchange, as far as messages have told: what was asked, what is known, what was filled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Self

from .fills import HAIR

_LOOKS: Final = 3


class Status(StrEnum):
    """The 17 states of an order, as the broker writes them."""

    PUT = "put order req received"
    VALIDATION = "validation pending"
    OPEN_PENDING = "open pending"
    AFTER_MARKET = "after market order req received"
    MODIFY_AFTER_MARKET = "modify after market order req received"
    OPEN = "open"
    TRIGGER_PENDING = "trigger pending"
    MODIFY_PENDING = "modify pending"
    MODIFY_VALIDATION = "modify validation pending"
    MODIFIED = "modified"
    NOT_MODIFIED = "not modified"
    CANCEL_PENDING = "cancel pending"
    NOT_CANCELLED = "not cancelled"
    COMPLETE = "complete"
    CANCELLED = "cancelled"
    CANCELLED_AFTER_MARKET = "cancelled after market order"
    REJECTED = "rejected"


FINAL: Final = frozenset({Status.COMPLETE, Status.CANCELLED, Status.CANCELLED_AFTER_MARKET, Status.REJECTED})
WORKING: Final = frozenset({Status.OPEN, Status.TRIGGER_PENDING})


class Kind(StrEnum):
    """How an order meets the market."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_LIMIT = "SL"
    STOP_MARKET = "SL-M"


@dataclass(frozen=True, slots=True)
class Intent:
    """An order wanted; it is on the disk before it goes out.

    Parameters
    ----------
    tag : str
        Ours alone: the only name by which an order can be found whose answer was lost.
    symbol : str
    buy : bool
    qty : int, shares
    reason : str
        ``entry`` or one of `trade.EXIT_REASONS`.
    seq : int, ns
        The message acted upon.
    kind : Kind
    price, trigger : float, rupees
        0 where the kind has none.
    ioc : bool
        Immediate or cancel; otherwise for the day.
    """

    tag: str
    symbol: str
    buy: bool
    qty: int
    reason: str
    seq: int
    kind: Kind = Kind.MARKET
    price: float = 0.0
    trigger: float = 0.0
    ioc: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What an update or a row of the order book says of an order.

    Parameters
    ----------
    order_id, tag, symbol : str
    buy : bool
    status : Status or None
        None: a word that is not among the 17.
    qty, filled : int, shares
        Asked for in all, and filled so far.
    average : float, rupees
        Of what was filled.
    trigger, price : float, rupees
    version : int
        Grows with each change; 0 where nobody has said.
    note : str
        Why it was refused or cancelled.
    at : int, ns
        When the exchange or the broker says it happened, to the second; 0 where it does not say.
    placed_by : str
        Who has given it: the account's user, or the broker.
    """

    order_id: str
    tag: str
    symbol: str
    buy: bool
    status: Status | None
    qty: int
    filled: int = 0
    average: float = 0.0
    trigger: float = 0.0
    price: float = 0.0
    version: int = 0
    note: str = ""
    at: int = 0
    placed_by: str = ""


class Asked(StrEnum):
    """A request that has not been settled yet."""

    PLACE = "place"
    MODIFY = "modify"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """What came of a request to the broker."""

    ACCEPTED = "accepted"  # which does not mean carried out
    REFUSED = "refused"
    LOST = "lost"  # no answer, and what was looked up does not show it


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """One order of ours and where it stands.

    Parameters
    ----------
    intent : Intent
    qty : int, shares
    trigger, price : float, rupees
        As the exchange last confirmed them.
    order_id : str
        The broker's; empty while unknown.
    status : Status or None
        None before anything was heard.
    filled : int, shares
    average : float, rupees
    asked : Asked or None
        What is under way.
    wanted : (int, float)
        Quantity and trigger asked for by the change under way.
    since : int, ns
        Message clock when that was asked, or when the order began to work.
    failures : int
        Changes in a row that came to nothing.
    looks : int
        How often we have asked what became of the request under way.
    is_lost : bool
        Nobody knows whether the exchange has it.
    absent : int
        How often in a row the order book was read since, and did not show it.
    is_given_up : bool
        It was long enough not in the order book: it never got there.
    is_unwanted : bool
        We asked for its cancellation at some time.
    note : str
    at : int, ns
        Time of the last word about it, to the second.
    """

    intent: Intent
    qty: int
    trigger: float = 0.0
    price: float = 0.0
    order_id: str = ""
    status: Status | None = None
    filled: int = 0
    average: float = 0.0
    asked: Asked | None = Asked.PLACE
    wanted: tuple[int, float] = (0, 0.0)
    since: int = 0
    failures: int = 0
    looks: int = 0
    is_lost: bool = False
    absent: int = 0
    is_given_up: bool = False
    is_unwanted: bool = False
    version: int = 0
    note: str = ""
    at: int = 0

    @classmethod
    def of(cls, intent: Intent, now: int) -> Self:
        """Return an order that is about to be sent."""
        return cls(intent, intent.qty, intent.trigger, intent.price, since=now)

    @property
    def is_final(self) -> bool:
        """Whether nothing can happen to it any more, as far as anybody knows."""
        return self.status in FINAL or ((self.is_lost or self.is_given_up) and not self.order_id)

    @property
    def left(self) -> int:
        """Shares that may still be filled."""
        return 0 if self.is_final else self.qty - self.filled

    @property
    def most(self) -> int:
        """Shares that may still be filled whichever way a change under way ends."""
        if self.is_final:
            return 0
        wanted = self.wanted[0] if self.asked is Asked.MODIFY else self.qty
        return max(self.qty, wanted) - self.filled

    @property
    def is_idle(self) -> bool:
        """Whether it works and may be changed."""
        return not self.is_final and self.asked is None and self.status in WORKING

    @property
    def is_executing(self) -> bool:
        """Whether it is a stop that has gone off."""
        return bool(self.intent.trigger) and not self.is_final and (self.status is Status.OPEN or self.filled > 0)

    def asking(self, what: Asked, now: int, wanted: tuple[int, float] = (0, 0.0)) -> Self:
        """Return it with a request under way."""
        return replace(self, asked=what, wanted=wanted, since=now, looks=0, is_unwanted=self.is_unwanted or what is Asked.CANCEL)

    def told(self, row: Row, now: int) -> Self:
        """Return it after a word about it; a word older than what is known changes nothing."""
        if row.filled < self.filled or row.version < self.version or (self.status in FINAL and row.status not in FINAL):
            return self
        if row.status is None:  # whatever it means, what was filled counts
            return replace(self, filled=row.filled, average=row.average or self.average, order_id=row.order_id or self.order_id)
        asked, failures = self.asked, self.failures
        if row.status in FINAL:
            asked = None
        elif row.status in WORKING:
            if asked is Asked.PLACE:
                asked = None
            elif asked is Asked.MODIFY and self._is_as_wanted(row):
                asked, failures = None, 0
        elif row.status is Status.NOT_MODIFIED or row.status is Status.NOT_CANCELLED:
            asked, failures = None, failures + 1
        # A change that failed leaves the order working; the word of it is the last that comes.
        failed = row.status in {Status.NOT_MODIFIED, Status.NOT_CANCELLED}
        status = (self.status if self.status in WORKING else Status.OPEN) if failed else row.status
        in_flight = not failed and row.status not in FINAL and row.status not in WORKING
        return replace(
            self,
            order_id=row.order_id or self.order_id,
            status=self.status if in_flight and self.status in WORKING else status,
            qty=row.qty or self.qty,
            trigger=row.trigger or self.trigger,
            price=row.price or self.price,
            filled=row.filled,
            average=row.average or self.average,
            asked=asked,
            since=now if asked is not self.asked or (row.status in WORKING and self.status not in WORKING) else self.since,
            failures=failures,
            is_lost=False,
            absent=0,
            is_given_up=False,
            version=max(self.version, row.version),
            note=row.note or self.note,
            at=row.at or self.at,
        )

    def _is_as_wanted(self, row: Row) -> bool:
        qty, trigger = self.wanted
        return row.qty == qty and (not trigger or abs(row.trigger - trigger) < HAIR)

    def looked(self, now: int) -> Self:
        """Return it after one more question about it; a change nobody knows anything of after three has come to nothing."""
        if self.looks >= _LOOKS and self.asked in {Asked.MODIFY, Asked.CANCEL}:
            return replace(self, asked=None, since=now, looks=0, failures=self.failures + 1, note="no word of the change")
        return replace(self, since=now, looks=self.looks + 1)

    def is_absent(self, now: int, span: int) -> bool:
        """Whether it was asked for `span` ns ago or more, and the order book was read often enough since and never showed it."""
        return self.is_lost and self.absent >= _LOOKS and now - self.intent.seq >= span

    def given_up(self) -> Self:
        """Return it as one that never got to the exchange."""
        return replace(self, is_lost=False, is_given_up=True, note="never got to the exchange")

    def answered(self, outcome: Outcome, to: Asked, order_id: str = "", note: str = "") -> Self:
        """Return it after the answer to a request, or after the word that there is none."""
        known = replace(self, order_id=order_id or self.order_id)
        if outcome is Outcome.ACCEPTED or self.status in FINAL:
            return known
        if to is Asked.PLACE:
            if self.status is not None:  # an update has told otherwise already
                return known
            if outcome is Outcome.LOST:
                absent = self.absent + 1 if self.is_lost or self.is_given_up else 0
                return replace(known, is_lost=not self.is_given_up, asked=None, absent=absent, note=note)
            return replace(known, status=Status.REJECTED, asked=None, note=note)
        if self.asked is not to:
            return known
        return replace(known, asked=None, failures=self.failures + 1, note=note or self.note)


@dataclass(frozen=True, slots=True)
class Place:
    """Send a new order."""

    intent: Intent


@dataclass(frozen=True, slots=True)
class Modify:
    """Change quantity (the whole, shares) and trigger or price (rupees) of a working order."""

    intent: Intent
    order_id: str
    qty: int
    trigger: float
    price: float = 0.0


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take an order back."""

    intent: Intent
    order_id: str


@dataclass(frozen=True, slots=True)
class Look:
    """Ask what has become of an order of which nothing was heard."""

    intent: Intent
    order_id: str


Action = Place | Modify | Cancel | Look
