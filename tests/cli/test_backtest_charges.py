"""What a backtest says of its charges."""

import json

import pytest

from tests.importing.made import bars_csv, write


@pytest.fixture
def backtest(run):
    """Return a function: a day in history -> (report, warning, JSON) of a backtest of bars of that day."""

    def at(first_stamp, *words):
        write("a.csv", bars_csv(200, ts=[first_stamp + 60 * i for i in range(200)]))
        run("import", "a.csv", "--symbol", "NIFTY-FUT", "--tick", "0.05", "--lot", "65")
        days = ["--symbol", "NIFTY-FUT", "--from-date", words[0], "--to-date", words[0], *words[1:]]
        code, out, error = run("backtest", *days)
        assert code == 0
        return out, error, asked_quietly(run, days)

    return at


def asked_quietly(run, days):
    code, out, _ = run("backtest", *days, "--json", "-")
    assert code == 0
    return json.loads(out)


def test_a_backtest_on_days_before_the_tables_warns_and_says_what_it_took(backtest):
    out, error, found = backtest(1420429500, "2015-01-05")

    assert error == (
        "auction_bt: charges are extrapolated: the tables do not know all days of 2015-01-05 to 2015-01-05; taken are brokerage, "
        "STT, exchange, IPFT, SEBI fee, stamp duty, GST of 2020-07-01\n"
    )
    assert "EXTRAPOLATED        charges are extrapolated" in out
    assert {"kind": "stt", "since": "2020-07-01"} in found["data"]["NIFTY-FUT"]["rates"]["extrapolated"]


def test_a_backtest_says_which_rates_are_in_doubt(backtest):
    out, error, found = backtest(1795059900, "2026-11-19", "--plan", "upstox-api")

    assert error == ""
    assert "Rates in doubt      unverified: brokerage (rule of 2026-10-01); likely: STT, GST" in out
    assert found["data"]["NIFTY-FUT"]["rates"]["unverified"] == [{"kind": "brokerage", "since": "2026-10-01"}]
    assert found["settings"]["costs"] == "rates of the day, plan upstox-api, x1"


def test_no_costs_are_in_no_doubt(backtest):
    out, error, found = backtest(1420429500, "2015-01-05", "--costs", "none")

    assert error == ""
    assert "Rates in doubt" not in out + error
    assert found["data"]["NIFTY-FUT"]["rates"] == {"likely": [], "unverified": [], "extrapolated": []}
    assert found["summary"]["charges_by_kind"] == {}
