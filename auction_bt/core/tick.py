"""One observation of trading, and its columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import nan
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]


class Tick(NamedTuple):
    """What one message says was traded; a named tuple as one is made for nearly every other message.

    Parameters
    ----------
    symbol : str
    seq : int, ns
        The record's unique stamp: the order of everything. Equal stamps of two symbols are ordered by symbol.
    ts : int, ns
        Exchange time of the last trade (`ltt`); only labels minutes.
    price : float, rupees
        `ltp` as received; becomes integer ticks at the first arithmetic.
    size : int, shares
        Rise of `vtt` above its running maximum of the day; 0 where only the price is known.
    vtt : int, shares
        Volume traded today as said by the message; -1 where it says none.
    bid, ask : float, rupees
        Best of the book as of this message, NaN where there is none or it is crossed.
    oi : float
        Open interest, NaN where not said.
    clock : int, ns
        The symbol's message clock just *before* this message: what a timed exit may know when this tick fills it.
    """

    symbol: str
    seq: int
    ts: int
    price: float
    size: int
    vtt: int = -1
    bid: float = nan
    ask: float = nan
    oi: float = nan
    clock: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TickColumns:
    """Ticks of one symbol in `seq` order, one array a field of `Tick` (see there for units)."""

    seq: I64
    ts: I64
    price: F64
    size: I64
    vtt: I64
    bid: F64
    ask: F64
    oi: F64
    clock: I64

    def __post_init__(self) -> None:
        if len({len(getattr(self, f.name)) for f in fields(self)}) != 1:
            raise ValueError("columns of one table have one length")

    def __len__(self) -> int:
        return len(self.seq)

    @classmethod
    def empty(cls) -> Self:
        """Return no ticks."""
        return cls.of([])

    @classmethod
    def of(cls, ticks: list[Tick]) -> Self:
        """Return the columns of `ticks`."""
        columns: list[Any] = [np.array([getattr(t, f.name) for t in ticks], dtype=TICK_DTYPES[f.name]) for f in fields(cls)]
        return cls(*columns)

    def take(self, index: slice | I64 | NDArray[np.bool_]) -> Self:
        """Return the chosen rows."""
        return type(self)(*(getattr(self, f.name)[index] for f in fields(self)))

    @classmethod
    def join(cls, parts: list[Self]) -> Self:
        """Return `parts` one after the other."""
        if len(parts) < 2:
            return parts[0] if parts else cls.empty()
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


TICK_DTYPES = {
    "seq": np.int64, "ts": np.int64, "price": np.float64, "size": np.int64, "vtt": np.int64,
    "bid": np.float64, "ask": np.float64, "oi": np.float64, "clock": np.int64,
}  # fmt: skip
