"""The instruments command."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import BadInput, NothingToDo, Retryable
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index, to_date
from auction_bt.instruments.book import InstrumentBook, Loaded
from auction_bt.instruments.download import URL, download, url_beside
from auction_bt.instruments.listing import Listing
from auction_bt.instruments.master import MasterFile
from auction_bt.instruments.search import ranked, words_of

from .arguments import Progress, add_base_url, add_state, check_address, check_state, day_of
from .configured import add_config

HELP = (
    "Find instruments of the broker's master by words of symbol, name, key or expiry, as they were listed on a day. The masters "
    "are kept by day in the state folder: --refresh gets today's, --from loads one that was kept elsewhere."
)

_HEAD: Final = ("key", "symbol", "name", "kind", "expiry", "strike", "lot", "tick", "freeze", "closing auction")
_RIGHT: Final = frozenset({"strike", "lot", "tick", "freeze"})
_SHOWN: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("words", nargs="*", metavar="WORD", help="beginnings of words, all of them, in any order: nifty fut dec")
    add_config(parser)
    add_state(parser)
    parser.add_argument("--date", metavar="DATE", help="as listed on this day in India (default: today); of --from, whose it is")
    parser.add_argument("--refresh", action="store_true", help="get today's master from the broker")
    parser.add_argument("--from", dest="file", type=Path, metavar="FILE", help="load a master from a file, JSON or gzip")
    parser.add_argument("--limit", type=int, default=_SHOWN, metavar="N", help="show so many (default: %(default)s)")
    parser.add_argument("--json", metavar="FILE", help="write JSON instead of a table; - is standard output")
    parser.add_argument("--url", default=os.environ.get("AUCTION_INSTRUMENTS_URL"),
                        help=f"where --refresh gets it (default: from --base-url; the broker's own is {URL})")  # fmt: skip
    add_base_url(parser)


def run(args: argparse.Namespace) -> int:
    """Load what is to be loaded, then search."""
    today = day_index(time.time_ns())
    day = today if args.date is None else day_of(args.date)
    if args.file is not None and args.refresh:
        raise BadInput("--refresh and --from are two sources: give one")
    if args.file is not None and args.date is None:
        raise BadInput("--from FILE needs --date DATE: the day on which it was the broker's master")
    if args.refresh and args.date is not None and day != today:
        raise BadInput("--refresh gets the master of today: no other day's is offered; load a kept one with --from FILE")
    if args.limit < 1:
        raise BadInput(f"--limit {args.limit} must be 1 or more")
    words = words_of(" ".join(args.words))
    if args.file is not None or args.refresh:
        check_state(args.state)
        check_address(args.base_url)
        loaded = (
            _refresh(args.state, args.url or url_beside(args.base_url), today)
            if args.refresh
            else _load(args.state, args.file, day)
        )
        print(_told(loaded), file=sys.stderr if args.json else sys.stdout)
        if not words:
            return 0
    elif not words:
        raise BadInput("say what to look for, like: instruments nifty fut")
    with InstrumentBook.open(args.state) as book:
        found = ranked(book.search(words, day), words)
        shown = [(each, book.instrument(each, day)) for each in found[: args.limit]]
        days = book.days()
    if not found:
        raise NothingToDo(f"nothing listed on {to_date(day)} has the words {' '.join(words)}: use fewer or shorter ones")
    if args.json:
        _write(args.json, json.dumps({"schema": 1, "found": len(found), "instruments": [_json(*each) for each in shown]},
                                     indent=2) + "\n")  # fmt: skip
        return 0
    print(_table(shown))
    if len(found) > len(shown):
        print(f"{len(found) - len(shown):,} more: add words, or --limit {len(found)}")
    _tell_age(days, day, today if args.date is None else None)
    return 0


def _refresh(state: Path, url: str, today: int) -> Loaded:
    progress = Progress()
    state.mkdir(parents=True, exist_ok=True)
    part = state / f"instruments.{os.getpid()}.part"
    try:
        progress("getting the instrument master")
        size = download(url, part)
        progress(f"reading the instrument master ({size:,} bytes)")
        try:
            return _load(state, part, today)
        except BadInput as error:
            raise Retryable(f"what {url} sent cannot be used ({str(error).replace(str(part), 'the file')}); "
                            "masters of other days are as they were") from error  # fmt: skip
    finally:
        progress.clear()
        part.unlink(missing_ok=True)


def _load(state: Path, path: Path, day: int) -> Loaded:
    if not path.exists():
        raise BadInput(f"no file {path}: check the name")
    with InstrumentBook.open(state, create=True) as book:
        return book.load(day, MasterFile(path))


def _told(loaded: Loaded) -> str:
    return (f"master of {to_date(loaded.day)}: {loaded.rows:,} instruments; since the master before {loaded.changed:,} new or "
            f"changed, {loaded.gone:,} gone")  # fmt: skip


def _tell_age(days: list[int], day: int, today: int | None) -> None:
    """Say from when the answer is, where that is another day."""
    at = max((d for d in days if d <= day), default=days[0])
    if at != day:
        cure = ": --refresh gets today's" if today is not None else ""
        print(f"as listed on {to_date(at)}{cure}")


def _table(shown: list[tuple[Listing, Instrument]]) -> str:
    lines = [_HEAD, *(_cells(*each) for each in shown)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    return "\n".join(
        "  ".join(c.rjust(w) if name in _RIGHT else c.ljust(w) for name, c, w in zip(_HEAD, line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(listing: Listing, instrument: Instrument) -> tuple[str, ...]:
    auction = {None: "", True: "yes", False: "no"}[instrument.closing_auction]
    return (
        listing.key, listing.symbol, listing.name, instrument.kind.value,
        "" if listing.expiry is None else to_date(listing.expiry).isoformat(), listing.strike, f"{instrument.lot:,}",
        str(instrument.tick), f"{listing.freeze:,}" if listing.freeze else "", auction,
    )  # fmt: skip


def _json(listing: Listing, instrument: Instrument) -> dict[str, Any]:
    return {
        "key": listing.key, "symbol": listing.symbol, "name": listing.name, "segment": listing.segment, "type": listing.type,
        "kind": instrument.kind.value, "underlying": listing.underlying or None,
        "expiry": None if listing.expiry is None else to_date(listing.expiry).isoformat(),
        "strike": float(listing.strike) if listing.strike else None, "lot": instrument.lot, "tick": float(instrument.tick),
        "freeze": listing.freeze or None, "closing_auction": instrument.closing_auction,
    }  # fmt: skip


def _write(name: str, text: str) -> None:
    if name == "-":
        sys.stdout.write(text)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{name} cannot be written: {error.strerror}") from error
