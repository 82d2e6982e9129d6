"""What the book says of a day is what the master of that day said, in whatever order and however often masters came."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Kind
from auction_bt.instruments.book import OPEN_END, InstrumentBook
from auction_bt.instruments.listing import Unit
from auction_bt.instruments.master import MasterFile
from tests.instruments.made import RELIANCE, contract, day, load, share, standard, write

D = day("2026-11-20")


def row(number, lot):
    return contract(number, "2026-12-29", lot=lot)


DAYS = st.integers(0, 12)
MASTERS = st.lists(st.tuples(DAYS, st.dictionaries(st.integers(1, 5), st.integers(1, 3), min_size=1)), min_size=1, max_size=10)


@settings(max_examples=150, deadline=None)
@given(MASTERS)
def test_as_of_lookup_of_versions_equals_a_plain_list_of_masters(tmp_path_factory, masters):
    state = tmp_path_factory.mktemp("book")
    plain = {}
    for number, rows in masters:
        load(state, {D + number: [row(token, lot) for token, lot in rows.items()]})
        plain[number] = rows
    with InstrumentBook.open(state) as book:
        assert book.days() == [D + number for number in sorted(plain)]
        for number in range(-1, 14):
            at = max((n for n in plain if n <= number), default=min(plain))
            said = {token: book.of_key(f"NSE_FO|{token}", D + number) for token in range(1, 6)}
            assert {t: listing.lot for t, listing in said.items() if listing} == plain[at]
            assert book.master_day(D + number) == (D + at if min(plain) <= number else None)
        for token in range(1, 6):  # as few versions as can be: each change of the sorted list is one
            seen = [plain[n].get(token) for n in sorted(plain)]
            runs = sum(lot is not None and (i == 0 or seen[i - 1] != lot) for i, lot in enumerate(seen))
            spans = book.known_days(f"NSE_FO|{token}")
            assert len(spans) == runs
            assert all(begin < end for begin, end in spans)


def test_the_same_day_twice_changes_nothing(tmp_path):
    load(tmp_path, {D: standard()})
    before = InstrumentBook.open(tmp_path)
    rows = before._rows("SELECT * FROM versions ORDER BY id")
    loaded = load(tmp_path, {D: standard()})
    assert (loaded.rows, loaded.changed, loaded.gone) == (len(standard()), 0, 0)
    assert before._rows("SELECT * FROM versions ORDER BY id") == rows
    before.close()


def test_a_year_of_equal_days_is_one_version_each(tmp_path):
    rows = standard()
    load(tmp_path, {D + i: rows for i in range(30)})
    with InstrumentBook.open(tmp_path) as book:
        assert book.known_days(RELIANCE) == [(D, OPEN_END)]
        assert book._rows("SELECT count(*) FROM versions") == [(len(rows),)]


def test_a_row_becomes_an_instrument(tmp_path):
    load(tmp_path, {D: standard()})
    with InstrumentBook.open(tmp_path) as book:

        def told(key):
            found = book.instrument(book.of_key(key, D), D)
            return str(found.tick), found.lot, found.kind, found.closing_auction

        assert told(RELIANCE) == ("0.1", 1, Kind.EQUITY, True)  # has a future
        assert told("NSE_EQ|INE009A01021") == ("0.1", 1, Kind.EQUITY, False)
        assert told("NSE_EQ|INE883A01011") == ("5", 1, Kind.EQUITY, False)
        assert told("NSE_FO|51502") == ("0.1", 75, Kind.FUTURE, None)
        assert told("NSE_FO|60000") == ("0.05", 75, Kind.OPTION, None)
        assert told("NSE_INDEX|Nifty 50") == ("0.01", 1, Kind.INDEX, None)
        assert told("MCX_FO|430268") == ("1", 1, Kind.OTHER, None)
        assert told("NCD_FO|10101") == ("0.0025", 1, Kind.OTHER, None)
        future = book.instrument(book.of_key("NSE_FO|51502", D), D)
        assert (future.name, future.contract.underlying) == ("NIFTY FUT 24 NOV 26", "NSE_INDEX|Nifty 50")
        assert future.contract.expiry == day("2026-11-24")


def test_the_masters_own_word_on_the_closing_auction_counts_where_there_is_one(tmp_path):
    rows = [share(cas_eligible=False), share("NSE_EQ|INE009A01021", "INFY", cas_eligible=True),
            contract(53001, "2026-11-24", underlying=RELIANCE, symbol="RELIANCE")]  # fmt: skip
    load(tmp_path, {D: rows})
    with InstrumentBook.open(tmp_path) as book:
        assert [book.instrument(book.of_key(k, D), D).closing_auction for k in (RELIANCE, "NSE_EQ|INE009A01021")] == [False, True]


@pytest.mark.parametrize(
    ("steps", "unit", "told"),
    [
        ((5.0, 10.0, 500.0, 1.0), Unit.PAISE, ["0.05", "0.1", "5", "0.01"]),
        ((0.05, 0.1, 5.0, 0.01), Unit.RUPEES, ["0.05", "0.1", "5", "0.01"]),
        ((5.0, 10.0, 500.0, 0.05), Unit.PAISE, ["0.05", "0.1", "5", "0.05"]),
    ],
)
def test_what_a_price_step_counts_is_told_by_all_rows_together(tmp_path, steps, unit, told):
    rows = [share(f"NSE_EQ|IN{i}", f"S{i}", tick=step) for i, step in enumerate(steps)]
    load(tmp_path, {D: rows})
    with InstrumentBook.open(tmp_path) as book:
        found = [book.of_key(f"NSE_EQ|IN{i}", D) for i in range(len(steps))]
    assert [f.unit for f in found] == [unit] * len(steps)
    assert [str(f.price_step) for f in found] == told


def test_rows_in_any_layout_and_longer_than_a_piece(tmp_path, monkeypatch):
    monkeypatch.setattr("auction_bt.instruments.master._PIECE", 700)
    rows = standard()
    rows[3]["name"] = 'a "},{" in a name'
    rows[4]["more"] = {"a": {"b": 1}, "c": 2}
    for text in (json.dumps(rows), json.dumps(rows, indent=1), json.dumps(rows, separators=(",", ":"))):
        path = tmp_path / "m.json"
        path.write_text("\ufeff " + text + "\n", encoding="utf-8")
        master = MasterFile(path)
        assert len(list(master)) == len(rows) == master.rows


def bad_masters(tmp_path):
    whole = write(tmp_path / "whole.gz", standard() * 1).read_bytes()
    html = b"<html>blocked</html>"
    text = json.dumps(standard()).encode()
    return {
        "damaged or cut off": whole[:-200], "must be a JSON array": html, "damaged or cut off ": text[:-40],
        "has no rows": b"[]", "rows rejected": json.dumps([1, 2, 3]).encode(), "must be a JSON array ": b"",
    }  # fmt: skip


def test_a_bad_file_leaves_the_book_as_it_was(tmp_path):
    load(tmp_path, {D: standard()})
    for said, content in bad_masters(tmp_path).items():
        path = tmp_path / "bad"
        path.write_bytes(content)
        with InstrumentBook.open(tmp_path, create=True) as book, pytest.raises(BadInput, match=said.strip()) as error:
            book.load(D + 1, MasterFile(path))
        assert "\n" not in str(error.value)
    path.write_text(json.dumps(standard() * 300))
    with InstrumentBook.open(tmp_path, create=True) as book, pytest.raises(BadInput, match="longer than 1,000,000"):
        book.load(D + 1, MasterFile(path, 1_000_000))
    with InstrumentBook.open(tmp_path) as book:
        assert book.days() == [D]
        assert book._rows("SELECT count(*) FROM versions") == [(len(standard()),)]


def test_a_master_of_the_real_size_loads_in_seconds(tmp_path):
    rows = [contract(i, "2026-12-29", "CE", 10_000.0 + i) for i in range(20_000)]
    begin = time.perf_counter()
    load(tmp_path, {D: rows, D + 1: rows})
    assert time.perf_counter() - begin < 15  # a tenth of a real one; some 0.5 s on a quiet machine
