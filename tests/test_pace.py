"""When the next message of a replay is due, on a clock that the test moves."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import MINUTE_NS, SECOND_NS
from auction_bt.pace import SILENCE_NS, SPEEDS, Key, Pace


class Clock:
    def __init__(self):
        self.now = 5

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += round(seconds * SECOND_NS)


def paced(speed=inf):
    clock = Clock()
    return Pace(clock, speed), clock


def test_at_full_speed_nothing_waits_and_the_clock_is_not_asked():
    pace = Pace(lambda: pytest.fail("asked"), inf)
    assert [pace.wait(s * SECOND_NS) for s in (1, 2, 10_000)] == [0.0] * 3


def test_at_ten_times_real_time_a_tenth_of_the_stamps_distance_passes():
    pace, clock = paced(10)
    assert pace.wait(100 * SECOND_NS) == 0.0
    pace.passed(100 * SECOND_NS, bars=0)
    assert pace.wait(120 * SECOND_NS) == pytest.approx(2.0)
    clock.sleep(0.5)
    assert pace.wait(120 * SECOND_NS) == pytest.approx(1.5)
    clock.sleep(1.6)
    assert pace.wait(120 * SECOND_NS) == 0.0
    assert pace.wait(121 * SECOND_NS) == pytest.approx(0.0, abs=1e-9)  # what was lost is caught up


@given(st.lists(st.integers(0, SILENCE_NS), min_size=1, max_size=30), st.sampled_from([0.5, 1, 60]))
def test_the_whole_takes_as_long_as_its_stamps_say_however_long_each_message_took(steps, speed):
    pace, clock = paced(speed)
    stamp = begin = 10**18
    pace.wait(stamp)
    at = clock.now
    for step in steps:
        stamp += step
        clock.sleep(pace.wait(stamp))
        pace.passed(stamp, bars=0)
    assert (clock.now - at) / SECOND_NS == pytest.approx((stamp - begin) / speed / SECOND_NS, abs=1e-6)


def test_a_night_takes_no_time_and_what_follows_keeps_its_pace():
    pace, clock = paced(1)
    pace.wait(0)
    assert pace.wait(SILENCE_NS + 1) == 0.0
    clock.sleep(3)
    assert pace.wait(SILENCE_NS + 1 + 5 * SECOND_NS) == pytest.approx(2.0)


def test_a_pause_holds_until_it_is_taken_back_and_counts_for_nothing():
    pace, clock = paced(1)
    pace.wait(0)
    pace.press(Key.PAUSE)
    assert pace.wait(SECOND_NS) == inf
    clock.sleep(500)
    pace.press(Key.PAUSE)
    assert pace.wait(SECOND_NS) == 0.0  # the pace begins anew here
    assert pace.wait(2 * SECOND_NS) == pytest.approx(1.0)


def test_a_step_lets_one_message_through():
    pace, _ = paced()
    pace.press(Key.STEP)  # on the run it stops
    assert (pace.wait(1), pace.is_stepping) == (inf, False)
    pace.press(Key.STEP)
    assert (pace.wait(1), pace.is_stepping) == (0.0, True)
    pace.passed(1, bars=0)
    assert (pace.wait(2), pace.is_stepping) == (inf, False)


def test_to_the_next_bar_lets_all_through_until_one_is_known():
    pace, _ = paced(1)
    pace.press(Key.BAR)
    for stamp in (1, 2, MINUTE_NS):
        assert pace.wait(stamp) == 0.0
        pace.passed(stamp, bars=0)
    pace.passed(2 * MINUTE_NS, bars=1)
    assert pace.wait(3 * MINUTE_NS) == inf
    assert not pace.is_stepping


def test_going_on_ends_a_step_that_was_asked_for():
    pace, _ = paced()
    pace.press(Key.BAR)
    pace.press(Key.PAUSE)
    pace.passed(1, bars=1)
    assert (pace.wait(2), pace.is_paused) == (0.0, False)


def test_speeds_go_up_to_full_and_down_to_a_tenth_and_meet_what_was_asked_for():
    pace, _ = paced(30)
    pace.press(Key.FASTER)
    assert pace.speed == 50
    for _ in SPEEDS:
        pace.press(Key.FASTER)
    assert pace.speed == inf
    pace.press(Key.SLOWER)
    assert pace.speed == 5000
    for _ in SPEEDS:
        pace.press(Key.SLOWER)
    assert pace.speed == 0.1


def test_who_quits_waits_for_nothing():
    pace, _ = paced(1)
    pace.wait(0)
    pace.press(Key.PAUSE)
    pace.press(Key.QUIT)
    assert (pace.wait(MINUTE_NS), pace.is_over) == (0.0, True)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_is_above_zero(speed):
    with pytest.raises(BadInput, match="above 0"):
        Pace(lambda: 0, speed)
