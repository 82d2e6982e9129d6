"""What is traded on another instrument's signal: which contract, on which quote, how much, and the exits on both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from math import floor, inf, isnan
from typing import Final

from .context import AuctionContext
from .errors import BadInput
from .exits import Deadline, ExitGroup
from .instrument import Instrument, Kind, Right
from .ist import SECOND_NS, day_start
from .option import YEAR_NS, delta_of, vol_of
from .plan import Plan, Terms, targets_of
from .risk import size_of
from .signals import Signal
from .trade import Side

_CATASTROPHE: Final = 1.5  # times the signal's stop distance in the traded instrument: beyond what the signal's own stop costs
_AT_THE_MONEY: Final = 0.01  # share of the price: a nearest strike further off is the edge of what was recorded, not the money
_ROUNDING: Final = 1e-6  # rupees
_EXPIRES_AT: Final = (15 * 60 + 30) * 60 * SECOND_NS  # of its day: when index contracts are settled


@dataclass(frozen=True, slots=True)
class TradeRule:
    """What to trade on a signal.

    Parameters
    ----------
    symbol : str
        A fixed instrument; '' for options by strike.
    offset : int
        Strikes out of the money (negative: in the money), for options by strike.
    min_dte : int, days
        From the signal to expiry, at least.
    max_age : int, ns
        Of a quote.
    max_spread : float, share of the mid
    max_spread_ticks : int
        Or this many price steps.
    """

    symbol: str = ""
    offset: int = 0
    min_dte: int = 1
    max_age: int = 3 * SECOND_NS
    max_spread: float = 0.01
    max_spread_ticks: int = 2

    @property
    def text(self) -> str:
        """The rule as it is written: a key, or ``atm+N``."""
        return self.symbol or f"atm{self.offset:+d}"


def parse_trade(text: str) -> TradeRule | None:
    """Return the rule of ``same`` (None), ``atm``, ``atm+1``, ``atm-2``, or a key.

    Raises
    ------
    BadInput
    """
    word = text.strip()
    if word.casefold() == "same":
        return None
    if word.casefold().startswith("atm"):
        rest = word[3:].strip()
        try:
            return TradeRule(offset=int(rest) if rest else 0)
        except ValueError:
            raise BadInput(
                f"--trade {text!r} is no strike: write atm, atm+1 (out of the money) or atm-1 (in the money)"
            ) from None
    if not word:
        raise BadInput("--trade '' names nothing: write same, a key or name, or atm+N")
    return TradeRule(symbol=word)


@dataclass(frozen=True, slots=True)
class Quote:
    """What an instrument could be traded at.

    Parameters
    ----------
    bid, ask, last : float, rupees
        NaN for a side nobody quotes.
    age : int, ns
        Since the message that said so.
    """

    bid: float
    ask: float
    last: float
    age: int

    @property
    def mid(self) -> float:
        """Half-way between the sides, rupees."""
        return (self.bid + self.ask) / 2

    def refusal(self, tick: float, rule: TradeRule) -> str:
        """Return why nothing should be bought on this quote, or an empty string."""
        if self.age > rule.max_age:
            return "stale quote"
        if isnan(self.bid) or isnan(self.ask) or self.bid <= 0:
            return "no quote"
        spread = self.ask - self.bid
        if spread < 0 or spread > max(rule.max_spread * self.mid, rule.max_spread_ticks * tick) + tick * 1e-6:
            return "wide spread"
        return ""


@dataclass(frozen=True, slots=True)
class Substitute:
    """A plan on another instrument.

    Parameters
    ----------
    plan : Plan
        Quantity, and the exits that rest on the traded instrument: a catastrophe stop and the deadlines.
    watch : ExitGroup or None
        The exits at the signal's own prices.
    risk : float, rupees a share
        What the signal's stop costs in the traded instrument: what R is measured by.
    catastrophe : float, rupees
        Distance of the stop that rests on the traded instrument.
    """

    plan: Plan
    watch: ExitGroup | None
    risk: float
    catastrophe: float


def pick(options: Iterable[Instrument], side: Side, forward: float, day: int, rule: TradeRule) -> tuple[Instrument | None, str]:
    """Return the option to buy on a signal, or None and why there is none.

    Parameters
    ----------
    options : iterable of Instrument
        Those on the signal's underlying of which there are prices.
    side : Side
        Long buys a call, short buys a put.
    forward : float, rupees
        Price of the signal's instrument.
    day : int, IST day
    rule : TradeRule
    """
    right = Right.CALL if side is Side.LONG else Right.PUT
    live = [(i, i.contract) for i in options if i.contract is not None and i.contract.right is right]
    live = [(i, c) for i, c in live if c.expiry - day >= rule.min_dte]
    if not live:
        return None, "no option"
    expiry = min(c.expiry for _, c in live)
    chain = sorted(
        ((float(c.strike), i) for i, c in live if c.expiry == expiry and c.strike is not None), key=lambda pair: pair[0]
    )
    nearest = min(range(len(chain)), key=lambda n: (abs(chain[n][0] - forward), chain[n][0]))
    # Farther off than half a step another strike is the nearest: one of which nothing is stored.
    step = min((b - a for (a, _), (b, _) in pairwise(chain) if b > a), default=inf)
    if abs(chain[nearest][0] - forward) > min(_AT_THE_MONEY * forward, step / 2 + _ROUNDING):
        return None, "no strike"
    wanted = nearest + (rule.offset if right is Right.CALL else -rule.offset)
    return (chain[wanted][1], "") if 0 <= wanted < len(chain) else (None, "no strike")


def delta_at(option: Instrument, quote: Quote, forward: float, now: int) -> float:
    """Return the delta that the mid of an option's quote implies; NaN where it implies none.

    Parameters
    ----------
    option : Instrument with a contract
    quote : Quote
    forward : float, rupees
    now : int, ns
    """
    contract = option.contract
    assert contract is not None  # noqa: S101 - for the type checker
    assert contract.strike is not None  # noqa: S101
    assert contract.right is not None  # noqa: S101
    strike, right = float(contract.strike), contract.right
    years = (day_start(contract.expiry) + _EXPIRES_AT - now) / YEAR_NS
    vol = vol_of(quote.mid, forward, strike, years, right)
    return vol if isnan(vol) else delta_of(forward, strike, years, vol, right)


def plan_substitute(
    signal: Signal, c: AuctionContext, instrument: Instrument, traded: Instrument, quote: Quote, delta: float, terms: Terms,
    equity: float, free: float, deadlines: tuple[Deadline, ...], room: float = inf,
) -> Substitute:  # fmt: skip
    """Return size and exits of `traded` for a signal on `instrument`, or the first filter that refuses it.

    Parameters
    ----------
    delta : float
        Rupees by which `traded` moves for one of `instrument`; its sign is that of the position's gain on a rise.
    terms : Terms
        Of `traded`: its charges and margin.
    equity, free : float, rupees
    deadlines : tuple of Deadline
    room : float, rupees
        What it may be worth.
    """
    buys = traded.kind is Kind.OPTION or signal.side is Side.LONG
    position = Side.LONG if buys else Side.SHORT
    tick, own, scale = float(traded.tick), float(instrument.tick), abs(delta)
    price = quote.ask if buys else quote.bid
    expected = (signal.target1 - c.close) * signal.side.sign * own * scale
    risk = (c.close - signal.stop) * signal.side.sign * own * scale
    spread = quote.ask - quote.bid

    def cost_of(qty: int) -> float:  # of a share, rupees
        return terms.cost(price, qty, tick) * tick + spread

    rough = cost_of(traded.lot)
    fraction = 1.0 if terms.quantity else terms.risk_fraction
    affordable = size_of(equity=equity, free=free, risk_fraction=fraction, loss_per_share=risk + rough, lot=traded.lot,
                         price=price, margin=terms.margin, room=room)  # fmt: skip
    fixed = terms.quantity - terms.quantity % traded.lot
    qty = affordable if not terms.quantity else (fixed if fixed <= affordable else 0)
    cost = cost_of(max(qty, traded.lot))
    catastrophe = _CATASTROPHE * risk
    evidence = {
        "close": instrument.to_price(c.close), "atr": c.atr * own, "quality": c.quality,
        "expected": expected, "stop_distance": risk, "cost": cost,
        "r": expected / risk if risk > 0 else 0.0, "equity": equity, "risk": qty * (risk + cost),
        "premium": price, "spread": spread, "quote_age_s": quote.age / SECOND_NS, "delta": delta,
    }  # fmt: skip
    if traded.contract is not None:
        evidence["expiry"] = float(traded.contract.expiry)
        if traded.contract.strike is not None:
            evidence["strike"] = float(traded.contract.strike)
    refusal = signal.refused or terms.filters.refusal(
        expected=expected / tick, stop_distance=risk / tick, cost=cost / tick, quality=c.quality
    )
    if not refusal and qty < 1:
        refusal = "size 0"
    if refusal:
        return Substitute(Plan(refusal, 0, None, evidence), None, risk, catastrophe)
    stop = resting_stop(price, catastrophe, position, tick)
    group = ExitGroup(side=position, qty=qty, stop=stop, deadlines=deadlines)
    watch = ExitGroup(
        side=signal.side, qty=qty, stop=instrument.to_price(signal.stop), deadlines=deadlines,
        targets=targets_of(signal, instrument, qty, traded.lot, terms),
    )  # fmt: skip
    return Substitute(Plan("", qty, group, evidence), watch, risk, catastrophe)


def resting_stop(entry: float, distance: float, position: Side, tick: float) -> float:
    """Return the price of the stop that rests on the traded instrument: on its grid, never below one step."""
    raw = (entry - distance * position.sign) / tick
    return round(max(1, floor(raw + 1e-6) if position is Side.LONG else -floor(-raw + 1e-6)) * tick, 6)


def moved_to(group: ExitGroup, entry: float, distance: float, tick: float) -> ExitGroup:
    """Return the group that rests on the traded instrument, its stop as far from the entry that was paid as planned."""
    return replace(group, stop=resting_stop(entry, distance, group.side, tick))
