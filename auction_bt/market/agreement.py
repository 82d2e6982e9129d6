"""What the broker says of a day, held against our own tables: live, the broker decides, and a difference stops trading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from auction_bt.core.ist import MINUTE_NS, clock_text, day_start, from_date, to_datetime

from .calendar import day_of
from .day import Day, DayKind, time_of
from .sessions import phases_of

# Names of the timings API, and the class of ours whose longest continuous session it speaks of.
_CLASS_OF: Final = {"NSE": "cash", "BSE": "cash", "NFO": "fno", "BFO": "fno"}
_MS: Final = 1_000_000
_CLOSES: Final = "TRADING_HOLIDAY"  # a SETTLEMENT_HOLIDAY trades


def differences(day: date, holidays: Iterable[Mapping[str, Any]], timings: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return, one line each, where Upstox and our tables disagree about `day`; empty: they agree.

    Parameters
    ----------
    day : date
    holidays : rows of ``/v2/market/holidays``
        ``date, description, holiday_type, closed_exchanges, open_exchanges``.
    timings : rows of ``/v2/market/timings/{date}``
        ``exchange, start_time, end_time`` (ms since 1970).
    """
    ours = day_of(day)
    theirs = {row["exchange"]: row for row in timings if row.get("exchange") in _CLASS_OF}
    about = [row for row in holidays if str(row.get("date"))[:10] == str(day)]
    if ours.kind is DayKind.UNKNOWN:
        return [f"our table of days does not reach {day} ({ours.source}); {_said(theirs, about)}"]
    found = []
    if bool(theirs) != ours.trades:
        said = "trades" if theirs else "is closed"
        found.append(f"Upstox's timings say that {day} {said}, our table says {_named(ours)}")
    for row in about:
        closed = sorted(set(row.get("closed_exchanges") or ()) & set(_CLASS_OF))
        if closed and row.get("holiday_type") == _CLOSES and ours.trades:
            found.append(
                f"Upstox calls {day} a holiday of {', '.join(closed)} ({row.get('description')}), our table: {_named(ours)}"
            )
    if ours.trades and theirs:
        found += [line for exchange in _CLASS_OF if (line := _hours(day, exchange, theirs.get(exchange)))]
    return found


def _said(theirs: Mapping[str, Mapping[str, Any]], about: Iterable[Mapping[str, Any]]) -> str:
    hours = ", ".join(f"{exchange} {_span(*_window(theirs[exchange]))}" for exchange in _CLASS_OF if exchange in theirs)
    names = "".join(f" ({row.get('holiday_type')}: {row.get('description')})" for row in about)
    return f"Upstox says {hours or 'no hours, so it is closed'}{names}"


def _hours(day: date, exchange: str, row: Mapping[str, Any] | None) -> str:
    ours = day_of(day, "BSE" if exchange.startswith("B") else "NSE")
    start = day_start(from_date(day))
    if row is None:
        return f"{exchange} has no hours by Upstox, our table says {_named(ours)}"
    said = _window(row)
    if ours.hours_unknown:
        return f"{exchange} {_span(*said)} by Upstox, our table does not know the hours of {_named(ours)}"
    if ours.windows:
        expected = start + ours.windows[0][0], start + ours.windows[-1][1]
    else:
        rule = next((r for r in phases_of(_CLASS_OF[exchange], day) if r.keys["phase"] == "continuous"), None)
        if rule is None:
            return f"{exchange} {_span(*said)} by Upstox, market/sessions.csv does not reach {day}"
        expected = start + time_of(rule["begin"]), start + time_of(rule["end"])
    if all(abs(a - b) < MINUTE_NS for a, b in zip(said, expected, strict=True)):
        return ""
    return f"{exchange} trades {_span(*said)} by Upstox, {_span(*expected)} by our tables"


def _window(row: Mapping[str, Any]) -> tuple[int, int]:
    return int(row["start_time"]) * _MS, int(row["end_time"]) * _MS


def _named(day: Day) -> str:
    return f"{day.kind.value} day{f' ({day.name})' if day.name else ''}"


def _span(begin: int, end: int) -> str:
    if to_datetime(begin).date() != to_datetime(end).date():
        return f"{to_datetime(begin):%Y-%m-%d %H:%M} to {to_datetime(end):%Y-%m-%d %H:%M}"
    return f"{clock_text(begin)[:5]}-{clock_text(end)[:5]}"
