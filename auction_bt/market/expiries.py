"""The days on which contracts expire, by rule: to check the broker's master with, and for years nobody kept one."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

from .calendar import day_of, is_trading_day, whole_days_before
from .dated import DatedTable, load


def expiries_of(underlying: str, series: str, year: int, month: int) -> list[date]:
    """Return the expiries of a month.

    Parameters
    ----------
    underlying : str
        ``NIFTY``, ``BANKNIFTY``, …, ``SENSEX``, ``NSE_STOCKS``.
    series : str
        ``monthly``: the last of its weekday; ``weekly``: all of them, the monthly one included.

    Raises
    ------
    OutsideKnownDates
        The rule of the whole month is not known, or its trading days are not.

    Notes
    -----
    Where the day is no whole trading day, contracts expire on the one before, which may lie in another month. A month in which
    the weekday changes holds the old ones before the change and the new ones after it.
    """
    table = _table()
    last = calendar.monthrange(year, month)[1]
    days = [date(year, month, d) for d in range(1, last + 1)]
    rules = {day: table.find(day, underlying=underlying, series=series) for day in days}
    if not any(rules.values()):
        table.on(days[0], underlying=underlying, series=series)  # raises, naming what is known
    nominal = [day for day, rule in rules.items() if rule is not None and calendar.day_name[day.weekday()] == rule["weekday"]]
    if series == "monthly":
        nominal = nominal[-1:]
    return [shifted(day) for day in nominal]


def next_expiry(underlying: str, series: str, day: date) -> date:
    """Return the first expiry on or after `day`; see `expiries_of`."""
    first = day.replace(day=1)
    while True:
        found = [e for e in expiries_of(underlying, series, first.year, first.month) if e >= day]
        if found:
            return min(found)
        first = (first + timedelta(days=32)).replace(day=1)


def underlyings(series: str, day: date) -> list[str]:
    """Return who has a rule of this series on `day`."""
    return sorted({r.keys["underlying"] for r in _table().rules if r.keys["series"] == series and r.holds_on(day)})


def shifted(nominal: date) -> date:
    """Return `nominal`, or the whole trading day before it."""
    return nominal if is_trading_day(nominal) and day_of(nominal).is_whole else next(whole_days_before(nominal))


def _table() -> DatedTable:
    return load("expiries", "underlying", "series")
