"""The spool keeps groups whole, knows where each source was left, and forgets nothing that a store may still need."""

import sqlite3
import subprocess
import sys

import pytest

from auction_bt.core.errors import BadInput, Refused
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import NAME, DeadLetter, Place, Span, Spool, symbols_text

EVER = 2**63 - 1


def rows(*stamps):
    return [(ts, f'{{"n":{ts}}}', symbols_text(("A", "₹"))) for ts in stamps]


def stamps(spool):
    return [m.ts for m in spool.batch(-1, EVER, 1000, 10**9)]


@pytest.fixture
def spool(tmp_path):
    with Spool.open(tmp_path) as opened:
        yield opened


def test_a_group_comes_back_with_all_that_belongs_to_it(spool, tmp_path):
    dead = DeadLetter(4, b"\xff\x00", "not UTF-8 text")
    spool.append(rows(1, 2), [dead], [Place("f", 99, "3:ab")], [(5, "A"), (5, ""), (6, "A")], 4)
    spool.append([], [], [], [(5, "A")], 5)
    with Spool.open(tmp_path) as other:
        assert other.batch(0, EVER, 10, 10**6) == [RawMessage(1, '{"n":1}', ("A", "₹")), RawMessage(2, '{"n":2}', ("A", "₹"))]
        assert (other.last, other.watermark, other.waiting()) == (5, -1, 2)
        assert other.places() == [Place("f", 99, "3:ab")]
        assert other.touched() == {5: {"A", ""}, 6: {"A"}}
        assert (other.dead_letters(), other.dead_count()) == ([dead], 1)


def test_a_group_that_cannot_be_kept_leaves_nothing(spool):
    spool.append(rows(1), [], [Place("f", 1)], [], 1)
    with pytest.raises(Exception, match="UNIQUE"):
        spool.append(rows(2, 1), [DeadLetter(3, b"x", "y")], [Place("f", 2)], [(1, "B")], 3)
    assert (stamps(spool), spool.places(), spool.touched(), spool.dead_count(), spool.last) == ([1], [Place("f", 1)], {}, 0, 1)


def test_batches_are_cut_by_rows_and_by_characters_but_never_empty(spool):
    spool.append(rows(*range(10)), [], [], [], 9)
    assert [m.ts for m in spool.batch(2, 8, 3, 10**6)] == [2, 3, 4]
    assert [m.ts for m in spool.batch(2, 4, 9, 10**6)] == [2, 3]
    assert [m.ts for m in spool.batch(2, 8, 9, 1)] == [2]
    assert [m.ts for m in spool.batch(2, 8, 9, 8)] == [2, 3]
    assert list(spool.spans(9, 4)) == [Span(0, 4, 4), Span(4, 8, 4), Span(8, 9, 1)]
    assert spool.drop(0, 4) == 4
    assert stamps(spool) == [4, 5, 6, 7, 8, 9]


def test_a_message_that_is_buried_is_kept_with_its_reason(spool):
    spool.append(rows(1, 2), [], [], [], 2)
    spool.bury(RawMessage(1, '{"n":1}'), "no room in the world")
    assert stamps(spool) == [2]
    assert spool.dead_letters() == [DeadLetter(1, b'{"n":1}', "no room in the world")]


def test_a_spool_goes_over_to_another_store_only_when_nothing_waits(spool):
    spool.aim("sqlite:///a.db")
    spool.append(rows(1, 2), [], [Place("f", 7)], [(1, "A")], 2)
    spool.aim("sqlite:///a.db")
    with pytest.raises(BadInput, match=r"2 messages in .*spool\.db wait for sqlite:///a\.db"):
        spool.aim("sqlite:///b.db")
    assert stamps(spool) == [1, 2]
    spool.set_mark("watermark", 2)
    spool.aim("sqlite:///b.db")
    assert (stamps(spool), spool.touched(), spool.places(), spool.last) == ([], {}, [], -1)


def test_it_is_recognised_by_its_header_and_no_other_file_of_ours_is_taken_for_it(spool, tmp_path):
    with pytest.raises(BadInput, match="not a store"):
        open_store(f"sqlite:///{tmp_path / NAME}")
    (tmp_path / "other").mkdir()
    sqlite3.connect(tmp_path / "other" / NAME).execute("CREATE TABLE t (x)").connection.close()
    with pytest.raises(BadInput, match="not a spool"):
        Spool.open(tmp_path / "other")


def test_a_folder_is_held_by_one_process_and_free_when_it_is_gone(tmp_path):
    code = (
        "import sys; from pathlib import Path; from auction_bt.store.folder_lock import FolderLock\n"
        "lock = FolderLock.take(Path(sys.argv[1]), 'l', 'recorder'); print('held', flush=True); sys.stdin.read()"
    )
    folder = tmp_path / "deep" / "state"
    child = subprocess.Popen([sys.executable, "-c", code, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"held\n"
    with pytest.raises(Refused, match=rf"another recorder \(process {child.pid} on .+\) is using .*state: stop it"):
        FolderLock.take(folder, "l", "recorder")
    child.kill()
    child.communicate()
    with FolderLock.take(folder, "l", "recorder"), pytest.raises(Refused, match="another recorder"):
        FolderLock.take(folder, "l", "recorder")
    FolderLock.take(folder, "l", "recorder").release()


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        FolderLock.take(tmp_path / "file" / "state", "l", "recorder")
