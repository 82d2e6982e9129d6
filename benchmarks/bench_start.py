"""What a short run waits for: a process that tells a day's summary, beside one that imports backtrader and numpy and ends.

Usage: python benchmarks/bench_start.py [runs = 9]

Both run in turns; processor time, so that other work on the machine counts less. Byte code is written, as it is for users, also
where this shell forbids it.
"""

from __future__ import annotations

import datetime
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auction_bt.core.ist import from_date
from auction_bt.derive import derive
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.synthetic import DEMO, Shape, messages

ROOT = Path(__file__).resolve().parents[1]
INSTRUMENT = DEMO[Shape.BALANCED]
DAYS = (datetime.date(2026, 3, 9), datetime.date(2026, 3, 10))  # the first fills the windows
AIM = 2.5


def fill() -> None:
    """Make a store of two days in the current folder."""
    with open_store(create=True) as store:
        store.put_instrument(INSTRUMENT)
        for seed, day in enumerate(DAYS):
            stream = messages(INSTRUMENT.symbol, day, Shape.BALANCED, seed, tick=INSTRUMENT.tick, lot=INSTRUMENT.lot,
                              kind=INSTRUMENT.kind)  # fmt: skip
            store.add_raw([RawMessage(stamp, json.dumps(body), tuple(body.get("feeds", ()))) for stamp, body in stream])
        derive(store, [INSTRUMENT.symbol], [from_date(day) for day in DAYS])


def seconds(words: list[str]) -> float:
    """Return the processor seconds of a process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env=kept)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(runs: int = 9) -> int:
    """Measure and print; return whether the aim is missed."""
    day = str(DAYS[-1])
    ours = [str(ROOT / "run_backtest.py"), "--symbol", INSTRUMENT.symbol, "--from-date", day, "--to-date", day]
    theirs = ["-c", "import backtrader, numpy"]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fill()
        taken = [(seconds(ours), seconds(theirs)) for _ in range(runs + 1)][1:]  # the first writes byte code and the day cache
        os.chdir(ROOT)
    ratio = statistics.median(a / b for a, b in taken)
    own, imports = (statistics.median(column) for column in zip(*taken, strict=True))
    print(f"a day's summary {own:.2f} s, import backtrader, numpy {imports:.2f} s: {ratio:.2f} times (aim {AIM})")
    return int(ratio > AIM)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
