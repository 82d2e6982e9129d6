"""The record command as a process that can be fed, killed and started again."""

import json
import random
import subprocess
import sys
from contextlib import suppress

import pytest

from auction_bt.store.dsn import open_store
from auction_bt.store.spool import Spool
from tests.importing.made import ENVIRONMENT, EVER, OPEN

# The command, with a line of standard input to be had for each group that it writes: how far it gets is not a matter of luck.
GATED = """
import sys
from auction_bt.cli import main
from auction_bt.recorder import Recorder
write = Recorder._write
def gated(self, spool, group):
    if any(item.place for item in group):  # its own words pass
        sys.stdin.readline()
    return write(self, spool, group)
Recorder._write = gated
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def child(tmp_path):
    """Return a function that starts the command in an empty folder; `is_gated` for one that reads a file by leave alone."""
    started = []

    def start(*words, is_gated=False, **options):
        how = ["-c", GATED] if is_gated else ["-m", "auction_bt"]
        command = [sys.executable, *how, "record", *map(str, words)]
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        started.append(subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT, **pipes, **options))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            with suppress(OSError):
                stream.close()


def numbered(count, size=300):
    """Return messages of a symbol, 10 ms apart, each different and hard to compress."""
    chance = random.Random(count)
    return [
        json.dumps(
            {
                "feeds": {"NSE_FO|1": {"ltpc": {"ltp": 100.05}}},
                "currentTs": str(OPEN // 10**6 + 10 * i),
                "pad": chance.randbytes(size // 2).hex(),
            }
        )
        for i in range(count)
    ]


def stored(dsn):
    """Return (stamp, text) of every message of a store."""
    with open_store(dsn, create=True) as store:
        return [(m.ts, m.text) for m in store.raw(*EVER)]


def spooled(state):
    """Return (stamp, text) of every message of a spool."""
    with Spool.open(state) as spool:
        return [(m.ts, m.text) for m in spool.batch(-1, EVER[1], 10**7, 10**10)]


def is_own(text):
    """Return whether a message is the recorder's own."""
    return text.startswith('{"kind":')
