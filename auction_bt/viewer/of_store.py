"""Answers about the market: charts, levels, the footprint and the feed, from the store."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.core.footprint import footprint_of
from auction_bt.core.ist import MINUTE_NS, day_index, day_start, to_date
from auction_bt.instruments.book import InstrumentBook
from auction_bt.level_text import as_text
from auction_bt.level_values import as_json
from auction_bt.levels import levels_of
from auction_bt.session_data import session_data
from auction_bt.store import TickStore
from auction_bt.store.spool import Spool
from auction_bt.symbols import one_leg

from .questions import Query

_SECOND_NS: Final = 1_000_000_000
_LETTERS: Final = 20
_LETTER: Final = 300  # characters of a dead letter


def symbol_list(store: TickStore, query: Query) -> dict[str, Any]:
    """Return the symbols of a store that have data, with their first and last days."""
    words = query.text("q").casefold().split()
    days: dict[str, list[int]] = {}
    for held in store.holdings():
        if held.bars or held.ticks:
            days.setdefault(held.symbol, []).append(held.day)
    rows = []
    for i in store.instruments():
        if i.symbol in days and all(word in f"{i.symbol} {i.name or ''} {i.kind.value}".casefold() for word in words):
            of = days[i.symbol]
            rows.append({"symbol": i.symbol, "name": i.name or i.symbol, "kind": i.kind.value,
                         "first": _date(min(of)), "last": _date(max(of)), "days": len(of)})  # fmt: skip
    return {"symbols": sorted(rows, key=lambda row: (row["name"], row["symbol"]))}


def symbol_days(store: TickStore, query: Query) -> dict[str, Any]:
    """Return the days a store has of one symbol."""
    found = store.instrument(query.needed("symbol"))
    return {"symbol": found.symbol, "name": found.name or found.symbol, "days": [_date(d) for d in store.days(found.symbol)]}


def span(query: Query) -> tuple[date, date]:
    """Return the days that a chart is asked for."""
    begin = query.date("from")
    if begin is None:
        raise BadInput("from= is needed: the first day, YYYY-MM-DD")
    return begin, query.date("to") or begin


def footprint(store: TickStore, query: Query) -> dict[str, Any]:
    """Return the footprint of one symbol's session."""
    instrument, day = store.instrument(query.needed("symbol")), query.day("day")
    if day is None:
        raise BadInput("day= is needed, YYYY-MM-DD")
    ticks = session_data(store, instrument, day, None).ticks
    found = footprint_of(ticks, float(instrument.tick))
    told = {"symbol": instrument.symbol, "day": _date(day), "tick": float(instrument.tick), "estimated": True}
    if found is None:
        why = "its ticks carry no book" if len(ticks) else "no ticks are stored of this day, only bars"
        return {**told, "reason": why, "t": [], "at": [0], "k": [], "buy": [], "sell": [], "neither": []}
    columns = {name: getattr(found, name).tolist() for name in ("at", "k", "buy", "sell", "neither")}
    return {**told, "reason": None, "t": (found.start // _SECOND_NS).tolist(), **columns}


def levels(store: TickStore, state: Path, query: Query) -> dict[str, Any]:
    """Return the sheet of levels of one symbol and day, in values and in words."""
    day = query.day("date")
    if day is None:
        raise BadInput("date= is needed, YYYY-MM-DD")
    minutes = query.minutes("at")
    until = None if minutes is None else day_start(day) + minutes * MINUTE_NS
    book = InstrumentBook.open_loaded(state)
    try:
        leg = one_leg(store, book, query.needed("symbol"), range(day, day + 1))
    finally:
        if book is not None:
            book.close()
    found = levels_of(store, leg, day, until)
    values = as_json(found)
    return {**values, "text": "\n".join(as_text(values, found.instrument.decimals))}


def feed(store: TickStore, spool: dict[str, Any] | None, query: Query) -> dict[str, Any]:
    """Return how well a day was recorded, and what the recorder is doing."""
    last, day = store.last_raw(), query.day("day")
    held = store.holdings()
    if day is None:
        day = max((h.day for h in held), default=day_index(last) if last else 0)
    begin, end = day_start(day), day_start(day + 1)
    names = {i.symbol: i.name or i.symbol for i in store.instruments()}
    symbols, gaps = [], []
    for h in held:
        if h.day != day:
            continue
        found = store.gaps(h.symbol, begin, end)
        silent = sum(g.end - g.begin for g in found if g.kind == "silence")
        symbols.append({"symbol": h.symbol, "name": names.get(h.symbol, h.symbol), "bars": h.bars, "ticks": h.ticks,
                        "messages": h.messages, "gaps": h.gaps, "lost_s": silent // _SECOND_NS})  # fmt: skip
        gaps += [_gap(h.symbol, g.begin, g.end, g.kind) for g in found]
    for event in store.events(begin, end):
        if event.kind == "gap":
            body = json.loads(event.payload)
            first, until = int(body.get("begin", event.seq)), int(body.get("end", event.seq))
            gaps.append(_gap("", first, until, str(body.get("reason", "gap"))) | {"lost": body.get("lost")})
    return {"day": _date(day), "last_ts": last or None, "messages": store.raw_count(begin, end), "recorder": spool,
            "symbols": symbols, "gaps": sorted(gaps, key=lambda g: g["begin"])}  # fmt: skip


def recorder(spool: Spool) -> dict[str, Any]:
    """Return what a spool says of its recorder."""
    letters = spool.dead_letters()[-_LETTERS:]
    return {
        "running": bool(spool.mark("running", 0)),
        "waiting": spool.waiting(),
        "last_ts": spool.last or None,
        "target": spool.mark("target"),
        "dead": spool.dead_count(),
        "dead_letters": [{"ts": d.ts, "reason": d.reason, "text": d.raw.decode("utf-8", "replace")[:_LETTER]} for d in letters],
    }


def _gap(symbol: str, begin: int, end: int, kind: str) -> dict[str, Any]:
    return {"symbol": symbol, "begin": begin, "end": end, "kind": kind, "seconds": (end - begin) / _SECOND_NS}


def _date(day: int) -> str:
    return to_date(day).isoformat()
