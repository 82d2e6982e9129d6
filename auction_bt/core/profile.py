"""Volume at price, and the levels read from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from math import nan, sqrt
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import histogram, window
from .errors import BadInput
from .histogram import NO_ROW
from .tick import F64, I64

FULL_SHARE: Final = 10_000  # basis points

_Choice = TypeVar("_Choice", bound=StrEnum)


class Method(StrEnum):
    """How the value area grows."""

    TWO_ROW = "two_row"  # pairs of rows; equal pairs take both, so that up and down are treated alike
    TWO_ROW_UP = "two_row_up"  # pairs of rows, the upper on a tie
    ONE_ROW = "one_row"  # one row, the upper on a tie, lowest POC
    HDI = "hdi"  # the narrowest interval, wherever the POC is
    ORIGINAL = "original"  # one row, the lower on a tie, lowest POC

    @property
    def code(self) -> int:
        """The number kernels know it by."""
        return {"two_row": 0, "two_row_up": 1, "one_row": 2, "hdi": 3, "original": 4}[self.value]


class VolumeSource(StrEnum):
    """Where volume at price comes from."""

    AUTO = "auto"  # a bar's ticks where it has any, else its candle
    TICKS = "ticks"
    CANDLES = "candles"

    @property
    def code(self) -> int:
        """The number kernels know it by."""
        return {"auto": window.AUTO, "ticks": window.TICKS, "candles": window.CANDLES}[self.value]


def choice(options: type[_Choice], name: str, value: str) -> _Choice:
    """Return the member of `options` called `value`; refuse any other, naming parameter and options."""
    try:
        return options(value)
    except ValueError:
        raise BadInput(f"{name} {value!r} is unknown: use {', '.join(options)}") from None


def basis_points(value_area: float) -> int:
    """Return a share of 1 (0.70) in basis points (7000)."""
    valid = isinstance(value_area, (int, float)) and 0.00005 < value_area <= 1  # NaN fails too
    if not valid:
        raise BadInput(f"value_area {value_area!r} must be above 0 and at most 1, e.g. 0.70 for 70 % of the volume")
    return round(value_area * FULL_SHARE)


def rows_per(ticks_per_row: int) -> int:
    """Return `ticks_per_row`, checked."""
    if not isinstance(ticks_per_row, int) or isinstance(ticks_per_row, bool) or ticks_per_row < 1:
        raise BadInput(f"ticks_per_row {ticks_per_row!r} must be a whole number, 1 or more")
    return ticks_per_row


@dataclass(frozen=True, slots=True)
class Grid:
    """Prices of rows.

    Parameters
    ----------
    tick : Decimal, rupees
    ticks_per_row : int, ticks
        Rows are counted from price 0, so that the grid never moves.
    """

    tick: Decimal
    ticks_per_row: int = 1

    def __post_init__(self) -> None:
        rows_per(self.ticks_per_row)
        if not self.tick.is_finite() or self.tick <= 0:
            raise BadInput(f"tick_size {self.tick} must be above 0")

    @classmethod
    def of(cls, tick_size: Decimal | float | str, ticks_per_row: int = 1) -> Grid:
        """Return the grid of a tick size given as a person writes it: 0.05 is a twentieth, not the nearest float."""
        try:
            return cls(Decimal(str(tick_size)), ticks_per_row)
        except InvalidOperation:
            raise BadInput(f"tick_size {tick_size!r} is not a number: give the smallest price step, e.g. 0.05") from None

    def prices(self, ticks: I64) -> F64:
        """Return prices of grid indices, NaN for `NO_ROW`.

        Parameters
        ----------
        ticks : int64, any shape, ticks

        Returns
        -------
        float64, same shape, rupees
            Equal to the decimal literals: one division of two whole numbers, rounded once.
        """
        over, under = self.tick.as_integer_ratio()
        defined = ticks != NO_ROW
        prices: F64 = np.where(defined, np.where(defined, ticks, 0) * over / under, nan)
        return prices

    def price(self, ticks: int) -> float:
        """Return the price of one grid index."""
        over, under = self.tick.as_integer_ratio()
        return ticks * over / under

    def levels_of_one(self, poc: int, vah: int, val: int) -> tuple[float, float, float]:
        """Return what `levels` does of one bar; plain numbers are quicker, and the same."""
        if poc == NO_ROW:
            return nan, nan, nan
        over, under = self.tick.as_integer_ratio()
        n = self.ticks_per_row
        return (poc * n + (n - 1) // 2) * over / under, (vah * n + n - 1) * over / under, val * n * over / under

    def levels(self, rows: I64) -> F64:
        """Return prices of poc, vah, val given as rows.

        Parameters
        ----------
        rows : int64, (n, 3), rows

        Returns
        -------
        float64, (n, 3), rupees
            The POC is the middle tick of its row (the lower of two), VAH the highest of its, VAL the lowest of its.
        """
        n = self.ticks_per_row
        return self.prices(np.where(rows == NO_ROW, NO_ROW, np.where(rows == NO_ROW, 0, rows) * n + [(n - 1) // 2, n - 1, 0]))


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """Volume of neighbouring rows, and its levels.

    Parameters
    ----------
    lo : int, rows
        Row of ``volume[0]``.
    volume : int64, (n,), shares
        Rows in between with nothing traded hold 0.
    grid : Grid
    method : Method
    share : int, basis points
        Share of the volume that is the value area.

    Attributes
    ----------
    poc, vah, val : int, rows
        `NO_ROW` where there is no volume.
    total : int, shares

    References
    ----------
    Point of control, pairs and 70 %: CBOT, "A Six-Part Study Guide to Market Profile" (1996), part 2. Ties, gaps and trimming are
    ours: equal pairs take both, so that a profile and its mirror image have mirrored value areas.
    """

    lo: int
    volume: I64
    grid: Grid
    method: Method = Method.TWO_ROW
    share: int = 7000
    poc: int = field(init=False)
    vah: int = field(init=False)
    val: int = field(init=False)
    total: int = field(init=False)

    def __post_init__(self) -> None:
        if self.volume.ndim != 1 or self.volume.dtype != np.int64 or (len(self.volume) and self.volume.min() < 0):
            raise BadInput("a profile is one row of whole volumes, none below 0")
        if not 0 < self.share <= FULL_SHARE:
            raise BadInput(f"value area of {self.share} basis points must be above 0 and at most {FULL_SHARE}")
        printed = np.flatnonzero(self.volume)
        volume = self.volume[printed[0] : printed[-1] + 1].copy() if len(printed) else np.zeros(0, np.int64)
        volume.flags.writeable = False
        lo = self.lo + int(printed[0]) if len(printed) else self.lo
        rows = volume.tolist()
        total = sum(rows)
        levels = (NO_ROW, NO_ROW, NO_ROW)
        if total:
            target = histogram.share_of(total, self.share)
            poc, vah, val = histogram.value_area(rows, target, self.method.code)
            levels = (lo + poc, lo + vah, lo + val)
        for name, value in zip(("lo", "volume", "total", "poc", "vah", "val"), (lo, volume, total, *levels), strict=True):
            object.__setattr__(self, name, value)

    @property
    def hi(self) -> int:
        """The highest printed row."""
        return self.lo + len(self.volume) - 1

    @property
    def rows(self) -> I64:
        """Printed rows, int64, (n,), ascending."""
        return np.flatnonzero(self.volume).astype(np.int64) + self.lo

    @property
    def prices(self) -> tuple[float, float, float]:
        """POC, VAH, VAL in rupees, NaN where there is no volume."""
        return self.grid.levels_of_one(self.poc, self.vah, self.val)

    def shape(self) -> Shape:
        """Return how the volume lies, from moments of the rows."""
        if not self.total:
            return Shape(nan, nan, nan, nan, nan, nan, 0)
        volume = self.volume.tolist()
        first = sum(j * v for j, v in enumerate(volume))
        printed, variance, third, fourth = histogram.moments(volume, self.total, float(first) / float(self.total))
        skew = third / (variance * sqrt(variance)) if variance else nan
        kurt = fourth / (variance * variance) if variance else nan
        span, width = self.hi - self.lo, self.vah - self.val
        return Shape(
            skew,
            kurt,
            (skew * skew + 1) / kurt if variance else nan,
            (2 * self.poc - self.hi - self.lo) / span if span else 0.0,
            (2 * self.poc - self.vah - self.val) / width if width else 0.0,
            width / span if span else 0.0,
            printed,
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """How volume lies over rows; NaN where it does not vary.

    Parameters
    ----------
    skew, kurt : float
        Standardised third and fourth moment (a normal distribution has 0 and 3).
    bc : float
        Bimodality coefficient (skew² + 1) / kurt: one row far from flat 1/3, flat 5/9, two points 1.
    po_range, po_va : float, -1..1
        Where the POC lies within the range, within the value area.
    va_width : float, 0..1
        Width of the value area over that of the range.
    printed : int, rows
        Rows with volume.
    """

    skew: float
    kurt: float
    bc: float
    po_range: float
    po_va: float
    va_width: float
    printed: int


def profile_of_ticks(
    k: I64, size: I64, grid: Grid, method: Method = Method.TWO_ROW, value_area: float = 0.70
) -> Profile:  # fmt: skip
    """Return the profile of trades, each counted at its price.

    Parameters
    ----------
    k : int64, (n,), ticks
    size : int64, (n,), shares
        Ticks of size 0 only moved the price.
    """
    rows, size = (k // grid.ticks_per_row)[size > 0], size[size > 0]
    lo, volume = _histogram(rows)
    np.add.at(volume, rows - lo, size)
    return Profile(lo, volume, grid, method, basis_points(value_area))


def profile_of_candles(
    low: I64, high: I64, close: I64, volume: I64, grid: Grid, method: Method = Method.TWO_ROW, value_area: float = 0.70
) -> Profile:  # fmt: skip
    """Return the profile of candles, each spread evenly over its rows.

    Parameters
    ----------
    low, high, close : int64, (n,), ticks
    volume : int64, (n,), shares

    Notes
    -----
    Each of the n rows low..high gets volume // n; what is left goes one by one to the rows nearest the close, nearer first, the
    lower first. No unit is lost or invented, so a candle can be taken out again exactly.
    """
    n, some = grid.ticks_per_row, volume > 0
    low, high, close, volume = low[some] // n, high[some] // n, close[some] // n, volume[some]
    if (low > high).any():
        raise BadInput("a candle has its low above its high")
    lo, rows = _histogram(np.concatenate((low, high)))
    spread = allocate(low, high, close, volume)
    for first, shares in spread:
        rows[first - lo : first - lo + len(shares)] += shares
    return Profile(lo, rows, grid, method, basis_points(value_area))


def merged(parts: Sequence[Profile]) -> Profile:
    """Return the sum of profiles on one grid, e.g. of the sessions of a composite; method and value area are the first one's."""
    if not parts or len({(p.grid, p.method, p.share) for p in parts}) != 1:
        raise BadInput("only profiles of one grid, one method and one value area can be added, and at least one")
    some = [p for p in parts if p.total]
    lo, volume = _histogram(np.array([row for p in some for row in (p.lo, p.hi)], np.int64))
    for p in some:
        volume[p.lo - lo : p.hi - lo + 1] += p.volume
    return Profile(lo, volume, parts[0].grid, parts[0].method, parts[0].share)


def allocate(low: I64, high: I64, close: I64, volume: I64) -> Sequence[tuple[int, NDArray[np.int64]]]:
    """Return first row and volume a row (int64, shares) of each candle given in rows; see `profile_of_candles`."""
    spread = []
    for first, last, near, v in zip(low.tolist(), high.tolist(), close.tolist(), volume.tolist(), strict=True):
        q, r = divmod(v, last - first + 1)
        shares = np.full(last - first + 1, q, np.int64)
        start = histogram.leftover(first, last, near, r) - first
        shares[start : start + r] += 1
        spread.append((first, shares))
    return spread


def _histogram(rows: I64) -> tuple[int, I64]:
    if not len(rows):
        return 0, np.zeros(0, np.int64)
    lo, hi = int(rows.min()), int(rows.max())
    if hi - lo >= histogram.MAX_ROWS:
        raise BadInput(
            f"prices span {hi - lo + 1} rows, at most {histogram.MAX_ROWS} fit: check the tick size, or raise ticks_per_row"
        )
    return lo, np.zeros(hi - lo + 1, np.int64)
