"""A continuous name is one contract a day, left before it expires."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Contract
from auction_bt.core.ist import to_date
from auction_bt.instruments.book import InstrumentBook
from auction_bt.instruments.legs import legs
from auction_bt.market.dated import OutsideKnownDates
from auction_bt.market.roll import contract_on, last_day_held
from tests.instruments.made import NIFTY, RELIANCE, contract, day, load


def is_weekday(number):
    return to_date(number).weekday() < 5


def test_index_futures_are_left_the_day_before_and_share_futures_before_the_week_of_delivery():
    tuesday = day("2026-12-29")
    assert last_day_held(Contract(NIFTY, tuesday), is_weekday) == day("2026-12-28")
    assert last_day_held(Contract(RELIANCE, tuesday), is_weekday) == day("2026-12-22")
    closed = {day("2026-12-28"), day("2026-12-25")}
    is_open = lambda d: is_weekday(d) and d not in closed  # noqa: E731
    assert last_day_held(Contract(NIFTY, tuesday), is_open) == day("2026-12-24")
    assert last_day_held(Contract(RELIANCE, tuesday), is_open) == day("2026-12-18")
    assert last_day_held(Contract(RELIANCE, day("2018-07-26")), is_weekday) == day("2018-07-25")
    with pytest.raises(OutsideKnownDates):
        last_day_held(Contract(NIFTY, day("1999-01-28")), is_weekday)
    with pytest.raises(BadInput, match="calendar"):
        last_day_held(Contract(NIFTY, tuesday), lambda d: False)


def months(first, count):
    """The last Tuesday of each month."""
    found = []
    for i in range(count):
        year, month = divmod(first.year * 12 + first.month - 1 + i, 12)
        last = date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)
        found.append(last - timedelta(days=(last.weekday() - 1) % 7))
    return found


HOLIDAYS = st.sets(st.integers(0, 400), max_size=60)


@pytest.fixture(scope="module", params=[(NIFTY, "NIFTY"), (RELIANCE, "RELIANCE")], ids=["index", "share"])
def rolled(request, tmp_path_factory):
    """A book with a master each month of a year, each with the next three contracts; and the name."""
    underlying, symbol = request.param
    state = tmp_path_factory.mktemp("legs")
    expiries = months(date(2026, 1, 1), 18)
    masters = {}
    for i in range(14):
        begin = date(2026 + i // 12, i % 12 + 1, 1)
        alive = [e for e in expiries if e >= begin][:3]
        masters[begin.isoformat()] = [contract(1000 + expiries.index(e), e.isoformat(), underlying=underlying, symbol=symbol)
                                      for e in alive]  # fmt: skip
    load(state, masters)
    with InstrumentBook.open(state) as book:
        yield book, f"{symbol}-FUT"


@settings(max_examples=60, deadline=None)
@given(holidays=HOLIDAYS, begin=st.integers(0, 300), length=st.integers(0, 100))
def test_legs_cover_every_trading_day_once_and_never_reach_an_expiry(rolled, holidays, begin, length):
    book, name = rolled
    start = day("2026-01-01")
    is_open = lambda d: is_weekday(d) and d - start not in holidays  # noqa: E731
    found = legs(book, name, start + begin, start + begin + length, is_open)
    days = [d for d in range(start + begin, start + begin + length + 1) if is_open(d)]
    covered = [d for _, first, last in found for d in range(first, last + 1) if is_open(d)]
    assert covered == days
    for instrument, first, last in found:
        assert first <= last < instrument.contract.expiry
        assert is_open(first)
        assert is_open(last)
        assert last <= last_day_held(instrument.contract, is_open)
        for d in range(first, last + 1):
            if is_open(d):
                assert contract_on([instrument], d, is_open) is instrument
    expiries = [i.contract.expiry for i, _, _ in found]
    assert expiries == sorted(set(expiries))


def test_the_first_leg_of_a_year_in_figures(rolled):
    book, name = rolled
    found = legs(book, name, day("2026-01-01"), day("2026-03-31"), is_weekday)
    shown = [(i.symbol, str(to_date(a)), str(to_date(b))) for i, a, b in found]
    rolls = ["2026-01-26", "2026-02-23", "2026-03-30"] if name == "NIFTY-FUT" else ["2026-01-20", "2026-02-17", "2026-03-24"]
    assert [b for _, _, b in shown[:3]] == rolls
    assert [s for s, _, _ in shown] == ["NSE_FO|1000", "NSE_FO|1001", "NSE_FO|1002", "NSE_FO|1003"]
    assert shown[-1][2] == "2026-03-31"


def test_anything_else_is_one_leg_up_to_its_expiry(rolled):
    book, name = rolled
    assert legs(book, name, day("2026-01-03"), day("2026-01-04"), is_weekday) == []
    ((one, first, last),) = legs(book, f"{name}:2026-02", day("2026-01-10"), day("2026-03-31"), is_weekday)
    assert (one.symbol, to_date(first), to_date(last)) == ("NSE_FO|1001", date(2026, 1, 12), date(2026, 2, 24))
    ((key, _, last),) = legs(book, "NSE_FO|1001", day("2026-01-10"), day("2026-01-31"), is_weekday)
    assert (key.symbol, to_date(last)) == ("NSE_FO|1001", date(2026, 1, 30))


def test_days_that_no_master_knows_are_refused(rolled):
    book, name = rolled
    with pytest.raises(BadInput, match="no instrument master of that day or before"):
        legs(book, name, day("2025-12-01"), day("2026-01-31"), is_weekday)
    with pytest.raises(BadInput, match="no contract is listed that may still be held then"):
        legs(book, name, day("2027-02-01"), day("2027-04-27"), is_weekday)
