"""The kernels of a moving window for few bars: without machine code, which takes longer to load than they take to measure.

What walks over rows or ticks is done by numpy and by what lists can do; all else is the kernels' own code. The bits are equal.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import histogram, window
from .jit import relinked


def peak_of(v: Any) -> tuple[int, int]:
    """Return what `histogram.peak_of` does, of an array."""
    at = int(v.argmax())
    return int(v[at]), at if np.count_nonzero(v == v[at]) == 1 else -1


def keep_peak(h: Any, m: list[int], low: int, high: int, sign: int) -> None:  # noqa: ARG001 - as `window.keep_peak`
    """Look for the row of most volume anew: numpy is quicker at that than at following it."""
    m[window.HAS_PEAK] = 0


def leap(v: Any, poc: int, target: int, many: int) -> tuple[int, int, int]:
    """Return what `histogram.leap` may: of an array all that is taken before the pairs of the volume at which `target` is met."""
    if isinstance(v, list):  # short, or taken by single rows: quicker step by step
        return poc, poc, v[poc]
    sides = [_pairs(side) for side in (v[poc + 1 :], v[:poc][::-1])]
    lowest = [np.minimum.accumulate(side) for side in sides]
    keys, peak = np.concatenate(lowest), int(v[poc])
    if peak >= target or not len(keys):
        return poc, poc, peak
    order = np.argsort(-keys, kind="stable")
    met = int(np.searchsorted(np.cumsum(np.concatenate(sides)[order]), target - peak))
    up, down = (int(np.count_nonzero(low > keys[order[met]])) for low in lowest)
    acc = peak + int(sides[0][:up].sum()) + int(sides[1][:down].sum())
    return min(poc + many * up, len(v) - 1), max(poc - many * down, 0), acc


def _pairs(side: Any) -> Any:
    summed = side[::2].copy()
    summed[: len(side) // 2] += side[1::2]
    return summed


def shape(v: Any, m: list[int], mean: float) -> tuple[int, float, float, float]:
    """Return what `window.shape` does, without the sums."""
    total, centre = m[window.S], int(mean + 0.5)
    weight = float(total)
    if not histogram.is_exact(len(v), centre, weight):
        return histogram.moments(v.tolist(), total, mean)
    distance = np.arange(-centre, len(v) - centre)
    sums, x = [], v * distance
    for _ in range(3):
        sums.append(float(x @ distance) / weight)
        x = x * distance
    return int(np.count_nonzero(v)), *histogram.about_mean(sums[0], sums[1], sums[2], mean - float(centre))


def extent(bar: Any, k: Any, size: Any, a: int, b: int, source: int, group: int) -> tuple[int, int, int, bool]:
    """Return what `window.extent` does."""
    if source != window.CANDLES:
        traded = k[a:b][size[a:b] > 0]
        if len(traded):
            return int(traded.min()) // group, int(traded.max()) // group, int(size[a:b].sum()), True
    return window.extent(bar, k, size, a, a, source, group)


def spread(
    h: Any, m: list[int], bar: Any, k: Any, size: Any, a: int, b: int, group: int, low: int, high: int, volume: int, sign: int,
) -> int:  # fmt: skip
    """Do what `window.spread` does, without the sums."""
    base = m[window.BASE]
    if a < b:
        rows, shares = k[a:b] // group - base, size[a:b]
        np.add.at(h, rows, sign * shares)
        return int(shares @ rows)
    rows = high - low + 1
    first, last = low - base, high - base
    q, r = divmod(volume, rows)
    if q > 0:
        h[first : last + 1] += sign * q
    start = histogram.leftover(first, last, bar[window.CLOSE] - base, r)
    h[start : start + r] += sign
    return q * ((first + last) * rows // 2) + r * (2 * start + r - 1) // 2


@cache
def kernels() -> SimpleNamespace:
    """Return the functions of `window`; `advance` takes its state and the bars as lists, but for histogram, ticks and results."""
    leaping = relinked(vars(histogram), leap=leap)

    def area_about(v: Any, poc: int, target: int, method: int) -> tuple[int, int]:
        in_pairs = method in (histogram.TWO_ROW, histogram.TWO_ROW_UP) and len(v) > histogram.SHORT
        return leaping.area_about(v if in_pairs else v.tolist(), poc, target, method)  # type: ignore[no-any-return]

    return relinked(
        vars(histogram),
        vars(window),
        peak_of=peak_of,
        keep_peak=keep_peak,
        one_of_peaks=lambda v, *asked: histogram.one_of_peaks(v.tolist(), *asked),
        area_about=area_about,
        shape=shape,
        extent=extent,
        spread=spread,
    )
