"""The recorder is killed at random moments: what was sent is stored, nothing twice, in its order."""

import random
import subprocess
import threading
from contextlib import suppress
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
    dsn, state, path = new_dsn(), tmp_path / "state", tmp_path / "feed.jsonl"
    lines = numbered(80_000)  # more than two groups for each kill
    path.write_text("\n".join(lines) + "\n")
    chance = random.Random(1)
    size = path.stat().st_size
    known = 0
    for _ in range(KILLS):
        process = child(path, "--store", dsn, "--state", state, "--no-derive", "--ack", is_gated=True)
        start = acknowledged(process, 0)
        assert known <= start < size
        process.stdin.write(b"\n")
        process.stdin.flush()
        known = acknowledged(process, start + 1)
        process.stdin.write(b"\n")
        process.stdin.flush()
        with suppress(subprocess.TimeoutExpired):  # the next group is under way, or in the spool, or still waits
            process.wait(chance.uniform(0, 0.03))
        process.kill()
        assert process.wait() == -9
    with Spool.open(state) as spool:
        (place,) = spool.places()
    assert known <= place.offset <= size
    process = child(path, "--store", dsn, "--state", state, "--no-derive")
    _, error = process.communicate(timeout=120)
    assert (process.returncode, error) == (0, b"")
    found = stored(dsn)
    assert [text for _, text in found] == lines
    assert all(a < b for (a, _), (b, _) in pairwise(found))


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
