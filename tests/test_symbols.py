"""What a symbol means over some days: the store's own, the masters', and contracts whose tokens were used before."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.bar import BarColumns
from auction_bt.core.errors import BadInput, NothingToDo, UnknownSymbol
from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, day_start, to_date
from auction_bt.core.tick import TickColumns
from auction_bt.fetching.windows import is_trading_day
from auction_bt.instruments.book import InstrumentBook
from auction_bt.instruments.stored import StoredNames
from auction_bt.instruments.tokens import joined, owners_of
from auction_bt.store.dsn import open_store
from auction_bt.symbols import find_legs, legs_of, one_leg, roll_at, told, tradables_of
from tests.instruments.made import BANKNIFTY, NIFTY, RELIANCE, contract, day, index, load, share

NOV, DEC = contract(1, "2026-11-24"), contract(2, "2026-12-29")
STOCK = (
    share(), contract(11, "2026-11-24", underlying=RELIANCE, symbol="RELIANCE", lot=500),
    contract(12, "2026-12-29", underlying=RELIANCE, symbol="RELIANCE", lot=500),
)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        yield store


@pytest.fixture
def listed(tmp_path):
    """Return a function that loads masters and opens the book."""
    books = []

    def call(masters):
        load(tmp_path / "state", masters)
        books.append(InstrumentBook.open_loaded(tmp_path / "state"))
        return books[-1]

    yield call
    for book in books:
        book.close()


def hold(store, instrument, *days):
    """Store a few bars of each day."""
    store.put_instrument(instrument)
    for each in days:
        ts = day_start(day(each)) + (9 * 60 + 15) * MINUTE_NS + np.arange(3) * MINUTE_NS
        flat = np.full(3, 100.0)
        bars = BarColumns(
            ts, flat, flat, flat, flat, np.full(3, 75), np.zeros(3, np.int64), ts + MINUTE_NS, np.full(3, 2, np.int8)
        )
        store.put_derived(instrument.symbol, range(day(each), day(each) + 1), TickColumns.of([]), bars, [])


def future(symbol, expiry, name="", underlying=NIFTY, lot=75):
    return Instrument(symbol, Decimal("0.1"), lot, Kind.FUTURE, name, Contract(underlying, day(expiry)))


def span(first, last):
    return range(day(first), day(last) + 1)


def short(legs):
    return [(leg.instrument.symbol, str(to_date(leg.first_day)), str(to_date(leg.last_day)), leg.has_data) for leg in legs]


# ---------------------------------------------------------------- what the store knows comes first
def test_a_symbol_or_name_of_the_store_means_itself_without_any_master(store):
    plain = Instrument("NIFTY-FUT", Decimal("0.05"), 75, Kind.FUTURE)
    hold(store, plain, "2026-11-20")
    (leg,) = legs_of(store, None, "nifty-fut", span("2026-11-01", "2026-12-31"))
    assert (leg.instrument, leg.asked, leg.leave_day, leg.is_rolled) == (plain, "nifty-fut", 0, False)
    assert (leg.first_day, leg.last_day) == (day("2026-11-01"), day("2026-12-31"))


def test_an_imported_row_gets_contract_lot_and_closing_auction_from_the_master_and_the_finer_step(store, listed):
    book = listed({"2026-11-02": [index(), *STOCK, NOV], "2026-11-20": [index(), *STOCK, {**NOV, "lot_size": 65}]})
    hold(store, Instrument("NSE_FO|1", Decimal("0.05"), 1, Kind.FUTURE), "2026-11-19")
    hold(store, Instrument(RELIANCE, Decimal("0.5")), "2026-11-19")
    days = span("2026-11-19", "2026-11-20")
    (leg,) = legs_of(store, book, "NSE_FO|1", days)
    assert leg.instrument == Instrument("NSE_FO|1", Decimal("0.05"), 75, Kind.FUTURE, "NIFTY FUT 24 NOV 26",
                                        Contract(NIFTY, day("2026-11-24")))  # fmt: skip
    assert legs_of(store, book, "NSE_FO|1", span("2026-11-20", "2026-11-20"))[0].instrument.lot == 65  # as of the first day
    (stock,) = legs_of(store, book, RELIANCE, days)
    assert (stock.instrument.closing_auction, stock.instrument.tick) == (True, Decimal("0.1"))
    assert store.instrument("NSE_FO|1").contract is None  # the store is as it was


def test_a_table_imported_under_a_name_of_the_master_gets_its_hours_lot_and_contract(store, listed):
    book = listed({"2026-11-02": [index(), *STOCK, NOV, contract(61, "2026-12-01", "CE", 26000.0)]})
    for symbol, kind in (("RELIANCE", Kind.EQUITY), ("NIFTY-FUT", Kind.FUTURE), ("NIFTY-26000CE", Kind.OPTION),
                         ("NIFTY-26000CE:2026-12-01", Kind.OPTION), ("NIFTY", Kind.EQUITY), ("MINE", Kind.EQUITY)):  # fmt: skip
        hold(store, Instrument(symbol, Decimal("0.5"), 1, kind), "2026-11-19")
    found = {leg.asked: leg.instrument for leg in (
        legs_of(store, book, each.symbol, span("2026-11-19", "2026-11-20"))[0] for each in store.instruments())}  # fmt: skip
    assert [each.symbol for each in found.values()] == list(found)
    assert (found["RELIANCE"].closing_auction, found["RELIANCE"].tick) == (True, Decimal("0.1"))
    assert (found["NIFTY-FUT"].lot, found["NIFTY-FUT"].contract.underlying) == (75, NIFTY)
    assert found["NIFTY-26000CE:2026-12-01"].contract.strike == 26000
    assert all(found[symbol] == store.instrument(symbol) for symbol in ("NIFTY-26000CE", "NIFTY", "MINE"))


def test_what_the_store_says_of_a_contract_stays():
    stored = future("NSE_FO|1", "2026-11-24", "mine", lot=25)
    listed = future("NSE_FO|1", "2026-11-24", "NIFTY FUT 24 NOV 26", lot=75)
    assert joined(stored, listed) == stored
    assert joined(stored, future("NSE_FO|1", "2026-12-29", "next")).name == "next"
    sizes = Instrument("NSE_FO|1", Decimal("0.05"), 150, Kind.FUTURE)  # nobody traded less than two lots
    assert [joined(replace(sizes, lot=lot), listed).lot for lot in (1, 150, 250)] == [75, 75, 250]
    assert joined(None, listed) is listed
    assert joined(stored, None) is stored


# ---------------------------------------------------------------- names
def test_names_that_only_the_master_knows(store, listed):
    book = listed({"2026-11-02": [index(), *STOCK, NOV, DEC, contract(61, "2026-12-01", "CE", 26000.0)]})
    for key in ("NSE_FO|2", "NSE_FO|61"):
        hold(store, Instrument(key, Decimal("0.05"), 75, Kind.FUTURE), "2026-11-20")
    hold(store, Instrument(RELIANCE, Decimal("0.1")), "2026-11-20")
    days = span("2026-11-20", "2026-11-20")
    assert one_leg(store, book, "NIFTY-FUT:2026-12", days).instrument.symbol == "NSE_FO|2"
    assert one_leg(store, book, "RELIANCE", days).instrument.symbol == RELIANCE
    option = one_leg(store, book, "NIFTY-26000CE:2026-12-01", days)
    assert (option.instrument.kind, option.instrument.contract.strike) == (Kind.OPTION, 26000)
    (leg,) = find_legs(store, book, ["RELIANCE", "reliance"], days)  # once
    assert leg.asked == "RELIANCE"


def test_a_name_whose_data_is_missing_is_told_with_the_command_that_gets_it(store, listed):
    book = listed({"2026-11-02": [index(), NOV, DEC]})
    with pytest.raises(NothingToDo) as error:
        find_legs(store, book, ["NIFTY-FUT:2026-12"], span("2026-11-20", "2026-11-23"))
    assert str(error.value) == (
        "NIFTY-FUT:2026-12 is NSE_FO|2 (NIFTY FUT 29 DEC 26), and the store holds no data of it: get some with `fetch --symbol "
        "NIFTY-FUT:2026-12 --from-date 2026-11-20 --to-date 2026-11-23`, or `record` it"
    )
    with pytest.raises(BadInput, match=r"NSE_INDEX.Nifty 50 has no volume"):
        find_legs(store, book, ["NIFTY"], span("2026-11-20", "2026-11-23"))


def test_what_is_to_be_traded_must_have_data_on_these_days(store, listed):
    book = listed({"2026-11-02": [index(), *STOCK, NOV]})
    days = span("2026-11-20", "2026-11-23")
    with pytest.raises(NothingToDo, match=r"RELIANCE is NSE_EQ.* holds no data of it: get some with `fetch --symbol RELIANCE "):
        tradables_of(store, book, "RELIANCE", days)
    hold(store, Instrument(RELIANCE, Decimal("0.1")), "2026-11-19")
    with pytest.raises(NothingToDo, match="no data of it of these days, only of 2026-11-19 to 2026-11-19: get some"):
        tradables_of(store, book, "RELIANCE", days)
    assert [each.symbol for each in tradables_of(store, book, "NIFTY", days)] == [NIFTY]  # refused later, for what it is


def test_an_option_that_was_imported_as_a_future_is_one_where_the_master_says_so(store, listed):
    book = listed({"2026-11-02": [index(), NOV, contract(61, "2026-12-01", "CE", 26000.0)]})
    for key in ("NSE_FO|1", "NSE_FO|61"):
        hold(store, Instrument(key, Decimal("0.05"), 75, Kind.FUTURE), "2026-11-20")
    (option,) = tradables_of(store, book, "", span("2026-11-20", "2026-11-20"))
    assert (option.symbol, option.kind, option.contract.strike) == ("NSE_FO|61", Kind.OPTION, 26000)


def test_what_nobody_knows_is_one_error(store, listed):
    hold(store, Instrument("RELIANCE-MINE", Decimal("0.1")), "2026-11-20")
    with pytest.raises(
        UnknownSymbol, match=r"unknown symbol 'RELIANCE': did you mean RELIANCE-MINE\?; .*`instruments --refresh`"
    ):
        legs_of(store, None, "RELIANCE", span("2026-11-20", "2026-11-20"))
    book = listed({"2026-11-02": [index(), *STOCK]})
    with pytest.raises(UnknownSymbol, match=r"RELIANCE-MINE\?; nor .* 'RELIANCES' on 2026-11-20: did you mean RELIANCE\?"):
        legs_of(store, book, "RELIANCES", span("2026-11-20", "2026-11-20"))


# ---------------------------------------------------------------- a continuous name
def test_a_continuous_name_is_its_legs_each_left_before_its_expiry(store, listed):
    book = listed({"2026-11-02": [index(), *STOCK, NOV, DEC]})
    hold(store, Instrument("NSE_FO|2", Decimal("0.05"), 1, Kind.FUTURE), "2026-11-23", "2026-11-25")
    found = legs_of(store, book, "NIFTY-FUT", span("2026-11-16", "2026-12-04"))
    assert short(found) == [("NSE_FO|1", "2026-11-16", "2026-11-23", False), ("NSE_FO|2", "2026-11-25", "2026-12-04", True)]
    assert [str(to_date(leg.leave_day)) for leg in found] == ["2026-11-23", "2026-12-28"]
    assert all(leg.is_rolled for leg in found)
    assert told(found[0]) == "NIFTY-FUT 2026-11-16..2026-11-23 (NSE_FO|1)"
    at = (roll_at(found[0]) - day_start(day("2026-11-23"))) // MINUTE_NS
    assert 15 * 60 <= at < 15 * 60 + 30
    stock = legs_of(store, book, "RELIANCE-FUT", span("2026-11-16", "2026-12-04"))
    assert short(stock)[0] == ("NSE_FO|11", "2026-11-16", "2026-11-17", False)  # the delivery week is the next contract's
    with pytest.raises(BadInput, match=r"NIFTY-FUT is several contracts in these days \(NIFTY-FUT 2026-11-16..2026-11-23"):
        one_leg(store, book, "NIFTY-FUT", span("2026-11-16", "2026-12-04"))
    with pytest.raises(NothingToDo, match=r"RELIANCE-FUT is NSE_FO.11 .*, NSE_FO.12 .*and the store holds no data"):
        find_legs(store, book, ["RELIANCE-FUT"], span("2026-11-16", "2026-12-04"))


def test_stored_contracts_are_enough_for_the_legs(store):
    hold(store, future("NSE_FO|1", "2026-11-24", "NIFTY FUT 24 NOV 26"), "2026-11-20")
    hold(store, future("NSE_FO|2", "2026-12-29", "NIFTY FUT 29 DEC 26"), "2026-11-25")
    hold(store, future("NSE_FO|9", "2026-11-24", "BANKNIFTY FUT 24 NOV 26", BANKNIFTY), "2026-11-20")
    expected = [("NSE_FO|1", "2026-11-16", "2026-11-23", True), ("NSE_FO|2", "2026-11-25", "2026-12-04", True)]
    assert short(legs_of(store, None, "NIFTY-FUT", span("2026-11-16", "2026-12-04"))) == expected
    assert one_leg(store, None, "BANKNIFTY-FUT:2026-11", span("2026-11-16", "2026-11-17")).instrument.symbol == "NSE_FO|9"
    assert StoredNames(store.instruments()).names(0) == ["BANKNIFTY", "NIFTY", "NIFTY 50", "NIFTY BANK"]


def test_a_master_that_came_too_late_leaves_the_legs_to_the_stored_contracts(store, listed):
    book = listed({"2026-11-25": [index(), DEC]})
    days = span("2026-11-16", "2026-12-04")
    with pytest.raises(BadInput, match="no instrument master of that day or before was loaded"):
        legs_of(store, book, "NIFTY-FUT", days)
    hold(store, future("NSE_FO|1|24-11-2026", "2026-11-24", "NIFTY FUT 24 NOV 26"), "2026-11-20")
    hold(store, future("NSE_FO|2", "2026-12-29", "NIFTY FUT 29 DEC 26"), "2026-11-25")
    assert [leg.instrument.symbol for leg in legs_of(store, book, "NIFTY-FUT", days)] == ["NSE_FO|1|24-11-2026", "NSE_FO|2"]


def test_a_leg_is_read_under_the_key_that_has_its_days(store, listed):
    book = listed({"2026-11-02": [index(), NOV, DEC]})
    hold(store, future("NSE_FO|1|24-11-2026", "2026-11-24"), "2026-11-19", "2026-11-20")
    hold(store, Instrument("NSE_FO|1", Decimal("0.1"), 75, Kind.FUTURE), "2026-11-19")
    (leg,) = legs_of(store, book, "NIFTY-FUT", span("2026-11-19", "2026-11-20"))
    assert (leg.instrument.symbol, leg.since) == ("NSE_FO|1|24-11-2026", 0)


# ---------------------------------------------------------------- tokens that were used before
def test_a_token_that_was_used_again_is_never_two_contracts_in_one_run(store, listed):
    book = listed({"2026-10-01": [index(), contract(7, "2026-10-27", underlying=BANKNIFTY, symbol="BANKNIFTY")],
                   "2026-11-02": [index(), contract(7, "2026-12-29")]})  # fmt: skip
    hold(store, Instrument("NSE_FO|7", Decimal("0.1"), 1, Kind.FUTURE), "2026-10-26", "2026-11-03")
    with pytest.raises(
        BadInput, match=r"NSE_FO.7 is BANKNIFTY FUT 27 OCT 26 up to 2026-10-27, and NIFTY FUT 29 DEC 26 after that"
    ):
        legs_of(store, book, "NSE_FO|7", span("2026-10-20", "2026-11-20"))
    (old,) = legs_of(store, book, "NSE_FO|7", span("2026-10-20", "2026-10-30"))  # nothing stored beyond its expiry
    assert (old.instrument.name, str(to_date(old.last_day))) == ("BANKNIFTY FUT 27 OCT 26", "2026-10-27")
    (new,) = legs_of(store, book, "NSE_FO|7", span("2026-11-02", "2026-11-20"))
    assert (new.instrument.name, str(to_date(new.since))) == ("NIFTY FUT 29 DEC 26", "2026-10-28")
    (rolled,) = legs_of(store, book, "NIFTY-FUT", span("2026-11-02", "2026-11-20"))
    assert rolled.since == new.since


def test_an_expired_contract_has_nothing_after_its_expiry(store):
    hold(store, future("NSE_FO|1", "2026-11-24", "NIFTY FUT 24 NOV 26"), "2026-11-20")
    with pytest.raises(NothingToDo, match=r"NSE_FO.1: NIFTY FUT 24 NOV 26 expired on 2026-11-24"):
        legs_of(store, None, "NSE_FO|1", span("2026-11-25", "2026-12-04"))


def test_an_expiry_that_moved_is_the_same_contract(listed):
    book = listed({"2026-11-02": [contract(2, "2026-12-31")], "2026-11-20": [contract(2, "2026-12-29")]})
    (owner,) = owners_of(book, "NSE_FO|2", day("2026-11-03"))
    assert (owner.since, str(to_date(owner.until)), str(to_date(owner.instrument.contract.expiry))) == (
        0, "2026-12-29", "2026-12-31",
    )  # fmt: skip
    assert len(owners_of(book, "NSE_FO|2", day("2026-11-03"), future("NSE_FO|2", "2026-12-29"))) == 1
    assert len(owners_of(book, "NSE_FO|2", day("2026-11-03"), future("NSE_FO|2", "2026-10-27"))) == 2


def test_one_symbol_for_two_spans_of_days_is_refused(store, listed):
    book = listed({"2026-11-02": [index(), NOV, DEC]})
    hold(store, Instrument("NSE_FO|2", Decimal("0.1"), 75, Kind.FUTURE), "2026-11-25")
    with pytest.raises(
        BadInput, match=r"NSE_FO.2 is meant twice: by NIFTY-FUT 2026-11-25..2026-11-27 \(NSE_FO.2\), and by NSE_FO"
    ):
        find_legs(store, book, ["NIFTY-FUT", "NSE_FO|2"], span("2026-11-16", "2026-11-27"))


MONTHS = ["2026-06-30", "2026-07-28", "2026-08-25", "2026-09-29", "2026-10-27", "2026-11-24", "2026-12-29"]


@settings(max_examples=30, deadline=None)
@given(
    tokens=st.lists(st.integers(1, 4), min_size=7, max_size=7),
    begin=st.integers(0, 120),
    length=st.integers(0, 60),
    stock=st.booleans(),
)
def test_each_trading_day_is_traded_by_one_leg_that_reads_nothing_of_another_contract(
    tmp_path_factory, tokens, begin, length, stock
):
    """Whatever tokens the months got: three of them are listed at a time, and a token may come again after its expiry."""
    folder = tmp_path_factory.mktemp("legs")
    of = {"underlying": RELIANCE, "symbol": "RELIANCE"} if stock else {}
    masters, given_to = {}, {}
    for i in range(len(MONTHS) - 2):
        alive = MONTHS[i : i + 3]
        for j, each in enumerate(alive):
            used = {given_to[other] for other in alive if other in given_to}
            if each not in given_to:
                given_to[each] = next(t for t in [tokens[i + j], *range(1, 8)] if t not in used)
        listed_on = "2026-05-29" if i == 0 else str(to_date(day(MONTHS[i - 1]) + 1))
        masters[listed_on] = [contract(given_to[each], each, **of) for each in alive]
    load(folder, masters)
    first = day("2026-06-01") + begin
    days = range(first, first + length + 1)
    with open_store(f"sqlite:///{folder / 'a.db'}", create=True) as store, InstrumentBook.open_loaded(folder) as book:
        try:
            found = legs_of(store, book, "RELIANCE-FUT" if stock else "NIFTY-FUT", days)
        except NothingToDo:
            assert not any(map(is_trading_day, days))
            return
    traded = [d for leg in found for d in range(leg.first_day, leg.last_day + 1) if is_trading_day(d)]
    assert traded == [d for d in days if is_trading_day(d)]
    for leg in found:
        expiry = leg.instrument.contract.expiry
        before = [day(e) for e, token in given_to.items() if f"NSE_FO|{token}" == leg.instrument.symbol and day(e) < expiry]
        assert leg.since == max(before, default=-1) + 1
        assert leg.last_day <= leg.leave_day < expiry
