"""What halt, resume and flatten have in common: a word to the bot that runs on a state folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from auction_bt.core.errors import Refused
from auction_bt.live.command_box import Command, CommandBox
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK

BY: Final = "command line"
_TAKEN_S: Final = 10.0
_FLAT_S: Final = 75.0  # somewhat longer than the bot itself waits


def is_running(state: Path) -> bool:
    """Whether a bot or a recorder runs on a state folder."""
    return FolderLock.is_held(state, LOCK)


def say(args: argparse.Namespace, what: str, symbol: str) -> int:
    """Tell the bot, and print what came of it; return the exit code."""
    box = CommandBox(args.state)
    running = is_running(args.state)
    name = box.post(Command(what, symbol, BY))
    if not running:
        print(f"no bot runs on {args.state}: the next start there begins with it")
        return 0
    answer = box.answer(name, _FLAT_S if what == "flatten" else _TAKEN_S)
    if answer is None:
        gone = "has not taken it" if box.is_waiting(name) else "has taken it, and not said what came of it"
        raise Refused(f"the bot on {args.state} {gone}: look at its terminal, and at the broker's own page")
    print(answer)
    return 1 if answer.startswith(("not flat", "no symbol")) else 0
