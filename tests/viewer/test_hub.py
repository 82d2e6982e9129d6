"""Events reach every browser, a slow one is cut off, and nobody is waited for."""

import json
from threading import Thread

import pytest

from auction_bt.viewer import hub as module
from auction_bt.viewer.hub import MOST_CLIENTS, Hub


def read(text):
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines())
    return fields["event"], int(fields["id"]), json.loads(fields["data"])


def test_every_stream_gets_every_event_after_hello():
    hub = Hub()
    hub.publish("journal", {"runs": [1]})
    streams = [hub.stream({"version": "1"}) for _ in range(2)]
    hub.publish("journal", {"runs": [2]})

    for stream in streams:
        hello = next(stream)
        assert hello.startswith("retry: 1000\n")
        assert read(hello.partition("\n")[2]) == ("hello", 1, {"version": "1"})
        assert read(next(stream)) == ("journal", 2, {"runs": [2]})


def test_a_stream_that_nobody_reads_is_cut_off_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr(module, "_HEARTBEAT_S", 0.001)
    hub = Hub()
    slow, quick = hub.stream({}), hub.stream({})
    for i in range(200):
        hub.publish("store", {"last_ts": i})
        next(quick)
    assert hub.clients == 1
    assert len(list(slow)) == 65  # hello, and what had found room
    assert read(next(quick))[0] == "store"


def test_a_stream_that_was_never_read_makes_room_when_it_is_closed():
    hub = Hub()
    streams = [hub.stream({}) for _ in range(MOST_CLIENTS)]
    assert hub.stream({}) is None
    streams[0].close()
    assert hub.clients == MOST_CLIENTS - 1
    assert hub.stream({}) is not None


def test_silence_is_filled_with_a_comment(monkeypatch):
    monkeypatch.setattr(module, "_HEARTBEAT_S", 0.001)
    stream = Hub().stream({})
    next(stream)
    assert next(stream) == next(stream) == ":\n\n"


@pytest.mark.parametrize("waiting", [0, 3, 64])
def test_the_end_reaches_readers_that_wait_and_that_are_full(waiting):
    hub = Hub()
    stream = hub.stream({})
    for _ in range(waiting):
        hub.publish("store", {})
    found = []
    reader = Thread(target=lambda: found.extend(stream))
    reader.start()
    hub.close()
    reader.join(10)

    assert not reader.is_alive()
    assert hub.stream({}) is None
