"""How costs grow: the indicator with its window, a run with its sessions, and where the time of a run goes.

Usage: python benchmarks/bench_growth.py [bars of the indicator = 1,000,000] [sessions = 1 10 100]

Processor time, so that other work on the machine counts less; the least of three.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from auction_bt.core.profile import Method, VolumeSource
from auction_bt.core.rolling import WindowBars, WindowSpec, levels_of
from benchmarks.peers.ours import columns_of, on_ticks, run
from benchmarks.peers.workload import bars_of, make
from tests.builders import bars_of as bars_of_columns
from tests.builders import recorded

AIMS = {1: 3.0, 20: 0.5}  # us a bar at N = 120, by ticks a row: windows of some 800 and 40 rows


def least(work: Callable[[], Any]) -> float:
    """Return the processor seconds of the quickest of three runs."""
    taken = []
    for _ in range(3):
        begin = time.process_time()
        work()
        taken.append(time.process_time() - begin)
    return min(taken)


def indicator(count: int) -> bool:
    """Print what a bar costs by window; return whether all aims are met."""
    bars = bars_of(make(-(-count // 375), per_minute=10, step=6 * 6**0.5))
    low, high, close, volume = (x[:count] for x in (bars.low, bars.high, bars.close, bars.volume))
    day, none, met = bars.end[:count] // 86_400_000_000_000, np.zeros(len(low), np.int64), True
    given = WindowBars(low, high, close, volume, day, none, bars.end[:count])
    print(f"profile of {len(low):,} bars, candles, two-row method")
    for rows, period in ((1, 120), (20, 120), (1, 30), (1, 375), (1, 1500), (1, 7500), (20, 7500)):
        spec = WindowSpec(period=period, ticks_per_row=rows, source=VolumeSource.CANDLES, method=Method.TWO_ROW)
        view = np.lib.stride_tricks.sliding_window_view
        height = (view(high[:50_000], period).max(1) - view(low[:50_000], period).min(1)).mean() / rows + 1
        levels_of(spec, WindowBars(low[:99], high[:99], close[:99], volume[:99], day[:99], none[:99], bars.end[:99]))
        cost = least(lambda: levels_of(spec, given)) / len(low) * 1e6  # noqa: B023 - called at once
        aim = AIMS.get(rows) if period == 120 else None
        met &= aim is None or cost <= aim
        print(f"  N {period:>5}  {height:7.0f} rows  {cost:7.2f} us a bar{'' if aim is None else f'   (aim {aim} us)'}")
    return met


def sessions(counts: list[int]) -> None:
    """Print what a tick costs by the number of sessions in a run, and what of it is spent where."""
    on_ticks(make(1))
    print("ticks to fills, one symbol")
    for days in counts:
        ticks = make(days)
        columns = columns_of(ticks)
        data = recorded(columns)
        bars, fills = least(lambda: bars_of_columns(columns)), []  # noqa: B023
        reading = least(lambda: recorded(columns)) - bars  # noqa: B023
        whole = least(lambda: fills.append(len(run(data).fills)))  # noqa: B023
        total = bars + reading + whole
        print(f"  {days:>4} sessions {len(ticks):>10,} ticks {fills[0]:>7,} fills  {total / len(ticks) * 1e6:6.2f} us a tick: "
              f"bars {bars / total:.0%}, arrays {reading / total:.0%}, profile, rule and orders {whole / total:.0%}")  # fmt: skip


def main() -> int:
    words = [int(w.replace(",", "")) for w in sys.argv[1:]]
    met = indicator(words[0] if words else 1_000_000)
    sessions(words[1:] or [1, 10, 100])
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
