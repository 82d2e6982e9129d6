"""The `levels` command: the sheet of levels that a trader reads before the open, or at a time of the day."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from typing import Final

from auction_bt.backtest import Run
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import MINUTE_NS, day_start
from auction_bt.core.levels import COMPOSITE_SESSIONS
from auction_bt.level_text import as_text
from auction_bt.level_values import as_json
from auction_bt.levels import levels_of
from auction_bt.store import TickStore
from auction_bt.store.dsn import open_store
from auction_bt.symbols import one_leg

from .arguments import add_state, add_store, day_of, loaded_book
from .outputs import check_targets, write_text

HELP: Final = (
    "Show the levels of one day: value of the session before, naked POCs, composite, nodes, and what the day itself adds. "
    "A day without data, as tomorrow, has those of the sessions before."
)
_SHEETS: Final = 10  # in a report
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--symbol", required=True, metavar="KEY", help="symbol or name, as NIFTY-FUT:2026-12")
    parser.add_argument("--date", required=True, metavar="DATE", help="the day, YYYY-MM-DD in India")
    parser.add_argument(
        "--at", metavar="HH:MM", help="only what was known by then, IST (default: the day as a whole, as if it were over)"
    )
    parser.add_argument("--composite", default=COMPOSITE_SESSIONS, type=int, metavar="K",
                        help="sessions that are merged (default: %(default)s)")  # fmt: skip
    add_store(parser)
    add_state(parser)
    parser.add_argument("--json", metavar="FILE", help="write JSON too; - is standard output, and JSON alone")


def run(args: Namespace) -> int:
    """Print the sheet, or write JSON."""
    day = day_of(args.date)
    until = None if args.at is None else day_start(day) + _minutes(args.at) * MINUTE_NS
    check_targets([args.json])
    with ExitStack() as stack:
        store = stack.enter_context(open_store(args.store, readonly=True))
        leg = one_leg(store, loaded_book(args.state, stack), args.symbol, range(day, day + 1))
        levels = levels_of(store, leg, day, until, args.composite)
    values = as_json(levels)
    if args.json:
        write_text(args.json, json.dumps(values) + "\n")
    if args.json != "-":
        print("\n".join(as_text(values, levels.instrument.decimals)))
    return 0


def sheets(store: TickStore, found: Run) -> list[str]:
    """Return the sheet of the last day of each symbol of a run, the first few symbols', as text."""
    texts = []
    for traced in found.traced[:_SHEETS]:
        leg, day = traced.recorded.leg, int(traced.recorded.tape.day[-1])
        if leg is not None:
            levels = levels_of(store, leg, day)
            texts.append("\n".join(as_text(as_json(levels), levels.instrument.decimals)))
    return texts


def _minutes(text: str) -> int:
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadInput(f"--at {text!r} is no time of a day: write HH:MM in IST, e.g. 10:30")
    return int(found[1]) * 60 + int(found[2])
