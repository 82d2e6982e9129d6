"""Time at price, worked by hand: one minute a half hour is enough, as a bracket is its range."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.minutes import Minutes
from auction_bt.core.tpo import Tail, brackets_of, rotation_factor, tpo_of

PATHS = st.lists(st.tuples(st.integers(-20, 20), st.integers(0, 6)), min_size=1, max_size=13)


def halves(*ranges):
    """One minute of each half hour, from low to high."""
    return Minutes.of([(30 * i, low, high, low, high) for i, (low, high) in enumerate(ranges)])


def test_minutes_that_cannot_be_are_refused():
    for rows in ([(0, 1, 0, 2, 1)], [(1, 1, 1, 1, 1), (1, 1, 1, 1, 1)], [(-1, 1, 1, 1, 1)]):
        with pytest.raises(BadInput):
            Minutes.of(rows)


def test_brackets_are_half_hours_from_the_open_with_letters():
    minutes = Minutes.of([(0, 5, 7, 4, 6), (29, 6, 9, 6, 8), (30, 8, 8, 2, 3), (375, 3, 4, 3, 4)])
    found = brackets_of(minutes)
    assert found.index.tolist() == [0, 1, 12]
    assert found.letters == "ABM"
    assert (found.open.tolist(), found.close.tolist()) == ([5, 8, 3], [8, 3, 4])
    assert (found.high.tolist(), found.low.tolist()) == ([9, 8, 4], [4, 2, 3])
    assert brackets_of(Minutes.of([(26 * 30, 1, 1, 1, 1)])).letters == "a"
    assert len(brackets_of(Minutes.of([]))) == 0


def test_letters_are_counted_row_by_row():
    found = tpo_of(halves((10, 13), (12, 15), (15, 18)))
    assert found.lo == 10
    assert found.count.tolist() == [1, 1, 2, 2, 1, 2, 1, 1, 1]


def test_tails_are_at_extremes_and_single_prints_are_not():
    # A 10-13, B 12-16, C 16-20, D 19-20: 14, 15 are B's alone, 17, 18 are C's alone, 10, 11 the tail of A.
    found = tpo_of(halves((10, 13), (12, 16), (16, 20), (19, 20)))
    assert found.singles == ((14, 15), (17, 18))
    assert found.buying_tail == Tail(10, 11, True)
    assert found.selling_tail is None
    assert (found.poor_low, found.poor_high) == (False, True)


def test_one_row_is_neither_a_tail_nor_single_prints():
    found = tpo_of(halves((10, 13), (11, 15), (15, 16), (14, 16)))
    assert found.buying_tail is None
    assert found.singles == ()


def test_the_tail_of_the_last_bracket_is_no_excess():
    found = tpo_of(halves((10, 14), (12, 20)))
    assert found.selling_tail == Tail(15, 20, False)
    assert found.buying_tail == Tail(10, 11, True)
    assert tpo_of(halves((10, 14), (12, 20), (13, 14))).selling_tail == Tail(15, 20, True)


def test_a_tail_belongs_to_the_bracket_that_made_the_extreme():
    # B lies wholly above A, so all rows are single: the tails are each one's own.
    found = tpo_of(halves((10, 12), (13, 16)))
    assert found.buying_tail == Tail(10, 12, True)
    assert found.selling_tail == Tail(13, 16, False)


def test_one_bracket_says_nothing_about_its_ends():
    found = tpo_of(halves((10, 20)))
    assert (found.buying_tail, found.selling_tail, found.poor_low, found.poor_high, found.rotation) == (None,) * 5
    assert found.singles == ()


def test_the_rotation_factor_counts_highs_and_lows():
    # B: higher high, higher low +2; C: equal high, lower low -1; D: lower high, higher low 0.
    assert rotation_factor(brackets_of(halves((10, 13), (12, 15), (11, 15), (12, 14)))) == 1


def test_rows_of_several_ticks_are_counted_from_price_zero():
    found = tpo_of(halves((10, 13), (14, 17)), 4)
    assert (found.lo, found.count.tolist()) == (2, [1, 2, 1])


@given(PATHS)
def test_a_mirrored_session_has_mirrored_tails_and_the_opposite_rotation(path):
    minutes = halves(*((low, low + span) for low, span in path))
    up, down = tpo_of(minutes), tpo_of(minutes.mirrored())
    assert np.array_equal(up.count, down.count[::-1])
    assert up.singles == tuple(sorted((-b, -a) for a, b in down.singles))
    assert (up.poor_low, up.poor_high) == (down.poor_high, down.poor_low)
    assert up.rotation == (None if down.rotation is None else -down.rotation)
    for one, other in ((up.buying_tail, down.selling_tail), (up.selling_tail, down.buying_tail)):
        assert one == (None if other is None else Tail(-other.high, -other.low, other.is_excess))


@given(PATHS)
def test_every_bracket_leaves_a_letter_in_each_row_of_its_range(path):
    found = tpo_of(halves(*((low, low + span) for low, span in path)))
    assert int(found.count.sum()) == sum(span + 1 for _, span in path)
