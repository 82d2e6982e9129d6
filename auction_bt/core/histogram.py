"""Value areas on a dense histogram, in integers.

Plain functions: they run as they are on lists (one profile) and compiled by `jit.compiled` on arrays (a window over a million
bars). `v` holds the volume of neighbouring rows, the outermost of them printed; rows are named by their index.
"""

from __future__ import annotations

from typing import Any, Final

NO_ROW: Final = -(2**63)  # where a level is not defined
MAX_ROWS: Final = 2**22
SHORT: Final = 128  # rows that are walked sooner than leapt over
TWO_ROW, TWO_ROW_UP, ONE_ROW, HDI, ORIGINAL = 0, 1, 2, 3, 4  # methods


def share_of(total: int, share: int) -> int:
    """Return ceil(total * share / 10000) without leaving 64 bits."""
    return (total // 10000) * share + ((total % 10000) * share + 9999) // 10000


def peak_of(v: Any) -> tuple[int, int]:
    """Return the most volume of a row, and the row that has it; -1 where several do."""
    peak = v[0]
    for j in range(len(v)):
        peak = max(peak, v[j])
    peaks, places = 0, 0
    for j in range(len(v)):
        peaks += int(v[j] == peak)
        places += int(v[j] == peak) * j
    return peak, places if peaks == 1 else -1


def one_of_peaks(v: Any, peak: int, method: int) -> int:
    """Return which of the rows of volume `peak` is the POC.

    Notes
    -----
    By `method` the lowest, or that nearest the middle of the range, then on its heavier side, then the lower.
    """
    hi = len(v) - 1
    if method in (ONE_ROW, ORIGINAL):
        lowest = 0
        while v[lowest] != peak:
            lowest += 1
        return lowest
    below, above = hi // 2, hi - hi // 2
    while v[below] != peak and v[above] != peak:
        below -= 1
        above += 1
    if v[below] != peak:
        return above
    if v[above] != peak:
        return below
    heavier = 0
    for j in range((hi + 1) // 2):
        heavier += v[hi - j] - v[j]
    return above if heavier > 0 else below


def leap(v: Any, poc: int, target: int, many: int) -> tuple[int, int, int]:
    """Return up, down and volume of a value area that growing by the larger `many` rows has short of `target`.

    Notes
    -----
    Steps of growth wait for each other, as each is the larger of two. But whatever the order, all neighbours on both sides that
    have some least volume are taken before the first on either side that has less: so those are taken without comparing. That
    least is lowered from the POC's until too much would be taken, then by less.
    """
    hi = len(v) - 1
    up, down, acc = poc, poc, v[poc]
    if len(v) <= SHORT:
        return up, down, acc
    least = many * acc
    lower = least // 4
    while lower > least // 64 and least > lower:
        u, d, s = up, down, acc
        while s < target and u < hi:
            x = v[u + 1] + (v[u + 2] if many == 2 and u + 2 <= hi else 0)
            if x < least - lower:
                break
            u += many
            s += x
        while s < target and d > 0:
            x = v[d - 1] + (v[d - 2] if many == 2 and d > 1 else 0)
            if x < least - lower:
                break
            d -= many
            s += x
        if s < target:
            up, down, acc = min(u, hi), max(d, 0), s
            least -= lower
        else:
            lower //= 2
    return up, down, acc


def two_row(v: Any, poc: int, target: int, tie_up: bool) -> tuple[int, int]:
    """Return vah and val, growing by the larger pair of rows; `tie_up` instead of both sides, the gap rule and trimming."""
    hi = len(v) - 1
    up, down, acc = leap(v, poc, target, 2)
    while acc < target:
        above, below = hi - up, down
        if above > 1 and below > 1:
            a, b = v[up + 1] + v[up + 2], v[down - 1] + v[down - 2]
            if a + b > 0:
                # Without a branch: which pair is larger is a coin toss, and a processor that guesses wrong waits.
                take_up, take_down = int(a >= b), int(b > a or (b == a and not tie_up))
                up += 2 * take_up
                down -= 2 * take_down
                acc += take_up * a + take_down * b
                continue
        else:
            a = v[up + 1] if above > 0 else 0
            if above > 1:
                a += v[up + 2]
            b = v[down - 1] if below > 0 else 0
            if below > 1:
                b += v[down - 2]
        go_up = above > 0 and (below == 0 or a >= b)
        go_down = below > 0 and (above == 0 or b >= a)
        if go_up and go_down:
            if tie_up:
                go_down = False
            elif a == 0:
                # Both outermost rows are printed, so the nearer printed row ends this walk inside the range.
                d = 3
                while v[up + d] == 0 and v[down - d] == 0:
                    d += 1
                go_up, go_down = v[up + d] >= v[down - d], v[down - d] >= v[up + d]
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
        while v[up] == 0:
            up -= 1
        while v[down] == 0:
            down += 1
    return up, down


def one_row(v: Any, poc: int, target: int, tie_up: bool) -> tuple[int, int]:
    """Return vah and val, growing by the larger of the next two rows."""
    hi = len(v) - 1
    up, down, acc = leap(v, poc, target, 1)
    while acc < target:
        a = v[up + 1] if up < hi else -1
        b = v[down - 1] if down > 0 else -1
        if a > b or (tie_up and a == b):
            up += 1
            acc += a
        else:
            down -= 1
            acc += b
    return up, down


def densest(v: Any, target: int) -> tuple[int, int]:
    """Return vah and val of the narrowest interval that holds `target`: then of more volume, then the lower."""
    left, acc, best_left, best_right, best_acc = 0, 0, 0, len(v) - 1, -1
    for right in range(len(v)):
        acc += v[right]
        while acc - v[left] >= target:
            acc -= v[left]
            left += 1
        if acc >= target:
            gain = best_right - best_left - (right - left)
            if best_acc < 0 or gain > 0 or (gain == 0 and acc > best_acc):
                best_left, best_right, best_acc = left, right, acc
    return best_right, best_left


def value_area(v: Any, target: int, method: int) -> tuple[int, int, int]:
    """Return poc, vah, val as indices of `v`, whose outermost rows are printed."""
    peak, poc = peak_of(v)
    if poc < 0:
        poc = one_of_peaks(v, peak, method)
    vah, val = area_about(v, poc, target, method)
    return poc, vah, val


def area_about(v: Any, poc: int, target: int, method: int) -> tuple[int, int]:
    """Return vah and val as indices of `v`, whose outermost rows are printed."""
    if method == HDI:
        return densest(v, target)
    if method in (TWO_ROW, TWO_ROW_UP):
        return two_row(v, poc, target, method == TWO_ROW_UP)
    return one_row(v, poc, target, method == ONE_ROW)


def is_exact(rows: int, centre: int, weight: float) -> bool:
    """Return whether sums of fourth powers of distances from row `centre` stay within 64 bits."""
    reach = float(max(centre, rows - 1 - centre))
    return reach * reach * reach * reach * weight < 4e18


def about_mean(m2: float, m3: float, m4: float, off: float) -> tuple[float, float, float]:
    """Return variance, third and fourth moment about a mean that lies `off` from where `m2`, `m3` and `m4` were taken."""
    square = off * off
    return m2 - square, m3 - 3.0 * off * m2 + 2.0 * off * square, m4 - 4.0 * off * m3 + 6.0 * square * m2 - 3.0 * square * square


def moments(v: Any, total: int, mean: float) -> tuple[int, float, float, float]:
    """Return how many rows are printed, and variance, third and fourth moment about `mean` (an index of `v`).

    Notes
    -----
    Sums of whole numbers about the row nearest the mean, exact and quick; of floats where the fourth powers leave 64 bits.
    """
    printed, centre, weight = 0, int(mean + 0.5), float(total)
    if is_exact(len(v), centre, weight):
        s2 = s3 = s4 = 0
        for j in range(len(v)):
            d = j - centre
            x = v[j] * d * d
            s2 += x
            s3 += x * d
            s4 += x * d * d
            printed += int(v[j] != 0)
        off, m2, m3, m4 = mean - float(centre), float(s2) / weight, float(s3) / weight, float(s4) / weight
    else:
        m2 = m3 = m4 = 0.0
        for j in range(len(v)):
            e = float(j) - mean
            y = float(v[j]) * e * e
            m2 += y
            m3 += y * e
            m4 += y * e * e
            printed += int(v[j] != 0)
        off, m2, m3, m4 = 0.0, m2 / weight, m3 / weight, m4 / weight
    variance, third, fourth = about_mean(m2, m3, m4, off)
    return printed, variance, third, fourth


def leftover(low: int, high: int, close: int, r: int) -> int:
    """Return the first of the `r` neighbouring rows nearest `close` (nearer first, the lower first) within low..high."""
    return max(low, min(close - r // 2, high - r + 1))
