"""The table of days: ours, and over it the rows of a file of the user's."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Final

from auction_bt.core.errors import BadInput

from .dated import Certainty
from .day import Day, DayKind, span_of

VARIABLE: Final = "AUCTION_CALENDAR"
TABLE: Final = "market/days.csv"
KNOWN_FROM: Final = date(2019, 1, 1)
KNOWN_TO: Final = date(2026, 12, 31)  # of our own table
COLUMNS: Final = ("date", "kind", "windows", "bse_windows", "name", "certainty", "source")
_KNOWN: Final = "known"
_KINDS: Final = ("holiday", "special", "muhurat", "regular")
_WITH_HOURS: Final = {DayKind.SPECIAL, DayKind.MUHURAT}
_WINDOWS: Final = re.compile(r"(([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d( |$))*")
_SOON: Final = timedelta(days=31)  # no Indian exchange is without a holiday for much longer


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of days.

    Parameters
    ----------
    line : int
    day : Day
    bse : Day or None
        Where the BSE had other hours.
    is_end : bool
        It says that the days up to its own are known, and nothing of its own.
    """

    line: int
    day: Day
    bse: Day | None
    is_end: bool


@dataclass(frozen=True, slots=True)
class Days:
    """What is known of single days.

    Parameters
    ----------
    by_date : dict of (str, date) to Day
        Days that are not what their weekday says, by exchange: those of the BSE where they differ from the NSE's.
    known_to : date
        Last day of which anything is known.
    end : Day or None
        The user's row that says so; None: our own table reaches as far.
    """

    by_date: dict[tuple[str, date], Day]
    known_to: date = KNOWN_TO
    end: Day | None = None


def days() -> Days:
    """Return the days of our table and of the file that the variable ``AUCTION_CALENDAR`` names.

    Raises
    ------
    BadInput
        The file cannot be read, or a row of it; the message names file and line.

    Notes
    -----
    The environment and not an argument, because every process of a run must see the same days: workers inherit it, and a strategy
    in somebody's own Cerebro has nobody who would pass it. A file is read once.
    """
    return _read(os.environ.get(VARIABLE, ""))


@cache
def _read(path: str) -> Days:
    ours = resources.files(__package__).joinpath("days.csv").read_text("utf-8")
    found: dict[tuple[str, date], Day] = {}
    for row in rows(ours, TABLE):
        _put(found, row)
    if not path:
        return Days(found)
    end = None
    own = list(rows(_text(path), path, f"{Path(path).name}, line "))
    for row in own:
        if row.is_end:
            end = row
        else:
            _put(found, row)
    if end is None or end.day.day <= KNOWN_TO:
        return Days(found)
    last = end.day.day
    if last > KNOWN_TO + _SOON and not any(r.day.kind is DayKind.HOLIDAY and KNOWN_TO < r.day.day <= last for r in own):
        raise BadInput(f"{path}:{end.line}: says that the days to {last} are known, and no row is a holiday after {KNOWN_TO}: "
                       "add the exchanges' list")  # fmt: skip
    return Days(found, last, end.day)


def _put(found: dict[tuple[str, date], Day], row: Row) -> None:
    day = row.day.day
    found["NSE", day] = row.day
    found.pop(("BSE", day), None)
    if row.bse is not None:
        found["BSE", day] = row.bse


def _text(path: str) -> str:
    try:
        return Path(path).read_text("utf-8-sig")
    except OSError as error:
        raise BadInput(f"{VARIABLE} names {path}, which cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # no UTF-8, or a name that is none
        raise BadInput(f"{VARIABLE} names {path}, which is no UTF-8 text") from error


def rows(text: str, where: str, own: str = "") -> Iterator[Row]:
    """Yield the rows of a table of days.

    Parameters
    ----------
    text : str
        CSV with `COLUMNS`; ``#`` begins a remark.
    where : str
        Name of the table for messages.
    own : str
        What is put before the number of the line, for `Day.own`; '' for our own table.

    Raises
    ------
    BadInput
        A row cannot be used.
    """
    seen: dict[str, int] = {}
    is_begun = False
    for line, written in enumerate(text.splitlines(), 1):
        try:
            cells = [cell.strip() for cell in next(csv.reader([written], strict=True), [])]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if not is_begun:
                if tuple(cells) != COLUMNS:
                    raise ValueError(f"the first row must be {','.join(COLUMNS)}")
                is_begun = True
                continue
            row = _row(line, cells, f"{own}{line}" if own else "")
            what = _KNOWN if row.is_end else str(row.day.day)
            if what in seen:
                raise ValueError(f"{what} stands in line {seen[what]} already")
        except (ValueError, csv.Error) as error:
            raise BadInput(f"{where}:{line}: {error}") from None
        seen[what] = line
        yield row


def _row(line: int, cells: list[str], own: str) -> Row:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells, not the {len(COLUMNS)} of {','.join(COLUMNS)}")
    on, kind, windows, bse_windows, name, certainty, source = cells
    day = _date(on)
    is_end = kind == _KNOWN
    if not is_end and kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of day: write {', '.join(_KINDS)}, or {_KNOWN}")
    if certainty not in tuple(Certainty):
        raise ValueError(f"{certainty!r} is no certainty: write {', '.join(Certainty)}")
    if not source:
        raise ValueError("it has no source: write the circular, or where else it comes from")
    is_of = DayKind.REGULAR if is_end else DayKind(kind)
    if (windows or bse_windows) and is_of not in _WITH_HOURS:
        raise ValueError(f"a {kind} day has no windows: only {' and '.join(_WITH_HOURS)} days have hours of their own")
    spans, bse_spans = _spans(windows), _spans(bse_windows)
    nse, bse = (Day(day, is_of, name, each, Certainty(certainty), source, own) for each in (spans, bse_spans))
    return Row(line, nse, bse if bse_windows else None, is_end)


def _date(text: str) -> date:
    day: date | None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or str(day) != text:  # the other forms of ISO 8601 are right too, and nobody means them
        raise ValueError(f"{text!r} is no date: write YYYY-MM-DD")
    return day


def _spans(text: str) -> tuple[tuple[int, int], ...]:
    found = tuple(span_of(each) for each in text.split()) if _WINDOWS.fullmatch(text) else ()
    in_order = all(begin < end for begin, end in found) and all(a[1] < b[0] for a, b in pairwise(found))
    if bool(text) != bool(found) or not in_order:
        raise ValueError(f"{text!r} are no windows: write HH:MM-HH:MM, and a blank between two of them")
    return found
