"""Levels of a moving window of bars: all bars at once, or one bar at a time, with the same kernels and so the same bits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from math import nan
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from . import few, histogram, window
from .errors import BadInput
from .jit import compiled
from .profile import FULL_SHARE, Method, VolumeSource, rows_per
from .tape import TickTape
from .tick import F64, I64

_BAR_FIELDS: Final = 7
_START_ROWS: Final = 256
_FEW_BARS: Final = 3000  # of few rows each: measured in some 0.3 s; loading machine code takes twice as long
_NOTHING: Final = (histogram.NO_ROW, histogram.NO_ROW, histogram.NO_ROW, 0, 0, 0)
_FEW_ROWS: Final = 1000  # a bar of so many rows takes twice as long as one of few


class WindowKind(StrEnum):
    """Which bars a window holds; a change of contract empties every kind."""

    ROLLING = "rolling"  # the last `period` bars, across sessions
    SESSION = "session"  # from the session's first bar
    COMPOSITE = "composite"  # the last `period` sessions, the current one included
    ANCHORED = "anchored"  # from the first bar stamped at or after an instant

    @property
    def code(self) -> int:
        """The number kernels know it by."""
        return {"rolling": 0, "session": 1, "composite": 2, "anchored": 3}[self.value]


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """What to measure.

    Parameters
    ----------
    kind : WindowKind
    period : int, bars (rolling) or sessions (composite)
    method : Method
    share : int, basis points
    source : VolumeSource
    ticks_per_row : int, ticks
    anchor : int, ns since 1970
        Used by anchored windows.
    """

    kind: WindowKind = WindowKind.ROLLING
    period: int = 120
    method: Method = Method.TWO_ROW
    share: int = 7000
    source: VolumeSource = VolumeSource.AUTO
    ticks_per_row: int = 1
    anchor: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.period, int) or isinstance(self.period, bool) or self.period < 1:
            raise BadInput(f"period {self.period!r} must be a whole number of bars, 1 or more")
        if not 0 < self.share <= FULL_SHARE:
            raise BadInput(f"value area of {self.share} basis points must be above 0 and at most {FULL_SHARE}")
        rows_per(self.ticks_per_row)
        if self.kind is WindowKind.ANCHORED and self.anchor is None:
            raise BadInput("window 'anchored' needs anchor: the instant from which on bars count")

    def codes(self) -> I64:
        """Return the numbers kernels read, int64, (7,)."""
        return np.array(
            [self.kind.code, self.period, self.anchor or 0, self.share, self.method.code, self.source.code, self.ticks_per_row],
            np.int64,
        )


@dataclass(frozen=True, slots=True, eq=False)
class WindowBars:
    """Bars as windows take them.

    Parameters
    ----------
    low, high, close : int64, (n,), ticks
    volume : int64, (n,), shares
    day, contract : int64, (n,)
    ts : int64, (n,), ns
        Stamp of the bar, compared with an anchor.
    tape : TickTape, optional
    """

    low: I64
    high: I64
    close: I64
    volume: I64
    day: I64
    contract: I64
    ts: I64
    tape: TickTape | None = None

    def __post_init__(self) -> None:
        n = len(self.low)
        if self.tape is not None and len(self.tape) != n:
            raise BadInput(f"the tape speaks of {len(self.tape)} bars, the feed has {n}: both must hold the same bars")
        if {len(self.high), len(self.close), len(self.volume), len(self.day), len(self.contract), len(self.ts)} != {n}:
            raise BadInput("columns of bars differ in length")
        if ((self.low > self.high) & (self.volume > 0)).any():
            raise BadInput("a bar has its low above its high")

    def __len__(self) -> int:
        return len(self.low)

    def table(self, ticks_per_row: int) -> I64:
        """Return the bars as kernels read them, prices in rows of so many ticks, int64, (n, 7)."""
        rows = (x // ticks_per_row for x in (self.low, self.high, self.close))
        return np.column_stack((*rows, self.volume, self.day, self.contract, self.ts))


@dataclass(frozen=True, slots=True, eq=False)
class WindowLevels:
    """What the window showed after each bar.

    Parameters
    ----------
    whole : int64, (n, 6)
        poc, vah, val (rows, `NO_ROW` where undefined), volume (shares), printed rows, bars in the window.
    real : float64, (n, 3)
        rho, BC, PO_range; NaN where undefined.

    Notes
    -----
    Row b depends on bars 0..b only. Undefined: a rolling window that is not full, any window without volume.
    """

    whole: I64
    real: F64

    @property
    def nbytes(self) -> int:
        """Memory it takes."""
        return self.whole.nbytes + self.real.nbytes

    @classmethod
    def undefined(cls, n: int) -> WindowLevels:
        """Return `n` rows in which nothing is defined."""
        whole = np.zeros((n, 6), np.int64)
        whole[:, :3] = histogram.NO_ROW
        return cls(whole, np.full((n, 3), nan))

    def __len__(self) -> int:
        return len(self.whole)

    @property
    def poc(self) -> I64:
        """Point of control, int64, (n,), rows."""
        return self.whole[:, 0]

    @property
    def vah(self) -> I64:
        """Value area high, int64, (n,), rows."""
        return self.whole[:, 1]

    @property
    def val(self) -> I64:
        """Value area low, int64, (n,), rows."""
        return self.whole[:, 2]

    @property
    def total(self) -> I64:
        """Volume in the window, int64, (n,), shares; 0 where undefined."""
        return self.whole[:, 3]

    @property
    def printed(self) -> I64:
        """Rows with volume, int64, (n,); 0 where undefined."""
        return self.whole[:, 4]

    @property
    def bars(self) -> I64:
        """Bars in the window, int64, (n,)."""
        return self.whole[:, 5]

    @property
    def rho(self) -> F64:
        """Volume-weighted correlation of time and price, float64, (n,), -1..1."""
        return self.real[:, 0]

    @property
    def bc(self) -> F64:
        """Bimodality coefficient, float64, (n,); NaN for a single row."""
        return self.real[:, 1]

    @property
    def po_range(self) -> F64:
        """Where the POC lies in the range, float64, (n,), -1..1."""
        return self.real[:, 2]


@cache
def machine() -> SimpleNamespace:
    """Return the kernels compiled."""
    return compiled(vars(histogram), vars(window))


class _State:
    """Histogram, window and its beginning, as kernels keep them."""

    def __init__(self, spec: WindowSpec) -> None:
        self.codes = spec.codes()
        self.histogram = np.zeros(_START_ROWS, np.int64)
        self.window = np.zeros(window.STATE, np.int64)
        self.beginning = np.zeros(window.W_STARTS + (spec.period if spec.kind is WindowKind.COMPOSITE else 0), np.int64)
        self.scratch = np.zeros(window.STATE, np.int64)

    def advance(self, begin: int, origin: int, bars: I64, offsets: I64, k: I64, size: I64, out: WindowLevels) -> None:
        kept = (self.window, self.beginning, self.codes)
        self.histogram = advance(machine(), self.histogram, *kept, begin, origin, bars, offsets, k, size, self.scratch, out)


def advance(
    kernels: Any, h: I64, m: Any, w: Any, codes: Any,
    begin: int, origin: int, bars: Any, offsets: Any, k: I64, size: I64, scratch: Any, out: WindowLevels,
) -> I64:  # fmt: skip
    """Take the next ``len(out)`` bars into a window by `kernels`; return its histogram, wider where that had to be."""
    at, end = begin, begin + len(out)
    while True:
        done = at - begin
        at = kernels.advance(
            h, m, w, codes, at, end, origin, bars, offsets, k, size, scratch, out.whole[done:], out.real[done:]
        )  # fmt: skip
        if at == end:
            return h
        _refuse(m[window.FAULT])
        wider = np.zeros(m[window.WANTED_ROWS], np.int64)
        kernels.move(h, m, wider)
        h = wider


def _refuse(fault: int) -> None:
    if fault == window.TOO_MANY_ROWS:
        raise BadInput(
            f"a window spans more than {histogram.MAX_ROWS} rows: look for a wrong price or tick_size, or raise ticks_per_row"
        )
    if fault == window.TOO_MUCH_VOLUME:
        raise BadInput("a window's volume is too large for exact arithmetic: give volume in larger units, e.g. lots")


class _Patience:
    """Whether bars are measured without machine code: those that come before it is worth its loading."""

    def __init__(self) -> None:
        self._left: int = _FEW_BARS

    def covers(self, spec: WindowSpec, bars: WindowBars) -> bool:
        """Return whether these too are few still."""
        if machine.cache_info().currsize:
            return False
        traded = bars.volume > 0
        span = int(bars.high[traded].max() - bars.low[traded].min()) // spec.ticks_per_row if traded.any() else 0
        self._left -= len(bars) + len(bars) * span // _FEW_ROWS
        return self._left >= 0


@cache
def _patience() -> _Patience:
    return _Patience()


def levels_of(spec: WindowSpec, bars: WindowBars) -> WindowLevels:
    """Return what the window shows after each bar.

    Notes
    -----
    O(rows of the window) a bar: the new bar's volume is added, the leaving bar's taken away, in integers, without residue.
    """
    return (few_levels if _patience().covers(spec, bars) else many_levels)(spec, bars)


def many_levels(spec: WindowSpec, bars: WindowBars) -> WindowLevels:
    """Return what `levels_of` does, by machine code."""
    out = WindowLevels.undefined(len(bars))
    # One layout of arrays, or numba compiles once more for each other it meets.
    offsets, k, size = (np.require(x, np.int64, ["C", "W"]) for x in _ticks(spec, bars))
    _State(spec).advance(0, 0, bars.table(spec.ticks_per_row), offsets, k, size, out)
    return out


def few_levels(spec: WindowSpec, bars: WindowBars) -> WindowLevels:
    """Return what `levels_of` does, without machine code."""
    out, state = WindowLevels.undefined(len(bars)), _State(spec)
    offsets, k, size = _ticks(spec, bars)
    # Plain numbers, which Python is quicker with than with those of arrays.
    m, w, codes, scratch = (x.tolist() for x in (state.window, state.beginning, state.codes, state.scratch))
    table = bars.table(spec.ticks_per_row).tolist()
    advance(few.kernels(), state.histogram, m, w, codes, 0, 0, table, offsets.tolist(), k, size, scratch, out)
    return out


def _ticks(spec: WindowSpec, bars: WindowBars) -> tuple[I64, I64, I64]:
    tape = bars.tape
    if tape is None or spec.source is VolumeSource.CANDLES:
        return np.zeros(len(bars) + 1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    return tape.offsets, tape.k, tape.size


class WindowStepper:
    """The same window, one bar at a time; keeps no bar that can no longer leave the window.

    Parameters
    ----------
    spec : WindowSpec
    """

    def __init__(self, spec: WindowSpec) -> None:
        self._spec = spec
        self._state = _State(spec)
        # Bars of these windows leave one by one; other windows are emptied whole.
        self._remembers = spec.kind in (WindowKind.ROLLING, WindowKind.COMPOSITE)
        self._bars = np.zeros((16, _BAR_FIELDS), np.int64)
        self._offsets = np.zeros(17, np.int64)
        self._k, self._size = np.zeros(64, np.int64), np.zeros(64, np.int64)
        self._origin = self._count = 0

    def push(self, low: int, high: int, close: int, volume: int, day: int, contract: int, ts: int,
             k: I64 | None = None, size: I64 | None = None, into: WindowLevels | None = None) -> WindowLevels:  # fmt: skip
        """Take the next bar and return what the window shows, one row; units as in `WindowBars`, `k` and `size` its ticks.

        Parameters
        ----------
        into : WindowLevels, optional
            One row to write to instead of a new one, for whoever reads it before the next bar.
        """
        if low > high and volume > 0:
            raise BadInput("a bar has its low above its high")
        row = self._room(0 if k is None else len(k))
        n = self._spec.ticks_per_row
        self._bars[row] = (low // n, high // n, close // n, volume, day, contract, ts)
        begin = end = int(self._offsets[row])
        if k is not None and size is not None and self._spec.source is not VolumeSource.CANDLES:
            end += len(k)
            self._k[begin:end], self._size[begin:end] = k, size
        self._offsets[row + 1] = end
        if into is None:
            out = WindowLevels.undefined(1)
        else:
            out = into
            out.whole[0], out.real[0] = _NOTHING, nan
        self._state.advance(self._count, self._origin, self._bars, self._offsets, self._k, self._size, out)
        self._count += 1
        return out

    def pop(self) -> None:
        """Take the newest bar back, to push it again with other values (a bar that is still being traded)."""
        self._count -= 1
        row, state = self._count - self._origin, self._state
        place = self._count - int(state.window[window.FIRST])
        if place < 0:  # a bar before the anchor
            return
        begin, end = int(self._offsets[row]), int(self._offsets[row + 1])
        kernel = machine()
        kernel.put(
            state.histogram, state.window, self._bars[row], self._k, self._size, begin, end, state.codes, place, -1
        )  # fmt: skip
        kernel.trim(state.histogram, state.window)

    def _room(self, ticks: int) -> int:
        """Return the row for the next bar, with room behind it for its ticks; drops what has left the window."""
        row = self._count - self._origin
        if row == len(self._bars) or self._offsets[row] + ticks > len(self._k):
            first = int(self._state.window[window.FIRST]) if self._remembers else self._count
            gone = min(max(first - self._origin, 0), row)
            begin, end = int(self._offsets[gone]), int(self._offsets[row])
            self._bars = _moved(self._bars, gone, row, row - gone + 1)
            offsets = self._offsets[gone : row + 1] - begin
            self._offsets = np.zeros(len(self._bars) + 1, np.int64)
            self._offsets[: len(offsets)] = offsets
            self._k = _moved(self._k, begin, end, end - begin + ticks)
            self._size = _moved(self._size, begin, end, end - begin + ticks)
            self._origin += gone
            row -= gone
        return row


def _moved(array: I64, begin: int, end: int, need: int) -> NDArray[np.int64]:
    """Return ``array[begin:end]`` at the front of an array with room for twice the need."""
    roomy = np.zeros((max(16, 2 * need), *array.shape[1:]), np.int64)
    roomy[: end - begin] = array[begin:end]
    return roomy
