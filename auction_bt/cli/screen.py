"""Lines that stay above a few that change."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from textwrap import wrap
from typing import TextIO


class Screen:
    """Prints lines; on a terminal a status, of one line or several, stays below them.

    Parameters
    ----------
    out : text stream
        Standard output, by default.
    has_status : bool
        False in a pipe: there are the lines alone.
    """

    def __init__(self, out: TextIO | None = None, *, has_status: bool = False) -> None:
        self._out = sys.stdout if out is None else out
        self._has_status = has_status
        self._shown = ""
        self._block: tuple[str, ...] = ()
        self._red = ""

    def line(self, text: str, status: str = "") -> None:
        """Print a line, above the status as it is by then; above the one before where it is not given."""
        shown, block = status or self._shown if self._shown else "", self._block
        self.clear()
        self._out.write(text + "\n")
        if block:
            self.block(block)
        elif shown:
            self.status(shown)
        elif self._has_status:
            self._out.flush()

    def status(self, text: str) -> None:
        """Show `text` in place of the status before."""
        if self._has_status:
            text = text[: shutil.get_terminal_size().columns - 1]
            self._out.write("\r" + text.ljust(len(self._shown)))
            self._out.flush()
            self._shown = text

    def block(self, lines: Iterable[str], red: str = "") -> None:
        """Show several lines in place of those before, long ones in several; in red those with the words `red` in them."""
        if not self._has_status:
            return
        width = shutil.get_terminal_size().columns - 1
        self.clear()
        self._block = tuple(part for text in lines for part in wrap(text, width, subsequent_indent="    ") or [""])
        self._red = red or self._red
        self._out.write("\n".join(map(self._painted, self._block)))
        self._out.flush()

    def _painted(self, text: str) -> str:
        return f"\x1b[1;31m{text}\x1b[0m" if self._red and self._red in text else text

    def clear(self) -> None:
        """Take the status away."""
        if self._block:
            up = len(self._block) - 1
            self._out.write(f"\r{f'{chr(27)}[{up}A' if up else ''}\x1b[J")  # to the first of them, and nothing below
            self._out.flush()
            self._block = ()
        if self._shown:
            self._out.write("\r" + " " * len(self._shown) + "\r")
            self._out.flush()
            self._shown = ""
