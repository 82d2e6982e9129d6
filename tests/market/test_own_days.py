"""The user's own file of days over our table: what it adds, what it overrides, and how a bad row is refused."""

import re
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import from_date
from auction_bt.market.calendar import day_of, is_trading_day, known_to
from auction_bt.market.dated import OutsideKnownDates
from auction_bt.market.day import DayKind, span_of
from auction_bt.market.days import COLUMNS, KNOWN_TO
from auction_bt.market.expiries import expiries_of, next_expiry
from auction_bt.market.sessions import hours_of
from tests.importing.made import ENVIRONMENT

HEADER = ",".join(COLUMNS)
OWN = f"""\
# my own days
{HEADER}
2027-12-31,known,,,the list of 2027,sure,a circular
2027-01-26,holiday,,,Republic Day,sure,a circular

2027-02-06,special,09:15-10:00 11:30-12:30,09:15-12:30,A test,likely,a circular
2026-12-24,holiday,,,Elections,sure,a circular of the 22nd
2026-12-25,regular,,,Christmas was taken back,sure,a circular
2021-02-24,special,09:15-17:00,,As if nothing had been,sure,me
"""
FUTURE = Instrument("NSE_FO|1", Decimal("0.05"), 65, Kind.FUTURE)


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Return a function that makes a text the user's file of days."""
    file = tmp_path / "calendar.csv"
    monkeypatch.setenv("AUCTION_CALENDAR", str(file))

    def write(text=OWN):
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_rows_add_to_ours_and_override_them(own):
    own()
    assert known_to() == date(2027, 12, 31)
    assert [day_of(date(2026, 12, d)).kind for d in (23, 24, 25)] == [DayKind.REGULAR, DayKind.HOLIDAY, DayKind.REGULAR]
    assert not is_trading_day(date(2027, 1, 26))
    test = day_of(date(2027, 2, 6))
    assert (test.windows, test.own) == ((span_of("09:15-10:00"), span_of("11:30-12:30")), "calendar.csv, line 6")
    assert day_of(date(2027, 2, 6), "BSE").windows == (span_of("09:15-12:30"),)
    assert day_of(date(2021, 2, 24), "BSE").windows == (span_of("09:15-17:00"),)
    assert day_of(date(2026, 11, 24)).own == ""


def test_days_that_only_the_users_file_knows_say_so(own):
    own()
    weekday, sunday = day_of(date(2027, 1, 4)), day_of(date(2027, 1, 3))
    assert (weekday.kind, weekday.own, weekday.source) == (DayKind.REGULAR, "calendar.csv, line 3", "a circular")
    assert (sunday.kind, sunday.own) == (DayKind.WEEKEND, "calendar.csv, line 3")
    assert day_of(date(2028, 1, 3)).source == "market/days.csv: 2019-01-01 to 2026-12-31; calendar.csv, line 3: to 2027-12-31"
    with pytest.raises(OutsideKnownDates, match="to 2027-12-31, not 2028-01-03: upgrade, or add the list of that year"):
        is_trading_day(date(2028, 1, 3))


def test_sessions_and_expiries_follow(own):
    own()
    assert expiries_of("NIFTY", "weekly", 2027, 1) == [date(2027, 1, d) for d in (5, 12, 19, 25)]
    assert next_expiry("SENSEX", "weekly", date(2026, 12, 18)) == date(2026, 12, 23)
    assert hours_of(FUTURE, from_date(date(2027, 1, 26))).session.is_closed
    doubts = [doubt for d in (4, 5) for doubt in hours_of(FUTURE, from_date(date(2027, 1, d))).doubts]
    assert doubts.count("a regular day by the user's own calendar (calendar.csv, line 3)") == 2
    assert (
        "a holiday day by the user's own calendar (calendar.csv, line 4)" in hours_of(FUTURE, from_date(date(2027, 1, 26))).doubts
    )


def test_rows_without_a_last_day_make_no_other_day_known(own):
    own(f"{HEADER}\n2027-01-26,holiday,,,,sure,x\n")
    assert known_to() == KNOWN_TO
    assert day_of(date(2027, 1, 26)).kind is DayKind.HOLIDAY
    assert day_of(date(2027, 1, 25)).kind is DayKind.UNKNOWN


def test_what_our_table_has_outgrown_takes_nothing_away(own):
    own(f"{HEADER}\n2026-06-30,known,,,,sure,x\n")
    assert known_to() == KNOWN_TO
    assert day_of(date(2026, 12, 30)).own == ""


def test_what_a_spreadsheet_makes_of_it_is_read(own):
    own(b"\xef\xbb\xbf" + OWN.replace("# my own days", '"# mine, with a comma",,,,,,').replace("\n\n", "\n,,,,,,\n")
        .replace("\n", "\r\n").encode())  # fmt: skip
    assert day_of(date(2027, 2, 6)).own == "calendar.csv, line 6"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("2027-01-26,holiday", "2 cells, not the 7 of date,kind,"),
        ("26-01-2027,holiday,,,,sure,x", "'26-01-2027' is no date: write YYYY-MM-DD"),
        ("2027-02-29,holiday,,,,sure,x", "'2027-02-29' is no date"),
        ("20270126,holiday,,,,sure,x", "'20270126' is no date"),
        ("2027-W01-1,holiday,,,,sure,x", "'2027-W01-1' is no date"),
        ("2027-01-26,closed,,,,sure,x", "'closed' is no kind of day: write holiday, special, muhurat, regular, or known"),
        ("2027-01-26,unknown,,,,sure,x", "'unknown' is no kind of day"),
        ("2027-01-26,holiday,,,,certain,x", "'certain' is no certainty: write sure, likely, unverified"),
        ("2027-01-26,holiday,,,,,x", "'' is no certainty"),
        ("2027-01-26,holiday,,,,sure,", "it has no source"),
        ("2027-01-26,holiday,09:15-15:30,,,sure,x", "a holiday day has no windows: only"),
        ("2027-12-31,known,09:15-15:30,,,sure,x", "a known day has no windows"),
        ("2027-01-30,special,9:15-15:30,,,sure,x", "'9:15-15:30' are no windows"),
        ("2027-01-30,special,09:15-24:30,,,sure,x", "are no windows"),
        ("2027-01-30,special,10:00-09:15,,,sure,x", "are no windows"),
        ("2027-01-30,special,11:30-12:30 09:15-10:00,,,sure,x", "are no windows"),
        ("2027-01-30,special,,09:15,,sure,x", "'09:15' are no windows"),
        ("2026-12-24,holiday,,,,sure,x", "2026-12-24 stands in line 2 already"),
        ('2027-01-26,holiday,,,"Republic,sure,x', "unexpected end of data"),
        ("2027-12-31,known,,,,sure,x", "the days to 2027-12-31 are known, and no row is a holiday after 2026-12-31"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(own, row, says):
    file = own(f"{HEADER}\n2026-12-24,holiday,,,,sure,x\n{row}\n")
    with pytest.raises(BadInput, match=f"^{re.escape(str(file))}:3: .*{re.escape(says)}"):
        day_of(date(2026, 1, 1))


def test_a_second_last_day_and_a_strange_first_row_are_refused(own):
    file = own(f"{HEADER}\n2027-01-15,known,,,,sure,x\n2027-01-20,known,,,,sure,x\n")
    with pytest.raises(BadInput, match="known stands in line 2 already"):
        known_to()
    file.write_text("day,kind\n")
    with pytest.raises(BadInput, match=rf":1: the first row must be {HEADER}"):
        known_to()


def test_a_few_days_may_be_known_without_a_holiday(own):
    own(f"{HEADER}\n{KNOWN_TO + timedelta(31)},known,,,,likely,x\n")
    assert known_to() == date(2027, 1, 31)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", "folder"])
def test_a_file_that_cannot_be_read_is_named(own, tmp_path, content):
    if content == "folder":
        (tmp_path / "calendar.csv").mkdir()
    elif content is not None:
        own(content)
    with pytest.raises(BadInput, match=r"AUCTION_CALENDAR names .*calendar\.csv, which (cannot be read|is no UTF-8 text)"):
        known_to()


def test_another_process_sees_the_same_days(own):
    file = own()
    code = "import datetime as d; from auction_bt.market.calendar import day_of; print(day_of(d.date(2027, 1, 26)).kind)"
    environment = ENVIRONMENT | {"AUCTION_CALENDAR": str(file)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "holiday\n"
