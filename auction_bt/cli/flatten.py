"""The flatten command."""

from __future__ import annotations

import argparse
import time

from auction_bt.core.errors import Fatal
from auction_bt.live.command_box import is_running
from auction_bt.upstox.client import UpstoxClient
from auction_bt.upstox.flattening import Flattening

from .arguments import add_base_url, add_state, check_address, check_state
from .commanding import beside, is_state, leave, say
from .configured import add_config
from .tokens import add_keyring, token_of

HELP = (
    "Leave every trade of the bot at market, or that of a symbol, take back its orders, and open no more until `resume`. Where "
    "no bot runs, or it does not take the word, it is done from here, by the tags of its orders: what other people have opened "
    "is left alone."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_config(parser)
    add_state(parser)
    parser.add_argument("symbol", nargs="?", default="", metavar="SYMBOL", help="that alone (default: all)")
    add_base_url(parser)
    add_keyring(parser)


def run(args: argparse.Namespace) -> int:
    """Tell the bot, or do it."""
    check_state(args.state)
    check_address(args.base_url)
    if is_running(args.state):
        code = say(args, "flatten", args.symbol)
        if code is not None:
            return code
        print(f"what runs on {args.state} takes no word: doing it from here", flush=True)
    else:
        print(f"no bot runs on {args.state}: doing it from here{beside(args.state)}", flush=True)
    if not is_state(args.state):  # what is open matters more than a name mistyped, but no word is left where no bot looks
        print(f"{args.state} is no state folder, and no bot's next start there is told to open nothing", flush=True)
    elif not args.symbol:
        leave(args, "halt")  # before all else: a bot that starts meanwhile opens nothing
    client = UpstoxClient(args.base_url)
    client.send_token(token_of(args, time.time_ns()).text)
    left = Flattening(client, time.time_ns, time.sleep, lambda text: print(text, flush=True)).run(args.symbol)
    if left:
        raise Fatal(f"not flat: {'; '.join(left)}: look at the broker's own page")
    print("flat: nothing of the bot's is open, and no order of it rests")
    return 0
