"""The front door: help, usage errors, exit codes."""

import subprocess
import sys

import pytest

from auction_bt.cli import COMMANDS
from tests.importing.made import ENVIRONMENT, ROOT, bars_csv, write


def test_help_lists_every_command_without_importing_any(run):
    code, out, _ = run("--help")
    assert code == 0
    assert all(f"  {name}" in out and text in out for name, (_, text) in COMMANDS.items())
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; from auction_bt.cli import main; main(['--help']); "
         "print([m for m in ('numpy', 'pyarrow', 'backtrader', 'auction_bt.cli.data') if m in sys.modules], file=sys.stderr)"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert loaded.stderr.strip() == "[]"


@pytest.mark.parametrize("words", [["--help"], ["import", "--help"], ["export", "--help"], ["data", "-h"], ["--version"]])
def test_help_and_version_are_answers(run, words):
    code, out, error = run(*words)
    assert (code, error) == (0, "")
    assert out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["imprt", "x"], "did you mean import?"),
        (["zzz"], "--help lists them all"),
        (["import"], "required: FILE: see auction-bt import --help"),
        (["import", "a.csv", "--speed", "3"], "unrecognized arguments: --speed 3"),
        (["import", "a.csv", "--tick", "0"], "--tick '0' is no price step"),
        (["import", "a.csv", "--tick", "x"], "--tick 'x' is no price step"),
        (["import", "a.csv", "--lot", "1.5"], "--lot '1.5' is no lot"),
        (["import", "a.csv", "--map", "prize=x"], "--map 'prize=x'"),
        (["import", "no.csv"], "no file no.csv"),
        (
            ["export", "--symbol", "A", "--from-date", "2025-1-1", "--to-date", "2025-01-02"],
            "'2025-1-1' is no date of a market: write YYYY-MM-DD",
        ),
        (["export", "--symbol", "A", "--from-date", "2025-02-30", "--to-date", "2025-03-02"], "'2025-02-30' is no date"),
        (["export", "--symbol", "A", "--from-date", "2025-01-03", "--to-date", "2025-01-02"], "is after --to-date 2025-01-02"),
        (["data"], "no store at auction.db: import or record something first"),
        (["data", "--store", "x.db"], "is no DSN"),
    ],
)
def test_bad_usage_is_one_line_with_cause_and_cure(bad, tmp_path, words, says):
    assert says.replace(", write", ": write") in bad(*words)
    assert list(tmp_path.iterdir()) == []


def test_no_command_shows_what_there_is(run):
    assert run()[0] == 2


def test_debug_shows_where_an_error_comes_from(run):
    for words in (["--debug", "data"], ["data", "--debug"]):
        code, _, error = run(*words)
        assert code == 2
        assert "Traceback" in error
        assert error.endswith("import or record something first\n")


def test_an_interrupt_and_an_unexpected_error_are_one_line(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    def broken(*_, **__):
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("auction_bt.cli.data.open_store", interrupted)
    assert run("data")[::2] == (130, "auction_bt: interrupted\n")
    monkeypatch.setattr("auction_bt.cli.data.open_store", broken)
    code, _, error = run("data")
    assert code == 1
    assert error == "auction_bt: unexpected ZeroDivisionError: two lines: please report it with what --debug shows\n"


def test_a_reader_that_goes_away_is_no_error(run):
    write("a.csv", bars_csv(40, ts=[1765770300 + 60 * i for i in range(40)]))
    run("import", "a.csv", "--symbol", "A")
    command = [sys.executable, "-m", "auction_bt", "data", "--json", "-"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
