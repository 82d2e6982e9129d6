"""Before orders with real money: what a person confirms, and that no other bot trades on the account."""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from auction_bt.core.errors import BadInput, Refused
from auction_bt.store.folder_lock import FolderLock

from .keyboard import has_terminal

_MARK: Final = "real-orders"  # in the state folder, once the list was read
LIST: Final = (
    "rehearsed with --orders sim, with these settings, to the end of a day",
    "a day on --orders paper, and `eod` found nothing",
    "`preflight` passes: token, static IP, funds, the clock, nothing left of earlier days",
    "guards are on (--guards design), daily_loss is what you can lose in a day",
    "alerts reach you (AUCTION_ALERTS, or [alerts] in the file)",
    "you can flatten without this machine: the broker's application is on your telephone",
)


def add_real_orders(parser: argparse.ArgumentParser) -> None:
    """Add the options of real orders."""
    group = parser.add_argument_group("real orders (--orders upstox)")
    group.add_argument("--yes", action="store_true", help="do not ask; for a timer, once the list was confirmed on a terminal")
    group.add_argument("--max-positions", type=int, default=0, metavar="N",
                       help="open trades at a time, at most (default: one)")  # fmt: skip


def confirm(args: argparse.Namespace, account: str, read: Callable[[str], str] | None = None) -> None:
    """Have a person say that orders may go out.

    Raises
    ------
    Refused
        It was not said.
    """
    mark = args.state / _MARK
    is_first = not mark.exists()
    if args.yes and not is_first:
        return
    if not has_terminal():
        how = "run it once on a terminal, and confirm the list there" if is_first else "add --yes"
        raise Refused(f"real orders are confirmed by a person: {how}")
    if is_first:
        print("Orders with real money, for the first time from this state folder. Each of these should be true:")
        for number, text in enumerate(LIST, 1):
            print(f"  {number}. {text}")
    most = args.max_positions or 1
    print(f"Account {account}: at most {most} open {'trade' if most == 1 else 'trades'} at a time.")
    try:
        typed = (read or input)(f"Type the account's name ({account}) to trade: ")
    except EOFError:
        typed = ""
    if typed.strip() != account:
        raise Refused("not confirmed: nothing was sent")
    if is_first:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def most_open(wanted: int, settings: Mapping[str, object]) -> int:
    """Return how many trades may be open: what was wanted, one where nobody has said, and never more than the guard allows."""
    most = wanted or 1
    guard = settings.get("max_concurrent")
    return min(most, guard) if isinstance(guard, int) and guard else most


def hold_account(account: str, environ: Mapping[str, str] = os.environ) -> FolderLock:
    """Take an account for this process, whatever its state folder; it is free when the process ends, however it ends.

    Raises
    ------
    Refused
        Another process of this machine trades on it; the message names it.
    """
    if not account:
        raise BadInput("the broker does not say whose account it is: no order goes out")
    name = hashlib.sha256(account.encode()).hexdigest()[:16] + ".lock"
    return FolderLock.take(_home(environ) / "accounts", name, "bot on this account", cure="one at a time: stop it first")


def _home(environ: Mapping[str, str]) -> Path:
    if sys.platform == "win32":
        return Path(environ.get("LOCALAPPDATA") or Path.home()) / "auction_bt"
    return Path(environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "auction_bt"
