"""Values no market has, options nobody means, and files that are something else: one clear line, and nothing left behind."""

import json
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from auction_bt.core.instrument import Kind
from auction_bt.store.dsn import open_store
from tests.importing.made import EVER, OPEN, bars_csv, feed, store, ticks_csv, write


@pytest.fixture
def refused(bad, tmp_path):
    """Return a function that runs an import which must be refused in one line and leave no file of a store."""

    def call(*words):
        error = bad(*words)
        assert not list(tmp_path.glob("auction.db*"))
        return error

    return call


@pytest.mark.parametrize("volume", [2**53 - 1, 10**15 + 1])
def test_a_volume_that_no_market_has_is_a_rejected_row(refused, volume):
    write("a.csv", bars_csv(5, volume=[volume] * 5))
    assert "5 of 5 rows rejected: volume impossible (first at line 2)" in refused("import", "a.csv", "--symbol", "A")
    write("t.csv", ticks_csv([(OPEN + i, 10, volume) for i in range(20)]))
    assert "20 of 20 rows rejected: volume impossible" in refused("import", "t.csv", "--symbol", "A")


def test_a_price_that_no_market_has_is_a_rejected_row(refused):
    write("t.csv", ticks_csv([(OPEN + i, 1e17, 1) for i in range(20)]))
    assert "20 of 20 rows rejected: price impossible" in refused("import", "t.csv", "--symbol", "A")


def test_the_largest_volumes_of_ticks_add_up_and_the_store_stays_readable(run):
    write("t.csv", ticks_csv([(OPEN + i, 10, 10**15) for i in range(20_000)]))
    assert run("import", "t.csv", "--symbol", "A")[0] == 0
    with store() as s:
        assert s.bars("A", *EVER).volume.tolist() == [10**15]  # and no minute more than a row may say
    assert run("data")[0] == 0


def test_volumes_of_messages_that_no_market_has_are_left_out(run):
    bodies = [feed(i, vtt=2**63 - 1 - i) for i in range(10)]
    for i, body in enumerate(bodies):
        row = {"interval": "I1", "open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "vol": str(2**63 - 1),
               "ts": str(OPEN // 10**6 + 60_000 * i)}  # fmt: skip
        body["feeds"]["NSE_FO|1"]["fullFeed"]["marketFF"]["marketOHLC"] = {"ohlc": [row]}
    write("a.json", json.dumps(bodies))
    assert run("import", "a.json")[0] == 0
    with store() as s:
        assert max(s.bars("NSE_FO|1", *EVER).volume.tolist(), default=0) <= 10**15
        assert max(s.ticks("NSE_FO|1", *EVER).vtt.tolist(), default=-1) == -1
    assert run("data")[0] == 0


@pytest.mark.parametrize(
    ("symbol", "name", "kind"),
    [
        ("NIFTY-FUT", "", Kind.FUTURE), ("NIFTY24DECFUT", "", Kind.FUTURE), ("NIFTY FUT", "", Kind.FUTURE),
        ("NIFTY 30JUL20 FUT", "", Kind.FUTURE), ("BANKNIFTY-FUT:2026-12", "", Kind.FUTURE),
        ("N", "NIFTY FUT 30 JUL 20", Kind.FUTURE),
        ("nifty fut", "", Kind.FUTURE), ("BANKNIFTY24D1852000CE", "", Kind.OPTION), ("NIFTY 24 DEC 24000 CE", "", Kind.OPTION),
        ("N", "NIFTY 24 DEC 24000 PE", Kind.OPTION), ("N", "NIFTY 24000 CE 26 DEC 24", Kind.OPTION),
        ("NSE_FO|1", "NIFTY24DEC24000CE", Kind.OPTION), ("NSE_FO|1", "NIFTY 24 DEC FUT", Kind.FUTURE),
        ("NSE_FO|1", "", Kind.FUTURE),
        ("NSE_EQ|1", "FUTURE RETAIL", Kind.EQUITY), ("FUTURERETAIL", "", Kind.EQUITY), ("RELIANCE", "Reliance", Kind.EQUITY),
        ("3PEOPLE", "", Kind.EQUITY), ("NICE", "", Kind.EQUITY), ("NSE_INDEX|N", "NIFTY FUT", Kind.INDEX),
    ],
)  # fmt: skip
def test_futures_and_options_are_known_by_symbol_or_name(run, symbol, name, kind):
    write("a.csv", bars_csv())
    code, out, _ = run("import", "a.csv", "--symbol", symbol, *(["--name", name] if name else []))
    assert code == 0
    assert f": {kind.value} (inferred), tick " in out
    with store() as s:
        assert s.instrument(symbol).kind is kind


def test_the_user_decides_what_kind_an_instrument_is_and_corrects_a_stored_one(run):
    write("a.csv", bars_csv())
    out = run("import", "a.csv", "--symbol", "ABC", "--instrument-kind", "future")[1]
    assert "ABC: future, tick" in out
    assert "ABC: future, tick" in run("import", "a.csv", "--symbol", "ABC")[1]
    assert "ABC: option, tick" in run("import", "a.csv", "--symbol", "ABC", "--instrument-kind", "option")[1]
    with store() as s:
        assert s.instrument("ABC").kind is Kind.OPTION


@pytest.mark.parametrize("stamp", [50_000_000_000, 5 * 10**13, 5 * 10**16, 2**63 - 1, 0, -5, 86_400, "1500-01-01", "2250-01-01",
                                   "50000000000.5", "1985-01-01 09:15:00", "1890-01-01 09:15"])  # fmt: skip
def test_a_time_outside_the_two_centuries_is_a_rejected_row(refused, run, stamp):
    write("t.csv", ticks_csv([(stamp, 10, 1)] * 2))
    assert "2 of 2 rows rejected: the time" in refused("import", "t.csv", "--symbol", "A")
    good = [(OPEN + i, 10, 1) for i in range(300)]
    write("m.csv", ticks_csv([*good, (stamp, 10, 1)]))
    assert "1 rejected: the time" in run("import", "m.csv", "--symbol", "A")[1]
    write("b.csv", bars_csv(2, ts=[stamp] * 2))
    assert "2 of 2 rows rejected: the time" in run("import", "b.csv", "--symbol", "B")[2]


@pytest.mark.parametrize(
    "column",
    [pa.array([5 * 10**10, 5 * 10**10], pa.timestamp("s")), pa.array([5e10, 5e16]), pa.array([1e19, -1e300]),
     pa.array([10**6, 10**6], pa.date32()), pa.array([2**64 - 1, 2**63], pa.uint64()),
     pa.array([5 * 10**10, 5 * 10**10], pa.timestamp("s", "UTC"))],
)  # fmt: skip
def test_a_parquet_time_outside_the_two_centuries_is_a_rejected_row(refused, column):
    pq.write_table(pa.table({"ts": column, "price": [1.0, 2.0], "size": [1, 2]}), "t.parquet")
    assert "2 of 2 rows rejected: the time" in refused("import", "t.parquet", "--symbol", "A")


def test_a_message_of_an_impossible_time_or_name_is_rejected(refused):
    for stamp in (9_223_372_036_854, 5, 8 * 10**12):
        write("a.json", json.dumps([feed(0) | {"currentTs": str(stamp)}]))
        assert "the time" in refused("import", "a.json")
    write("a.json", json.dumps([feed(0, key="\ud800")]))
    assert "1 of 1 messages rejected: symbol" in refused("import", "a.json")
    write("a.csv", "ts,raw_json\n" + f'{2**63 - 1},"{{""feeds"": {{}}}}"\n')
    assert "the time" in refused("import", "a.csv")


def test_a_last_trade_of_an_impossible_time_makes_no_tick(run):
    bodies = [feed(i) for i in range(5)]
    bodies[2]["feeds"]["NSE_FO|1"]["fullFeed"]["marketFF"]["ltpc"]["ltt"] = "9223372036854"
    write("a.json", json.dumps(bodies))
    assert run("import", "a.json")[0] == 0
    with store() as s:
        assert max(s.ticks("NSE_FO|1", *EVER).ts.tolist()) == OPEN + 4 * 10**9


@pytest.mark.parametrize("tail", ["garbage", "\n" + json.dumps([feed(1)]), " ]", " " * 5_000_000 + "x"])
def test_what_follows_the_end_of_an_array_is_never_dropped(refused, tail):
    write("a.json", json.dumps([feed(0)]) + tail)
    assert "after the end of the JSON array (1 messages)" in refused("import", "a.json")


def test_blanks_after_the_end_of_an_array_are_nothing(run):
    write("a.json", json.dumps([feed(0)]) + " \n" * 3_000_000)
    assert run("import", "a.json")[0] == 0


@pytest.mark.parametrize("tick", ["1e400", "1e-400", "1e-12", "1000000.01", "0.0500000000000000000001", "0", "-1", "nan", "x"])
def test_a_price_step_of_no_market_is_refused(refused, tick):
    write("a.csv", bars_csv())
    assert f"--tick '{tick}'" in refused("import", "a.csv", "--symbol", "A", f"--tick={tick}")


@pytest.mark.parametrize("lot", ["9" * 30, "9" * 5_000, "1000000001", "0", "-1", "1.5"])
def test_a_lot_of_no_market_is_refused(refused, lot):
    write("a.csv", bars_csv())
    assert "is no lot" in refused("import", "a.csv", "--symbol", "A", f"--lot={lot}")


def test_a_stored_price_step_changes_only_where_the_user_says_so_and_the_file_is_good(run, bad):
    write("a.csv", bars_csv())
    write("fine.csv", bars_csv(open=[10.05] * 5))
    write("bad.csv", bars_csv(close=["x"] * 5))

    def tick():
        with store() as s:
            return s.instrument("A").tick

    run("import", "a.csv", "--symbol", "A")
    first = tick()
    run("import", "a.csv", "fine.csv", "--symbol", "A")
    assert tick() == first
    bad("import", "bad.csv", "--symbol", "A", "--tick", "0.05")
    assert tick() == first
    run("import", "a.csv", "--symbol", "A", "--tick", "0.05")
    assert tick() == Decimal("0.05")


def test_a_refused_file_names_every_kind_of_reason_with_its_first_line(refused):
    write("a.csv", bars_csv(6, ts=["x", *(f"2025-12-15 09:1{i}" for i in range(5))], close=[10, "y", "y", 10, 10, 10]))
    error = refused("import", "a.csv", "--symbol", "A")
    assert "3 of 6 rows rejected: the price is missing or not above 0 (2, first at line 3), " in error
    assert "the time cannot be read (1, first at line 2)" in error


def test_a_first_import_that_fails_after_the_file_was_found_good_leaves_no_store(run, tmp_path, monkeypatch):
    from auction_bt.store.sqlite import SqliteStore

    write("a.csv", bars_csv())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SqliteStore, "put_derived", full)
    assert run("import", "a.csv", "--symbol", "A")[0] != 0
    assert not list(tmp_path.glob("auction.db*"))


def test_an_import_that_fails_leaves_alone_an_empty_store_that_was_there(run, tmp_path, monkeypatch):
    from auction_bt.store.sqlite import SqliteStore

    open_store("sqlite:///auction.db", create=True).close()
    write("a.csv", bars_csv())

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(SqliteStore, "put_derived", full)
    assert run("import", "a.csv", "--symbol", "A")[0] != 0
    assert (tmp_path / "auction.db").exists()


def test_a_second_file_that_fails_leaves_the_first_one_stored(run):
    write("a.csv", bars_csv())
    assert run("import", "a.csv", "no.csv", "--symbol", "A")[0] == 2
    with store() as s:
        assert len(s.bars("A", *EVER)) == 5


@pytest.mark.parametrize("content", [bytes(range(1, 256)) * 20, b"\xff" * 500, b"a,b\n1,\xe9\n" * 3, bytes(range(1, 128)) * 20])
def test_binary_junk_is_refused_in_one_line(refused, content):
    Path("a.csv").write_bytes(content)
    refused("import", "a.csv", "--symbol", "A")


@pytest.mark.parametrize("symbol", ["", " ", " A", "A\udcff"])
def test_an_empty_or_unwritable_symbol_is_refused(refused, run, bad, symbol):
    write("a.csv", bars_csv())
    assert "--symbol" in refused("import", "a.csv", "--symbol", symbol)
    run("import", "a.csv", "--symbol", "A")
    if symbol.strip() != "A":  # where a name is asked for, spaces around it say nothing
        bad("export", "--symbol", symbol, "--from-date", "2025-12-15", "--to-date", "2025-12-15")
        bad("data", "--symbol", symbol)
