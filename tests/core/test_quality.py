"""Grades of days and of bars."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import NEVER, Bar, BarColumns, Source
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_start
from auction_bt.core.quality import bar_quality, day_quality, one_bar_quality
from auction_bt.store import Gap

OPEN = day_start(20_437) + 555 * MINUTE_NS
SESSION = (OPEN, OPEN + 100 * MINUTE_NS)


def bars(*pairs, source=Source.I1, begin=OPEN):
    minutes = [begin + i * MINUTE_NS for i in range(len(pairs))]
    return BarColumns.of(
        [Bar("A", at, 1.0, 1.0, 1.0, 1.0, *pair, NEVER, source) for at, pair in zip(minutes, pairs, strict=True)]
    )


def silence(begin_s, end_s, kind="silence", volume=0):
    return Gap("A", OPEN + begin_s * SECOND_NS, OPEN + end_s * SECOND_NS, kind, volume)


FULL = bars(*[(100, 100)] * 100)


def test_a_day_seen_whole_is_complete():
    assert day_quality(FULL, [], SESSION) == day_quality(FULL, [], None)
    assert (day_quality(FULL, [], SESSION).grade, day_quality(FULL, [], SESSION).reason) == ("A", "complete")


def test_a_day_of_bars_has_no_grade():
    for day in (BarColumns.empty(), bars((5, 0), (0, 0), source=Source.CANDLES)):
        quality = day_quality(day, [], SESSION)
        assert (quality.grade, quality.reason) == ("-", "bars only")
        assert np.isnan(quality.share)


@pytest.mark.parametrize(("minutes", "grade"), [(5, "A"), (6, "B"), (20, "B"), (21, "C"), (100, "C")])
def test_silence_of_the_session_decides_where_it_is_the_worst(minutes, grade):
    quality = day_quality(FULL, [silence(0, minutes * 60)], SESSION)
    assert quality.grade == grade
    assert quality.share == pytest.approx(1 - minutes / 100)
    assert "of the session unseen" in quality.reason


def test_a_recording_that_begins_late_or_ends_early_is_not_whole():
    half = bars(*[(100, 100)] * 50, begin=OPEN + 25 * MINUTE_NS)
    assert day_quality(half, [], SESSION).share == pytest.approx(0.5)
    assert day_quality(half, [], None).share == 1


def test_silences_that_overlap_count_once_and_short_ones_not_at_all():
    quality = day_quality(FULL, [silence(0, 60), silence(30, 120), silence(200, 210)], SESSION)
    assert quality.share == pytest.approx(0.98)


def test_volume_put_in_a_wrong_minute_counts_though_the_sum_agrees():
    assert day_quality(bars((100, 150), (100, 50)), [], None).share == pytest.approx(0.5)


def test_volume_before_the_first_message_counts_and_is_named():
    quality = day_quality(FULL, [silence(0, 5, "joined", 2_500)], SESSION)
    assert (quality.grade, quality.share) == ("B", pytest.approx(0.8))
    assert quality.reason == "20.0% of the volume traded before our first message at 09:15:05"


def test_the_share_seen_counts_what_came_before_and_is_never_above_all():
    before = [silence(0, 5, "joined", 2_500)]
    assert day_quality(FULL, before, SESSION).seen == pytest.approx(0.8)
    assert day_quality(bars((100, 150), (100, 80)), before, None).seen == pytest.approx(200 / 2_700)
    assert day_quality(bars((100, 150), (100, 80)), [], None).seen == 1
    assert day_quality(bars((100, 0), (100, 80)), [], None).seen == pytest.approx(0.4)
    assert np.isnan(day_quality(BarColumns.empty(), [], None).seen)


def test_auction_prints_outside_the_session_do_not_spoil_the_day():
    late = bars((10**6, 0), begin=SESSION[1] + 10 * MINUTE_NS)
    day = BarColumns(*(np.concatenate([getattr(FULL, n), getattr(late, n)]) for n in BarColumns.__dataclass_fields__))
    assert day_quality(day, [], SESSION).grade == "A"


def test_a_bar_is_as_good_as_its_volume_or_its_silence_whichever_is_worse():
    quality = bar_quality(bars((100, 90), (100, 130), (100, 100), (0, 0), (0, 5), (100, 500)), [silence(150, 180)])
    assert quality.tolist() == pytest.approx([0.9, 0.7, 0.5, 1.0, 0.0, 0.0])


def test_a_silence_that_ended_after_the_bar_was_known_does_not_count_in_it():
    """Where the receiver's clock runs behind, a bar is known before its minute is over by our stamps."""
    two = bars((100, 100), (100, 100))
    known = replace(two, known_seq=np.array([OPEN + 55 * SECOND_NS, OPEN + 115 * SECOND_NS]))
    assert bar_quality(known, [silence(56, 69)]).tolist() == [1.0, 1 - 9 / 60]
    assert bar_quality(known, [silence(40, 55), silence(55, 69)]).tolist() == [1 - 15 / 60, 1 - 9 / 60]


@given(
    st.lists(st.tuples(st.integers(0, 10**15), st.integers(0, 10**15), st.integers(-60, 180)), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(-100, 400), st.integers(1, 120)), max_size=6),
)
def test_one_bar_is_judged_as_many_are_to_the_bit(rows, spans):
    columns = bars(*((volume, seen) for volume, seen, _ in rows))
    known = columns.ts + MINUTE_NS + np.array([late for *_, late in rows]) * SECOND_NS
    columns = replace(columns, known_seq=known)
    gaps = [silence(begin, begin + length) for begin, length in spans]
    each = [
        one_bar_quality(Bar("A", ts, 1.0, 1.0, 1.0, 1.0, volume, seen, seq), gaps)
        for (volume, seen, _), ts, seq in zip(rows, columns.ts.tolist(), known.tolist(), strict=True)
    ]
    assert each == bar_quality(columns, gaps).tolist()


def test_bars_of_days_without_ticks_have_no_quality():
    candles = bars((100, 0), (100, 0), source=Source.CANDLES)
    assert np.isnan(bar_quality(candles, [silence(0, 120)])).all()
    assert len(bar_quality(BarColumns.empty(), [])) == 0


counts = st.integers(0, 50)
gaps = st.lists(st.tuples(st.integers(-100, 700), st.integers(0, 300)).map(lambda g: silence(g[0], g[0] + g[1])), max_size=5)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(counts, counts, st.sampled_from(Source)), min_size=1, max_size=10), gaps, st.integers(1, 10))
def test_quality_is_a_share_and_rests_on_no_later_bar(pairs, silences, cut):
    whole = replace(bars(*[(v, t) for v, t, _ in pairs]), source=np.array([int(s) for _, _, s in pairs]))
    quality = bar_quality(whole, silences)
    assert ((np.isnan(quality)) | ((quality >= 0) & (quality <= 1))).all()
    assert np.array_equal(bar_quality(whole.take(slice(cut)), silences), quality[:cut], equal_nan=True)
