"""One trade from flat to flat: its fills, its money, and what was known when it was opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Final

from .breakdown import Breakdown


class Side(StrEnum):
    """Direction of a trade."""

    LONG = "long"
    SHORT = "short"

    @property
    def sign(self) -> int:
        """+1 for long, -1 for short."""
        return 1 if self is Side.LONG else -1


EXIT_REASONS: Final = (
    "stop", "target1", "target2", "trail", "acceptance", "flip", "time", "square_off", "roll", "manual", "broker", "halt",
    "day_loss",
)  # fmt: skip
_OPENING: Final = frozenset({"entry", "add"})


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution.

    Parameters
    ----------
    seq, ts : int, ns
        Message that filled it, and the exchange time of its trade.
    price : float, rupees
    qty : int, shares
        Positive; the trade's side and `reason` say which way.
    reason : str
        ``entry``, ``add`` or one of `EXIT_REASONS`.
    source : str
        ``ticks`` where a tick filled it, ``bars`` where only the bar was known (pessimistic rules).
    """

    seq: int
    ts: int
    price: float
    qty: int
    reason: str
    source: str = "ticks"

    @property
    def opens(self) -> bool:
        """Whether it made the position larger."""
        return self.reason in _OPENING


@dataclass(frozen=True, slots=True)
class Levels:
    """Value area as it stood when a decision was made.

    Parameters
    ----------
    poc, vah, val : float, rupees
    source : str
        ``rolling``, ``session``, ``composite``, ``anchored``; ``prior`` for the previous session's final levels.
    """

    poc: float
    vah: float
    val: float
    source: str


@dataclass(frozen=True, slots=True)
class Trade:
    """A closed trade, or one still open at the end of the data (`exit_ts` 0, marked at the last price).

    Parameters
    ----------
    signal_symbol, symbol : str
        What was read, and what was traded.
    side : Side
        Of the signal: a put bought on a short signal is a short trade.
    setup : str
        ``fade`` (balanced) or ``pullback`` (with the trend).
    regime : str
        ``bear``, ``balanced``, ``bull`` or ``transition`` at entry.
    entry_price, exit_price : float, rupees
        Average over the fills, weighted by quantity.
    stop : float, rupees
        The first stop, at the signal's prices: what R is measured by, times the delta where an option was traded.
    pnl_gross, charges, pnl_net : Decimal, rupees
    mae, mfe : float, rupees a share
        Worst and best excursion from the entry price while open; both are 0 or positive.
    r_multiple : float
        Net profit over the money first put at risk; NaN where the entry was filled at its own stop.
    reason : str
        Why the last share was sold: one of `EXIT_REASONS`, or ``open``.
    costs : Breakdown
        `charges` by kind; empty where nobody has said.
    position : Side or None
        Long where what was traded was bought: a put on a short signal too. None where nobody has said: the signal's side.
    """

    symbol: str
    signal_symbol: str
    side: Side
    setup: str
    regime: str
    levels: Levels
    qty: int
    entry_ts: int
    entry_seq: int
    entry_price: float
    exit_ts: int
    exit_seq: int
    exit_price: float
    stop: float
    reason: str
    pnl_gross: Decimal
    charges: Decimal
    pnl_net: Decimal
    mae: float
    mfe: float
    r_multiple: float
    fills: tuple[Fill, ...]
    costs: Breakdown = field(default_factory=Breakdown, compare=False)
    position: Side | None = field(default=None, compare=False)

    @property
    def is_open(self) -> bool:
        """True where the data ended before the exit."""
        return self.exit_ts == 0

    @property
    def first_price(self) -> float:
        """Price of the entry without what was added later, rupees a share: where R is measured from."""
        if all(fill.reason != "add" for fill in self.fills):
            return self.entry_price
        return next(fill.price for fill in self.fills if fill.opens)
