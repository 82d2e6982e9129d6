"""Bars from columns of ticks are those that come one tick at a time."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import NEVER, BarColumns, Source
from auction_bt.core.bar_builder import BarBuilder
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_index, day_start
from auction_bt.core.tick import Tick, TickColumns
from auction_bt.core.tick_bars import bars_of_ticks, with_candles

OPEN = day_start(20_437) + 555 * MINUTE_NS

# Of each tick: how far the clock goes on, how late the tick is (never into another day), its price and size.
STEPS = [0, 1, 20 * 10**9, MINUTE_NS - 1, MINUTE_NS, 5 * MINUTE_NS, DAY_NS]
steps = st.tuples(
    st.sampled_from(STEPS), st.sampled_from([0, 0, 0, 30 * 10**9, 3 * MINUTE_NS]),
    st.integers(1, 9), st.integers(0, 5),
)  # fmt: skip


def ticks_of(moves):
    now, out = OPEN, []
    for i, (step, late, price, size) in enumerate(moves):
        now += step
        ts = now - late
        if day_index(ts) != day_index(now) or any(day_index(t.ts) > day_index(ts) for t in out):
            ts = now
        out.append(Tick("A", OPEN + i, ts, price / 2, size))
    return out


def one_by_one(ticks):
    builder, bars = BarBuilder("A"), []
    for tick in ticks:
        bars += builder.update(tick.seq, tick, None, day_index(tick.ts), tick.ts)
    return sorted(bars + builder.flush(), key=lambda b: b.ts)


def rows(bars):
    return list(zip(*(getattr(bars, n).tolist() for n in BarColumns.__dataclass_fields__), strict=True))


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=40))
def test_columns_and_single_ticks_make_the_same_bars(moves):
    ticks = ticks_of(moves)
    assert rows(bars_of_ticks(TickColumns.of(ticks))) == rows(BarColumns.of(one_by_one(ticks)))


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, min_size=1, max_size=25), st.data())
def test_a_known_bar_does_not_change_with_what_comes_after(moves, data):
    ticks = TickColumns.of(ticks_of(moves))
    cut = data.draw(st.integers(0, len(ticks)))
    early = {row[0]: row for row in rows(bars_of_ticks(ticks.take(slice(cut))))}
    for row in rows(bars_of_ticks(ticks)):
        if row[7] < OPEN + cut:
            assert early[row[0]] == row


def test_no_ticks_make_no_bars():
    assert len(bars_of_ticks(TickColumns.empty())) == 0


def candle(ts):
    return BarColumns(*(np.array([v]) for v in (ts, 1.0, 3.0, 0.5, 2.0, 100, 0, ts + MINUTE_NS, int(Source.CANDLES))))


def test_a_candle_keeps_its_prices_takes_the_tick_volume_and_is_known_when_the_ticks_say_so():
    ticks = TickColumns.of(ticks_of([(0, 0, 4, 7), (MINUTE_NS, 0, 4, 5), (DAY_NS, 0, 4, 5)]))
    built = bars_of_ticks(ticks)
    first, last = candle(OPEN), candle(OPEN + MINUTE_NS)
    joined = with_candles(built, first, ticks)
    assert rows(joined)[0] == (OPEN, 1.0, 3.0, 0.5, 2.0, 100, 7, OPEN + 1, int(Source.CANDLES))
    assert rows(joined)[1:] == rows(built)[1:]
    # No tick of its own day follows the second minute: it is known at its end, not on another day.
    assert rows(with_candles(built, last, ticks))[1][6:8] == (5, OPEN + 2 * MINUTE_NS)
    assert rows(bars_of_ticks(ticks))[-1][7] == NEVER


def test_a_candle_of_a_minute_without_ticks_stands_between_the_others():
    ticks = TickColumns.of(ticks_of([(0, 0, 4, 7), (5 * MINUTE_NS, 0, 4, 5)]))
    joined = with_candles(bars_of_ticks(ticks), candle(OPEN + 2 * MINUTE_NS), ticks)
    assert joined.ts.tolist() == [OPEN, OPEN + 2 * MINUTE_NS, OPEN + 5 * MINUTE_NS]
    assert joined.known_seq.tolist() == [OPEN + 1, OPEN + 1, NEVER]
