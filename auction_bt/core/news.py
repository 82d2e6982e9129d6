"""What a run has to say while it runs, beside its decisions and trades."""

from __future__ import annotations

from dataclasses import dataclass

from .decision import Decision
from .regime import Regime
from .trade import Fill, Trade


@dataclass(frozen=True, slots=True)
class Filled:
    """An execution of an order of `symbol`; `buy` says which way."""

    symbol: str
    buy: bool
    fill: Fill


@dataclass(frozen=True, slots=True)
class Turned:
    """The regime of `symbol` is another at this bar than at the one before.

    Parameters
    ----------
    seq, ts : int, ns
        The message that made the bar known, and the bar's end.
    before : Regime or None
        None where there was none yet.
    poc, vah, val : float, rupees
    """

    seq: int
    ts: int
    symbol: str
    before: Regime | None
    now: Regime
    poc: float
    vah: float
    val: float


News = Decision | Filled | Trade | Turned
