"""What halt, resume and flatten have in common: a word to the bot that runs on a state folder."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from auction_bt.core.errors import BadInput, Refused
from auction_bt.live.command_box import FOLDER, RUN_LOCK, Command, CommandBox, is_running
from auction_bt.live.rehearsal import FOLDER as REHEARSAL

BY: Final = "command line"
_TAKEN_S: Final = 10.0
_FLAT_S: Final = 75.0  # somewhat longer than the bot itself waits
_NOT_TAKEN: Final = 3
# What bots, recorders, logins and runs leave in a state folder; one is enough to know it by.
_OURS: Final = ("journal.db", "spool.db", "spool.lock", RUN_LOCK, FOLDER, REHEARSAL, "token", "alarms.log", "cache",
                "instruments.db", "fetched.db", "sweeps.db", "viewer-password", "real-orders")  # fmt: skip


def is_state(folder: Path) -> bool:
    """Whether something of ours has ever used a folder as its state folder."""
    return any((folder / name).exists() for name in _OURS)


def beside(state: Path) -> str:
    """Return the words that name a rehearsal that runs in a state folder; '' where none does."""
    folder = state / REHEARSAL
    return f"; a rehearsal's bot runs on {folder}: give --state {folder} for that one" if is_running(folder) else ""


def say(args: argparse.Namespace, what: str, symbol: str = "") -> int | None:
    """Tell the bot that runs, and print what came of it; return the exit code, None where it does not take the word."""
    box = CommandBox(args.state)
    name = box.post(Command(what, symbol, BY))
    if box.take_back(name, _TAKEN_S):
        return None
    answer = box.answer(name, _FLAT_S if what == "flatten" else _TAKEN_S)
    if answer is None:
        raise Refused(f"the bot on {args.state} has taken it, and not said what came of it: look at its terminal, and at the "
                      "broker's own page")  # fmt: skip
    print(answer)
    return 1 if answer.startswith(("not flat", "no symbol")) else 0


def say_or_leave(args: argparse.Namespace, what: str, symbol: str = "") -> int:
    """Tell the bot, or leave word for its next start; return the exit code, which is not 0 where no bot took the word."""
    if is_running(args.state):
        code = say(args, what, symbol)
        if code is None:
            raise Refused(f"what runs on {args.state} takes no word: look at its terminal, and at the broker's own page")
        return code
    if not is_state(args.state):
        raise BadInput(
            f"{args.state} is no state folder (nothing has ever run on it), and no word was left: give the bot's --state"
        )
    leave(args, what, symbol)
    print(f"no bot runs on {args.state}: the next start there begins with it{beside(args.state)}")
    return _NOT_TAKEN


def leave(args: argparse.Namespace, what: str, symbol: str = "") -> None:
    """Leave word for the next start."""
    CommandBox(args.state).post(Command(what, symbol, BY))
