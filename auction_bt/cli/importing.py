"""The import command."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from auction_bt.core.errors import AuctionError, BadInput
from auction_bt.core.instrument import Kind
from auction_bt.importing.files import FORMATS
from auction_bt.importing.importer import Importer, Options
from auction_bt.importing.table import ALIASES
from auction_bt.store import TickStore
from auction_bt.store.dsn import is_there, open_store, remove_unused

from .arguments import Progress, add_step, add_store

HELP = (
    "Bring files into a store: recordings of the Upstox v3 feed (JSON array or JSON lines), our own exports, and CSV or Parquet "
    "tables of ticks or 1-minute bars; plain or gzip. A file is stored whole or not at all; importing it again adds nothing."
)

_SHOWN: Final = 5  # names of files in a message


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    add_store(parser)
    parser.add_argument("--symbol", metavar="KEY", help="whose ticks or bars these are; of a recording, take this symbol alone")
    parser.add_argument("--name", help="what people call it")
    parser.add_argument("--format", choices=FORMATS, default="auto", help="what the file is (default: told by its content)")
    parser.add_argument(
        "--kind", choices=("auto", "ticks", "bars"), default="auto", help="what a table holds (default: by its columns)"
    )
    parser.add_argument("--instrument-kind", choices=[k.value for k in Kind],
                        help="what is traded (default: by symbol, name and messages); corrects a stored one")  # fmt: skip
    add_step(parser)
    parser.add_argument(
        "--tz", default="Asia/Kolkata", metavar="ZONE", help="zone of times that name none (default: %(default)s)"
    )
    parser.add_argument("--stamp", choices=("start", "end"), default="start", help="what a bar's time is (default: %(default)s)")
    parser.add_argument("--map", type=_mapping, default={}, metavar="price=COLUMN,...",
                        help=f"columns that are not found by name; known: {', '.join(ALIASES)}")  # fmt: skip
    parser.add_argument("--cumulative-volume", action="store_true", help="the bars' volume counts from the start of the day")


def run(args: argparse.Namespace) -> int:
    """Import the files in their order; stop at the first that cannot be used."""
    options = Options(
        args.symbol, args.name, args.format, args.kind, args.tick, args.lot, args.tz, args.stamp == "end", args.map,
        args.cumulative_volume, None if args.instrument_kind is None else Kind(args.instrument_kind),
    )  # fmt: skip
    progress = Progress()
    opened: list[TickStore] = []
    done: list[str] = []
    with ExitStack() as stack:
        stack.callback(progress.clear)

        def store() -> TickStore:
            if not opened:
                if not is_there(args.store):
                    stack.push(lambda kind, *_: remove_unused(args.store) if kind else None)  # after it was closed
                opened.append(stack.enter_context(open_store(args.store, create=True)))
            return opened[0]

        importer = Importer(store, options, progress)
        for path in args.files:
            try:
                report = importer.add(path)
            except AuctionError as error:
                if done:
                    error.args = (f"{error} ({_shown(done)} before it: imported, and kept)",)
                raise
            done.append(path.name)
            progress.clear()
            print("\n".join(report.lines()), flush=True)
    return 0


def _shown(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _mapping(text: str) -> dict[str, str]:
    pairs = [part.partition("=") for part in text.split(",")]
    for ours, _, theirs in pairs:
        if ours not in ALIASES or not theirs:
            raise BadInput(f"--map {text!r}: write NAME=COLUMN,... with NAME one of {', '.join(ALIASES)}")
    return {ours: theirs for ours, _, theirs in pairs}
