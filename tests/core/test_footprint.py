"""The footprint: what traded stays what traded, and is split by the book before."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.footprint import footprint_of
from auction_bt.core.tick import Tick, TickColumns

MIN = 60 * 10**9
START = 1_765_770_300 * 10**9
NAN = float("nan")


def ticks(*rows):
    """Rows of (seconds, price in ticks, size, bid, ask in ticks)."""
    made = []
    for seq, (second, price, size, bid, ask) in enumerate(rows):
        ts = START + int(second * 10**9)
        made.append(
            Tick(
                seq=seq, symbol="A", ts=ts, price=price * 0.05, size=size, vtt=0, bid=bid * 0.05, ask=ask * 0.05, oi=NAN, clock=0
            )
        )
    return TickColumns.of(made)


def rows(found, minute=0):
    part = slice(found.at[minute], found.at[minute + 1])
    return list(zip(*(getattr(found, name)[part].tolist() for name in ("k", "buy", "sell", "neither")), strict=True))


def test_a_trade_is_held_against_the_book_of_the_message_before():
    found = footprint_of(ticks(
        (0, 100, 5, 99, 101),  # no book before it
        (1, 101, 7, 200, 201),  # at the ask of 101
        (2, 201, 1, 99, 101),  # at the ask of 201
        (3, 99, 2, 99, 103),  # at the bid
        (4, 101, 4, NAN, NAN),  # between 99 and 103
        (5, 103, 8, 99, 99),  # the last book that was whole: at its ask
        (6, 99, 3, 99, 101),  # a locked book
    ), 0.05)  # fmt: skip

    assert rows(found) == [(99, 0, 2, 3), (100, 0, 0, 5), (101, 7, 0, 4), (103, 8, 0, 0), (201, 1, 0, 0)]
    assert found.start.tolist() == [START]


def test_minutes_without_trades_have_no_place():
    found = footprint_of(ticks((0, 100, 5, 99, 101), (59.9, 101, 1, 99, 101), (70, 101, 0, 99, 101), (180, 99, 2, 99, 101)), 0.05)

    assert found.start.tolist() == [START, START + 3 * MIN]
    assert rows(found, 1) == [(99, 0, 2, 0)]


def test_yesterdays_book_says_nothing_of_today():
    found = footprint_of(ticks((0, 100, 5, 99, 101), (86_400, 101, 5, 99, 101)), 0.05)

    assert rows(found, 1) == [(101, 0, 0, 5)]


@pytest.mark.parametrize("given", [[], [(0, 100, 5, NAN, NAN)], [(0, 100, 5, 0, 0)], [(0, 100, 5, 102, 101)]])
def test_without_a_book_there_is_none(given):
    assert footprint_of(ticks(*given), 0.05) is None


row = st.tuples(st.integers(0, 400), st.integers(95, 105), st.integers(0, 9), st.integers(90, 100), st.integers(95, 110))


@given(st.lists(row, min_size=1, max_size=30))
def test_no_share_is_lost_or_counted_twice(made):
    given = ticks(*sorted(made), (500, 100, 1, 99, 101))
    found = footprint_of(given, 0.05)

    total = found.buy + found.sell + found.neither
    assert total.sum() == given.size.sum()
    assert found.at[0] == 0
    assert found.at[-1] == len(found.k)
    assert (np.diff(found.start) > 0).all()
    for i, start in enumerate(found.start.tolist()):
        inside = (given.ts >= start) & (given.ts < start + MIN) & (given.size > 0)
        part = slice(found.at[i], found.at[i + 1])
        assert dict(zip(found.k[part].tolist(), total[part].tolist(), strict=True)) == {
            k: given.size[inside & (np.rint(given.price / 0.05) == k)].sum()
            for k in np.unique(np.rint(given.price[inside] / 0.05))
        }
