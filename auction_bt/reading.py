"""From backtrader's lines to an `AuctionContext`: the one place where prices become ticks for a decision."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from itertools import islice
from math import nan
from typing import Any

import numpy as np

from .core.context import AuctionContext
from .core.errors import BadInput
from .core.instrument import Instrument, Kind
from .core.ist import day_index
from .core.regime import Regime

LevelsNow = tuple[int, int, int, Regime, str]  # POC, VAH, VAL in ticks, regime, where they come from
_ATR_BARS = 14


class ContextReader:
    """Follows the bars of a feed.

    It remembers what it needs itself: in backtrader's memory-saving modes lines forget, and its own ATR differs in the last
    bits between its modes.

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
        self._bars: deque[tuple[int, int, int]] = deque(maxlen=max(period, pullback_bars) + 1)  # high, low, close
        self._ranges: list[int] = []
        self.atr = nan

    def k(self, price: float) -> int:
        """Return a price of a line in ticks."""
        return round(price / self._tick)

    def note(self) -> None:
        """Take the current bar in; call it once a bar, before anything else.

        Notes
        -----
        `atr` (ticks) is Wilder's: the mean of the first 14 true ranges, then 13 parts of itself and one of the new.
        """
        data = self._data
        high, low, close = self.k(data.high[0]), self.k(data.low[0]), self.k(data.close[0])
        if self._bars:
            before = self._bars[-1][2]
            true_range = max(high, before) - min(low, before)
            if len(self._ranges) < _ATR_BARS:
                self._ranges.append(true_range)
                if len(self._ranges) == _ATR_BARS:
                    self.atr = sum(self._ranges) / _ATR_BARS
            else:
                self.atr = (self.atr * (_ATR_BARS - 1) + true_range) / _ATR_BARS
        self._bars.append((high, low, close))

    @property
    def bar(self) -> tuple[int, int, int]:
        """High, low and close of the current bar, in ticks."""
        return self._bars[-1]

    def context(self, i: int, seq: int, ts: int, levels: LevelsNow) -> AuctionContext | None:
        """Return bar `i` held against `levels`, or None where no rule could see a signal in it.

        Parameters
        ----------
        i : int
            Index of the current bar.
        seq, ts : int, ns
        """
        poc, vah, val, regime, source = levels
        high, low, close = self.bar
        closes: tuple[int, ...] = ()
        below, above = low, high
        if regime is Regime.BALANCED:
            if low > val and high < vah:
                return None
            below, above = self._excursions(val, vah)
        elif regime is Regime.TRANSITION or (close <= val if regime is Regime.BULL else close >= vah):
            return None
        else:
            earlier = islice(reversed(self._bars), 1, self._pullback_bars + 1)
            closes = tuple(bar[2] for bar in earlier)[::-1]
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
            atr=self.atr,
            closes=closes,
            excursion_low=below,
            excursion_high=above,
            quality=self.quality(i),
        )

    def silence(self, i: int) -> int:
        """Return the longest silence of the feed from the beginning of bar `i` until it was known, ns; 0 where nobody knows."""
        silences = getattr(self._data, "silences", None)
        return int(silences[i]) if silences is not None else 0

    def _excursions(self, val: int, vah: int) -> tuple[int, int]:
        below, above = self._bars[-1][1], self._bars[-1][0]
        if below <= val:
            for _, low, _ in reversed(self._bars):
                if low > val:
                    break
                below = min(below, low)
        if above >= vah:
            for high, _, _ in reversed(self._bars):
                if high < vah:
                    break
                above = max(above, high)
        return below, above

    def quality(self, i: int) -> float:
        """Return the mean tick quality of the window that ends with bar `i`; NaN where only bars are known."""
        quality = getattr(self._data, "bar_quality", None)
        if quality is None:
            return nan
        window = quality[max(0, i - self._period + 1) : i + 1]
        judged = window[~np.isnan(window)]
        return float(np.add.reduce(judged) / len(judged)) if len(judged) else nan  # what `mean` does, in a third of its time


def instrument_of(data: Any, tick_size: float, lot: int) -> Instrument:
    """Return what a feed is of: its own word, or an instrument of this price step (rupees) and lot (shares).

    Raises
    ------
    BadInput
        Nobody says the price step.
    """
    instrument = getattr(data, "instrument", None)
    if instrument is not None:
        return instrument  # type: ignore[no-any-return]
    if not tick_size:
        raise BadInput("the feed does not say its price step: give tick_size, e.g. addstrategy(AuctionStrategy, tick_size=0.05)")
    name = str(getattr(data, "_name", "") or "data")
    return Instrument(name, Decimal(repr(tick_size)), lot or 1, Kind.OTHER)


def price_before(data: Any, seq: int) -> float:
    """Return the last price a feed showed before the message `seq`, in rupees: of its ticks, else of its last bar."""
    market: Any = getattr(data, "market", None)
    index = int(np.searchsorted(market.seq, seq, side="left")) - 1 if market is not None else -1
    if index < 0 or day_index(int(market.seq[index])) != day_index(seq):
        return float(data.close[0])
    return float(market.price[index])
