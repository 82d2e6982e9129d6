"""The ticks behind the bars of one feed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .errors import BadInput
from .tick import I64


@dataclass(frozen=True, slots=True, eq=False)
class TickTape:
    """Which ticks each bar is made of.

    Parameters
    ----------
    offsets : int64, (n_bars + 1,)
        Bar b owns ticks ``offsets[b]`` to ``offsets[b + 1]``, the second not included.
    k : int64, (n_ticks,), ticks
        Prices as grid indices.
    size : int64, (n_ticks,), shares
    day : int64, (n_bars,)
        IST day of each bar.
    contract : int64, (n_bars,)
        Which contract of a continuous series each bar belongs to; no window crosses a change.
    """

    offsets: I64
    k: I64
    size: I64
    day: I64
    contract: I64

    def __post_init__(self) -> None:
        bars = len(self.offsets) - 1
        if bars < 0 or len(self.day) != bars or len(self.contract) != bars or len(self.k) != len(self.size):
            raise BadInput(
                f"a tape of {len(self.offsets)} offsets, {len(self.k)} prices, {len(self.size)} sizes, {len(self.day)} days and "
                f"{len(self.contract)} contracts does not fit together: n bars have n + 1 offsets, n days and n contracts"
            )
        if self.offsets[0] != 0 or self.offsets[-1] != len(self.k) or (np.diff(self.offsets) < 0).any():
            raise BadInput(f"tape offsets must rise from 0 to the number of ticks, {len(self.k)}")
        if len(self.size) and self.size.min() < 0:
            raise BadInput("a tape holds negative sizes: correct or drop them first")

    def __len__(self) -> int:
        return len(self.day)

    def bar(self, b: int) -> tuple[I64, I64]:
        """Return prices (ticks) and sizes (shares) of the ticks of bar `b`."""
        part = slice(self.offsets[b], self.offsets[b + 1])
        return self.k[part], self.size[part]
