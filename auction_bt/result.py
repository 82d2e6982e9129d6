"""What a backtest returns, as values, JSON and CSV: no wall time and no paths, so equal runs give equal bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from math import isfinite
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from .core.decision import Decision
from .core.ist import to_datetime
from .core.summary import Group, Point, Summary
from .core.trade import Trade

SCHEMA: Final = 1

_TABLES: Final = ("by_side", "by_setup", "by_regime", "by_reason", "by_symbol")


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """One run and everything that is said about it.

    Parameters
    ----------
    summary : Summary
    trades : tuple of Trade
        Closed in the order of exits; still open ones last.
    decisions : tuple of Decision
    settings : dict
        Every setting of the run by name; values are numbers, texts, dates, or lists of these.
    data : dict
        By symbol, what the data was: bars, ticks, grade, reasons, …
    other_regime : (name, net in rupees, trades) or None
        The same run by the other regime rule.
    defaults : dict
        What the settings are where nobody says otherwise; the report shows those that differ.
    equity : tuple of (ns, rupees)
        Value of the account whenever it changed; for pictures, and no part of the JSON.
    """

    summary: Summary
    trades: tuple[Trade, ...]
    decisions: tuple[Decision, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    other_regime: tuple[str, Decimal, int] | None = None
    defaults: dict[str, Any] = field(default_factory=dict)
    equity: tuple[Point, ...] = ()


def to_json(result: BacktestResult) -> dict[str, Any]:
    """Return the run as plain JSON values.

    Parameters
    ----------
    result : BacktestResult

    Returns
    -------
    dict
        ``schema``, ``summary``, ``trades``, ``settings``, ``data``. Stamps are int ns since 1970 UTC (``exit_ts`` 0 for a
        trade still open, whose ``reason`` is ``open``), money and prices are numbers, what is undefined is null.
    """
    summary = result.summary
    apart = {*_TABLES, "refused", "signals", "taken", "fills", "charges_by_kind"}
    figures = {name: value for name, value in asdict(summary).items() if name not in apart}
    other = result.other_regime
    return {
        "schema": SCHEMA,
        "summary": {
            **plain(figures),
            "charges_by_kind": plain(dict(summary.charges_by_kind)),
            "gross_only": summary.is_gross_only,
            "tells": summary.verdict.tells,
            "other_regime": other and plain({"name": other[0], "net": other[1], "trades": other[2]}),
            **{table: {g.name: _group(g) for g in getattr(summary, table)} for table in _TABLES},
            "funnel": {"signals": summary.signals, "taken": summary.taken, "refused": dict(summary.refused)},
            "fills": dict(summary.fills),
        },
        "trades": [trade_json(t) for t in result.trades],
        "settings": plain(dict(sorted(result.settings.items()))),
        "data": plain(dict(sorted(result.data.items()))),
    }


def dumps(result: BacktestResult, more: Mapping[str, Any] = MappingProxyType({})) -> str:
    """Return `to_json`, and `more` after it, as ASCII text ending in a newline; equal results give equal bytes everywhere."""
    return json.dumps({**to_json(result), **more}, indent=2, allow_nan=False) + "\n"


def trade_json(trade: Trade) -> dict[str, Any]:
    """Return one trade as plain JSON values."""
    row = _row(trade)
    row["fills"] = [asdict(f) for f in trade.fills]
    return {name: plain(value) for name, value in row.items()}


def csv_lines(trades: Iterable[Trade]) -> Iterator[str]:
    """Yield a header and one line a trade, without line ends; undefined numbers are empty.

    Notes
    -----
    `entry_time` and `exit_time` are IST, for people; `entry_ts` and `exit_ts` are exact.
    """
    header: list[str] = []
    for trade in trades:
        row = _row(trade)
        row["entry_time"] = _ist(trade.entry_ts)
        row["exit_time"] = "" if trade.is_open else _ist(trade.exit_ts)
        if not header:
            header = list(row)
            yield _csv(header)
        yield _csv(["" if isinstance(v, float) and not isfinite(v) else v for v in row.values()])
    if not header:
        yield _csv([*COLUMNS, "entry_time", "exit_time"])


COLUMNS: Final = (
    "symbol", "signal_symbol", "side", "position", "setup", "entry_ts", "entry_price", "exit_ts", "exit_price", "qty", "reason",
    "pnl_gross", "charges", "pnl_net", "regime", "poc", "vah", "val", "mae", "mfe", "r_multiple", "levels", "stop", "entry_seq",
    "exit_seq",
)  # fmt: skip


def plain(value: Any) -> Any:
    """Return `value` made of dict, list, str, int, float, bool and None alone; NaN and infinities become None.

    Raises
    ------
    TypeError
        For anything else, paths above all: a result must not depend on where it was made.
    """
    found: Any
    match value:
        case Enum():
            found = plain(value.value)
        case None | bool() | int() | str():
            found = value
        case float() | Decimal():
            found = float(value) if isfinite(value) else None
        case np.generic() | np.ndarray():
            found = plain(value.tolist())
        case date():
            found = value.isoformat()
        case Mapping():
            found = {str(plain(k)): plain(v) for k, v in value.items()}
        case set() | frozenset():
            found = sorted((plain(v) for v in value), key=repr)
        case list() | tuple():
            found = [plain(v) for v in value]
        case _:
            raise TypeError(f"{type(value).__name__} {value!r} has no place in a result: use numbers, texts, dates and lists")
    return found


def _row(trade: Trade) -> dict[str, Any]:
    levels = trade.levels
    sides = {"side": trade.side.value, "position": (trade.position or trade.side).value}
    named = {**sides, "poc": levels.poc, "vah": levels.vah, "val": levels.val, "levels": levels.source}
    return {name: named[name] if name in named else getattr(trade, name) for name in COLUMNS}


def _group(group: Group) -> dict[str, Any]:
    row: dict[str, Any] = plain(asdict(group))
    del row["name"]
    return row


def _ist(ts: int) -> str:
    return to_datetime(ts).isoformat(timespec="milliseconds")


def _csv(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(values)
    return line.getvalue()
