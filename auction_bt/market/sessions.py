"""When an instrument trades on a date: its class, the phases of its day, and the hour by which an intraday trade is closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, to_date
from auction_bt.core.session import CLOSED, WHOLE_DAY, Session

from .calendar import day_of
from .dated import DatedTable, Rule, load
from .day import Day, DayKind, time_of

CLASSES: Final = ("cash", "cash_auction", "fno", "fno_expiry", "index")
PHASES: Final = (
    "pre_open_orders", "pre_open_limit_only", "pre_open_match", "continuous",
    "auction_reference", "auction_orders", "auction_limit_only", "auction_match", "post_close",
)  # fmt: skip
_AUCTION_SINCE: Final = date(2026, 8, 3)
# A special session is short, and nobody publishes the broker's times of it: out ten minutes before its end.
_BEFORE_SPECIAL_CLOSE: Final = 10 * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Hours:
    """A session and what is to be said about it.

    Parameters
    ----------
    session : Session
    of_class : str
        One of `CLASSES`; '' for data from elsewhere.
    day : Day or None
        What the date is; None for data from elsewhere.
    doubts : tuple of str
        What is not sure, for people.
    """

    session: Session
    of_class: str = ""
    day: Day | None = None
    doubts: tuple[str, ...] = ()


def session_of(instrument: Instrument, day: int) -> Session:
    """Return the continuous session of `instrument` on IST day `day`; see `hours_of`."""
    if instrument.kind is Kind.OTHER:
        return WHOLE_DAY
    return _session(class_of(instrument, day), day_of(to_date(day), _exchange_of(instrument)))


def hours_of(instrument: Instrument, day: int) -> Hours:
    """Return the continuous session of `instrument` on IST day `day`, with its doubts.

    Notes
    -----
    Nothing is inside the session of a day on which the exchange is closed, nor of one whose hours nobody has said. A date outside
    the table of days has the hours of a regular day, with a doubt: for stored data, which show that the day traded. Whoever
    trades real money asks the broker (`market.agreement`).
    """
    if instrument.kind is Kind.OTHER:
        return Hours(WHOLE_DAY)
    date_, of_class = day_of(to_date(day), _exchange_of(instrument)), class_of(instrument, day)
    return Hours(_session(of_class, date_), of_class, date_, tuple(_doubts(instrument, date_, of_class)))


@lru_cache(4096)  # hundreds of symbols have one and the same, and all of them ask at their first bar of a day
def _session(of_class: str, date_: Day) -> Session:
    if (not date_.trades and date_.kind is not DayKind.UNKNOWN) or date_.hours_unknown:
        return CLOSED
    if date_.kind is DayKind.UNKNOWN or not date_.windows:
        rule = _nearest(_sessions(), date_.day, **{"class": of_class, "phase": "continuous"})
        leave = _nearest(_square_off(), date_.day, **{"class": of_class}) if of_class != "index" else None
        open_, close = time_of(rule["begin"]), time_of(rule["end"])
        flat_by = min(time_of(leave["flat_by"]), close) if leave else None
        return Session(open_, close, flat_by)
    windows = date_.windows
    pauses = tuple((before[1], after[0]) for before, after in pairwise(windows))
    return Session(windows[0][0], windows[-1][1], windows[-1][1] - _BEFORE_SPECIAL_CLOSE, pauses)


def _exchange_of(instrument: Instrument) -> str:
    return "BSE" if instrument.symbol.startswith("BSE") else "NSE"


def class_of(instrument: Instrument, day: int) -> str:
    """Return the class of session an instrument has on IST day `day`; one of `CLASSES`."""
    if instrument.kind is Kind.INDEX:
        return "index"
    if instrument.kind in {Kind.FUTURE, Kind.OPTION}:
        contract = instrument.contract
        last_day = contract is not None and contract.expiry == day and "_INDEX|" in contract.underlying
        return "fno_expiry" if last_day else "fno"
    # Unknown: as if it had the auction, which never takes an auction's print for a trade.
    return "cash" if instrument.closing_auction is False else "cash_auction"


def phases_of(of_class: str, day: date) -> Iterator[Rule]:
    """Yield the phases of a regular day of a class in order; values ``begin`` and ``end`` are ``HH:MM``."""
    for phase in PHASES:
        rule = _sessions().find(day, **{"class": of_class, "phase": phase})
        if rule is not None:
            yield rule


def square_off_of(of_class: str, day: date) -> Rule:
    """Return by when a class is flat on a regular day: ``flat_by`` and the ``broker``'s own time, ``HH:MM``."""
    return _square_off().on(day, **{"class": of_class})


def _doubts(instrument: Instrument, day: Day, of_class: str) -> Iterator[str]:
    if day.kind is DayKind.UNKNOWN:
        yield f"{day.day} is outside the table of days ({day.source}): the hours of a regular day are assumed"
    elif day.hours_unknown:
        yield f"{day.day} ({day.name}): nobody has said the hours, so all of it is left out"
    elif not day.trades:
        name = f" ({day.name})" if day.name else ""
        yield f"{day.day} is a {day.kind.value}{name}: the exchange is closed, its data are left out"
    if day.own:
        yield f"a {day.kind.value} day by the user's own calendar ({day.own})"
    if day.hours_unknown or not (day.trades or day.kind is DayKind.UNKNOWN):
        return
    if of_class == "cash_auction" and instrument.closing_auction is None and day.day >= _AUCTION_SINCE:
        yield (f"{instrument.symbol}: whether its day ends in the closing auction is not known, it is taken as if "
               "(instruments --refresh knows)")  # fmt: skip
    for table, keys in ((_sessions(), {"class": of_class, "phase": "continuous"}), (_square_off(), {"class": of_class})):
        if table.history(**keys) and not day.windows:
            rule = table.find(day.day, **keys)
            if rule is None:
                yield f"market/{table.name}.csv does not know {of_class} on {day.day}: the nearest rule is taken"
            elif rule.certainty == "unverified":
                what = f"hours {rule['begin']}-{rule['end']}" if table is _sessions() else f"broker's square-off {rule['broker']}"
                yield f"{what} of {of_class} from {rule.valid_from}: {rule.doubt}"


def _nearest(table: DatedTable, day: date, **keys: str) -> Rule:
    found = table.find(day, **keys)
    if found is not None:
        return found
    history = table.history(**keys)
    return history[0] if day < history[0].valid_from else history[-1]


def _sessions() -> DatedTable:
    return load("sessions", "class", "phase")


def _square_off() -> DatedTable:
    return load("square_off", "class")
