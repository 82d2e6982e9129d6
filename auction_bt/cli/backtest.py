"""The `backtest` command, and `run_backtest.py`: a summary of what the strategy would have done."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np

from auction_bt.backtest import Engine, Request, Run, Traced, run_backtest
from auction_bt.cli.arguments import Progress, check_state
from auction_bt.cli.outputs import check_targets, write_text, write_with
from auction_bt.cli.request import add_request, on_store, request_of, required
from auction_bt.core.decision import entry_of
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.price_step import misfit_of_bars
from auction_bt.core.sharpe import Trials
from auction_bt.explain import explain
from auction_bt.report import csv_lines, dumps, extrapolated, missing, noted, render
from auction_bt.result import plain
from auction_bt.shown import levels_of, rows_of
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.weighing import evidence_of, trials_of
from auction_bt.wording import quantity_of

HELP: Final = "run the strategy on stored data and print what counts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_request(parser, required=False)
    parser.add_argument("--trial", metavar="ID", help="run a trial of a sweep again, by its name or its first letters")
    parser.add_argument("--engine", choices=[e.value for e in Engine], default="fast",
                        help="in bulk, or message by message through the router as live; same trades (default fast)")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON, - for standard output instead of the summary")
    parser.add_argument("--csv", metavar="FILE", help="write the trades as CSV")
    parser.add_argument("--plot", metavar="FILE.png", help="draw candles, levels and trades")
    parser.add_argument("--html", metavar="FILE.html", help="write the report as one page for the browser, charts included")
    parser.add_argument("--explain", type=int, metavar="N", help="tell trade N line by line, after the summary")
    parser.add_argument("--evidence", action="store_true",
                        help="hold the trades against chance, random entries, and how many settings were tried")  # fmt: skip
    parser.add_argument("--jobs", type=int, metavar="N",
                        help="trade each symbol apart, with --cash of its own, in N processes; else all share one")  # fmt: skip
    parser.add_argument("--quiet", action="store_true", help="print no summary")


def run(args: argparse.Namespace) -> int:
    """Run the backtest and print its summary."""
    trial = None
    if args.trial is not None:
        from auction_bt.cli.kept_trial import trial_of  # seldom needed, and slow to import, as what follows

        trial = trial_of(args)
    request = trial.request if trial is not None else request_of(required(args), Engine(args.engine))
    _check_jobs(args)
    check_targets([args.json, args.csv, args.plot, args.html])
    check_state(args.state)
    if args.plot is not None and Path(args.plot).suffix.lower() != ".png":
        raise BadInput(f"--plot {args.plot}: a picture is a .png file")
    with open_store(args.store, readonly=True) as store:
        request = on_store(request, args, store)
        found, notes = _found(args, store, request)
        levels: list[str] = []
        if args.html:
            from auction_bt.cli.levels import sheets

            levels = sheets(store, found)
    story = _explained(found, args.explain)
    written = []
    if args.plot:
        for traced in found.traced:
            path = _plot_path(Path(args.plot), traced, len(found.traced))
            picture(path, traced, request)
            written.append(str(path))
    if args.csv:
        write_text(args.csv, "\n".join(csv_lines(found.result.trades)) + "\n")
        written.append(args.csv)
    with Journal.open(state_folder(args.state)) as journal:
        number = record(journal, found)
        weighed = evidence_of(found, tried(journal, found)) if args.evidence or args.html else None
    evidence = weighed if args.evidence else None
    if args.json:
        more = {} if evidence is None else {"evidence": plain(asdict(evidence))}
        write_text(args.json, dumps(found.result, more))
        written.append(args.json)
    if args.html and weighed is not None:
        from auction_bt.page.document import page

        write_text(args.html, page(found, weighed, sheets=levels))
        written.append(args.html)
    if not args.quiet and "-" not in written:
        print(render(found.result), end="")
        if evidence is not None:
            from auction_bt.evidence_text import render_evidence

            print("\n" + render_evidence(evidence), end="")
        for line in story:
            print(line)
        kept = f"run {number} of {args.state / 'journal.db'}"
        print("\nKept: " + ", ".join([*written, f"every decision and trade as {kept}"]))
    warn(found, notes)
    return 0 if trial is None else trial.compared(found)


def _check_jobs(args: argparse.Namespace) -> None:
    if args.jobs is None:
        return
    if not 1 <= args.jobs <= 1024:
        raise BadInput(f"--jobs {args.jobs} must be 1 to 1024")
    for name in ("trial", "plot", "html"):
        if getattr(args, name) is not None:
            raise BadInput(f"--{name} needs the run in one process: leave --jobs out")


def _found(args: argparse.Namespace, store: TickStore, request: Request) -> tuple[Run, list[str]]:
    if args.jobs is not None and len({leg.asked for leg in request.legs}) > 1:
        return _apart(args, request)
    notes: list[str] = []
    return run_backtest(store, request, DayCache(args.state / "cache", notes.append)), notes


def _apart(args: argparse.Namespace, request: Request) -> tuple[Run, list[str]]:
    from auction_bt.apart import run_apart, shares_of
    from auction_bt.sweep.executor import Inline, Processes

    shares = shares_of(request, args.store, args.state / "cache")
    executor = Inline() if args.jobs == 1 else Processes(min(args.jobs, len(shares)))
    progress = Progress()
    try:
        found = run_apart(request, shares, executor, lambda done: progress(f"{done} of {len(shares)} symbols"))
    except BaseException:
        executor.close(at_once=True)
        raise
    finally:
        progress.clear()
    executor.close()
    return found


def warn(found: Run, notes: Iterable[str] = ()) -> None:
    """Say on standard error what a reader of the JSON must not miss either."""
    for note in filter(
        None, (*notes, *missing(found.result), *noted(found.result), extrapolated(found.result), *_misfits(found))
    ):
        print(f"auction_bt: {note}", file=sys.stderr)


def _misfits(found: Run) -> list[str]:
    of_symbols = ((r.instrument, r.bars) for r in found.recorded)
    return [f"warning: {i.symbol}: {told}" for i, bars in of_symbols if (told := misfit_of_bars(bars, i.tick))]


def _explained(found: Run, number: int | None) -> list[str]:
    if number is None:
        return []
    trades = found.result.trades
    if not 1 <= number <= len(trades):
        raise BadInput(f"--explain {number}: this run has {len(trades)} trades")
    trade = trades[number - 1]
    instrument = next(i for r in found.recorded for i in r.tradables if i.symbol == trade.symbol)
    story = explain(trade, entry_of(trade, found.result.decisions), instrument.tick, quantity_of(instrument))
    return [
        "",
        f"Trade {number} of {len(trades)}",
        *(f"  {line}" for line in story),
    ]


def record(journal: Journal, found: Run) -> int:
    """Keep a run's settings, decisions and trades, and count it as a trial; return its number."""
    number = journal.start_run(json.dumps(plain(dict(sorted(found.result.settings.items())))))
    journal.append_decisions(number, found.result.decisions)
    journal.append_trades(number, found.result.trades)
    for settings, sharpe in trials_of(found):
        journal.append_trial(number, found.result.data, *_span(found), settings, sharpe)
    return number


def tried(journal: Journal, found: Run) -> Trials:
    """Return how many settings this journal knows to have been tried where and when `found` was run."""
    return journal.trials(found.result.data, *_span(found))


def _span(found: Run) -> tuple[int, int]:
    return from_date(found.result.settings["from"]), from_date(found.result.settings["to"])


def picture(path: Path, traced: Traced, request: Request, *, synthetic: bool = False) -> None:
    """Draw one symbol's run."""
    from auction_bt.plots import draw

    recorded, strategy = traced.recorded, traced.strategy
    first = recorded.leg.first_day if recorded.leg is not None else from_date(request.begin)
    chosen = recorded.bars.ts >= day_start(first)
    levels = levels_of(traced).take(chosen)
    trades = list(strategy.trades)
    if (still_open := strategy.open_trade()) is not None:
        trades.append(still_open)
    instrument = recorded.instrument
    days = str(request.begin) if request.begin == request.end else f"{request.begin} to {request.end}"
    subtitle = f"{days}   {strategy.rule.value} rule, {strategy.p.window} window of {strategy.p.period} bars, {strategy.p.method}"
    title, image = instrument.name or instrument.symbol, BytesIO()
    bars, rows = recorded.bars.take(chosen), rows_of(traced, np.flatnonzero(chosen))
    if rows is not None and rows.source == "bars":
        rows = None  # nothing is known of them but what the picture spreads itself
    draw(image, bars, levels, trades, title, subtitle, rows=rows, synthetic=synthetic)
    write_with(path, lambda part: part.write_bytes(image.getvalue()))


def _plot_path(path: Path, traced: Traced, many: int) -> Path:
    if many == 1:
        return path
    symbol = "".join(c if c.isalnum() or c in "-_" else "_" for c in traced.recorded.instrument.symbol)
    return path.with_name(f"{path.stem}.{symbol}{path.suffix}")


def state_folder(state: Path) -> Path:
    """Return the folder, made where it is not there yet."""
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"cannot make the state folder {state}: {error.strerror}: give another with --state") from None
    return state
