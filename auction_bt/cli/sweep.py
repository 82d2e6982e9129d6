"""The `sweep` command: the strategy with many settings on many symbols, here or on a cluster."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from auction_bt.backtest import Request
from auction_bt.cli.arguments import Progress, check_state, loaded_book
from auction_bt.cli.backtest import state_folder
from auction_bt.cli.outputs import check_targets, write_lines
from auction_bt.cli.request import COSTS, add_request, request_of, required
from auction_bt.core.errors import BadInput
from auction_bt.core.figures import OBJECTIVES
from auction_bt.core.ist import from_date
from auction_bt.store import TickStore
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.store.trials import TrialLedger
from auction_bt.sweep.executor import Executor, Inline, Processes, jobs_here
from auction_bt.sweep.plan import Plan, chosen, find_symbols, grid_of
from auction_bt.sweep.report import csv_rows, json_lines, render_sweep, report_of
from auction_bt.sweep.run import Sweep, begun
from auction_bt.sweep.trial import Place, Terms
from auction_bt.sweep.versions import code
from auction_bt.wording import plural, whole

HELP: Final = "run many settings on many symbols, here or on a cluster, and weigh what they came to"
_MIB: Final = 2**20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_request(parser, required=False)
    parser.add_argument("--symbols-file", metavar="FILE", help="symbols or names, one a line; # begins a remark")
    parser.add_argument("--grid", action="append", default=[], metavar="NAME=VALUES",
                        help="values of a setting: period=60:240:30 (first, last, step) or value_area=0.68,0.70; "
                        "may be given again: every combination is run")  # fmt: skip
    parser.add_argument("--sample", type=int, metavar="N", help="run N combinations of the grid, drawn at random")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default 0)")
    parser.add_argument("--objective", choices=OBJECTIVES, default="sharpe", metavar="NAME",
                        help=f"what is looked for: {', '.join(OBJECTIVES)} (default %(default)s, of a day's net)")  # fmt: skip
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: as many as this machine runs at a time)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the workers of a Dask scheduler, as tcp://host:8786")
    parser.add_argument("--memory", type=int, default=512, metavar="MIB",
                        help="of data and lines that each process keeps for its next trials (default %(default)s)")  # fmt: skip
    parser.add_argument("--top", type=int, default=10, metavar="N", help="lines of the table (default %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all rows as JSON, - for standard output instead of the table")
    parser.add_argument("--csv", metavar="FILE", help="write one line a trial")
    parser.add_argument("--quiet", action="store_true", help="print no table")


def run(args: argparse.Namespace) -> int:
    """Run what is missing, and report on all."""
    _check(args)
    symbols = _symbols(args)
    request = request_of(required(argparse.Namespace(**{**vars(args), "symbol": symbols})))
    grid = grid_of(args.grid)
    both = sorted({axis.name for axis in grid.axes} & set(request.settings))
    if both:
        raise BadInput(f"{both[0]} is given by --grid and by --{'regime' if both[0] == 'rule' else 'set'}: give it once")
    numbers = chosen(grid, args.sample, args.seed)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(args.store, readonly=True))
        plan = _plan(args, store, request, symbols, stack)
        plan = replace(plan, grid=grid, numbers=numbers)
        state = state_folder(args.state)
        journal = stack.enter_context(Journal.open(state))
        ledger = stack.enter_context(TrialLedger.open(state))
        swept = " ".join(f"{axis.name}={','.join(map(str, axis.values))}" for axis in grid.axes)
        sweep = Sweep(ledger, journal, lambda: begun(journal, request, swept), _place(args, state), Inline())
        if not _run(args, sweep, plan):
            return 130
        return _report(args, plan, ledger, journal)


def _check(args: argparse.Namespace) -> None:
    check_targets([args.json, args.csv])
    check_state(args.state)
    if args.jobs is not None and not 1 <= args.jobs <= 1024:
        raise BadInput(f"--jobs {args.jobs} must be 1 to 1024")
    if args.jobs is not None and args.dask is not None:
        raise BadInput("--jobs beside --dask: a cluster has the workers it has; leave --jobs out")
    if args.memory < 16:
        raise BadInput(f"--memory {args.memory} must be 16 MiB or more")
    if args.top < 0:
        raise BadInput(f"--top {args.top} must be 0 or more")


def _symbols(args: argparse.Namespace) -> list[str]:
    found = list(args.symbol or [])
    if args.symbols_file is not None:
        try:
            text = Path(args.symbols_file).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"--symbols-file {args.symbols_file} cannot be read: {error}") from None
        found += [name for line in text.splitlines() if (name := line.partition("#")[0].strip())]
    if not found:
        raise BadInput("no symbol to run: give --symbol, or --symbols-file with one a line")
    return found


def _plan(args: argparse.Namespace, store: TickStore, request: Request, symbols: list[str], stack: ExitStack) -> Plan:
    terms = Terms(request.cash, COSTS[args.costs], args.plan, request.fill, request.max_concurrent, request.trade)
    located = find_symbols(store, loaded_book(args.state, stack), request, symbols)
    base = tuple(sorted(request.settings.items()))
    return Plan(located, from_date(request.begin), from_date(request.end), grid_of([]), range(1), base, terms, code())


def _place(args: argparse.Namespace, state: Path) -> Place:
    address = parse(args.store)
    dsn = f"sqlite:///{address.path.absolute().as_posix()}" if isinstance(address, SqliteDsn) else args.store
    return Place(dsn, str((state / "cache").absolute()), args.memory * _MIB)


def _run(args: argparse.Namespace, sweep: Sweep, plan: Plan) -> bool:
    """Run what is missing; return False where Ctrl-C ended it."""
    before = sum(len(sweep.ledger.known(t.identity for t in some)) for some in plan.in_groups())
    left = len(plan) - before
    if not left:
        return True
    progress = Progress()
    sweep.executor = _executor(args, sweep, left)
    sweep.watch = _Told(progress, len(plan), before)
    try:
        sweep.run(plan)
    except KeyboardInterrupt:
        sweep.executor.close(at_once=True)
        progress.clear()
        print(f"auction_bt: interrupted: {whole(before + sweep.done.trials)} of {plural(len(plan), 'trial')} are kept; "
              "the same command goes on from there", file=sys.stderr)  # fmt: skip
        return False
    except BaseException:
        sweep.executor.close(at_once=True)
        raise
    finally:
        progress.clear()
    sweep.executor.close()
    return True


def _executor(args: argparse.Namespace, sweep: Sweep, left: int) -> Executor:
    if args.dask is not None:
        from auction_bt.sweep.cluster import Cluster, work_there  # Dask is an extra, and slow to import

        sweep.work = work_there
        return Cluster(args.dask, sweep.place)
    jobs = min(args.jobs or jobs_here(), left)
    return Inline() if jobs == 1 else Processes(jobs)


class _Told:
    """Tells on one line how far a sweep is, how fast it goes, and how long it will take."""

    def __init__(self, progress: Progress, trials: int, before: int) -> None:
        self._progress = progress
        self._trials = trials
        self._before = before
        self._begun = time.monotonic()

    def __call__(self, done: int, failed: int) -> None:
        rate = done / max(time.monotonic() - self._begun, 1e-9)
        left = round((self._trials - self._before - done) / rate)
        hours, rest = divmod(left, 3600)
        told = f"{whole(self._before + done)} of {plural(self._trials, 'trial')}, {rate:.1f} a second, "
        told += f"{hours}:{rest // 60:02}:{rest % 60:02} left"
        self._progress(told + (f", {whole(failed)} failed" if failed else ""))


def _report(args: argparse.Namespace, plan: Plan, ledger: TrialLedger, journal: Journal) -> int:
    symbols = {leg.instrument.symbol for each in plan.symbols for leg in each.legs}
    tried = journal.trials(symbols, plan.first, plan.last).count
    report = report_of(plan, ledger, args.objective, tried)
    written = []
    for target, lines in ((args.csv, csv_rows), (args.json, json_lines)):
        if target is not None:
            write_lines(target, lines(report, ledger))
            written.append(target)
    if not args.quiet and "-" not in written:
        print(render_sweep(report, ledger, args.top), end="")
        print("\nKept: " + ", ".join([*written, f"every trial by its name in {args.state / 'sweeps.db'}"]))
    for name, reason in report.failed[:3]:
        print(f"auction_bt: failed: {name}: {reason}", file=sys.stderr)
    return 1 if report.failed else 0
