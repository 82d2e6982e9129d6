"""The `calendar` command: what a day is to the exchanges, its hours by class of instrument, and what is about to change."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final

from auction_bt.core.errors import AuctionError
from auction_bt.core.ist import MINUTE_NS, day_index, to_date
from auction_bt.core.session import Span
from auction_bt.market.agreement import differences
from auction_bt.market.calendar import day_of, is_trading_day, known_to
from auction_bt.market.changes import changes
from auction_bt.market.dated import OutsideKnownDates
from auction_bt.market.day import Day, DayKind
from auction_bt.market.expiries import expiries_of, next_expiry, underlyings
from auction_bt.market.sessions import CLASSES, phases_of, square_off_of
from auction_bt.upstox.market_days import MarketDaysApi

from .arguments import add_base_url, check_address
from .arguments import day_of as day_number

HELP: Final = "explain a day: does the exchange trade, when, what expires, what changes next"

_NAMES: Final = {
    "cash": "Shares without derivatives",
    "cash_auction": "Shares with derivatives (closing auction)",
    "fno": "Futures and options",
    "fno_expiry": "Index contracts on their last day",
    "index": "Indices",
}
_PHASES: Final = {
    "pre_open_orders": "pre-open: orders",
    "pre_open_limit_only": "pre-open: limit orders only",
    "pre_open_match": "pre-open: match",
    "continuous": "continuous trading",
    "auction_reference": "closing auction: reference price",
    "auction_orders": "closing auction: orders",
    "auction_limit_only": "closing auction: limit orders only",
    "auction_match": "closing auction: match",
    "post_close": "post-close",
}
_AHEAD: Final = timedelta(days=30)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--date", metavar="DATE", help="YYYY-MM-DD in India (default: today)")
    parser.add_argument("--exchange", choices=("NSE", "BSE"), default="NSE", help="(default NSE)")
    parser.add_argument("--check", action="store_true",
                        help="ask Upstox too, and say where it differs (exit code 1); needs no token")  # fmt: skip
    add_base_url(parser)
    parser.add_argument("--json", choices=("-",), help="- for JSON on standard output")


def run(args: argparse.Namespace) -> int:
    """Print what is known of the day, and where Upstox differs."""
    when = to_date(day_number(args.date) if args.date is not None else day_index(time.time_ns()))
    if args.check:
        check_address(args.base_url)
    day = day_of(when, args.exchange)
    if day.kind is DayKind.UNKNOWN and not args.check:
        is_trading_day(when)  # raises, naming the table and what it knows
    found = _explained(day, args.exchange)
    if not args.json:
        print("\n".join(_text(day, found)), flush=True)
    failed: AuctionError | None = None
    differing: list[str] = []
    if args.check:
        try:
            differing = _differences(args.base_url, when)
        except AuctionError as error:
            failed = error
        said = {"agrees": None if failed else not differing, "differences": differing}
        found["upstox"] = said | ({"error": str(failed)} if failed else {})
    if args.json:
        print(json.dumps(found, indent=2), flush=True)
    elif args.check and not failed:
        print("\n".join(_verdict(differing)), flush=True)
    if failed:
        raise failed
    return 1 if differing else 0


def _differences(host: str, day: date) -> list[str]:
    api = MarketDaysApi(host)
    return differences(day, api.holidays(day), api.timings(day))


def _verdict(differing: list[str]) -> Iterator[str]:
    yield ""
    if not differing:
        yield "Upstox agrees"
        return
    yield from (f"Difference: {line}" for line in differing)
    yield "differs: do not trade live on this day until the table or the broker is right"


def _explained(day: Day, exchange: str) -> dict[str, Any]:
    return {
        "schema": 1,
        "date": str(day.day),
        "weekday": f"{day.day:%A}",
        "exchange": exchange,
        "kind": day.kind.value,
        "name": day.name,
        "trades": day.trades,
        "hours_known": day.trades and not day.hours_unknown,
        "certainty": day.certainty.value,
        "source": day.source,
        "own": day.own,
        "hours": {name: list(_phases(name, day)) for name in CLASSES} if day.trades and not day.hours_unknown else {},
        "expiries": {name: [f"{who} {name}" for who in underlyings(name, day.day) if day.day in _near(who, name, day.day)]
                     for name in ("weekly", "monthly")},
        "next_expiries": {f"{who} {name}": _next_expiry(who, name, day.day) for name in ("weekly", "monthly")
                          for who in underlyings(name, day.day)},
        "next_closed": _next(day.day, exchange),
        "changes": list(_changes(day.day)),
    }  # fmt: skip


def _phases(of_class: str, day: Day) -> Iterator[dict[str, str]]:
    if day.windows:
        for window in day.windows:
            begin, end = _clock(window)
            yield {"phase": "continuous", "begin": begin, "end": end, "certainty": day.certainty.value, "source": day.source}
        return
    for rule in phases_of(of_class, day.day):
        yield {"phase": rule.keys["phase"], "begin": rule["begin"], "end": rule["end"], "certainty": rule.certainty.value,
               "source": rule.source}  # fmt: skip
    if of_class != "index":
        rule = square_off_of(of_class, day.day)
        yield {"phase": "flat_by", "begin": rule["flat_by"], "end": rule["broker"], "certainty": rule.certainty.value,
               "source": rule.source}  # fmt: skip


def _text(day: Day, found: dict[str, Any]) -> Iterator[str]:
    name = f": {day.name}" if day.name else ""
    yield f"{found['date']}, {found['weekday']}: {_KINDS[day.kind]} of the {found['exchange']}{name}"
    if day.source:
        own = f"from your own calendar ({day.own}): " if day.own else ""
        yield f"  {own}{found['certainty']}, by {found['source']}"
    if day.hours_unknown:
        yield "  nobody has said the hours: data of this day are left out, and nothing is traded"
    yield from _hours(found["hours"])
    due = [text for texts in found["expiries"].values() for text in texts]
    yield ""
    yield "Expiring: " + (", ".join(due) if due else "nothing by rule (the broker's master decides)")
    upcoming: dict[str, list[str]] = {}
    for who, when in found["next_expiries"].items():
        upcoming.setdefault(when, []).append(who)
    for when in sorted(filter(None, upcoming)):
        yield f"  then {when}: {', '.join(upcoming[when])}"
    if found["next_closed"]:
        yield f"Closed next: {found['next_closed']}"
    for line in found["changes"]:
        yield f"Changing: {line}"


_KINDS: Final = {
    DayKind.REGULAR: "a regular trading day", DayKind.SPECIAL: "a special session", DayKind.MUHURAT: "muhurat trading",
    DayKind.HOLIDAY: "a holiday", DayKind.WEEKEND: "a weekend, closed",
    DayKind.UNKNOWN: "not in our table of days",
}  # fmt: skip


def _hours(hours: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    shown: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
    doubts: dict[str, str] = {}
    for of_class, phases in hours.items():
        shown.setdefault(tuple((p["phase"], p["begin"], p["end"]) for p in phases), []).append(of_class)
    for classes in shown.values():
        yield ""
        yield "; ".join(_NAMES[name] for name in classes)
        for phase in hours[classes[0]]:
            mark = ""
            if phase["certainty"] != "sure":
                doubt = f"{phase['certainty']}: {phase['source']}"
                mark = f"  [{doubts.setdefault(doubt, str(len(doubts) + 1))}]"
            if phase["phase"] == "flat_by":
                yield f"  {phase['begin']}        out of intraday trades; the broker closes them at {phase['end']}{mark}"
            else:
                yield f"  {phase['begin']}-{phase['end']}  {_PHASES[phase['phase']]}{mark}"
    if doubts:
        yield ""
        yield from (f"  [{n}] {doubt}" for doubt, n in doubts.items())


def _near(underlying: str, series: str, day: date) -> list[date]:
    # A contract whose day is no trading day expires before it, perhaps in the month before.
    try:
        after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        found = expiries_of(underlying, series, day.year, day.month)
        return found + (expiries_of(underlying, series, after.year, after.month) if after <= known_to() else [])
    except OutsideKnownDates:
        return []


def _next_expiry(underlying: str, series: str, day: date) -> str:
    try:
        return str(next_expiry(underlying, series, day + timedelta(days=1)))
    except OutsideKnownDates:
        return ""


def _next(day: date, exchange: str) -> str:
    while (day := day + timedelta(days=1)) <= known_to():
        found = day_of(day, exchange)
        if found.kind is DayKind.HOLIDAY:
            doubt = "" if found.certainty == "sure" else f" ({found.certainty.value})"
            return f"{day} {day:%a}, {found.name}{doubt}{f', {found.own}' if found.own else ''}"
    return ""


def _changes(day: date) -> Iterator[str]:
    for change in changes(day, day + _AHEAD):
        rule = change.rule
        about, values = " ".join(filter(None, rule.keys.values())), " ".join(f"{k} {v}" for k, v in change.values.items())
        doubt = "" if rule.certainty == "sure" else f" ({rule.certainty.value})"
        yield f"{rule.valid_from} {rule.table}: {about} {values or 'perhaps'}{doubt}"


def _clock(window: Span) -> tuple[str, str]:
    begin, end = (f"{ns // MINUTE_NS // 60:02}:{ns // MINUTE_NS % 60:02}" for ns in window)
    return begin, end
