"""What was traded between two snapshots of one symbol."""

from datetime import date
from math import isnan

from auction_bt.core.ist import DAY_NS, SECOND_NS, day_start, from_date
from auction_bt.core.snapshot import Snapshot
from auction_bt.core.tracker import Outcome, TickTracker

OPEN = day_start(from_date(date(2025, 12, 15))) + (9 * 60 + 15) * 60 * SECOND_NS


def shot(seconds, price=100.0, vtt=None, **more):
    return Snapshot("X", price, OPEN + round(seconds * SECOND_NS), vtt=vtt, **more)


def follow(*steps, tracker=None):
    """Feed (stamp in s, snapshot) pairs with the sender's clock 0.1 s behind the stamp."""
    tracker = tracker or TickTracker("X")
    return [tracker.update(item, OPEN + round(at * SECOND_NS), OPEN + round((at - 0.1) * SECOND_NS)) for at, item in steps]


def test_size_is_the_rise_of_volume_and_never_the_last_quantity():
    steps = follow((1, shot(0, vtt=1000, ltq=500)), (2, shot(1, 101.0, vtt=1010, ltq=3)), (3, shot(2, vtt=1050, ltq=1)))
    assert [s.tick.size for s in steps] == [0, 10, 40]
    assert [s.tick.price for s in steps] == [100.0, 101.0, 100.0]
    assert [s.tick.vtt for s in steps] == [1000, 1010, 1050]


def test_the_first_volume_of_a_day_adds_nothing_and_is_told_as_joined():
    steps = follow((1, shot(0, vtt=1000)), (2, shot(1, vtt=1001)))
    assert [s.joined for s in steps] == [1000, 0]


def test_a_day_seen_from_its_first_trade_misses_nothing():
    steps = follow((1, shot(0, vtt=0)), (2, shot(1, vtt=7)))
    assert [(s.tick.size, s.joined) for s in steps] == [(0, 0), (7, 0)]


def test_volume_that_went_back_adds_nothing_until_it_passes_its_maximum():
    steps = follow(
        (1, shot(0, vtt=100)), (2, shot(1, vtt=150)), (3, shot(2, vtt=120)), (4, shot(3, vtt=149)), (5, shot(4, vtt=160))
    )
    assert [s.tick.size for s in steps] == [0, 50, 0, 0, 10]


def test_a_snapshot_in_which_neither_time_nor_volume_moved_is_a_book_update():
    steps = follow((1, shot(0, vtt=5)), (2, shot(0, 105.0, vtt=5)), (3, shot(0, vtt=5, has_book=True, bid=99.0, ask=101.0)),
                   (4, shot(1, vtt=6)))  # fmt: skip
    assert [s.outcome for s in steps] == [Outcome.TICK, Outcome.BOOK, Outcome.BOOK, Outcome.TICK]
    assert (steps[3].tick.bid, steps[3].tick.ask) == (99.0, 101.0)


def test_the_book_is_carried_until_the_next_one_and_not_into_the_next_day():
    tracker = TickTracker("X")
    steps = follow(
        (1, shot(0, has_book=True, bid=99.0, ask=101.0)), (2, shot(1)), (3, shot(2, has_book=True, bid=98.0)), tracker=tracker
    )
    assert [s.tick.bid for s in steps] == [99.0, 99.0, 98.0]
    assert isnan(steps[2].tick.ask)
    (tomorrow,) = follow((DAY_NS // SECOND_NS, shot(DAY_NS // SECOND_NS - 1)), tracker=tracker)
    assert isnan(tomorrow.tick.bid)


def test_without_volume_every_new_trade_time_is_a_tick_of_no_size():
    steps = follow((1, shot(0)), (2, shot(1)), (3, shot(1)), (4, shot(2)))
    assert [s.tick and (s.tick.size, s.tick.vtt) for s in steps] == [(0, -1), (0, -1), None, (0, -1)]


def test_an_older_trade_without_new_volume_is_late_and_with_it_keeps_its_own_time():
    steps = follow((1, shot(5, vtt=10)), (2, shot(4, vtt=10)), (3, shot(3, vtt=12)), (4, shot(5, vtt=12)))
    assert [s.outcome for s in steps] == [Outcome.TICK, Outcome.LATE, Outcome.TICK, Outcome.BOOK]
    assert (steps[2].tick.ts, steps[2].tick.size) == (OPEN + 3 * SECOND_NS, 2)


def test_a_trade_of_an_earlier_day_is_none_and_its_volume_is_not_todays():
    yesterday = shot(-DAY_NS // SECOND_NS, vtt=900_000)
    steps = follow((1, yesterday), (2, yesterday), (3, shot(2, vtt=40)), (4, shot(3, vtt=50)))
    assert [s.outcome for s in steps] == [Outcome.EARLIER_DAY] * 2 + [Outcome.TICK] * 2
    assert [(s.joined, s.tick.size) for s in steps[2:]] == [(40, 0), (0, 10)]


def test_the_day_is_the_senders_where_it_says_one_and_the_stamps_where_not():
    tracker = TickTracker("X")
    late_stamp = OPEN + 3 * DAY_NS  # a rehearsal: recorded days after the day it plays
    assert tracker.update(shot(0), late_stamp, OPEN).outcome is Outcome.TICK
    assert TickTracker("X").update(shot(0), late_stamp, None).outcome is Outcome.EARLIER_DAY


def test_a_recorder_whose_clock_is_behind_does_not_make_todays_trades_tomorrows():
    step = TickTracker("X").update(shot(0), OPEN - DAY_NS, None)
    assert step.outcome is Outcome.TICK
    assert step.day == from_date(date(2025, 12, 15))


def test_a_trade_of_a_day_its_sender_has_not_reached_is_none():
    assert TickTracker("X").update(shot(0), OPEN, OPEN - DAY_NS).outcome is Outcome.LATER_DAY


def test_one_damaged_day_does_not_make_the_true_day_start_again():
    tracker = TickTracker("X")
    follow((1, shot(0, vtt=100)), tracker=tracker)
    wrong = OPEN + 400 * DAY_NS
    assert tracker.update(Snapshot("X", 5.0, wrong, vtt=7), OPEN + 2 * SECOND_NS, wrong).tick.ts == wrong
    (after,) = follow((3, shot(2, vtt=110)), tracker=tracker)
    assert (after.tick.size, after.joined) == (10, 0)


def test_a_day_of_stamps_starts_anew_even_where_the_trading_day_goes_on():
    tracker = TickTracker("X")
    tracker.update(shot(0, vtt=100), OPEN, OPEN)
    step = tracker.update(shot(1, vtt=110), OPEN + DAY_NS, OPEN + SECOND_NS)
    assert (step.joined, step.tick.size) == (110, 0)


def test_a_message_without_price_leaves_its_volume_for_the_next_that_has_one():
    steps = follow((1, shot(0, vtt=100)), (2, shot(1, float("nan"), vtt=130)), (3, shot(2, vtt=150)))
    assert steps[1].outcome is Outcome.BOOK
    assert steps[2].tick.size == 50


def test_the_clock_of_a_tick_is_the_one_before_its_message():
    steps = follow((1, shot(0)), (2, shot(1)), (9, shot(1)), (10, shot(9.5)))
    assert [s.tick.clock for s in steps if s.tick] == [0, OPEN + 900_000_000, OPEN + 8_900_000_000]


def test_the_clock_is_the_greatest_of_the_senders_and_todays_trade_and_never_goes_back():
    tracker = TickTracker("X")
    assert tracker.update(shot(7), OPEN + SECOND_NS, OPEN).clock == OPEN + 7 * SECOND_NS
    assert tracker.update(shot(1), OPEN + 2 * SECOND_NS, OPEN + SECOND_NS).clock == OPEN + 7 * SECOND_NS
    assert tracker.update(shot(1), OPEN + 90 * SECOND_NS, OPEN + 8 * SECOND_NS).clock == OPEN + 8 * SECOND_NS
    assert tracker.update(shot(1), OPEN + 99 * SECOND_NS, None).clock == OPEN + 99 * SECOND_NS


def test_clock_messages_move_the_clock_and_a_new_day_starts_it_again():
    tracker = TickTracker("X")
    follow((1, shot(0)), tracker=tracker)
    tracker.advance(OPEN + 60 * SECOND_NS, OPEN + 60 * SECOND_NS)
    (step,) = follow((61, shot(60)), tracker=tracker)
    assert step.tick.clock == OPEN + 60 * SECOND_NS
    (first,) = follow((DAY_NS // SECOND_NS, shot(DAY_NS // SECOND_NS - 1)), tracker=tracker)
    assert first.tick.clock == 0


def test_a_silence_is_over_ten_seconds_by_stamp_within_a_day():
    tracker = TickTracker("X")
    steps = follow((1, shot(0)), (11, shot(1)), (21.001, shot(2)), tracker=tracker)
    assert [s.silent_since for s in steps] == [None, None, OPEN + 11 * SECOND_NS]
    assert follow((DAY_NS // SECOND_NS, shot(3)), tracker=tracker)[0].silent_since is None
