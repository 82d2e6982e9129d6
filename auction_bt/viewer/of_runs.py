"""Answers about runs: what the journal keeps, by pages."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from auction_bt.comparison_text import render_comparison
from auction_bt.core.decision import Decision
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import to_date
from auction_bt.core.trade import Trade
from auction_bt.page.columns import equity_columns
from auction_bt.result import csv_lines, plain, trade_json
from auction_bt.run_comparison import compare
from auction_bt.run_list import Listed
from auction_bt.run_values import comparison_json
from auction_bt.store.journal_pages import MOST, JournalPages, TradeFilter
from auction_bt.stored_run import cash_of, setting_text, settings_in, stored_run
from auction_bt.wording import REFUSALS

from .questions import Query
from .source import Source

_COMPARED: Final = 20_000  # trades of a run: more are read on a terminal, at leisure


def run_list(journal: JournalPages, query: Query) -> dict[str, Any]:
    """Return a page of runs, newest first."""
    limit, offset = query.page()
    found = journal.run_page(query.text("q"), limit, offset)
    runs = []
    for number, text, trades, still_open, net in found.rows:
        settings = settings_in(text)
        changed = Listed(number, settings, trades, still_open, Decimal(repr(net))).changed
        runs.append({**_named(number, settings), "engine": settings.get("engine"), "trades": trades, "open_trades": still_open,
                     "net": net, "changed": {name: setting_text(value) for name, value in changed.items()}})  # fmt: skip
    return {"total": found.total, "offset": offset, "runs": runs}


def one_run(journal: JournalPages, run: int) -> dict[str, Any]:
    """Return a run: its settings and sums."""
    settings = settings_in(journal.settings_of(run))
    return {
        **_named(run, settings),
        "settings": settings,
        "cash": plain(cash_of(settings)),
        "days": [to_date(day).isoformat() for day in journal.days(run)],
        "traded": journal.symbols(run),
        "totals": journal.totals_of(run),
    }


def groups(journal: JournalPages, run: int) -> dict[str, Any]:
    """Return where the result of a run comes from."""
    journal.settings_of(run)
    return {"groups": journal.groups_of(run), "charges_by_kind": journal.charges_of(run)}


def trade_list(journal: JournalPages, run: int, query: Query) -> dict[str, Any]:
    """Return a page of a run's trades."""
    journal.settings_of(run)
    limit, offset = query.page()
    sort, descending = query.text("sort") or "number", bool(query.is_set("desc"))
    found = journal.trade_page(run, query.trades(), sort=sort, descending=descending, limit=limit, offset=offset)
    return {"total": found.total, "net": found.net, "offset": offset, "trades": [trade_row(*row) for row in found.rows]}


def trade_row(number: int, place: int, trade: Trade) -> dict[str, Any]:
    """Return a trade as a row of a table: without its fills."""
    row = trade_json(trade)
    del row["fills"]
    return {"id": number, "number": place, **row}


def trade_csv(journal: Source[JournalPages], run: int, chosen: TradeFilter) -> Iterator[str]:
    """Yield a run's trades as CSV, some lines at a time, so that others may ask between."""
    lines = journal.ask(lambda j: (j.settings_of(run), csv_lines(j.every_trade(run, chosen)))[1])
    while some := journal.ask(lambda _: list(islice(lines, MOST))):
        yield "\n".join([*some, ""])


def equity(journal: JournalPages, run: int) -> dict[str, Any]:
    """Return the account after each closed trade."""
    cash = float(cash_of(settings_in(journal.settings_of(run))))
    value, points = cash, []
    for ts, net in journal.closed(run):
        value += net
        points.append((ts, value))
    return {"cash": cash, **equity_columns(points, cash)}


def decision_list(journal: JournalPages, run: int, query: Query) -> dict[str, Any]:
    """Return a page of what a run decided, newest first."""
    journal.settings_of(run)
    limit, offset = query.page()
    action = query.text("action")
    if action not in {"", "enter", "refuse"}:
        raise BadInput(f"action={action!r} must be enter, refuse or empty")
    found, reasons = journal.decision_page(run, action=action, words=query.text("q"), symbol=query.text("symbol"),
                                           day=query.day("day"), limit=limit, offset=offset)  # fmt: skip
    told = [(reason, count, *REFUSALS.get(reason, ("", ""))) for reason, count in reasons if reason]
    return {
        "total": found.total,
        "offset": offset,
        "reasons": [dict(zip(("reason", "count", "meaning", "mend"), row, strict=True)) for row in told],
        "decisions": [_decision(number, decision) for number, decision in found.rows],
    }


def comparison(journal: JournalPages, query: Query) -> dict[str, Any]:
    """Return what differs between two runs."""
    pair = query.number("left"), query.number("right")
    for run in pair:
        journal.settings_of(run)
        if (count := journal.trade_page(run, TradeFilter(), limit=1).total) > _COMPARED:
            raise BadInput(f"run {run} has {count:,} trades, a page compares up to {_COMPARED:,}: analyze {pair[0]} {pair[1]}")
    left, right = (stored_run(journal, run) for run in pair)
    found = compare(left, right)
    return {**comparison_json(found), "text": render_comparison(left, right, found)}


def _named(run: int, settings: dict[str, Any]) -> dict[str, Any]:
    return {"run": run, "symbols": [str(s) for s in settings.get("symbols", ())], "from": settings.get("from"),
            "to": settings.get("to"), "rule": settings.get("rule")}  # fmt: skip


def _decision(number: int, d: Decision) -> dict[str, Any]:
    levels = {name: plain(getattr(d.levels, name)) for name in ("poc", "vah", "val")}
    return {"id": number, "ts": d.ts, "symbol": d.symbol, "action": d.action, "side": d.side.value, "setup": d.setup,
            "regime": d.regime, "reason": d.reason, "qty": d.qty, "stop": plain(d.stop), **levels,
            "evidence": plain(d.evidence)}  # fmt: skip
