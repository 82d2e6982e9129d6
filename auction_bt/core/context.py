"""What a decision may look at: one frozen value, all in ticks."""

from __future__ import annotations

from dataclasses import dataclass

from .regime import Regime


@dataclass(frozen=True, slots=True)
class AuctionContext:
    """A closed bar held against the value area that stood before it.

    Parameters
    ----------
    seq, ts : int, ns
        Message that made the bar known; end of the bar.
    close, high, low : int, ticks
    poc, vah, val : int, ticks
        Of the window that ends with the bar before: the bar is not judged by itself.
    levels : str
        Where the levels come from: the window's name, or ``prior``.
    regime : Regime
    atr : float, ticks
        Average true range over 14 bars, up to and including this bar.
    closes : tuple of int, ticks
        Closes of the 20 bars before, oldest first.
    excursion_low, excursion_high : int, ticks
        Extreme of the unbroken run of bars, ending here, that traded at or beyond the value area's edge.
    quality : float
        Share of the window's volume and time that our ticks saw; NaN where only bars are known.
    """

    seq: int
    ts: int
    close: int
    high: int
    low: int
    poc: int
    vah: int
    val: int
    levels: str
    regime: Regime
    atr: float
    closes: tuple[int, ...]
    excursion_low: int
    excursion_high: int
    quality: float

    @property
    def width(self) -> int:
        """Value area from edge to edge, in ticks."""
        return self.vah - self.val
