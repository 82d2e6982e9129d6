"""The numbers of the strategy: name, default, what is allowed, and what each means. One table for code, command line and docs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from .core.errors import BadInput
from .core.ist import MINUTE_NS
from .core.no_trade import parse_no_trade
from .core.plan import Terms
from .core.regime import Rule
from .core.risk import Filters
from .core.session import Session

_MOST: Final = 10**18  # beyond any meaning, within 64 bits; also what infinity fails
_BEFORE_CLOSE_MIN: Final = 15  # of a session that is given by hand


def _percent(text: str) -> str:
    """Return how a percentage is written as the share that settings take; '' where `text` is none."""
    if not text.endswith("%"):
        return ""
    try:
        return f"; {float(text[:-1]) / 100:g} is {float(text[:-1]):g} %"
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of `AuctionStrategy`.

    Parameters
    ----------
    name : str
    default : bool, int, float or str
        Its type is the parameter's type.
    meaning : str
    least, most : float or None
        Bounds, inclusive.
    choices : tuple of str
        For words.
    """

    name: str
    default: Any
    meaning: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Any:
        """Return `text` as this setting's type; raise `BadInput` naming what is allowed."""
        kind = type(self.default)
        try:
            if kind is bool:
                value: Any = {
                    "true": True,
                    "1": True,
                    "yes": True,
                    "on": True,
                    "false": False,
                    "0": False,
                    "no": False,
                    "off": False,
                }[text.casefold()]
            else:
                value = kind(text)
        except (KeyError, ValueError):
            raise BadInput(
                f"{self.name} = {text!r} is no {kind.__name__}: {self.allowed}{_percent(text) if kind is float else ''}"
            ) from None
        self.check(value)
        return value

    def check(self, value: Any) -> None:
        """Raise `BadInput` where `value` is not allowed."""
        low = self.least is not None and not value >= self.least
        high = not isinstance(value, bool | str) and not value <= (_MOST if self.most is None else self.most)
        if low or high or (self.choices and value not in self.choices):
            raise BadInput(f"{self.name} = {value!r} is not allowed: {self.allowed}")

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return "one of " + ", ".join(c or "(empty)" for c in self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        if self.most is not None:
            return f"{self.least} to {self.most}"
        return f"{self.least} or more" if self.least is not None else f"a {type(self.default).__name__}"


SETTINGS: Final = (
    Setting("rule", "original", "regime and entries: by the POC's place in value, or by migration", choices=tuple(Rule)),
    Setting("period", 120, "bars in the rolling window (sessions, for window=composite)", 1, 1_000_000),
    Setting("value_area", 0.70, "share of volume inside the value area", 0.01, 1.0),
    Setting(
        "method", "two_row", "how the value area grows", choices=("two_row", "two_row_up", "one_row", "hdi", "original")
    ),
    Setting("source", "auto", "what the profile is made of", choices=("auto", "ticks", "candles")),
    Setting("window", "rolling", "which bars the profile holds", choices=("rolling", "session", "composite", "anchored")),
    Setting("anchor", 0, "ns from which window=anchored begins", 0),
    Setting("ticks_per_row", 1, "price steps in one row of the profile", 1, 1_000_000),
    Setting("levels", "prior", "until the window lies within today: prior session's levels, or flat", choices=("prior", "flat")),
    Setting("tick_size", 0.0, "price step in rupees, for feeds that do not carry it; 0 = the feed's", 0.0),
    Setting("lot", 0, "shares a lot, for feeds that do not carry it; 0 = 1", 0),
    Setting("session", "", "HH:MM-HH:MM IST for feeds without an instrument; empty = all day, no square-off"),
    Setting("risk_fraction", 0.005, "share of equity risked to the stop, costs included; gaps and slippage are extra", 0.0, 1.0),
    Setting("quantity", 0, "fixed shares a trade; 0 = by risk_fraction", 0, 10**9),
    Setting("slippage", 1, "ticks expected against us on each side, part of the cost filters", 0),
    Setting("cost_multiple", 3.0, "expected move to the first target over round-trip cost, at least; 0 = off", 0.0),
    Setting("stop_cost_multiple", 1.5, "stop distance over round-trip cost, at least; 0 = off", 0.0),
    Setting("min_stop_ticks", 2, "stop distance in ticks, at least", 0),
    Setting("min_r", 1.0, "expected move over stop distance, at least; 0 = off", 0.0),
    Setting("quality_floor", 0.0, "tick quality of the window, at least; 0 = off", 0.0, 1.0),
    Setting("one_entry_an_edge", True, "an edge is traded once until the POC has traded"),
    Setting("pullback_bars", 20, "bars within which price must have been beyond the POC", 1, 1_000_000),
    Setting("stale_bars", 3, "bars after its end a bar may still be decided on (thin or silent symbols)", 0, 1_000_000),
    Setting("entry_from_min", 15, "minutes after the open before the first entry", 0),
    Setting("entry_until_min", 30, "minutes of the last entry before all is closed (before the close, where it is carried)", 0),
    Setting("square_off", "auto", "IST time at which all is closed: auto = by the market's dated table, HH:MM, none"),
    Setting("time_stop_bars", -1, "bars without a target after which a trade is left; 0 = off, -1 = period / 4", -1, 1_000_000),
    Setting("acceptance_bins", 2, "closed bins beyond the entry's edge after which a trade is left; 0 = off", 0),
    Setting("acceptance_min", 5, "minutes in such a bin", 1, 1440),
    Setting("flip_bars", 3, "bars of an opposite regime after which a trade is left; 0 = off", 0, 1_000_000),
    Setting("trail_atr", 3.0, "ATRs behind the best price at which the rest trails; 0 = off", 0.0),
    Setting("single_lot", "target", "what a trade of one lot does", choices=("target", "trail")),
    Setting("min_dte", 1, "days to expiry of what is traded on a signal, at least", 0, 4000),
    Setting("own_profile", False, "an option may be traded on its own profile"),
    Setting("breakeven", True, "stop to the entry after the first target"),
    Setting("adds", 0, "adds to a trade that gains, at most; 0 = off", 0, 2),
    Setting("add_step", 0.003, "gain since the last entry, as a share of its price, at which one is due", 0.00001, 1.0),
    Setting("max_concurrent", 0, "guard: open trades at a time; 0 = no limit", 0, 1_000_000),
    Setting("no_trade", "", "guard: days without entries, as symbol,from,to,reason;… (symbol * = all)"),
    Setting("daily_loss", 0.0, "guard: loss of a day, as a share of equity, at which all is left; 0 = off", 0.0, 1.0),
    Setting("stale_feed_s", 0.0, "guard: seconds of silence in or since the bar, at most; 0 = off", 0.0, 86_400.0),
    Setting("price_band", 0.0, "guard: close away from the POC, in per cent, at most; 0 = off", 0.0, 1000.0),
    Setting("cooldown_min", 0.0, "guard: minutes without an entry after the symbol was stopped out; 0 = off", 0.0, 1440.0),
    Setting("pause_losses", 0, "guard: losses of the symbol in a row that make it pause; 0 = off", 0, 1_000_000),
    Setting("pause_bars", 5, "guard: bars of that pause", 0, 1_000_000),
    Setting("side_block", 0.0, "guard: share of losses at which a side is blocked for the day; 0 = off", 0.0, 1.0),
    Setting("side_block_last", 20, "guard: trades of the day on that side that are looked at", 1, 1_000_000),
    Setting("side_block_min", 5, "guard: fewer such trades block nothing", 1, 1_000_000),
    Setting("exposure", 0.0, "guard: value of one trade over equity, at most; 0 = off", 0.0),
    Setting("exposure_total", 0.0, "guard: value of all open trades over equity, at most; 0 = off", 0.0),
    Setting("orders_second", 0, "guard: order requests in a second, at most; 0 = off", 0, 1_000_000),
    Setting("orders_minute", 0, "guard: order requests in a minute, at most; 0 = off", 0, 1_000_000),
    Setting("orders_half_hour", 0, "guard: order requests in half an hour, at most; 0 = off", 0, 1_000_000),
    Setting("orders_day", 0, "guard: order requests in a day, at most; 0 = off", 0, 1_000_000),
)  # fmt: skip
BY_NAME: Final = {s.name: s for s in SETTINGS}
STRATEGY_PARAMS: Final = tuple((s.name, s.default) for s in SETTINGS)


def find(name: str) -> Setting:
    """Return the setting called `name`; raise `BadInput` naming the nearest."""
    setting = BY_NAME.get(name)
    if setting is None:
        near = get_close_matches(name, BY_NAME, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"settings are {', '.join(BY_NAME)}"
        raise BadInput(f"unknown parameter {name!r}: {hint}")
    return setting


def parse_settings(pairs: Iterable[str]) -> dict[str, Any]:
    """Return ``name=value`` texts as typed settings.

    Raises
    ------
    BadInput
        No ``=``, an unknown name (names the nearest), a value that is not allowed.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise BadInput(f"{pair!r} is no setting: write name=value")
        found[name.strip()] = find(name.strip()).parse(value.strip())
    return found


def check_settings(params: Any) -> tuple[Rule, int]:
    """Check every setting of a strategy's params; return its rule and the acceptance bin in ns (0 = off)."""
    for setting in SETTINGS:
        setting.check(getattr(params, setting.name))
    if params.session:
        session_of_text(params.session)
    square_off_of(params.square_off)
    parse_no_trade(params.no_trade)
    return Rule(params.rule), params.acceptance_min * MINUTE_NS if params.acceptance_bins else 0


def terms_of(params: Any, round_trip: Callable[[float, int], float]) -> Terms:
    """Return how a strategy's params make orders of entries; `round_trip` is what a price (rupees) and shares cost."""
    p = params
    return Terms(
        filters=Filters(p.cost_multiple, p.stop_cost_multiple, p.min_stop_ticks, p.min_r, p.quality_floor),
        risk_fraction=p.risk_fraction,
        quantity=p.quantity,
        margin=p.margin,
        slippage=p.slippage,
        round_trip=round_trip,
        single_lot=p.single_lot,
        breakeven=p.breakeven,
    )


def session_of_text(text: str) -> Session:
    """Return the session a setting ``session`` gives, left a quarter of an hour before its end.

    Raises
    ------
    BadInput
        No ``HH:MM-HH:MM``, or one that ends before it begins.
    """
    try:
        (begin_hour, begin_minute), (end_hour, end_minute) = (tuple(map(int, part.split(":"))) for part in text.split("-"))
    except ValueError:
        raise BadInput(f"session = {text!r} is no session: write HH:MM-HH:MM, e.g. 09:15-15:30") from None
    begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    if not 0 <= begin < end <= 1440:
        raise BadInput(f"session = {text!r} ends before it begins, or outside the day")
    return Session(begin * MINUTE_NS, end * MINUTE_NS, (end - _BEFORE_CLOSE_MIN) * MINUTE_NS)


def square_off_of(text: str) -> int | None:
    """Return the time a setting ``square_off`` gives in ns since IST midnight; None where it is a word.

    Raises
    ------
    BadInput
        No word that is known, and no time.
    """
    if text in {"auto", "none"}:
        return None
    try:
        hour, minute = map(int, text.split(":"))
    except ValueError:
        hour = minute = -1
    if not (0 <= hour < 24 and 0 <= minute < 60):
        raise BadInput(f"square_off = {text!r} is no time: write auto, none or HH:MM, e.g. 15:10")
    return (hour * 60 + minute) * MINUTE_NS


def flat_by_of(text: str, session: Session) -> int | None:
    """Return when a setting ``square_off`` closes the trades of a session, in ns since IST midnight; None where it carries them.

    Notes
    -----
    Never later than the session's own time, else than its last minute: a trade that is still open at the end of the data of a
    day would be carried overnight at the charges of a day.
    """
    if text == "auto":
        return session.flat_by
    given = square_off_of(text)
    if given is None or session.is_closed:
        return given
    return min(given, session.close - MINUTE_NS if session.flat_by is None else session.flat_by)


def changed(settings: dict[str, Any]) -> dict[str, Any]:
    """Return those settings that differ from their defaults."""
    return {k: v for k, v in settings.items() if k in BY_NAME and v != BY_NAME[k].default}
