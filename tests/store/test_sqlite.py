"""The file: what it is told apart from, who may read and write it, what other programs see in it."""

import multiprocessing
import os
import sqlite3
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest

from auction_bt.core.errors import BadInput, Fatal, Retryable, UnknownSymbol
from auction_bt.core.instrument import Instrument
from auction_bt.core.tick import TickColumns
from auction_bt.store import RawMessage
from auction_bt.store.blocks import pack, unpack
from auction_bt.store.dsn import open_store
from auction_bt.store.schema import APPLICATION_ID, TABLES


def dsn(path):
    return f"sqlite:///{path}"


def test_the_recording_is_a_table_of_exactly_two_columns_for_any_sqlite_reader(tmp_path):
    path = tmp_path / "a.db"
    with open_store(dsn(path), create=True) as store, sqlite3.connect(f"file:{path}?mode=ro", uri=True) as reader:
        store.add_raw([RawMessage(5, "{}")])
        assert [row[1:3] for row in reader.execute("PRAGMA table_info(raw_wss_feed)")] == [
            ("ts", "INTEGER"),
            ("raw_json", "TEXT"),
        ]
        assert reader.execute("SELECT * FROM raw_wss_feed").fetchall() == [(5, "{}")]
        tables = {row[0] for row in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        assert tables == {t.name for t in TABLES}
        assert reader.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert reader.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    reader.close()


def test_every_table_says_in_which_order_it_is_read():
    assert all(t.scan and t.create.startswith(f"CREATE TABLE {t.name} (") for t in TABLES)


@pytest.mark.parametrize("readonly", [False, True])
def test_opening_what_is_not_there_makes_no_file(tmp_path, readonly):
    with pytest.raises(BadInput, match=r"no store at .*: import or record"):
        open_store(dsn(tmp_path / "a.db"), readonly=readonly)
    assert list(tmp_path.iterdir()) == []


def test_relative_and_absolute_names_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    open_store("sqlite:///a.db", create=True).close()
    assert (tmp_path / "a.db").is_file()
    open_store(f"sqlite:///{tmp_path}/b 100%25.db", create=True).close()
    assert (tmp_path / "b 100%25.db").is_file()


@pytest.mark.parametrize("content", [b"hello", b"PAR1" + bytes(200), b"SQLite format 3\0" + bytes(40)])
@pytest.mark.parametrize("create", [False, True])
def test_a_file_that_is_not_ours_is_refused_and_not_touched(tmp_path, content, create):
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not touched"):
        open_store(dsn(path), create=create)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_another_programs_database_is_refused_and_not_touched(tmp_path):
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE ticks (a)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(BadInput, match="something else"):
        open_store(dsn(path), create=True)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version_asks_for_an_upgrade(tmp_path):
    path = tmp_path / "a.db"
    open_store(dsn(path), create=True).close()
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO schema_version VALUES (99)")
    db.close()
    with pytest.raises(BadInput, match=r"newer version \(schema 99.*upgrade"):
        open_store(dsn(path))


def test_a_folder_a_missing_folder_and_a_file_for_a_folder_are_named(tmp_path):
    with pytest.raises(BadInput, match="is a folder"):
        open_store(dsn(tmp_path), create=True)
    with pytest.raises(BadInput, match="there is no folder"):
        open_store(dsn(tmp_path / "no" / "a.db"), create=True)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody may write, as /proc is on Linux")
def test_a_folder_that_cannot_be_written_is_one_clear_line():
    with pytest.raises(BadInput, match="cannot be opened: its folder must exist and be writable"):
        open_store("sqlite:////proc/auction.db", create=True)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="file permissions do not bind this user")
def test_a_read_only_folder_can_be_read_and_says_why_it_cannot_be_written(tmp_path):
    path = tmp_path / "a.db"
    with open_store(dsn(path), create=True) as store:
        store.add_raw([RawMessage(5, "{}")])
    path.chmod(0o444)
    tmp_path.chmod(0o555)
    try:
        with open_store(dsn(path), readonly=True) as store:
            assert len(list(store.raw(0, 9))) == 1
        with pytest.raises(BadInput, match="read-only"), open_store(dsn(path)) as store:
            store.add_raw([RawMessage(6, "{}")])
    finally:
        tmp_path.chmod(0o755)


def test_a_store_opened_for_reading_refuses_to_be_written(tmp_path):
    open_store(dsn(tmp_path / "a.db"), create=True).close()
    with open_store(dsn(tmp_path / "a.db"), readonly=True) as store, pytest.raises(BadInput, match="opened for reading"):
        store.add_raw([RawMessage(5, "{}")])


@pytest.mark.parametrize("left", ["", "tables"])
def test_a_creation_that_was_cut_short_is_completed_by_the_next(tmp_path, left):
    path = tmp_path / "a.db"
    if left:  # tables made, switch to WAL not
        open_store(dsn(path), create=True).close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        db.close()
    else:
        path.touch()
        with pytest.raises(BadInput, match="no store at"):
            open_store(dsn(path))
    with open_store(dsn(path), create=True) as store:
        store.add_raw([RawMessage(5, "{}")])
        assert (tmp_path / "a.db-wal").exists()


def test_many_that_make_one_store_at_once_all_get_it(tmp_path):
    refused = []

    def make(path, barrier):
        barrier.wait()
        try:
            open_store(dsn(path), create=True).close()
        except Retryable as error:
            refused.append(error)

    for turn in range(100):  # without a wait for the switch to WAL a few of these are refused
        barrier = threading.Barrier(8)
        makers = [threading.Thread(target=make, args=(tmp_path / f"{turn}.db", barrier)) for _ in range(8)]
        for maker in makers:
            maker.start()
        for maker in makers:
            maker.join()
    assert refused == []


def _write(path, who, barrier, count):
    barrier.wait()
    with open_store(dsn(path), create=True) as store:
        for i in range(count):
            store.add_raw([RawMessage(i, f"{who} {i}", (who,)), RawMessage(i, f"{who} again", (who,))])


def test_writers_of_several_processes_that_begin_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    path = tmp_path / "a.db"
    workers = [context.Process(target=_write, args=(path, who, barrier, 40)) for who in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [w.exitcode for w in workers] == [0, 0, 0]
    with open_store(dsn(path), readonly=True) as store:
        kept = [m.text for m in store.raw(0, 2**62)]
        assert len(kept) == 240
        assert set(kept) == {f"{w} {i}" for w in "abc" for i in range(40)} | {f"{w} again" for w in "abc"}


def test_a_reader_sees_whole_writes_only_while_another_writes(tmp_path):
    path = tmp_path / "a.db"
    with open_store(dsn(path), create=True) as writer, open_store(dsn(path), readonly=True) as reader:
        with writer.writing():
            writer.add_raw([RawMessage(1, "a")])
            assert list(reader.raw(0, 9)) == []
        assert len(list(reader.raw(0, 9))) == 1


def test_a_store_that_another_process_is_writing_says_try_again(tmp_path):
    path = tmp_path / "a.db"
    with open_store(dsn(path), create=True) as first, open_store(dsn(path)) as second:
        second._db.execute("PRAGMA busy_timeout = 0")
        with first.writing(), pytest.raises(Retryable, match="another process"):
            second.add_raw([RawMessage(1, "a")])


@pytest.mark.parametrize("cut", [0, 5, 20, -1])
def test_a_damaged_block_of_ticks_is_said_and_not_read(cut):
    blob = pack(TickColumns.empty())
    with pytest.raises(Fatal, match="damaged"):
        unpack([blob[:cut]])


def test_holdings_can_be_counted_whatever_volumes_a_store_holds(tmp_path):
    with open_store(dsn(tmp_path / "a.db"), create=True) as store:
        rows = [("A", i * 60 * 10**9, 1.0, 1.0, 1.0, 1.0, 2**63 - 1, 2**63 - 1, 0, 0) for i in range(5)]
        store._db.executemany("INSERT INTO bars_1m VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        (held,) = store.holdings()
        assert held.bars == 5
        assert held.volume >= 2**62


def test_an_empty_text_is_the_name_of_no_instrument(tmp_path):
    with open_store(dsn(tmp_path / "a.db"), create=True) as store:
        store.put_instrument(Instrument("A", Decimal("0.05")))
        with pytest.raises(UnknownSymbol, match="''"):
            store.instrument("")


_FULL = """
import resource, sys
from pathlib import Path
from auction_bt.core.errors import AuctionError
from auction_bt.store.journal import Journal
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))
try:
    journal = Journal.open(Path(sys.argv[1]))
    for _ in range(200):
        journal.start_run("x" * 5000)
except AuctionError as error:
    print(error)
"""


@pytest.mark.parametrize("size", [0, 1000, 5000, 20_000, 60_000])
def test_a_full_disk_is_what_the_error_says_and_leaves_no_empty_file(tmp_path, size):
    pytest.importorskip("resource", reason="needs limits on file sizes")
    done = subprocess.run([sys.executable, "-c", _FULL, str(tmp_path), str(size)], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}, check=False)  # fmt: skip
    assert done.stderr == ""
    assert "full" in done.stdout or "disk I/O" in done.stdout
    assert "no transaction" not in done.stdout
    assert all(p.stat().st_size for p in tmp_path.glob("journal.db"))


def test_a_statement_that_ended_its_transaction_is_the_error_that_is_told(tmp_path):
    def fail(store):
        with store.writing():
            store._db.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")

    with open_store(dsn(tmp_path / "a.db"), create=True) as store, pytest.raises(Fatal, match="the disk is full"):
        fail(store)
