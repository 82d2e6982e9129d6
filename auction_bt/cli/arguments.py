"""Options that several commands have, and how their texts are read."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.ist import from_date, to_date
from auction_bt.instruments.book import InstrumentBook
from auction_bt.store.dsn import DEFAULT
from auction_bt.upstox.client import HOST, HOST_VARIABLE

STATE: Final = ".auction_bt"
_LARGEST_TICK: Final = 10**6
_DECIMALS: Final = 8
_LARGEST_LOT: Final = 10**9


def add_store(parser: argparse.ArgumentParser) -> None:
    """Add --store."""
    parser.add_argument("--store", default=DEFAULT, metavar="DSN", help="where the data is (default: %(default)s)")


def add_state(parser: argparse.ArgumentParser) -> None:
    """Add --state."""
    parser.add_argument("--state", type=Path, default=Path(STATE), metavar="DIR",
                        help="folder of the journal and caches (default: %(default)s)")  # fmt: skip


def check_state(state: Path) -> None:
    """Refuse a state folder that cannot be written, and make nothing: a command must learn of it before its work is done."""
    try:
        there = next(path for path in (state, *state.absolute().parents) if path.exists())
        is_folder = there.is_dir()
    except OSError as error:
        raise BadInput(f"--state {state} cannot be looked at ({error.strerror}): name another folder") from error
    if not is_folder:
        raise BadInput(f"--state {state}: {there} is no folder: name another")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"--state {state}: {there} is not writable for this user: name another folder, or give it the permission")


def loaded_book(state: Path, stack: ExitStack) -> InstrumentBook | None:
    """Return the instrument masters of the folder `state`, open until `stack` ends; None where there are none."""
    book = InstrumentBook.open_loaded(state)
    return None if book is None else stack.enter_context(book)


def add_dates(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add --from-date and --to-date; read them with `day_range`."""
    parser.add_argument("--from-date", metavar="DATE", required=required, help="first day, YYYY-MM-DD in India")
    parser.add_argument("--to-date", metavar="DATE", required=required, help="last day, inclusive")


def add_step(parser: argparse.ArgumentParser) -> None:
    """Add --tick and --lot."""
    parser.add_argument("--tick", type=_tick, metavar="SIZE",
                        help="price step (default: what is stored, made finer where prices need it; of a new instrument the "
                        "largest all prices fit)")  # fmt: skip
    parser.add_argument("--lot", type=_lot, metavar="N", help="lot size (default: for derivatives by the sizes, else 1)")


def add_base_url(parser: argparse.ArgumentParser) -> None:
    """Add --base-url; check it with `check_address`."""
    parser.add_argument("--base-url", default=os.environ.get(HOST_VARIABLE, HOST), metavar="URL",
                        help="whom to ask (default: %(default)s)")  # fmt: skip


def check_address(url: str) -> None:
    """Refuse what is no address, or one beyond this machine that is not encrypted: a token would go there, or false days come."""
    address = urlsplit(url)
    if address.scheme not in {"http", "https"} or not address.hostname:
        raise BadInput(f"--base-url {url!r} is no address: it must begin with https://")
    if address.scheme == "http" and address.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise BadInput(f"--base-url {url!r} would be asked in the clear: use https://")


def day_of(text: str) -> int:
    """Return the IST day number of YYYY-MM-DD."""
    try:
        if len(text) != 10 or text.count("-") != 2:
            raise ValueError
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r} is no date of a market: write YYYY-MM-DD") from None
    if not 1990 <= day.year < 2200:
        raise BadInput(f"{text} is no date of a market: its year must be 1990 to 2199")
    return from_date(day)


def day_range(first: str, last: str) -> range:
    """Return the IST days from `first` to `last`, both included."""
    begin, end = day_of(first), day_of(last)
    if begin > end:
        raise BadInput(f"--from-date {first} is after --to-date {last}")
    return range(begin, end + 1)


def nothing_in(what: str, days: range, stored: list[int]) -> NothingToDo:
    """Return the error for a range of days without data, naming what there is."""
    asked = f"{to_date(days.start)} to {to_date(days.stop - 1)}"
    if not stored:
        return NothingToDo(f"no {what} at all: import or record some first")
    return NothingToDo(f"no {what} from {asked}: the store has {to_date(stored[0])} to {to_date(stored[-1])}")


class Progress:
    """One changing line on a terminal; nothing in a pipe."""

    def __init__(self) -> None:
        self._is_on = sys.stderr.isatty()
        self._width = 0

    def __call__(self, text: str) -> None:
        """Show `text` in place of the last."""
        if self._is_on:
            sys.stderr.write("\r" + text.ljust(self._width))
            sys.stderr.flush()
            self._width = len(text)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            sys.stderr.write("\r" + " " * self._width + "\r")
            sys.stderr.flush()
            self._width = 0


def _tick(text: str) -> Decimal:
    try:
        size = Decimal(text)
    except InvalidOperation:
        size = Decimal(0)
    exponent = size.as_tuple().exponent
    if not isinstance(exponent, int) or not 0 < size <= _LARGEST_TICK or exponent < -_DECIMALS:
        raise BadInput(f"--tick {text!r} is no price step: write a number above 0, like 0.05, up to {_LARGEST_TICK:,} "
                       f"with at most {_DECIMALS} decimals")  # fmt: skip
    return size


def _lot(text: str) -> int:
    if not text.isdecimal() or len(text) > 10 or not 1 <= int(text) <= _LARGEST_LOT:
        shown = text if len(text) < 40 else text[:40] + "…"
        raise BadInput(f"--lot {shown!r} is no lot: write a whole number from 1 to {_LARGEST_LOT:,}")
    return int(text)
