"""A grid's combinations: each once, found again by its place, neighbours by one step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.grid import Axis, Grid, parse_axis

AXES = st.lists(st.integers(1, 5), min_size=0, max_size=4).map(
    lambda sizes: Grid(tuple(Axis(f"p{i}", tuple(range(10, 10 + n))) for i, n in enumerate(sizes)))
)


@given(AXES)
def test_every_combination_has_one_number(grid):
    all_of_them = [tuple(grid.at(n).items()) for n in range(len(grid))]

    assert len(set(all_of_them)) == len(grid)
    assert all_of_them == sorted(all_of_them)  # the last parameter changes fastest
    assert [grid.number(grid.places(n)) for n in range(len(grid))] == list(range(len(grid)))


@given(AXES, st.data())
def test_neighbours_differ_in_one_step_and_are_neighbours_of_each_other(grid, data):
    n = data.draw(st.integers(0, len(grid) - 1))
    found = list(grid.neighbours(n))

    apart = [m for m in range(len(grid)) if sum(abs(a - b) for a, b in zip(grid.places(n), grid.places(m), strict=True)) == 1]
    assert sorted(found) == apart
    assert all(n in grid.neighbours(m) for m in found)


def test_every_other_word_is_a_neighbour():
    grid = Grid((Axis("rule", ("a", "b", "c")), Axis("n", (1, 2, 3))))

    assert sorted(grid.neighbours(0)) == [1, 3, 6]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("period=60:120:30", "60 90 120"),
        ("period=60:119:30", "60 90"),
        ("period=3:5", "3 4 5"),
        ("value_area=0.60:0.70:0.05", "0.6 0.65 0.7"),
        ("value_area=0.68,0.70", "0.68 0.70"),
        ("period=10:30:10,100", "10 20 30 100"),
        ("rule=original, auction", "original auction"),
        ("square_off=15:10,none", "15:10 none"),
    ],
)
def test_ranges_and_lists(text, values):
    assert parse_axis(text) == (text.partition("=")[0], tuple(values.split()))


@pytest.mark.parametrize("text", ["period", "period=", "=3", "period=a:b", "period=9:1:1", "period=1:9:0", "period=1:2:3:4",
                                  "period=1:1e9:1", "period=1:inf:1", "period=nan:2"])  # fmt: skip
def test_what_is_no_grid_is_refused(text):
    with pytest.raises(BadInput):
        parse_axis(text)


def test_values_and_names_stand_once():
    with pytest.raises(BadInput, match="value 3 twice"):
        Axis("a", (3, 4, 3))
    with pytest.raises(BadInput, match="no values"):
        Axis("a", ())
    with pytest.raises(BadInput, match="a is given twice"):
        Grid((Axis("a", (1,)), Axis("a", (2,))))
