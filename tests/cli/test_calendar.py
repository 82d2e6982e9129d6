"""The calendar command."""

import json
import socket
from datetime import date

import pytest

from auction_bt.cli import main
from tests.broker.server import Broker, holiday, serving
from tests.importing.made import ROOT


def said(capsys, *words):
    code = main(["calendar", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_regular_day_is_explained_class_by_class(capsys):
    code, out, err = said(capsys, "--date", "2026-11-25")
    assert (code, err) == (0, "")
    assert out.startswith("2026-11-25, Wednesday: a regular trading day of the NSE\n")
    assert "Shares with derivatives (closing auction)\n" in out
    assert "  09:15-15:15  continuous trading\n" in out
    assert "  15:05        out of intraday trades; the broker closes them at 15:15  [1]\n" in out
    assert "  [1] unverified: extended from 2026-09-11" in out
    assert "  then 2026-12-01: NIFTY weekly\n" in out
    assert "Closed next: 2026-12-25 Fri, Christmas (likely)\n" in out
    assert "Changing: 2026-12-07 sessions: fno continuous end 15:45 (unverified)\n" in out


@pytest.mark.parametrize(
    ("day", "kind", "trades", "hours"),
    [
        ("2026-11-24", "holiday", False, {}),
        ("2026-11-22", "weekend", False, {}),
        ("2026-11-08", "muhurat", True, {}),
        ("2024-03-02", "special", True, [("09:15", "10:00"), ("11:30", "12:30")]),
        ("2025-12-15", "regular", True, [("09:00", "09:08"), ("09:08", "09:12"), ("09:15", "15:30"), ("15:15", "15:20")]),
    ],
)
def test_json_says_the_same(capsys, day, kind, trades, hours):
    code, out, _ = said(capsys, "--date", day, "--json", "-")
    found = json.loads(out)
    assert (code, found["schema"], found["date"], found["kind"], found["trades"]) == (0, 1, day, kind, trades)
    assert [(p["begin"], p["end"]) for p in found["hours"].get("fno", [])] == (hours or [])
    assert found["hours_known"] == bool(hours)


def test_expiries_of_the_day_are_named_even_where_they_were_moved_there(capsys):
    assert "Expiring: NIFTY weekly, BANKNIFTY monthly" in said(capsys, "--date", "2026-11-23")[1]


def test_the_readme_shows_what_is_printed(capsys):
    out = said(capsys, "--date", "2025-10-21")[1]
    assert f"\n```\n{out}```\n" in (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize(("day", "says"), [("2027-01-04", "market/days.csv knows"), ("25-11-2026", "is no date")])
def test_what_is_not_known_is_refused(capsys, day, says):
    code, out, err = said(capsys, "--date", day)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_today_is_the_default(capsys, monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 1_795_622_400_000_000_000)  # 2026-11-25 21:30 in India
    assert said(capsys)[1].startswith("2026-11-25")


# --- held against the broker


DAY = date(2026, 11, 25)


@pytest.fixture
def broker():
    broker = Broker()
    with serving(broker) as url:
        broker.url = url
        yield broker


@pytest.fixture
def checked(broker, capsys):
    """Return a function that explains a day and asks the broker about it."""
    return lambda day=DAY, *words: said(capsys, "--date", str(day), "--check", "--base-url", broker.url, *words)


def test_a_broker_that_agrees_is_said_to(checked, broker):
    code, out, err = checked()
    assert (code, err) == (0, "")
    assert out.startswith("2026-11-25, Wednesday: a regular trading day")
    assert out.endswith("\n\nUpstox agrees\n")
    assert broker.calls == [("/v2/market/holidays/2026-11-25", None), ("/v2/market/timings/2026-11-25", None)]
    assert json.loads(checked(DAY, "--json", "-")[1])["upstox"] == {"agrees": True, "differences": []}


def test_a_holiday_of_both_agrees(checked, broker):
    day, evening = date(2026, 11, 24), {"MCX": "17:00-23:30"}
    broker.market.listed[day] = holiday(day, "Guru Nanak Jayanti", **evening)
    broker.market.hours[day] = evening
    assert checked(day)[0] == 0
    assert checked(date(2026, 11, 22))[0] == 0


def test_a_holiday_that_came_late_is_a_difference(checked, broker):
    broker.market.listed[DAY] = holiday(DAY, "Elections")
    code, out, err = checked()
    assert (code, err) == (1, "")
    assert out.splitlines()[-3:] == [
        "Difference: Upstox's timings say that 2026-11-25 is closed, our table says regular day",
        "Difference: Upstox calls 2026-11-25 a holiday of BFO, BSE, NFO, NSE (Elections), our table: regular day",
        "differs: do not trade live on this day until the table or the broker is right",
    ]
    code, out, err = checked(DAY, "--json", "-")
    assert (code, err) == (1, "")
    assert json.loads(out)["upstox"]["agrees"] is False
    assert len(json.loads(out)["upstox"]["differences"]) == 2


def test_of_a_day_beyond_our_table_upstox_is_heard(checked):
    code, out, err = checked(date(2027, 1, 4))
    assert (code, err) == (1, "")
    assert out.startswith("2027-01-04, Monday: not in our table of days of the NSE\n")
    assert "Upstox says NSE 09:15-15:30, BSE 09:15-15:30, NFO 09:15-15:40, BFO 09:15-15:40\n" in out


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (403, "holidays of 2026-11-25: refused (403 UDAPI100500 Told to fail)"),
        ("reset", "holidays of 2026-11-25: no answer ("),
        ("cut", "holidays of 2026-11-25: no answer ("),
        ("garbage", "holidays of 2026-11-25: the answer is not what it should be ("),
    ],
)
def test_a_broker_that_does_not_answer_costs_nothing_but_its_answer(checked, broker, fault, says):
    broker.faults = {1: fault, 2: fault}
    code, out, err = checked()
    assert code == 1
    assert out.startswith("2026-11-25, Wednesday: a regular trading day")
    assert says in err
    assert err.count("\n") == 1
    code, out, err = checked(DAY, "--json", "-")
    assert code == 1
    assert json.loads(out)["upstox"] == {"agrees": None, "differences": [], "error": err.removeprefix("auction_bt: ").strip()}
    assert len(broker.calls) == 2  # no call is repeated


def test_nobody_at_the_address(capsys, broker):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        code, out, err = said(
            capsys, "--date", "2026-11-25", "--check", "--base-url", f"http://127.0.0.1:{closed.getsockname()[1]}"
        )
    assert (code, err.count("\n")) == (1, 1)
    assert out.startswith("2026-11-25, Wednesday")
    assert "no answer (" in err


@pytest.mark.parametrize(
    "rows",
    [
        {"NSE": 1},
        [{"exchange": "NSE", "start_time": None, "end_time": 1}],
        [{"exchange": "NSE", "start_time": 10**30, "end_time": 10**30}],
        [{"exchange": ["NSE"], "start_time": 1, "end_time": 1}],
        ["NSE"],
    ],
)
def test_rows_that_are_none_are_no_answer(checked, broker, rows):
    broker.market.timings = lambda day: rows
    code, _, err = checked()
    assert (code, err.count("\n")) == (1, 1)
    assert "timings of 2026-11-25: the answer is not what it should be (no list of timings in it)" in err


def test_whom_to_ask_is_checked_first(capsys):
    code, out, err = said(capsys, "--date", "2026-11-25", "--check", "--base-url", "http://api.upstox.com")
    assert (code, out) == (2, "")
    assert "in the clear" in err
    assert said(capsys, "--date", "2026-11-25", "--base-url", "http://api.upstox.com")[0] == 0  # nobody is asked


# --- the user's own days


HEADER = "date,kind,windows,bse_windows,name,certainty,source\n"


def test_a_day_of_the_users_own_file_says_so(capsys, monkeypatch, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEADER}2027-12-31,known,,,,sure,NSE 1\n2027-01-26,holiday,,,Republic Day,likely,NSE 2\n")
    monkeypatch.setenv("AUCTION_CALENDAR", str(file))
    code, out, err = said(capsys, "--date", "2027-01-26")
    assert (code, err) == (0, "")
    assert out.startswith(
        "2027-01-26, Tuesday: a holiday of the NSE: Republic Day\n  from your own calendar (mine.csv, line 3): likely, by NSE 2\n"
    )
    out = said(capsys, "--date", "2027-01-04")[1]
    assert "  from your own calendar (mine.csv, line 2): sure, by NSE 1\n" in out
    assert "Closed next: 2027-01-26 Tue, Republic Day (likely), mine.csv, line 3\n" in out
    assert json.loads(said(capsys, "--date", "2027-01-04", "--json", "-")[1])["own"] == "mine.csv, line 2"


def test_a_bad_file_of_days_is_bad_input(capsys, monkeypatch, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEADER}2027-01-26,closed,,,,sure,x\n")
    monkeypatch.setenv("AUCTION_CALENDAR", str(file))
    code, out, err = said(capsys, "--date", "2026-11-25")
    assert (code, out) == (2, "")
    assert err == f"auction_bt: {file}:2: 'closed' is no kind of day: write holiday, special, muhurat, regular, or known\n"
