"""What halt, resume and flatten have in common: a word to the bot that runs on a state folder."""

from __future__ import annotations

import argparse
from typing import Final

from auction_bt.core.errors import Refused
from auction_bt.live.command_box import Command, CommandBox, is_running

BY: Final = "command line"
_TAKEN_S: Final = 10.0
_FLAT_S: Final = 75.0  # somewhat longer than the bot itself waits


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
    """Tell the bot, or leave word for its next start; return the exit code."""
    if is_running(args.state):
        code = say(args, what, symbol)
        if code is None:
            raise Refused(f"what runs on {args.state} takes no word: look at its terminal, and at the broker's own page")
        return code
    leave(args, what, symbol)
    print(f"no bot runs on {args.state}: the next start there begins with it")
    return 0


def leave(args: argparse.Namespace, what: str, symbol: str = "") -> None:
    """Leave word for the next start."""
    CommandBox(args.state).post(Command(what, symbol, BY))
