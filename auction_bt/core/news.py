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


@dataclass(frozen=True, slots=True)
class AtLevel:
    """Something has happened at a level of `symbol`.

    Parameters
    ----------
    seq, ts : int, ns
        The message that made the bar known, and the bar's end.
    level : str
        ``poc``, ``vah`` or ``val``.
    what : str
        ``touched``, ``accepted`` beyond it, ``rejected`` at it, or ``moved``.
    price : float, rupees
        Of the level.
    before : float, rupees
        Where it was, of one that has moved.
    """

    seq: int
    ts: int
    symbol: str
    level: str
    what: str
    price: float
    before: float = 0.0


News = Decision | Filled | Trade | Turned | AtLevel
