"""What one message says of one symbol, decoded and checked, before it means anything.

Named tuples, not dataclasses: they are as frozen, and one of each is made for every message.
"""

from __future__ import annotations

from math import nan
from typing import NamedTuple


class Candle(NamedTuple):
    """A completed minute as the exchange reports it (`I1`); made only from prices that can be one bar.

    Parameters
    ----------
    ts : int, ns
        Start of the minute.
    open, high, low, close : float, rupees
    volume : int, shares
    """

    ts: int
    open: float
    high: float
    low: float
    close: float
    volume: int


class Snapshot(NamedTuple):
    """One symbol's part of a message.

    Parameters
    ----------
    symbol : str
    ltp : float, rupees
        Last traded price, finite and above 0; NaN where the message has none.
    ltt_ns : int, ns
        Time of the last trade, 0 where the message has none.
    ltq : int, shares
        Size of the last trade alone; never a measure of volume.
    vtt : int or None, shares
        Volume traded today, None where the message has none.
    has_book : bool
        False where the message has no book: the one before stands.
    bid, ask : float, rupees
        Best of the book, NaN where that side is empty, both NaN where they cross.
    oi : float
        Open interest, NaN where not said.
    atp : float, rupees
        The exchange's average price of the day, NaN where not said.
    i1 : Candle or None
        The last completed minute.
    is_index : bool
        An index has prices and no volume.
    """

    symbol: str
    ltp: float = nan
    ltt_ns: int = 0
    ltq: int = 0
    vtt: int | None = None
    has_book: bool = False
    bid: float = nan
    ask: float = nan
    oi: float = nan
    atp: float = nan
    i1: Candle | None = None
    is_index: bool = False
