"""What a name asks for: every contract it went through, the expired ones by the broker's other key."""

import pytest

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import to_date
from auction_bt.fetching.wanted import plan
from auction_bt.instruments.book import InstrumentBook
from tests.instruments.made import RELIANCE, contract, day, index, load, share

MASTERS = {
    "2026-09-01": [index(), share(), contract(1, "2026-09-29"), contract(2, "2026-10-27"), contract(3, "2026-11-23")],
    "2026-09-30": [index(), share(), contract(2, "2026-10-27"), contract(3, "2026-11-23"), contract(4, "2026-12-29")],
}


@pytest.fixture
def book(tmp_path):
    load(tmp_path, MASTERS)
    with InstrumentBook.open_loaded(tmp_path) as book:
        yield book


def span(first, last):
    return range(day(first), day(last) + 1)


def told(found):
    return [(w.symbol, str(to_date(w.days.start)), str(to_date(w.days.stop - 1)), w.live) for w in found.wanted]


def test_a_continuous_name_is_its_contracts_with_some_days_before_each_for_the_windows(book):
    found = plan(book, "NIFTY-FUT", span("2026-09-21", "2026-12-04"), day("2026-10-30"))
    assert told(found) == [
        ("NSE_FO|1|29-09-2026", "2026-09-21", "2026-09-28", "NSE_FO|1"),
        ("NSE_FO|2|27-10-2026", "2026-09-22", "2026-10-26", "NSE_FO|2"),
        ("NSE_FO|3", "2026-10-20", "2026-11-20", ""),  # and the one after it begins in the future
    ]
    assert found.wanted[0].asked == "NIFTY-FUT 2026-09-21..2026-09-28"
    assert found.untold == ""


def test_days_before_the_first_master_are_told_and_the_others_fetched(book):
    found = plan(book, "NIFTY-FUT", span("2026-08-20", "2026-09-04"), day("2026-09-04"))
    assert told(found) == [("NSE_FO|1", "2026-09-01", "2026-09-04", "")]
    assert "'NIFTY-FUT' on 2026-08-20: no instrument master of that day or before was loaded" in found.untold
    with pytest.raises(BadInput, match="no instrument master of that day or before"):
        plan(book, "NIFTY-FUT", span("2026-08-20", "2026-08-21"), day("2026-09-04"))


def test_other_names_and_keys_are_one_symbol_each(book):
    days = span("2026-09-21", "2026-10-30")
    assert told(plan(book, "NIFTY-FUT:2026-10", days, day("2026-10-20")))[0][0] == "NSE_FO|2"
    assert told(plan(book, "NIFTY-FUT:2026-10", days, day("2026-10-30")))[0][0] == "NSE_FO|2|27-10-2026"
    assert told(plan(book, "RELIANCE", days, day("2026-10-30"))) == [(RELIANCE, "2026-09-21", "2026-10-30", "")]
    assert told(plan(None, " NSE_FO|9 ", days, day("2026-10-30")))[0][0] == "NSE_FO|9"
    with pytest.raises(BadInput, match="names need an instrument master"):
        plan(None, "RELIANCE", days, day("2026-10-30"))
