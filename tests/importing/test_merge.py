"""Joining imports: nothing twice, nothing lost, in any order."""

from collections import Counter
from contextlib import closing
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import BarColumns, Source
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_index, day_start
from auction_bt.core.tick import TickColumns
from auction_bt.core.tick_bars import bars_of_ticks
from auction_bt.importing.merge import free_places, merge_bars, merge_ticks
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store

DAY = 20_437
OPEN = day_start(DAY) + 555 * MINUTE_NS
EVER = (-(2**62), 2**62)


@pytest.fixture
def new_store(tmp_path_factory):
    def make():
        return closing(open_store(f"sqlite:///{tmp_path_factory.mktemp('s') / 'a.db'}", create=True))

    return make


def ticks_of(rows):
    ts = np.array([r[0] for r in rows], dtype=np.int64)
    nan = np.full(len(rows), np.nan)
    return TickColumns(
        ts, ts, np.array([float(r[1]) for r in rows]), np.array([r[2] for r in rows], dtype=np.int64), np.full(len(rows), -1),
        nan, nan, nan, np.zeros(len(rows), dtype=np.int64),
    )  # fmt: skip


def content(store):
    t = store.ticks("A", *EVER)
    return list(zip(t.ts.tolist(), t.price.tolist(), t.size.tolist(), strict=True))


def state(store):
    return [
        [getattr(c, n).tolist() for n in c.__dataclass_fields__ if n not in {"bid", "ask", "oi"}]
        for c in (store.ticks("A", *EVER), store.bars("A", *EVER))
    ]


@given(st.lists(st.integers(0, 30)), st.sets(st.integers(0, 40)))
def test_every_wanted_place_is_given_once_at_or_after_it_in_order(wanted, taken):
    wanted, used = sorted(wanted), np.array(sorted(taken), dtype=np.int64)
    given_places = free_places(np.array(wanted, dtype=np.int64), used).tolist()
    assert given_places == sorted(set(given_places))
    assert not set(given_places) & taken
    assert all(g >= w for g, w in zip(given_places, wanted, strict=True))
    every = taken | set(given_places)
    assert all(set(range(w, g)) <= every for g, w in zip(given_places, wanted, strict=True))  # nothing free was passed over


row = st.tuples(
    st.sampled_from([OPEN + d * DAY_NS + m * MINUTE_NS + n for d in (0, 1, 4) for m in (0, 1) for n in (0, 1, 2)]),
    st.integers(1, 2),
    st.integers(1, 2),
)
parts_of = st.lists(st.lists(row, min_size=1, max_size=8).map(sorted), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(parts_of)
def test_overlapping_tick_files_lose_nothing_and_store_nothing_twice(tmp_path_factory, parts):
    most = Counter()
    with closing(open_store(f"sqlite:///{tmp_path_factory.mktemp('s') / 'a.db'}", create=True)) as store:
        for part in parts:
            before = set(zip(*state(store)[0][:4], strict=True))
            merged = merge_ticks(store, "A", ticks_of(part))
            assert merged.stored + merged.already == len(part)
            most |= Counter((ts, float(p), s) for ts, p, s in part)
            assert before <= set(zip(*state(store)[0][:4], strict=True))  # seq of a stored tick never changes
        assert Counter(content(store)) == most
        for part in parts:
            assert merge_ticks(store, "A", ticks_of(part)).stored == 0
        ticks = store.ticks("A", *EVER)
        assert (np.diff(ticks.seq) > 0).all()
        assert ticks.clock.tolist() == [0, *np.maximum.accumulate(ticks.ts[:-1]).tolist()]
        bars, expected = store.bars("A", *EVER), bars_of_ticks(ticks)
        assert all(getattr(bars, n).tolist() == getattr(expected, n).tolist() for n in BarColumns.__dataclass_fields__)


def test_days_may_be_imported_in_any_order(new_store):
    days = [ticks_of([(OPEN + d * DAY_NS + i * 40 * 10**9, 5 + i, 1) for i in range(5)]) for d in (0, 1, 4)]
    results = []
    for order in permutations(days):
        with new_store() as store:
            for day in order:
                merge_ticks(store, "A", day)
            results.append(state(store))
    assert all(r == results[0] for r in results)


def bars_at(*minutes, close=2.0, first=OPEN):
    ts = first + np.array(minutes, dtype=np.int64) * MINUTE_NS
    n = len(ts)
    return BarColumns(ts, np.full(n, 1.0), np.full(n, 9.0), np.full(n, 0.5), np.full(n, close), np.full(n, 50),
                      np.zeros(n, dtype=np.int64), ts + MINUTE_NS, np.full(n, int(Source.CANDLES)))  # fmt: skip


def test_ticks_before_bars_and_bars_before_ticks_are_the_same_store(new_store):
    ticks = ticks_of([(OPEN + i * 40 * 10**9, 5 + i, 1) for i in range(8)] + [(OPEN + DAY_NS, 7, 3)])
    bars = bars_at(0, 2, 4, 9)
    results = []
    for order in permutations([(merge_ticks, ticks), (merge_bars, bars)]):
        with new_store() as store:
            for merge, what in order:
                assert merge(store, "A", what).stored == len(what)
            results.append(state(store))
            for merge, what in order:
                assert merge(store, "A", what).stored == 0
            assert state(store) == results[-1]
    assert results[0] == results[1]


def test_a_stored_bar_stays_where_another_file_says_otherwise(new_store):
    with new_store() as store:
        merge_bars(store, "A", bars_at(0, 1, 2))
        merged = merge_bars(store, "A", bars_at(2, 3, close=3.0))
        assert (merged.stored, merged.already, merged.conflicts) == (1, 0, 1)
        merged = merge_bars(store, "A", bars_at(1, 2, 3, 4))
        assert (merged.stored, merged.already, merged.conflicts) == (1, 2, 1)
        assert store.bars("A", *EVER).close.tolist() == [2.0, 2.0, 2.0, 3.0, 2.0]


def test_days_with_recorded_messages_are_left_to_the_messages(new_store):
    with new_store() as store:
        store.add_raw([RawMessage(OPEN, "{}", ("A",))])
        merged = merge_bars(store, "A", bars_at(0, 24 * 60))
        assert (merged.stored, merged.recorded, merged.days) == (1, 1, (DAY, DAY + 1))
        merged = merge_ticks(store, "A", ticks_of([(OPEN, 1, 1), (OPEN + DAY_NS, 1, 1)]))
        assert (merged.stored, merged.recorded) == (1, 1)
        assert [day_index(t) for t in store.ticks("A", *EVER).ts.tolist()] == [DAY + 1]
