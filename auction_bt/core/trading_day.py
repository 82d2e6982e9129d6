"""What has happened on one day that may speak against the next entry: results, orders, and the loss so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Self

from .trade import Side


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one trade ended.

    Parameters
    ----------
    symbol : str
        Of its signal.
    side : Side
        Of its signal.
    ts : int, ns
        When it was flat, to the second, as an exchange says it.
    reason : str
        Why the last share was sold.
    net : Decimal, rupees
    """

    symbol: str
    side: Side
    ts: int
    reason: str
    net: Decimal

    @property
    def is_loss(self) -> bool:
        """Whether money was lost, charges included."""
        return self.net < 0


@dataclass(frozen=True, slots=True)
class Sent:
    """Requests to the exchange that one decision leads to.

    Parameters
    ----------
    seq : int, ns
        Of the decision.
    at_once : int
        Within a second of it.
    in_all : int
        Until the trade is flat, at most, trailing apart.
    """

    seq: int
    at_once: int
    in_all: int


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One IST day of the account, as far as it has gone. Each begins anew: a run of many days is so many runs of one.

    Parameters
    ----------
    number : int, IST day
        -1 before the first.
    opening : Decimal, rupees
        What the account was worth at the day's first event, open trades at their last marks.
    outcomes : tuple of Outcome
        In the order in which they were told.
    sent : tuple of Sent
        In the order of `seq`.
    is_lost : bool
        The loss has met its limit: nothing is opened any more.
    """

    number: int = -1
    opening: Decimal = Decimal(0)
    outcomes: tuple[Outcome, ...] = ()
    sent: tuple[Sent, ...] = ()
    is_lost: bool = False

    def after(self, outcome: Outcome) -> Self:
        """Return the day with one more trade closed."""
        return replace(self, outcomes=(*self.outcomes, outcome))

    def having_sent(self, sent: Sent) -> Self:
        """Return the day with more requests sent."""
        return replace(self, sent=(*self.sent, sent))

    def lost(self) -> Self:
        """Return the day given up."""
        return replace(self, is_lost=True)

    def of_symbol(self, symbol: str) -> Iterator[Outcome]:
        """Yield the trades of one symbol, the last first."""
        return (o for o in reversed(self.outcomes) if o.symbol == symbol)

    def of_side(self, side: Side) -> Iterator[Outcome]:
        """Yield the trades of one side, of all symbols, the last first."""
        return (o for o in reversed(self.outcomes) if o.side is side)
