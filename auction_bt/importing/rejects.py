"""Rows and messages that could not be used: counted by reason, with the first line of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from auction_bt.core.errors import BadInput
from auction_bt.core.tick import I64

TOLERATED: Final = 0.01  # share of rows; above it the file is wrong, not a row of it


@dataclass(slots=True)
class Rejects:
    """The rejected rows of one file.

    Parameters
    ----------
    unit : str
        What is counted: ``row`` or ``message``.
    """

    unit: str = "row"
    reasons: dict[str, tuple[int, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep a remark that is no reason to refuse the file."""
        self.notes.append(text)

    def add(self, reason: str, line: int, count: int = 1) -> None:
        """Count `count` more for `reason`, the first of them at `line`."""
        before, first = self.reasons.get(reason, (0, line))
        self.reasons[reason] = (before + count, min(first, line))

    def mask(self, reason: str, bad: NDArray[np.bool_], lines: I64) -> None:
        """Count the rows of a mask; `lines` are the rows' line numbers."""
        if bad.any():
            self.add(reason, int(lines[bad].min()), int(bad.sum()))

    @property
    def total(self) -> int:
        """How many were rejected."""
        return sum(count for count, _ in self.reasons.values())

    def lines(self) -> list[str]:
        """Return one text a reason, the most frequent first."""
        place = "line" if self.unit == "row" else "number"
        told = [f"{count:,} rejected: {reason} (first at {place} {line:,})" for reason, (count, line) in self._ordered()]
        return told + self.notes

    def check(self, name: str, rows: int) -> None:
        """Raise `BadInput` where more than `TOLERATED` of `rows` were rejected."""
        if self.total > TOLERATED * rows:
            place = "line" if self.unit == "row" else "number"
            told = ", ".join(
                f"{reason} ({f'{count:,}, ' if len(self.reasons) > 1 else ''}first at {place} {line:,})"
                for reason, (count, line) in self._ordered()
            )
            raise BadInput(f"{name}: {self.total:,} of {rows:,} {self.unit}s rejected: {told}; "
                           "nothing was stored: correct the file or the options")  # fmt: skip

    def _ordered(self) -> list[tuple[str, tuple[int, int]]]:
        return sorted(self.reasons.items(), key=lambda item: (-item[1][0], item[0]))
