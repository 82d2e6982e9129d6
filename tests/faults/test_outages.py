"""The store is away, loses its place, refuses a message or stands still; the disk is full. Nothing acknowledged is lost."""

import os
import resource
import sqlite3
import subprocess
import sys
from contextlib import contextmanager

import pytest

from auction_bt.store import RawMessage
from auction_bt.store.address import parse
from auction_bt.store.dsn import open_store
from auction_bt.store.message_blocks import Kept
from auction_bt.store.spool import Spool
from tests.dsns import new_dsn  # noqa: F401  fixtures are found by name
from tests.importing.made import EVER, OPEN
from tests.recording import child, is_own, numbered, spooled, stored  # noqa: F401
from tests.waiting import until

LINES = numbered(3000)
FILE = "".join(line + "\n" for line in LINES)


def acknowledged(process, count):
    """Wait until the recorder has said that so many are on the disk."""
    until(lambda: int((process.stdout.readline() or b"0 0").split()[1]) >= count, 60)


def told(process, text):
    """Wait until the recorder tells people this; return the line."""
    return until(lambda: (line := process.stderr.readline().decode()) and text in line and line, 60)


@contextmanager
def locked(path):
    """Hold the write lock of a database, as a long import does."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_store_that_another_process_is_writing_does_not_hold_the_recording_up(child, tmp_path):  # noqa: F811
    dsn = f"sqlite:///{tmp_path / 'a.db'}"
    stored(dsn)
    with locked(tmp_path / "a.db"):
        process = child("--store", dsn, "--ack", "--no-derive")
        process.stdin.write(FILE.encode())
        process.stdin.flush()
        acknowledged(process, len(LINES))
    process.stdin.close()
    assert process.wait(60) == 0
    assert [text for _, text in stored(dsn)] == LINES


def test_a_store_locked_in_mid_stream_gets_the_rest_when_it_is_free(child, tmp_path):  # noqa: F811
    dsn = f"sqlite:///{tmp_path / 'a.db'}"
    process = child("--store", dsn, "--ack", "--no-derive")
    process.stdin.write(FILE.encode())
    process.stdin.flush()
    acknowledged(process, len(LINES))
    until(lambda: stored(dsn), 30)
    with locked(tmp_path / "a.db"):
        process.stdin.write(FILE.encode())
        process.stdin.flush()
        acknowledged(process, 2 * len(LINES))
    process.stdin.close()
    assert process.wait(60) == 0
    assert [text for _, text in stored(dsn)] == LINES + LINES


def test_what_the_store_could_not_take_is_sent_by_the_next_start(child, tmp_path):  # noqa: F811
    dsn, state = f"sqlite:///{tmp_path / 'a.db'}", tmp_path / ".auction_bt"
    stored(dsn)
    with locked(tmp_path / "a.db"):
        process = child("--store", dsn, "--wait", "0.2")
        error = process.communicate(FILE.encode(), timeout=60)[1].decode()
        assert process.returncode == 1
        assert error.startswith(f"auction_bt: 3,000 messages wait in {state.relative_to(tmp_path)}/spool.db: the store has not")
        assert error.endswith("none is lost, the next record with this --state and --store sends them first\n")
    assert stored(dsn) == []
    out, _ = child("--store", dsn).communicate(b"", timeout=60)
    assert "3,000 messages of earlier wait in the spool and go first" in out.decode()
    assert "1 symbol-days" in out.decode()  # the days of the first run are derived by the second
    assert [text for _, text in stored(dsn)] == LINES


def test_a_message_the_store_refuses_is_a_dead_letter_and_the_others_arrive(child, new_dsn, tmp_path):  # noqa: F811
    dsn, state = new_dsn(), tmp_path / ".auction_bt"
    state.mkdir()
    stamps = [OPEN + i for i in range(len(LINES))]
    with Spool.open(state) as spool:
        spool.append([Kept(ts, line, None) for ts, line in zip(stamps, LINES, strict=True)], [], [], stamps[-1])
    with open_store(dsn, create=True) as store:
        store.append_raw([RawMessage(stamps[i], f"somebody else's {i}") for i in (7, 2000)])
    started = child("--store", dsn, "--no-derive")
    out, _ = started.communicate(b"", timeout=60)
    assert "2 dead letters in" in out.decode()
    assert started.returncode == 0  # the others are there
    assert "another message stands at" in out.decode()
    texts = [text for _, text in stored(dsn)]
    assert texts == [f"somebody else's {i}" if i in {7, 2000} else line for i, line in enumerate(LINES)]
    with Spool.open(state) as spool:
        assert [d.raw.decode() for d in spool.dead_letters()] == [LINES[7], LINES[2000]]


# --- a full disk


def limited():
    """Let no file of the process grow over 1 MB."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))


def is_stopped_by_a_full_disk(process, state):
    """Feed the recorder until it stops; return how many it has acknowledged."""
    out, error = process.communicate((FILE * 4).encode(), timeout=60)
    assert process.returncode == 1
    count = int(out.decode().splitlines()[-1].split()[1])
    (line,) = [text for text in error.decode().splitlines() if text.startswith("auction_bt: ")]
    assert "recording stopped: spool" in line
    assert "disk" in line
    assert "what was committed is safe" in line
    assert 0 < count < 4 * len(LINES)
    return count


def test_a_full_disk_stops_the_recording_and_loses_nothing_acknowledged(child, tmp_path):  # noqa: F811
    state, dsn = tmp_path / "state", f"sqlite:///{tmp_path / 'a.db'}"
    words = ("--state", state, "--store", dsn, "--no-derive", "--ack")
    count = is_stopped_by_a_full_disk(child(*words, preexec_fn=limited), state)
    sent = (LINES * 4)[:count]
    assert [text for _, text in spooled(state)] == sent
    process = child(*words)  # there is room again
    assert process.stdout.readline().split()[1] == b"%d" % count
    process.communicate((LINES * 4)[count].encode(), timeout=60)
    assert process.returncode == 0
    assert [text for _, text in stored(dsn) if not is_own(text)] == [*sent, (LINES * 4)[count]]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False
    ).returncode:  # fmt: skip
        pytest.skip("only root on Linux may mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_really_full_disk_does_the_same(child, small_disk, tmp_path):  # noqa: F811
    state, dsn = small_disk / "state", f"sqlite:///{tmp_path / 'a.db'}"
    words = ("--state", state, "--store", dsn, "--no-derive", "--ack")
    count = is_stopped_by_a_full_disk(child(*words), state)
    subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
    process = child(*words)
    assert process.stdout.readline().split()[1] == b"%d" % count
    process.communicate(b"", timeout=60)
    assert process.returncode == 0
    assert [text for _, text in stored(dsn) if not is_own(text)] == (LINES * 4)[:count]


# --- a real server


def test_a_server_that_is_down_at_the_start_gets_everything_when_it_is_up(child, questdb_alone):  # noqa: F811
    dsn = questdb_alone.dsn("late_")
    questdb_alone.kill()
    process = child("--store", dsn, "--ack", "--no-derive")
    told(process, "store down: ")
    process.stdin.write(FILE.encode())
    process.stdin.flush()
    acknowledged(process, len(LINES))
    questdb_alone.start()
    told(process, "store up again after ")
    process.stdin.close()
    assert process.wait(60) == 0
    assert [text for _, text in stored(dsn)] == LINES


@pytest.mark.parametrize("table", ["raw_wss_feed", "raw_symbol"])
def test_a_suspended_table_is_brought_back_with_all_it_was_sent(child, questdb, questdb_dsn, table):  # noqa: F811
    stored(questdb_dsn)
    questdb.sql(f"ALTER TABLE {parse(questdb_dsn).prefix}{table} SUSPEND WAL")
    process = child("--store", questdb_dsn, "--no-derive")
    _, error = process.communicate(FILE.encode(), timeout=60)
    assert (process.returncode, error) == (0, b"")
    with open_store(questdb_dsn, readonly=True) as store:
        found = list(until(lambda: len(m := list(store.raw(*EVER))) == len(LINES) and m))
    assert [m.text for m in found] == LINES
    assert {m.symbols for m in found} == {("NSE_FO|1",)}
