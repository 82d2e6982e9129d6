"""What workers share and survive: lines measured once, data read once, a process killed, a trial on which processes die."""

import os
import signal
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from auction_bt.backtest import Request, located, run_backtest
from auction_bt.core.errors import Refused
from auction_bt.core.fills import FillModel
from auction_bt.core.ist import from_date
from auction_bt.result import csv_lines
from auction_bt.store.dsn import open_store
from auction_bt.sweep.drive import DIED, outcomes
from auction_bt.sweep.executor import Inline, Processes
from auction_bt.sweep.plan import Plan, find_symbols, grid_of
from auction_bt.sweep.trial import Outcome, Place, Task, Terms
from auction_bt.sweep.versions import versions
from auction_bt.sweep.worker import Bench, trades_hash, work
from tests.sweep.made import walk_csv, write

FIRST, LAST = date(2025, 12, 16), date(2025, 12, 19)
TERMS = Terms(Decimal(1_000_000), 1, "upstox", FillModel())


def planned(*grid):
    with open_store(readonly=True) as store:
        symbols = find_symbols(store, None, Request(("AAA",), FIRST, LAST), ["AAA"])
    axes = grid_of(grid)
    return Plan(symbols, from_date(FIRST), from_date(LAST), axes, range(len(axes)), (), TERMS, "code")


def tasks_of(plan, size):
    (symbol,) = plan.symbols
    trials = list(plan.trials())
    return [Task(Place(f"sqlite:///{Path('auction.db').absolute()}"), TERMS, symbol.legs, symbol.tradables, symbol.data,
                 tuple(trials[i : i + size])) for i in range(0, len(trials), size)]  # fmt: skip


def test_data_is_read_once_and_lines_are_measured_once_for_all_that_share_them(filled):
    (task,) = tasks_of(planned("period=10,15", "value_area=0.6,0.7", "rule=original,auction", "min_r=0.5,1.0,1.5"), 99)

    with closing(Bench(task.place)) as bench:
        found = bench.run(task)
        assert bench.shelf.loaded == 1
        windows = 2 * 2 + 2  # rolling by period and area; the session's by area
        assert bench.shelf.measured == windows + 2 * windows  # and what each rule makes of them
        again = bench.run(task)
        assert (bench.shelf.loaded, bench.shelf.measured) == (1, 3 * windows)

    assert again == found
    with open_store(readonly=True) as store:
        for outcome, request in list(zip(found, task.requests(), strict=True))[::5]:  # each as if it were alone
            alone = run_backtest(store, located(store, Request(request.symbols, FIRST, LAST, request.settings))).result
            assert outcome.trades == trades_hash(csv_lines(alone.trades))
            assert outcome.figures.net == alone.summary.net
            assert outcome.figures.value("win_rate") == alone.summary.win_rate
            assert outcome.figures.value("profit_factor") == alone.summary.profit_factor
            assert outcome.figures.value("r_mean") == pytest.approx(alone.summary.r_mean)
            assert sum(net for _, net in outcome.figures.daily) == pytest.approx(float(alone.summary.net))
    assert len({o.trades for o in found}) > 4


def test_what_is_kept_is_bounded_and_changes_nothing(filled):
    (task,) = tasks_of(planned("period=10,60,200", "window=rolling,session,composite"), 99)

    def run(memory):
        with closing(Bench(Place(task.place.store, memory=memory))) as bench:
            return bench.run(task), bench.shelf.nbytes

    found, large = run(2**30)
    same, small = run(1)
    assert same == found
    assert small < large


def test_a_worker_that_outlives_a_sweep_reads_data_that_has_changed_since(filled):
    plan = planned("period=10,15")
    (task,) = tasks_of(plan, 99)
    with closing(Bench(task.place)) as bench:
        before = [o.trades for o in bench.run(task)]
        write("more.csv", walk_csv(77, first=60))
        assert filled("import", "more.csv", "--symbol", "AAA", "--tick", "0.10")[0] == 0
        (task,) = tasks_of(planned("period=10,15"), 99)
        after = [o.trades for o in bench.run(task)]

    with closing(Bench(task.place)) as fresh:
        assert [o.trades for o in fresh.run(task)] == after != before


def test_a_worker_of_another_version_refuses(filled):
    (task,) = tasks_of(planned("period=10"), 1)
    theirs = tuple((versions() | {"numpy": "1.0"}).items())

    with pytest.raises(Refused, match=r"a worker was asked by a sweep with numpy 1\.0 \(here .*\): install the same version"):
        work(Task(task.place, task.terms, task.legs, task.tradables, task.data, task.trials, theirs))


# ---------------------------------------------------------------- deaths
def deadly(task):
    """A worker's work that kills its process at one trial, and takes nothing else."""
    if any(dict(trial.settings)["period"] == 12 for trial in task.trials):
        os.kill(os.getpid(), signal.SIGKILL)
    return [Outcome(trial, trades="done") for trial in task.trials]


def once(task):
    """A worker's work that kills the first process to come."""
    try:
        os.close(os.open("killed", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return [Outcome(trial, trades="done") for trial in task.trials]
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


@pytest.mark.skipif(os.name == "nt", reason="a process is killed by a signal")
@pytest.mark.parametrize(("what", "failed"), [(once, []), (deadly, [12])])
def test_a_process_killed_costs_no_trial_but_the_one_that_kills_it(filled, what, failed):
    tasks = tasks_of(planned("period=5:24:1"), 4)
    executor = Processes(2)
    try:
        found = [o for some in outcomes(executor, tasks, what) for o in some]
    finally:
        executor.close()

    assert sorted(dict(o.trial.settings)["period"] for o in found) == list(range(5, 25))
    assert [dict(o.trial.settings)["period"] for o in found if o.error == DIED] == failed
    assert sum(o.trades == "done" for o in found) == 20 - len(failed)


def test_what_stops_all_stops_at_once(filled):
    tasks = tasks_of(planned("period=5,6,7"), 1)
    taken = []

    def broken(task):
        raise Refused("no store")

    with pytest.raises(Refused, match="no store"):
        list(outcomes(Inline(), (taken.append(t) or t for t in tasks), broken))
    assert len(taken) == 1
