"""The archive command."""

from __future__ import annotations

import argparse
import re
import time
from dataclasses import astuple
from pathlib import Path

from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.ist import day_index, to_date
from auction_bt.store import ArchivedDay, StoreSize
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import open_store

from .arguments import Progress, add_store

HELP = (
    "Compress the recorded messages of old days in place, about twenty times, each block hash-checked before its rows go. "
    "They are replayed, exported and rebuilt from as before."
)
_LARGEST = 36_500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_store(parser)
    parser.add_argument("--older-than", required=True, type=_days, metavar="30d", help="leave today and so many days before it")


def run(args: argparse.Namespace) -> int:
    """Compress, and say what that gave."""
    before = day_index(time.time_ns()) - args.older_than
    progress = Progress()
    with open_store(args.store) as store:
        try:
            done = store.archive(before, lambda day: progress(f"{to_date(day)}: compressing"))
        finally:
            progress.clear()
        size = store.size()
    if not done:
        raise NothingToDo(f"no messages of days before {to_date(before)} that are not archived already")
    print("\n".join(lines(done)))
    place = parse(args.store)
    if isinstance(place, SqliteDsn):
        print(freed(place.path, size))
    return 0


def lines(done: list[ArchivedDay]) -> list[str]:
    """Return a line a day, and their sum."""
    total = ArchivedDay(0, *map(sum, list(zip(*map(astuple, done), strict=True))[1:]))
    days = "1 day" if len(done) == 1 else f"{len(done):,} days"
    return [*(f"{to_date(day.day)}: {_told(day)}" for day in done), f"archived {days}: {_told(total)}"]


def freed(path: Path, size: StoreSize) -> str:
    """Return what became of the space in the file."""
    kept = size.total - size.spare
    return (f"{path} takes {mb(size.total)}; {mb(size.spare)} of it are free, and will be used by what is recorded next. To give "
            f"them back to the disk, while nothing else uses the store (needs {mb(kept)} of free disk):\n"
            f'  python -c "import sqlite3; sqlite3.connect({str(path)!r}).execute(\'VACUUM\')"')  # fmt: skip


def mb(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / 1e6:,.1f} MB" if size < 1e9 else f"{size / 1e9:,.2f} GB"


def _told(day: ArchivedDay) -> str:
    ratio = f" ({day.bytes_before / day.bytes_after:.1f} × smaller)" if day.bytes_after else ""
    return f"{day.messages:,} messages, {mb(day.bytes_before)} → {mb(day.bytes_after)}{ratio}"


def _days(text: str) -> int:
    found = re.fullmatch(r"(\d{1,5})d", text)
    if found is None or int(found[1]) > _LARGEST:
        raise BadInput(f"--older-than {text!r} is no number of days: write 30d")
    return int(found[1])
