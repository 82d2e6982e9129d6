"""`sweep`: the same bytes however it is run, interrupted and resumed; failures told; each trial run again."""

import argparse
import csv
import json
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from auction_bt.cli import backtest, sweep
from auction_bt.core.ist import from_date
from auction_bt.store.journal import Journal
from auction_bt.wording import score
from tests.importing.made import ENVIRONMENT
from tests.sweep.made import DAYS, GRID, SYMBOLS, kept, walk_csv, write
from tests.waiting import until

NAMED = [word for symbol in SYMBOLS for word in ("--symbol", symbol)]
ALL_DAYS = ["--from-date", "2025-12-16", "--to-date", "2025-12-26"]
COMMAND = ["sweep", *NAMED, *DAYS, *GRID, "--json", "out.json", "--csv", "out.csv"]


def written():
    return Path("out.json").read_bytes(), Path("out.csv").read_bytes()


def test_processes_that_are_interrupted_and_resumed_write_the_bytes_of_one_process(filled):
    code, out, error = filled(*COMMAND, "--jobs", "1", "--state", "one")
    assert (code, error) == (0, "")
    one = written()

    words = [sys.executable, "-m", "auction_bt", *COMMAND, "--jobs", "2", "--state", "two", "--quiet"]
    with subprocess.Popen(words, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as killed:
        try:
            until(lambda: kept("two") > 0, timeout=120)
            killed.send_signal(signal.SIGINT)
            _, said = killed.communicate(timeout=60)
        finally:
            killed.kill()
    done = kept("two")
    if killed.returncode:  # it may have been at its end
        assert killed.returncode == 130
        assert "of 24 trials are kept; the same command goes on from there" in said
    assert 0 < done <= 24
    assert filled(*COMMAND, "--jobs", "1", "--state", "two")[0] == 0

    assert written() == one
    assert "Trials              24 of 24 (8 combinations)" in out
    found = json.loads(one[0])
    assert len(found["rows"]) == 8
    assert found["overfitting"] is None  # of four days
    assert sum(row["trades"] for row in found["rows"]) > 20
    with Journal.open(Path("two"), readonly=True) as journal:
        day = from_date(date(2025, 12, 18))
        assert journal.trials(["AAA"], day, day).count == found["tried"] == 8


def test_a_trial_is_run_again_to_the_same_trades(filled):
    assert filled(*COMMAND, "--jobs", "1")[0] == 0
    with open("out.csv", encoding="utf-8") as file:
        row = next(r for r in csv.DictReader(file) if float(r["trades"]) > 1)

    code, _, error = filled("backtest", "--trial", row["trial"][:10], "--json", "run.json", "--set", "period=3")
    assert (code, error) == (2, "auction_bt: --set beside --trial: the trial says it itself; leave one of them out\n")
    code, out, _ = filled("backtest", "--trial", row["trial"][:10], "--json", "run.json")
    assert code == 0
    found = json.loads(Path("run.json").read_text("utf-8"))["summary"]
    assert (found["net"], found["trades"]) == (float(row["net"]), float(row["trades"]))
    assert f"period={row['period']}" in out
    code, _, error = filled("backtest", "--trial", "zzzz")
    assert code == 2
    assert "no trial 'zzzz'" in error
    code, _, error = filled("backtest", "--trial", row["trial"][:1])
    assert code == 2
    assert f"--trial {row['trial'][:1]!r} is too short to name a trial: write 4 letters of it or more" in error

    write("more.csv", walk_csv(77, first=60))
    filled("import", "more.csv", "--symbol", row["symbol"], "--tick", "0.10")
    code, _, error = filled("backtest", "--trial", row["trial"], "--quiet")
    assert code == 1
    assert "had other trades: its data, the package or AUCTION_CALENDAR has changed since" in error


def test_other_data_is_another_trial_and_the_same_call_is_none(filled):
    words = ["sweep", "--symbol", "AAA", *DAYS, "--grid", "period=10,15", "--quiet", "--jobs", "1"]
    assert filled(*words)[0] == 0
    assert kept(".auction_bt") == 2
    assert filled(*words)[0] == 0
    with Journal.open(Path(".auction_bt"), readonly=True) as journal:
        assert journal.runs() == []  # a sweep is no run to be looked at

    write("more.csv", walk_csv(5, first=60))
    filled("import", "more.csv", "--symbol", "AAA", "--tick", "0.10")
    assert filled(*words)[0] == 0
    assert kept(".auction_bt") == 4


def test_a_trial_that_fails_is_named_and_stops_no_other(filled):
    code, out, error = filled("sweep", "--symbol", "AAA", *DAYS, "--grid", "window=rolling,anchored,session", "--set",
                              "period=10", "--jobs", "1", "--json", "out.json")  # fmt: skip

    assert code == 1
    assert "Trials              2 of 3 (3 combinations), 1 failed" in out
    assert error.startswith("auction_bt: failed: AAA 2025-12-16..2025-12-19 period=10 window=anchored: window 'anchored' needs")
    found = json.loads(Path("out.json").read_text("utf-8"))
    assert [bool(row["trials"][0]["error"]) for row in found["rows"]] == [False, True, False]


def test_a_sample_is_drawn_from_a_seed(filled):
    def drawn(*words):
        assert filled("sweep", "--symbol", "AAA", *DAYS, *GRID, "--jobs", "1", "--json", "out.json", *words)[0] == 0
        return [row["number"] for row in json.loads(Path("out.json").read_text("utf-8"))["rows"]]

    assert drawn("--sample", "3") == drawn("--sample", "3") != drawn("--sample", "3", "--seed", "4")
    assert len(drawn("--sample", "3")) == 3
    assert drawn("--sample", "99") == list(range(8))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--grid", "perod=1,2"], "did you mean period"),
        (["--grid", "period=0,2"], "period = 0 is not allowed"),
        (["--grid", "period=5,5"], "period has the value 5 twice"),
        (["--grid", "period=5", "--set", "period=6"], "period is given by --grid and by --set"),
        (["--grid", "rule=auction", "--regime", "original"], "rule is given by --grid and by --regime"),
        (["--grid", "slippage=1,2"], "give --slippage"),
        (["--grid", "period=1:9999", "--grid", "pullback_bars=1:9999"], "draw some with --sample"),
        (["--sample", "0"], "--sample 0 must be 1 or more"),
        (["--jobs", "0"], "--jobs 0"),
        (["--symbol", "AAA"], "AAA is given twice"),
        (["--symbol", "AAB"], "unknown symbol 'AAB'"),
        (["--symbols-file", "none.txt"], "--symbols-file none.txt cannot be read"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_line_and_nothing_is_made(filled, words, told):
    code, out, error = filled("sweep", "--symbol", "AAA", *DAYS, *words)

    assert (code, out) == (2, "")
    assert error.startswith("auction_bt: ")
    assert told in error
    assert error.count("\n") == 1
    assert not Path(".auction_bt/sweeps.db").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "a Sharpe ratio needs two days or more, and there is one: give more days, or --objective net."),
        (["--set", "min_r=50"], "none has closed a trade: give more days, or settings that trade "),
        (["--set", "min_r=50", "--objective", "win_rate"], "none has closed a trade: give more days, or settings that trade "),
    ],
)
def test_why_no_combination_has_a_score(filled, words, told):
    one_day = ["--from-date", "2025-12-17", "--to-date", "2025-12-17"]

    code, out, error = filled("sweep", *NAMED, *one_day, "--grid", "period=10,15", "--jobs", "1", *words)

    assert (code, error) == (0, "")
    assert f"\nNo combination has a score: {told}" in out


def test_a_sweep_without_a_grid_says_that_it_is_one_combination(filled):
    code, out, error = filled("sweep", "--symbol", "AAA", *DAYS, "--jobs", "1")

    assert code == 0
    assert "(1 combination)" in out
    assert error.startswith("auction_bt: no --grid was given: this is one combination")
    assert error.count("\n") == 1


def test_symbols_come_from_a_file(filled):
    write("symbols.txt", "# shares\nAAA\n\nBBB  # the second\n")

    code, out, _ = filled("sweep", "--symbols-file", "symbols.txt", *DAYS, "--grid", "period=10", "--jobs", "1")

    assert code == 0
    assert out.startswith("Sweep               AAA, BBB, 2025-12-16..2025-12-19\nTrials              2 of 2 (1 combination)")


def test_the_page_holds_maps_and_asks_nobody(filled):
    code, _, _ = filled("sweep", "--symbol", "AAA", *DAYS, *GRID, "--grid", "window=rolling,anchored", "--jobs", "1",
                            "--quiet", "--objective", "net", "--html", "out.html", "--json", "out.json")  # fmt: skip

    assert code == 1  # anchored without an anchor fails
    page = Path("out.html").read_text("utf-8")
    found = json.loads(Path("out.json").read_text("utf-8"))
    assert page.count('<table class="heat">') == 3
    assert page.count('class="best"') == 3
    (one,) = [row["net"] for row in found["rows"] if row["settings"] == {"period": 10, "min_r": 0.5, "window": "rolling"}]
    assert f">{score(one, 3)}<" in page  # alone of its pair that has a net
    assert "IN SAMPLE" in page
    assert "window=anchored: window &#39;anchored&#39; needs anchor" in page
    assert not [word for word in ("http:", "https:", "<script", "src=") if word in page]


def test_every_option_that_the_page_on_clusters_shows_exists():
    page = Path(__file__).resolve().parents[2] / "docs/cluster.md"
    known = ""
    for command in (sweep, backtest):
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        known += parser.format_help()
    lines = [line for line in page.read_text("utf-8").splitlines() if line.startswith("python ")]
    shown = {option for line in lines for option in re.findall(r"--[a-z-]+", line)}

    assert len(shown) > 8
    assert not [option for option in shown if option not in known]


def test_settings_of_earlier_sweeps_on_the_same_days_count_for_luck_and_overfitting(filled):
    def swept(*words):
        assert filled("sweep", "--symbol", "AAA", *ALL_DAYS, *words, "--jobs", "1", "--quiet", "--json", "out.json")[0] == 0
        found = json.loads(Path("out.json").read_text("utf-8"))
        return found["tried"], found["overfitting"] and found["overfitting"]["trials"]

    write("more.csv", walk_csv(3, days=5, start=7))
    assert filled("import", "more.csv", "--symbol", "AAA", "--tick", "0.10")[0] == 0
    assert swept("--grid", "period=10,15") == (2, 2)
    assert swept("--grid", "period=15,20,25") == (4, 4)
    assert swept("--grid", "period=15,20,25", "--grid", "min_r=1.0") == (4, 4)  # its default, said aloud
    assert swept("--grid", "period=10,15", "--from-date", "2025-12-15")[1] == 2  # other days
