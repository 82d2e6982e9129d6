"""Stamps increase strictly, groups are on the disk when they are said to be, and every loss is counted and named."""

import json
import threading
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput, Fatal, Refused
from auction_bt.core.ist import DAY_NS, day_start
from auction_bt.recorder import LOST, Recorder
from auction_bt.store.spool import NAME, DeadLetter, Place, Spool
from tests.waiting import until

OPEN = day_start(20_437) + 9 * 3600 * 10**9


class Clock:
    """Says what it was told to."""

    def __init__(self, *times):
        self.times = list(times)
        self.last = OPEN

    def __call__(self):
        if self.times:
            self.last = self.times.pop(0)
        return self.last


def kept(state):
    with Spool.open(state) as spool:
        return [(m.ts, m.text) for m in spool.batch(-(2**62), 2**62, 10**6, 10**9)]


def gaps(state):
    return [(ts, json.loads(text)) for ts, text in kept(state) if '"kind"' in text]


def recorder(state, clock=None, **options):
    made = Recorder(state, clock or Clock(), **options)
    made.start()
    return made


def test_messages_are_kept_byte_for_byte_with_the_symbols_that_are_known(tmp_path):
    texts = ['{"feeds": {"B": {},\t"A": {}}}', "no JSON ₹ \\u20b9", "", '{"kind":"clock","ts":5}', "[" * 100_000]
    r = recorder(tmp_path)
    stamps = [r.record(text) for text in texts] + [r.record("x", ("K",))]
    assert r.wait_committed(stamps[-1], 10)
    r.close()
    assert stamps == list(range(OPEN, OPEN + 6))
    assert kept(tmp_path) == list(zip(stamps, [*texts, "x"], strict=True))
    with Spool.open(tmp_path) as spool:
        assert [m.symbols for m in spool.batch(0, 2**62, 9, 10**9)] == [None, None, None, None, None, ("K",)]
    assert (r.committed, r.recorded, r.lost, r.waiting) == (stamps[-1], 6, 0, 0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(0, 30)), max_size=12), min_size=1, max_size=4))
def test_stamps_increase_strictly_over_clocks_that_jump_wishes_and_restarts(tmp_path_factory, runs):
    state = tmp_path_factory.mktemp("state")
    given_out = []
    for run in runs:
        r = recorder(state, Clock(*(t for t, wish in run if wish is None)))
        for place, (_, wish) in enumerate(run):
            before = r.last
            given_out.append(r.put(str(place), stamp=wish))
            wanted = r._clock.last if wish is None else wish
            assert given_out[-1] == max(wanted, before + 1)
        r.close()
    assert all(a < b for a, b in pairwise(given_out))
    assert [ts for ts, _ in kept(state)] == given_out


def test_threads_that_record_at_once_get_different_stamps_in_the_order_kept(tmp_path):
    r = recorder(tmp_path, Clock())
    found = []

    def work(name):
        found.extend((r.record(f"{name}{i}"), f"{name}{i}") for i in range(500))

    threads = [threading.Thread(target=work, args=(n,)) for n in "abc"]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    r.close()
    assert kept(tmp_path) == sorted(found)
    assert len({ts for ts, _ in found}) == 1500


def test_an_idle_feed_is_written_without_another_message(tmp_path):
    r = recorder(tmp_path)
    stamp = r.record("only one")
    until(lambda: r.committed == stamp, 10)
    assert kept(tmp_path) == [(stamp, "only one")]
    r.close()


def test_a_floor_of_the_store_is_respected(tmp_path):
    r = recorder(tmp_path)
    r.raise_floor(OPEN + 100)
    r.raise_floor(OPEN + 50)
    assert r.record("a") == OPEN + 101
    r.close()


# --- losses


class HeldUp:
    """Keeps the writing thread in its report until let go."""

    def __init__(self):
        self.go = threading.Event()
        self.is_in = threading.Event()

    def __call__(self):
        self.is_in.set()
        assert self.go.wait(30)


def test_a_full_queue_loses_counts_and_says_so_in_its_place(tmp_path):
    held = HeldUp()
    r = recorder(tmp_path, Clock(*range(OPEN, OPEN + 1000, 10)), told=held, messages=3)
    first = r.record("a")
    assert held.is_in.wait(10)
    taken = [r.record(t) for t in "bcd"]
    lost = [r.record(t) for t in "efg"]
    assert lost == [LOST] * 3
    held.go.set()
    until(lambda: r.waiting == 0, 10)
    last = r.record("h")
    r.close()
    found = kept(tmp_path)
    assert [text for _, text in found if "kind" not in text] == ["a", "b", "c", "d", "h"]
    ((ts, gap),) = gaps(tmp_path)
    assert taken[-1] < gap["begin"] < gap["end"] < ts < last
    assert gap == {"kind": "gap", "ts": ts, "begin": OPEN + 40, "end": OPEN + 60, "reason": "queue full", "lost": 3}
    assert (r.lost, first) == (3, OPEN)


def test_losses_before_a_silence_are_named_without_another_message(tmp_path):
    held = HeldUp()
    r = recorder(tmp_path, Clock(), told=held, messages=1)
    r.record("a")
    assert held.is_in.wait(10)
    r.record("b")
    r.record("c")
    held.go.set()
    until(lambda: gaps(tmp_path), 10)
    r.close()
    assert [g["lost"] for _, g in gaps(tmp_path)] == [1]


def test_room_is_of_characters_too_and_one_message_always_has_it(tmp_path):
    held = HeldUp()
    r = recorder(tmp_path, Clock(), told=held, characters=10)
    r.record("x" * 50)
    assert held.is_in.wait(10)
    assert r.record("y" * 50) != LOST
    assert r.record("z") == LOST
    held.go.set()
    r.close()


def test_who_can_wait_waits_for_room_and_loses_nothing(tmp_path):
    r = recorder(tmp_path, Clock(), messages=2, group=2)
    stamps = [r.put(str(i)) for i in range(200)]
    r.close()
    assert kept(tmp_path) == [(ts, str(i)) for i, ts in enumerate(stamps)]
    assert r.lost == 0


# --- what is no text


def test_what_is_no_text_goes_to_the_dead_letters_byte_for_byte(tmp_path):
    r = recorder(tmp_path)
    r.record("a")
    r.record("half a pair \ud800")
    r.put(b"caf\xe9".decode(errors="surrogateescape"), place=Place("p", 4), reason="not UTF-8 text")
    r.record("b")
    r.close()
    assert [text for _, text in kept(tmp_path)] == ["a", "b"]
    with Spool.open(tmp_path) as spool:
        assert spool.dead_letters() == [
            DeadLetter(OPEN + 1, b"half a pair \xed\xa0\x80", "not UTF-8 text"),
            DeadLetter(OPEN + 2, b"caf\xe9", "not UTF-8 text"),
        ]
        assert spool.places() == [Place("p", 4)]
    assert (r.dead, r.recorded) == (2, 2)


# --- gaps between runs


def test_a_restart_on_the_same_day_is_a_gap_and_on_another_day_is_none(tmp_path):
    for begin in (OPEN, OPEN + 500, OPEN + DAY_NS):
        r = recorder(tmp_path, Clock(begin))
        r.say_silence()
        r.record("a")
        r.close()
    ((ts, gap),) = gaps(tmp_path)
    assert gap == {"kind": "gap", "ts": ts, "begin": OPEN, "end": OPEN + 500, "reason": "recorder was down"}
    assert [ts for ts, _ in kept(tmp_path)] == [OPEN, OPEN + 500, OPEN + 501, OPEN + DAY_NS]


def test_a_kill_is_a_gap_whatever_the_day(tmp_path):
    r = recorder(tmp_path)
    r.record("a")
    r.close()
    with Spool.open(tmp_path) as spool:
        spool.set_mark("running", 1)  # as a killed process leaves it
    for _ in range(2):
        r = recorder(tmp_path, Clock(OPEN + 3 * DAY_NS))
        r.say_silence()
        r.record("b")
        r.close()
    assert [g["reason"] for _, g in gaps(tmp_path)] == ["recorder was killed", "recorder was down"]


def test_the_first_recording_of_all_has_no_gap(tmp_path):
    r = recorder(tmp_path)
    r.say_silence()
    r.record("a")
    r.close()
    assert gaps(tmp_path) == []


# --- the end


def test_a_spool_that_cannot_be_written_ends_the_recording_and_says_so(tmp_path):
    r = recorder(tmp_path)
    first = r.record("a")
    assert r.wait_committed(first, 10)
    with Spool.open(tmp_path) as other:
        other._db.execute("DROP TABLE blocks")  # any error of the database will do
    lost = r.record("b")
    with pytest.raises(Fatal, match=r"recording stopped: .*no such table.*what was committed is safe; 1 messages"):
        r.wait_committed(lost, 10)
    for refused in (lambda: r.record("c"), lambda: r.put("c"), r.close):
        with pytest.raises(Fatal, match="recording stopped"):
            refused()
    assert r.committed == first
    assert r.error is not None


@pytest.mark.parametrize(("head", "fate"), [("65536:abc", "are in the file still"), ("", "are lost, if their sender has gone")])
def test_what_a_file_still_has_is_not_called_lost(tmp_path, head, fate):
    r = recorder(tmp_path)
    with Spool.open(tmp_path) as other:
        other._db.execute("DROP TABLE blocks")
    r.put("a", place=Place("name", 1, head))
    with pytest.raises(Fatal, match=f"1 messages that came after {fate}"):
        r.close()


def test_a_spool_that_cannot_be_opened_is_said_at_the_start(tmp_path):
    (tmp_path / NAME).write_text("something else entirely")
    with pytest.raises(BadInput, match="not a spool"):
        Recorder(tmp_path, Clock()).start()


def test_a_closed_recorder_takes_nothing_and_waits_for_nothing(tmp_path):
    r = recorder(tmp_path)
    r.close()
    with pytest.raises(Refused, match="closed"):
        r.record("a")
    assert not r.wait_committed(OPEN, 10)
    assert r.wait_committed(-1, 0)
