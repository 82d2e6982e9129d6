"""What a backtest refuses, and that nothing is left of it."""

import os
from pathlib import Path

import pytest

from auction_bt.store.journal import Journal
from tests.importing.made import bars_csv, write

WORDS = ("backtest", "--symbol", "RELIANCE", "--from-date", "2025-12-15", "--to-date", "2025-12-15")


@pytest.fixture
def imported(run):
    """Store a day of RELIANCE."""
    write("a.csv", bars_csv(375, ts=[1_765_770_300 + 60 * m for m in range(375)]))
    assert run("import", "a.csv", "--symbol", "RELIANCE")[0] == 0


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("number", ["999", "0", "-1"])
def test_a_trade_that_is_none_is_refused_and_nothing_is_written(run, bad, tmp_path, number):
    assert run(*WORDS)[0] == 0
    before = sorted(tmp_path.rglob("*"))
    files = [word for kind in ("html", "csv", "json") for word in (f"--{kind}", f"x.{kind}")]
    said = bad(*WORDS, *files, "--plot", "x.png", "--explain", number)
    assert said.startswith(f"auction_bt: --explain {number}: this run has ")
    assert sorted(tmp_path.rglob("*")) == before
    with Journal.open(tmp_path / ".auction_bt", readonly=True) as journal:
        assert [number for number, _ in journal.runs()] == [1]


@pytest.mark.usefixtures("imported")
def test_a_square_off_before_the_open_is_refused_with_the_times_that_may_be_given(run, bad):
    said = "is no time after the open: write HH:MM, later than 09:15 and up to 15:10, or auto or none\n"
    for time in ("08:00", "09:15"):
        assert bad(*WORDS, "--set", f"square_off={time}") == f"auction_bt: square_off = '{time}' {said}"
    own = bad(*WORDS, "--set", "square_off=08:00", "--set", "session=10:00-12:00")
    assert "later than 10:00 and up to 11:45, or auto or none" in own
    for settings in (["square_off=09:16"], ["square_off=08:00", "session=07:00-12:00"], ["square_off=none"]):
        assert run(*WORDS, "--quiet", *(word for each in settings for word in ("--set", each)))[::2] == (0, "")


DAYS = WORDS[1:]
WRITERS = [
    WORDS,
    ("analyze", "--regimes", *DAYS),
    ("replay", *DAYS),
    ("instruments", "--refresh", "--url", "http://127.0.0.1:9/x"),
]


@pytest.mark.usefixtures("imported")
@pytest.mark.parametrize("words", WRITERS, ids=lambda words: words[0])
def test_a_state_folder_that_cannot_be_is_refused_before_the_work(bad, tmp_path, monkeypatch, words):
    for state in ("a.csv", Path("a.csv", "sub")):
        said = bad(*words, *(["--csv", "x.csv"] if words is WORDS else []), "--state", state)
        assert (
            said
            == f"auction_bt: --state {state}: {'a.csv' if state == 'a.csv' else tmp_path / 'a.csv'} is no folder: name another\n"
        )
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert f"--state new: {tmp_path} is not writable for this user: name another folder" in bad(*words, "--state", "new")
    assert sorted(tmp_path.iterdir()) == before


def test_where_no_master_is_found_the_folder_is_what_may_be_changed(bad):
    assert bad("instruments", "nifty", "--state", "elsewhere").endswith("or name its folder with --state\n")
