"""The fetch command."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from auction_bt.core.errors import AuctionError, BadInput, NothingToDo, Refused
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index
from auction_bt.fetching.candle_api import CandleApi, TokenNeeded
from auction_bt.fetching.expired_key import ExpiredKey
from auction_bt.fetching.fetcher import Fetcher
from auction_bt.fetching.ledger import FetchLedger
from auction_bt.fetching.limiter import RateLimiter
from auction_bt.fetching.wanted import Wanted, plan
from auction_bt.fetching.windows import is_trading_day, session_minutes
from auction_bt.instruments.book import InstrumentBook
from auction_bt.store import TickStore
from auction_bt.store.address import SqliteDsn, parse
from auction_bt.store.dsn import is_there, open_store, remove_unused
from auction_bt.store.folder_lock import FolderLock
from auction_bt.upstox.token import VARIABLE, first_token

from .arguments import Progress, add_base_url, add_dates, add_state, add_store, check_address, day_range, loaded_book
from .configured import add_config
from .tokens import add_keyring, token_places

HELP = (
    "Fetch 1-minute candles of the broker's history (from 2022 on) into a store. What was fetched is remembered: a fetch that "
    "was stopped goes on where it was, and a later one asks for new days alone. Days with recorded messages are left to them."
)

_LOCK: Final = "fetch.lock"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_config(parser)
    parser.add_argument("--symbol", action="append", default=[], metavar="KEY",
                        help="key, or a name like RELIANCE, or NIFTY-FUT: all its contracts; may be repeated")  # fmt: skip
    parser.add_argument("--symbols-file", type=Path, metavar="FILE", help="more of them, one a line; # begins a remark")
    add_dates(parser)
    add_store(parser)
    add_state(parser)
    parser.add_argument("--again", action="store_true", help="ask for every day anew; what comes replaces candles in the store")
    add_base_url(parser)
    parser.add_argument("--token-env", default=VARIABLE, metavar="NAME",
                        help="variable with the access token, for where one is asked for; else what `login` has kept is sent "
                        "(default: %(default)s)")  # fmt: skip
    add_keyring(parser)


def run(args: argparse.Namespace) -> int:
    """Fetch symbol after symbol; one that fails stops no other."""
    days = day_range(args.from_date, args.to_date)
    texts = list(dict.fromkeys([*args.symbol, *_listed(args.symbols_file)]))
    if not texts:
        raise BadInput("say what to fetch: --symbol KEY, or --symbols-file FILE")
    check_address(args.base_url)
    place = parse(args.store)
    target = f"sqlite:///{place.path.resolve().as_posix()}" if isinstance(place, SqliteDsn) else str(place)
    progress = Progress()
    failed: list[tuple[str, AuctionError]] = []
    with ExitStack() as stack:
        stack.enter_context(FolderLock.take(args.state, _LOCK, "fetch"))
        stack.callback(progress.clear)
        book = loaded_book(args.state, stack)
        wanted: dict[tuple[str, int, int], Wanted] = {}
        for text in texts:
            try:
                asked = plan(book, text, days, day_index(time.time_ns()))
            except AuctionError as error:
                failed.append((text, error))
                continue
            wanted |= {(each.symbol, each.days.start, each.days.stop): each for each in asked.wanted}
            if asked.untold:
                failed.append((text, AuctionError(asked.untold)))
        total = len(wanted) + len(failed)
        if not is_there(args.store):
            stack.callback(remove_unused, args.store)
        store = stack.enter_context(open_store(args.store, create=True))
        ledger = stack.enter_context(FetchLedger.open(args.state, target))
        limiter = RateLimiter(time.monotonic, time.sleep)
        token = first_token(token_places(args, args.token_env), time.time_ns())
        source = CandleApi(args.base_url, token.text if token else "", token.source if token else args.token_env, limiter,
                           time.sleep, lambda line: _say(progress, line))  # fmt: skip
        listed = _listing(book, days.stop - 1)
        fetcher = Fetcher(store, ledger, source, time.time_ns, is_trading_day, session_minutes, listed, progress, args.again)
        faults = ((_label(each), _fetched(fetcher, each, progress)) for each in wanted.values())
        failed += [(label, fault) for label, fault in faults if fault is not None]
    if failed and total == 1:
        raise failed[0][1]
    if failed:
        for text, reason in failed:
            print(f"failed: {text}: {reason}")
        named = ", ".join(text for text, _ in failed)
        if len(failed) == total and all(isinstance(reason, NothingToDo) for _, reason in failed):
            raise NothingToDo(f"nothing to fetch for any of {total:,} symbols: {named}")
        raise AuctionError(f"{len(failed):,} of {total:,} symbols failed: {named}")
    return 0


def _fetched(fetcher: Fetcher, wanted: Wanted, progress: Progress) -> AuctionError | None:
    """Fetch and report; return why not all of it could be fetched, raise what stops every other symbol too."""
    if wanted.live and _is_whole(fetcher.store, wanted):
        print(f"{wanted.asked} ({wanted.live}): expired, and the store has all its days", flush=True)
        return None
    try:
        report = fetcher.fetch(wanted.symbol, wanted.days)
    except Refused as error:
        return error
    except TokenNeeded as error:
        if not wanted.live:
            raise
        return error  # of expired contracts the broker always wants one; the others may do without
    progress.clear()
    print("\n".join(report.lines()), flush=True)
    return AuctionError(report.failed) if report.failed else None


def _say(progress: Progress, line: str) -> None:
    progress.clear()
    print(f"auction_bt: {line}", file=sys.stderr, flush=True)


def _label(wanted: Wanted) -> str:
    return wanted.symbol if wanted.asked == wanted.symbol else f"{wanted.asked} ({wanted.symbol})"


def _is_whole(store: TickStore, wanted: Wanted) -> bool:
    """Return whether every trading day of an expired contract is stored under the key it had while it lived."""
    held = set(store.days(wanted.live))
    return all(day in held for day in wanted.days if is_trading_day(day))


def _listing(book: InstrumentBook | None, day: int) -> Callable[[str], Instrument | None]:
    """Return what finds a symbol's instrument in the master of `day`, of an expired contract in that of its expiry day."""

    def find(symbol: str) -> Instrument | None:
        if book is None:
            return None
        expired = ExpiredKey.parse(symbol)
        if expired is None:
            listing = book.of_key(symbol, day)
            return None if listing is None else book.instrument(listing, day)
        listing = book.of_key(expired.key, expired.expiry)
        if listing is None or listing.expiry != expired.expiry:
            return None
        return replace(book.instrument(listing, expired.expiry), symbol=symbol)

    return find


def _listed(path: Path | None) -> list[str]:
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8 text") from error
    return [text for line in lines if (text := line.partition("#")[0].strip())]
