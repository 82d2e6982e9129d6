"""Which days the exchanges trade, and on which hours where the day is a special one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.session import Span

from .dated import Certainty, OutsideKnownDates

KNOWN_FROM: Final = date(2019, 1, 1)
KNOWN_TO: Final = date(2026, 12, 31)
_TABLE: Final = "days"
_SATURDAY: Final = 5
_WHOLE: Final = "09:15-15:30"


class DayKind(StrEnum):
    """What a date is to the exchanges."""

    REGULAR = "regular"
    SPECIAL = "special"  # hours of its own: a weekend session, a test, an outage
    MUHURAT = "muhurat"  # one hour on Diwali; a settlement day of its own
    HOLIDAY = "holiday"
    WEEKEND = "weekend"
    UNKNOWN = "unknown"  # outside the table: nobody here knows


@dataclass(frozen=True, slots=True)
class Day:
    """One date.

    Parameters
    ----------
    day : date
    kind : DayKind
    name : str
        What is celebrated or tested.
    windows : tuple of (int, int), ns since IST midnight
        Hours of continuous trading of a special day; none: the segment's own hours, or nobody has said (`hours_unknown`).
    certainty : Certainty
    source : str
    """

    day: date
    kind: DayKind
    name: str = ""
    windows: tuple[Span, ...] = ()
    certainty: Certainty = Certainty.SURE
    source: str = ""

    @property
    def trades(self) -> bool:
        """Whether the exchange opens."""
        return self.kind in {DayKind.REGULAR, DayKind.SPECIAL, DayKind.MUHURAT}

    @property
    def is_whole(self) -> bool:
        """Whether it is a day of full hours: only these count for expiries and daily figures."""
        return self.kind is DayKind.REGULAR or (self.kind is DayKind.SPECIAL and self.windows == (span_of(_WHOLE),))

    @property
    def hours_unknown(self) -> bool:
        """True where the exchange opens and nobody has said when."""
        return self.kind in {DayKind.SPECIAL, DayKind.MUHURAT} and not self.windows


def day_of(day: date, exchange: str = "NSE") -> Day:
    """Return what `day` is; outside the table its kind is ``unknown``, never a guess."""
    found = _days().get((exchange, day)) or _days().get(("NSE", day))
    if found is not None:
        return found
    if not KNOWN_FROM <= day <= KNOWN_TO:
        return Day(
            day, DayKind.UNKNOWN, certainty=Certainty.UNVERIFIED, source=f"market/{_TABLE}.csv: {KNOWN_FROM} to {KNOWN_TO}"
        )
    return Day(day, DayKind.WEEKEND if day.weekday() >= _SATURDAY else DayKind.REGULAR)


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
            f"table market/{_TABLE}.csv knows the exchanges' days from {KNOWN_FROM} to {KNOWN_TO}, not {day}: upgrade"
        )
    return found.trades


def whole_days_before(day: date) -> Iterator[date]:
    """Yield the days of full hours before `day`, the latest first, to where the table begins."""
    while (day := day - timedelta(days=1)) >= KNOWN_FROM:
        if is_trading_day(day) and day_of(day).is_whole:
            yield day


def span_of(text: str) -> Span:
    """Return ``HH:MM-HH:MM`` as ns since IST midnight."""
    begin, _, end = text.partition("-")
    return time_of(begin), time_of(end)


def time_of(text: str) -> int:
    """Return ``HH:MM`` as ns since IST midnight."""
    hour, _, minute = text.partition(":")
    return (int(hour) * 60 + int(minute)) * MINUTE_NS


@cache
def _days() -> dict[tuple[str, date], Day]:
    text = resources.files(__package__).joinpath(f"{_TABLE}.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found: dict[tuple[str, date], Day] = {}
    for row in csv.DictReader(lines, strict=True):
        for exchange, windows in (("NSE", row["windows"]), ("BSE", row["bse_windows"])):
            if exchange == "NSE" or windows:
                day = date.fromisoformat(row["date"])
                spans = tuple(map(span_of, windows.split()))
                found[exchange, day] = Day(
                    day, DayKind(row["kind"]), row["name"], spans, Certainty(row["certainty"]), row["source"]
                )
    return found
