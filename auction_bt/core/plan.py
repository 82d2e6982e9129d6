"""From a signal to an order: size, cost filters and the exit group, or the reason why not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from .context import AuctionContext
from .exits import Deadline, ExitGroup, Target
from .instrument import Instrument, Kind
from .risk import Filters, size_of
from .signals import Signal
from .trade import Side


@dataclass(frozen=True, slots=True)
class Terms:
    """How entries become orders.

    Parameters
    ----------
    filters : Filters
    risk_fraction : float
        Share of equity lost, at most, when the stop is hit.
    quantity : int, shares
        Fixed size instead; 0 = by risk.
    margin : float
        Share of a position's value to be paid in.
    slippage : int, ticks
        Expected on each side; part of the cost.
    round_trip : callable (price in rupees, shares) -> rupees
        Charges for buying and selling.
    single_lot : str
        What a trade of one lot does: ``target`` (all out at the first) or ``trail``.
    breakeven : bool
        Move the stop to the entry after the first target.
    """

    filters: Filters
    risk_fraction: float
    quantity: int
    margin: float
    slippage: int
    round_trip: Callable[[float, int], float]
    single_lot: str = "target"
    breakeven: bool = True

    def cost(self, price: float, qty: int, tick: float) -> float:
        """Return the round trip's cost of one share in ticks, charges and slippage."""
        return self.round_trip(price, qty) / qty / tick + 2 * self.slippage


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a signal: a group to enter with, or why not."""

    refusal: str
    qty: int
    group: ExitGroup | None
    evidence: dict[str, float]


def plan_entry(
    signal: Signal,
    c: AuctionContext,
    instrument: Instrument,
    terms: Terms,
    equity: float,
    free: float,
    deadlines: tuple[Deadline, ...],
    room: float = inf,
) -> Plan:
    """Return size and exits for `signal`, or the first filter that refuses it.

    Parameters
    ----------
    equity, free : float, rupees
        All of it, and what no other trade has taken as margin.
    deadlines : tuple of Deadline
        Time stop and square-off of this trade.
    room : float, rupees
        What it may be worth.
    """
    tick, sign = float(instrument.tick), signal.side.sign
    price = instrument.to_price(c.close)
    expected = (signal.target1 - c.close) * sign
    stop_distance = (c.close - signal.stop) * sign
    rough = terms.cost(price, instrument.lot, tick)
    affordable = size_of(
        equity=equity,
        free=free,
        risk_fraction=1.0 if terms.quantity else terms.risk_fraction,
        loss_per_share=(stop_distance + rough) * tick,
        lot=instrument.lot,
        price=price,
        margin=terms.margin,
        room=room,
    )
    fixed = terms.quantity - terms.quantity % instrument.lot
    qty = affordable if not terms.quantity else (fixed if fixed <= affordable else 0)
    cost = terms.cost(price, qty, tick) if qty > instrument.lot else rough
    evidence = {
        "close": price,
        "atr": c.atr * tick,
        "quality": c.quality,
        "expected": expected * tick,
        "stop_distance": stop_distance * tick,
        "cost": cost * tick,
        "r": expected / stop_distance if stop_distance > 0 else 0.0,
        "equity": equity,
        "risk": qty * (stop_distance + cost) * tick,
    }
    refusal = signal.refused
    if not refusal and instrument.kind is Kind.OPTION and signal.side is Side.SHORT:
        refusal = "option short"
    if not refusal:
        refusal = terms.filters.refusal(expected=expected, stop_distance=stop_distance, cost=cost, quality=c.quality)
    if not refusal and qty < 1:
        refusal = "size 0"
    if refusal:
        return Plan(refusal, 0, None, evidence)
    group = ExitGroup(
        side=signal.side,
        qty=qty,
        stop=instrument.to_price(signal.stop),
        targets=targets_of(signal, instrument, qty, instrument.lot, terms),
        deadlines=deadlines,
    )
    return Plan("", qty, group, evidence)


def targets_of(signal: Signal, instrument: Instrument, qty: int, lot: int, terms: Terms) -> tuple[Target, ...]:
    """Return what is taken off where, at prices of the signal's `instrument`, in whole lots of what is traded."""
    first = instrument.to_price(signal.target1)
    half = qty // lot // 2 * lot
    if half < 1:
        return () if terms.single_lot == "trail" else (Target(first, qty),)
    nearer = Target(first, half, to_entry=terms.breakeven)
    if signal.target2 is None or (signal.target2 - signal.target1) * signal.side.sign <= 0:
        return (nearer,)  # the rest trails
    return nearer, Target(instrument.to_price(signal.target2), qty - half, "target2")
