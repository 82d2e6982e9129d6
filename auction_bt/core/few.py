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


def poc_row(v: list[int]) -> int:
    """Return what `histogram.poc_row` does, of a list."""
    peak = max(v)
    return v.index(peak) if v.count(peak) == 1 else histogram.poc_row(v)


def moments(v: Any, total: int, mean: float) -> tuple[int, float, float, float]:
    """Return what `histogram.moments` does, of an array."""
    centre, weight = int(mean + 0.5), float(total)
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
    h: Any, base: int, bar: Any, k: Any, size: Any, a: int, b: int, group: int, low: int, high: int, volume: int, sign: int,
) -> int:  # fmt: skip
    """Do what `window.spread` does."""
    if a < b:
        rows, shares = k[a:b] // group - base, size[a:b]
        np.add.at(h, rows, sign * shares)
        return int(shares @ rows)
    rows = high - low + 1
    first, last = low - base, high - base
    q, r = divmod(volume, rows)
    if q > 0:
        h[first : last + 1] += sign * q
    start = histogram.leftover(first, last, bar[window.CLOSE] // group - base, r)
    h[start : start + r] += sign
    return q * ((first + last) * rows // 2) + r * (2 * start + r - 1) // 2


@cache
def kernels() -> SimpleNamespace:
    """Return the functions of `window`; `advance` takes its state and the bars as lists, but for histogram, ticks and results."""
    lists = relinked(vars(histogram), poc_row=poc_row)
    return relinked(
        vars(histogram),
        vars(window),
        value_area=lambda v, target, method: lists.value_area(v.tolist(), target, method),
        moments=moments,
        extent=extent,
        spread=spread,
    )
