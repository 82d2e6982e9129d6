"""The hours of each class of instrument around every change of the rules."""

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import from_date
from auction_bt.core.session import CLOSED, WHOLE_DAY, Session
from auction_bt.market.calendar import day_of
from auction_bt.market.day import span_of, time_of
from auction_bt.market.days import KNOWN_FROM, KNOWN_TO
from auction_bt.market.sessions import CLASSES, hours_of, phases_of, session_of, square_off_of

TICK = Decimal("0.05")
SHARE = Instrument("NSE_EQ|INE002A01018", TICK, 1, Kind.EQUITY, "RELIANCE", closing_auction=True)
PLAIN = Instrument("NSE_EQ|INE528G01035", TICK, 1, Kind.EQUITY, "SOMEBODY", closing_auction=False)
UNSAID = Instrument("NSE_EQ|INE528G01035", TICK)
FUTURE = Instrument("NSE_FO|1", TICK, 65, Kind.FUTURE, "NIFTY-FUT", Contract("NSE_INDEX|Nifty 50", from_date(date(2026, 12, 29))))
STOCK_FUTURE = Instrument("NSE_FO|2", TICK, 500, Kind.FUTURE, "", Contract("NSE_EQ|INE002A01018", from_date(date(2026, 12, 29))))
INDEX = Instrument("NSE_INDEX|Nifty 50", TICK, 1, Kind.INDEX)


def text(session):
    def clock(ns):
        minutes = ns // 60_000_000_000
        return f"{minutes // 60:02}:{minutes % 60:02}"

    return f"{clock(session.open)}-{clock(session.close)}" + (
        "" if session.flat_by is None else f" flat {clock(session.flat_by)}"
    )


@pytest.mark.parametrize(
    ("day", "share", "plain", "future"),
    [
        ("2019-01-01", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:15"),
        ("2020-07-01", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:15"),
        ("2025-12-15", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:15"),
        ("2026-07-31", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:10", "09:15-15:30 flat 15:15"),
        ("2026-08-03", "09:15-15:15 flat 15:05", "09:15-15:30 flat 15:10", "09:15-15:40 flat 15:15"),
        ("2026-09-04", "09:15-15:15 flat 15:05", "09:15-15:30 flat 15:10", "09:15-15:40 flat 15:15"),
        ("2026-12-04", "09:15-15:15 flat 15:05", "09:15-15:30 flat 15:10", "09:15-15:40 flat 15:15"),
        ("2026-12-07", "09:15-15:30 flat 15:05", "09:15-15:30 flat 15:10", "09:15-15:45 flat 15:15"),
        ("2024-01-20", "09:15-15:30 flat 15:20", "09:15-15:30 flat 15:20", "09:15-15:30 flat 15:20"),
        ("2024-03-02", "09:15-12:30 flat 12:20", "09:15-12:30 flat 12:20", "09:15-12:30 flat 12:20"),
        ("2025-10-21", "13:45-14:45 flat 14:35", "13:45-14:45 flat 14:35", "13:45-14:45 flat 14:35"),
    ],
)
def test_hours_of_each_class_around_each_change(day, share, plain, future):
    index = from_date(date.fromisoformat(day))
    assert [text(session_of(i, index)) for i in (SHARE, PLAIN, FUTURE)] == [share, plain, future]


def test_a_share_of_which_nobody_said_whether_it_has_an_auction_is_cut_before_it():
    before, after = (from_date(date(2026, *d)) for d in ((7, 31), (8, 3)))
    assert session_of(UNSAID, after) == session_of(SHARE, after)
    assert "whether its day ends in the closing auction is not known" in " ".join(hours_of(UNSAID, after).doubts)
    assert hours_of(UNSAID, before).doubts == ()


def test_an_index_contract_ends_earlier_on_its_last_day_from_2026_12_07():
    last, before = (from_date(date(2026, 12, d)) for d in (29, 28))
    assert text(session_of(FUTURE, last)) == "09:15-15:30 flat 15:15"
    assert text(session_of(FUTURE, before)) == "09:15-15:45 flat 15:15"
    assert text(session_of(STOCK_FUTURE, last)) == "09:15-15:45 flat 15:15"


def test_where_the_exchange_is_closed_nothing_is_inside_and_that_is_said():
    for day, says in (
        ("2026-11-24", "is a holiday (Prakash"),
        ("2026-11-22", "is a weekend"),
        ("2026-11-08", "nobody has said the hours"),
    ):
        found = hours_of(SHARE, from_date(date.fromisoformat(day)))
        assert found.session == CLOSED
        assert found.session.is_closed
        assert len(found.doubts) == 1
        assert says in found.doubts[0]


def test_outside_the_table_of_days_regular_hours_are_assumed_and_that_is_said():
    found = hours_of(FUTURE, from_date(date(2027, 1, 26)))
    assert found.session == session_of(FUTURE, from_date(date(2026, 12, 28)))
    assert "outside the table of days" in found.doubts[0]
    long_ago = hours_of(PLAIN, from_date(date(2008, 1, 2)))
    assert text(long_ago.session) == "09:15-15:30 flat 15:10"
    assert "market/sessions.csv does not know cash on 2008-01-02: the nearest rule is taken" in long_ago.doubts


def test_what_only_one_source_says_is_said_to_be_so():
    doubts = hours_of(SHARE, from_date(date(2026, 12, 7))).doubts
    assert any(d.startswith("hours 09:15-15:30 of cash_auction from 2026-12-07: unverified") for d in doubts)
    assert any(d.startswith("broker's square-off 15:15 of cash_auction") for d in doubts)
    assert hours_of(SHARE, from_date(date(2026, 9, 10))).doubts == ()


def test_data_from_elsewhere_and_an_index():
    assert hours_of(Instrument("BTC", TICK, 1, Kind.OTHER), 20_000).session == WHOLE_DAY
    assert session_of(INDEX, from_date(date(2026, 8, 3))) == Session(*span_of("09:15-15:30"))


@given(st.dates(KNOWN_FROM, KNOWN_TO), st.sampled_from([SHARE, PLAIN, UNSAID, FUTURE, STOCK_FUTURE, INDEX]))
def test_a_session_is_closed_or_lies_in_the_day_and_is_left_before_it_ends(day, instrument):
    session = session_of(instrument, from_date(day))
    assert session.is_closed == (not day_of(day).trades or day_of(day).hours_unknown)
    if not session.is_closed:
        assert 0 < session.open < session.close < time_of("24:00")
        assert session.flat_by is None or session.open < session.flat_by <= session.close
        for begin, end in session.pauses:
            assert session.open < begin < end < session.close


@given(st.dates(date(2010, 10, 18), date(2030, 1, 1)), st.sampled_from(CLASSES))
def test_the_phases_of_a_day_follow_each_other(day, of_class):
    spans = [(time_of(r["begin"]), time_of(r["end"])) for r in phases_of(of_class, day)]
    assert spans
    assert all(begin < end for begin, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    if of_class != "index":
        rule = square_off_of(of_class, day)
        assert time_of(rule["flat_by"]) < time_of(rule["broker"])


def test_before_and_on_the_day_of_each_change_another_rule_holds():
    for of_class in CLASSES:
        for day in (date(2026, 8, 3), date(2026, 9, 7), date(2026, 12, 7), date(2025, 12, 8)):
            before, after = (list(phases_of(of_class, d)) for d in (day - timedelta(1), day))
            changed = [r for r in after if r not in before] + [r for r in before if r not in after]
            assert all(day in {r.valid_from, (r.valid_to or day) + timedelta(1)} for r in changed)
