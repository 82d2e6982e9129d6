"""Which days trade, and when: our tables against another's list, against recorded bars, and around every change."""

from datetime import date, timedelta

import pandas as pd
import pytest

from auction_bt.market.agreement import differences
from auction_bt.market.calendar import day_of, is_trading_day
from auction_bt.market.dated import OutsideKnownDates
from auction_bt.market.day import DayKind, span_of
from auction_bt.market.days import KNOWN_FROM, KNOWN_TO
from tests.broker.server import REGULAR, holiday, timings

# Sessions on Saturdays and Sundays: our table has them, pandas_market_calendars does not.
WEEKENDS = [date.fromisoformat(text) for text in (
    "2019-10-27", "2020-02-01", "2020-11-14", "2023-11-12", "2024-01-20", "2024-03-02", "2024-05-18", "2025-02-01", "2026-02-01",
    "2026-11-08",
)]  # fmt: skip


def days(first, last):
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def test_our_days_differ_from_another_list_on_the_weekend_sessions_alone():
    theirs = pytest.importorskip("pandas_market_calendars").get_calendar("NSE").valid_days(str(KNOWN_FROM), str(KNOWN_TO))
    ours = {day for day in days(KNOWN_FROM, KNOWN_TO) if is_trading_day(day)}
    assert ours ^ {day.date() for day in theirs} == set(WEEKENDS)
    assert len(ours) == 1984


@pytest.mark.parametrize(("folder", "name"), [("lean-yesbank-1min-2019", "YESBANK"), ("nifty-fut-1min-2020", "NIFTY_F1")])
def test_the_days_of_recorded_bars_are_our_trading_days(shared_data, folder, name):
    stamps = pd.read_csv(shared_data(folder) / f"{name}_1min.csv.gz", usecols=[0]).iloc[:, 0]
    recorded = {date.fromisoformat(text) for text in stamps.astype(str).str[:10].unique()}
    assert recorded == {day for day in days(min(recorded), max(recorded)) if is_trading_day(day)}


@pytest.mark.parametrize(
    ("day", "kind", "windows"),
    [
        ("2019-10-27", DayKind.MUHURAT, ["18:15-19:15"]),
        ("2021-02-24", DayKind.SPECIAL, ["09:15-11:40", "15:45-17:00"]),
        ("2024-01-20", DayKind.SPECIAL, ["09:15-15:30"]),
        ("2024-01-22", DayKind.HOLIDAY, []),
        ("2024-05-18", DayKind.SPECIAL, ["09:15-10:00", "11:30-12:30"]),
        ("2025-10-21", DayKind.MUHURAT, ["13:45-14:45"]),
        ("2025-12-15", DayKind.REGULAR, []),
        ("2026-02-19", DayKind.REGULAR, []),  # a settlement holiday trades
        ("2026-11-08", DayKind.MUHURAT, []),
        ("2026-11-22", DayKind.WEEKEND, []),
    ],
)
def test_a_day_is_what_the_circulars_made_it(day, kind, windows):
    found = day_of(date.fromisoformat(day))
    assert (found.kind, list(found.windows)) == (kind, [span_of(w) for w in windows])
    assert found.hours_unknown == (day == "2026-11-08")


def test_the_bse_went_on_while_the_nse_stood_still():
    assert day_of(date(2021, 2, 24), "BSE").windows == (span_of("09:15-17:00"),)
    assert day_of(date(2024, 3, 2), "BSE") == day_of(date(2024, 3, 2), "NSE")


@pytest.mark.parametrize("day", [KNOWN_FROM - timedelta(1), KNOWN_TO + timedelta(1), date(2027, 1, 26)])
def test_outside_the_table_nobody_guesses(day):
    assert day_of(day).kind is DayKind.UNKNOWN
    with pytest.raises(OutsideKnownDates, match=rf"market/days.csv .* not {day}"):
        is_trading_day(day)


# --- the broker


def listed(day, kind, closed):
    return holiday(day, "Diwali", kind, closed)


@pytest.mark.parametrize(
    ("day", "holidays", "hours", "says"),
    [
        (date(2026, 11, 25), [], REGULAR, []),
        (date(2026, 11, 25), [listed("2026-11-25", "SETTLEMENT_HOLIDAY", ["NSE"])], REGULAR, []),
        (date(2026, 11, 24), [listed("2026-11-24", "TRADING_HOLIDAY", ["NSE", "NFO", "BSE", "BFO"])], {}, []),
        (date(2026, 11, 24), [], REGULAR, ["timings say that 2026-11-24 trades, our table says holiday day (Prakash"]),
        (date(2026, 11, 25), [], {}, ["timings say that 2026-11-25 is closed, our table says regular day"]),
        (date(2026, 11, 25), [listed("2026-11-25", "TRADING_HOLIDAY", ["NSE", "MCX"])], REGULAR, ["a holiday of NSE (Diwali)"]),
        (date(2026, 11, 25), [], REGULAR | {"NFO": "09:15-15:30"}, ["NFO trades 09:15-15:30 by Upstox, 09:15-15:40 by our"]),
        (date(2026, 11, 25), [], {"NSE": "09:15-15:30", "NFO": "09:15-15:40"},
         ["BSE has no hours by Upstox", "BFO has no hours"]),
        (date(2026, 11, 8), [], dict.fromkeys(REGULAR, "18:15-19:15"),
         [f"{name} 18:15-19:15 by Upstox, our table does not know the hours" for name in ("NSE", "BSE", "NFO", "BFO")]),
        (date(2027, 1, 4), [], REGULAR,
         ["does not reach 2027-01-04 (market/days.csv: 2019-01-01 to 2026-12-31); Upstox says NSE 09:15-15:30, BSE 09:15-15:30, "
          "NFO 09:15-15:40, BFO 09:15-15:40"]),
        (date(2027, 1, 26), [listed("2027-01-26", "TRADING_HOLIDAY", ["NSE"])], {},
         ["Upstox says no hours, so it is closed (TRADING_HOLIDAY: Diwali)"]),
    ],
)  # fmt: skip
def test_where_the_broker_and_our_tables_disagree_each_difference_is_named(day, holidays, hours, says):
    found = differences(day, holidays, timings(day, hours))
    assert len(found) == len(says)
    for line, part in zip(found, says, strict=True):
        assert part in line


def test_a_split_day_agrees_by_its_first_and_last_minute():
    day = date(2024, 3, 2)
    assert differences(day, [], timings(day, dict.fromkeys(REGULAR, "09:15-12:30"))) == []


def test_the_hours_of_the_bse_are_held_against_its_own():
    day = date(2021, 2, 24)
    hours = {"NSE": "09:15-17:00", "NFO": "09:15-17:00", "BSE": "09:15-17:00", "BFO": "09:15-15:30"}
    assert differences(day, [], timings(day, hours)) == ["BFO trades 09:15-15:30 by Upstox, 09:15-17:00 by our tables"]
