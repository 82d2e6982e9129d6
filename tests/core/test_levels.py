"""The sheet of a day, on sessions of a few minutes worked by hand."""

from dataclasses import replace
from decimal import Decimal
from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.day_type import DayType
from auction_bt.core.errors import BadInput
from auction_bt.core.levels import Migration, Naked, Traded, bands_of, migration_of, naked_of, overlap_of, reading_of, sheet_of
from auction_bt.core.minutes import Minutes
from auction_bt.core.opening import Direction, Eighty, Opened
from auction_bt.core.profile import Grid, Profile, profile_of_candles
from auction_bt.core.tpo import BRACKET_MIN

GRID = Grid(Decimal("0.05"))
LENGTH = 375
STEPS = st.lists(st.integers(-12, 12), min_size=1, max_size=25)


def traded(day, closes, *, step=15, start=100, elapsed=LENGTH, volume=10, late=False):
    """A session of minutes `step` apart, from each close to the next, as many shares in each."""
    rows, before = [], start
    for i, close in enumerate(closes):
        rows.append((i * step, before, max(before, close), min(before, close), close))
        before = close
    minutes = Minutes.of(rows).before(elapsed)
    size = np.full(len(minutes), volume, np.int64)
    profile = profile_of_candles(minutes.low, minutes.high, minutes.close, size, GRID)
    return Traded(day, minutes, profile, elapsed, LENGTH, late)


def at_price(day, low, poc, high):
    """A session that went from `low` to `high` with nearly all volume at `poc`."""
    volume = np.ones(high - low + 1, np.int64)
    volume[poc - low] = 1000
    return Traded(day, Minutes.of([(0, low, high, low, high)]), Profile(low, volume, GRID), LENGTH, LENGTH)


@pytest.mark.parametrize(
    ("newer", "want", "opposite"),
    [
        ((111, 120), Migration.HIGHER, Migration.LOWER),
        ((110, 120), Migration.OVERLAPPING_HIGHER, Migration.OVERLAPPING_LOWER),
        ((100, 110), Migration.UNCHANGED, Migration.UNCHANGED),
        ((102, 108), Migration.INSIDE, Migration.INSIDE),
        ((100, 108), Migration.INSIDE, Migration.INSIDE),
        ((99, 111), Migration.OUTSIDE, Migration.OUTSIDE),
        ((100, 111), Migration.OUTSIDE, Migration.OUTSIDE),
    ],
)
def test_value_migration(newer, want, opposite):
    assert migration_of((100, 110), newer) is want
    assert migration_of((-110, -100), (-newer[1], -newer[0])) is opposite


def test_overlap_is_the_share_of_the_narrower_value_area():
    assert overlap_of((100, 109), (105, 124)) == 5 / 10
    assert overlap_of((100, 109), (103, 104)) == 1
    assert overlap_of((100, 109), (110, 120)) == 0
    assert overlap_of((100, 100), (100, 100)) == 1


def test_naked_pocs_are_those_no_later_minute_touched():
    before = [at_price(1, 90, 95, 100), at_price(2, 101, 110, 120), at_price(3, 105, 118, 119)]
    # 110 is inside the third day's range; 95 and 118 were not seen again.
    assert naked_of(before, None) == (Naked(3, 118, 1), Naked(1, 95, 3))
    assert naked_of(before, at_price(4, 118, 125, 130)) == (Naked(1, 95, 3),)


def test_a_jump_over_a_poc_is_no_touch_and_twenty_sessions_are_looked_at():
    jump = Traded(2, Minutes.of([(0, 90, 94, 90, 94), (1, 96, 99, 96, 99)]), at_price(2, 90, 98, 99).profile, LENGTH, LENGTH)
    assert naked_of([at_price(1, 90, 95, 100), jump], None) == (Naked(2, 98, 1), Naked(1, 95, 2))
    many = [at_price(d, 100 * d, 100 * d + 5, 100 * d + 9) for d in range(30)]
    assert [n.day for n in naked_of(many, None)] == list(range(29, 9, -1))


def test_bands_are_the_average_price_and_its_deviation_by_volume():
    bands = bands_of(Profile(100, np.array([1, 0, 0, 0, 3], np.int64), GRID))
    assert bands.vwap == 103
    assert bands.sigma == pytest.approx(sqrt(3))  # (1 * 9 + 3 * 1) / 4
    assert bands.at(-2) == pytest.approx(103 - 2 * sqrt(3))
    assert bands_of(Profile(0, np.zeros(0, np.int64), GRID)) is None
    # Figures whose squares would leave 64 bits.
    assert bands_of(Profile(500_000, np.array([10**12, 10**12], np.int64), GRID)).vwap == 500_000.5


def test_a_sheet_before_the_day_has_traded():
    before = [at_price(d, 100 + d, 105 + d, 110 + d) for d in range(8)]
    sheet = sheet_of(before, None, composite=3)
    assert sheet.prior.traded is before[-1]
    assert sheet.migration is Migration.HIGHER
    assert sheet.overlap == 0
    assert sheet.composite_of == 3
    assert (sheet.composite.lo, sheet.composite.hi) == (105, 117)
    assert sheet.composite.total == 3 * 1010
    assert (sheet.today, sheet.eighty) == (None, None)


def test_the_first_session_of_a_store_has_nothing_before_it():
    sheet = sheet_of([], at_price(1, 100, 105, 110))
    assert (sheet.prior, sheet.migration, sheet.overlap, sheet.composite, sheet.naked) == (None, None, None, None, ())
    assert sheet.eighty.state is Eighty.NOT_APPLICABLE
    assert sheet.today.opened is None
    assert sheet.today.mean_balance is None


def test_the_average_balance_is_of_twenty_complete_ones_before():
    before = [at_price(d, 0, 5, 10 + d) for d in range(25)]
    found = reading_of(at_price(30, 0, 5, 10), before)
    assert (found.mean_balance, found.mean_of) == (sum(10 + d for d in range(5, 25)) / 20, 20)


def test_rows_of_time_at_price_are_a_hundredth_of_the_range_before():
    found = reading_of(traded(2, [110, 120]), [at_price(1, 0, 100, 300)])
    assert found.tpo.ticks_per_row == 3
    assert found.opened is Opened.IN_VALUE


def test_a_recording_that_missed_the_open_has_no_open_and_no_first_hour():
    found = reading_of(traded(2, [110, 120], late=True), [at_price(1, 90, 100, 130)])
    assert (found.balance, found.opening, found.opened, found.day_type) == (None,) * 4
    rule = sheet_of([at_price(1, 90, 100, 130)], traded(2, [110, 120], late=True)).eighty
    assert rule.reason == "the recording missed the open"


def test_an_index_has_ranges_and_no_value():
    quiet = replace(at_price(1, 90, 100, 130), profile=Profile(0, np.zeros(0, np.int64), GRID))
    sheet = sheet_of([quiet], replace(quiet, day=2))
    assert (sheet.composite, sheet.naked, sheet.today.bands, sheet.today.shape) == (None, (), None, None)
    assert sheet.today.balance.width == 40
    assert sheet.eighty.reason == "no value of a session before"


def test_after_a_trend_day_there_is_no_eighty_percent_rule():
    trend = traded(1, [100 + 5 * i for i in range(25)])
    sheet = sheet_of([trend], traded(2, [300], start=300))
    assert sheet.prior.day_type.type is DayType.TREND
    assert sheet.prior.day_type.direction is Direction.UP
    assert "trend day" in sheet.eighty.reason


def test_the_last_bracket_closes_with_its_session():
    day = traded(2, [130] * 24 + [105], start=130)  # back in value in the last quarter of an hour alone
    before = [at_price(1, 90, 105, 110)]
    assert sheet_of(before, day).eighty.state is Eighty.RE_ENTERED
    assert sheet_of(before, replace(day, elapsed=374)).eighty.state is Eighty.ARMED


def test_what_cannot_be_a_sheet_is_refused():
    day = at_price(1, 90, 95, 100)
    for before, today, k in (([], None, 5), ([day, day], None, 5), ([at_price(2, 90, 95, 100)], day, 5), ([day], None, 0)):
        with pytest.raises(BadInput):
            sheet_of(before, today, k)
    with pytest.raises(BadInput):
        Traded(1, Minutes.of([]), day.profile, LENGTH, LENGTH)


def told(sheet):
    """Everything a sheet says, comparable."""
    today = sheet.today
    return (
        sheet.eighty, sheet.naked, sheet.migration, sheet.overlap, today.balance, today.opening, today.opened, today.day_type,
        today.shape, today.nodes, today.bands, today.tpo.count.tolist(), today.tpo.singles, today.tpo.buying_tail,
        today.tpo.selling_tail, today.tpo.rotation, today.tpo.poor_low, today.tpo.poor_high,
    )  # fmt: skip


def walk(steps):
    return [100 + sum(steps[: i + 1]) for i in range(len(steps))]


@given(STEPS, STEPS, st.integers(1, LENGTH))
def test_what_comes_later_changes_nothing_that_was_said_before(steps, later, minute):
    before = [traded(1, walk(steps))]
    day = walk(steps + later)[:25]
    # Each minute of `traded` ends a minute after it begins: only those over by then are known.
    begun = [i for i in range(len(day)) if i * 15 < minute]
    whole = sheet_of(before, traded(2, day, elapsed=minute))
    cut = sheet_of(before, traded(2, [day[i] for i in begun], elapsed=minute))
    assert told(whole) == told(cut)


@given(STEPS, STEPS)
def test_a_mirrored_day_has_mirrored_levels(prior, steps):
    def flip(session):
        volume = session.profile.volume[::-1].copy()
        profile = Profile(-session.profile.hi, volume, GRID)
        return Traded(session.day, session.minutes.mirrored(), profile, session.elapsed, session.length)

    one, two = traded(1, walk(prior)), traded(2, walk(steps))
    # The POC of a perfect tie is the lower of two by convention: such days have no mirror.
    for session in (one, two):
        if flip(session).profile.poc != -session.profile.poc:
            return
    up, down = sheet_of([one], two), sheet_of([flip(one)], flip(two))
    assert [n.poc for n in up.naked] == [-n.poc for n in down.naked]
    assert up.eighty.state is down.eighty.state
    assert up.today.bands.vwap == pytest.approx(-down.today.bands.vwap)
    assert up.today.bands.sigma == pytest.approx(down.today.bands.sigma)
    assert (up.today.opening is None) == (down.today.opening is None)
    assert up.today.opened is down.today.opened
    if up.today.opening is not None:
        assert up.today.opening.type is down.today.opening.type
    assert BRACKET_MIN == 30
