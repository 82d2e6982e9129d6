"""The recorder is killed at random moments: what was sent is stored, nothing twice, in its order."""

import random
import threading
from itertools import pairwise

import pytest

from auction_bt.store.spool import Spool
from tests.dsns import new_dsn  # noqa: F401  fixtures are found by name
from tests.recording import child, is_own, numbered, stored  # noqa: F401

KILLS = 8


def acknowledged(process, goal):
    """Wait until the recorder has said that so much is on the disk; return how much."""
    count = -1
    while count < goal:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        count = int(line.split()[1])
    return count


def test_a_recorder_of_a_file_killed_eight_times(child, new_dsn, tmp_path):  # noqa: F811
    kills = []
    for attempt in range(3):  # where this process is starved, a recorder may be through before it is killed: then again
        kills.append(kill_at_random(child, new_dsn(), tmp_path / str(attempt), attempt))
        if kills[-1] == KILLS:
            break
    assert kills[-1] == KILLS, f"kills that came in time: {kills}"


def kill_at_random(child, dsn, folder, seed):  # noqa: F811
    """Record a file, killed eight times; return how many of the kills met a recorder at work. What is stored is right anyway."""
    folder.mkdir()
    state, path = folder / "state", folder / "feed.jsonl"
    lines = numbered(60_000)
    path.write_text("\n".join(lines) + "\n")
    chance = random.Random(seed)
    size = path.stat().st_size
    known = kills = 0
    for moment in sorted(chance.uniform(0.02, 0.6) for _ in range(KILLS)):
        process = child(path, "--store", dsn, "--state", state, "--no-derive", "--ack")
        start = acknowledged(process, 0)
        assert start >= known
        if start == size:
            process.communicate(timeout=120)
            break
        known = acknowledged(process, min(max(moment * size, known + 1), size))
        process.kill()
        kills += process.wait() == -9 and known < size
    with Spool.open(state) as spool:
        (place,) = spool.places()
    assert known <= place.offset <= size
    process = child(path, "--store", dsn, "--state", state, "--no-derive")
    _, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, b"")
    found = stored(dsn)
    assert [text for _, text in found] == lines
    assert all(a < b for (a, _), (b, _) in pairwise(found))
    return kills


@pytest.mark.parametrize("seed", [2])
def test_a_recorder_of_a_pipe_killed_eight_times_while_it_acknowledges(child, new_dsn, tmp_path, seed):  # noqa: F811
    dsn, state = new_dsn(), tmp_path / "state"
    lines = numbered(40_000)
    chance = random.Random(seed)
    moments = [chance.randrange(4_000 * i + 2_600, 4_000 * i + 4_000) for i in range(KILLS)] + [len(lines)]
    starts = []
    for moment in moments:
        process = child("--store", dsn, "--state", state, "--no-derive", "--ack")
        starts.append(acknowledged(process, 0))

        def send(process=process, begin=starts[-1], end=moment):
            try:  # a little further than the kill, so that it comes in the midst of things
                for line in lines[begin : end + 2_500]:
                    process.stdin.write(line.encode() + b"\n")
                if end == len(lines):
                    process.stdin.close()
            except (BrokenPipeError, ValueError):
                pass

        feeder = threading.Thread(target=send)
        feeder.start()
        acknowledged(process, moment)
        if moment < len(lines):
            process.kill()
        assert process.wait(120) == (-9 if moment < len(lines) else 0)
        feeder.join()
    assert all(a < b for a, b in pairwise(starts))
    assert starts[-1] < len(lines), "the last kill came too late to prove anything"
    found = stored(dsn)
    assert [text for _, text in found if not is_own(text)] == lines
    assert all(a < b for (a, _), (b, _) in pairwise(found))
    assert [text for _, text in found if is_own(text)] == [t for _, t in found if "recorder was killed" in t]
    assert sum(is_own(text) for _, text in found) == KILLS
