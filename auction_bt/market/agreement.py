"""What the broker says of a day, held against our own tables: live, the broker decides, and a difference stops trading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, Final

from auction_bt.core.ist import MINUTE_NS, clock_text, day_start, from_date, to_datetime

from .calendar import Day, DayKind, day_of, time_of
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
    found = []
    if ours.kind is DayKind.UNKNOWN:
        found.append(f"our table of days does not reach {day} ({ours.source})")
    theirs = {row["exchange"]: row for row in timings if row.get("exchange") in _CLASS_OF}
    if ours.kind is not DayKind.UNKNOWN and bool(theirs) != ours.trades:
        said = "trades" if theirs else "is closed"
        found.append(f"Upstox's timings say that {day} {said}, our table says {_named(ours)}")
    for row in holidays:
        if str(row.get("date"))[:10] != str(day):
            continue
        closed = sorted(set(row.get("closed_exchanges") or ()) & set(_CLASS_OF))
        if closed and row.get("holiday_type") == _CLOSES and ours.trades:
            found.append(
                f"Upstox calls {day} a holiday of {', '.join(closed)} ({row.get('description')}), our table: {_named(ours)}"
            )
    if ours.trades:
        found += [line for exchange, row in sorted(theirs.items()) if (line := _hours(ours, exchange, row))]
    return found


def _hours(ours: Day, exchange: str, row: Mapping[str, Any]) -> str:
    start = day_start(from_date(ours.day))
    said = tuple(int(row[name]) * _MS for name in ("start_time", "end_time"))
    if ours.hours_unknown:
        return f"{exchange} {_span(*said)} by Upstox, our table does not know the hours of {_named(ours)}"
    if ours.windows:
        expected = start + ours.windows[0][0], start + ours.windows[-1][1]
    else:
        rule = next((r for r in phases_of(_CLASS_OF[exchange], ours.day) if r.keys["phase"] == "continuous"), None)
        if rule is None:
            return f"{exchange} {_span(*said)} by Upstox, market/sessions.csv does not reach {ours.day}"
        expected = start + time_of(rule["begin"]), start + time_of(rule["end"])
    if all(abs(a - b) < MINUTE_NS for a, b in zip(said, expected, strict=True)):
        return ""
    return f"{exchange} trades {_span(*said)} by Upstox, {_span(*expected)} by our tables"


def _named(day: Day) -> str:
    return f"{day.kind.value} day{f' ({day.name})' if day.name else ''}"


def _span(begin: int, end: int) -> str:
    if to_datetime(begin).date() != to_datetime(end).date():
        return f"{to_datetime(begin):%Y-%m-%d %H:%M} to {to_datetime(end):%Y-%m-%d %H:%M}"
    return f"{clock_text(begin)[:5]}-{clock_text(end)[:5]}"
