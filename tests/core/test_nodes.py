"""High and low volume nodes on volumes worked by hand, and against the definition of prominence."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.nodes import Nodes, half_width, nodes_of, peaks_of, prominences, smoothed
from auction_bt.core.profile import Grid, Profile

GRID = Grid(Decimal("0.05"))
VOLUMES = st.lists(st.integers(0, 9), min_size=1, max_size=40)


def profile(volume, lo=100):
    return Profile(lo, np.array(volume, np.int64), GRID)


def test_a_kernel_of_two_rows_weighs_one_two_one():
    assert smoothed(np.array([0, 4, 0, 0, 1], np.int64), 2).tolist() == [4, 8, 4, 1, 2]
    assert smoothed(np.array([5], np.int64), 3).tolist() == [15]
    with pytest.raises(BadInput):
        smoothed(np.array([1], np.int64), 0)


def test_the_kernel_is_a_twentieth_of_the_range_and_never_less_than_two():
    assert [half_width(rows) for rows in (1, 40, 60, 400)] == [2, 2, 3, 20]


def test_peaks_are_maxima_and_the_middle_of_flat_tops_ends_included():
    values = np.array([3, 1, 2, 2, 1, 5, 5, 5, 0, 4], np.int64)
    assert peaks_of(values).tolist() == [0, 2, 6, 9]
    assert peaks_of(np.array([7, 7], np.int64)).tolist() == [0]
    assert peaks_of(np.zeros(4, np.int64)).tolist() == []


def test_prominence_is_height_above_the_higher_of_the_two_valleys():
    values = np.array([3, 1, 2, 0, 5, 4, 6], np.int64)
    # 3: valleys 0 (the end) and 0; 2: 1 and 0; 5: 0 and 4; 6: the highest, so from the ground.
    assert prominences(values, peaks_of(values)).tolist() == [3, 1, 1, 6]


def test_two_bells_have_two_nodes_and_a_thin_price_between():
    found = nodes_of(profile([1, 4, 9, 4, 1, 0, 1, 4, 8, 4, 1]))
    assert found == Nodes((102, 108), (105,))
    assert found.is_double


def test_a_shallow_valley_is_no_low_volume_node():
    # Smoothed by 1 2 1: 13 22 26 19 12 ... the valley of 12 stays above half of 22.
    found = nodes_of(profile([4, 9, 4, 5, 4, 5, 9, 4]))
    assert found.lvn == ()
    assert not found.is_double


def test_a_ripple_below_a_quarter_of_the_highest_is_no_node():
    assert nodes_of(profile([1, 5, 40, 5, 1, 1, 2, 1])).hvn == (102,)


def test_no_volume_has_no_nodes():
    assert nodes_of(profile([0, 0])) == Nodes()


@given(VOLUMES)
def test_prominences_are_those_of_the_definition(volume):
    values = np.array(volume, np.int64)
    padded = [0, *volume, 0]
    for peak, got in zip(peaks_of(values).tolist(), prominences(values, peaks_of(values)).tolist(), strict=True):
        sides = []
        for way in (-1, 1):
            i, lowest = peak + 1, padded[peak + 1]
            while 0 <= i < len(padded) and padded[i] <= padded[peak + 1]:
                lowest, i = min(lowest, padded[i]), i + way
            if 0 <= i < len(padded):
                lowest = min(lowest, padded[i])
            sides.append(lowest)
        assert got == padded[peak + 1] - max(sides)


@given(VOLUMES)
def test_peaks_and_prominences_are_those_of_scipy(volume):
    signal = pytest.importorskip("scipy.signal", reason="scipy is no dependency: installed, it checks ours")
    values = np.array(volume, np.int64)
    want, measures = signal.find_peaks(np.concatenate(([0], values, [0])), prominence=0)
    assert (peaks_of(values) + 1).tolist() == want.tolist()
    assert prominences(values, peaks_of(values)).tolist() == measures["prominences"].tolist()


@given(VOLUMES)
def test_every_valley_lies_between_two_neighbouring_nodes(volume):
    found = nodes_of(profile(volume))
    assert all(sum(a < low < b for a, b in zip(found.hvn, found.hvn[1:], strict=False)) == 1 for low in found.lvn)
    assert len(found.lvn) <= max(0, len(found.hvn) - 1)


@given(VOLUMES)
def test_a_mirrored_profile_has_mirrored_nodes(volume):
    up, down = nodes_of(profile(volume, 0)), nodes_of(profile(volume[::-1], 0))
    trimmed = profile(volume, 0)
    last = trimmed.lo + trimmed.hi if trimmed.total else 0
    flipped = profile(volume[::-1], 0)
    # The middle of an even flat top is the lower of two, in both: a row's difference.
    turned = [last - (p - flipped.lo + trimmed.lo) for p in reversed(down.hvn)]
    assert len(turned) == len(up.hvn)
    assert all(abs(a - b) <= 1 for a, b in zip(turned, up.hvn, strict=True))
