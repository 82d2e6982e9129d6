"""What a short backtest does not wait for."""

import subprocess
import sys

import pytest

from tests.importing.made import ENVIRONMENT, bars_csv, write

HEAVY = ("numba", "llvmlite", "pandas", "matplotlib", "flask", "pyarrow", "msgspec", "psycopg2", "upstox_client", "distributed",
         "jinja2", "auction_bt.router", "auction_bt.sweep")  # fmt: skip


@pytest.mark.parametrize(("words", "waited_for"), [((), []), (("--plot", "run.png"), ["matplotlib"])])
def test_a_day_is_told_without_importing_what_is_not_used(run, words, waited_for):
    write("a.csv", bars_csv(200, ts=[1765769700 + 60 * i for i in range(200)]))
    assert run("import", "a.csv", "--symbol", "A", "--tick", "0.05", "--lot", "65")[0] == 0
    options = ["--symbol", "A", "--from-date", "2025-12-15", "--to-date", "2025-12-15", *words]

    told = subprocess.run(
        [sys.executable, "-c", f"import sys; from auction_bt.cli import backtest_main; assert backtest_main({options}) == 0; "
         f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr)"],
        env=ENVIRONMENT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert told.stderr.splitlines()[-1] == str(waited_for)
    assert "trades" in told.stdout
