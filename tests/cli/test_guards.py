"""Guards on the command line: the recommended set, a file of days without entries, and what each of them does."""

import json

import numpy as np
import pytest

from auction_bt.cli import main
from auction_bt.guard_settings import DESIGN
from auction_bt.settings import BY_NAME
from auction_bt.store.journal import Journal
from auction_bt.stored_run import settings_in
from tests.importing.made import bars_csv

FREE = [word for name in ("cost_multiple", "stop_cost_multiple", "min_r") for word in ("--set", f"{name}=0")]
REQUEST = ["--symbol", "RELIANCE", "--from-date", "2025-12-15", "--to-date", "2025-12-17", "--set", "period=30", *FREE]

NOTHING = {name: BY_NAME[name].default for name in DESIGN}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Three days of a walk."""
    folder = tmp_path_factory.mktemp("guarded")
    ts = [1_765_770_300 + 86_400 * d + 60 * m for d in range(3) for m in range(375)]
    price = np.round(1500 + np.cumsum(np.random.default_rng(5).normal(0, 1.5, len(ts))), 1)
    spread = np.round(np.abs(np.random.default_rng(6).normal(0, 1.5, len(ts))), 1)
    file = folder / "a.csv"
    file.write_text(bars_csv(len(ts), ts=ts, open=price, high=price + spread, low=price - spread, close=price))
    place = f"sqlite:///{folder / 'auction.db'}"
    assert main(["import", str(file), "--symbol", "RELIANCE", "--tick", "0.10", "--store", place]) == 0
    return ["--store", place]


@pytest.fixture
def backtest(store, capfd, tmp_path):
    """Return a function that runs a backtest with more words and returns (code, JSON or None, error)."""

    def call(*words):
        capfd.readouterr()
        code = main(["backtest", *REQUEST, *store, "--state", str(tmp_path), *words, "--json", "-"])
        out, error = capfd.readouterr()
        return code, json.loads(out) if code == 0 else None, error

    return call


def test_the_recommended_set_is_one_word_and_single_guards_are_changed_beside_it(backtest):
    code, found, _ = backtest("--guards", "design", "--set", "cooldown_min=7", "--max-concurrent", "2")

    assert code == 0
    assert {n: found["settings"][n] for n in DESIGN} == DESIGN | {"cooldown_min": 7.0, "max_concurrent": 2}


def test_a_file_of_days_without_entries_is_kept_in_the_settings_and_refuses_them(backtest, tmp_path):
    file = tmp_path / "days.csv"
    file.write_text(
        "Symbol, From, To, Reason\n# of the company\nRELIANCE,2025-12-16,,results; call\n\nHDFCBANK,2025-12-15,2025-12-17,x\n"
    )

    _, free, _ = backtest()
    code, found, _ = backtest("--no-trade", str(file))

    assert code == 0
    assert found["settings"]["no_trade"] == ("RELIANCE,2025-12-16,2025-12-16,results, call;HDFCBANK,2025-12-15,2025-12-17,x")
    days = [{t["entry_ts"] // 10**9 // 86_400 for t in run["trades"]} for run in (free, found)]
    assert days[0] - days[1] == {20_438}
    assert found["summary"]["funnel"]["refused"]["no-trade list"] > 0
    again = ["--set", f"no_trade={found['settings']['no_trade']}"]
    assert backtest(*again)[1]["trades"] == found["trades"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "cannot be read"),
        ("", "no column symbol, from, to, reason"),
        ("symbol,from,to\nA,2025-12-16,2025-12-16\n", "no column reason"),
        ("symbol,from,to,reason\nA,16.12.2025,,x\n", "'16.12.2025' is no date"),
        ("symbol,from,to,reason\nA,2025-12-16,2025-12-15,x\n", "end before they begin"),
        ('symbol,from,to,reason\n"A,B",2025-12-16,,x\n', "'A,B' is no symbol"),
        (b"\xff\xfe", "is no CSV file in UTF-8"),
    ],
)
def test_a_file_that_says_nothing_is_refused_in_one_line(backtest, tmp_path, text, told):
    file = tmp_path / "days.csv"
    if text is not None:
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    code, _, error = backtest("--no-trade", str(file))

    assert code == 2
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--max-concurrent", "2", "--set", "max_concurrent=3"], "say the same thing: leave one out"),
        (["--max-concurrent", "-1"], "max_concurrent = -1 is not allowed"),
        (["--max-concurrent", "two"], "max_concurrent = 'two' is no int"),
        (["--set", "daily_loss=1%"], "daily_loss = '1%' is no float: 0.0 to 1.0; 0.01 is 1 %"),
        (["--set", "daily_loss=2"], "daily_loss = 2.0 is not allowed: 0.0 to 1.0"),
        (["--set", "no_trade=A"], "is no entry: write symbol,from,to,reason"),
    ],
)
def test_guards_that_mean_nothing_are_refused_in_one_line(backtest, words, told):
    code, _, error = backtest(*words)

    assert code == 2
    assert told in error
    assert error.count("\n") == 1


def test_each_guard_is_shown_on_against_off_and_every_run_is_kept(store, capfd, tmp_path):
    off = {n: v for n, v in NOTHING.items() if n not in {"stale_feed_s", "pause_losses", "pause_bars"}}
    more = [*(f"--set={n}={v}" for n, v in off.items()), "--set", "pause_losses=1", "--set", "pause_bars=30"]
    more += ["--state", str(tmp_path)]
    capfd.readouterr()
    code = main(["analyze", "--guards", *REQUEST, *store, *more, "--json", str(tmp_path / "guards.json")])
    out = capfd.readouterr().out

    found = {e["guard"]: e for e in json.loads((tmp_path / "guards.json").read_text())["guards"]}
    assert code == 0
    assert list(found) == ["none", "stale feed", "losses in a row", "adds", "all"]
    pause = found["losses in a row"]
    assert pause["on"] == {"pause_losses": 1, "pause_bars": 30}
    assert pause["refused"] == pause["summary"]["funnel"]["refused"]["losses in a row"] > 0
    assert pause["summary"]["trades"] < found["none"]["summary"]["trades"]
    assert found["none"]["refused"] == 0
    assert found["stale feed"]["summary"] == found["none"]["summary"], "nothing to say on a table of bars"
    mean = (pause["summary"]["net"] - found["none"]["summary"]["net"]) / 3
    assert pause["ahead_a_day"]["mean"] == pytest.approx(mean)
    for name in found:
        assert any(line.startswith(name) for line in out.splitlines())
    assert all(len(line) <= 100 for line in out.splitlines() if not line.startswith("Kept"))
    with Journal.open(tmp_path, readonly=True) as journal:
        kept = [settings_in(text) for _, text in journal.runs()]
    assert len(kept) == len(found)
    assert [k["pause_losses"] for k in kept if k["pause_losses"]] == [1, 1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--regimes"], "two questions"),
        (["last"], "--guards runs with and without guards anew"),
        (["--csv", "x.csv"], "--csv has no place beside --guards"),
        ([f"--set={n}={v}" for n, v in NOTHING.items()], "all guards are set to off"),
    ],
)
def test_what_makes_no_sense_beside_guards_is_refused_in_one_line(store, capfd, tmp_path, words, told):
    capfd.readouterr()
    code = main(["analyze", *words, "--guards", *REQUEST, *store, "--state", str(tmp_path)])
    error = capfd.readouterr().err

    assert code == 2
    assert told in error
    assert error.count("\n") == 1
