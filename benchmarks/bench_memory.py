"""What a run holds: the greatest resident memory of a backtest by its days, each process alone.

Usage: python benchmarks/bench_memory.py [ticks a symbol and day = 1,000,000] [symbols = 1] [days = 2 5 10 20]

Days are a walk on a price grid from a seed, kept in the day cache before the clock starts, as each is after its first reading.
Seconds are processor time, of the strategy's rule and of the one told beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, day_index, day_start, to_date
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from benchmarks.peers.ours import columns_of
from benchmarks.peers.workload import make
from tests.builders import bars_of

ROOT = Path(__file__).resolve().parents[1]
AIM = 10**9  # bytes
STATE = Path(".auction_bt")
# Linux counts the memory of the process it was made of as the new one's peak, but not in what /proc says.
_CHILD = """
import pathlib, resource, runpy, sys
del sys.argv[0]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit as end:
    assert not end.code, end.code
used, told = resource.getrusage(resource.RUSAGE_SELF), pathlib.Path("/proc/self/status")
peak = used.ru_maxrss if not told.exists() else int(told.read_text().split("VmHWM:")[1].split()[0])
print(peak * 1024, used.ru_utime + used.ru_stime)
"""


def days_of(count: int) -> list[int]:
    """Return the first days of the workload."""
    return sorted(set(day_index(make(count, per_minute=1).ts).tolist()))


def put(store: TickStore, symbol: str, per_day: int, days: list[int], seed: int = 0) -> None:
    """Store an instrument and a walk for each of `days`."""
    store.put_instrument(Instrument(symbol, Decimal("0.05")))
    step = 6 * (60 / (per_day // 375)) ** 0.5  # minutes as wide as elsewhere
    for number, day in enumerate(days):
        ticks = columns_of(make(1, per_minute=per_day // 375, step=step, seed=seed + number))
        by = (day - days[0]) * DAY_NS
        ticks = replace(ticks, seq=ticks.seq + by, ts=ticks.ts + by, clock=ticks.clock + by)
        store.put_derived(symbol, range(day, day + 1), ticks, bars_of(ticks), [])


def fill(per_day: int, symbols: int, days: int) -> list[int]:
    """Store days and read each once; return them."""
    with open_store(create=True) as store:
        cache = DayCache(STATE / "cache", print, keep_free=0)
        opens = days_of(days)
        for n in range(symbols):
            put(store, f"S{n}", per_day, opens, n * 1000)
            for day in opens:
                cache.ticks(store, f"S{n}", day_start(day), day_start(day + 1))
        return store.days("S0")


def spent(symbols: int, first: int, last: int, root: Path = ROOT) -> tuple[float, float]:
    """Return peak memory (bytes) and processor seconds of a run on days first..last by the code in `root`."""
    words = [w for n in range(symbols) for w in ("--symbol", f"S{n}")]
    run = [str(root / "run_backtest.py"), *words, "--quiet",
           "--from-date", str(to_date(first)), "--to-date", str(to_date(last))]  # fmt: skip
    out = subprocess.run([sys.executable, "-c", _CHILD, *run], check=True, capture_output=True, text=True).stdout
    memory, seconds = map(float, out.split())
    return memory, seconds


def main(per_day: int = 1_000_000, symbols: int = 1, *days: int) -> int:
    """Measure and print; return whether the aim is missed."""
    counts = sorted(days or (2, 5, 10, 20))
    peak = 0.0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        stored = fill(per_day, symbols, counts[-1] + 1)  # the first fills the windows
        for count in counts:
            memory, seconds = spent(symbols, stored[1], stored[count])
            ticks = per_day // 375 * 375 * symbols * (count + 1)
            print(f"  {count:>3} days {ticks:>12,} ticks  {memory / 1e6:6.0f} MB  {seconds / ticks * 1e6:5.2f} us a tick")
            peak = max(peak, memory)
        os.chdir(ROOT)
    print(f"most {peak / 1e6:.0f} MB (aim {AIM / 1e6:.0f})")
    return int(peak > AIM)


if __name__ == "__main__":
    sys.exit(main(*(int(w.replace(",", "")) for w in sys.argv[1:])))
