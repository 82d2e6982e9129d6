"""When a minute becomes a known bar, and what it then is."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import NEVER, Source
from auction_bt.core.bar_builder import BarBuilder, Dismissed
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_index, day_start, minute_start
from auction_bt.core.snapshot import Candle
from auction_bt.core.tick import Tick

OPEN = day_start(20_437) + (9 * 60 + 15) * MINUTE_NS


class Stream:
    """A builder fed by minutes and seconds from the open; stamps count up by themselves."""

    def __init__(self):
        self.builder = BarBuilder("X")
        self.seq = OPEN

    def see(self, minute=None, price=100.0, size=1, i1=None, at=None, day=0, stamp_day=None):
        """Show one message: a tick in `minute` (None for none) and the I1 of minute `i1` (None for none)."""
        self.seq += SECOND_NS
        if stamp_day is not None:
            self.seq = OPEN + stamp_day * DAY_NS + self.seq % SECOND_NS + 1
        ts = None if minute is None else OPEN + day * DAY_NS + round(minute * MINUTE_NS)
        tick = None if ts is None else Tick("X", self.seq, ts, price, size)
        candle = None
        if i1 is not None:
            candle = i1 if isinstance(i1, Candle) else reported(i1, day)
        now = OPEN + day * DAY_NS + (at if at is not None else 300) * MINUTE_NS
        return [
            (round((b.ts - OPEN) / MINUTE_NS), b.source.label, b.volume, b.tick_volume)
            for b in self.builder.update(self.seq, tick, candle, day_index(now), now)
        ]


def reported(minute, day=0, close=100.0, volume=50):
    return Candle(OPEN + day * DAY_NS + minute * MINUTE_NS, 100.0, 101.0, 99.0, close, volume)


def test_a_minute_is_known_at_the_first_message_that_shows_it_as_the_exchange_says_it():
    s = Stream()
    assert s.see(0, size=7) == []
    assert s.see(1, size=9, i1=0) == [(0, "I1", 50, 7)]
    assert s.see(1, i1=0) == []
    assert s.see(i1=1) == [(1, "I1", 50, 10)]


def test_without_the_exchanges_minute_it_is_built_from_ticks_at_the_first_trade_of_a_later_one():
    s = Stream()
    for price, size in ((100.0, 1), (103.0, 2), (98.0, 3), (99.0, 4)):
        assert s.see(0.5, price, size) == []
    (bar,) = s.builder.update(
        s.seq + 1, Tick("X", s.seq + 1, OPEN + 3 * MINUTE_NS, 90.0, 8), None, day_index(OPEN), OPEN + DAY_NS // 9
    )
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.tick_volume) == (100.0, 103.0, 98.0, 99.0, 10, 10)
    assert (bar.source, bar.known_seq) == (Source.TICKS, s.seq + 1)


def test_one_message_can_make_two_bars_known_in_the_order_of_time():
    s = Stream()
    s.see(0, size=3)
    assert s.see(2, size=4, i1=1) == [(0, "ticks", 3, 3), (1, "I1", 50, 0)]
    assert s.see(i1=3) == [(2, "ticks", 4, 4), (3, "I1", 50, 0)]


def test_a_known_bar_never_changes():
    s = Stream()
    s.see(0, size=3)
    assert s.see(1) == [(0, "ticks", 3, 3)]
    assert s.see(1, i1=0) == []
    assert s.see(1, i1=0) == []
    assert s.builder.dismissed == {Dismissed.DISAGREES: 1}
    assert s.see(2, i1=1) == [(1, "I1", 50, 3)]
    assert s.see(2, i1=reported(1, close=99.5)) == []
    assert s.builder.dismissed == {Dismissed.DISAGREES: 2}


def test_a_minute_older_than_a_known_one_is_a_hole_and_makes_no_bar():
    s = Stream()
    s.see(5)
    assert s.see(6, i1=5) == [(5, "I1", 50, 1)]
    assert s.see(6, i1=3) == []
    assert s.builder.dismissed == {Dismissed.HOLE: 1}


def test_a_tick_of_a_closed_minute_changes_no_price_and_counts_in_the_open_minute():
    s = Stream()
    s.see(0, size=1)
    s.see(1, size=2, i1=0)
    assert s.see(0.9, price=500.0, size=10) == []
    (bar,) = s.builder.flush()
    assert (bar.high, bar.volume, bar.tick_volume) == (100.0, 12, 12)
    assert s.see(2, i1=1) == [(1, "I1", 50, 12)]


def test_a_tick_of_a_closed_minute_waits_for_the_next_bar_where_none_is_open():
    s = Stream()
    s.see(0, size=1)
    assert s.see(i1=0) == [(0, "I1", 50, 1)]
    s.see(0.5, size=10)
    assert s.builder.flush() == []
    s.see(4, size=2)
    assert s.see(i1=4) == [(4, "I1", 50, 12)]


def test_a_late_tick_of_a_minute_not_yet_known_is_that_minutes():
    s = Stream()
    s.see(0, size=1)
    assert s.see(2, size=2) == [(0, "ticks", 1, 1)]
    s.see(1.5, size=5)
    assert s.see(i1=1) == [(1, "I1", 50, 5)]
    assert s.see(i1=2) == [(2, "I1", 50, 2)]


def test_the_tick_comes_before_the_bar_its_message_closes():
    s = Stream()
    s.see(0, size=1)
    assert s.see(0.99, size=4, i1=0) == [(0, "I1", 50, 5)]


def test_ticks_of_no_size_make_a_bar_of_no_volume():
    s = Stream()
    s.see(0, size=0)
    assert s.see(1, size=0) == [(0, "ticks", 0, 0)]


def test_the_last_bar_of_a_day_is_known_at_the_next_days_first_trade():
    s = Stream()
    s.see(0, size=3)
    assert s.see(day=1, stamp_day=1, i1=reported(-5)) == []
    assert s.see(7, day=1) == [(0, "ticks", 3, 3)]
    assert [b.ts for b in s.builder.flush()] == [OPEN + DAY_NS + 7 * MINUTE_NS]


def test_the_last_bar_of_a_day_is_the_exchanges_where_the_next_day_shows_exactly_it():
    s = Stream()
    s.see(0, size=3)
    assert s.see(day=1, stamp_day=1, i1=reported(0)) == [(0, "I1", 50, 3)]
    s = Stream()
    s.see(0, size=3)
    assert s.see(7, day=1, stamp_day=1, i1=reported(0)) == [(0, "I1", 50, 3)]


def test_the_last_bar_of_a_day_is_known_where_the_next_day_reports_a_minute_without_a_trade_seen():
    s = Stream()
    s.see(0, size=3)
    assert s.see(day=1, stamp_day=1, i1=4) == [(0, "ticks", 3, 3), (1444, "I1", 50, 0)]
    assert s.see(5, day=1) == []


def test_another_minute_of_an_earlier_day_makes_no_bar():
    s = Stream()
    assert s.see(day=1, stamp_day=1, i1=reported(374)) == []
    assert s.see(2, day=1, i1=reported(373)) == []
    assert s.builder.dismissed == {Dismissed.EARLIER_DAY: 2}


def test_a_minute_that_has_not_begun_makes_no_bar_until_it_has():
    s = Stream()
    assert s.see(0, i1=10, at=9) == []
    assert s.builder.dismissed == {Dismissed.AHEAD: 1}
    assert s.see(0, i1=reported(3, day=1), at=9) == []
    assert s.see(11, i1=10, at=11) == [(0, "ticks", 2, 2), (10, "I1", 50, 0)]


def test_one_damaged_day_neither_repeats_bars_nor_ends_the_true_day():
    s = Stream()
    s.see(0)
    s.see(1, i1=0)
    assert s.see(5, day=400, at=6) == [(1, "ticks", 1, 1)]
    assert s.see(1, i1=0) == []
    s.see(2)
    assert s.see(3, i1=2) == [(2, "I1", 50, 2)]
    assert s.see(4, day=1, stamp_day=1) == [(3, "ticks", 1, 1), (400 * 1440 + 5, "ticks", 1, 1)]


def test_what_a_damaged_time_said_of_tomorrow_is_forgotten_when_it_comes():
    s = Stream()
    s.see(0)
    s.see(5, day=1, at=6)
    assert s.see(2, day=1, stamp_day=1) == []  # minute 5 is not open, so this is no late trade
    assert s.see(3, day=1) == [(1442, "ticks", 1, 1)]


def test_a_day_of_stamps_that_ends_within_a_trading_day_repeats_no_bar():
    s = Stream()
    s.see(0)
    s.see(1, i1=0)
    assert s.see(1, i1=0, stamp_day=1) == []
    assert s.see(2, i1=reported(0, close=99.5)) == [(1, "ticks", 2, 2)]
    assert s.see(2, i1=0) == []


def test_what_is_still_open_is_never_known_and_asking_changes_nothing():
    s = Stream()
    s.see(0, size=3)
    assert s.builder.flush() == s.builder.flush()
    assert [(b.known_seq, b.source, b.volume) for b in s.builder.flush()] == [(NEVER, Source.TICKS, 3)]


STEPS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 9 * 60 - 1),  # second of the tick
        st.integers(0, 20),
        st.none() | st.integers(0, 8),
        st.integers(0, 10),
    ),
    max_size=60,
)


@settings(deadline=None)
@given(STEPS)
def test_every_tick_belongs_to_the_first_bar_not_before_it_and_not_known_before_it(steps):
    builder = BarBuilder("X")
    ticks, bars = [], []
    for i, (second, size, i1, price) in enumerate(steps):
        seq = OPEN + 1 + i
        tick = None if second is None else Tick("X", seq, OPEN + second * SECOND_NS, 100.0 + price, size)
        ticks += [tick] if tick else []
        bars += builder.update(seq, tick, None if i1 is None else reported(i1), day_index(OPEN), OPEN + 10 * MINUTE_NS)
    bars += builder.flush()
    assert [b.ts for b in bars] == sorted({b.ts for b in bars})
    assert [b.known_seq for b in bars] == sorted(b.known_seq for b in bars)
    volume = Counter()
    for tick in ticks:
        owner = next((b for b in bars if b.ts >= minute_start(tick.ts) and b.known_seq >= tick.seq), None)
        volume[owner and owner.ts] += tick.size
    assert [b.tick_volume for b in bars] == [volume[b.ts] for b in bars]
    for bar in bars:
        if bar.source is Source.TICKS:
            own = [t.price for t in ticks if minute_start(t.ts) == bar.ts and t.seq <= bar.known_seq]
            assert min(own) <= bar.low <= bar.high <= max(own)
