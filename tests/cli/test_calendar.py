"""The calendar command."""

import json

import pytest

from auction_bt.cli import main


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
        ("2025-12-15", "regular", True, [("09:00", "09:08"), ("09:08", "09:15"), ("09:15", "15:30"), ("15:15", "15:20")]),
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


@pytest.mark.parametrize(("day", "says"), [("2027-01-04", "market/days.csv knows"), ("25-11-2026", "is no date")])
def test_what_is_not_known_is_refused(capsys, day, says):
    code, out, err = said(capsys, "--date", day)
    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_today_is_the_default(capsys, monkeypatch):
    monkeypatch.setattr("time.time_ns", lambda: 1_795_622_400_000_000_000)  # 2026-11-25 21:30 in India
    assert said(capsys)[1].startswith("2026-11-25")
