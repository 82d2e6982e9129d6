"""One trade told line by line to a newcomer: what was seen, why it was taken, what became of it, and the money."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from types import MappingProxyType
from typing import Final

from .core.decision import Decision
from .core.instrument import decimals
from .core.ist import clock_text, day_index, to_datetime
from .core.trade import Fill, Side, Trade
from .wording import number, percent, risk, rupees, shares, whole

EXITS: Final[Mapping[str, str]] = MappingProxyType({
    "stop": "the price reached the stop: the idea was wrong, the loss was the planned one (or worse, through a gap)",
    "target1": "the price reached the first target",
    "target2": "the price reached the second target",
    "trail": "the trailing stop, moved behind the price, was reached",
    "acceptance": "two closed 5-minute bins stood beyond the edge of value against the trade: the market accepted the new prices",
    "flip": "the regime turned against the trade",
    "time": "the trade had its time and did not reach its target",
    "square_off": "the session was about to end; intraday trades are closed before it",
    "roll": "the contract was about to expire",
    "manual": "it was closed by hand",
    "broker": "the broker closed it",
    "halt": "trading was halted and the trade closed with it",
    "day_loss": "the loss of the day reached its limit, and everything was closed",
    "open": "the data ended first: the trade is still open, marked at the last price",
})  # fmt: skip

_SETUPS: Final[Mapping[str, str]] = MappingProxyType({
    "fade": "a fade: in balance a price at the edge of value tends to come back to the POC",
    "pullback": "a pullback: in a trend the price came back to value, and the trade goes with the trend",
})  # fmt: skip


def explain(trade: Trade, decision: Decision | None, tick: Decimal, quantity: Callable[[int], str] = shares) -> list[str]:
    """Return the story of one trade.

    Parameters
    ----------
    trade : Trade
    decision : Decision or None
        The entry decision; without it the evidence of the filters is left out, and said to be.
    tick : Decimal, rupees
        Smallest price step of the traded instrument.
    quantity : callable
        Words a quantity of it (`wording.quantity_of`).

    Returns
    -------
    list of str
        One fact a line.

    Notes
    -----
    Everything up to the size was known when the entry was decided; the rest came after.
    """
    price = _Prices(tick)
    facts = _Facts(decision.evidence if decision else {})
    bought = trade.side is Side.LONG or facts("strike") is not None  # options are bought, whatever the signal's side
    verb = "bought" if bought else "sold short"
    began = f"{to_datetime(trade.entry_ts).strftime('%d %b %Y')} at {clock_text(trade.entry_ts)} IST"
    lines = [f"Trade ({trade.side.value}): {verb} {quantity(trade.qty)} of {trade.symbol} on {began}."]
    if trade.signal_symbol != trade.symbol:
        lines.append(f"Signal read from: {trade.signal_symbol}; the levels below are its own, not those of {trade.symbol}.")
        lines += _substitute(facts)
    lines += _profile(trade, price)
    lines += _regime(trade, facts)
    lines += _signal(trade, decision, facts, price)
    lines += _filters(decision, facts)
    lines += _size(trade, decision, facts, price, quantity)
    lines += [_fill(trade, fill, price, bought) for fill in trade.fills]
    lines.append(f"Why out: {EXITS.get(trade.reason, trade.reason or 'not recorded')}.")
    distance = abs(trade.entry_price - trade.stop) if facts("delta") is None else (facts("stop_distance") or 0.0)
    return lines + _money(trade, distance)


class _Prices:
    def __init__(self, tick: Decimal) -> None:
        self._places = decimals(tick)
        self._tick = float(tick)

    def __call__(self, value: float) -> str:
        # An average over fills lies between two prices of the grid and needs more digits than they do.
        on_grid = isfinite(value) and abs(value - round(value / self._tick) * self._tick) < self._tick * 1e-3
        return number(value, self._places + (0 if on_grid else 2))


class _Facts:
    def __init__(self, evidence: Mapping[str, float]) -> None:
        self._evidence = evidence

    def __call__(self, name: str) -> float | None:
        value = self._evidence.get(name)
        return None if value is None or not isfinite(value) else float(value)


def _profile(trade: Trade, price: _Prices) -> list[str]:
    levels = trade.levels
    if not all(map(isfinite, (levels.poc, levels.vah, levels.val))):
        return ["Profile: no levels are recorded for this trade."]
    named = "the previous session's final levels" if levels.source == "prior" else f"{levels.source} window"
    return [
        f"Profile ({named}, the bar decided on not included): most volume traded at {price(levels.poc)}, the POC; "
        f"value reached from {price(levels.val)} (VAL) to {price(levels.vah)} (VAH)."
    ]


def _regime(trade: Trade, facts: _Facts) -> list[str]:
    if not trade.regime:
        return []
    why = []
    levels = trade.levels
    width = levels.vah - levels.val
    if isfinite(levels.poc) and width > 0:
        off = (2 * levels.poc - levels.vah - levels.val) / (2 * width)
        where = "at" if off == 0 else f"{percent(abs(off))} of the value area's width {'above' if off > 0 else 'below'}"
        why.append(f"the POC stood {where} its middle (original rule: balanced up to 20.0 %, else bull above, bear below)")
    stats = {"rho": ("rho", 0.6), "bc": ("BC", 5 / 9), "po_range": ("PO_range", 0.5)}
    found = [(label, facts(key), limit) for key, (label, limit) in stats.items()]
    shown = [f"{label} {number(value)} (balanced up to {number(limit)})" for label, value, limit in found if value is not None]
    if shown:
        why.append("auction rule: " + ", ".join(shown))
    return [f"Regime: {trade.regime}" + (": " + "; ".join(why) if why else "") + "."]


def _signal(trade: Trade, decision: Decision | None, facts: _Facts, price: _Prices) -> list[str]:
    if not trade.setup:
        return []
    lines = [f"Signal: {_SETUPS.get(trade.setup, trade.setup)}."]
    close = facts("close")
    if decision is None or close is None:
        return lines
    levels = trade.levels
    long = trade.side is Side.LONG
    if trade.setup == "fade":
        edge, name = (levels.val, "VAL") if long else (levels.vah, "VAH")
        beyond = close <= edge if long else close >= edge
        place = f"{'at or ' if beyond else 'back '}{'below' if long == beyond else 'above'} the {name} of {price(edge)}"
    else:
        edge, name = (levels.val, "VAL") if long else (levels.vah, "VAH")
        place = f"between the {name} of {price(edge)} and the POC of {price(levels.poc)}"
        inside = levels.val < close <= levels.poc if long else levels.poc <= close < levels.vah
        place = place if inside else f"near the POC of {price(levels.poc)}"
    atr = facts("atr")
    tail = f"; the average bar spans {price(atr)} (ATR)" if atr is not None else ""
    lines.append(f"  The bar that ended at {clock_text(decision.ts)} IST closed at {price(close)}, {place}{tail}.")
    return lines


def _filters(decision: Decision | None, facts: _Facts) -> list[str]:
    if decision is None:
        return ["Filters: the entry decision was not kept, so its figures cannot be shown."]
    lines = []
    expected, cost, distance, r, quality = (facts(k) for k in ("expected", "cost", "stop_distance", "r", "quality"))
    if expected is not None:
        times = f", {number(expected / cost, 1)} times the round-trip cost of {rupees(cost)} a share" if cost else ""
        lines.append(f"  Expected move to the first target: {rupees(expected)} a share{times}.")
    if distance is not None:
        times = f", {number(distance / cost, 1)} times the round-trip cost" if cost else ""
        lines.append(f"  Distance to the stop: {rupees(distance)} a share{times}.")
    if r is not None:
        lines.append(f"  Reward for risk: the first target is {number(r)} times as far as the stop.")
    if quality is not None:
        lines.append(f"  Data quality of the window: {percent(quality)}.")
    return ["Filters passed:", *lines] if lines else []


def _size(trade: Trade, decision: Decision | None, facts: _Facts, price: _Prices, quantity: Callable[[int], str]) -> list[str]:
    lines = []
    if facts("delta") is not None:
        lines.append(f"Stop: {price(trade.stop)} in {trade.signal_symbol}, and one of its own one and a half times as far away.")
    elif isfinite(trade.stop):
        at_risk = abs(trade.entry_price - trade.stop) * trade.qty
        entry = price(trade.entry_price)
        lines.append(f"Stop: {price(trade.stop)} at first; from the entry at {entry} that risked {rupees(at_risk)}.")
    money, equity = facts("risk"), facts("equity")
    if money is not None:
        share = f" ({percent(money / equity, 2)} of the equity of {rupees(equity)})" if equity else ""
        lines.append(f"Size: {quantity(trade.qty)}, as a stop with its costs then loses about {rupees(money)}{share}.")
    if decision is not None and decision.targets:
        lines.append("Targets: " + ", ".join(f"{price(at)} for {quantity(qty)}" for at, qty in decision.targets) + ".")
    return lines


def _substitute(facts: _Facts) -> list[str]:
    # What was traded in the signal's place, as it was when that was decided.
    delta, premium, spread, age = (facts(k) for k in ("delta", "premium", "spread", "quote_age_s"))
    if delta is None or premium is None:
        return []
    quoted = f", spread {rupees(spread)}, {number(age, 1)} s old" if spread is not None and age is not None else ""
    return [f"Quote: {rupees(premium)}{quoted}; it moves {number(abs(delta))} for 1 of the signal's (delta {number(delta)})."]


def _fill(trade: Trade, fill: Fill, price: _Prices, bought: bool) -> str:
    buys = bought == fill.opens
    day = "" if day_index(fill.ts) == day_index(trade.entry_ts) else to_datetime(fill.ts).strftime("%d %b %Y ")
    notes = {"ticks": "on a tick", "bars": "only the bar was known, so by the pessimistic rule"}
    what = f"{'bought' if buys else 'sold'} {whole(fill.qty)} at {price(fill.price)}"
    return f"Fill: {day}{clock_text(fill.ts, True)} IST {what} ({fill.reason}, {notes.get(fill.source, fill.source)})."


def _money(trade: Trade, first_risk: float) -> list[str]:
    in_r = f" ({risk(-trade.mae / first_risk)})" if isfinite(first_risk) and first_risk > 0 else ""
    in_r_up = f" ({risk(trade.mfe / first_risk)})" if in_r else ""
    result = f", {risk(trade.r_multiple)} (net over the money first at risk)" if isfinite(trade.r_multiple) else ""
    gross, net = rupees(trade.pnl_gross, plus=True), rupees(trade.pnl_net, plus=True)
    worst, best = f"{rupees(trade.mae)} a share against{in_r}", f"{rupees(trade.mfe)} a share in favour{in_r_up}"
    return [
        f"Money: gross {gross}, charges {rupees(trade.charges)}, net {net}{result}.",
        f"On the way (MAE, MFE): at worst {worst}, at best {best}.",
    ]
