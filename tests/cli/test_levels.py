"""The levels command, on a real store."""

import argparse
import datetime as dt
import json
from decimal import Decimal
from itertools import pairwise

import pytest

from auction_bt.cli import levels as command
from auction_bt.cli import main
from auction_bt.core.bar import Bar, BarColumns
from auction_bt.core.errors import BadInput, NothingToDo, UnknownSymbol
from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.core.tick import TickColumns
from auction_bt.store.dsn import open_store

DAY = from_date(dt.date(2024, 1, 15))
EXPIRY = from_date(dt.date(2024, 1, 25))
FUTURE = Instrument("NSE_FO|1", Decimal("0.05"), 50, Kind.FUTURE, "X-FUT", Contract("NSE_INDEX|X", EXPIRY))
INDEX = Instrument("NSE_INDEX|3", Decimal("0.05"), 1, Kind.INDEX, "X")


def bars_of(symbol, day, prices, volume=60):
    """A minute a quarter of an hour, from each price to the next."""
    opened, found = day_start(day) + (9 * 60 + 15) * MINUTE_NS, []
    for i, (a, b) in enumerate(pairwise(prices)):
        ts = opened + 15 * i * MINUTE_NS
        found.append(Bar(symbol, ts, a, max(a, b), min(a, b), b, volume, 0, ts + MINUTE_NS))
    return BarColumns.of(found)


@pytest.fixture
def dsn(tmp_path):
    where = f"sqlite:///{tmp_path / 'auction.db'}"
    days = {
        DAY: [100.0, 101.0, 100.0, 101.0, 100.0, 100.5],
        DAY + 1: [101.5, 102.0, 103.0, 102.0, 103.0, 102.5],
        DAY + 2: [104.0, 103.0, 102.5, 102.6, 102.7, 102.4, 102.3],
    }
    with open_store(where, create=True) as store:
        for instrument in (FUTURE, INDEX):
            store.put_instrument(instrument)
            for day, prices in days.items():
                bars = bars_of(instrument.symbol, day, prices, 60 if instrument is FUTURE else 0)
                store.put_derived(instrument.symbol, range(day, day + 1), TickColumns.empty(), bars, [])
    return where


def run(dsn, *options, symbol="NSE_FO|1", date="2024-01-17"):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.run(parser.parse_args(["--symbol", symbol, "--date", date, "--store", dsn, *options]))


def as_json(capsys, dsn, *options, **where):
    assert run(dsn, "--json", "-", *options, **where) == 0
    return json.loads(capsys.readouterr().out)


def test_a_day_has_the_levels_of_the_one_before_and_its_own(dsn, capsys):
    got = as_json(capsys, dsn)
    prior, today = got["prior"], got["today"]
    assert [prior[k] for k in ("date", "open", "high", "low", "close")] == ["2024-01-16", 101.5, 103.0, 101.5, 102.5]
    assert prior["source"] == "candles"
    assert got["value_migration"] == "higher"
    assert got["value_overlap"] == 0
    assert [n["date"] for n in got["naked_pocs"]] == ["2024-01-15"]
    assert today["initial_balance"] == {"low": 102.5, "high": 104.0, "width": 1.5, "is_complete": True}
    assert today["ib_multiples"][1] == {"multiple": 2.0, "below": 101.0, "above": 105.5}
    assert today["range_extension"] == {"down": 0.2, "up": 0.0}
    assert today["opened"] == "out of range"
    assert got["expiry"] == {"date": "2024-01-25", "days": 8, "by": "contract"}
    assert got["composite"]["sessions"] == 2
    assert as_json(capsys, dsn, "--composite", "1")["composite"]["sessions"] == 1


def test_at_a_time_nothing_later_is_known(dsn, capsys):
    got = as_json(capsys, dsn, "--at", "09:31")["today"]
    assert (got["high"], got["low"], got["close"]) == (104.0, 102.5, 102.5)
    assert got["range_extension"] is None
    early = as_json(capsys, dsn, "--at", "09:10")
    assert early["today"] is None
    assert early["reasons"]["today"] == "nothing in the session was known by then"
    assert early["prior"]["date"] == "2024-01-16"


def test_tomorrow_has_the_levels_of_the_sessions_before(dsn, capsys):
    got = as_json(capsys, dsn, date="2024-01-18")
    assert (got["prior"]["date"], got["today"], got["eighty_rule"]) == ("2024-01-17", None, None)
    assert got["reasons"]["today"] == "the store holds nothing of 2024-01-18"
    assert as_json(capsys, dsn, date="2024-01-21")["prior"]["date"] == "2024-01-17"  # a Sunday


@pytest.mark.parametrize("options", [(), ("--at", "09:40"), ("--at", "09:00")])
@pytest.mark.parametrize("symbol", ["NSE_FO|1", "x"])
@pytest.mark.parametrize("date", ["2024-01-15", "2024-01-17", "2024-01-18"])
def test_the_sheet_fits_and_says_why_something_is_missing(dsn, capsys, options, symbol, date):
    if date == "2024-01-15" and options == ("--at", "09:00"):
        with pytest.raises(NothingToDo, match="no session of NSE_"):
            run(dsn, *options, symbol=symbol, date=date)
        return
    assert run(dsn, *options, symbol=symbol, date=date) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    assert not [line for line in lines if line.endswith("–") or "None" in line or "nan" in line]


def test_an_index_has_no_value_and_says_so(dsn, capsys):
    got = as_json(capsys, dsn, symbol="X")
    assert got["today"]["poc"] is None
    assert got["today"]["initial_balance"]["width"] == 1.5
    assert got["reasons"]["today.poc"] == "an index has no volume: use its future"


def test_json_goes_to_a_file_too(dsn, tmp_path, capsys):
    assert run(dsn, "--json", str(tmp_path / "l.json")) == 0
    assert "80 % rule" in capsys.readouterr().out
    assert json.loads((tmp_path / "l.json").read_text())["date"] == "2024-01-17"


@pytest.mark.parametrize(
    ("options", "where", "error", "words"),
    [
        (["--at", "25:00"], {}, BadInput, "HH:MM"),
        (["--composite", "0"], {}, BadInput, "composite 0"),
        ([], {"date": "17.01.2024"}, BadInput, "YYYY-MM-DD"),
        ([], {"symbol": "NSE_FO|9"}, UnknownSymbol, "NSE_FO|1"),
        ([], {"date": "2024-01-12"}, NothingToDo, "the store has 2024-01-15 to 2024-01-17"),
        (["--json", "/none/x.json"], {}, BadInput, "cannot write"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(dsn, options, where, error, words):
    with pytest.raises(error) as caught:
        run(dsn, *options, **where)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_failure_has_one_line_and_an_exit_code(dsn, capsys):
    assert main(["levels", "--symbol", "NSE_FO|1", "--date", "2024-01-17", "--at", "noon", "--store", dsn]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("at", ["09:16", "09:45", "10:01", "15:30"])
def test_minutes_stored_later_change_no_earlier_sheet(dsn, capsys, at):
    whole = as_json(capsys, dsn, "--at", at)
    until = day_start(DAY + 2) + (int(at[:2]) * 60 + int(at[3:])) * MINUTE_NS
    with open_store(dsn) as store:
        bars = store.bars(FUTURE.symbol, day_start(DAY + 2), day_start(DAY + 3))
        known = bars.take(bars.ts + MINUTE_NS <= until)
        store.put_derived(FUTURE.symbol, range(DAY + 2, DAY + 3), TickColumns.empty(), known, [])
    assert as_json(capsys, dsn, "--at", at) == whole
