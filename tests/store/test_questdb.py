"""What is particular to a store on a QuestDB server: the server itself, its errors, its ways of being slow or half there."""

import json
import re
import socketserver
import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from auction_bt.core.bar import Bar, BarColumns
from auction_bt.core.errors import AuctionError, BadInput, Fatal, Refused, Retryable
from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import day_start
from auction_bt.core.tick import Tick, TickColumns
from auction_bt.store import Gap, RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import is_there, open_store
from auction_bt.store.questdb.schema import TABLES
from auction_bt.store.questdb.server import Server, between

DAY = 20_437
OPEN = day_start(DAY) + 9 * 3600 * 10**9
EVER = (0, 2**62)


def ticks(n, begin=OPEN):
    return TickColumns.of([Tick("A", begin + i, begin + i, 100.0 + i, i, bid=float("nan"), ask=1e-300) for i in range(n)])


def url(place, **changes):
    """Return the DSN of a place that differs."""
    p = replace(place, **changes)
    return f"questdb://{p.user}:{p.password}@{p.host}:{p.port}/{p.database}?http={p.http}&prefix={p.prefix}"


@contextmanager
def answering(status, body):
    """Give the port of a web server that always answers so."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def place(questdb_dsn):
    return parse(questdb_dsn)


def failure(dsn, **how):
    with pytest.raises(AuctionError) as caught:
        open_store(dsn, **how).close()
    text = str(caught.value)
    assert "\n" not in text
    assert "secret" not in text
    return caught.value


# --- errors in one line


@contextmanager
def hanging_up():
    """Listen and end each connection when something was said; yield the port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_a_wrong_password_says_so(place):
    error = failure(url(place, password="secret"), create=True)
    assert isinstance(error, BadInput)
    assert "wrong user or password" in str(error)


def test_a_port_where_nothing_listens_says_how_to_start_one(place, free_port):
    error = failure(url(place, port=free_port), create=True)
    assert isinstance(error, Retryable)
    assert f"nothing listens on 127.0.0.1:{free_port}: start the server (make questdb)" in str(error)
    error = failure(url(place, http=free_port), create=True)
    assert f"nothing listens on 127.0.0.1:{free_port} (HTTP)" in str(error)


def test_a_server_that_breaks_off_is_not_called_another_port(place):
    with hanging_up() as port:
        for dsn in (url(place, port=port), url(place, http=port)):
            error = failure(dsn, create=True)
            assert isinstance(error, Retryable)
            assert "broke off" in str(error)
            assert re.search("the server is (busy, )?starting or going down, try again", str(error))


def test_ports_in_each_others_place_say_which_is_which(place):
    assert "8812 by default" in str(failure(url(place, port=place.http), create=True))


def test_a_server_that_is_no_questdb_says_so(place):
    with answering(200, b"<html>hello</html>") as port:
        error = failure(url(place, http=port), create=True)
    assert isinstance(error, BadInput)
    assert "is no QuestDB" in str(error)


@pytest.mark.parametrize("version", ["8.1.4", "9.2.3"])
def test_a_version_too_old_says_what_is_needed(place, version):
    with answering(200, json.dumps({"config": {"release.version": version}}).encode()) as port:
        error = failure(url(place, http=port), create=True)
    assert f"QuestDB {version} is too old: install 9.3 or newer" in str(error)


def test_no_store_is_not_made_by_reading(place):
    dsn = url(place)
    assert not is_there(dsn)
    assert "no store at" in str(failure(dsn))
    assert "no store at" in str(failure(dsn, readonly=True))
    assert not is_there(dsn)
    open_store(dsn, create=True).close()
    assert is_there(dsn)
    open_store(dsn).close()


def test_a_missing_table_is_named(place, questdb):
    dsn = url(place)
    open_store(dsn, create=True).close()
    questdb.sql(f"DROP TABLE '{place.prefix}gaps'")
    assert f"table {place.prefix}gaps is missing" in str(failure(dsn))
    open_store(dsn, create=True).close()
    open_store(dsn).close()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ("ts TIMESTAMP_NS, price DOUBLE", "it has no column symbol"),
        ("ts TIMESTAMP, symbol SYMBOL", "its column ts is TIMESTAMP, not TIMESTAMP_NS"),
    ],
)
def test_a_table_of_somebody_else_is_left_alone(place, questdb, columns, says):
    name = f"{place.prefix}ticks"
    questdb.sql(f"CREATE TABLE '{name}' ({columns}) TIMESTAMP(ts) PARTITION BY DAY")
    error = failure(url(place), create=True)
    assert isinstance(error, BadInput)
    assert f"table {name} there is not ours ({says}" in str(error)
    assert questdb.sql(f"SELECT count() FROM '{name}'") == [(0,)]


def test_a_store_of_a_newer_version_is_refused(place, questdb):
    dsn = url(place)
    with closing(open_store(dsn, create=True)), closing(Server(place)) as server:
        server.write([(server.name("schema_version"), {}, {"version": 99}, 1)])
        server.settle(["schema_version"])
    assert "newer version (schema 99" in str(failure(dsn))


def test_a_store_of_an_older_version_is_upgraded_by_a_writer_alone(place, questdb):
    instrument = Instrument("NSE_FO|1", Decimal("0.05"), 65, Kind.FUTURE, "NIFTY-FUT")
    with closing(open_store(url(place), create=True)) as store:
        store.put_instrument(instrument)
    for column in ("underlying", "expiry", "strike", "option_right", "closing_auction"):
        questdb.sql(f"ALTER TABLE '{place.prefix}instruments' DROP COLUMN {column}")
    questdb.settled(f"{place.prefix}instruments")
    assert "written by an older version" in str(failure(url(place)))
    with closing(open_store(url(place), create=True)) as store:
        assert store.instruments() == [instrument]
        store.put_instrument(known := replace(instrument, contract=Contract("NSE_INDEX|Nifty 50", 20_786)))
    with closing(open_store(url(place), readonly=True)) as store:
        assert store.instruments() == [known]


def test_a_reader_may_not_write(place):
    open_store(url(place), create=True).close()
    with (
        closing(open_store(url(place), readonly=True)) as store,
        pytest.raises(BadInput, match="opened for reading"),
    ):
        store.put_instrument(Instrument("A", Decimal(1)))


# --- the user who may only read, and a server that is busy


def test_a_read_only_user_reads_the_same_to_the_bit(place, questdb):
    dsn = url(place)
    bars = BarColumns.of([Bar("A", OPEN, 1.0, 2.0, 0.5, 1.5, 7, 3, OPEN + 9)])
    gaps = [Gap("A", OPEN, OPEN + 5, "silence")]
    with closing(open_store(dsn, create=True)) as store:
        store.put_derived("A", range(DAY, DAY + 1), ticks(100), bars, gaps)
        store.add_raw([RawMessage(OPEN, "a\\b", ("A",))])
        wanted = store.ticks("A", *EVER), store.bars("A", *EVER)
    reader = url(place, user=questdb.reader, password=questdb.reader_password)
    with closing(open_store(reader, readonly=True)) as store:
        for mine, theirs in zip(wanted, (store.ticks("A", *EVER), store.bars("A", *EVER)), strict=True):
            for name in type(mine).__dataclass_fields__:
                np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name))
        assert store.gaps("A", *EVER) == gaps
        assert [m.text for m in store.raw(*EVER)] == ["a\\b"]
    assert "may not use the HTTP port" in str(failure(reader, create=True))


def test_many_readers_at_once_all_get_their_columns(place):
    """The server exports two at a time and turns the others away."""
    dsn = url(place)
    with closing(open_store(dsn, create=True)) as store:
        store.put_derived("A", range(DAY, DAY + 1), ticks(50_000), BarColumns.empty(), [])
    found, failed = [], []

    def read():
        try:
            with closing(open_store(dsn, readonly=True)) as store:
                found.extend(len(store.ticks("A", *EVER)) for _ in range(3))
        except AuctionError as error:
            failed.append(error)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert found == [50_000] * 24


def test_every_filter_by_time_is_an_interval_scan_exact_to_the_nanosecond(place, questdb):
    with closing(open_store(url(place), create=True)) as store:
        store.put_derived("A", range(DAY, DAY + 1), ticks(10), BarColumns.empty(), [])
        store.append_raw([RawMessage(OPEN + i, str(i), ("A",)) for i in range(10)])
        assert store.raw_count(OPEN + 3, OPEN + 7) == 4
        assert store.ticks("A", OPEN + 3, OPEN + 7).ts.tolist() == [OPEN + i for i in range(3, 7)]
    for table in ("raw_wss_feed", "raw_symbol", "ticks"):
        plan = questdb.sql(f"EXPLAIN SELECT * FROM '{place.prefix}{table}' WHERE {between(OPEN, OPEN + 5)}")
        assert any("Interval" in row[0] for row in plan), plan


# --- days under seals


def test_a_day_whose_rows_were_lost_on_the_server_is_an_error_not_a_short_day(place, questdb):
    dsn = url(place)
    with closing(open_store(dsn, create=True)) as store:
        store.put_derived("A", range(DAY, DAY + 1), ticks(10), BarColumns.empty(), [])
        with closing(Server(place)) as server:
            server.run(f"TRUNCATE TABLE '{place.prefix}ticks'")
            server.settle(["ticks"])
        with pytest.raises(Fatal, match=r"A has 0 of 10 ticks from 2025-12-15.*run rebuild"):
            store.ticks("A", day_start(DAY), day_start(DAY + 1))


def test_writing_the_same_day_again_sends_nothing_and_another_day_leaves_only_the_new_one_in_force(place, questdb):
    dsn = url(place)
    rows = f"SELECT count() FROM '{place.prefix}ticks'"
    with closing(open_store(dsn, create=True)) as store:
        for _ in range(3):
            store.put_derived("A", range(DAY, DAY + 1), ticks(10), BarColumns.empty(), [])
        assert questdb.sql(rows) == [(10,)]
        store.put_derived("A", range(DAY, DAY + 1), ticks(4), BarColumns.empty(), [])
        assert len(store.ticks("A", *EVER)) == 4
    assert questdb.sql(rows) == [(14,)]
    assert questdb.sql(f"SELECT count() FROM '{place.prefix}ticks_now'") == [(4,)]


def test_a_write_that_was_cut_off_before_its_commit_leaves_the_day_as_it_was(place, monkeypatch):
    """The rows of the new day are there, but no reader sees them."""
    from auction_bt.store.questdb import store as module

    dsn = url(place)
    with closing(open_store(dsn, create=True)) as store:
        store.put_derived("A", range(DAY, DAY + 1), ticks(10), BarColumns.empty(), [])
        whole = module.QuestStore._settled

        def cut(self, rows, *tables):
            if "days" in tables:
                raise KeyboardInterrupt
            whole(self, rows, *tables)

        monkeypatch.setattr(module.QuestStore, "_settled", cut)
        with pytest.raises(KeyboardInterrupt):
            store.put_derived("A", range(DAY, DAY + 1), ticks(4), BarColumns.empty(), [])
        assert len(store.ticks("A", *EVER)) == 10
        monkeypatch.undo()
        store.put_derived("A", range(DAY, DAY + 1), ticks(4), BarColumns.empty(), [])
        assert len(store.ticks("A", *EVER)) == 4


@pytest.mark.parametrize("step", range(4))
def test_an_import_that_was_cut_off_is_completed_by_the_next(place, monkeypatch, step):
    from auction_bt.store.questdb import ilp

    dsn = url(place)
    messages = [RawMessage(OPEN + i // 3, f"{i % 2}", ("A",)) for i in range(12)]
    with closing(open_store(dsn, create=True)) as store, closing(open_store(url(place), create=True)):
        whole, calls = ilp.Ilp.write, []

        def cut(self, rows):
            calls.append(1)
            if len(calls) == 1 + step // 2:
                listed = list(rows)
                whole(self, listed[: len(listed) * (step % 2) // 2])
                raise Retryable("cut off")
            whole(self, rows)

        monkeypatch.setattr(ilp.Ilp, "write", cut)
        with pytest.raises(Retryable, match="cut off"):
            store.add_raw(messages)
        monkeypatch.undo()
        store.add_raw(messages)
        first = [(m.ts, m.text) for m in store.raw(*EVER)]
        assert store.add_raw(messages) == 0
        assert [(m.ts, m.text) for m in store.raw(*EVER)] == first
    whole_place = url(place, prefix=place.prefix[:-1] + "w_")
    with closing(open_store(whole_place, create=True)) as other:
        other.add_raw(messages)
        assert [(m.ts, m.text) for m in other.raw(*EVER)] == first


# --- faults of the server


def test_a_suspended_table_is_resumed_and_loses_nothing(place, questdb):
    dsn = url(place)
    with closing(open_store(dsn, create=True)) as store:
        questdb.sql(f"ALTER TABLE '{place.prefix}raw_wss_feed' SUSPEND WAL")
        store.append_raw([RawMessage(OPEN + i, str(i), ("A",)) for i in range(5)])
        assert store.raw_count(*EVER) == 5


def test_rows_the_server_never_takes_are_refused_and_the_others_can_be_sent(place):
    with closing(open_store(url(place), create=True)) as store:
        with pytest.raises(Refused, match=r"cannot be stored|refuses a row"):
            store.append_raw([RawMessage(1, "a"), RawMessage(2**63 - 2, "beyond the server's time")])
        store.append_raw([RawMessage(1, "a")])
        assert store.raw_count(*EVER) == 1


def test_a_connection_that_was_lost_is_made_again(place, questdb):
    with closing(open_store(url(place), create=True)) as store:
        store.add_raw([RawMessage(1, "a")])
        store._server._sql._connection.close()  # as a server that was restarted leaves it
        assert store.last_raw() == 1


def test_every_table_has_its_keys_and_its_partitions(place, questdb):
    open_store(url(place), create=True).close()
    for table in TABLES:
        name = place.prefix + table.name
        keys = questdb.sql(f"SELECT \"column\" FROM table_columns('{name}') WHERE upsertKey")
        assert {k for (k,) in keys} == set(table.keys)
        assert questdb.sql(f"SELECT partitionBy, walEnabled, dedup FROM tables() WHERE table_name = '{name}'") == [
            (table.partition, True, True)
        ]


# --- messages compressed


def test_a_day_written_while_it_is_compressed_is_uncompressed_again_and_said(place, questdb, monkeypatch):
    table = f"{place.prefix}raw_wss_feed"
    sent = [RawMessage(OPEN + i, f"{i}", ("A",)) for i in range(50)]
    with open_store(url(place), create=True) as store, open_store(url(place)) as recorder:
        store.append_raw(sent)
        assert store.raw_count(*EVER) == 50
        convert = store._archive._convert

        def interrupted(partition, form):
            if form == "PARQUET":
                recorder.append_raw([RawMessage(OPEN + 100, "late", ("A",))])
            convert(partition, form)

        monkeypatch.setattr(store._archive, "_convert", interrupted)
        with pytest.raises(Fatal, match=r"2025-12-15 of .*raw_wss_feed did not read back as it was and is uncompressed again"):
            store.archive(DAY + 9)
        assert questdb.sql(f"SELECT isParquet, numRows FROM table_partitions('{table}')") == [(False, 51)]
        monkeypatch.undo()
        assert [d.messages for d in store.archive(DAY + 9)] == [51]
        assert questdb.sql(f"SELECT isParquet FROM table_partitions('{table}')") == [(True,)]
        assert "zstd" in questdb.sql(f"SHOW CREATE TABLE '{table}'")[0][0]
        assert [m.text for m in store.raw(*EVER)] == [*map(str, range(50)), "late"]
    with open_store(url(place), readonly=True) as again:
        assert again.raw_count(*EVER) == 51
