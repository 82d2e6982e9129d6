"""Times as people write them."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.importing.stamps import BAD, parse, zone_of

NINE_FIFTEEN = int(datetime(2025, 12, 15, 3, 45, tzinfo=UTC).timestamp()) * 10**9
NAIVE = st.datetimes(*(datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (1971, 2099)))


def one(value, zone=None, kind=None):
    column = pa.array([value], kind) if kind else pa.array([value])
    return int(parse(column, zone)[0])


@pytest.mark.parametrize(
    ("text", "plus"),
    [
        ("2025-12-15 09:15:00", 0), ("2025-12-15T09:15:00", 0), ("2025-12-15 09:15", 0), ("2025-12-15 9:15", 0),
        ("2025-12-15 09:15:00.123456789", 123456789), ("2025-12-15 09:15:00.5", 5 * 10**8), ("2025-12-15 09:15:00,2", 2 * 10**8),
        ("2025-12-15 09:15:00+05:30", 0), ("2025-12-15T03:45:00Z", 0), ("2025-12-14 22:45:00-0500", 0),
        ("15-12-2025 09:15", 0), ("15/12/2025 09:15:01", 10**9), (" 2025-12-15 09:15:00 ", 0), ("20251215 09:15:00", 0),
        ("2025/12/15 09:15:00", 0), ("1765770300", 0), ("1765770300000", 0), ("1765770300000001", 1000),
        ("1765770300000000001", 1), ("1765770300.000000001", 1),
    ],
)  # fmt: skip
def test_a_time_is_read_to_the_nanosecond_alone_and_among_others(text, plus):
    assert one(text) == NINE_FIFTEEN + plus
    assert parse(pa.array(["nonsense", text, None]), None).tolist() == [BAD, NINE_FIFTEEN + plus, BAD]


@pytest.mark.parametrize(
    "text",
    ["", "x", "2025-13-01", "2025-02-30 09:15", "31/02/2025", "2025-12-15 24:00", "2025-12-15 09:60", "12/15/2025 09:15",
     "99999999999999999999", "2025-12-15 09:15:00 MEZ", "nan"],
)  # fmt: skip
def test_what_is_no_time_is_bad_and_spoils_no_other(text):
    assert parse(pa.array([text, "2025-12-15 09:15:00"]), None).tolist() == [BAD, NINE_FIFTEEN]


@given(NAIVE, st.integers(-14 * 60, 14 * 60), st.sampled_from(" T"))
def test_any_aware_time_means_the_same_moment_in_every_zone(moment, minutes, separator):
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    for other in ("Asia/Kolkata", "America/New_York", "UTC"):
        assert one(aware.isoformat(separator), zone_of(other)) == expected


@given(NAIVE, st.sampled_from(["America/New_York", "Asia/Kolkata", "UTC"]))
def test_any_naive_time_is_of_the_zone_asked_for(moment, name):
    zone = zone_of(name)
    aware = moment.replace(fold=0, tzinfo=zone or timezone(timedelta(hours=5, minutes=30)))
    expected = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000
    assert one(str(moment), zone) == one(moment, zone, pa.timestamp("us")) == expected


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
@pytest.mark.parametrize("second", [1_000_000_000, 1_765_770_300, 4_000_000_000])
def test_whole_numbers_are_scaled_by_their_size(second, unit):
    assert one(second * unit) == one(str(second * unit)) == second * 10**9


def test_days_numbers_with_fractions_and_empty_cells():
    assert one(20251215) == one("20251215") == NINE_FIFTEEN - 9 * 3600 * 10**9 - 15 * 60 * 10**9
    assert parse(pa.array([1765770300.5, None, float("nan"), float("inf")]), None).tolist() == [
        NINE_FIFTEEN + 5 * 10**8,
        BAD,
        BAD,
        BAD,
    ]
    assert parse(pa.array([None, 5], pa.int64()), None)[0] == BAD
    assert parse(pa.array([True]), None).tolist() == [BAD]
    assert parse(pa.array([], pa.string()), None).dtype == np.int64


def test_an_unknown_zone_is_bad_input():
    with pytest.raises(BadInput, match="'Mars/Base' is no time zone"):
        zone_of("Mars/Base")
    assert zone_of("Asia/Kolkata") is None
