"""The limiter, the windows, and what an answer's candles become."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import to_date
from auction_bt.fetching.candles import bars_of
from auction_bt.fetching.expired_key import ExpiredKey
from auction_bt.fetching.ledger import Asked, FetchLedger
from auction_bt.fetching.limiter import WINDOWS, RateLimiter
from auction_bt.fetching.windows import FIRST_DAY, is_trading_day, months, session_minutes, windows
from auction_bt.importing.rejects import Rejects
from tests.broker.server import LIMITS
from tests.fetching.made import KEY, Clock, day, days, is_weekday


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.1, 50), st.integers(1, 20)), min_size=1, max_size=3),
    st.lists(st.floats(0, 5), min_size=1, max_size=200),
)
def test_no_window_ever_holds_more_than_its_number_and_nothing_waits_longer_than_it_must(limits, pauses):
    clock = Clock()
    limiter = RateLimiter(clock, clock.sleep, limits)
    times = []
    for pause in pauses:
        clock.now += pause
        arrived = clock.now
        limiter.wait()
        times.append(clock.now)
        if clock.now > arrived:  # an instant earlier some window would have been full
            early = clock.now - 1e-6
            assert any(sum(early - span < t for t in times[:-1]) >= count for span, count in limits)
        for span, count in limits:
            assert sum(clock.now - span < t - 1e-9 for t in times) <= count


def test_our_windows_are_a_little_narrower_than_the_brokers():
    assert all(ours == theirs and 0.9 * most <= count < most
               for (ours, count), (theirs, most) in zip(WINDOWS, LIMITS, strict=True))  # fmt: skip


def test_a_year_is_twelve_months_and_their_cuts_are_at_the_first():
    found = months(days("2024-01-10", "2024-12-20"))
    assert len(found) == 12
    assert (found[0], found[-1]) == (days("2024-01-10", "2024-01-31"), days("2024-12-01", "2024-12-20"))
    assert [d for month in found for d in month] == list(days("2024-01-10", "2024-12-20"))
    assert max(map(len, found)) == 31
    assert months(range(5, 5)) == []
    assert to_date(FIRST_DAY) == date(2022, 1, 1)


def test_only_spans_with_a_wanted_trading_day_are_asked_for():
    known = {day("2024-02-05"), *days("2024-03-01", "2024-03-29"), *days("2024-04-01", "2024-04-15")}
    found = windows(days("2024-02-05", "2024-04-20"), lambda d: d not in known, is_weekday)
    assert found == [days("2024-02-06", "2024-02-29"), days("2024-04-16", "2024-04-20")]  # 30 and 31 March: a weekend


def test_days_and_minutes_are_the_calendars():
    shown = ("2025-03-13", "2025-03-14", "2025-03-15", "2024-01-20", "2027-03-12", "2027-03-13")  # 14 March: Holi
    assert [is_trading_day(day(d)) for d in shown] == [True, False, False, True, True, False]
    share = Instrument(KEY, Decimal("0.05"), closing_auction=True)
    assert [session_minutes(share, day(d)) for d in ("2025-03-13", "2025-03-14", "2026-08-03")] == [375, 0, 360]
    assert session_minutes(share, day("2024-03-02")) == 105  # 09:15-10:00 and 11:30-12:30
    assert session_minutes(share, day("2026-11-08")) is None  # an hour of Diwali that nobody has announced
    assert session_minutes(Instrument("MCX_FO|1", Decimal(1), 1, Kind.OTHER), day("2025-03-13")) is None


GOOD = ["2025-03-04T09:15:00+05:30", 10.0, 12, 9.5, 11.0, 100, 0]


@pytest.mark.parametrize(
    ("candle", "reason"),
    [
        (None, "no candle"), ([], "no candle"), ({"a": 1}, "no candle"), (GOOD[:5], "no candle"),
        (["nine", *GOOD[1:]], "the time cannot be read"), ([None, *GOOD[1:]], "the time cannot be read"),
        (["2025-03-04T09:15:00", *GOOD[1:]], "the time has no zone"),
        (["2025-03-04T09:15:30+05:30", *GOOD[1:]], "does not begin at a full minute"),
        (["2025-03-05T09:15:00+05:30", *GOOD[1:]], "not of the days asked for"),
        ([GOOD[0], 10, 9, 9.5, 11, 100, 0], "outside low to high"), ([GOOD[0], 10, 12, 11, 11, 100, 0], "outside low to high"),
        ([GOOD[0], 0, 12, 0, 11, 100, 0], "a price is missing"), ([GOOD[0], None, 12, 9, 11, 100, 0], "a price is missing"),
        ([GOOD[0], 10, float("nan"), 9, 11, 100, 0], "a price is missing"), ([GOOD[0], 10, 2e9, 9, 11, 100, 0], "a price is"),
        ([GOOD[0], 10, 10**400, 9, 11, 100, 0], "a price is"), ([GOOD[0], 10, 12, 9, 11, 10**400, 0], "the volume is"),
        ([GOOD[0], 10, 12, 9, 11, -1, 0], "the volume is"), ([GOOD[0], 10, 12, 9, 11, 1.5, 0], "the volume is"),
        ([GOOD[0], 10, 12, 9, 11, float("inf"), 0], "the volume is"), ([GOOD[0], 10, 12, 9, 11, True, 0], "the volume is"),
        (GOOD, "the minute came before"),
    ],
)  # fmt: skip
def test_a_damaged_candle_is_rejected_and_the_others_stay(candle, reason):
    rejects = Rejects("candle")
    later = ["2025-03-04T09:16:00+05:30", *GOOD[1:6]]
    bars = bars_of("S", [later, GOOD, candle], days("2025-03-04", "2025-03-04"), 2**62, rejects)
    assert bars.open.tolist() == [10.0, 10.0]
    assert bars.ts[1] - bars.ts[0] == 60 * 10**9
    assert rejects.total == 1
    assert reason in rejects.lines()[0]
    assert "(first at number 3)" in rejects.lines()[0]


def test_a_minute_that_has_not_ended_is_no_bar():
    first = bars_of("S", [GOOD], days("2025-03-04", "2025-03-04"), 2**62, Rejects())
    end = int(first.known_seq[0])
    for now, count in ((end, 1), (end - 1, 0)):
        rejects = Rejects()
        assert len(bars_of("S", [GOOD], days("2025-03-04", "2025-03-04"), now, rejects)) == count
        assert rejects.total == 0


def test_the_key_of_an_expired_contract_has_three_parts():
    assert ExpiredKey.parse("NSE_FO|47983|17-04-2025") == ExpiredKey("NSE_FO|47983", day("2025-04-17"))
    assert ExpiredKey.parse("NSE_FO|47983") is None
    with pytest.raises(BadInput, match="DD-MM-YYYY"):
        ExpiredKey.parse("NSE_FO|47983|31-02-2025")


def test_the_ledger_keeps_stores_apart(tmp_path):
    with FetchLedger.open(tmp_path, "a") as one, FetchLedger.open(tmp_path, "b") as other:
        one.put("S", {1: Asked(5, 9), 2: Asked(0, 9)})
        other.put("S", {1: Asked(7, 9)})
        one.put("S", {1: Asked(6, 10)})
        assert one.of("S") == {1: Asked(6, 10), 2: Asked(0, 9)}
        assert (other.of("S"), one.of("T")) == ({1: Asked(7, 9)}, {})
