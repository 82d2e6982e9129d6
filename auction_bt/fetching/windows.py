"""Which days are asked for, in one call each, and how many minutes they should have."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from itertools import pairwise
from typing import Final

from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import MINUTE_NS, from_date, to_date
from auction_bt.market.calendar import day_of
from auction_bt.market.day import DayKind
from auction_bt.market.sessions import hours_of

# First day of 1-minute candles, and the longest span of a call: a month (Upstox, "Historical Candle Data V3").
FIRST_DAY: Final = from_date(date(2022, 1, 1))


def is_trading_day(day: int) -> bool:
    """Return whether the exchanges open on IST `day`; of a year whose list nobody has yet, whether it is Monday to Friday."""
    found = day_of(to_date(day))
    return found.day.weekday() < 5 if found.kind is DayKind.UNKNOWN else found.trades


def session_minutes(instrument: Instrument, day: int) -> int | None:
    """Return how many minutes `instrument` trades continuously on IST `day`, None where nobody here knows."""
    hours = hours_of(instrument, day)
    session = hours.session
    if session.is_whole_day or (hours.day is not None and hours.day.hours_unknown):
        return None
    return (session.close - session.open - sum(end - begin for begin, end in session.pauses)) // MINUTE_NS


def months(days: range) -> list[range]:
    """Return `days` cut at the first of each month, oldest first."""
    inner = [day for day in days[1:] if to_date(day).day == 1]
    return [range(begin, end) for begin, end in pairwise([days.start, *inner, days.stop]) if begin < end]


def windows(days: range, is_wanted: Callable[[int], bool], is_trading_day: Callable[[int], bool]) -> list[range]:
    """Return the spans to ask for, at most a month each, oldest first.

    Parameters
    ----------
    days : range
        IST days in question.
    is_wanted : callable
        Says of a day whether it is still to be asked for.
    is_trading_day : callable
        A span without a wanted trading day is not asked for; wanted days around them are, a session on a Saturday may be there.
    """
    found = []
    for month in months(days):
        wanted = [day for day in month if is_wanted(day)]
        if any(is_trading_day(day) for day in wanted):
            found.append(range(wanted[0], wanted[-1] + 1))
    return found
