"""What the demo prints and its trades, byte for byte. Written anew only by ``make golden``; a difference is reviewed as code."""

import os
from pathlib import Path

import pytest

from auction_bt.cli import backtest_main, main
from auction_bt.synthetic import DEMO, Shape

HERE = Path(__file__).parent
DAY = "2026-03-10"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the demo's store, and what was printed."""
    folder = tmp_path_factory.mktemp("golden") / "demo"
    before = Path.cwd()
    os.chdir(folder.parent)
    try:
        assert main(["demo", "--no-pictures", "--folder", "demo"]) == 0
    finally:
        os.chdir(before)
    return folder


def check(name: str, found: str) -> None:
    """Compare with the golden file, or write it."""
    path = HERE / name
    if os.environ.get("AUCTION_GOLDEN") == "write":
        path.write_text(found, encoding="utf-8", newline="\n")
    assert found == path.read_text(encoding="utf-8"), f"{name} differs: look why, then make golden"


@pytest.mark.parametrize("shape", Shape)
@pytest.mark.parametrize("rule", ["original", "auction"])
def test_the_trades_of_a_made_up_day_are_the_golden_ones(demo: Path, shape: Shape, rule: str) -> None:
    out = demo.parent / f"{shape.value}.{rule}.csv"
    words = ["--symbol", DEMO[shape].symbol, "--from-date", DAY, "--to-date", DAY, "--regime", rule, "--quiet"]

    code = backtest_main([*words, "--store", f"sqlite:///{demo / 'auction.db'}", "--state", str(demo), "--csv", str(out)])

    assert code == 0
    check(out.name, out.read_text(encoding="utf-8"))


def test_the_json_of_a_run_is_the_golden_one_twice(demo: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["--symbol", DEMO[Shape.BALANCED].name, "--from-date", DAY, "--to-date", DAY, "--json", "-"]
    printed = []
    for _ in range(2):
        assert backtest_main([*words, "--store", f"sqlite:///{demo / 'auction.db'}", "--state", str(demo)]) == 0
        printed.append(capfd.readouterr().out)

    assert printed[0] == printed[1]
    check("balanced.json", printed[0])
