"""From a signal to an order: on the signal's own instrument, or on another that is traded in its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isnan
from typing import Any, Protocol

from .core.context import AuctionContext
from .core.costing import Charges, OrderCosts
from .core.decision import Decision
from .core.exits import Deadline, ExitGroup
from .core.instrument import Instrument, Kind
from .core.ist import day_index, day_start
from .core.plan import Plan, Terms, plan_entry
from .core.signals import Signal
from .core.substitute import TradeRule, delta_at, moved_to, pick, plan_substitute
from .core.tariff import Product
from .core.trade import Levels, Side


@dataclass(frozen=True, slots=True)
class Ticket:
    """What to do about one signal.

    Parameters
    ----------
    plan : Plan
        Quantity and the exits that rest where it is traded, or the refusal.
    data : backtrader feed
        Where it is traded.
    position : Side
        Of what is bought or sold there.
    costs : OrderCosts
        Of that instrument's orders.
    watch : ExitGroup or None
        Exits at the signal's own prices, where another instrument is traded.
    risk : float, rupees a share
        What R is measured by; 0: entry to stop.
    catastrophe : float, rupees
        Distance of the stop that rests on the other instrument.
    margin : float
        Share of its value to be paid in.
    """

    plan: Plan
    data: Any
    instrument: Instrument
    position: Side
    costs: OrderCosts
    watch: ExitGroup | None = None
    risk: float = 0.0
    catastrophe: float = 0.0
    margin: float = 1.0

    def decision(self, signal: Signal, c: AuctionContext, of: Instrument, refusal: str, seen: Mapping[str, float]) -> Decision:
        """Return what the log says of it.

        Parameters
        ----------
        of : Instrument
            The signal's.
        refusal : str
            Why it is not carried out; '' where it is.
        seen : mapping of str to float
            More evidence.
        """
        price, plan = of.to_price, self.plan
        group = None if refusal else self.watch or plan.group
        return Decision(
            seq=c.seq,
            ts=c.ts,
            symbol=of.symbol,
            action="refuse" if refusal else "enter",
            side=signal.side,
            setup=signal.setup.value,
            regime=c.regime.label,
            levels=Levels(price(c.poc), price(c.vah), price(c.val), c.levels),
            reason=refusal,
            qty=group.qty if group else 0,
            stop=price(signal.stop),
            targets=tuple((t.price, t.qty) for t in group.targets) if group else (),
            evidence={**plan.evidence, **seen, "balance": (2 * c.poc - c.vah - c.val) / c.width},
        )

    def resting(self, entry: float) -> ExitGroup | None:
        """Return the exits that rest on another instrument, entered at `entry` rupees."""
        group = self.plan.group
        return moved_to(group, entry, self.catastrophe, float(self.instrument.tick)) if group is not None else None


class Desk(Protocol):
    """Makes tickets."""

    def ticket(
        self, signal: Signal, c: AuctionContext, equity: float, free: float, deadlines: tuple[Deadline, ...], room: float = inf
    ) -> Ticket:
        """Return what to do about `signal` seen in `c`.

        Parameters
        ----------
        equity, free : float, rupees
            All of it, and what no other trade has taken as margin.
        deadlines : tuple of Deadline
            Of this trade.
        room : float, rupees
            What it may be worth.
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnDesk:
    """Trades what is read."""

    data: Any
    instrument: Instrument
    terms: Terms
    costs: OrderCosts

    def ticket(
        self, signal: Signal, c: AuctionContext, equity: float, free: float, deadlines: tuple[Deadline, ...], room: float = inf
    ) -> Ticket:
        """See `Desk`."""
        plan = plan_entry(signal, c, self.instrument, self.terms, equity, free, deadlines, room)
        return Ticket(plan, self.data, self.instrument, signal.side, self.costs, margin=self.terms.margin)


@dataclass(frozen=True, slots=True)
class Chain:
    """What may be traded on one signal, with its prices.

    Parameters
    ----------
    rule : TradeRule
    feeds : mapping of str to QuotedData
        By symbol.
    charges : Charges
    margin : mapping of Kind to float
    product : Product
    """

    rule: TradeRule
    feeds: Mapping[str, Any]
    charges: Charges
    margin: Mapping[Kind, float]
    product: Product = Product.INTRADAY

    @property
    def instruments(self) -> Iterable[Instrument]:
        """What there are prices of."""
        return [feed.instrument for feed in self.feeds.values()]


@dataclass(frozen=True, slots=True)
class SubstituteDesk:
    """Trades another instrument on the signal's profile: an option by strike, or a fixed one.

    Parameters
    ----------
    own : OwnDesk
        Of the signal's instrument.
    chain : Chain
    commission : callable
        Of `OrderCosts`: what is asked where charges say nothing.

    Notes
    -----
    *Causality*: a quote is the one before the message decided on; the delta is what that quote implies.
    """

    own: OwnDesk
    chain: Chain
    commission: Callable[[float, int], Any]
    _costs: dict[str, OrderCosts] = field(default_factory=dict)

    def ticket(
        self, signal: Signal, c: AuctionContext, equity: float, free: float, deadlines: tuple[Deadline, ...], room: float = inf
    ) -> Ticket:
        """See `Desk`; a contract that cannot be had or priced is refused, never guessed."""
        rule, signalled = self.chain.rule, self.own.instrument
        forward, day = signalled.to_price(c.close), int(day_index(c.seq))
        traded, refusal = self._choice(signal.side, forward, day)
        if traded is None:
            return self._refused(refusal, c, {})
        feed = self.chain.feeds[traded.symbol]
        quote = feed.quote(c.seq)
        if quote is None:
            return self._refused("no quote", c, _contract(traded))
        seen = _contract(traded) | {"premium": quote.last, "quote_age_s": quote.age / 1e9}
        if refusal := quote.refusal(float(traded.tick), rule):
            return self._refused(refusal, c, seen | {"spread": quote.ask - quote.bid})
        delta = delta_at(traded, quote, forward, c.seq) if traded.kind is Kind.OPTION else 1.0
        if isnan(delta) or delta == 0:
            return self._refused("no delta", c, seen)
        costs = self._costs_of(traded)
        terms = replace(
            self.own.terms, margin=self.chain.margin[traded.kind],
            round_trip=lambda price, qty: costs.round_trip(price, qty, day),
        )  # fmt: skip
        if self.chain.product is Product.DELIVERY and traded.contract is not None:  # carried, but never into expiry
            deadlines = (*deadlines, Deadline(day_start(traded.contract.expiry), "roll"))
        found = plan_substitute(signal, c, signalled, traded, quote, delta, terms, equity, free, deadlines, room)
        position = found.plan.group.side if found.plan.group is not None else signal.side
        return Ticket(found.plan, feed, traded, position, costs, found.watch, found.risk, found.catastrophe, terms.margin)

    def _choice(self, side: Side, forward: float, day: int) -> tuple[Instrument | None, str]:
        rule = self.chain.rule
        if not rule.symbol:
            return pick(self.chain.instruments, side, forward, day, rule)
        (traded,) = self.chain.instruments
        contract = traded.contract
        if contract is not None and contract.expiry - day < rule.min_dte:
            return None, "expiry"
        if traded.kind is Kind.OPTION and (contract is None or contract.right is None):
            return None, "no option"  # nobody has said whether it is a call or a put
        if traded.kind is Kind.OPTION and contract is not None and (contract.right == "CE") != (side is Side.LONG):
            return None, "option side"
        return traded, ""

    def _refused(self, reason: str, c: AuctionContext, evidence: dict[str, float]) -> Ticket:
        own = self.own
        seen = {"close": own.instrument.to_price(c.close), "atr": c.atr * float(own.instrument.tick), "quality": c.quality}
        return Ticket(Plan(reason, 0, None, seen | evidence), own.data, own.instrument, Side.LONG, own.costs)

    def _costs_of(self, traded: Instrument) -> OrderCosts:
        found = self._costs.get(traded.symbol)
        if found is None:
            found = self._costs[traded.symbol] = OrderCosts(traded, self.chain.charges, self.chain.product, self.commission)
        return found


def _contract(traded: Instrument) -> dict[str, float]:
    contract = traded.contract
    if contract is None:
        return {}
    strike = {"strike": float(contract.strike)} if contract.strike is not None else {}
    return strike | {"expiry": float(contract.expiry)}
