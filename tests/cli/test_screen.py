"""What stays and what changes on a terminal, read as a terminal reads it."""

import io
import re

import pytest

from auction_bt.cli.screen import Screen


def seen(written: str) -> list[str]:
    """The lines that a terminal shows after these characters."""
    rows, row, column = [""], 0, 0
    for part in re.findall(r"\x1b\[\d*[AJ]|\x1b\[[\d;]*m|\r|\n|[^\x1b\r\n]+", written):
        if part == "\n":
            row, column = row + 1, 0
            rows += [""] * (row + 1 - len(rows))
        elif part == "\r":
            column = 0
        elif part.endswith("A") and part.startswith("\x1b"):
            row -= int(part[2:-1])
        elif part.endswith("J") and part.startswith("\x1b"):
            rows = [*rows[:row], rows[row][:column]]
        elif not part.startswith("\x1b"):
            rows[row] = rows[row][:column].ljust(column) + part + rows[row][column + len(part) :]
            column += len(part)
    return [line.rstrip() for line in rows]


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_lines_stay_above_a_block_that_changes_its_height() -> None:
    out = io.StringIO()
    screen = Screen(out, has_status=True)
    screen.block(["11:42:05 PAPER", "  NIFTY LONG"])
    screen.line("a trade was closed")
    screen.block(["11:42:10 PAPER"])
    screen.block(["11:42:15 PAPER", "  NIFTY LONG", "  RELIANCE SHORT"])
    screen.line("another")
    assert seen(out.getvalue()) == ["a trade was closed", "another", "11:42:15 PAPER", "  NIFTY LONG", "  RELIANCE SHORT"]
    screen.clear()
    assert seen(out.getvalue()) == ["a trade was closed", "another", ""]


def test_a_block_is_fitted_to_the_terminal_and_red_where_it_must_be() -> None:
    out = io.StringIO()
    screen = Screen(out, has_status=True)
    screen.block(["  " + "word " * 12, "NO STOP AT EXCHANGE"], red="NO STOP")
    assert seen(out.getvalue()) == ["  " + " ".join(["word"] * 7), "    " + " ".join(["word"] * 5), "NO STOP AT EXCHANGE"]
    screen.line("above")
    assert seen(out.getvalue())[0] == "above"
    assert len(seen(out.getvalue())) == 4
    assert "\x1b[1;31mNO STOP AT EXCHANGE\x1b[0m" in out.getvalue()


def test_in_a_pipe_there_are_the_lines_alone() -> None:
    out = io.StringIO()
    screen = Screen(out)
    screen.block(["never"])
    screen.line("always")
    assert out.getvalue() == "always\n"


def test_one_line_of_status_is_replaced_in_its_place() -> None:
    out = io.StringIO()
    screen = Screen(out, has_status=True)
    screen.status("ten per cent")
    screen.line("a line")
    screen.status("done")
    assert seen(out.getvalue()) == ["a line", "done"]
