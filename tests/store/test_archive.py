"""What is particular to archived messages in a file: kills, damage, other processes, older versions, the space."""

import os
import sqlite3
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from auction_bt.cli import main
from auction_bt.core.errors import Fatal
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_start
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.raw_block import pack, unpack
from auction_bt.store.schema import CONTRACT_COLUMNS

DAY = 20_437
BEGIN = day_start(DAY) + 9 * 60 * MINUTE_NS
EVER = (-(2**62), 2**62)
ROOT = Path(__file__).resolve().parents[2]


def messages(count, step=MINUTE_NS):
    return [RawMessage(BEGIN + i * step, f'{{"i": {i}, "text": "{"x" * (i % 50)}"}}', ("A",)) for i in range(count)]


def filled(path, sent):
    dsn = f"sqlite:///{path}"
    with open_store(dsn, create=True) as store:
        store.append_raw(sent)
    return dsn


def rows(path, table):
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
        (count,) = db.execute(f"SELECT count(*) FROM {table}").fetchone()
    db.close()
    return count


# It goes on after the line that its killer waits for, so that the kill falls anywhere in its work, but never comes to the end.
_ARCHIVING = """
import sys
from auction_bt.store.dsn import open_store
left = int(sys.argv[3])
def done(day):
    global left
    left -= 1
    print(day, flush=True)
    if not left:
        sys.stdin.read()
with open_store(sys.argv[1]) as store:
    store.archive(int(sys.argv[2]), done)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process cannot be killed in the middle in the same way")
def test_a_process_killed_while_it_archives_loses_nothing(tmp_path):
    sent = messages(3_000)
    path = tmp_path / "a.db"
    dsn = filled(path, sent)
    for lines in (1, 20, 70):
        command = [sys.executable, "-c", _ARCHIVING, dsn, str(DAY + 9), str(lines + 20)]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            for _ in range(lines):
                assert process.stdout.readline()
            process.kill()
        assert process.returncode == -9
        with open_store(dsn, readonly=True) as store:
            assert list(store.raw(*EVER)) == sent
            assert store.raw_count(*EVER) == len(sent)
    assert rows(path, "raw_blocks")
    assert rows(path, "raw_wss_feed")
    with open_store(dsn) as store:
        store.archive(DAY + 9)
        assert list(store.raw(*EVER)) == sent
        assert store.archive(DAY + 9) == []
    assert (rows(path, "raw_blocks"), rows(path, "raw_wss_feed")) == (200, 0)


def test_a_reader_and_a_writer_go_on_while_another_archives(tmp_path):
    sent = messages(60)
    dsn = filled(tmp_path / "a.db", sent)
    with open_store(dsn) as store, open_store(dsn, readonly=True) as reader, open_store(dsn) as writer:
        seen = []

        def between(day):
            seen.append([m.ts for m in reader.raw(*EVER)])
            writer.append_raw([RawMessage(BEGIN + 30 * DAY_NS + len(seen), "{}", ("A",))])

        reading = reader.raw(*EVER)
        first = [next(reading) for _ in range(20)]
        store.archive(DAY + 1, between)
        assert first + list(reading) == sent + [RawMessage(BEGIN + 30 * DAY_NS + i, "{}", ("A",)) for i in range(1, 5)]
        assert [len(s) for s in seen] == [60, 61, 62, 63]
        assert store.raw_count(*EVER) == 64


def test_rows_written_while_a_block_is_made_are_in_the_next(tmp_path, monkeypatch):
    sent = messages(30)
    dsn = filled(tmp_path / "a.db", sent)
    late = [RawMessage(BEGIN + 1, "late", ()), RawMessage(BEGIN + 20 * MINUTE_NS + 1, "later", ())]
    with open_store(dsn) as store, open_store(dsn) as writer:
        original = store._archive._next_rows

        def interrupted(limit):
            found = original(limit)
            if late:
                writer.append_raw([late.pop(0)])
            return found

        monkeypatch.setattr(store._archive, "_next_rows", interrupted)
        (day,) = store.archive(DAY + 1)
        assert day.messages == 32
        assert [m.text for m in store.raw(*EVER)][:2] == ['{"i": 0, "text": ""}', "late"]
        assert store.raw_count(*EVER) == 32


def test_a_damaged_block_is_said_and_never_read(tmp_path):
    path = tmp_path / "a.db"
    dsn = filled(path, messages(10))
    with open_store(dsn) as store:
        store.archive(DAY + 1)
    with sqlite3.connect(path) as db:
        (data,) = db.execute("SELECT data FROM raw_blocks").fetchone()
        db.execute("UPDATE raw_blocks SET data = ?", (data[:-20] + b"\0" + data[-19:],))
    db.close()
    with open_store(dsn, readonly=True) as store, pytest.raises(Fatal, match="archived messages is damaged"):
        list(store.raw(*EVER))


@pytest.mark.parametrize("spoil", [lambda b: b"", lambda b: b[:10], lambda b: b"X" + b[1:], lambda b: b[:-1]])
def test_a_block_is_whole_or_an_error(spoil):
    stored = [(-5, ""), (3, "₹"), (2**62, "\0{}")]
    sha, data = pack(stored)
    assert unpack(sha, data) == stored
    for wrong in ((sha, spoil(data)), (bytes(32), data)):
        with pytest.raises(Fatal, match="damaged"):
            unpack(*wrong)


def test_a_file_of_the_version_before_is_read_as_it_is_and_upgraded_by_a_writer(tmp_path):
    path = tmp_path / "a.db"
    sent = messages(40)
    dsn = filled(path, sent)
    with sqlite3.connect(path) as db:
        db.executescript("DROP TABLE raw_blocks; UPDATE schema_version SET version = 2")
        for column in CONTRACT_COLUMNS:
            db.execute(f"ALTER TABLE instruments DROP COLUMN {column.split()[0]}")
        db.execute("INSERT INTO instruments VALUES ('A', 'a', 0, '0.05', 1, 'equity')")
    db.close()
    with open_store(dsn, readonly=True) as reader:
        assert reader.instruments() == [Instrument("A", Decimal("0.05"), name="a")]
        assert list(reader.raw(*EVER)) == sent
        assert (reader.raw_count(*EVER), reader.last_raw()) == (40, sent[-1].ts)
        with open_store(dsn) as store:
            assert store.archive(DAY + 1)
        assert list(reader.raw(*EVER)) == sent
        assert (reader.raw_count(*EVER), reader.last_raw()) == (40, sent[-1].ts)


def test_the_command_says_what_it_gave_and_what_it_did_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    dsn = filled(Path("a.db"), messages(3_000, MINUTE_NS // 10))
    assert main(["archive", "--older-than", "30d", "--store", dsn]) == 0
    first, total, space, command = capsys.readouterr().out.splitlines()
    assert first.startswith("2025-12-15: 3,000 messages, 0.1 MB → 0.0 MB (")
    assert total.startswith("archived 1 day: 3,000 messages")
    assert "are free, and will be used by what is recorded next" in space
    before = Path("a.db").stat().st_size
    done = subprocess.run([sys.executable, "-c", command.strip().partition(' -c "')[2][:-1]], check=False, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert Path("a.db").stat().st_size < before
    with open_store(dsn, readonly=True) as store:
        assert list(store.raw(*EVER)) == messages(3_000, MINUTE_NS // 10)
    assert main(["archive", "--older-than", "30d", "--store", dsn]) == 3
    assert "not archived already" in capsys.readouterr().err
    for text in ("30", "d", "-1d", "99999d", "1.5d"):
        assert main(["archive", f"--older-than={text}", "--store", dsn]) == 2
        assert "write 30d" in capsys.readouterr().err
