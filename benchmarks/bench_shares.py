"""Where the time goes from a cold day on QuestDB to its printed summary: each stage's share, in a process of its own.

Usage: python benchmarks/bench_shares.py [--ticks 22500] [--runs 5]

Nothing is cached: the state folder is new each time. Wall time, for a server takes part. A stage's time is its own: what it asks
of another is the other's. Needs a machine where a server can be started.
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

STAGES = ("starting", "reading", "aggregating", "computing", "simulating", "keeping", "printing")
SYMBOL = "S0"


class Stages:
    """Seconds of each stage, the inner ones taken out of the outer ones."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._within: list[str] = []
        self._since = 0.0

    def _switch(self) -> None:
        now = time.perf_counter()
        if self._within:
            self.seconds[self._within[-1]] += now - self._since
        self._since = now

    def of(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return `work`, timed as stage `name`."""

        def timed(*args: Any, **named: Any) -> Any:
            self._switch()
            self._within.append(name)
            try:
                return work(*args, **named)
            finally:
                self._switch()
                self._within.pop()

        return timed

    def wrap(self, name: str, owner: Any, *methods: str) -> None:
        """Time methods of a class, or functions of a module."""
        for method in methods:
            setattr(owner, method, self.of(name, getattr(owner, method)))


def child(words: list[str]) -> None:
    """Run a backtest and print the seconds of its stages, after whatever it prints."""
    from auction_bt import backtest as engine
    from auction_bt.cli import backtest as command
    from auction_bt.cli import backtest_main
    from auction_bt.engine import AuctionCerebro
    from auction_bt.indicators import VolumeProfile
    from auction_bt.store.questdb.store import QuestStore

    stages = Stages()
    asked = [n for n, f in inspect.getmembers(QuestStore, inspect.isfunction) if not n.startswith("_")]
    stages.wrap("reading", QuestStore, *(n for n in asked if not inspect.isgeneratorfunction(getattr(QuestStore, n))))
    stages.wrap("reading", command, "open_store")
    stages.wrap("aggregating", engine, "load_leg")
    stages.wrap("computing", VolumeProfile, "once")
    stages.wrap("simulating", AuctionCerebro, "run")
    stages.wrap("keeping", command, "record", "tried")
    stages.wrap("printing", command, "render")
    sys.argv[1:] = words
    try:
        code = stages.of("rest", backtest_main)()
    except SystemExit as end:
        code = end.code
    assert not code, code
    print("\n" + json.dumps(stages.seconds))


def fill(dsn: str, count: int) -> int:
    """Store two days, of which the first fills the windows; return the second."""
    from auction_bt.store.dsn import open_store
    from benchmarks.bench_memory import days_of, put

    days = days_of(2)
    with open_store(dsn, create=True) as store:
        put(store, SYMBOL, count, days)
    return days[-1]


def once(dsn: str, day: str) -> dict[str, float]:
    """Return the seconds of each stage of one run, and of all."""
    with tempfile.TemporaryDirectory() as state:
        words = ["--symbol", SYMBOL, "--from-date", day, "--to-date", day, "--store", dsn, "--state", state]
        begin = time.perf_counter()
        out = subprocess.run([sys.executable, __file__, "--child", *words], check=True, capture_output=True, text=True).stdout
        whole = time.perf_counter() - begin
    found = json.loads(out.splitlines()[-1])
    known = {name: found.get(name, 0.0) for name in STAGES[1:]}
    return {**known, "starting": whole - sum(known.values()), "whole": whole}


def main() -> int:
    """Measure and print."""
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2:])
        return 0
    import pytest

    from auction_bt.core.ist import to_date
    from tests.questdb import running

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=22_500)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        try:
            with running(Path(folder)) as server:
                dsn = server.dsn("bench_")
                day = str(to_date(fill(dsn, args.ticks)))
                found = [once(dsn, day) for _ in range(args.runs + 1)][1:]  # byte code is written in the first
        except pytest.skip.Exception as reason:
            print(reason)
            return 0
    whole = statistics.median(run["whole"] for run in found)
    print(f"a day of {args.ticks:,} ticks and the one before, on QuestDB, nothing cached: {whole:.2f} s, medians of {args.runs}")
    for name in STAGES:
        took = statistics.median(run[name] for run in found)
        print(f"  {name:<12} {took * 1e3:8.1f} ms  {took / whole:6.1%}")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    sys.exit(main())
