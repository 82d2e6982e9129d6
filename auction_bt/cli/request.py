"""The options that say what to run, shared by every command that runs the strategy on stored data."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from auction_bt.backtest import Engine, Request, located
from auction_bt.brokers.charges import NoCharges
from auction_bt.brokers.indian import indian_charges
from auction_bt.core.costing import Charges
from auction_bt.core.errors import BadInput
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import to_date
from auction_bt.core.regime import Rule
from auction_bt.core.substitute import parse_trade
from auction_bt.guard_settings import DESIGN
from auction_bt.market.rates import STANDARD, plans
from auction_bt.settings import SETTINGS, parse_settings
from auction_bt.store import TickStore

from .arguments import add_dates, add_state, add_store, day_range, loaded_book
from .no_trade import no_trade_text

GUARDS_OF_DESIGN: Final = "design"
COSTS: Final = {"x1": 1, "x2": 2, "none": 0}  # times the charges


def add_request(parser: argparse.ArgumentParser, *, required: bool = True, guards: bool = True) -> None:
    """Add the options; read them with `request_of`.

    Parameters
    ----------
    required : bool
        Without, the caller checks symbol and dates.
    guards : bool
        Without, the caller adds --guards.
    """
    parser.add_argument(
        "--symbol", action="append", required=required, metavar="KEY", help="symbol or name, as NIFTY-FUT; may be given again"
    )
    add_dates(parser, required=required)
    add_store(parser)
    add_state(parser)
    if guards:
        add_guards(parser)
    _add_terms(parser)


def add_guards(parser: argparse.ArgumentParser) -> None:
    """Add --guards of a run."""
    parser.add_argument("--guards", choices=("off", GUARDS_OF_DESIGN), default="off",
                        help="design turns the recommended set on; --set changes single ones (default off)")  # fmt: skip


def add_live_request(parser: argparse.ArgumentParser) -> None:
    """Add the options of a live run; read them with `live_request`."""
    parser.add_argument("--symbol", action="append", default=[], metavar="KEY",
                        help="symbol or name, as NIFTY-FUT; may be given again")  # fmt: skip
    add_store(parser)
    add_state(parser)
    add_guards(parser)
    _add_terms(parser)


def _add_terms(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trade", default="same", metavar="WHAT",
                        help="what to trade on the symbol's signals: same (default), a key or name, or an option bought "
                        "by strike: atm, atm+1 (out of the money), atm-1 (in it)")  # fmt: skip
    parser.add_argument("--regime", choices=[r.value for r in Rule], help="regime rule and its entries (default original)")
    parser.add_argument("--cash", default="1000000", metavar="N", help="rupees at the start (default 10,00,000)")
    parser.add_argument("--costs", choices=list(COSTS), default="x1", help="charges, doubled, or none (default x1)")
    parser.add_argument("--plan", choices=plans(), default=STANDARD, help="brokerage plan (default %(default)s)")
    parser.add_argument("--fill", choices=[f.value for f in FillPrice], default="quote",
                        help="price of market and stop orders: the trade's or the book's (default quote)")  # fmt: skip
    parser.add_argument("--slippage", type=int, default=1, metavar="TICKS", help="against us, market and stop orders (default 1)")
    parser.add_argument("--targets", choices=("resting", "sent"), default="resting",
                        help="targets rest in the book (default), or go to the market when reached, as live")  # fmt: skip
    parser.add_argument("--latency-ms", type=int, default=0, metavar="N", help="from decision to exchange (default 0)")
    parser.add_argument("--max-concurrent", metavar="N", help="--set max_concurrent=N: open trades at a time")
    parser.add_argument("--no-trade", type=Path, metavar="FILE",
                        help="CSV of days without entries: symbol (* = all), from, to, reason")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="settings",
                        help="a setting of the strategy; --settings lists them")  # fmt: skip
    parser.add_argument("--settings", action=_ListSettings, help="list the strategy's settings and exit")


class _ListSettings(argparse.Action):
    def __init__(self, option_strings: Any, dest: str, help: str | None = None) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        width = max(len(s.name) for s in SETTINGS)
        for s in SETTINGS:
            default = s.default if s.default != "" else "(empty)"
            print(f"{s.name:<{width}}  {default!s:<9} {s.meaning} [{s.allowed}]")
        parser.exit()


def required(args: argparse.Namespace) -> argparse.Namespace:
    """Return `args`; refuse them without symbol or dates."""
    for name in ("symbol", "from_date", "to_date"):
        if not getattr(args, name):
            raise BadInput(f"--{name.replace('_', '-')} is missing: --help explains the options")
    return args


def on_store(request: Request, args: argparse.Namespace, store: TickStore) -> Request:
    """Return a request with what its symbols mean: by `store`, and by the instrument masters of --state."""
    with ExitStack() as stack:
        return located(store, request, loaded_book(args.state, stack))


def charges_of(args: argparse.Namespace) -> Charges:
    """Return what trades cost."""
    times = COSTS[args.costs]
    return indian_charges(args.plan, times) if times else NoCharges()


def live_request(args: argparse.Namespace, symbols: Sequence[str]) -> Request:
    """Return what a live run's options ask for, as a request whose day does not matter."""
    if args.trade != "same":
        raise BadInput("--trade is not done live yet: the signal's own instrument is traded; leave it out")
    named = argparse.Namespace(**{**vars(args), "symbol": list(symbols), "from_date": "2026-01-01", "to_date": "2026-01-01"})
    return request_of(named)


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    given = parse_settings(args.settings)
    found = {**(DESIGN if args.guards == GUARDS_OF_DESIGN else {}), **given}
    for name, option, value in (
        ("max_concurrent", "--max-concurrent", args.max_concurrent),
        ("no_trade", "--no-trade", None if args.no_trade is None else no_trade_text(args.no_trade)),
    ):
        if value is None:
            continue
        if name in given:
            raise BadInput(f"{option} and --set {name} say the same thing: leave one out")
        found |= parse_settings([f"{name}={value}"])
    return found


def request_of(args: argparse.Namespace, engine: Engine = Engine.FAST) -> Request:
    """Return the request that the options ask for."""
    days = day_range(args.from_date, args.to_date)
    settings = _settings(args)
    if "slippage" in settings:
        raise BadInput(f"slippage is an option of its own: give --slippage {settings['slippage']}")
    if args.regime is not None:
        settings["rule"] = args.regime
    try:
        cash = Decimal(args.cash.replace(",", ""))
    except InvalidOperation:
        cash = Decimal("nan")
    if not cash.is_finite() or not 0 < cash <= 10**15:
        raise BadInput(f"--cash {args.cash!r} is no number of rupees above 0")
    if not 0 <= args.latency_ms <= 3_600_000:
        raise BadInput(f"--latency-ms {args.latency_ms} must be 0 to 3600000")
    if not 0 <= args.slippage <= 10_000:
        raise BadInput(f"--slippage {args.slippage} must be 0 to 10000 ticks")
    charges = charges_of(args)
    fill = FillModel(FillPrice(args.fill), args.slippage, args.latency_ms * 1_000_000, sends_targets=args.targets == "sent")
    trade = parse_trade(args.trade)
    if trade is not None:
        trade = replace(trade, min_dte=settings.get("min_dte", trade.min_dte))
    first, last = to_date(days.start), to_date(days.stop - 1)
    return Request(tuple(args.symbol), first, last, settings, cash, charges, fill, engine, trade)
