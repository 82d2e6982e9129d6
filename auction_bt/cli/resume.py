"""The resume command."""

from __future__ import annotations

import argparse

from .arguments import add_state, check_state
from .commanding import say_or_leave
from .configured import add_config

HELP = (
    "Open trades again after a halt; with a symbol, in that symbol, after somebody else has closed its trade or left a position "
    "there."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_config(parser)
    add_state(parser)
    parser.add_argument("symbol", nargs="?", default="", metavar="SYMBOL", help="that alone (default: the halt of all)")


def run(args: argparse.Namespace) -> int:
    """Tell the bot."""
    check_state(args.state)
    return say_or_leave(args, "resume", args.symbol)
