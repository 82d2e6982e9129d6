"""What is traded: the price grid, the lot, the session class, the contract."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from .errors import BadInput


class Kind(StrEnum):
    """Class of instrument; it decides session, margin and cost."""

    EQUITY = "equity"
    FUTURE = "future"
    OPTION = "option"
    INDEX = "index"
    OTHER = "other"  # not on an Indian exchange: no session of ours, all 24 hours count


class Right(StrEnum):
    """What an option gives a right to do."""

    CALL = "CE"
    PUT = "PE"


@dataclass(frozen=True, slots=True)
class Contract:
    """What a future or an option is a contract on.

    Parameters
    ----------
    underlying : str
        Key of the share or index, e.g. ``NSE_INDEX|Nifty 50``.
    expiry : int, IST day
    strike : Decimal or None, rupees
        Of an option.
    right : Right or None
        Of an option.
    """

    underlying: str
    expiry: int
    strike: Decimal | None = None
    right: Right | None = None

    def __post_init__(self) -> None:
        if (self.strike is None) != (self.right is None):
            raise BadInput(f"contract on {self.underlying}: an option has a strike and a right, a future has neither")
        if self.strike is not None and not (self.strike.is_finite() and self.strike > 0):
            raise BadInput(f"contract on {self.underlying}: strike {self.strike} must be above 0")


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tradable thing.

    Parameters
    ----------
    symbol : str
        The broker's instrument key, e.g. ``NSE_FO|51502``, or any name for data from elsewhere.
    tick : Decimal, rupees
        Smallest price step.
    lot : int, shares
    kind : Kind
    name : str
        For people; defaults to the symbol.
    contract : Contract or None
        Of a future or an option; None where nobody has said.
    closing_auction : bool or None
        Whether a share's day ends in the closing auction, which it does where it has derivatives; None where nobody has said.
    """

    symbol: str
    tick: Decimal
    lot: int = 1
    kind: Kind = Kind.EQUITY
    name: str = ""
    contract: Contract | None = None
    closing_auction: bool | None = None

    def __post_init__(self) -> None:
        if not self.symbol or self.symbol != self.symbol.strip():
            raise BadInput(f"symbol {self.symbol!r} is empty or has spaces around it")
        if not self.tick.is_finite() or self.tick <= 0:
            raise BadInput(f"{self.symbol}: tick size {self.tick} must be above 0")
        if self.lot < 1:
            raise BadInput(f"{self.symbol}: lot {self.lot} must be 1 or more")

    @property
    def decimals(self) -> int:
        """Digits after the point that a price on the grid needs."""
        return decimals(self.tick)

    def to_ticks(self, price: float) -> int:
        """Return the grid index of `price`: ``round(price / tick)``."""
        return round(price / float(self.tick))

    def to_price(self, ticks: int) -> float:
        """Return the price of grid index `ticks`, equal to the decimal literal."""
        return round(ticks * float(self.tick), self.decimals)


@cache
def decimals(tick: Decimal) -> int:
    """Return the digits after the point of a tick size."""
    return max(0, -int(tick.normalize().as_tuple().exponent))


def to_ticks(price: NDArray[np.float64], tick: float) -> NDArray[np.int64]:
    """Return grid indices of prices, the array form of `Instrument.to_ticks`.

    Parameters
    ----------
    price : float64, any shape, rupees
    tick : float, rupees

    Returns
    -------
    int64, same shape, ticks

    Notes
    -----
    ``floor`` and ``//`` are wrong for a third of all grid prices; rounding half to even is right for all.
    """
    return np.rint(price / tick).astype(np.int64)
