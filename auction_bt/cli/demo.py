"""The `demo` command: three made-up days, through the same router, store and engine as real ones."""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import date
from pathlib import Path
from typing import Final

from auction_bt.backtest import Request, Run, run_backtest
from auction_bt.cli.arguments import Progress
from auction_bt.cli.backtest import picture, record, tried
from auction_bt.cli.levels import sheets
from auction_bt.cli.outputs import write_text
from auction_bt.core.decision import entry_of
from auction_bt.core.errors import BadInput
from auction_bt.core.evidence import Evidence
from auction_bt.core.ist import clock_text, from_date
from auction_bt.core.summary import Summary
from auction_bt.core.trade import Trade
from auction_bt.derive import derive
from auction_bt.explain import explain
from auction_bt.page.document import page
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from auction_bt.store.journal import Journal
from auction_bt.synthetic import DEMO, Shape, messages
from auction_bt.weighing import evidence_of
from auction_bt.wording import plural, quantity_of, rupees

HELP: Final = "make synthetic data from a seed and show what the package does with it"
_DAYS: Final = (date(2026, 3, 9), date(2026, 3, 10))
_MARK: Final = ".auction_bt_demo"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="same seed, same days (default 7)")
    parser.add_argument("--folder", type=Path, default=Path("demo"), metavar="DIR", help="where it is put (default demo)")
    parser.add_argument("--no-pictures", action="store_true", help="draw nothing")


def run(args: argparse.Namespace) -> int:
    """Make the days, run both rules on each, draw, explain."""
    folder = _fresh(args.folder)
    dsn = f"sqlite:///{(folder / 'auction.db').as_posix()}"
    progress = Progress()
    print("Everything here is SYNTHETIC: made from a seed, not recorded. It shows the machine, not a market.\n")
    runs: dict[Shape, Run] = {}
    levels: dict[Shape, list[str]] = {}
    with open_store(dsn, create=True) as store:
        count = _fill(store, args.seed, progress)
        progress.clear()
        print(f"1. {count:,} messages shaped like Upstox's v3 feed went through LiveMarketRouter into {folder / 'auction.db'}.\n")
        print(f"2. Backtest of {_DAYS[-1]} (the day before gives the morning's levels and is not traded):\n")
        for shape, instrument in DEMO.items():
            progress(f"backtest of {instrument.name}")
            runs[shape] = run_backtest(store, Request((instrument.symbol,), _DAYS[-1], _DAYS[-1]))
            progress.clear()
            _tell(shape, runs[shape])
            levels[shape] = sheets(store, runs[shape])
    weighed: dict[Shape, Evidence] = {}
    with Journal.open(folder) as journal:
        for shape, found in runs.items():
            record(journal, found)
            weighed[shape] = evidence_of(found, tried(journal, found))
    _net(runs)
    if not args.no_pictures:
        print("\n3. One picture each, and one page for the browser:")
        for shape, found in runs.items():
            path, site = folder / f"{shape.value}.png", folder / f"{shape.value}.html"
            picture(path, found.traced[0], Request((DEMO[shape].symbol,), _DAYS[-1], _DAYS[-1]), synthetic=True)
            write_text(str(site), page(found, weighed[shape], sheets=levels[shape], synthetic=True))
            print(f"   {path}   {site}")
    _explain_one(runs)
    print(_NEXT.format(dsn=dsn, symbol=DEMO[Shape.BALANCED].symbol, day=_DAYS[-1]))
    return 0


def _fresh(folder: Path) -> Path:
    # Only a folder that an earlier demo made is replaced.
    try:
        if folder.exists():
            if any(folder.iterdir()) and not (folder / _MARK).exists():
                raise BadInput(f"{folder} exists and is not a demo's: choose another with --folder")
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / _MARK).touch()
    except OSError as error:
        raise BadInput(f"cannot make the folder {folder}: {error.strerror}: choose another with --folder") from None
    return folder


def _fill(store: TickStore, seed: int, progress: Progress) -> int:
    count = 0
    for shape, instrument in DEMO.items():
        store.put_instrument(instrument)
        for number, day in enumerate(_DAYS):
            progress(f"making a {shape.value} day, {day}")
            # The day before is a balanced one for all: that is what most days are, and the prior levels then mean something.
            kind = shape if day == _DAYS[-1] else Shape.BALANCED
            stream = messages(
                instrument.symbol, day, kind, seed + number, tick=instrument.tick, lot=instrument.lot, kind=instrument.kind
            )
            raw = [
                RawMessage(stamp, json.dumps(body, separators=(",", ":")), tuple(body.get("feeds", ()))) for stamp, body in stream
            ]
            store.add_raw(raw)
            count += len(raw)
        progress(f"deriving ticks and bars of {instrument.name}")
        derive(store, [instrument.symbol], [from_date(d) for d in _DAYS])
    return count


def _tell(shape: Shape, found: Run) -> None:
    summary = found.result.summary
    other = found.result.other_regime
    line = (
        f"   {shape.value + ' day':<13} net {rupees(summary.net):>12} after {rupees(summary.charges)} charges, {_count(summary)}"
    )
    if other is not None:
        line += f"   ({other[0]} rule: {rupees(other[1])}, {plural(other[2], 'trade')})"
    print(line)


def _count(summary: Summary) -> str:
    refused = sum(n for _, n in summary.refused)
    return f"{plural(summary.trades, 'trade')}, {plural(refused, 'signal')} refused"


def _net(runs: dict[Shape, Run]) -> None:
    net = sum(r.result.summary.net for r in runs.values())
    trades = sum(r.result.summary.trades for r in runs.values())
    print(
        f"\n   Net of all three: {rupees(net)} on {plural(trades, 'trade')}. That is far too few trades to tell anything, and a"
    )
    print("   made-up day cannot: a random walk has nothing to be found, whatever its line above says.")


def _explain_one(runs: dict[Shape, Run]) -> None:
    chosen: tuple[Trade, Run, Shape] | None = None
    for shape, found in runs.items():
        for trade in found.result.trades:
            if chosen is None or len(trade.fills) > len(chosen[0].fills):
                chosen = trade, found, shape
    if chosen is None:
        print("\n4. No trade was taken: run_backtest.py says which filters refused the signals.")
        return
    trade, found, shape = chosen
    decision = entry_of(trade, found.result.decisions)
    print(f"\n4. One trade, line by line ({shape.value} day, entered {clock_text(trade.entry_ts)}):")
    for line in explain(trade, decision, DEMO[shape].tick, quantity_of(DEMO[shape])):
        print(f"   {line}")


_NEXT: Final = """
5. Next, with your own data:
   python -m auction_bt import YOUR_RECORDING.json.gz          (or ticks / 1-minute bars as CSV or Parquet: --help)
   python -m auction_bt data                                   (what the store holds, and how good it is)
   python run_backtest.py --symbol KEY --from-date {day} --to-date {day} --html day.html

   The demo's own store works too: python run_backtest.py --store {dsn} --symbol "{symbol}" --from-date {day} --to-date {day}"""
