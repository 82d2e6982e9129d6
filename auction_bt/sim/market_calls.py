"""REST calls about the market: holidays, hours, its state, candles, the instrument masters."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from datetime import date
from typing import Any, Final
from urllib.parse import unquote

from flask import Blueprint, Response, request

from auction_bt.core.instrument import Kind
from auction_bt.core.ist import DAY_NS, day_index, day_start, from_date, to_date
from auction_bt.market.calendar import day_of
from auction_bt.market.day import Day, DayKind, time_of
from auction_bt.market.days import days
from auction_bt.market.sessions import phases_of

from .answer import Problem
from .contract import Contract
from .history import merged, most_days
from .money import RUPEE
from .reply import bad, good, rows, wrong
from .service import Service

_CLASS_OF: Final = {"NSE": "cash", "NFO": "fno", "BSE": "cash", "BFO": "fno"}
_TYPES: Final = {Kind.FUTURE: "FUT", Kind.INDEX: "INDEX", Kind.EQUITY: "EQ"}
_BEFORE_OPEN: Final = ("pre_open_orders", "pre_open_limit_only")
_MS: Final = 1_000_000
_BLOCKED: Final = "<html><body>error code: 1010</body></html>"


def market_calls(service: Service) -> Blueprint:
    """Return the calls."""
    calls = Blueprint("market", __name__)
    clock = service.broker.clock

    @calls.get("/v2/market/holidays")
    def holidays() -> Response:
        year = to_date(day_index(clock())).year
        return rows([row for day in _listed(year) if (row := _holiday(day)) is not None])

    @calls.get("/v2/market/holidays/<text>")
    def holiday(text: str) -> Response:
        day = _date(text)
        if day is None:
            return wrong("date", text)
        row = _holiday(day_of(day)) if day.weekday() < 5 or day_of(day).trades else None
        return rows([row] if row is not None else [])

    @calls.get("/v2/market/timings/<text>")
    def timings(text: str) -> Response:
        day = _date(text)
        return rows(_timings(day)) if day is not None else wrong("date", text)

    @calls.get("/v2/market/status/<exchange>")
    def status(exchange: str) -> Response:
        if exchange not in _CLASS_OF:
            return wrong("exchange", exchange)
        now = clock()
        return good({"exchange": exchange, "status": _status(exchange, now), "last_updated": now // _MS})

    @calls.get("/v3/historical-candle/<key>/<unit>/<interval>/<to_date_>")
    @calls.get("/v3/historical-candle/<key>/<unit>/<interval>/<to_date_>/<from_date_>")
    def past(key: str, unit: str, interval: str, to_date_: str, from_date_: str = "") -> Response:
        last, first = _date(to_date_), _date(from_date_ or to_date_)
        if last is None or first is None:
            return wrong("date", from_date_ if last is not None else to_date_)
        return _candles(service, unquote(key), unit, interval, first, last)

    @calls.get("/v3/historical-candle/intraday/<key>/<unit>/<interval>")
    def today(key: str, unit: str, interval: str) -> Response:
        day = to_date(day_index(clock()))
        return _candles(service, unquote(key), unit, interval, day, day, is_today=True)

    @calls.get("/market-quote/instruments/exchange/<name>.json.gz")
    def master(name: str) -> Response:
        if not request.headers.get("User-Agent"):  # a stranger to the content network in front of the broker
            return Response(_BLOCKED, 403, mimetype="text/html")
        if name in service.masters:
            return Response(service.masters[name], mimetype="application/octet-stream")
        contracts = service.broker.read(lambda exchange, _: list(exchange.books.contracts.values()))
        found = [contract for contract in contracts if name == "complete" or contract.segment.startswith(name)]
        return Response(master_of(found), mimetype="application/octet-stream")

    return calls


def master_of(contracts: Iterable[Contract]) -> bytes:
    """Return an instrument master (gzip) of contracts."""
    return gzip.compress(json.dumps([_master_row(contract) for contract in contracts]).encode(), mtime=0)


def _master_row(contract: Contract) -> dict[str, Any]:
    made = contract.instrument
    row: dict[str, Any] = {
        "segment": contract.segment, "name": made.name, "exchange": "BSE" if contract.segment.startswith("BSE") else "NSE",
        "instrument_key": made.symbol, "exchange_token": made.symbol.partition("|")[2], "trading_symbol": contract.trading_symbol,
        "tick_size": contract.tick * 100 / RUPEE, "lot_size": made.lot, "freeze_quantity": float(contract.freeze),
        "instrument_type": _TYPES.get(made.kind, "EQ"),
    }  # fmt: skip
    if contract.isin:
        row |= {"isin": contract.isin, "cas_eligible": bool(made.closing_auction)}
    if made.contract is not None:
        about = made.contract
        root = made.name.split(" ")[0]
        row |= {"expiry": (day_start(about.expiry) + DAY_NS) // _MS - 1, "minimum_lot": made.lot, "asset_symbol": root,
                "underlying_key": about.underlying, "underlying_symbol": root}  # fmt: skip
        if about.strike is not None and about.right is not None:
            row |= {"strike_price": float(about.strike), "instrument_type": about.right.value}
    return row


def _candles(
    service: Service, key: str, unit: str, interval: str, first: date, last: date, *, is_today: bool = False
) -> Response:
    contract = service.broker.read(lambda exchange, _: exchange.books.contracts.get(key))
    if contract is None:
        return bad(Problem("UDAPI1087", "One or more instrument keys are invalid", field="instrumentKey", value=key))
    try:
        count = int(interval)
        most = most_days(unit, count)
    except (KeyError, ValueError):
        return bad(Problem("UDAPI1146", "Invalid unit or interval", field="interval", value=f"{unit}/{interval}"))
    span = (last - first).days + 1
    if span < 1 or (most is not None and span > most):
        return bad(Problem("UDAPI1148", "Invalid date range", field="from_date", value=str(first)))
    begin, end = from_date(first), from_date(last)

    def find(_: object, now: int) -> list[list[object]]:
        # The day that trades is in the intraday call alone.
        wanted = range(begin, end + 1) if is_today else range(begin, min(end + 1, day_index(now)))
        candles = [candle for day in wanted for candle in service.broker.minutes.of(key, day, now)]
        return [candle.row for candle in reversed(merged(candles, unit, count))]

    return good({"candles": service.broker.read(find)})


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _listed(year: int) -> list[Day]:
    found = [day for (exchange, when), day in days().by_date.items() if exchange == "NSE" and when.year == year]
    return sorted(found, key=lambda day: day.day)


def _holiday(day: Day) -> dict[str, Any] | None:
    if day.kind in {DayKind.REGULAR, DayKind.UNKNOWN, DayKind.WEEKEND}:
        return None
    kind = "TRADING_HOLIDAY" if day.kind is DayKind.HOLIDAY else "SPECIAL_TIMING"
    closed = [] if day.trades else ["NSE", "NFO", "CDS", "BSE", "BFO", "BCD"]
    return {"date": str(day.day), "description": day.name, "holiday_type": kind, "closed_exchanges": closed,
            "open_exchanges": _timings(day.day)}  # fmt: skip


def _timings(day: date) -> list[dict[str, Any]]:
    found = []
    for exchange, of_class in _CLASS_OF.items():
        what = day_of(day, "BSE" if exchange.startswith("B") else "NSE")
        if not what.trades or what.hours_unknown:
            continue
        if what.windows:
            begin, end = what.windows[0][0], what.windows[-1][1]
        else:
            rule = next(rule for rule in phases_of(of_class, day) if rule.keys["phase"] == "continuous")
            begin, end = time_of(rule["begin"]), time_of(rule["end"])
        start = day_start(from_date(day))
        found.append({"exchange": exchange, "start_time": (start + begin) // _MS, "end_time": (start + end) // _MS})
    return found


def _status(exchange: str, now: int) -> str:
    day = to_date(day_index(now))
    if not day_of(day, "BSE" if exchange.startswith("B") else "NSE").trades:
        return "NORMAL_CLOSE"
    at = now - day_start(day_index(now))
    spans = {rule.keys["phase"]: (time_of(rule["begin"]), time_of(rule["end"])) for rule in phases_of(_CLASS_OF[exchange], day)}
    phase = next((name for name, (begin, end) in spans.items() if begin <= at < end), "")
    if phase in _BEFORE_OPEN:
        return "PRE_OPEN_START"
    if phase == "post_close":
        return "CLOSING_START"
    if phase == "continuous":
        return "NORMAL_OPEN"
    if at < spans["continuous"][0]:
        is_matching = bool(phase) or any(spans[name][1] <= at for name in _BEFORE_OPEN if name in spans)
        return "PRE_OPEN_END" if is_matching else "NORMAL_CLOSE"
    return "CLOSING_END" if "post_close" in spans and at >= spans["post_close"][1] else "NORMAL_CLOSE"
