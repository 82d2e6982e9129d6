"""What a sweep costs: shared work against none, two processes against one, stock `optstrategy`, Dask, the driver's memory.

Usage: python benchmarks/bench_sweep.py [runs = 3] [trials of the memory test = 10000]

Both sides of a ratio are run in turns on the same days from a seed, and medians are compared. Stock has neither charges nor ticks
for its orders; on bars it does less than we do, on replayed ticks what it can.
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
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import backtrader as bt
import pandas as pd

from auction_bt.backtest import Request
from auction_bt.core.figures import Figures
from auction_bt.core.fills import FillModel
from auction_bt.core.ist import day_start, from_date
from auction_bt.derive import derive
from auction_bt.feeds.stored import Recorded, load
from auction_bt.store import RawMessage
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.store.trials import TrialLedger
from auction_bt.strategy import AuctionStrategy
from auction_bt.sweep.executor import Executor, Inline, Processes
from auction_bt.sweep.plan import Plan, find_symbols, grid_of
from auction_bt.sweep.run import Sweep
from auction_bt.sweep.trial import Outcome, Place, Task, Terms
from auction_bt.sweep.worker import Bench
from auction_bt.synthetic import DEMO, Shape, messages

INSTRUMENT = DEMO[Shape.WALK]
DAYS = [datetime.date(2026, 11, d) for d in (18, 19, 20)]
TERMS = Terms(Request(("x",), DAYS[0], DAYS[0]).cash, 1, "upstox", FillModel())
PRICES = ("open", "high", "low", "close")
PER_MINUTE = 120  # messages, of which 60 become ticks of a bar
GRID = ("min_r=0.5:2.0:0.05", "cost_multiple=1:2:1")  # nothing of the profile: its lines are shared


def main(repeat: int = 3, trials: int = 10_000) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fill()
        plan = planned(*GRID)
        print(f"{len(plan)} trials of {len(DAYS) - 1} days, {os.cpu_count()} processors, median of {repeat}")
        cold_and_shared(plan, repeat)
        dask_cost()
        memory(trials)
        one_and_two(plan, repeat)
        against_stock(repeat)
        os.chdir("/")


def fill() -> None:
    """Make days from a seed."""
    with open_store(create=True) as store:
        store.put_instrument(INSTRUMENT)
        for seed, day in enumerate(DAYS):
            stream = messages(INSTRUMENT.symbol, day, Shape.WALK, seed, tick=INSTRUMENT.tick, lot=INSTRUMENT.lot,
                              kind=INSTRUMENT.kind, per_minute=PER_MINUTE)  # fmt: skip
            store.add_raw([RawMessage(stamp, json.dumps(body), tuple(body.get("feeds", ()))) for stamp, body in stream])
        derive(store, [INSTRUMENT.symbol], [from_date(day) for day in DAYS])


def planned(*grid: str, numbers: int | None = None) -> Plan:
    """Return a plan of the days after the first."""
    axes = grid_of(grid)
    with open_store(readonly=True) as store:
        symbols = find_symbols(store, None, Request((INSTRUMENT.symbol,), DAYS[1], DAYS[-1]), [INSTRUMENT.symbol])
    chosen = range(len(axes) if numbers is None else numbers)
    return Plan(symbols, from_date(DAYS[1]), from_date(DAYS[-1]), axes, chosen, (), TERMS, "bench")


def place() -> Place:
    """Return where workers read."""
    return Place(f"sqlite:///{Path('auction.db').absolute()}", str(Path("cache").absolute()))


def swept(plan: Plan, executor: Executor, work: Callable[[Task], list[Outcome]] | None = None) -> float:
    """Run a plan from nothing; return the seconds."""
    with tempfile.TemporaryDirectory() as state, TrialLedger.open(Path(state)) as ledger, Journal.open(Path(state)) as journal:
        sweep = Sweep(ledger, journal, lambda *_: journal.start_run("{}"), place(), lambda: executor)
        if work is not None:
            sweep.work = work
        return seconds(lambda: sweep.run(plan))


def cold_and_shared(plan: Plan, repeat: int) -> None:
    """Trials whose ticks, bars and lines are held against such that read and compute all of it: in this process, and in new ones.

    Processor time, as others may hold the machine. A new process is one worker's first trial: it imports and loads as well.
    """
    (task,) = tasks(plan.only(range(6)))
    singles = [replace(task, place=Place(task.place.store), trials=(trial,)) for trial in task.trials]
    cold, shared, alone = [], [], []
    bench = Bench(task.place)
    bench.run(task)
    words = [sys.executable, __file__, "alone"]
    subprocess.run(words, check=True)  # machine code and byte code are on the disk from here on
    for _ in range(repeat):
        cold.append(processor(lambda: [Bench(one.place).run(one) for one in singles]) / len(singles))
        shared.append(processor(lambda: bench.run(task)) / len(singles))
        before = sum(os.times()[2:4])
        subprocess.run(words, check=True)
        alone.append(sum(os.times()[2:4]) - before)
    told("a trial that reads and measures all itself", cold, "that shares", shared)
    told("a trial in a process of its own", alone, "that shares", shared)


def alone() -> None:
    """Be a process that runs one trial."""
    (task,) = tasks(planned(*GRID, numbers=1))
    Bench(Place(task.place.store)).run(task)


def processor(work: Callable[[], object]) -> float:
    """Return the processor time that `work` takes in this process, s."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def seconds(work: Callable[[], object]) -> float:
    """Return how long `work` takes."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def tasks(plan: Plan) -> list[Task]:
    """Return a plan as one task a symbol."""
    return [Task(place(), TERMS, s.legs, (), s.data, tuple(replace(plan, symbols=(s,)).trials())) for s in plan.symbols]


def one_and_two(plan: Plan, repeat: int) -> None:
    """The same plan in one process and by two, these started before and warm: by the clock, and by who used the processors."""
    from psutil import Process  # comes with Dask

    own = Process()
    one, two, spent, driving, gain = [], [], [], [], []
    for _ in range(repeat):
        swept(plan.only(range(8)), Inline())
        alone = processor(lambda: one.append(swept(plan, Inline())))
        executor = Processes(2)
        try:
            workers = [Process(pid) for pid in started(executor)]
            swept(plan.only(range(16)), executor)
            before = [sum(p.cpu_times()[:2]) for p in (own, *workers)]
            two.append(swept(plan, executor))
            driver, *each = (sum(p.cpu_times()[:2]) - b for p, b in zip((own, *workers), before, strict=True))
        finally:
            executor.close()
        spent.append((driver + sum(each)) / alone)
        driving.append(driver / (driver + sum(each)))
        gain.append(alone / max(*each, (driver + sum(each)) / 2))
    told("one process", one, "two", two)
    print(
        f"two processes take {statistics.median(spent):.2f} of the processor time of one, the driver's part of it is "
        f"{statistics.median(driving):.1%}: {statistics.median(gain):.2f} x on two free processors"
    )


def started(executor: Processes) -> list[int]:
    """Return the processes of a pool once each has come: a quick one would take the work of one that still imports."""
    with tempfile.TemporaryDirectory() as folder:
        futures = [executor.submit(arrive, (folder, executor.width)) for _ in range(executor.width)]
        return [future.result() for future in futures]


def arrive(place: tuple[str, int]) -> int:
    """Come to a folder and wait for the others; return which process came."""
    folder, many = place
    Path(folder, str(os.getpid())).touch()
    while len(os.listdir(folder)) < many:
        time.sleep(0.01)
    return os.getpid()


def against_stock(repeat: int) -> None:
    """Our trials against `Cerebro.optstrategy` on the same days: on bars alone, and on the ticks replayed into them."""
    values = [0.5, 1.0]
    plan = planned("min_r=" + ",".join(map(str, values)))
    (task,) = tasks(plan)
    with open_store(readonly=True) as store:
        begin, end = day_start(from_date(DAYS[0])), day_start(from_date(DAYS[-1]) + 1)
        recorded = load(store, task.legs[0].instrument, begin, end)
    bench = Bench(place())
    bench.run(task)
    ours, bars, ticks = [], [], []
    for _ in range(repeat):
        ours.append(seconds(lambda: bench.run(task)) / len(values))
        bars.append(stock(recorded, values, by_ticks=False) / len(values))
    ticks.append(stock(recorded, values[:1], by_ticks=True))
    told("optstrategy on replayed ticks, a trial", ticks, "ours", ours)
    told("optstrategy on bars alone, a trial", bars, "ours, on ticks", ours)


def stock(recorded: Recorded, values: list[float], *, by_ticks: bool) -> float:
    """Run stock `optstrategy` in this process; return the seconds."""
    market, bars, instrument = recorded.market, recorded.bars, recorded.instrument
    cerebro = bt.Cerebro(maxcpus=1, stdstats=False)
    if by_ticks:
        frame: Any = pd.DataFrame(dict.fromkeys(PRICES, market.price), index=pd.to_datetime(market.ts))
        data = bt.feeds.PandasData(dataname=frame.assign(volume=1), timeframe=bt.TimeFrame.Ticks)
        cerebro.replaydata(data, timeframe=bt.TimeFrame.Minutes, compression=1)
    else:
        frame = pd.DataFrame({n: getattr(bars, n) for n in (*PRICES, "volume")}, index=pd.to_datetime(bars.ts))
        cerebro.adddata(bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes))
    cerebro.optstrategy(AuctionStrategy, min_r=values, tick_size=float(instrument.tick), lot=instrument.lot, source="candles")
    return seconds(lambda: cerebro.run(optreturn=False))


def dask_cost() -> None:
    """What a Dask cluster of two workers adds to a trial: tasks that do nothing, eight trials in each as in a sweep."""
    try:
        from distributed import Client
    except ImportError:
        print("Dask is not installed: pip install 'auction-bt[dask]'")
        return
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:
        executor = client.get_executor(pure=False)
        (task,) = tasks(planned(*GRID).only(range(8)))
        list(executor.map(len, ["x"] * 10))
        took = seconds(lambda: [f.result() for f in [executor.submit(nothing, task) for _ in range(200)]])
    print(f"Dask: {took / 200 * 1e3:.2f} ms a task of eight trials, {took / 1600 * 1e3:.2f} ms a trial")


def nothing(task: Task) -> list[Outcome]:
    """A worker's work that costs nothing."""
    return [Outcome(trial, error="-") for trial in task.trials]


def cheap(task: Task) -> list[Outcome]:
    """A worker's work that makes up what comes of a trial on 250 days."""
    money, none = Decimal(1), Decimal(0)
    found = []
    for trial in task.trials:
        daily = tuple((20_000 + day, float(hash((trial.identity, day)) % 1000)) for day in range(250))
        figures = Figures(250, 250, 0, money, money, none, money, none, 0, none, 1.0, 250, 300, 250, none, 0, 0.1, daily)
        found.append(Outcome(trial, figures, "t", (("X",), trial.identity, 0.1)))
    return found


def drive(trials: int) -> None:
    """Be a driver of so many trials; print the seconds and the largest memory."""
    plan = planned("period=1:1000:1", "pullback_bars=1:10:1", numbers=trials)
    print(swept(plan, Inline(), cheap), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


def memory(trials: int) -> None:
    """The driver's largest memory with many trials, their outcomes made up, against a tenth of them; each in a process."""
    found = []
    for n in (trials // 10, trials):
        words = [sys.executable, __file__, "drive", str(n)]
        out = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        found.append((n, float(out[0]), float(out[1])))
    for n, took, most in found:
        print(f"driver: {n:,} trials, {took / n * 1e3:.2f} ms each, {most:.1f} MiB at most")


def told(one: str, ones: list[float], other: str, others: list[float]) -> None:
    """Print two medians and their ratio."""
    a, b = statistics.median(ones), statistics.median(others)
    print(f"{one} {a * 1e3:.1f} ms, {other} {b * 1e3:.1f} ms: {a / b:.2f} x  ({len(ones)} and {len(others)} runs)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["drive"]:
        drive(int(sys.argv[2]))
    elif sys.argv[1:2] == ["alone"]:
        alone()
    else:
        main(*map(int, sys.argv[1:]))
