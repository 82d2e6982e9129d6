"""Lines that stay above one line that changes."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO


class Screen:
    """Prints lines; on a terminal a status line stays below them.

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

    def line(self, text: str, status: str = "") -> None:
        """Print a line, above the status as it is by then; above the one before where it is not given."""
        shown = status or self._shown if self._shown else ""
        self.clear()
        self._out.write(text + "\n")
        if shown:
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

    def clear(self) -> None:
        """Take the status line away."""
        if self._shown:
            self._out.write("\r" + " " * len(self._shown) + "\r")
            self._out.flush()
            self._shown = ""
