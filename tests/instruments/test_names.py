"""A name means one instrument on a day, or says what it could mean."""

import pytest

from auction_bt.core.errors import BadInput, UnknownSymbol
from auction_bt.instruments.book import InstrumentBook
from auction_bt.instruments.names import resolve
from tests.instruments.made import RELIANCE, contract, day, index, load, share, standard

D = day("2026-11-20")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    state = tmp_path_factory.mktemp("names")
    load(state, {D: standard()})
    with InstrumentBook.open(state) as opened:
        yield opened


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("NSE_FO|51502", "NSE_FO|51502"), (RELIANCE, RELIANCE),
        ("RELIANCE", RELIANCE), ("reliance", RELIANCE), (" RELIANCE ", RELIANCE), ("NSE:RELIANCE", RELIANCE),
        ("BSE:RELIANCE", "BSE_EQ|INE002A01018"),
        ("NIFTY", "NSE_INDEX|Nifty 50"), ("NIFTY 50", "NSE_INDEX|Nifty 50"), ("SENSEX", "BSE_INDEX|SENSEX"),
        ("NIFTY-FUT", "NSE_FO|51502"), ("nifty-fut", "NSE_FO|51502"), ("NIFTY-FUT:2026-12", "NSE_FO|51503"),
        ("BANKNIFTY-FUT:2026-12", "NSE_FO|52002"), ("NIFTY-FUT:2026-12-29", "NSE_FO|51503"), ("NSE:RELIANCE-FUT", "NSE_FO|53001"),
        ("NIFTY-26000CE", "NSE_FO|60000"), ("NIFTY-26000PE", "NSE_FO|60001"), ("NIFTY-26000CE:2026-12-01", "NSE_FO|60000"),
        ("NIFTY-26000CE:2026-12-08", "NSE_FO|60010"), ("NIFTY-26100.0CE:2026-12-29", "NSE_FO|60022"),
        ("GOLD-FUT", "MCX_FO|430268"), ("MCX:GOLD-FUT", "MCX_FO|430268"), ("NIFTY 26000 CE 08 DEC 26", "NSE_FO|60010"),
    ],
)  # fmt: skip
def test_what_a_name_means(book, text, key):
    assert resolve(book, text, D).symbol == key


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RELIANC", "did you mean RELIANCE"), ("NIFTY-FUT:2026-10", "the expiries are 2026-11-24, 2026-12-29, 2027-01-25"),
        ("NIFTY-26050CE", "the nearest strikes are 26000, 26100"), ("NIFTI-FUT", "no future on NIFTI; did you mean NIFTY"),
        ("NSE_FO|1", "no master that was loaded has this key"), ("BSE:NIFTY-FUT", "no future on NIFTY"),
        ("MCX:RELIANCE", "did you mean RELIANCE"), ("qqqqqq", "look for it with"),
    ],
)  # fmt: skip
def test_what_nothing_means_names_what_is_near(book, text, said):
    with pytest.raises(UnknownSymbol, match=said) as error:
        resolve(book, text, D)
    assert str(error.value).startswith(f"unknown instrument {text!r} on 2026-11-20: ")


def test_a_name_for_several_lists_them(book, tmp_path):
    with pytest.raises(BadInput, match=r"can be NSE_FO\|60000 .*, NSE_FO\|60010 .*, NSE_FO\|60020 .*: give the key"):
        resolve(book, "NIFTY-26000CE:2026-12", D)
    with pytest.raises(BadInput, match="2026-13 is no month or day"):
        resolve(book, "NIFTY-FUT:2026-13", D)
    load(tmp_path, {D: [share(), index("NSE_INDEX|Reliance", "RELIANCE", "Reliance")]})
    with InstrumentBook.open(tmp_path) as other, pytest.raises(BadInput, match=r"NSE_EQ\|INE002A01018 .*NSE_INDEX\|Reliance"):
        resolve(other, "RELIANCE", D)


def test_a_future_is_the_nearest_up_to_its_expiry_day(book):
    assert [resolve(book, "NIFTY-FUT", day(d)).symbol for d in ("2026-11-24", "2026-11-25", "2026-12-30")] == [
        "NSE_FO|51502", "NSE_FO|51503", "NSE_FO|51504"]  # fmt: skip


def test_a_token_used_again_is_another_contract(tmp_path):
    load(tmp_path, {"2026-05-04": [contract(12345, "2026-06-30")], "2026-07-06": [contract(999, "2026-07-28")],
                    "2026-11-02": [contract(12345, "2026-12-29", underlying=RELIANCE, symbol="RELIANCE", lot=500)]})  # fmt: skip
    with InstrumentBook.open(tmp_path) as book:
        old, new = (resolve(book, "NSE_FO|12345", day(d)) for d in ("2026-06-15", "2026-11-03"))
        assert (old.name, old.lot) == ("NIFTY FUT 30 JUN 26", 75)
        assert (new.name, new.lot) == ("RELIANCE FUT 29 DEC 26", 500)
        with pytest.raises(UnknownSymbol, match=r"list it from 2026-05-04 to before 2026-07-06, from 2026-11-02$"):
            resolve(book, "NSE_FO|12345", day("2026-07-10"))


def test_before_the_first_master_what_depends_on_the_day_is_refused(book):
    early = D - 300
    assert resolve(book, "RELIANCE", early).symbol == RELIANCE
    assert resolve(book, "NIFTY-FUT:2026-12", early).symbol == "NSE_FO|51503"
    with pytest.raises(BadInput, match=r"no instrument master of that day or before was loaded.*name its month"):
        resolve(book, "NIFTY-FUT", early)


def test_a_contract_named_by_its_month_may_be_known_by_a_later_master_alone(tmp_path):
    load(tmp_path, {"2026-05-04": [contract(1, "2026-06-30")], "2026-11-02": standard()})
    with InstrumentBook.open(tmp_path) as book:
        assert resolve(book, "NIFTY-FUT:2026-12", day("2026-06-15")).symbol == "NSE_FO|51503"
        with pytest.raises(UnknownSymbol):
            resolve(book, "NIFTY-FUT", day("2026-07-15"))  # which one was the nearest then, nobody here knows


def test_a_contract_that_was_given_another_day_is_as_of_the_day(tmp_path):
    load(tmp_path, {"2025-08-01": [contract(7, "2025-09-25")], "2025-08-29": [contract(7, "2025-09-30")]})
    with InstrumentBook.open(tmp_path) as book:
        assert [resolve(book, "NIFTY-FUT:2025-09", day(d)).contract.expiry for d in ("2025-08-15", "2025-09-01")] == [
            day("2025-09-25"), day("2025-09-30")]  # fmt: skip


def test_of_several_series_of_a_share_the_usual_one(tmp_path):
    load(tmp_path, {D: [share(), share("NSE_EQ|INE002A07018", "RELIANCE", instrument_type="N1")]})
    with InstrumentBook.open(tmp_path) as book:
        assert resolve(book, "RELIANCE", D).symbol == RELIANCE
