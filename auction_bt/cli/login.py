"""The login command."""

from __future__ import annotations

import argparse
import os
import secrets
import time
import webbrowser
from getpass import getpass
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.upstox.keychain import NAME, in_keyring, keep_in_keyring
from auction_bt.upstox.login import Login
from auction_bt.upstox.token import Token, keep_token

from .arguments import add_base_url, add_state, check_address, check_state
from .configured import add_config
from .keyboard import has_terminal
from .tokens import add_keyring

HELP: Final = (
    "Log in to the broker: opens its page, takes the code that comes back to this machine, and keeps the day's access token in "
    "the state folder, for you alone, or in the system's keyring. The application's secret is read from UPSTOX_API_SECRET, or "
    "asked for."
)
_SECRET: Final = "UPSTOX_API_SECRET"  # noqa: S105  the name of a variable
_KEY: Final = "UPSTOX_API_KEY"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_config(parser)
    add_state(parser)
    add_keyring(parser)
    parser.add_argument("--client-id", default=os.environ.get(_KEY, ""), metavar="KEY",
                        help=f"the application's API key (default: {_KEY})")  # fmt: skip
    parser.add_argument("--redirect", default="http://127.0.0.1:8766/", metavar="URL",
                        help="as registered with the application, to the letter (default %(default)s)")  # fmt: skip
    parser.add_argument("--paste", action="store_true",
                        help="without a browser here: log in anywhere, and paste the address you were sent back to")  # fmt: skip
    parser.add_argument("--no-browser", action="store_true", help="print the page's address only")
    parser.add_argument("--wait", type=float, default=300.0, metavar="SECONDS", help="for you to log in (default %(default)g)")
    add_base_url(parser)


def run(args: argparse.Namespace) -> int:
    """Log in."""
    check_state(args.state)
    check_address(args.base_url)
    if not args.client_id:
        raise BadInput(f"no application: give --client-id KEY, or set {_KEY} to the API key of yours")
    if args.keyring:
        in_keyring(args.state).read()  # or a keyring that cannot be used would be found when the code, good once, is spent
    login = Login(args.base_url, args.client_id, args.redirect, secrets.token_urlsafe(24))
    secret = os.environ.get(_SECRET, "") or (getpass("API secret: ") if has_terminal() else "")
    if not secret:
        raise BadInput(f"no secret: set {_SECRET} to the application's, or run login on a terminal")

    def show() -> None:
        print(f"log in here: {login.page}", flush=True)
        if not (args.paste or args.no_browser):
            webbrowser.open(login.page)

    if args.paste:
        show()
        code = login.code_in(_pasted())
    else:
        code = login.wait_for_code(args.wait, show)
    text = login.token(code, secret)
    if args.keyring:
        keep_in_keyring(args.state, text)
    where = NAME if args.keyring else str(keep_token(args.state, text))
    print(f"logged in: {Token.of(text, where).describe(time.time_ns())}")
    return 0


def _pasted() -> str:
    try:
        return input("the address you were sent back to: ")
    except EOFError:
        raise BadInput("nothing was pasted: give the address on standard input") from None
