"""A trade being written: fills come in, a `Trade` comes out when flat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from math import nan

from .breakdown import Breakdown
from .decision import Decision
from .trade import Fill, Side, Trade

_PLACES = 6  # a float price times a tick never needs more digits; the rest is binary noise


def rupees(price: float) -> Decimal:
    """Return a float price as the decimal it stands for."""
    return Decimal(repr(round(float(price), _PLACES)))


@dataclass(slots=True)
class OpenTrade:
    """One trade from its entry's fill on.

    Parameters
    ----------
    decision : Decision
        The entry that was taken.
    symbol : str
        What is traded; what was read is the decision's.
    position : Side
        Of what was bought or sold.
    cost : callable (Fill, buy) -> Breakdown
        Charges of one order, filled; asked when the fill is booked.
    risk : float, rupees a share
        What R is measured by; 0: from the entry to the decision's stop.
    """

    decision: Decision
    symbol: str
    position: Side
    cost: Callable[[Fill, bool], Breakdown]
    risk: float = 0.0
    fills: list[Fill] = field(default_factory=list)
    costs: Breakdown = field(default_factory=Breakdown)

    @property
    def qty(self) -> int:
        """Shares still open."""
        return sum(f.qty if f.opens else -f.qty for f in self.fills)

    @property
    def entries(self) -> list[Fill]:
        """What was bought of a long trade, sold of a short one: the entry, then what was added."""
        return [f for f in self.fills if f.opens]

    def add(self, fill: Fill) -> None:
        """Book one execution."""
        self.fills.append(fill)
        self.costs += self._cost(fill)

    def _cost(self, fill: Fill) -> Breakdown:
        return self.cost(fill, fill.opens == (self.position.sign > 0))

    def trade(self, excursion: tuple[float, float], mark: Fill | None = None) -> Trade:
        """Return the trade, closed, or marked at `mark` for what is still open.

        Parameters
        ----------
        excursion : (lowest, highest) price since entry, rupees
        mark : Fill or None
            Last price, with the open quantity; charges of a real exit are counted.
        """
        d = self.decision
        sign = self.position.sign
        entries = self.entries
        exits = [f for f in self.fills if not f.opens] + ([mark] if mark is not None else [])
        qty = sum(f.qty for f in entries)
        bought = sum((rupees(f.price) * f.qty for f in entries), Decimal(0))
        sold = sum((rupees(f.price) * f.qty for f in exits), Decimal(0))
        gross = (sold - bought) * sign
        # Rounded once, as a sum: each order by itself would add half a paisa here and there that no contract note knows.
        costs = (self.costs + self._cost(mark) if mark is not None else self.costs).rounded()
        charges = costs.total
        net = gross - charges
        entry_price = float(bought / qty)
        # What the first entry put at risk: adds take their stop with them, and stake no more.
        at_risk = (self.risk or abs(entries[0].price - d.stop)) * entries[0].qty
        last = exits[-1]
        prices = [f.price for f in exits]  # a fill's slippage may lie beyond every trade that was seen
        low, high = min(excursion[0], *prices), max(excursion[1], *prices)
        worst, best = (low, high) if sign > 0 else (high, low)
        return Trade(
            symbol=self.symbol,
            signal_symbol=d.symbol,
            side=d.side,
            setup=d.setup,
            regime=d.regime,
            levels=d.levels,
            qty=qty,
            entry_ts=entries[0].ts,
            entry_seq=entries[0].seq,
            entry_price=round(entry_price, _PLACES),
            exit_ts=0 if mark is not None else last.ts,
            exit_seq=0 if mark is not None else last.seq,
            exit_price=round(float(sold / sum(f.qty for f in exits)), _PLACES),
            stop=d.stop,
            reason="open" if mark is not None else last.reason,
            pnl_gross=gross,
            charges=charges,
            pnl_net=net,
            mae=round(max(0.0, (entry_price - worst) * sign), _PLACES),
            mfe=round(max(0.0, (best - entry_price) * sign), _PLACES),
            r_multiple=round(float(net) / at_risk, _PLACES) if at_risk > 0 else nan,
            fills=tuple(self.fills),
            costs=costs,
            position=self.position,
        )
