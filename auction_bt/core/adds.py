"""Adds to a trade that gains: when, how much, and where the stop goes with them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, inf

from .exits import ExitGroup
from .fills import HAIR
from .instrument import Instrument
from .ledger import OpenTrade
from .plan import Terms
from .risk import size_of

#: Requests to the exchange that one add leads to: its order, and the stop that comes to cover it.
ADD_REQUESTS = 2


@dataclass(frozen=True, slots=True)
class Adds:
    """How often a trade is added to, and how far it must have gone each time.

    Parameters
    ----------
    most : int
        Orders to add, also those that come to nothing; 0 = off.
    step : float
        Share of the last entry's price, from there to the close.
    """

    most: int = 0
    step: float = 0.003

    def is_due(self, opened: OpenTrade, close: float, made: int) -> bool:
        """Return whether a trade asks for its next add.

        Parameters
        ----------
        opened : OpenTrade
        close : float, rupees
            Of the bar decided on.
        made : int
            Adds ordered before.
        """
        if made >= self.most:
            return False
        last = opened.entries[-1].price
        return (close - last) * opened.position.sign >= self.step * last - HAIR


@dataclass(frozen=True, slots=True)
class AddPlan:
    """What to do about an add that is due.

    Parameters
    ----------
    refusal : str
        '' where it may be made.
    qty : int, shares
    stop : float, rupees
        Of all that is held once it is filled.
    evidence : dict of str to float
    """

    refusal: str
    qty: int
    stop: float
    evidence: dict[str, float]


def plan_add(
    opened: OpenTrade, group: ExitGroup, close: float, quality: float, instrument: Instrument, terms: Terms, *,
    equity: float, free: float, room: float = inf,
) -> AddPlan:  # fmt: skip
    """Return size and stop of one more add, or the first filter that refuses it.

    Parameters
    ----------
    opened : OpenTrade
        Of `instrument` itself.
    group : ExitGroup
        Its exits now.
    close : float, rupees
        Of the bar decided on.
    quality : float
        Of the window's ticks; NaN where there are none to judge.
    equity, free : float, rupees
        All of it, and what no trade has taken as margin.
    room : float, rupees
        What the add may be worth.

    Notes
    -----
    As much as was entered first, less where money is short. The stop goes where all of it together loses what the first entry
    had at risk, so an add never makes a trade more dangerous than it was; a stop that is nearer already stays. What is bought at
    this price with this stop must offer what an entry must (`risk.Filters`), up to the last target.
    """
    tick, sign = float(instrument.tick), opened.position.sign
    first = opened.entries[0]

    def stop_with(qty: int) -> float:
        level = _break_level(opened, close, qty) / tick
        # Onto the grid towards the market, so that rounding risks nothing.
        moved = instrument.to_price(ceil(level - HAIR) if sign > 0 else floor(level + HAIR))
        return max(moved, group.stop) if sign > 0 else min(moved, group.stop)

    rough = terms.cost(close, instrument.lot, tick)
    loss = (close - stop_with(first.qty)) * sign + rough * tick
    affordable = size_of(
        equity=equity, free=free, risk_fraction=1.0, loss_per_share=loss, lot=instrument.lot, price=close, margin=terms.margin,
        room=room,
    )  # fmt: skip
    qty = min(first.qty, affordable)
    stop = stop_with(qty)
    at = instrument.to_ticks
    distance = (at(close) - at(stop)) * sign
    cost = terms.cost(close, qty, tick) if qty > instrument.lot else rough
    trails = sum(t.qty for t in group.targets) < group.qty
    expected = inf if trails else max((at(t.price) - at(close)) * sign for t in group.targets)
    evidence = {"close": close, "quality": quality, "stop_distance": distance * tick, "cost": cost * tick, "equity": equity}
    if not trails:
        evidence["expected"] = expected * tick
    refusal = terms.filters.refusal(expected=expected, stop_distance=distance, cost=cost, quality=quality)
    if not refusal and qty < 1:
        refusal = "size 0"
    return AddPlan(refusal, 0 if refusal else qty, stop, evidence)


def _break_level(opened: OpenTrade, close: float, qty: int) -> float:
    # Where all of it, left there, loses what the first entry had at risk; gains that were taken meanwhile are not staked again.
    entries, sign = opened.entries, opened.position.sign
    first = entries[0]
    at_risk = abs(first.price - opened.decision.stop) * first.qty
    paid = sum(f.price * f.qty for f in entries) / sum(f.qty for f in entries) * opened.qty
    return (paid + close * qty - sign * at_risk) / (opened.qty + qty)
