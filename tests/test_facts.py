"""What a run says of the hours of its data."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from auction_bt.brokers.charges import NoCharges
from auction_bt.core.bar import Bar, BarColumns, Source
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import MINUTE_NS, day_start, from_date
from auction_bt.core.session import CLOSED, WHOLE_DAY, Session
from auction_bt.facts import facts_of
from auction_bt.feeds.stored import load
from auction_bt.settings import flat_by_of
from auction_bt.store.dsn import open_store

SHARE = Instrument("NSE_EQ|INE002A01018", Decimal("0.05"), name="RELIANCE")


def bars_of(*days):
    return BarColumns.of([
        Bar(SHARE.symbol, ts := day_start(from_date(day)) + minute * MINUTE_NS, 100.0, 101.0, 99.0, 100.0, 10, 0, ts + MINUTE_NS,
            Source.CANDLES)
        for day in days for minute in range(9 * 60, 15 * 60 + 50)
    ])  # fmt: skip


def loaded(tmp_path, instrument, *days):
    with open_store(f"sqlite:///{tmp_path}/a.db", create=True) as store:
        store.put_instrument(instrument)
        first, last = from_date(days[0]), from_date(days[-1])
        store.put_derived(instrument.symbol, range(first, last + 1), empty_ticks(), bars_of(*days), [])
        return load(store, instrument, day_start(first), day_start(last + 1))


def empty_ticks():
    from auction_bt.core.tick import TickColumns

    return TickColumns.of([])


def test_a_derivative_share_stops_at_a_quarter_past_three_from_2026_08_03(tmp_path):
    days = date(2026, 7, 31), date(2026, 8, 3)
    found = loaded(tmp_path, replace(SHARE, closing_auction=True), *days)
    minutes = [int(ts - day_start(from_date(day))) // MINUTE_NS for day in days for ts in found.bars.ts
               if day_start(from_date(day)) <= ts < day_start(from_date(day) + 1)]  # fmt: skip
    assert (min(minutes), max(minutes[:375]), max(minutes[375:])) == (9 * 60 + 15, 15 * 60 + 29, 15 * 60 + 14)
    facts = facts_of(found, from_date(days[0]), NoCharges(), {})
    assert facts["hours"] == ["09:15-15:30, flat by 15:10 (1 day)", "09:15-15:15, flat by 15:05 (1 day)"]
    assert facts["doubts"] == []


def test_days_left_out_and_hours_nobody_is_sure_of_are_told(tmp_path):
    days = date(2026, 11, 8), date(2026, 11, 21), date(2026, 11, 23)  # muhurat without hours, a Saturday, a Monday
    found = loaded(tmp_path, SHARE, *days)
    assert len(found.bars) == 6 * 60
    assert np.unique(found.bars.ts // (24 * 60 * MINUTE_NS)).tolist() == [from_date(days[2])]
    facts = facts_of(found, from_date(days[0]), NoCharges(), {})
    assert facts["hours"] == ["09:15-15:15, flat by 15:05 (1 day)"]
    assert [doubt.partition(":")[0] for doubt in facts["doubts"]] == [
        "2026-11-08 (Diwali Laxmi Pujan, Sunday)",
        "2026-11-21 is a weekend",
        "NSE_EQ|INE002A01018",
        "broker's square-off 15",
    ]


def test_the_hours_tell_when_trades_are_closed_and_that_a_later_time_is_not_taken(tmp_path):
    day = date(2026, 11, 23)
    found = loaded(tmp_path, replace(SHARE, closing_auction=True), day)
    for given, flat in (("14:30", ", flat by 14:30"), ("15:45", ", flat by 15:05"), ("none", ""), ("auto", ", flat by 15:05")):
        facts = facts_of(found, from_date(day), NoCharges(), {"square_off": given})
        assert facts["hours"] == [f"09:15-15:15{flat} (1 day)"]
        assert [note.partition(":")[0] for note in facts["notes"]] == ["square_off 15"] * (given == "15:45")


def test_prints_between_the_parts_of_a_split_day_stay_out(tmp_path):
    found = loaded(tmp_path, SHARE, date(2024, 3, 2))
    assert len(found.bars) == 45 + 60
    facts = facts_of(found, from_date(date(2024, 3, 2)), NoCharges(), {})
    assert facts["hours"] == ["09:15-12:30, flat by 12:20 (1 day)"]


@pytest.mark.parametrize(
    ("given", "session", "taken"),
    [
        ("auto", Session(555, 915, 905), 905),
        ("auto", WHOLE_DAY, None),
        ("none", Session(555, 915, 905), None),
        ("00:10", Session(0, 915 * MINUTE_NS, 905 * MINUTE_NS), 10 * MINUTE_NS),
        ("15:45", Session(0, 915 * MINUTE_NS, 905 * MINUTE_NS), 905 * MINUTE_NS),
        ("15:45", Session(0, 915 * MINUTE_NS), 914 * MINUTE_NS),
        ("23:59", WHOLE_DAY, 1439 * MINUTE_NS),
        ("15:45", CLOSED, 945 * MINUTE_NS),
    ],
)
def test_trades_are_closed_no_later_than_the_session_allows(given, session, taken):
    assert flat_by_of(given, session) == taken
