"""Every key there is. A section is added by adding its rows."""

from __future__ import annotations

from functools import cache
from itertools import chain
from typing import Final

from auction_bt.guard_settings import GUARD_SETTINGS
from auction_bt.market.rates import STANDARD, plans
from auction_bt.settings import SETTINGS, Setting
from auction_bt.store.dsn import DEFAULT
from auction_bt.upstox.client import HOST, HOST_VARIABLE
from auction_bt.upstox.token import VARIABLE

from .key import Key

ALERTS: Final = "AUCTION_ALERTS"  # addresses, separated by blanks

_UNITS: Final = {
    "period": "bars", "value_area": "share", "anchor": "ns since 1970", "ticks_per_row": "ticks", "tick_size": "₹",
    "lot": "shares", "risk_fraction": "of equity", "quantity": "shares", "cost_multiple": "× cost",
    "stop_cost_multiple": "× cost",
    "min_stop_ticks": "ticks", "min_r": "× stop", "quality_floor": "share", "pullback_bars": "bars", "stale_bars": "bars",
    "entry_from_min": "min", "entry_until_min": "min", "time_stop_bars": "bars", "acceptance_bins": "bins",
    "acceptance_min": "min", "flip_bars": "bars", "trail_atr": "ATR", "min_dte": "days", "max_concurrent": "trades",
    "adds": "adds", "add_step": "of price", "daily_loss": "of equity",
    "stale_feed_s": "s", "price_band": "%", "cooldown_min": "min", "pause_losses": "losses",
    "pause_bars": "bars", "side_block": "share", "side_block_last": "trades", "side_block_min": "trades",
    "exposure": "× equity", "exposure_total": "× equity", "orders_second": "requests", "orders_minute": "requests",
    "orders_half_hour": "requests", "orders_day": "requests",
}  # fmt: skip
_FILTER: Final = "quality"  # among the guards by its effect, among the filters by its place
_ELSEWHERE: Final = frozenset({"slippage"})  # one number for the filters and the fills: [live] slippage


@cache
def keys() -> tuple[Key, ...]:
    """Return every key, section by section in the order of the documentation."""
    live = (
        Key("live", Setting("orders", "paper", "where orders go", choices=("paper", "none", "sim", "upstox")), option="orders"),
        Key("live", Setting("on_exit", "keep", "open trades at Ctrl-C: kept with their stops, or left at market",
                            choices=("keep", "flatten")), option="on_exit"),
        Key("live", Setting("every", 5.0, "time between two lines of the monitor", 0.1, 3600), "s", "every"),
        Key("live", Setting("max_positions", 0, "upstox: open trades at a time, at most; 0 = one, until you say more", 0, 1000),
            "trades", "max_positions"),
        Key("live", Setting("cash", 1_000_000, "money at the start", 1, 10**15), "₹", "cash"),
        Key("live", Setting("costs", "x1", "charges as they are, doubled, none", choices=("x1", "x2", "none")), option="costs"),
        Key("live", Setting("plan", STANDARD, "brokerage plan", choices=plans()), option="plan"),
        Key("live", Setting("fill", "quote", "paper: price of market and stop orders, the trade's or the book's",
                            choices=("trade", "quote")), option="fill"),
        Key("live", Setting("slippage", 1, "paper: against us, market and stop orders; part of the cost filters", 0, 10_000),
            "ticks", "slippage"),
        Key("live", Setting("targets", "resting", "paper: targets rest in the book, or go to the market when reached",
                            choices=("resting", "sent")), option="targets"),
        Key("live", Setting("latency_ms", 0, "paper: from decision to exchange", 0, 3_600_000), "ms", "latency_ms"),
    )  # fmt: skip
    others = (
        Key("symbols", Setting("names", (), "what to run: keys or names, as NIFTY-FUT"), option="symbol"),
        Key("store", Setting("address", DEFAULT, "where the data is"), option="store"),
        Key("store", Setting("state", ".auction_bt", "folder of the journal, the spool, caches and the token"), option="state"),
        Key("viewer", Setting("address", "", "HOST:PORT on which the viewer is served; empty = not"), option="viewer"),
        Key("alerts", Setting("places", (), "where alarms are sent, as Apprise writes addresses: tgram://…, json://…"),
            variable=ALERTS, is_secret=True),
        Key("upstox", Setting("base_url", HOST, "whom to ask"), option="base_url", variable=HOST_VARIABLE),
        Key("upstox", Setting("client_id", "", "the application's API key, for `login`"), option="client_id",
            variable="UPSTOX_API_KEY"),
        Key("upstox", Setting("redirect", "http://127.0.0.1:8766/", "as registered with the application, for `login`"),
            option="redirect"),
        Key("upstox", Setting("keyring", False, "`login` keeps the token in the system's keyring, and runs look there"),
            option="keyring"),
        Key("upstox", Setting("access_token", "", "a token; the file must be for its owner alone (chmod 600)"), variable=VARIABLE,
            is_secret=True),
    )  # fmt: skip
    of_guards = frozenset(chain.from_iterable(names for guard, names in GUARD_SETTINGS.items() if guard != _FILTER))
    guards = (
        Key("guards", Setting("preset", "off", "the recommended set, which single keys change", choices=("off", "design")),
            option="guards"),
        Key("guards", Setting("no_trade_file", "", "CSV of days without entries: symbol (* = all), from, to, reason"),
            option="no_trade"),
        *(Key("guards", s, _UNITS.get(s.name, "")) for s in SETTINGS if s.name in of_guards),
    )  # fmt: skip
    strategy = tuple(
        Key("strategy", s, _UNITS.get(s.name, "")) for s in SETTINGS if s.name not in _ELSEWHERE and s.name not in of_guards
    )
    return (*live, *others, *guards, *strategy)
