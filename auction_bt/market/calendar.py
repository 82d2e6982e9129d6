"""Which days the exchanges trade, and on which hours where the day is a special one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Final

from auction_bt.core.ist import to_date

from .dated import Certainty, OutsideKnownDates
from .day import Day, DayKind
from .days import KNOWN_FROM, KNOWN_TO, TABLE, VARIABLE, days

_SATURDAY: Final = 5


def day_of(day: date, exchange: str = "NSE") -> Day:
    """Return what `day` is; outside the table its kind is ``unknown``, never a guess."""
    table = days()
    found = table.by_date.get((exchange, day)) or table.by_date.get(("NSE", day))
    if found is not None:
        return found
    if not KNOWN_FROM <= day <= table.known_to:
        reach = f"{TABLE}: {KNOWN_FROM} to {KNOWN_TO}" + (f"; {table.end.own}: to {table.known_to}" if table.end else "")
        return Day(day, DayKind.UNKNOWN, certainty=Certainty.UNVERIFIED, source=reach)
    kind = DayKind.WEEKEND if day.weekday() >= _SATURDAY else DayKind.REGULAR
    if day > KNOWN_TO and table.end is not None:
        return Day(day, kind, certainty=table.end.certainty, source=table.end.source, own=table.end.own)
    return Day(day, kind)


def known_to() -> date:
    """Return the last day that is known: of our table, or of the user's file where that reaches farther."""
    return days().known_to


def is_trading_day(day: date) -> bool:
    """Return whether the exchanges open on `day`.

    Raises
    ------
    OutsideKnownDates
        Nobody here knows: the list of that year is not in the table.
    """
    found = day_of(day)
    if found.kind is DayKind.UNKNOWN:
        raise OutsideKnownDates(
            f"table {TABLE} knows the exchanges' days from {KNOWN_FROM} to {known_to()}, not {day}: "
            f"upgrade, or add the list of that year ({VARIABLE})"
        )
    return found.trades


def whole_days_before(day: date) -> Iterator[date]:
    """Yield the days of full hours before `day`, the latest first, to where the table begins."""
    while (day := day - timedelta(days=1)) >= KNOWN_FROM:
        if is_trading_day(day) and day_of(day).is_whole:
            yield day


def closed_among(numbers: Iterable[int]) -> str:
    """Return, for people, the first of some IST days on which no exchange trades, and how many there are; empty for none.

    Notes
    -----
    A day that nobody here knows is not among them.
    """
    found = [day for number in numbers if not (day := day_of(to_date(number))).trades and day.kind is not DayKind.UNKNOWN]
    if not found:
        return ""
    first = found[0]
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    return f"{first.day} is no trading day ({first.name or f'{first.day:%A}'}){more}"
