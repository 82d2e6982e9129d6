"""Time at price: which half-hour brackets touched each row, and what their ends say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from .minutes import Minutes
from .tick import I64

BRACKET_MIN: Final = 30
_LEAST: Final = 2  # rows of a tail or of single prints; letters that make an extreme poor
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True, eq=False)
class Brackets:
    """Half hours that traded, oldest first.

    Parameters
    ----------
    index : int64, (n,)
        0 for the first 30 minutes of the session.
    open, high, low, close : int64, (n,), ticks
    """

    index: I64
    open: I64
    high: I64
    low: I64
    close: I64

    def __len__(self) -> int:
        return len(self.index)

    @property
    def letters(self) -> str:
        """Their letters: A is the first half hour, a follows Z."""
        return "".join(_LETTERS[i % len(_LETTERS)] for i in self.index.tolist())


@dataclass(frozen=True, slots=True)
class Tail:
    """Rows at an extreme that one bracket alone touched: price was rejected there.

    Parameters
    ----------
    low, high : int, rows
        Both included.
    is_excess : bool
        False while the bracket is the last one: nothing has confirmed it.
    """

    low: int
    high: int
    is_excess: bool


@dataclass(frozen=True, slots=True, eq=False)
class Tpo:
    """Time at price of a session.

    Parameters
    ----------
    lo : int, rows
        Row of ``count[0]``.
    count : int64, (n,), letters
    ticks_per_row : int, ticks
    brackets : Brackets
    singles : tuple of (int, int), rows
        Runs of two rows or more with one letter each that lie at neither extreme, the lowest first; both ends included.
    buying_tail, selling_tail : Tail or None
        At the low, at the high.
    poor_low, poor_high : bool or None
        Two letters or more at the extreme row: unfinished business. None while one bracket is all there is.
    rotation : int or None
        Rotation factor: each bracket gives +1 for a higher high, -1 for a lower one, and so for its low. None of one bracket.
    """

    lo: int
    count: I64
    ticks_per_row: int
    brackets: Brackets
    singles: tuple[tuple[int, int], ...]
    buying_tail: Tail | None
    selling_tail: Tail | None
    poor_low: bool | None
    poor_high: bool | None
    rotation: int | None


def brackets_of(minutes: Minutes) -> Brackets:
    """Return the half hours of `minutes`."""
    index = minutes.at // BRACKET_MIN
    first = np.flatnonzero(np.diff(index, prepend=-1))
    last = np.append(first[1:], len(index))[: len(first)] - 1
    if not len(first):
        return Brackets(index, minutes.open, minutes.high, minutes.low, minutes.close)
    return Brackets(
        index[first],
        minutes.open[first],
        np.maximum.reduceat(minutes.high, first),
        np.minimum.reduceat(minutes.low, first),
        minutes.close[last],
    )


def tpo_of(minutes: Minutes, ticks_per_row: int = 1) -> Tpo:
    """Return time at price of at least one minute.

    Parameters
    ----------
    minutes : Minutes
    ticks_per_row : int, ticks
        Rows are counted from price 0.

    Notes
    -----
    A bracket touches every row from its low to its high. What comes later can end a tail or single prints, never change what was
    said of the minutes given.

    References
    ----------
    Single prints, tails, poor extremes, rotation factor: J. Dalton, "Mind over Markets" (1990); CBOT, "A Six-Part Study Guide
    to Market Profile" (1996).
    """
    brackets = brackets_of(minutes)
    low, high = brackets.low // ticks_per_row, brackets.high // ticks_per_row
    lo = int(low.min())
    count = np.zeros(int(high.max()) - lo + 1, np.int64)
    for first, last in zip((low - lo).tolist(), (high - lo).tolist(), strict=True):
        count[first : last + 1] += 1
    several = len(brackets) > 1
    runs = [(lo + a, lo + b) for a, b in _runs(count == 1) if b - a + 1 >= _LEAST]
    hi = lo + len(count) - 1
    return Tpo(
        lo,
        count,
        ticks_per_row,
        brackets,
        tuple((a, b) for a, b in runs if a > lo and b < hi),
        _tail(runs, low, high, lo, at_low=True) if several else None,
        _tail(runs, low, high, hi, at_low=False) if several else None,
        bool(count[0] >= _LEAST) if several else None,
        bool(count[-1] >= _LEAST) if several else None,
        rotation_factor(brackets),
    )


def rotation_factor(brackets: Brackets) -> int | None:
    """Return the rotation factor of the session; None where there is nothing to compare."""
    if len(brackets) < 2:
        return None
    return int(np.sign(np.diff(brackets.high)).sum() + np.sign(np.diff(brackets.low)).sum())


def _tail(runs: list[tuple[int, int]], low: I64, high: I64, extreme: int, *, at_low: bool) -> Tail | None:
    run = next(((a, b) for a, b in runs if extreme in {a, b}), None)
    if run is None:
        return None
    # A run of single rows may belong to two brackets that do not meet; the tail is that of the one that made the extreme.
    bracket = int(np.flatnonzero((low if at_low else high) == extreme)[0])
    begin, end = max(run[0], int(low[bracket])), min(run[1], int(high[bracket]))
    return Tail(begin, end, bracket < len(low) - 1) if end - begin + 1 >= _LEAST else None


def _runs(flags: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[tuple[int, int]]:
    edges = np.diff(np.concatenate(([0], flags.astype(np.int64), [0])))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
