"""High and low volume nodes: where a profile was accepted, and the thin prices between."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from .errors import BadInput
from .profile import Profile
from .tick import I64

_WIDTH_SHARE: Final = 20  # half-width of the kernel is a 20th of the range
_PEAK_SHARE: Final = 4  # a node stands out by a quarter of the highest
_VALLEY_SHARE: Final = 2  # and a valley lies at half of the lower node or below


@dataclass(frozen=True, slots=True)
class Nodes:
    """Rows of most and least volume of one profile.

    Parameters
    ----------
    hvn, lvn : tuple of int, rows, ascending
        An LVN lies between two neighbouring HVNs, so there are fewer of them.
    """

    hvn: tuple[int, ...] = ()
    lvn: tuple[int, ...] = ()

    @property
    def is_double(self) -> bool:
        """True where two accepted prices have a thin one between them."""
        return len(self.hvn) == 2 and len(self.lvn) == 1


def nodes_of(profile: Profile) -> Nodes:
    """Return the nodes of `profile`, none where it has no volume.

    Notes
    -----
    An HVN is a local maximum of the smoothed volume that stands out by a quarter of its highest row; an LVN is the lowest row
    between two neighbouring HVNs, where it holds at most half of the lower of the two. Beyond the outermost rows volume is 0.
    """
    if not profile.total:
        return Nodes()
    smooth = smoothed(profile.volume, half_width(len(profile.volume)))
    peaks = peaks_of(smooth)
    highest = int(smooth.max())
    hvn = [p for p, out in zip(peaks.tolist(), prominences(smooth, peaks).tolist(), strict=True) if _PEAK_SHARE * out >= highest]
    lvn = []
    for left, right in pairwise(hvn):
        between = smooth[left : right + 1]
        floor = int(between.min())
        if _VALLEY_SHARE * floor <= min(int(smooth[left]), int(smooth[right])):
            thin = np.flatnonzero(between == floor)
            lvn.append(left + (int(thin[0]) + int(thin[-1])) // 2)
    return Nodes(tuple(profile.lo + p for p in hvn), tuple(profile.lo + p for p in lvn))


def half_width(rows: int) -> int:
    """Return the half-width (rows) of the kernel for a profile of `rows` rows."""
    return max(2, round(rows / _WIDTH_SHARE))


def smoothed(volume: I64, b: int) -> I64:
    """Return `volume` under a triangular kernel, not divided by its sum.

    Parameters
    ----------
    volume : int64, (n,), shares
    b : int, rows
        Weights fall from b at the row itself to 1 at b - 1 rows from it.

    Returns
    -------
    int64, (n,), shares times b²
        In whole numbers, so that equal rows stay equal and a mirrored profile has mirrored nodes.
    """
    if b < 1:
        raise BadInput(f"a kernel of half-width {b} is none: use 1 row or more")
    kernel = b - np.abs(np.arange(1 - b, b))
    whole: I64 = np.convolve(volume, kernel)[b - 1 : b - 1 + len(volume)]
    return whole


def peaks_of(values: I64) -> I64:
    """Return indices of local maxima, int64, ascending; of a flat top the middle, the lower of two.

    References
    ----------
    ``scipy.signal.find_peaks`` on values with a 0 put at both ends.
    """
    padded = np.concatenate(([0], values, [0]))
    turns = np.flatnonzero(np.diff(padded)) + 1  # each begins a run of equal values
    steps = padded[turns] - padded[turns - 1]
    tops = np.flatnonzero((steps[:-1] > 0) & (steps[1:] < 0))
    found: I64 = (turns[tops] + turns[tops + 1] - 1) // 2 - 1
    return found.astype(np.int64)


def prominences(values: I64, peaks: I64) -> I64:
    """Return by how much each peak stands above the higher of the lowest values on its two sides.

    Parameters
    ----------
    values : int64, (n,)
    peaks : int64, (m,), indices

    Returns
    -------
    int64, (m,)

    Notes
    -----
    A side reaches to the next value above the peak, or to the end, beyond which values are 0.

    References
    ----------
    ``scipy.signal.peak_prominences`` on values with a 0 put at both ends.
    """
    padded = np.concatenate(([0], values, [0]))
    found = np.empty(len(peaks), np.int64)
    for i, peak in enumerate((peaks + 1).tolist()):
        higher = np.flatnonzero(padded > padded[peak])
        place = int(np.searchsorted(higher, peak))
        left = int(higher[place - 1]) if place else 0
        right = int(higher[place]) if place < len(higher) else len(padded) - 1
        found[i] = padded[peak] - max(padded[left : peak + 1].min(), padded[peak : right + 1].min())
    return found
