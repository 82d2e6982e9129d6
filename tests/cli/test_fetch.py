"""The fetch command, whole: names from the master, many symbols, kills, and a backtest of what was fetched."""

import json
import os
import signal
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from auction_bt.core.ist import MINUTE_NS
from auction_bt.store.dsn import open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.upstox.token import keep_token
from tests.broker.server import Broker, serving
from tests.importing.made import ENVIRONMENT, EVER
from tests.instruments.made import RELIANCE, contract, index, standard, write

OTHER = "NSE_EQ|INE009A01021"


@pytest.fixture
def broker():
    broker = Broker()
    with serving(broker) as url:
        broker.url = url
        yield broker


@pytest.fixture
def fetch(run, broker):
    """Return a function that fetches some days of 2025."""

    def call(*words, first="2025-03-03", last="2025-03-14"):
        return run("fetch", *words, "--from-date", first, "--to-date", last, "--base-url", broker.url)

    return call


def stored(folder, symbol):
    with open_store(f"sqlite:///{folder / 'auction.db'}", readonly=True) as store:
        b = store.bars(symbol, *EVER)
    assert (b.known_seq == b.ts + MINUTE_NS).all()
    return list(zip(b.ts.tolist(), b.open.tolist(), b.high.tolist(), b.low.tolist(), b.close.tolist(), b.volume.tolist(),
                    strict=True))  # fmt: skip


def served(broker, symbol, first, last):
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    return [(int(datetime.fromisoformat(c[0]).timestamp()) * 10**9, *c[1:6])
            for d in days for c in broker.market.candles(symbol, d)]  # fmt: skip


def test_from_a_name_to_a_backtest(run, fetch, broker, tmp_path):
    run("instruments", "--from", write(tmp_path / "complete.json.gz", standard()), "--date", "2025-03-01")
    code, out, error = fetch("--symbol", "RELIANCE")
    assert (code, error) == (0, "")
    assert out.splitlines() == [f"{RELIANCE}: 1 call; 10 days with 3,750 candles, 3,750 stored now",
                                "  RELIANCE: equity, tick 0.1, lot 1, as the master lists it",
                                f"  tick of {RELIANCE} tightened 0.1 → 0.05 by finer prices"]  # fmt: skip
    assert stored(tmp_path, RELIANCE) == served(broker, RELIANCE, date(2025, 3, 3), date(2025, 3, 14))
    days = ("--from-date", "2025-03-04", "--to-date", "2025-03-14")
    code, out, error = run("backtest", "--symbol", "RELIANCE", *days, "--json", "-", "--quiet")
    assert (code, error) == (0, "")
    assert json.loads(out)["schema"] == 1


def test_several_symbols_and_one_that_fails(fetch, broker, tmp_path):
    (tmp_path / "list.txt").write_text(f"# mine\n{OTHER}  # Infosys\n\nNSE_EQ|BAD\n{RELIANCE}\n")
    code, out, error = fetch("--symbol", RELIANCE, "--symbols-file", tmp_path / "list.txt")
    assert code == 1
    assert error == "auction_bt: 1 of 3 symbols failed: NSE_EQ|BAD\n"
    assert out.splitlines()[-1].startswith("failed: NSE_EQ|BAD: NSE_EQ|BAD: the broker refuses (400 UDAPI1087")
    assert len(stored(tmp_path, OTHER)) == len(stored(tmp_path, RELIANCE)) == 3750
    code, _, error = fetch("--symbol", "NSE_FO|1|31-02-2025", "--symbol", "NSE_FO|1|28-02-2025", "--symbol", OTHER)
    assert (code, error) == (1, "auction_bt: 2 of 3 symbols failed: NSE_FO|1|31-02-2025, NSE_FO|1|28-02-2025\n")
    code, out, error = fetch("--symbol", "NSE_EQ|BAD")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("auction_bt: NSE_EQ|BAD: the broker refuses")


def test_a_token_comes_from_the_environment(fetch, broker, monkeypatch):
    broker.token = "secret"
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN", raising=False)
    code, _, error = fetch("--symbol", RELIANCE)
    assert (code, error.count("\n")) == (1, 1)
    assert "set UPSTOX_ACCESS_TOKEN to one of today" in error
    monkeypatch.setenv("MINE", "secret")
    code, out, error = fetch("--symbol", RELIANCE, "--token-env", "MINE")
    assert (code, error) == (0, "")
    assert "secret" not in out


def test_a_token_comes_from_the_login(fetch, broker, tmp_path, monkeypatch):
    broker.token = "secret"
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN", raising=False)
    keep_token(tmp_path / ".auction_bt", "old")
    code, _, error = fetch("--symbol", RELIANCE)
    assert code == 1
    assert f"refuses the token of {Path('.auction_bt', 'token')}" in error
    keep_token(tmp_path / ".auction_bt", "secret")
    code, out, error = fetch("--symbol", RELIANCE)
    assert (code, error) == (0, "")
    assert "secret" not in out


def test_wrong_use_is_one_line_and_makes_no_store(run, bad, broker, tmp_path):
    dates = ["--from-date", "2025-03-03", "--to-date", "2025-03-14"]
    assert "say what to fetch" in bad("fetch", *dates)
    assert "names need an instrument master" in bad("fetch", "--symbol", "RELIANCE", *dates)
    assert "cannot be read" in bad("fetch", "--symbols-file", "none", *dates)
    assert "no address" in bad("fetch", "--symbol", RELIANCE, "--base-url", "api.upstox.com", *dates)
    assert "in the clear" in bad("fetch", "--symbol", RELIANCE, "--base-url", "http://api.upstox.com", *dates)
    assert "DD-MM-YYYY" in bad("fetch", "--symbol", "NSE_FO|1|31-02-2025", "--base-url", broker.url, *dates)
    weekend = ("--from-date", "2025-03-08", "--to-date", "2025-03-09")
    assert "no trading day" in bad("fetch", "--symbol", RELIANCE, "--base-url", broker.url, *weekend, code=3)
    assert not (tmp_path / "auction.db").exists()
    assert broker.calls == []


def test_a_symbol_without_trading_days_is_told_and_the_others_go_on(run, fetch, broker, tmp_path):
    rows = [index(), contract(1, "2025-03-27"), contract(2, "2025-04-24")]
    run("instruments", "--from", write(tmp_path / "complete.json.gz", rows), "--date", "2025-03-03")
    days = {"first": "2025-03-31", "last": "2025-04-04"}
    code, out, error = fetch("--symbol", "NSE_FO|1", "--symbol", OTHER, **days)
    assert (code, error) == (1, "auction_bt: 1 of 2 symbols failed: NSE_FO|1\n")
    assert out.splitlines()[-1].startswith("failed: NSE_FO|1: no trading day")
    assert len(stored(tmp_path, OTHER)) == 4 * 375  # the 31st is a holiday


def test_a_weekend_of_several_symbols_is_nothing_to_do(fetch, broker, tmp_path):
    code, out, error = fetch("--symbol", RELIANCE, "--symbol", OTHER, first="2025-03-08", last="2025-03-09")
    assert (code, broker.calls, (tmp_path / "auction.db").exists()) == (3, [], False)
    assert [line.partition(": no trading day")[0] for line in out.splitlines()] == [f"failed: {RELIANCE}", f"failed: {OTHER}"]
    assert error == f"auction_bt: nothing to fetch for any of 2 symbols: {RELIANCE}, {OTHER}\n"


def child(folder, broker):
    words = ["--symbol", RELIANCE, "--from-date", "2024-01-01", "--to-date", "2024-12-31", "--base-url", broker.url]
    return subprocess.Popen([sys.executable, "-m", "auction_bt", "fetch", *words], cwd=folder, env=ENVIRONMENT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip


def test_a_fetch_killed_again_and_again_goes_on_where_it_was(broker, tmp_path):
    broker.market.minutes = 60
    process = None

    def kill(number):
        if number in {3, 7, 8}:
            os.kill(process.pid, signal.SIGKILL)

    broker.on_call = kill
    for _ in range(3):
        process = child(tmp_path, broker)
        process.communicate(timeout=120)
        assert process.returncode == -signal.SIGKILL
    process = child(tmp_path, broker)
    _, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, "")
    months = [path.split("/")[-1][5:7] for path, _ in broker.calls]
    # Each kill met a call that was not answered: that month is asked for again, and nothing else is.
    assert sorted(set(months)) == [f"{m:02}" for m in range(1, 13)]
    assert len(months) == 15
    assert stored(tmp_path, RELIANCE) == served(broker, RELIANCE, date(2024, 1, 1), date(2024, 12, 31))


def test_killed_between_store_and_ledger_that_month_is_asked_for_again_and_nothing_stored_twice(
    run, broker, tmp_path, monkeypatch
):
    broker.market.minutes = 60
    words = ("fetch", "--symbol", RELIANCE, "--from-date", "2024-01-01", "--to-date", "2024-03-31", "--base-url", broker.url)
    monkeypatch.setattr("auction_bt.fetching.ledger.FetchLedger.put", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(*words)[0] == 130
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(*words)
    assert code == 0
    assert "3 calls; 65 days with 3,900 candles, 2,520 stored now, 1,380 already there" in out
    assert stored(tmp_path, RELIANCE) == served(broker, RELIANCE, date(2024, 1, 1), date(2024, 3, 31))


def test_a_book_without_a_master_stands_in_nobodys_way(run, bad, fetch, broker):
    assert "answered 404" not in bad("instruments", "--refresh", "--url", broker.url + "/complete.json.gz", code=1)
    assert fetch("--symbol", RELIANCE)[0] == 0
    assert "holds no instrument master" in run("instruments", "nifty")[2]


def test_two_fetches_do_not_share_a_state_folder(run, broker, tmp_path):
    with FolderLock.take(tmp_path / ".auction_bt", "fetch.lock", "fetch"):
        code, _, error = run("fetch", "--symbol", RELIANCE, "--from-date", "2025-03-03", "--to-date", "2025-03-14")
    assert code == 1
    assert "another fetch" in error


LEGS = {
    "2025-01-01": [index(), contract(1, "2025-02-27"), contract(2, "2025-03-27")],
    "2025-02-28": [index(), contract(2, "2025-03-27"), contract(3, "2026-12-29")],
}


def test_a_continuous_name_is_fetched_leg_by_leg_and_run(run, fetch, broker, tmp_path):
    broker.market.holidays = {date(2025, 2, 26), date(2025, 3, 14)}
    for when, rows in LEGS.items():
        run("instruments", "--from", write(tmp_path / "complete.json.gz", rows), "--date", when)
    words = ("--symbol", "NIFTY-FUT")
    code, out, error = fetch(*words, first="2025-02-24", last="2025-03-28")
    assert (code, error) == (0, "")
    heads = [line.partition(":")[0] for line in out.splitlines() if not line.startswith(" ")]
    assert heads == ["NSE_FO|1|27-02-2025", "NSE_FO|2|27-03-2025", "NSE_FO|3"]
    days = ("--from-date", "2025-02-25", "--to-date", "2025-03-28")
    code, out, error = run("backtest", *words, *days, "--json", "-", "--quiet")
    assert (code, error) == (0, "")
    data = json.loads(out)["data"]
    assert {symbol: (each["from"], each["to"], each["asked"], each["bars_warm_up"] >= 135) for symbol, each in data.items()} == {
        "NSE_FO|1|27-02-2025": ("2025-02-25", "2025-02-25", "NIFTY-FUT", True),
        "NSE_FO|2|27-03-2025": ("2025-02-27", "2025-03-26", "NIFTY-FUT", True),
        "NSE_FO|3": ("2025-03-27", "2025-03-28", "NIFTY-FUT", True),
    }
    code, out, error = run("data", *words)
    assert (code, error, out.count("future, tick")) == (0, "", 3)
    code, out, error = run("export", *words, "--from-date", "2025-03-03", "--to-date", "2025-03-03")
    assert (code, error, len(out.splitlines())) == (0, "", 376)
    code, out, error = run("profile", *words, *days)
    assert (code, error.count("\n")) == (2, 1)
    assert "NIFTY-FUT is several contracts in these days (NIFTY-FUT 2025-02-25..2025-02-25 (NSE_FO|1|27-02-2025); " in error
    code, out, error = run("profile", "--symbol", "NIFTY-FUT:2025-03", "--from-date", "2025-03-03", "--to-date", "2025-03-04")
    assert (code, error) == (0, "")
    assert out.startswith("NSE_FO|2|27-03-2025 (NIFTY FUT 27 MAR 25)")


def test_expired_legs_that_the_plan_does_not_allow_are_told_and_the_others_go_on(run, fetch, broker, tmp_path, monkeypatch):
    for when, rows in LEGS.items():
        run("instruments", "--from", write(tmp_path / "complete.json.gz", rows), "--date", when)
    broker.plus = False
    code, out, error = fetch("--symbol", "NIFTY-FUT", first="2025-03-24", last="2025-03-28")
    assert (code, error) == (1, "auction_bt: 1 of 2 symbols failed: NIFTY-FUT 2025-03-24..2025-03-26 (NSE_FO|2|27-03-2025)\n")
    assert "are for the plan Upstox Plus" in out.splitlines()[-1]
    assert len(stored(tmp_path, "NSE_FO|3")) > 375
    days = ("--from-date", "2025-03-24", "--to-date", "2025-03-28")
    code, out, error = run("backtest", "--symbol", "NIFTY-FUT", *days)
    assert (code, error) == (0, "auction_bt: NIFTY-FUT 2025-03-24..2025-03-26 (NSE_FO|2): no data, not traded\n")
    assert "  NIFTY-FUT 2025-03-24..2025-03-26 (NSE_FO|2): no data, not traded" in out.splitlines()
    broker.token, broker.plus = "secret", True
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN", raising=False)
    code, out, error = fetch("--symbol", "NIFTY-FUT", first="2025-03-24", last="2025-03-28")
    assert code == 1
    assert "NIFTY-FUT 2025-03-24..2025-03-26 (NSE_FO|2|27-03-2025): the broker wants an access token" in out
