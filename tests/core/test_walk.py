"""Walk-forward: nothing of a test day is known when it is chosen, and every day is traded once at most."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.walk import Fold, Walk, folds_of, parse_walk

DAYS = st.lists(st.integers(0, 3000), min_size=1, max_size=120, unique=True).map(sorted)


@given(DAYS, st.integers(1, 20), st.integers(1, 10), st.integers(0, 10), st.integers(0, 5))
def test_folds_go_forward_and_share_no_test_day(days, train, test, more, embargo):
    walk = Walk(train, test, test + more if more else 0, embargo)
    if len(days) <= train + embargo:
        with pytest.raises(BadInput, match=f"needs {train + embargo + 1} days with data at least, there are {len(days)}"):
            folds_of(walk, days)
        return

    folds = folds_of(walk, days)

    tested = []
    for fold in folds:
        (begin, end), (first, last) = ((days.index(a), days.index(b)) for a, b in (fold.train, fold.test))
        assert end - begin + 1 == train
        assert first - end - 1 == embargo
        assert last - first + 1 == min(test, len(days) - first)
        tested += range(first, last + 1)
    assert len(tested) == len(set(tested))
    assert tested == sorted(tested)
    if not more:
        assert tested == list(range(train + embargo, len(days)))  # none is left out
    else:
        assert len(days) <= days.index(folds[-1].train[0]) + walk.stride + train + embargo  # none could follow


@given(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_a_fold_with_a_leak_cannot_be_made(a, b, c, d):
    if a <= b < c <= d:
        assert Fold((a, b), (c, d)).train == (a, b)
    else:
        with pytest.raises(BadInput, match="not one after the other"):
            Fold((a, b), (c, d))


def test_days_out_of_order_are_refused():
    with pytest.raises(BadInput, match="not in order"):
        folds_of(Walk(1, 1), [1, 3, 2])


@pytest.mark.parametrize(
    ("text", "walk"),
    [
        ("train=20d,test=5d", Walk(20, 5)),
        ("test=5, train=20", Walk(20, 5)),
        ("train=20d,test=5d,step=7d,embargo=1d", Walk(20, 5, 7, 1)),
    ],
)
def test_spans_are_read(text, walk):
    assert parse_walk(text) == walk


@pytest.mark.parametrize(
    "text",
    ["", "train=20d", "train=x,test=1", "train=1,test=1,stride=1", "train=1,test=1,train=2", "train=0,test=1",
     "train=5,test=3,step=2", "train=-1,test=1", "train=1d,test=1.5d"],
)  # fmt: skip
def test_what_is_no_walk_is_refused(text):
    with pytest.raises(BadInput):
        parse_walk(text)
