"""A window moving over bars, in integers: state in arrays, one function that takes bars.

Plain functions as in `histogram`. The histogram `h` starts at row `BASE` of `m`; its rows LO..HI are in use, all others are 0.
"""

from __future__ import annotations

from math import sqrt
from typing import Any, Final

from .histogram import MAX_ROWS, about_mean, area_about, is_exact, leftover, moments, one_of_peaks, peak_of, share_of

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
# sums of volume times the 2nd, 3rd, 4th power of its row, counted from BASE; what leaves 64 bits is lost: see `shape`
SX2, SX3, SX4 = 14, 15, 16
# rows with volume; whether one row alone is known to have most, and which
PRINTED, HAS_PEAK, PEAK = 17, 18, 19
# the histogram a bar needs that the present one has no room for
WANTED_BASE, WANTED_ROWS = 20, 21
STATE: Final = 22
# fields of `w`; the first bars of the last `period` sessions lie behind them
W_STARTED, W_DAY, W_CONTRACT, W_FIRST, W_COUNT, W_STARTS = 0, 1, 2, 3, 4, 5
TOO_MANY_ROWS, TOO_MUCH_VOLUME = 1, 2
LOW32: Final = 2**32 - 1
LIMIT: Final = 2**62


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
    """Return lowest row, highest row, volume of a bar, and whether its ticks a..b say so (else its candle, given in rows)."""
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
    return bar[LOW], bar[HIGH], max(bar[VOLUME], 0), False


def spread(
    h: Any, m: Any, bar: Any, k: Any, size: Any, a: int, b: int, group: int, low: int, high: int, volume: int, sign: int,
) -> int:  # fmt: skip
    """Add a bar's ticks a..b to their rows, or, where a is b, its candle (sign -1: take away); return the sum of volume * row."""
    base, ticks = m[BASE], a < b
    first, last, start, q, r = 0, b - a - 1, 0, 0, 0
    if not ticks:
        rows = high - low + 1
        q = volume // rows
        r = volume - q * rows
        first, last = low - base, high - base
        start = leftover(first, last, bar[CLOSE] - base, r)
        if q == 0:  # rows that get nothing may lie outside a histogram that has moved since
            first, last = start, start + r - 1
    x, x2, x3, x4, printed = 0, 0, 0, 0, 0
    for i in range(first, last + 1):
        row, each = i, sign * (q + int(start <= i < start + r))
        if ticks:
            row, each = k[a + i] // group - base, sign * size[a + i]
        printed += int(h[row] == 0)
        h[row] += each
        printed -= int(h[row] == 0)
        once = each * row
        twice = once * row
        x += once
        x2 += twice
        x3 += twice * row
        x4 += twice * row * row
    m[SX2] += x2
    m[SX3] += x3
    m[SX4] += x4
    m[PRINTED] += printed
    return sign * x


def keep_peak(h: Any, m: Any, low: int, high: int, sign: int) -> None:
    """Follow the row of most volume where rows low..high have gained (sign 1) or lost (sign -1) some."""
    if m[HAS_PEAK] == 0:
        return
    at, first, last = m[PEAK] - m[BASE], low - m[BASE], high - m[BASE]
    is_within = first <= at <= last
    if sign < 0:
        m[HAS_PEAK] = int(not is_within)
        return
    peak = h[at]
    for j in range(first, last + 1):
        peak = max(peak, h[j])
    peaks, places = (0, 0) if is_within or h[at] < peak else (1, at)
    for j in range(first, last + 1):
        peaks += int(h[j] == peak)
        places += int(h[j] == peak) * j
    m[HAS_PEAK], m[PEAK] = int(peaks == 1), places + m[BASE]


def put(h: Any, m: Any, bar: Any, k: Any, size: Any, a: int, b: int, spec: Any, t: int, sign: int) -> None:
    """Add (sign 1) or take away (sign -1) one bar, the `t`-th of the window."""
    group = spec[GROUP]
    low, high, volume, ticks = extent(bar, k, size, a, b, spec[SOURCE], group)
    if volume == 0:
        return
    x = spread(h, m, bar, k, size, a, b if ticks else a, group, low, high, volume, sign)
    keep_peak(h, m, low, high, sign)
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


def has_room(h: Any, m: Any, low: int, high: int, volume: int) -> bool:
    """Return whether the histogram can take `volume` in rows low..high; else say in `m` why not, or what would do."""
    if m[S] > 0:
        low, high = min(low, m[LO]), max(high, m[HI])
    rows = len(h)
    if volume > LIMIT // rows or m[S] > LIMIT - volume:
        m[FAULT] = TOO_MUCH_VOLUME
        return False
    if m[BASE] <= low and high < m[BASE] + rows:
        return True
    span = high - low + 1
    if span > MAX_ROWS:
        m[FAULT] = TOO_MANY_ROWS
        return False
    while rows < 2 * span:
        rows *= 2
    m[WANTED_BASE], m[WANTED_ROWS] = low - (rows - span) // 2, rows
    return False


def move(h: Any, m: Any, wider: Any) -> None:
    """Move the window from `h` to `wider`, zeros, the rows that `has_room` has asked for."""
    base = m[WANTED_BASE]
    if m[S] > 0:
        moved = m[BASE] - base
        for row in range(m[LO], m[HI] + 1):
            wider[row - base] = h[row - m[BASE]]
        m[SX2], m[SX3], m[SX4] = about_row(m, -moved)
        add_product(m, SX, moved, m[S])
        add_wide(m, STX, moved, m[ST], m[ST + 1])
    m[BASE] = base


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


def shape(v: Any, m: Any, mean: float) -> tuple[int, float, float, float]:
    """Return what `moments` does of the window `v`, whose sums `m` has; `mean` is an index of `v`.

    Notes
    -----
    The sums that count from the row nearest the mean stay within 64 bits, so they are found from those that may have left them.
    """
    total, centre = m[S], int(mean + 0.5)
    weight = float(total)
    if not is_exact(len(v), centre, weight):
        return moments(v, total, mean)
    second, third, fourth = about_row(m, centre + m[LO] - m[BASE])
    off = mean - float(centre)
    variance, m3, m4 = about_mean(float(second) / weight, float(third) / weight, float(fourth) / weight, off)
    return m[PRINTED], variance, m3, m4


def about_row(m: Any, c: int) -> tuple[int, int, int]:
    """Return the sums of volume times the 2nd, 3rd, 4th power of its distance from row `c`, but for what leaves 64 bits."""
    s, x, x2, x3, x4 = m[S], (m[SX] << 32) + m[SX + 1], m[SX2], m[SX3], m[SX4]
    return (
        x2 - c * (2 * x - c * s),
        x3 - c * (3 * x2 - c * (3 * x - c * s)),
        x4 - c * (4 * x3 - c * (6 * x2 - c * (4 * x - c * s))),
    )


def evaluate(h: Any, m: Any, spec: Any, scratch: Any, whole: Any, real: Any) -> None:
    """Write poc, vah, val, volume, printed rows to `whole` and rho, BC, PO_range to `real`, of the window as it stands."""
    low, total = m[LO], m[S]
    v = h[low - m[BASE] : m[HI] - m[BASE] + 1]
    poc = m[PEAK] - low
    if m[HAS_PEAK] == 0:
        peak, poc = peak_of(v)
        m[HAS_PEAK], m[PEAK] = int(poc >= 0), poc + low
        if poc < 0:
            poc = one_of_peaks(v, peak, spec[METHOD])
    vah, val = area_about(v, poc, share_of(total, spec[SHARE]), spec[METHOD])
    whole[0], whole[1], whole[2], whole[3] = poc + low, vah + low, val + low, total
    for i in range(STATE):
        scratch[i] = m[i]
    lowest = low - m[BASE]
    add_product(scratch, SX, -lowest, total)
    add_wide(scratch, STX, -lowest, m[ST], m[ST + 1])
    mean = wide(scratch, SX) / float(total)
    printed, variance, third, fourth = shape(v, m, mean)
    hi = len(v) - 1
    whole[4] = printed
    real[0] = correlation(scratch, variance, mean) if hi > 0 else 0.0
    real[2] = float(2 * poc - hi) / float(hi) if hi > 0 else 0.0
    if variance > 0.0:
        real[1] = (third * third / (variance * variance * variance) + 1.0) / (fourth / (variance * variance))


def advance(
    h: Any, m: Any, w: Any, spec: Any, begin: int, end: int, origin: int,
    bars: Any, offsets: Any, k: Any, size: Any, scratch: Any, whole: Any, real: Any,
) -> int:  # fmt: skip
    """Take bars begin..end-1 into the window, write what it shows after each; return the first not taken, for want of room.

    Parameters
    ----------
    h, m, w : int64
        State: histogram, window, its beginning.
    origin : int
        Number of the bar in row 0 of `bars`, which holds every bar still in the window.
    bars : int64, (n, 7), rows and ns
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
                if not has_room(h, m, low, high, volume):
                    return i  # all until here may be done again: it changes nothing
                put(h, m, bar, k, size, a, b, spec, i - first, 1)
                trim(h, m)
        whole[i - begin, 5] = i - first + 1
        if m[S] > 0 and (spec[KIND] != ROLLING or i - first + 1 == spec[PERIOD]):
            evaluate(h, m, spec, scratch, whole[i - begin], real[i - begin])
    return end
