"""The spool keeps groups whole, knows where each source was left, and forgets nothing that a store may still need."""

import sqlite3
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput, Fatal, Refused
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.message_blocks import Kept, pack, unpack
from auction_bt.store.spool import NAME, DeadLetter, Place, Spool

EVER = 2**63 - 1


def rows(*stamps):
    return [Kept(ts, f'{{"n":{ts}}}', ("A", "₹")) for ts in stamps]


def stamps(spool):
    return [m.ts for m in spool.batch(-1, EVER, 1000, 10**9)]


@pytest.fixture
def spool(tmp_path):
    with Spool.open(tmp_path) as opened:
        yield opened


def test_a_group_comes_back_with_all_that_belongs_to_it(spool, tmp_path):
    dead = DeadLetter(4, b"\xff\x00", "not UTF-8 text")
    spool.append(rows(1, 2), [dead], [Place("f", 99, "3:ab")], 4)
    spool.append([], [], [], 5)
    spool.arrived(1, [(5, "A"), (5, ""), (6, "A")])
    spool.arrived(1, [(5, "A")])
    with Spool.open(tmp_path) as other:
        assert other.batch(0, EVER, 10, 10**6) == rows(1, 2)
        assert (other.last, other.watermark, other.waiting()) == (5, 1, 1)
        assert other.places() == [Place("f", 99, "3:ab")]
        assert other.touched() == {5: {"A", ""}, 6: {"A"}}
        assert (other.dead_letters(), other.dead_count()) == ([dead], 1)


def test_a_group_that_cannot_be_kept_leaves_nothing(spool):
    spool.append(rows(1), [], [Place("f", 1)], 1)
    with pytest.raises(Exception, match="UNIQUE"):
        spool.append(rows(1, 2), [DeadLetter(3, b"x", "y")], [Place("f", 2)], 3)
    assert (stamps(spool), spool.places(), spool.dead_count(), spool.last) == ([1], [Place("f", 1)], 0, 1)


def test_batches_are_cut_by_rows_and_by_characters_but_never_empty(spool):
    spool.append(rows(*range(10)), [], [], 9)
    assert [m.ts for m in spool.batch(2, 8, 3, 10**6)] == [2, 3, 4]
    assert [m.ts for m in spool.batch(2, 4, 9, 10**6)] == [2, 3]
    assert [m.ts for m in spool.batch(2, 8, 9, 1)] == [2]
    assert [m.ts for m in spool.batch(2, 8, 9, 8)] == [2, 3]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data(), st.sets(st.integers(0, 40), min_size=1), st.integers(-1, 42), st.integers(-1, 42), st.integers(1, 9))
def test_ranges_begin_and_end_where_they_like_in_groups_of_any_size(tmp_path_factory, data, stamps, begin, end, rows_):
    left = sorted(stamps)
    with Spool.open(tmp_path_factory.mktemp("state")) as spool:
        while left:
            n = data.draw(st.integers(1, len(left)))
            spool.append(rows(*left[:n]), [], [], left[n - 1])
            left = left[n:]
        wanted = [ts for ts in sorted(stamps) if begin <= ts < end]
        assert [m.ts for m in spool.batch(begin, end, 100, 10**9)] == wanted
        assert [m.ts for m in spool.batch(begin, end, rows_, 10**9)] == wanted[:rows_]
        spans = list(spool.spans(begin, end, rows_))
        assert [ts for s in spans for ts in wanted if s.begin <= ts < s.end] == wanted
        assert [s.count for s in spans] == [sum(s.begin <= ts < s.end for ts in wanted) for s in spans]
        spool.arrived(begin, [])
        assert spool.waiting() == sum(ts > begin for ts in stamps)
        before = [m.ts for m in spool.batch(-1, 100, 100, 10**9)]
        gone = spool.drop(end)
        after = [m.ts for m in spool.batch(-1, 100, 100, 10**9)]
        assert after == before[gone:]
        assert all(ts < end for ts in before[:gone])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1),
            st.text(st.characters(exclude_categories=["Cs"])) | st.just("x" * 3000),
            st.none() | st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=3).map(tuple),
        ),
        min_size=1,
    )
)
def test_a_block_gives_back_what_was_put_in(messages):
    kept = [Kept(*m) for m in messages]
    assert unpack(pack(kept)) == kept


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"X" + b[1:], lambda b: b[:3], lambda b: b[:17] + b[18:]])
def test_a_damaged_block_is_said_to_be_one(damage):
    block = pack([Kept(i, "₹" * 100, ("A",)) for i in range(50)])
    for each in (block, pack([Kept(1, "a", ())])):
        with pytest.raises(Fatal, match="damaged"):
            unpack(damage(each))


def test_what_is_no_text_is_not_packed():
    with pytest.raises(UnicodeEncodeError):
        pack([Kept(1, "a", ()), Kept(2, "\ud800", ())])


def test_a_message_that_is_buried_is_kept_with_its_reason(spool):
    spool.append(rows(1, 2), [], [], 2)
    spool.append(rows(3), [], [], 3)
    spool.bury(RawMessage(3, '{"n":3}'), "nor for this")
    spool.bury(RawMessage(1, '{"n":1}'), "no room in the world")
    assert stamps(spool) == [2]
    told = [(3, b'{"n":3}', "nor for this"), (1, b'{"n":1}', "no room in the world")]
    assert spool.dead_letters() == [DeadLetter(*each) for each in told]


def test_a_spool_goes_over_to_another_store_only_when_nothing_waits(spool):
    spool.aim("sqlite:///a.db")
    spool.append(rows(1, 2), [], [Place("f", 7)], 2)
    spool.arrived(0, [(1, "A")])
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
