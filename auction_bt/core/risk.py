"""How much, and whether at all: sizing, cost filters and the book of open risk shared by all symbols."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import floor, isnan

from .errors import BadInput


@dataclass(frozen=True, slots=True)
class Filters:
    """What an entry must offer.

    Parameters
    ----------
    cost_multiple : float
        Expected move to the first target over the cost of the round trip; 0 = off.
    stop_cost_multiple : float
        Stop distance over the cost of the round trip; 0 = off.
    min_stop_ticks : int
    min_r : float
        Expected move over stop distance; 0 = off.
    quality_floor : float, in [0, 1]
        Least tick quality of the window; 0 = off. Bars without ticks have none and pass.
    """

    cost_multiple: float = 3.0
    stop_cost_multiple: float = 1.5
    min_stop_ticks: int = 2
    min_r: float = 1.0
    quality_floor: float = 0.0

    def __post_init__(self) -> None:
        for name in ("cost_multiple", "stop_cost_multiple", "min_stop_ticks", "min_r"):
            if getattr(self, name) < 0:
                raise BadInput(f"{name} = {getattr(self, name)} must be 0 (off) or more")
        if not 0 <= self.quality_floor <= 1:
            raise BadInput(f"quality_floor = {self.quality_floor} must be between 0 (off) and 1")

    def refusal(self, *, expected: float, stop_distance: float, cost: float, quality: float) -> str:
        """Return which filter refuses, or an empty string.

        Parameters
        ----------
        expected, stop_distance, cost : float, ticks
            To the first target; to the stop; of the round trip, slippage included.
        quality : float
            NaN where there are no ticks to judge.
        """
        if self.quality_floor and not isnan(quality) and quality < self.quality_floor:
            return "quality"
        if expected <= 0 or expected < self.cost_multiple * cost:
            return "cost"
        if stop_distance < max(self.min_stop_ticks, 1) or stop_distance < self.stop_cost_multiple * cost:
            return "stop_distance"
        if expected < self.min_r * stop_distance:
            return "r_multiple"
        return ""


def size_of(
    *, equity: float, free: float, risk_fraction: float, loss_per_share: float, lot: int, price: float, margin: float
) -> int:
    """Return the whole lots that risk at most a share of equity, capped by the money not yet paid in.

    Parameters
    ----------
    equity, free, loss_per_share, price : float, rupees
        `free` is equity less the margin of open trades; `loss_per_share` is stop distance plus the cost of the round trip,
        and stays payable beside the margin.
    risk_fraction : float
    lot : int, shares
    margin : float, share of a position's value that must be paid in

    Returns
    -------
    int, shares
        A multiple of `lot`; 0 where not even one lot fits.
    """
    if loss_per_share <= 0 or price <= 0 or equity <= 0:
        return 0
    by_risk = equity * risk_fraction / loss_per_share
    by_margin = max(0.0, free) / (price * margin + loss_per_share)
    return floor(min(by_risk, by_margin) / lot + 1e-9) * lot


@dataclass(slots=True)
class RiskBook:
    """What all symbols together have at stake; changed in the order of `seq` only.

    Parameters
    ----------
    cash : Decimal, rupees
        At the start.
    max_concurrent : int
        Most open trades at a time; 0 = no limit.
    halted : str
        Why nobody may open a trade now; '' where one may.
    blocked : dict of str to str
        Symbols in which no trade is opened until a person says so, and why.
    """

    cash: Decimal
    max_concurrent: int = 0
    halted: str = ""
    blocked: dict[str, str] = field(default_factory=dict)
    realised: Decimal = Decimal(0)
    paid_in: dict[str, Decimal] = field(default_factory=dict)

    @property
    def equity(self) -> Decimal:
        """Cash at the start plus the net of closed trades."""
        return self.cash + self.realised

    @property
    def free(self) -> Decimal:
        """Equity less the margin of open trades."""
        return self.equity - sum(self.paid_in.values())

    def refusal(self, symbol: str) -> str:
        """Return why `symbol` may not open a trade now, or an empty string."""
        if reason := self.halted or self.blocked.get(symbol, ""):
            return reason
        if symbol in self.paid_in:
            return "open trade"
        if self.max_concurrent and len(self.paid_in) >= self.max_concurrent:
            return "max concurrent"
        return ""

    def opened(self, symbol: str, margin: Decimal) -> None:
        """Note that `symbol` has an order or a trade that takes `margin` rupees."""
        self.paid_in[symbol] = margin

    def closed(self, symbol: str, net: Decimal) -> None:
        """Note that `symbol` is flat again, with this result (0 where an entry came to nothing)."""
        self.paid_in.pop(symbol, None)
        self.realised += net
