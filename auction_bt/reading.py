"""From backtrader's lines to an `AuctionContext`: the one place where prices become ticks for a decision."""

from __future__ import annotations

from typing import Any

import numpy as np

from .core.context import AuctionContext
from .core.regime import Regime

LevelsNow = tuple[int, int, int, Regime, str]  # POC, VAH, VAL in ticks, regime, where they come from


class ContextReader:
    """Reads the current bar of a feed.

    Parameters
    ----------
    data : backtrader data feed
    tick : float, rupees
    period : int, bars
        Of the profile's window: as far back as quality and excursions are looked at.
    pullback_bars : int
        Closes a pullback may look back on.
    """

    def __init__(self, data: Any, tick: float, period: int, pullback_bars: int) -> None:
        self._data = data
        self._tick = tick
        self._period = period
        self._pullback_bars = pullback_bars

    def k(self, price: float) -> int:
        """Return a price of a line in ticks."""
        return round(price / self._tick)

    def context(self, i: int, seq: int, ts: int, levels: LevelsNow, atr: float) -> AuctionContext | None:
        """Return bar `i` held against `levels`, or None where no rule could see a signal in it.

        Parameters
        ----------
        i : int
            Index of the current bar.
        seq, ts : int, ns
        atr : float, rupees
        """
        poc, vah, val, regime, source = levels
        data = self._data
        close, high, low = self.k(data.close[0]), self.k(data.high[0]), self.k(data.low[0])
        closes: tuple[int, ...] = ()
        below, above = low, high
        if regime is Regime.BALANCED:
            if low > val and high < vah:
                return None
            below, above = self._excursions(val, vah, low, high)
        elif regime is Regime.TRANSITION or not val < close < vah:
            return None
        else:
            closes = tuple(self.k(x) for x in data.close.get(ago=-1, size=min(self._pullback_bars, i)))
        return AuctionContext(
            seq=seq,
            ts=ts,
            close=close,
            high=high,
            low=low,
            poc=poc,
            vah=vah,
            val=val,
            levels=source,
            regime=regime,
            atr=atr / self._tick,
            closes=closes,
            excursion_low=below,
            excursion_high=above,
            quality=self._quality(i),
        )

    def _excursions(self, val: int, vah: int, low: int, high: int) -> tuple[int, int]:
        data, below, above = self._data, low, high
        back = min(len(data) - 1, self._period)
        if low <= val:
            for ago in range(1, back):
                k = self.k(data.low[-ago])
                if k > val:
                    break
                below = min(below, k)
        if high >= vah:
            for ago in range(1, back):
                k = self.k(data.high[-ago])
                if k < vah:
                    break
                above = max(above, k)
        return below, above

    def _quality(self, i: int) -> float:
        quality = getattr(self._data, "bar_quality", None)
        if quality is None:
            return float("nan")
        window = quality[max(0, i - self._period + 1) : i + 1]
        return float("nan") if np.isnan(window).any() else float(window.mean())
