"""One date as the exchanges see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.session import Span

from .dated import Certainty

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
    own : str
        Where it stands in a file of the user's, for people; '' where our table or the weekday says it.
    """

    day: date
    kind: DayKind
    name: str = ""
    windows: tuple[Span, ...] = ()
    certainty: Certainty = Certainty.SURE
    source: str = ""
    own: str = ""

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


def span_of(text: str) -> Span:
    """Return ``HH:MM-HH:MM`` as ns since IST midnight."""
    begin, _, end = text.partition("-")
    return time_of(begin), time_of(end)


def time_of(text: str) -> int:
    """Return ``HH:MM`` as ns since IST midnight."""
    hour, _, minute = text.partition(":")
    return (int(hour) * 60 + int(minute)) * MINUTE_NS
