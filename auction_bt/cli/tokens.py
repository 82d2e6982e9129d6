"""Where a command looks for the access token."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from auction_bt.configuration.file import Configuration
from auction_bt.upstox.keychain import in_keyring
from auction_bt.upstox.token import VARIABLE, Token, TokenPlace, find_token, in_environment, in_state


def add_keyring(parser: argparse.ArgumentParser) -> None:
    """Add --keyring."""
    parser.add_argument("--keyring", action=argparse.BooleanOptionalAction, default=False,
                        help="the token is kept in the system's keyring (pip install 'auction-bt[keyring]')")  # fmt: skip


def token_places(args: argparse.Namespace, variable: str = VARIABLE) -> tuple[TokenPlace, ...]:
    """Return where the token may be: the environment, the file of --config, the keyring if asked for, the state folder."""
    places = [in_environment(os.environ, variable)]
    if args.config is not None:
        places.append(TokenPlace(str(args.config), lambda: _written(args.config)))
    if args.keyring:
        places.append(in_keyring(args.state))
    return (*places, in_state(args.state))


def token_of(args: argparse.Namespace, now: int) -> Token:
    """Return the token that is good at `now` (ns), read anew each time; raise `BadInput` where there is none."""
    return find_token(token_places(args), now)


def _written(path: Path) -> str:
    return str(Configuration.read(path).value("upstox.access_token")).strip()
