"""How rupees, ratios and refusals read: Indian digit groups, a true minus, one sentence a refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from types import MappingProxyType
from typing import Final

from .core.instrument import Instrument, Kind

NONE: Final = "–"

# reason -> (what it means, the parameter that opens it; empty where none does)
REFUSALS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({
    "cost": ("the move to the first target was less than cost_multiple times the round-trip cost", "cost_multiple"),
    "stop_distance": ("the stop lay within a multiple of the cost, or a few ticks", "stop_cost_multiple, min_stop_ticks"),
    "r_multiple": ("the first target promised less than min_r times what the stop risks", "min_r"),
    "size 0": ("the money to risk, or the margin, was too small for one lot", "risk_fraction, --cash"),
    "open trade": ("the symbol already had an open trade; one at a time is the rule", ""),
    "edge used": ("this edge of value was traded already; it opens again once price trades at the POC", "one_entry_an_edge"),
    "stale bar": ("the bar became known too long after its end to be acted on", "stale_bars"),
    "entry window": ("the signal came too early or too late in the session", "entry_from_min, entry_until_min"),
    "roll": ("the contract was to be left by then: no trade is carried into its expiry", "square_off"),
    "quality": ("the recorded data of that bar was below the quality floor", "quality_floor"),
    "max concurrent": ("as many trades were open as may be at one time", "max_concurrent"),
    "no-trade list": ("the day is on the list of days without entries", "no_trade"),
    "daily loss": ("the loss of the day had met its limit", "daily_loss"),
    "stale feed": ("the feed was silent for too long in that bar, or since", "stale_feed_s"),
    "price band": ("the close was farther from the POC than can be believed", "price_band"),
    "cooldown": ("the symbol was stopped out a short while before", "cooldown_min"),
    "losses in a row": ("the symbol's last trades of the day lost, and it paused for some bars", "pause_losses, pause_bars"),
    "side block": ("too many of the day's last trades on that side lost", "side_block"),
    "exposure": ("what was held left no room for one lot", "exposure, exposure_total"),
    "order rate": ("more requests would have gone out than may in that time", "orders_second, orders_minute, orders_half_hour"),
    "order count": ("the requests of the day were used up", "orders_day"),
    "narrow value": ("the value area was narrower than one ATR or six times the cost (auction rule)", ""),
    "far from edge": ("the close was more than one ATR beyond the edge (auction rule)", ""),
    "option short": ("options are bought only, never sold short", ""),
    "option side": ("the option is a call and the signal short, or a put and the signal long", "--trade"),
    "no option": ("no option of the right kind and expiry is in the store", "--trade, min_dte"),
    "no strike": ("no strike near the money, or so far from it, is in the store", "--trade"),
    "no quote": ("what was to be traded had no bid or no offer yet", ""),
    "stale quote": ("the last quote of what was to be traded was over 3 s old", ""),
    "wide spread": ("bid and offer were over 1 % and over 2 price steps apart", ""),
    "no delta": ("the quote lay below the option's intrinsic value: no delta follows from it", ""),
    "expiry": ("what was to be traded expires too soon", "min_dte"),
    "short delivery": ("shares can be sold short within the day only", "square_off"),
    "margin": ("the account had not enough money when the entry order was to be filled", "--cash, risk_fraction"),
    "rejected": ("the broker refused the entry order", ""),
    "expired": ("the entry order was not filled in its time", ""),
    "canceled": ("the entry order was taken back before it was filled", ""),
    "no tick size": ("the tick size of the instrument is not known", "tick_size"),
})  # fmt: skip

# kind of charge -> how a contract note calls it
CHARGES: Final[Mapping[str, str]] = MappingProxyType({
    "brokerage": "brokerage", "stt": "STT", "transaction": "exchange", "ipft": "IPFT", "sebi": "SEBI fee", "stamp": "stamp duty",
    "gst": "GST", "dp": "DP charge", "square_off": "auto square-off", "exercise": "STT on exercise", "other": "one rate for all",
})  # fmt: skip


def grouped(digits: str) -> str:
    """Return the digits of a whole number in Indian groups: ``1234567`` → ``12,34,567``."""
    head, tail = digits[:-3], digits[-3:]
    parts = [tail]
    while head:
        head, pair = head[:-2], head[-2:]
        parts.insert(0, pair)
    return ",".join(parts)


def number(value: Decimal | float | None, places: int = 2, *, plus: bool = False) -> str:
    """Return a number with Indian digit groups and a true minus; a dash where it is undefined.

    Parameters
    ----------
    value : Decimal, float or None
    places : int
        Digits after the point, rounded half to even.
    plus : bool
        Write the sign of a positive number too.
    """
    exact = value if isinstance(value, Decimal) or value is None or not isfinite(value) else Decimal(repr(float(value)))
    if not isinstance(exact, Decimal) or not exact.is_finite():
        return NONE
    text = f"{exact:.{places}f}"
    whole, _, rest = text.lstrip("-").partition(".")
    is_zero = not (whole + rest).strip("0")
    sign = "" if is_zero else "−" if text.startswith("-") else "+" if plus else ""
    return sign + grouped(whole) + ("." + rest if rest else "")


def rupees(value: Decimal | float | None, *, plus: bool = False) -> str:
    """Return an amount of money: ``₹12,34,567.50``, ``−₹3.00``; a dash where it is undefined."""
    text = number(value, plus=plus)
    if text == NONE:
        return text
    return text[0] + "₹" + text[1:] if text[0] in "−+" else "₹" + text


def percent(share: float | None, places: int = 1) -> str:
    """Return a share as per cent: ``0.125`` → ``12.5 %``."""
    return NONE if share is None or not isfinite(share) else f"{number(share * 100, places)} %"


def risk(value: float | None) -> str:
    """Return a result in R, with its sign: ``+1.25 R``."""
    text = number(value, plus=True)
    return text if text == NONE else text + " R"


def whole(count: int) -> str:
    """Return a count in Indian groups: ``1,00,000``."""
    return number(Decimal(count), 0)


def plural(count: int, one: str, many: str = "") -> str:
    """Return ``1 trade``, ``0 trades``, ``1,00,000 trades``."""
    return f"{whole(count)} {one if count == 1 else many or one + 's'}"


def shares(count: int) -> str:
    """Return a quantity of an equity: ``150 shares``."""
    return plural(count, "share")


def quantity_of(instrument: Instrument | None) -> Callable[[int], str]:
    """Return what words a quantity of `instrument`: ``150 shares``, of a derivative ``qty 150 (2 lots)``."""
    if instrument is not None and instrument.kind is Kind.EQUITY:
        return shares

    lot = 1 if instrument is None else instrument.lot

    def quantity(count: int) -> str:
        lots = f" ({plural(count // lot, 'lot')})" if lot > 1 and count and count % lot == 0 else ""
        return f"qty {whole(count)}{lots}"

    return quantity


def score(value: float | None, digits: int = 4) -> str:
    """Return a figure of any size for people: whole, with groups, from a thousand on, else to `digits` digits."""
    if value is None:
        return NONE
    return number(value, 0) if abs(value) >= 1000 else f"{value:.{digits}g}".replace("-", "\u2212")
