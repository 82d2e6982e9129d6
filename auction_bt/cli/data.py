"""The data command."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from auction_bt.core.errors import BadInput, NothingToDo, UnknownSymbol
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_start, to_date
from auction_bt.core.quality import DayQuality, day_quality
from auction_bt.importing.instruments import misfit_of_store
from auction_bt.market.sessions import session_of
from auction_bt.store import DayHoldings, TickStore
from auction_bt.store.dsn import open_store
from auction_bt.symbols import legs_of

from .arguments import add_state, add_store, loaded_book

HELP = (
    "Show what a store holds, by symbol and day: bars, ticks, messages, silences of the feed, and how much of the day's volume "
    "our ticks saw, what came before the first message included. Grade A: at least 95 % of the market seen, B: 80 %, C: less."
)
_HEAD = ("day", "bars", "ticks", "messages", "silences", "longest", "volume", "seen", "grade", "why")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    held: DayHoldings
    longest_ns: int
    quality: DayQuality

    @property
    def seen(self) -> float | None:
        """How much of the day's volume our ticks saw, None where there is no such ratio."""
        return None if isnan(self.quality.seen) else self.quality.seen


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_store(parser)
    add_state(parser)
    parser.add_argument("--symbol", metavar="KEY", help="symbol or name, of NIFTY-FUT every contract stored (default: all)")
    parser.add_argument("--json", metavar="FILE", help="write JSON instead of a table; - is standard output")


def run(args: argparse.Namespace) -> int:
    """Print the table, or write JSON."""
    with open_store(args.store, readonly=True) as store:
        instruments = store.instruments() if args.symbol is None else _meant(store, args.symbol, args.state)
        table = [(i, [row_of(store, i, h) for h in store.holdings(i.symbol)], misfit_of_store(store, i)) for i in instruments]
    if not any(rows for _, rows, _ in table):
        raise NothingToDo("the store holds no data: import or record some first")
    if args.json:
        text = json.dumps({"schema": 1, "symbols": [_json(i, rows) for i, rows, _ in table]}, indent=2) + "\n"
        if args.json == "-":
            sys.stdout.write(text)
        else:
            try:
                Path(args.json).write_text(text, encoding="utf-8")
            except OSError as error:
                raise BadInput(f"{args.json} cannot be written: {error.strerror}") from error
        return 0
    for instrument, rows, warning in table:
        print(
            f"{instrument.symbol} {instrument.name}".rstrip()
            + f": {instrument.kind}, tick {instrument.tick}, lot {instrument.lot}"
        )
        if warning:
            print(f"  warning: {warning}")
        print(_text(rows))
    return 0


def _meant(store: TickStore, text: str, state: Path) -> list[Instrument]:
    # What is stored is shown as it is stored; other names mean what they meant on the days there are.
    try:
        return [store.instrument(text)]
    except UnknownSymbol:
        held = sorted({day for i in store.instruments() for day in store.days(i.symbol)})
        if not held:
            raise
    with ExitStack() as stack:
        legs = legs_of(store, loaded_book(state, stack), text, range(held[0], held[-1] + 1))
    found = [store.instrument(leg.instrument.symbol) for leg in legs if leg.has_data]
    if not found:
        raise NothingToDo(f"{text} is {', '.join(leg.instrument.symbol for leg in legs)}, and the store holds no data of it")
    return found


def row_of(store: TickStore, instrument: Instrument, held: DayHoldings) -> Row:
    """Return one day of one instrument with how good its ticks are."""
    begin, end = day_start(held.day), day_start(held.day + 1)
    gaps = store.gaps(held.symbol, begin, end)
    longest = max((g.end - g.begin for g in gaps if g.kind == "silence"), default=0)
    if not held.ticks:
        return Row(held, longest, DayQuality("-", float("nan"), "bars only" if held.bars else "messages only"))
    session = session_of(instrument, held.day)
    bounds = None if session.is_whole_day else session.bounds(held.day)
    bars = store.bars(held.symbol, begin, end)
    return Row(held, longest, day_quality(bars, gaps, bounds, session.pauses_on(held.day)))


def _text(rows: list[Row]) -> str:
    cells = [_HEAD] + [
        (
            str(to_date(r.held.day)), f"{r.held.bars:,}", f"{r.held.ticks:,}", f"{r.held.messages:,}", f"{r.held.gaps:,}",
            f"{r.longest_ns / 1e9:.0f} s" if r.longest_ns else "-", f"{r.held.volume:,}",
            "-" if r.seen is None else f"{r.seen:.1%}", r.quality.grade, r.quality.reason,
        )
        for r in rows
    ]  # fmt: skip
    widths = [max(len(line[i]) for line in cells) for i in range(len(_HEAD))]
    last = len(_HEAD) - 1
    return "\n".join(
        "  "
        + "  ".join(
            c.ljust(w) if i in {0, last} else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    )


def _json(instrument: Instrument, rows: list[Row]) -> dict[str, Any]:
    return {
        "symbol": instrument.symbol, "name": instrument.name, "kind": instrument.kind.value, "tick": float(instrument.tick),
        "lot": instrument.lot,
        "days": [
            {
                "day": str(to_date(r.held.day)), "bars": r.held.bars, "ticks": r.held.ticks, "messages": r.held.messages,
                "gaps": r.held.gaps, "longest_gap_s": r.longest_ns / 1e9, "volume": r.held.volume,
                "tick_volume": r.held.tick_volume, "seen": r.seen, "grade": r.quality.grade,
                "share": None if isnan(r.quality.share) else round(r.quality.share, 6), "reason": r.quality.reason,
            }
            for r in rows
        ],
    }  # fmt: skip
