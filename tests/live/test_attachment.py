"""A run that reads along with a process that records: nothing missed, nothing heard twice, and either may die."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from socket import AF_INET, IPPROTO_TCP, SOCK_STREAM, TCP_NODELAY, fromfd
from typing import Any

import pytest

from auction_bt.brokers.indian import indian_charges
from auction_bt.cli.live import derive_day
from auction_bt.cli.record_feed import Drain
from auction_bt.cli.sim import seeded
from auction_bt.core.errors import Fatal, Refused
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.leg import Leg
from auction_bt.live import attachment, recording_server, rehearsal
from auction_bt.live.assembly import LiveRun
from auction_bt.live.attachment import AttachedRecording, AttachedSource, hold_run, join
from auction_bt.live.door import HOST, Door, Line, promptly
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.market_clock import MarketClock
from auction_bt.live.proof import LiveRecord, prove
from auction_bt.live.recording import OwnRecording, Place, Standing
from auction_bt.live.recording_server import RecordingServer
from auction_bt.live.sim_process import SimProcess
from auction_bt.live.watchlist import Watchlist
from auction_bt.store.dsn import open_store
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK
from auction_bt.upstox.connection import FeedState
from auction_bt.upstox.frames import Frames
from tests.waiting import until

DAY = date(2026, 3, 10)
MORNING, NOON = (day_start(from_date(DAY)) + hour * 3600 * 10**9 for hour in (9, 12))
KEYS = [i.symbol for i in seeded(3)]


class Ticking:
    """A market's clock that moves on by a microsecond each time."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        self.now += 1000
        return self.now

    def see(self, at: int) -> None:
        pass


def place_of(tmp_path: Path, now: int = MORNING) -> Place:
    dsn = f"sqlite:///{(tmp_path / 'a.db').as_posix()}"
    return Place(dsn, tmp_path / "state", "http://127.0.0.1:1", lambda: "", Ticking(now))


@contextmanager
def recording_at(place: Place, said: list[str]) -> Iterator[OwnRecording]:
    place.state.mkdir(exist_ok=True)
    with place.opened() as store:
        for instrument in seeded(3):
            store.put_instrument(instrument)
    recording = OwnRecording(place, from_date(DAY), list(seeded(1)), lambda _: None)
    with recording.opened({}), RecordingServer(recording, said.append):
        yield recording


def frame(n: int, symbol: str = KEYS[0]) -> dict[str, Any]:
    return {"type": "live_feed", "currentTs": str(n), "feeds": {symbol: {"ltpc": {"ltp": float(n)}}}}


def record(recording: OwnRecording, *messages: dict[str, Any]) -> None:
    """As the thread that reads the socket would have it."""
    for message in messages:
        recording.source.tell(message)
    until(lambda: recording.source.next(0.01) is None and not recording.source.flow.waiting)


@contextmanager
def reading(place: Place, symbols: list[str] = KEYS[:1]) -> Iterator[tuple[AttachedSource, list[FeedState], list[Standing]]]:
    lines: list[FeedState] = []
    standings: list[Standing] = []
    source = AttachedSource(place.state, symbols, lambda state, _: lines.append(state), standings.append)
    source.start()
    try:
        yield source, lines, standings
    finally:
        source.close()


def prices(texts: Iterable[str]) -> list[int]:
    return [int(text.partition('"ltp":')[2].partition(".")[0]) for text in texts if '"ltp"' in text]


def before(source: AttachedSource) -> list[str]:
    return [message.text for message in source.before()]


def heard(source: AttachedSource, count: int) -> list[str]:
    found: list[str] = []
    until(lambda: ((r := source.next(0.05)) is not None and found.append(str(r.message))) or len(found) >= count)
    return found


def test_what_was_recorded_before_comes_first_and_what_comes_follows_without_a_hole(tmp_path: Path) -> None:
    place, said = place_of(tmp_path), []
    with recording_at(place, said) as recording:
        record(recording, *(frame(n) for n in range(50)))
        with reading(place) as (source, _, standings):
            found = prices(before(source))
            record(recording, *(frame(n) for n in range(50, 80)), frame(999, KEYS[2]))
            record(recording, frame(80))
            found += prices(heard(source, 81 - len(found)))
            assert found == list(range(81)), "another symbol's is not given"
            until(lambda: standings)
            assert standings[0].state == "OK"
    assert "reads along" in said[0]
    assert "has gone" in said[-1]


def test_what_the_run_tells_is_recorded_once_in_its_place_and_confirmed_when_it_is_on_the_disk(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    with recording_at(place, []) as recording, reading(place) as (source, _, _):
        before(source)
        source.tell({"kind": "command", "ts": NOON, "what": "halt", "reason": "mine"})
        (text,) = heard(source, 1)
        assert '"mine"' in text
        until(lambda: source.is_idle)
        source.wait_committed(recording.recorder.last, 5.0)
        assert recording.recorder.committed >= recording.recorder.last
        with pytest.raises(Fatal, match="has not confirmed"):
            source.wait_committed(recording.recorder.last + 1, 0.01)
    with place.opened() as store:
        assert sum('"mine"' in m.text for m in store.raw(0, 2**62)) == 1


def test_a_recorder_that_dies_and_comes_back_is_found_again_and_nothing_is_missing(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    with recording_at(place, []) as recording, ExitStack() as stack:
        record(recording, *(frame(n) for n in range(5)))
        source, lines, _ = stack.enter_context(reading(place))
        found = prices(before(source))
        stack_of_run = stack.pop_all()
    with stack_of_run:
        until(lambda: FeedState.DISCONNECTED in lines)
        source.tell({"kind": "command", "ts": NOON, "what": "halt", "reason": "told meanwhile"})
        assert not source.is_idle
        with recording_at(place, []) as again:
            record(again, *(frame(n) for n in range(5, 9)))
            texts: list[str] = []

            def is_all_heard() -> bool:
                received = source.next(0.05)
                texts.extend([] if received is None else [str(received.message)])
                return source.is_idle and len(prices(texts)) >= 4 and any("meanwhile" in text for text in texts)

            until(is_all_heard)
            found += prices(texts)
            assert lines[-1] is FeedState.LIVE
    assert found == list(range(9))


def test_a_recorder_that_does_not_come_back_is_waited_for_as_long_as_somebody_holds_its_place(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    lines: list[FeedState] = []
    source = AttachedSource(place.state, KEYS[:1], lambda state, _: lines.append(state), lambda _: None, alone=0.0)
    with recording_at(place, []):
        source.start()
        before(source)
    lock = FolderLock.take(place.state, LOCK, "recorder")  # one that is just starting
    until(lambda: lines.count(FeedState.DISCONNECTED) > 1)
    assert not source.is_over
    lock.release()
    until(lambda: source.is_over)
    source.close()


def test_a_symbol_that_is_not_recorded_yet_is_asked_for(tmp_path: Path) -> None:
    place = place_of(tmp_path, NOON)
    with recording_at(place, []) as recording, reading(place, KEYS[:2]) as (source, _, _):
        before(source)
        assert set(recording.symbols) == set(KEYS[:2])
        assert recording.market.subscribed == set(KEYS[:2])
        record(recording)
        (text,) = (t for t in heard(source, 3) if "late start" in t and KEYS[1] in t)
        assert KEYS[0] not in text, "its minutes were asked for before"


def test_an_option_that_comes_near_the_money_is_recorded_from_then_on(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    place.state.mkdir()
    signal, low, high = seeded(3)
    watchlist = Watchlist(signal.symbol, (100.0, 200.0), ((low,), (high,)), 0)
    recording = OwnRecording(place, from_date(DAY), [signal], lambda _: None, watchlists=[watchlist])
    with recording.opened({}):
        for price, near in ((120.0, {low}), (180.0, {low, high}), (110.0, {low, high})):
            recording.source.put_frame(Frames().encode({"feeds": {signal.symbol: {"ltpc": {"ltp": price}}}}))
            record(recording)
            until(lambda: recording.market.subscribed == {signal.symbol, *(i.symbol for i in near)})  # noqa: B023
    with place.opened() as store:
        assert store.instrument(high.symbol) == high


def test_whoever_has_not_the_key_hears_nothing(tmp_path: Path) -> None:
    place = place_of(tmp_path)
    with recording_at(place, []):
        door = Door.of(place.state)
        assert door is not None
        assert (place.state / "recorder.door").stat().st_mode & 0o077 == 0
        line = Client((HOST, door.port))
        with pytest.raises((AuthenticationError, EOFError, OSError)):
            Door(door.port, "another").prove(line, b"run", b"recorder")
        line.close()
    assert Door.of(place.state) is None, "a recording that is over leaves no door"


def test_neither_end_keeps_a_word_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # TCP does so by itself for 40 ms, each time two short words follow one another: an order waits for both.
    ends: list[Line] = []

    def noted(line: Line) -> Line:
        ends.append(promptly(line))
        return line

    for module in (attachment, recording_server):
        monkeypatch.setattr(module, "promptly", noted)
    place = place_of(tmp_path)
    with recording_at(place, []), reading(place) as (source, *_):
        before(source)
        assert len(ends) == 2
        for line in ends:
            with fromfd(line.fileno(), AF_INET, SOCK_STREAM) as same:
                assert same.getsockopt(IPPROTO_TCP, TCP_NODELAY)


def test_a_folder_has_one_run_which_records_itself_where_nobody_does(tmp_path: Path) -> None:
    with ExitStack() as first:
        hold_run(tmp_path, first)
        assert join(tmp_path, first) is None
        assert FolderLock.is_held(tmp_path, LOCK)
        with pytest.raises(Refused, match="another run"):
            hold_run(tmp_path, ExitStack())
    with ExitStack() as recorder, ExitStack() as run:
        recorder.enter_context(FolderLock.take(tmp_path, LOCK, "recorder"))
        with ExitStack() as refused, pytest.raises(Refused, match="another recorder"):
            join(tmp_path, refused, patience=0.0)  # a recorder of a file lets nobody in
        Door.cut(1).show(tmp_path)
        assert join(tmp_path, run) == Door.of(tmp_path)


@pytest.mark.parametrize("ends", [False, True])
def test_a_run_waits_for_a_recorder_that_has_just_begun(ends: bool, tmp_path: Path) -> None:
    recorder, said = FolderLock.take(tmp_path, LOCK, "recorder"), []

    def go_on(text: str) -> None:  # while it is waited for
        said.append(text)
        if ends:
            recorder.release()
        else:
            Door.cut(1).show(tmp_path)

    with recorder, ExitStack() as run:
        door = join(tmp_path, run, go_on)
        assert door == Door.of(tmp_path)
        assert (door is None) is ends
    assert said == [f"somebody records on {tmp_path}, and lets nobody in yet: waiting for at most 15 s to read along"]


def test_a_run_that_reads_along_decides_as_the_replay_of_the_recording(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    rehearsal.fill_made_up(state, 7, list(seeded(1)), DAY, 4)
    day, instruments = from_date(DAY), tuple(seeded(1))
    legs = tuple(Leg(i, day, day, i.symbol) for i in instruments)
    words = [
        "--seed",
        "7",
        "--instruments",
        "1",
        "--per-minute",
        "4",
        "--day",
        str(DAY),
        "--speed",
        "900",
        "--from-time",
        "13:00",
    ]
    with SimProcess(words) as sim:
        clock = MarketClock(sim.ready.now, sim.ready.speed)
        place = Place(rehearsal.store_of(state), state, sim.ready.url, lambda: sim.ready.token, clock)
        plan = LivePlan(instruments, {"risk_fraction": 0.002}, Decimal(1_000_000), indian_charges(), day_start(day), Orders.PAPER)
        alarms: list[str] = []
        own = OwnRecording(place, day, instruments, alarms.append)
        attached = AttachedRecording(state, [i.symbol for i in instruments], clock, alarms.append)

        def recorder_ends(live: LiveRun) -> float:
            if is_done.is_set():
                live.session.engine.stop()
            return 0.05

        def run_ends(live: LiveRun) -> float:
            flow = attached.source.flow
            if sim.is_over and live.is_quiet and flow.at and time.monotonic_ns() - flow.at > 1e9:
                live.session.engine.stop()
            return 0.05

        is_done = threading.Event()
        recorder = LiveRun(place, plan, legs, own, on_news=lambda _: None, on_alarm=alarms.append, look=recorder_ends, make=Drain,
                           decides=False)  # fmt: skip
        run = LiveRun(place, plan, legs, attached, on_news=lambda _: None, on_alarm=alarms.append, look=run_ends)
        with recorder.begun() as session, RecordingServer(own, lambda _: None):
            thread = threading.Thread(target=session.run)
            thread.start()
            try:
                engine = run.run().engine
            finally:
                is_done.set()
                thread.join()
    assert own.was_sent
    assert len(engine.trades) > 0
    assert not alarms
    record = LiveRecord(run._settings, tuple(engine.decisions), tuple(engine.trades))
    derive_day(place, recorder)
    with open_store(place.store) as store:
        found = prove(store, record, plan.charges)
    replayed = [c for c in found if c.against == "replay"]  # a backtest does not come late
    assert len(replayed) == 2
    assert all(c.is_same for c in replayed), replayed
