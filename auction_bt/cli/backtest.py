"""The `backtest` command, and `run_backtest.py`: a summary of what the strategy would have done."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np

from auction_bt.backtest import Engine, Request, Run, Traced, run_backtest
from auction_bt.cli.outputs import check_targets, write_text, write_with
from auction_bt.cli.request import add_request, on_store, request_of
from auction_bt.core.decision import entry_of
from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import to_ticks
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.price_step import misfit_of_bars
from auction_bt.core.profile import VolumeSource, allocate
from auction_bt.core.tick import I64
from auction_bt.explain import explain
from auction_bt.picture import LevelColumns, PriceRows
from auction_bt.report import csv_lines, dumps, extrapolated, missing, noted, render
from auction_bt.result import plain
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.wording import quantity_of

HELP: Final = "run the strategy on stored data and print what counts"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    add_request(parser)
    parser.add_argument("--engine", choices=[e.value for e in Engine], default="fast",
                        help="in bulk, or message by message through the router as live; same trades (default fast)")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write the result as JSON, - for standard output instead of the summary")
    parser.add_argument("--csv", metavar="FILE", help="write the trades as CSV")
    parser.add_argument("--plot", metavar="FILE.png", help="draw candles, levels and trades")
    parser.add_argument("--explain", type=int, metavar="N", help="tell trade N line by line, after the summary")
    parser.add_argument("--quiet", action="store_true", help="print no summary")


def run(args: argparse.Namespace) -> int:
    """Run the backtest and print its summary."""
    request = request_of(args, Engine(args.engine))
    check_targets([args.json, args.csv, args.plot])
    if args.plot is not None and Path(args.plot).suffix.lower() != ".png":
        raise BadInput(f"--plot {args.plot}: a picture is a .png file")
    notes: list[str] = []
    with open_store(args.store, readonly=True) as store:
        request = on_store(request, args, store)
        found = run_backtest(store, request, DayCache(args.state / "cache", notes.append))
    written = []
    if args.plot:
        for traced in found.traced:
            path = _plot_path(Path(args.plot), traced, len(found.traced))
            picture(path, traced, request)
            written.append(str(path))
    if args.csv:
        write_text(args.csv, "\n".join(csv_lines(found.result.trades)) + "\n")
        written.append(args.csv)
    if args.json:
        write_text(args.json, dumps(found.result))
        written.append(args.json)
    with Journal.open(state_folder(args.state)) as journal:
        number = record(journal, found)
    if not args.quiet and "-" not in written:
        print(render(found.result), end="")
        for line in _explained(found, args.explain):
            print(line)
        kept = f"run {number} of {args.state / 'journal.db'}"
        print("\nKept: " + ", ".join([*written, f"every decision and trade as {kept}"]))
    warn(found, notes)
    return 0


def warn(found: Run, notes: Iterable[str] = ()) -> None:
    """Say on standard error what a reader of the JSON must not miss either."""
    for note in filter(
        None, (*notes, *missing(found.result), *noted(found.result), extrapolated(found.result), *_misfits(found))
    ):
        print(f"auction_bt: {note}", file=sys.stderr)


def _misfits(found: Run) -> list[str]:
    of_symbols = ((t.recorded.instrument, t.recorded.bars) for t in found.traced)
    return [f"warning: {i.symbol}: {told}" for i, bars in of_symbols if (told := misfit_of_bars(bars, i.tick))]


def _explained(found: Run, number: int | None) -> list[str]:
    if number is None:
        return []
    trades = found.result.trades
    if not 1 <= number <= len(trades):
        raise BadInput(f"--explain {number}: this run has {len(trades)} trades")
    trade = trades[number - 1]
    instrument = next(i for t in found.traced for i in t.recorded.tradables if i.symbol == trade.symbol)
    story = explain(trade, entry_of(trade, found.result.decisions), instrument.tick, quantity_of(instrument))
    return [
        "",
        f"Trade {number} of {len(trades)}",
        *(f"  {line}" for line in story),
    ]


def record(journal: Journal, found: Run) -> int:
    """Keep a run's settings, decisions and trades; return its number."""
    number = journal.start_run(json.dumps(plain(dict(sorted(found.result.settings.items())))))
    journal.append_decisions(number, found.result.decisions)
    journal.append_trades(number, found.result.trades)
    return number


def picture(path: Path, traced: Traced, request: Request, *, synthetic: bool = False) -> None:
    """Draw one symbol's run."""
    from auction_bt.plots import draw  # matplotlib is slow to import and seldom needed

    recorded, strategy = traced.recorded, traced.strategy
    first = recorded.leg.first_day if recorded.leg is not None else from_date(request.begin)
    chosen = recorded.bars.ts >= day_start(first)
    levels = LevelColumns(*(column[chosen] for column in _levels(traced)))
    trades = list(strategy.trades)
    if (still_open := strategy.open_trade()) is not None:
        trades.append(still_open)
    instrument = recorded.instrument
    days = str(request.begin) if request.begin == request.end else f"{request.begin} to {request.end}"
    subtitle = f"{days}   {strategy.rule.value} rule, {strategy.p.window} window of {strategy.p.period} bars, {strategy.p.method}"
    title, image = instrument.name or instrument.symbol, BytesIO()
    bars, rows = recorded.bars.take(chosen), _price_rows(traced, np.flatnonzero(chosen))
    draw(image, bars, levels, trades, title, subtitle, rows=rows, synthetic=synthetic)
    write_with(path, lambda part: part.write_bytes(image.getvalue()))


def _price_rows(traced: Traced, chosen: I64) -> PriceRows | None:
    # The volume that the profile's windows are made of, bar by bar: ticks, and where a bar has none, its candle.
    bars, tape, profile = traced.recorded.bars, traced.recorded.tape, traced.strategy.profile
    counted = np.append(0, np.cumsum(tape.size))[tape.offsets]
    on_ticks = np.diff(counted)[chosen] > 0
    if profile.spec.source is VolumeSource.CANDLES or not on_ticks.any():
        return None
    of_bar = np.repeat(np.arange(len(tape)), np.diff(tape.offsets))
    own = np.isin(of_bar, chosen)
    group = profile.grid.ticks_per_row
    k, size = [tape.k[own] // group], [tape.size[own]]
    rest = bars.take(chosen[~on_ticks])
    rest = rest.take(rest.volume > 0)
    if with_candles := len(rest) > 0 and profile.spec.source is VolumeSource.AUTO:
        low, high, close = (to_ticks(p, float(profile.grid.tick)) // group for p in (rest.low, rest.high, rest.close))
        for first, shares in allocate(low, high, close, rest.volume):
            k.append(np.arange(first, first + len(shares)))
            size.append(shares)
    rows, place = np.unique(np.concatenate(k), return_inverse=True)
    volume = np.zeros(len(rows), dtype=np.int64)
    np.add.at(volume, place, np.concatenate(size))
    prices = profile.grid.levels(np.column_stack([rows, rows, rows]))[:, 0]
    return PriceRows(prices, volume, "ticks and bars" if with_candles else "ticks")


def _levels(traced: Traced) -> list[Any]:
    # The levels the strategy went by: the profile's lines, and the prior session's while its window reached back into it.
    strategy, instrument = traced.strategy, traced.recorded.instrument
    lines = strategy.profile.lines
    columns = [np.frombuffer(line.array, dtype=np.float64).copy() for line in (lines.poc, lines.vah, lines.val, lines.regime)]
    days = traced.recorded.tape.day
    for day, (poc, vah, val, regime) in strategy.prior_levels.items():
        begin = int(np.searchsorted(days, day))
        of_prior = slice(begin, min(begin + strategy.p.period, int(np.searchsorted(days, day + 1))))
        for column, value in zip(columns, (*map(instrument.to_price, (poc, vah, val)), float(regime)), strict=True):
            column[of_prior] = value
    return columns


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
