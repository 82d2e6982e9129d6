"""How much, and whether at all: sizing, cost filters and the book of open risk shared by all symbols."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from math import floor, inf, isnan
from operator import itemgetter

from .errors import BadInput
from .ist import day_index
from .trading_day import Outcome, Sent, TradingDay


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
    *, equity: float, free: float, risk_fraction: float, loss_per_share: float, lot: int, price: float, margin: float,
    room: float = inf,
) -> int:  # fmt: skip
    """Return the whole lots that risk at most a share of equity, capped by the money not yet paid in.

    Parameters
    ----------
    equity, free, loss_per_share, price : float, rupees
        `free` is equity less the margin of open trades; `loss_per_share` is stop distance plus the cost of the round trip,
        and stays payable beside the margin.
    risk_fraction : float
    lot : int, shares
    margin : float, share of a position's value that must be paid in
    room : float, rupees
        What the position may be worth.

    Returns
    -------
    int, shares
        A multiple of `lot`; 0 where not even one lot fits.
    """
    if loss_per_share <= 0 or price <= 0 or equity <= 0:
        return 0
    by_risk = equity * risk_fraction / loss_per_share
    by_margin = max(0.0, free) / (price * margin + loss_per_share)
    return floor(min(by_risk, by_margin, room / price) / lot + 1e-9) * lot


@dataclass(frozen=True, slots=True)
class Stake:
    """What one symbol has at stake, from the order of its entry on.

    Parameters
    ----------
    margin : Decimal, rupees
        Paid in.
    value : Decimal, rupees
        Of what is bought or sold, at the price decided on.
    leave : callable (int, str)
        Leaves the trade at once, told the `seq` and the reason; harmless where it is being left.
    mark : Decimal, rupees
        Its net if it were left at the close of its last bar; 0 before the first.
    """

    margin: Decimal
    value: Decimal = Decimal(0)
    leave: Callable[[int, str], None] = lambda *_: None
    mark: Decimal = Decimal(0)


@dataclass(slots=True)
class RiskBook:
    """What all symbols together have at stake, and how their day went; changed in the order of `seq` only.

    Parameters
    ----------
    cash : Decimal, rupees
        At the start.
    halted : str
        Why nobody may open a trade now; '' where one may.
    blocked : dict of str to str
        Symbols in which no trade is opened until a person says so, and why.
    realised : Decimal, rupees
        Net of closed trades.
    stakes : dict of str to Stake
        Symbols with an order or a trade.
    today : TradingDay

    Notes
    -----
    What the guards ask (`guards.Guards`) is told here alone, by events that every mode has: decisions, fills, closed bars.
    """

    cash: Decimal
    halted: str = ""
    blocked: dict[str, str] = field(default_factory=dict)
    realised: Decimal = Decimal(0)
    stakes: dict[str, Stake] = field(default_factory=dict)
    today: TradingDay = field(default_factory=TradingDay)

    @property
    def equity(self) -> Decimal:
        """Cash at the start plus the net of closed trades."""
        return self.cash + self.realised

    @property
    def free(self) -> Decimal:
        """Equity less the margin of open trades."""
        return self.equity - sum(stake.margin for stake in self.stakes.values())

    @property
    def worth(self) -> Decimal:
        """Equity with the open trades at their marks."""
        return self.equity + sum(stake.mark for stake in self.stakes.values())

    def refusal(self, symbol: str, *, adds: bool = False) -> str:
        """Return why `symbol` may not open a trade now, or add to its own, whatever the guards say, or an empty string."""
        doubt = self.halted or self.blocked.get(symbol, "")
        return doubt or ("open trade" if symbol in self.stakes and not adds else "")

    def at(self, seq: int) -> None:
        """Begin the day of `seq` (ns) where it is a new one."""
        number = int(day_index(seq - 1))  # a bar that ends at midnight is of the day before
        if number > self.today.number:
            self.today = TradingDay(number, self.worth)

    def opened(self, symbol: str, stake: Stake, sent: Sent | None = None) -> None:
        """Note that `symbol` has an order or a trade, and what was sent for it."""
        self.stakes[symbol] = stake
        if sent is not None:
            self.sent(sent)

    def grown(self, symbol: str, margin: Decimal, value: Decimal) -> None:
        """Note that `symbol` has more at stake, by an order to add; less, where that has come to nothing."""
        stake = self.stakes[symbol]
        self.stakes[symbol] = replace(stake, margin=stake.margin + margin, value=stake.value + value)

    def sent(self, sent: Sent) -> None:
        """Note requests to the exchange."""
        self.at(sent.seq)
        self.today = self.today.having_sent(sent)

    def marked(self, symbol: str, net: Decimal) -> None:
        """Note what the open trade of `symbol` would come to if it were left now."""
        self.stakes[symbol] = replace(self.stakes[symbol], mark=net)

    def closed(self, symbol: str, net: Decimal) -> None:
        """Note that `symbol` is flat again, with this result (0 where an entry came to nothing)."""
        self.stakes.pop(symbol, None)
        self.realised += net

    def ended(self, outcome: Outcome, seq: int) -> None:
        """Note that a trade was closed at the message `seq` (ns)."""
        self.at(seq)
        self.closed(outcome.symbol, outcome.net)
        self.today = self.today.after(outcome)

    def leave_all(self, seq: int, reason: str) -> None:
        """Leave every open trade at the message `seq` (ns), by symbol, and open none any more today."""
        self.today = self.today.lost()
        for _, stake in sorted(self.stakes.items(), key=itemgetter(0)):
            stake.leave(seq, reason)
