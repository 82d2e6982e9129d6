"""What kind of auction a window shows."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from functools import cache
from math import isnan, nan
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from .histogram import NO_ROW
from .jit import compiled
from .tick import F64, I64

MIN_ROWS: Final = 5
MAX_RHO: Final = 0.60
MAX_BC: Final = 5 / 9  # a flat profile
MAX_PO_RANGE: Final = 0.50
PATIENCE: Final = 3  # equal raw regimes, in a row, that change a latched one

_FEW_BARS: Final = 1000  # judged sooner as they are than by machine code that would have to be loaded
_UNDEFINED: Final = -2
_ORIGINAL: Final = 0
# fields of the latch
_STARTED, _DAY, _CONTRACT, _LATCHED, _RIVAL, _COUNT = 0, 1, 2, 3, 4, 5


class Regime(IntEnum):
    """Values of a regime line; NaN stands for undefined."""

    BEAR = -1
    BALANCED = 0
    BULL = 1
    TRANSITION = 2

    @property
    def label(self) -> str:
        """The name in tables and exports."""
        return self.name.lower()


class Rule(StrEnum):
    """How a regime is told."""

    ORIGINAL = "original"  # from where the POC lies in the value area
    AUCTION = "auction"  # from migration, bimodality and where the POC lies in the range; latched

    @property
    def code(self) -> int:
        """The number kernels know it by."""
        return 0 if self is Rule.ORIGINAL else 1


def label_of(value: float) -> str:
    """Return the name of a value of a regime line, ``undefined`` for NaN."""
    return "undefined" if isnan(value) else Regime(int(value)).label


def original(poc: int, vah: int, val: int) -> int:
    """Return the regime of three levels given as rows: balanced within 40 % of half the width around the middle."""
    off = 2 * poc - vah - val
    if abs(off) * 10 <= 4 * (vah - val):
        return 0
    return 1 if off > 0 else -1


def auction(printed: int, rho: float, bc: float, po_range: float) -> int:
    """Return the raw regime of one window."""
    if printed < MIN_ROWS:
        return _UNDEFINED
    if abs(rho) > MAX_RHO:
        return 1 if rho > 0.0 else -1
    if abs(po_range) > MAX_PO_RANGE:
        return 1 if po_range > 0.0 else -1
    return 0 if bc <= MAX_BC else 2


def latch(state: Any, raw: int) -> int:
    """Return the latched regime after one more raw one.

    Notes
    -----
    The first defined one is taken at once; another needs to come three times in a row. An undefined one is undefined at once:
    a window without levels has no regime.
    """
    if raw == _UNDEFINED or state[_LATCHED] == _UNDEFINED:
        state[_LATCHED], state[_COUNT] = raw, 0
    elif raw == state[_LATCHED]:
        state[_COUNT] = 0
    else:
        state[_COUNT] = state[_COUNT] + 1 if state[_COUNT] > 0 and raw == state[_RIVAL] else 1
        state[_RIVAL] = raw
        if state[_COUNT] == PATIENCE:
            state[_LATCHED], state[_COUNT] = raw, 0
    return state[_LATCHED]  # type: ignore[no-any-return]


def judge(rule: int, state: Any, whole: Any, real: Any, day: Any, contract: Any, regime: Any, balance: Any) -> None:
    """Write regime and the number it was judged by, bar after bar.

    Parameters
    ----------
    state : int64, (6,)
        The latch, kept between calls.
    whole, real : int64 (n, 6), float64 (n, 3)
        As written by `window.advance`.
    day, contract : int64, (n,)
    regime, balance : float64, (n,)
        Output.

    Notes
    -----
    All but the output may be lists.
    """
    for i in range(len(regime)):
        if state[_STARTED] == 0 or day[i] != state[_DAY] or contract[i] != state[_CONTRACT]:
            state[_STARTED], state[_DAY], state[_CONTRACT] = 1, day[i], contract[i]
            state[_LATCHED], state[_COUNT] = _UNDEFINED, 0
        shown, numbers = whole[i], real[i]
        poc, vah, val = shown[0], shown[1], shown[2]
        raw = _UNDEFINED
        balance[i] = nan
        if poc != NO_ROW and rule == _ORIGINAL:
            raw = original(poc, vah, val)
            balance[i] = float(2 * poc - vah - val) / float(vah - val) if vah > val else 0.0
        elif poc != NO_ROW:
            raw = auction(shown[4], numbers[0], numbers[1], numbers[2])
            balance[i] = numbers[0]
        told = raw if rule == _ORIGINAL else latch(state, raw)
        regime[i] = nan if told == _UNDEFINED else float(told)


@cache
def machine() -> SimpleNamespace:
    """Return the kernels compiled."""
    return compiled(globals())


class RegimeJudge:
    """Tells regimes bar after bar, many or one at a time with equal results.

    Parameters
    ----------
    rule : Rule
    """

    def __init__(self, rule: Rule) -> None:
        self._rule = rule.code
        self._state = np.zeros(6, np.int64)
        self._before = self._state.copy()

    def take(self, whole: I64, real: F64, day: I64, contract: I64) -> tuple[F64, F64]:
        """Return regime (-1 bear, 0 balanced, 1 bull, 2 transition, NaN undefined) and balance of the next bars.

        Parameters
        ----------
        whole, real : int64 (n, 6), float64 (n, 3)
            What the window showed after each bar.
        day, contract : int64, (n,)

        Returns
        -------
        regime, balance : float64, (n,)
            Balance is the number judged by: (2 POC - VAH - VAL) / (VAH - VAL), or rho.
        """
        regime, balance = np.empty(len(day)), np.empty(len(day))
        self._before[:] = self._state
        if len(day) <= _FEW_BARS:
            state = self._state.tolist()  # plain numbers, which Python is quicker with than with those of arrays
            judge(self._rule, state, whole.tolist(), real.tolist(), day.tolist(), contract.tolist(), regime, balance)
            self._state[:] = state
            return regime, balance
        # One layout of arrays, or numba compiles once more for each other it meets.
        whole, day, contract = (np.require(x, np.int64, ["C", "W"]) for x in (whole, day, contract))
        real = np.require(real, np.float64, ["C", "W"])
        machine().judge(self._rule, self._state, whole, real, day, contract, regime, balance)
        return regime, balance

    def undo(self) -> None:
        """Forget what the last call of `take` was given."""
        self._state[:] = self._before
