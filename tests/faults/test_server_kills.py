"""The server is killed at random moments while it is sent messages: sent is stored, nothing twice, in its order."""

import random
import threading
from itertools import pairwise

from auction_bt.forwarder import Forwarder
from auction_bt.recorder import Recorder
from auction_bt.store.dsn import open_store
from tests.recording import numbered, stored
from tests.waiting import until

KILLS = 8


def test_a_server_killed_eight_times(questdb_alone, tmp_path):
    dsn = questdb_alone.dsn("killed_")
    chance = random.Random(3)
    times = iter(range(10**18, 2 * 10**18, 10**5))
    recorder = Recorder(tmp_path, lambda: next(times))
    forwarder = Forwarder(tmp_path, lambda: open_store(dsn, create=True), "me", lambda: 10**18, jitter=lambda: 0.0)
    recorder.start()
    forwarder.start()
    lines = numbered(400)
    sent = []
    is_over = threading.Event()

    def feed():  # about 4,000 a second, without end
        while not is_over.wait(0.1):
            sent.extend((recorder.record(line), line) for line in lines)

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        kept = []
        for _ in range(KILLS):
            goal = forwarder.sent + chance.randrange(1, 4000)
            until(lambda goal=goal: forwarder.sent >= goal, 120)
            questdb_alone.kill()
            kept.append(forwarder.sent)
            questdb_alone.start()
    finally:
        is_over.set()
        feeder.join()
    recorder.close()
    assert forwarder.finish(120)
    assert all(a < b for a, b in pairwise(kept))
    found = stored(dsn)
    assert found == sent
    assert (recorder.lost, forwarder.buried) == (0, 0)
