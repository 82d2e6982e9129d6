"""Value areas and rolling windows on a dense histogram, in integers.

Plain functions: they run as they are on lists and arrays (one profile, tests) and compiled by `jit.compiled` (a window over a
million bars). Rows are integers, histograms start at row `base`, `lo` and `hi` are the outermost printed rows.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Final

import numpy as np

NO_ROW: Final = -(2**63)  # where a level is not defined

# methods
TWO_ROW, TWO_ROW_UP, ONE_ROW, HDI, ORIGINAL = 0, 1, 2, 3, 4
# windows
ROLLING, SESSION, COMPOSITE, ANCHORED = 0, 1, 2, 3
# sources
AUTO, TICKS, CANDLES = 0, 1, 2
# columns of `bars`
LOW, HIGH, CLOSE, VOLUME, DAY, CONTRACT, TS = 0, 1, 2, 3, 4, 5, 6
# fields of `spec`
KIND, PERIOD, ANCHOR, SHARE, METHOD, SOURCE, GROUP = 0, 1, 2, 3, 4, 5, 6
# fields of `m`; sums that outgrow 64 bits take two words, value = first * 2**32 + second
BASE, LO, HI, FIRST, FAULT, S, SX, ST, STT, STX = 0, 1, 2, 3, 4, 5, 6, 8, 10, 12
STATE: Final = 14
# fields of `w`; the first bars of the last `period` sessions lie behind them
W_STARTED, W_DAY, W_CONTRACT, W_FIRST, W_COUNT, W_STARTS = 0, 1, 2, 3, 4, 5
TOO_MANY_ROWS, TOO_MUCH_VOLUME = 1, 2
LOW32: Final = 2**32 - 1
MAX_ROWS: Final = 2**22
LIMIT: Final = 2**62


def share_of(total: int, share: int) -> int:
    """Return ceil(total * share / 10000) without leaving 64 bits."""
    return (total // 10000) * share + ((total % 10000) * share + 9999) // 10000


def poc_row(h: Any, lo: int, hi: int) -> int:
    """Return the row of most volume: nearest the middle of the range, then on its heavier side, then the lower."""
    peak = h[lo]
    for j in range(lo + 1, hi + 1):
        peak = max(peak, h[j])
    best, near, tie = lo, hi - lo + 1, False
    for j in range(lo, hi + 1):
        if h[j] == peak:
            distance = abs(2 * j - lo - hi)
            if distance < near:
                best, near, tie = j, distance, False
            elif distance == near:
                tie = True
    if tie:
        heavier = 0
        for j in range(lo, hi + 1):
            if 2 * j < lo + hi:
                heavier -= h[j]
            elif 2 * j > lo + hi:
                heavier += h[j]
        if heavier > 0:
            best = lo + hi - best
    return best


def two_row(h: Any, lo: int, hi: int, target: int, tie_up: bool) -> tuple[int, int, int]:  # noqa: PLR0912 (one loop)
    """Return poc, vah, val, growing by the larger pair of rows; `tie_up` instead of both sides, the gap rule and trimming."""
    poc = poc_row(h, lo, hi)
    up, down, acc = poc, poc, h[poc]
    while acc < target:
        above, below = hi - up, down - lo
        a = h[up + 1] if above > 0 else 0
        if above > 1:
            a += h[up + 2]
        b = h[down - 1] if below > 0 else 0
        if below > 1:
            b += h[down - 2]
        go_up = above > 0 and (below == 0 or a >= b)
        go_down = below > 0 and (above == 0 or b >= a)
        if go_up and go_down:
            if tie_up:
                go_down = False
            elif a == 0:
                # Both outermost rows are printed, so the nearer printed row ends this walk inside the range.
                d = 3
                while h[up + d] == 0 and h[down - d] == 0:
                    d += 1
                go_up, go_down = h[up + d] >= h[down - d], h[down - d] >= h[up + d]
                empty = (d - 1) // 2 * 2
                if go_up:
                    up += empty
                if go_down:
                    down -= empty
                continue
        if go_up:
            up += min(2, above)
            acc += a
        if go_down:
            down -= min(2, below)
            acc += b
    if not tie_up:
        while h[up] == 0:
            up -= 1
        while h[down] == 0:
            down += 1
    return poc, up, down


def one_row(h: Any, lo: int, hi: int, target: int, tie_up: bool) -> tuple[int, int, int]:
    """Return poc (the lowest of ties), vah, val, growing by the larger of the next two rows."""
    poc = lo
    for j in range(lo + 1, hi + 1):
        if h[j] > h[poc]:
            poc = j
    up, down, acc = poc, poc, h[poc]
    while acc < target:
        a = h[up + 1] if up < hi else -1
        b = h[down - 1] if down > lo else -1
        if a > b or (tie_up and a == b):
            up += 1
            acc += a
        else:
            down -= 1
            acc += b
    return poc, up, down


def densest(h: Any, lo: int, hi: int, target: int) -> tuple[int, int, int]:
    """Return poc, vah, val of the narrowest interval that holds `target`: then of more volume, then the lower."""
    left, acc, best_left, best_right, best_acc = lo, 0, lo, hi, -1
    for right in range(lo, hi + 1):
        acc += h[right]
        while acc - h[left] >= target:
            acc -= h[left]
            left += 1
        if acc >= target:
            gain = best_right - best_left - (right - left)
            if best_acc < 0 or gain > 0 or (gain == 0 and acc > best_acc):
                best_left, best_right, best_acc = left, right, acc
    return poc_row(h, lo, hi), best_right, best_left


def value_area(h: Any, lo: int, hi: int, target: int, method: int) -> tuple[int, int, int]:
    """Return poc, vah, val as indices of `h`."""
    if method == HDI:
        return densest(h, lo, hi, target)
    if method in (TWO_ROW, TWO_ROW_UP):
        return two_row(h, lo, hi, target, method == TWO_ROW_UP)
    return one_row(h, lo, hi, target, method == ONE_ROW)


def moments(h: Any, lo: int, hi: int, total: float, mean: float) -> tuple[int, float, float, float]:
    """Return how many rows are printed, and variance, third and fourth moment about `mean` (rows above `lo`)."""
    printed = 0
    a2 = a3 = a4 = b2 = b3 = b4 = 0.0
    # Two chains of sums, always in this order: a processor adds both at once, and the result never depends on the path.
    for j in range(lo, hi, 2):
        v, u = float(h[j]), float(h[j + 1])
        d = float(j - lo) - mean
        e = d + 1.0
        vd, ue = v * d * d, u * e * e
        a2 += vd
        b2 += ue
        vd, ue = vd * d, ue * e
        a3 += vd
        b3 += ue
        a4 += vd * d
        b4 += ue * e
        printed += int(h[j] != 0) + int(h[j + 1] != 0)
    if (hi - lo) % 2 == 0:
        d = float(hi - lo) - mean
        vd = float(h[hi]) * d * d
        a2 += vd
        a3 += vd * d
        a4 += vd * d * d
        printed += int(h[hi] != 0)
    return printed, (a2 + b2) / total, (a3 + b3) / total, (a4 + b4) / total


def leftover(low: int, high: int, close: int, r: int) -> int:
    """Return the first of the `r` neighbouring rows nearest `close` (nearer first, the lower first) within low..high."""
    return max(low, min(close - r // 2, high - r + 1))


def add_wide(m: Any, i: int, factor: int, first: int, second: int) -> None:
    """Add factor * (first * 2**32 + second) to the sum at `i`."""
    low = factor * second + m[i + 1]
    m[i] += factor * first + (low >> 32)
    m[i + 1] = low & LOW32


def add_product(m: Any, i: int, factor: int, value: int) -> None:
    """Add factor * value to the sum at `i`."""
    add_wide(m, i, factor, value >> 32, value & LOW32)


def add_square(m: Any, i: int, sign: int, t: int, value: int) -> None:
    """Add sign * t * t * value to the sum at `i`."""
    low = t * (value & LOW32)
    add_wide(m, i, sign * t, t * (value >> 32) + (low >> 32), low & LOW32)


def wide(m: Any, i: int) -> float:
    """Return the sum at `i`, rounded once."""
    return float(m[i]) * 4294967296.0 + float(m[i + 1])


def extent(bar: Any, k: Any, size: Any, a: int, b: int, source: int, group: int) -> tuple[int, int, int, bool]:
    """Return lowest row, highest row, volume of a bar, and whether its ticks a..b say so (else its candle)."""
    lo, hi, volume = 0, -1, 0
    if source != CANDLES:
        for i in range(a, b):
            if size[i] > 0:
                row = k[i]
                if volume == 0:
                    lo, hi = row, row
                else:
                    lo, hi = min(lo, row), max(hi, row)
                volume += size[i]
    if volume > 0 or source == TICKS:
        return lo // group, hi // group, volume, True
    return bar[LOW] // group, bar[HIGH] // group, max(bar[VOLUME], 0), False


def put(h: Any, m: Any, bar: Any, k: Any, size: Any, a: int, b: int, spec: Any, t: int, sign: int) -> None:
    """Add (sign 1) or take away (sign -1) one bar, the `t`-th of the window."""
    group = spec[GROUP]
    low, high, volume, ticks = extent(bar, k, size, a, b, spec[SOURCE], group)
    if volume == 0:
        return
    base, x = m[BASE], 0
    if ticks:
        for i in range(a, b):
            row = k[i] // group - base
            h[row] += sign * size[i]
            x += size[i] * row
    else:
        rows = high - low + 1
        first, last = low - base, high - base
        q, r = volume // rows, volume % rows
        if q > 0:  # rows that get nothing may lie outside a histogram that has moved since
            for j in range(first, last + 1):
                h[j] += sign * q
        x = q * ((first + last) * rows // 2)
        start = leftover(first, last, bar[CLOSE] // group - base, r)
        for j in range(start, start + r):
            h[j] += sign
            x += j
    if sign > 0:
        empty = m[S] == 0
        m[LO], m[HI] = low if empty else min(m[LO], low), high if empty else max(m[HI], high)
    m[S] += sign * volume
    add_product(m, SX, sign, x)
    add_product(m, ST, sign * t, volume)
    add_product(m, STX, sign * t, x)
    add_square(m, STT, sign, t, volume)


def trim(h: Any, m: Any) -> None:
    """Move the range in to the outermost printed rows."""
    if m[S] > 0:
        while h[m[LO] - m[BASE]] == 0:
            m[LO] += 1
        while h[m[HI] - m[BASE]] == 0:
            m[HI] -= 1


def age(m: Any) -> None:
    """Count time from one bar later."""
    add_product(m, STT, 1, m[S])
    add_wide(m, STT, -2, m[ST], m[ST + 1])
    add_product(m, ST, -1, m[S])
    add_wide(m, STX, -1, m[SX], m[SX + 1])


def fit(h: Any, m: Any, low: int, high: int, volume: int) -> Any:
    """Return the histogram with room for rows low..high, the same array where there is room already."""
    if m[S] > 0:
        low, high = min(low, m[LO]), max(high, m[HI])
    rows = len(h)
    if low < m[BASE] or high >= m[BASE] + rows:
        span = high - low + 1
        if span > MAX_ROWS:
            m[FAULT] = TOO_MANY_ROWS
            return h
        while rows < 2 * span:
            rows *= 2
        base = low - (rows - span) // 2
        wider = np.zeros(rows, np.int64)
        if m[S] > 0:
            for row in range(m[LO], m[HI] + 1):
                wider[row - base] = h[row - m[BASE]]
        moved = m[BASE] - base if m[S] > 0 else 0
        add_product(m, SX, moved, m[S])
        add_wide(m, STX, moved, m[ST], m[ST + 1])
        m[BASE] = base
        h = wider
    if volume > LIMIT // rows or m[S] > LIMIT - volume:
        m[FAULT] = TOO_MUCH_VOLUME
    return h


def clear(h: Any, m: Any) -> None:
    """Empty the window."""
    if m[S] > 0:
        for row in range(m[LO], m[HI] + 1):
            h[row - m[BASE]] = 0
    for i in range(S, STATE):
        m[i] = 0


def first_bar(w: Any, bar: Any, i: int, spec: Any) -> int:
    """Return the first bar of the window that ends with bar `i`; `i` + 1 before an anchor."""
    kind, period = spec[KIND], spec[PERIOD]
    fresh = w[W_STARTED] == 0 or bar[CONTRACT] != w[W_CONTRACT]
    new_day = fresh or bar[DAY] != w[W_DAY]
    w[W_STARTED], w[W_DAY], w[W_CONTRACT] = 1, bar[DAY], bar[CONTRACT]
    if kind == ROLLING:
        w[W_FIRST] = max(i if fresh else w[W_FIRST], i - period + 1)
    elif kind == SESSION:
        if new_day:
            w[W_FIRST] = i
    elif kind == COMPOSITE:
        if new_day:
            count = 1 if fresh else w[W_COUNT] + 1
            w[W_COUNT] = count
            w[W_STARTS + (count - 1) % period] = i
            w[W_FIRST] = w[W_STARTS + (count % period if count > period else 0)]
    elif bar[TS] < spec[ANCHOR]:
        w[W_FIRST] = i + 1
    elif fresh:
        w[W_FIRST] = i
    return w[W_FIRST]  # type: ignore[no-any-return]


def correlation(m: Any, variance: float, mean: float) -> float:
    """Return the volume-weighted correlation of bar number and row, 0 where one of them does not vary.

    Notes
    -----
    Changes `m`: sums are first counted from the middle bar, exactly, so that equal bars give exactly 0.
    """
    total = float(m[S])
    t0 = int(wide(m, ST) / total + 0.5)
    add_wide(m, STT, -2 * t0, m[ST], m[ST + 1])
    add_square(m, STT, 1, t0, m[S])
    add_product(m, ST, -t0, m[S])
    add_wide(m, STX, -t0, m[SX], m[SX + 1])
    st = wide(m, ST) / total
    spread = (wide(m, STT) / total - st * st) * variance
    if spread <= 0.0:
        return 0.0
    return max(-1.0, min(1.0, (wide(m, STX) / total - st * mean) / sqrt(spread)))


def evaluate(h: Any, m: Any, spec: Any, scratch: Any, whole: Any, real: Any) -> None:
    """Write poc, vah, val, volume, printed rows to `whole` and rho, BC, PO_range to `real`, of the window as it stands."""
    base, total = m[BASE], m[S]
    lo, hi = m[LO] - base, m[HI] - base
    poc, vah, val = value_area(h, lo, hi, share_of(total, spec[SHARE]), spec[METHOD])
    whole[0], whole[1], whole[2], whole[3] = poc + base, vah + base, val + base, total
    for i in range(STATE):
        scratch[i] = m[i]
    add_product(scratch, SX, -lo, total)
    add_wide(scratch, STX, -lo, m[ST], m[ST + 1])
    mean = wide(scratch, SX) / float(total)
    printed, variance, third, fourth = moments(h, lo, hi, float(total), mean)
    whole[4] = printed
    real[0] = correlation(scratch, variance, mean) if hi > lo else 0.0
    real[2] = float(2 * poc - hi - lo) / float(hi - lo) if hi > lo else 0.0
    if variance > 0.0:
        real[1] = (third * third / (variance * variance * variance) + 1.0) / (fourth / (variance * variance))


def advance(
    h: Any, m: Any, w: Any, spec: Any, begin: int, end: int, origin: int,
    bars: Any, offsets: Any, k: Any, size: Any, scratch: Any, whole: Any, real: Any,
) -> Any:  # fmt: skip
    """Take bars begin..end-1 into the window, write what it shows after each, and return the histogram (it may have moved).

    Parameters
    ----------
    h, m, w : int64
        State: histogram, window, its beginning.
    origin : int
        Number of the bar in row 0 of `bars`, which holds every bar still in the window.
    bars : int64, (n, 7), ticks and ns
    offsets, k, size : int64, (n + 1,), (t,), (t,)
        Bar in row p owns ticks offsets[p]..offsets[p + 1].
    whole : int64, (end - begin, 6)
        poc, vah, val, volume, printed rows, bars in the window; filled by the caller with the values of "undefined".
    real : float64, (end - begin, 3)
        rho, BC, PO_range; likewise.
    """
    for i in range(begin, end):
        bar, a, b = bars[i - origin], offsets[i - origin], offsets[i - origin + 1]
        first = first_bar(w, bar, i, spec)
        if first >= i:
            clear(h, m)
            m[FIRST] = first
        elif first > m[FIRST]:
            while m[FIRST] < first:
                p = m[FIRST] - origin
                put(h, m, bars[p], k, size, offsets[p], offsets[p + 1], spec, 0, -1)
                age(m)
                m[FIRST] += 1
            trim(h, m)
        if first <= i:
            low, high, volume, _ = extent(bar, k, size, a, b, spec[SOURCE], spec[GROUP])
            if volume > 0:
                h = fit(h, m, low, high, volume)
                if m[FAULT] != 0:
                    return h
                put(h, m, bar, k, size, a, b, spec, i - first, 1)
                trim(h, m)
        whole[i - begin, 5] = i - first + 1
        if m[S] > 0 and (spec[KIND] != ROLLING or i - first + 1 == spec[PERIOD]):
            evaluate(h, m, spec, scratch, whole[i - begin], real[i - begin])
    return h


KERNELS: Final = (
    "share_of", "poc_row", "two_row", "one_row", "densest", "value_area", "moments", "leftover",
    "add_wide", "add_product", "add_square", "wide", "extent", "put", "trim", "age", "fit", "clear",
    "first_bar", "correlation", "evaluate", "advance",
)  # fmt: skip
