"""The halt command."""

from __future__ import annotations

import argparse

from .arguments import add_state, check_state
from .commanding import say_or_leave
from .configured import add_config

HELP = "Open no more trades, until `resume`. Open trades keep their stops and targets. Works whatever the feed does."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_config(parser)
    add_state(parser)


def run(args: argparse.Namespace) -> int:
    """Tell the bot."""
    check_state(args.state)
    return say_or_leave(args, "halt")
