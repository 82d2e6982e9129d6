"""The store is kept up with the spool by itself: when it comes late, goes away, belongs to another, or lies."""

import pytest

from auction_bt.core.errors import BadInput, Refused, Retryable
from auction_bt.forwarder import LEASE, Forwarder
from auction_bt.recorder import Recorder
from auction_bt.store.dsn import open_store
from auction_bt.store.spool import Spool
from tests.flaky import Flaky
from tests.waiting import until

EVER = (-(2**62), 2**62)


@pytest.fixture
def dsn(tmp_path):
    return f"sqlite:///{tmp_path / 'a.db'}"


@pytest.fixture
def started(tmp_path, dsn):
    """Return a function that starts a forwarder, and stop them all at the end."""
    made = []

    def start(opened=None, *, holder="me", clock=lambda: 10**18, **options):
        made.append(Forwarder(tmp_path, opened or (lambda: open_store(dsn, create=True)), holder, clock, **options))
        made[-1].start()
        return made[-1]

    yield start
    for each in made:
        each.stop()


@pytest.fixture
def recorder(tmp_path):
    times = iter(range(10**18, 2 * 10**18, 10**6))
    made = Recorder(tmp_path, lambda: next(times))
    made.start()
    yield made
    made.close()


def texts(dsn):
    with open_store(dsn, readonly=True) as store:
        return [m.text for m in store.raw(*EVER)]


def test_what_is_recorded_arrives_by_itself_and_the_rest_at_the_end(started, recorder, dsn):
    f = started()
    assert f.wait_tried(10).is_up
    recorder.record("a")
    until(lambda: f.sent == 1, 10)
    assert texts(dsn) == ["a"]
    for i in range(3000):
        recorder.record(str(i))
    recorder.wait_committed(recorder.last, 10)
    assert f.finish(20)
    assert texts(dsn) == ["a", *map(str, range(3000))]
    assert (f.forwarded, f.sent, f.sent_again, f.buried) == (recorder.committed, 3001, 0, 0)


def test_it_gives_way_to_whoever_is_behind(started, recorder, dsn, monkeypatch):
    monkeypatch.setattr("auction_bt.forwarder._WAY_S", 600.0)
    asked, is_behind = [], [True]

    def gives_way():
        asked.append(1)
        return is_behind[0]

    f = started(gives_way=gives_way)
    recorder.wait_committed(recorder.record("a"), 10)
    until(lambda: len(asked) > 5, 10)
    assert f.sent == 0
    is_behind[0] = False
    until(lambda: f.sent == 1, 10)


def test_it_gives_way_for_so_long_and_no_longer(started, recorder, dsn):
    f = started(gives_way=lambda: True)
    recorder.wait_committed(recorder.record("a"), 10)
    until(lambda: f.sent == 1, 10)


def test_a_store_that_comes_late_gets_everything(started, recorder, dsn):
    is_there = []

    def opened():
        if not is_there:
            raise Retryable("nobody listens")
        return open_store(dsn, create=True)

    f = started(opened)
    state = f.wait_tried(10)
    assert (state.is_up, state.reason) == (False, "nobody listens")
    stamp = recorder.record("a")
    assert recorder.wait_committed(stamp, 10)
    is_there.append(True)
    until(lambda: f.sent == 1, 10)
    assert f.state.is_up
    assert texts(dsn) == ["a"]


def test_a_store_that_never_comes_is_waited_for_no_longer_than_said(started, recorder, tmp_path):
    def opened():
        raise Retryable("nobody listens")

    f = started(opened)
    recorder.wait_committed(recorder.record("a"), 10)
    assert not f.finish(0.3)
    with Spool.open(tmp_path) as spool:
        assert spool.waiting() == 1


def test_through_every_failure_each_message_arrives_once(started, recorder, dsn):
    plan = iter(["ok", "down", "lie", "half", "lose", "ok", "down"] * 4)
    f = started(lambda: Flaky(dsn, plan, {"7"}), jitter=lambda: 0.0)
    for i in range(40):
        recorder.wait_committed(recorder.record(str(i)), 10)
    until(lambda: f.forwarded == recorder.committed, 60)
    assert texts(dsn) == [str(i) for i in range(40) if i != 7]
    assert f.buried == 1


def test_a_store_that_opens_and_takes_nothing_is_down_until_it_takes_something(started, recorder, dsn):
    tries = []
    plan = iter(["ok", *["down"] * 6])

    class Full(Flaky):
        def append_raw(self, messages):
            tries.append(f.state.is_up)
            super().append_raw(messages)

    f = started(lambda: Full(dsn, plan), jitter=lambda: 0.0)
    assert f.wait_tried(10).is_up
    recorder.record("a")
    until(lambda: f.sent == 1, 10)
    recorder.record("b")
    until(lambda: f.sent == 2, 30)
    assert tries == [True, True, *[False] * 6]
    assert f.state.is_up


def test_what_a_store_has_lost_is_sent_again_when_it_is_back(started, recorder, dsn):
    plan = iter(["ok", "ok", "lose"])
    f = started(lambda: Flaky(dsn, plan), jitter=lambda: 0.0)
    for count, text in enumerate("abc", 1):
        recorder.record(text)
        until(lambda count=count: f.sent == count, 30)
    assert texts(dsn) == list("abc")
    assert f.sent_again == 2


def test_the_store_of_another_recorder_is_refused_with_its_name_and_taken_when_it_is_free(started, recorder, dsn):
    now = [10**18]
    with open_store(dsn, create=True) as store:
        store.claim(LEASE, "host:/other", 10**18, 10**18 + 10**9)
    f = started(clock=lambda: now[0])
    state = f.wait_tried(10)
    assert isinstance(state.error, Refused)
    assert "another recorder (host:/other) writes to this store" in state.reason
    recorder.record("a")
    now[0] += 2 * 10**9
    until(lambda: f.sent == 1, 10)
    with open_store(dsn) as store:
        assert store.claim(LEASE, "host:/third", now[0], now[0] + 1) == "me"
    assert f.finish(10)
    with open_store(dsn) as store:
        assert store.claim(LEASE, "host:/third", now[0], now[0] + 1) == "host:/third"


def test_a_fault_nobody_thought_of_is_said_and_tried_again(started, recorder, dsn):
    faults = [ZeroDivisionError("what\never"), BadInput("read-only")]

    def opened():
        if faults:
            raise faults.pop(0)
        return open_store(dsn, create=True)

    f = started(opened)
    assert f.wait_tried(10).reason == "unexpected ZeroDivisionError: what ever"
    recorder.record("a")
    until(lambda: f.sent == 1, 10)


def test_old_messages_leave_the_spool_by_themselves(started, recorder, dsn, tmp_path):
    for i in range(10):
        recorder.wait_committed(recorder.record(str(i)), 10)  # a millisecond apart, each a block of its own
    f = started(keep_ns=3 * 10**6)
    until(lambda: f.sent == 10, 10)

    def left():
        with Spool.open(tmp_path) as spool:
            return [m.text for m in spool.batch(-1, 2**62, 100, 1000)]

    until(lambda: left() == ["6", "7", "8", "9"], 10)
    assert len(texts(dsn)) == 10
