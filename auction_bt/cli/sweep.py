"""The `sweep` command: the strategy with many settings on many symbols, here or on a cluster."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from auction_bt.backtest import Request
from auction_bt.cli.arguments import Progress, check_state, loaded_book
from auction_bt.cli.backtest import state_folder
from auction_bt.cli.outputs import check_targets, write_lines
from auction_bt.cli.request import COSTS, add_request, request_of, required
from auction_bt.core.errors import BadInput
from auction_bt.core.figures import OBJECTIVES
from auction_bt.core.ist import from_date, to_date
from auction_bt.core.walk import folds_of, parse_walk
from auction_bt.store import TickStore
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.store.trials import TrialLedger
from auction_bt.sweep.executor import Inline, Processes, jobs_here
from auction_bt.sweep.page import sweep_page, walk_page
from auction_bt.sweep.plan import Located, Plan, chosen, find_symbols, grid_of
from auction_bt.sweep.report import csv_rows, json_lines, render_sweep, report_of
from auction_bt.sweep.run import Sweep, begun
from auction_bt.sweep.trial import Place, Terms
from auction_bt.sweep.versions import code
from auction_bt.sweep.walk import Step, span_plans, walked
from auction_bt.sweep.walk_report import WalkReport, render_walk, walk_csv, walk_json
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
    parser.add_argument("--optuna", type=int, metavar="N", help="run N combinations, each chosen by what those before came to")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of what is drawn (default 0)")
    parser.add_argument("--objective", choices=OBJECTIVES, default="sharpe", metavar="NAME",
                        help=f"what is looked for: {', '.join(OBJECTIVES)} (default %(default)s, of a day's net)")  # fmt: skip
    parser.add_argument("--walk-forward", metavar="SPANS", help="choose on train days, trade the test days after them: "
                        "train=20d,test=5d[,step=5d,embargo=1d]")  # fmt: skip
    parser.add_argument("--jobs", type=int, metavar="N", help="processes (default: as many as this machine runs at a time)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on the workers of a Dask scheduler, as tcp://host:8786")
    parser.add_argument("--memory", type=int, default=512, metavar="MIB",
                        help="of data and lines that each process keeps for its next trials (default %(default)s)")  # fmt: skip
    parser.add_argument("--top", type=int, default=10, metavar="N", help="lines of the table (default %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write all rows as JSON, - for standard output instead of the table")
    parser.add_argument("--csv", metavar="FILE", help="write one line a trial, or a fold")
    parser.add_argument("--html", metavar="FILE.html", help="write heat maps, equity and the best as one page")
    parser.add_argument("--quiet", action="store_true", help="print no table")


def run(args: argparse.Namespace) -> int:
    """Run what is missing, and report on all."""
    _check(args)
    symbols = _symbols(args)
    request = request_of(required(argparse.Namespace(**{**vars(args), "symbol": symbols})))
    grid = grid_of(args.grid)
    _check_given_once(args, {axis.name for axis in grid.axes})
    numbers = chosen(grid, args.sample, args.seed) if args.optuna is None else range(len(grid))
    with ExitStack() as stack:
        store = stack.enter_context(open_store(args.store, readonly=True))
        plan = _plan(args, store, request, symbols, stack)
        plan = replace(plan, grid=grid, numbers=numbers)
        state = state_folder(args.state)
        journal = stack.enter_context(Journal.open(state))
        ledger = stack.enter_context(TrialLedger.open(state))
        swept = " ".join(f"{axis.name}={','.join(map(str, axis.values))}" for axis in grid.axes)

        def begin(first: int, last: int) -> int:
            return begun(journal, replace(request, begin=to_date(first), end=to_date(last)), swept)

        if not grid.axes and args.walk_forward is None:
            print("auction_bt: no --grid was given: this is one combination, the settings as they are; --grid period=60:240:30 "
                  "makes several", file=sys.stderr)  # fmt: skip
        sweep = Sweep(ledger, journal, begin, _place(args, state), lambda: Processes(args.jobs or jobs_here()))
        _choose_executor(args, sweep)
        if args.walk_forward is not None:
            return _walk(args, plan, request, store, sweep, stack)
        if args.optuna is not None:
            return _search(args, plan, sweep)
        return _report(args, plan, ledger, journal) if _run(sweep, [len(plan)], lambda: sweep.run(plan)) else 130


def _search(args: argparse.Namespace, plan: Plan, sweep: Sweep) -> int:
    found = [plan]

    def search() -> None:
        found[0] = _searched(args, sweep, plan)

    trials = min(args.optuna, len(plan.grid)) * len(plan.symbols)
    return _report(args, found[0], sweep.ledger, sweep.journal) if _run(sweep, [trials], search) else 130


def _searched(args: argparse.Namespace, sweep: Sweep, plan: Plan) -> Plan:
    from auction_bt.sweep.optimise import searched  # Optuna is an extra, and slow to import

    return searched(plan, sweep.ledger, args.objective, args.optuna, args.seed, sweep.run)


def _check(args: argparse.Namespace) -> None:
    check_targets([args.json, args.csv, args.html])
    check_state(args.state)
    if args.jobs is not None and not 1 <= args.jobs <= 1024:
        raise BadInput(f"--jobs {args.jobs} must be 1 to 1024")
    if args.jobs is not None and args.dask is not None:
        raise BadInput("--jobs beside --dask: a cluster has the workers it has; leave --jobs out")
    if args.optuna is not None and args.sample is not None:
        raise BadInput("--optuna beside --sample: each chooses what is run; leave one of them out")
    if args.optuna is not None and args.optuna < 1:
        raise BadInput(f"--optuna {args.optuna} must be 1 or more")
    if args.memory < 16:
        raise BadInput(f"--memory {args.memory} must be 16 MiB or more")
    if args.top < 0:
        raise BadInput(f"--top {args.top} must be 0 or more")


def _check_given_once(args: argparse.Namespace, axes: set[str]) -> None:
    options = {name.partition("=")[0].strip(): "--set" for name in args.settings}
    of_their_own = (("rule", "--regime", args.regime), ("no_trade", "--no-trade", args.no_trade),
                    ("max_concurrent", "--max-concurrent", args.max_concurrent))  # fmt: skip
    options |= {name: option for name, option, value in of_their_own if value is not None}
    if both := sorted(axes & set(options)):
        raise BadInput(f"{both[0]} is given by --grid and by {options[both[0]]}: give it once")


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
    terms = Terms(request.cash, COSTS[args.costs], args.plan, request.fill, request.trade)
    located = find_symbols(store, loaded_book(args.state, stack), request, symbols)
    base = tuple(sorted(request.settings.items()))
    return Plan(located, from_date(request.begin), from_date(request.end), grid_of([]), range(1), base, terms, code())


def _place(args: argparse.Namespace, state: Path) -> Place:
    address = parse(args.store)
    dsn = f"sqlite:///{address.path.absolute().as_posix()}" if isinstance(address, SqliteDsn) else args.store
    return Place(dsn, str((state / "cache").absolute()), args.memory * _MIB)


def _run(sweep: Sweep, trials: list[int], work: Callable[[], None]) -> bool:
    """Do `work`, some `trials` in all; return False where Ctrl-C ended it."""
    progress = Progress()
    total = sum(trials)
    sweep.watch = _Told(progress, total)
    try:
        work()
    except KeyboardInterrupt:
        sweep.close(at_once=True)
        progress.clear()
        kept = sweep.skipped + sweep.ended - sweep.failed
        print(f"auction_bt: interrupted: {whole(kept)} of {plural(total, 'trial')} are kept; "
              "the same command goes on from there", file=sys.stderr)  # fmt: skip
        return False
    except BaseException:
        sweep.close(at_once=True)
        raise
    finally:
        progress.clear()
    sweep.close()
    return True


def _choose_executor(args: argparse.Namespace, sweep: Sweep) -> None:
    if args.dask is not None:
        from auction_bt.sweep.cluster import Cluster, work_there  # Dask is an extra, and slow to import

        sweep.work = work_there
        sweep.open_executor = lambda: Cluster(args.dask, sweep.place)
    elif (args.jobs or jobs_here()) == 1:
        sweep.open_executor = Inline


class _Told:
    """Tells on one line how far a sweep is, how fast it goes, and how long it will take."""

    def __init__(self, progress: Progress, trials: int) -> None:
        self._progress = progress
        self._trials = trials
        self._begun = time.monotonic()

    def __call__(self, sweep: Sweep) -> None:
        rate = sweep.ended / max(time.monotonic() - self._begun, 1e-9)
        done = sweep.skipped + sweep.ended
        left = round(max(0, self._trials - done) / rate)
        hours, rest = divmod(left, 3600)
        told = f"{whole(done)} of {plural(self._trials, 'trial')}, {rate:.1f} a second, "
        told += f"{hours}:{rest // 60:02}:{rest % 60:02} left"
        self._progress(told + (f", {whole(sweep.failed)} failed" if sweep.failed else ""))


def _walk(
    args: argparse.Namespace, plan: Plan, request: Request, store: TickStore, sweep: Sweep, stack: ExitStack
) -> int:  # fmt: skip
    days = sorted({d for each in plan.symbols for leg in each.legs for d in store.days(leg.instrument.symbol)
                   if leg.first_day <= d <= leg.last_day})  # fmt: skip
    folds = folds_of(parse_walk(args.walk_forward), days)
    book = loaded_book(args.state, stack)
    symbols = [each.symbol for each in plan.symbols]

    def locate(first: int, last: int) -> tuple[Located, ...]:
        return find_symbols(store, book, replace(request, begin=to_date(first), end=to_date(last)), symbols)

    plans = span_plans(plan, folds, locate)
    steps: list[Step] = []
    tried = len(plan.numbers) if args.optuna is None else min(args.optuna, len(plan.grid))
    search = None if args.optuna is None else partial(_searched, args, sweep)
    walk = walked(plans, folds, sweep.ledger, args.objective, sweep.run, search)
    if not _run(sweep, [(tried + 1) * len(symbols)] * len(plans), lambda: steps.extend(walk)):
        return 130
    report = WalkReport(plan, args.objective, tuple(steps), 0 if args.optuna is None else tried)
    written = _written([(args.csv, lambda: walk_csv(report)), (args.json, lambda: [walk_json(report)]),
                        (args.html, lambda: [walk_page(report)])])  # fmt: skip
    if not args.quiet and "-" not in written:
        print(render_walk(report), end="")
        _kept(args, written)
    return 1 if any(step.error for step in steps) else 0


def _written(texts: Iterable[tuple[str | None, Callable[[], Iterable[str]]]]) -> list[str]:
    found = []
    for target, lines in texts:
        if target is not None:
            write_lines(target, lines())
            found.append(target)
    return found


def _kept(args: argparse.Namespace, written: list[str]) -> None:
    print("\nKept: " + ", ".join([*written, f"every trial by its name in {args.state / 'sweeps.db'}"]))


def _report(args: argparse.Namespace, plan: Plan, ledger: TrialLedger, journal: Journal) -> int:
    symbols = {leg.instrument.symbol for each in plan.symbols for leg in each.legs}
    tried = journal.trials(symbols, plan.first, plan.last).count
    report = report_of(plan, ledger, args.objective, tried)
    written = _written([(args.csv, lambda: csv_rows(report, ledger)), (args.json, lambda: json_lines(report, ledger)),
                        (args.html, lambda: [sweep_page(report, ledger)])])  # fmt: skip
    if not args.quiet and "-" not in written:
        print(render_sweep(report, ledger, args.top), end="")
        _kept(args, written)
    for name, reason in report.failed[:3]:
        print(f"auction_bt: failed: {name}: {reason}", file=sys.stderr)
    return 1 if report.failed else 0
