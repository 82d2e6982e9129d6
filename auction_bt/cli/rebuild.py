"""The rebuild command."""

from __future__ import annotations

import argparse

from auction_bt.core.ist import to_date
from auction_bt.rebuild import rebuild, recorded_days
from auction_bt.store import TickStore
from auction_bt.store.dsn import open_store

from .arguments import Progress, add_dates, add_store, day_range, nothing_in

HELP = (
    "Make ticks, bars, gaps and events anew from the recorded messages, and hold them against what is stored by counts and "
    "seals. Days that differ are written; days without recorded messages (imported tables) stay as they are."
)
_EVER = ("1990-01-01", "2199-12-31")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_store(parser)
    parser.add_argument("--symbol", action="append", metavar="KEY", help="symbol or name, may be repeated (default: all)")
    add_dates(parser, required=False)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 where anything differs")


def run(args: argparse.Namespace) -> int:
    """Rebuild or check; print what differed."""
    days = day_range(args.from_date or _EVER[0], args.to_date or _EVER[1])
    progress = Progress()
    with open_store(args.store, readonly=args.check) as store:
        symbols = _symbols(store, args.symbol)
        wanted = recorded_days(store, symbols, days)
        if not wanted or (args.symbol and not set(wanted) - {""}):
            stored = sorted(set().union(*recorded_days(store, symbols, None).values()))
            raise nothing_in("recorded messages", days, stored)
        total = len(set().union(*wanted.values()))
        seen: set[int] = set()

        def tell(day: int) -> None:
            seen.add(day)
            progress(f"{to_date(day)}: {len(seen):,} of {total:,} days read")

        try:
            report = rebuild(store, wanted, check=args.check, progress=tell)
        finally:
            progress.clear()
    print("\n".join(report.lines()))
    return 1 if args.check and report.differences else 0


def _symbols(store: TickStore, asked: list[str] | None) -> list[str]:
    """Return the symbols to rebuild; one that was recorded need not be known as an instrument."""
    if not asked:
        return sorted({held.symbol for held in store.holdings() if held.messages})
    return [name if store.raw_days(name) else store.instrument(name).symbol for name in asked]
