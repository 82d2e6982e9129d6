"""sim: what it is asked for and cannot be."""

import pytest

from auction_bt.cli import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "80000"], "--port 80000 must be 1 to 65534"),
        (["--port", "65535"], "--port 65535 must be 1 to 65534"),
        (["--port", "-1"], "--port -1 must be 1 to 65534"),
        (["--cash", "-5"], "--cash -5 must be a sum of rupees"),
        (["--cash", "nan"], "--cash nan must be a sum of rupees"),
        (["--cash", "many"], "--cash many must be a sum of rupees"),
        (["--symbol", "NIFTY-FUT"], "--symbol is of a day that is stored: a made-up one has its own"),
    ],
)
def test_what_cannot_be_served_is_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--seed", "7", *words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"auction_bt: {said}")
    assert printed.err.count("\n") == 1
