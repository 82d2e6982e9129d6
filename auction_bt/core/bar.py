"""One minute of trading, and its columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from math import isfinite
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from .tick import F64, I64

NEVER: Final = 2**63 - 1  # known_seq of a bar that nothing has completed


class Source(IntEnum):
    """Who says what the bar was."""

    I1 = 1  # the exchange's own last completed minute
    TICKS = 2  # built from ticks, because no I1 came
    CANDLES = 3  # imported or fetched

    @property
    def label(self) -> str:
        """The name in tables and exports: I1, ticks, candles."""
        return {1: "I1", 2: "ticks", 3: "candles"}[int(self)]


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute [ts, ts + 1 min) of one symbol.

    Parameters
    ----------
    symbol : str
    ts : int, ns
        Start of the minute.
    open, high, low, close : float, rupees
    volume : int, shares
        As the source says it.
    tick_volume : int, shares
        What our own ticks of that minute saw.
    known_seq : int, ns
        `seq` of the message that made the bar known; `NEVER` while nothing has.
    source : Source
    """

    symbol: str
    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    tick_volume: int = 0
    known_seq: int = NEVER
    source: Source = Source.CANDLES

    def __post_init__(self) -> None:
        prices = (self.open, self.high, self.low, self.close)
        if (
            not all(map(isfinite, prices))
            or not self.low <= min(self.open, self.close) <= max(self.open, self.close) <= self.high
        ):
            raise ValueError(f"{self.symbol}: open, high, low, close {prices} cannot be one bar")
        if self.volume < 0 or self.tick_volume < 0:
            raise ValueError(f"{self.symbol}: negative volume {self.volume}")


@dataclass(frozen=True, slots=True, eq=False)
class BarColumns:
    """Bars of one symbol ordered by `ts`, one array a field of `Bar` (see there for units)."""

    ts: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: I64
    tick_volume: I64
    known_seq: I64
    source: I64

    def __post_init__(self) -> None:
        if len({len(getattr(self, f.name)) for f in fields(self)}) != 1:
            raise ValueError("columns of one table have one length")

    def __len__(self) -> int:
        return len(self.ts)

    @classmethod
    def of(cls, bars: list[Bar]) -> Self:
        """Return the columns of `bars`."""
        columns: list[Any] = [np.array([getattr(b, f.name) for b in bars], dtype=BAR_DTYPES[f.name]) for f in fields(cls)]
        return cls(*columns)

    @classmethod
    def empty(cls) -> Self:
        """Return no bars."""
        return cls.of([])

    def take(self, index: slice | I64 | NDArray[np.bool_]) -> Self:
        """Return the chosen rows."""
        return type(self)(*(getattr(self, f.name)[index] for f in fields(self)))


BAR_DTYPES = {
    "ts": np.int64, "open": np.float64, "high": np.float64, "low": np.float64, "close": np.float64,
    "volume": np.int64, "tick_volume": np.int64, "known_seq": np.int64, "source": np.int64,
}  # fmt: skip
