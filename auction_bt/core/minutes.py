"""The minutes of one session, on the price grid, counted from its open."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .errors import BadInput
from .tick import I64


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """Prices of the minutes that traded, oldest first.

    Parameters
    ----------
    at : int64, (n,), minutes
        Begin of each, since the session's open; rising.
    open, high, low, close : int64, (n,), ticks
    """

    at: I64
    open: I64
    high: I64
    low: I64
    close: I64

    def __post_init__(self) -> None:
        columns = [getattr(self, f.name) for f in fields(self)]
        if len({len(c) for c in columns}) != 1 or (np.diff(self.at) <= 0).any() or (len(self.at) and self.at[0] < 0):
            raise BadInput("minutes of a session are columns of one length, each minute once, in order, from the open on")
        if (self.low > self.high).any():
            raise BadInput("a minute has its low above its high")

    def __len__(self) -> int:
        return len(self.at)

    @classmethod
    def of(cls, rows: list[tuple[int, int, int, int, int]]) -> Self:
        """Return the minutes of rows (at, open, high, low, close)."""
        return cls(*np.array(rows, np.int64).reshape(-1, 5).T)

    def take(self, index: slice | NDArray[np.bool_]) -> Self:
        """Return the chosen minutes."""
        return type(self)(*(getattr(self, f.name)[index] for f in fields(self)))

    def before(self, minute: int) -> Self:
        """Return those that begin before `minute` of the session."""
        return self.take(self.at < minute)

    def mirrored(self) -> Self:
        """Return the session upside down: every price with its sign turned."""
        return type(self)(self.at, -self.open, -self.low, -self.high, -self.close)

    @property
    def range(self) -> tuple[int, int]:
        """Lowest and highest price, ticks; of no minutes there is none."""
        return int(self.low.min()), int(self.high.max())
