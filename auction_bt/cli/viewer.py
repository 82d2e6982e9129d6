"""The `viewer` command: the trades of a store and a journal as a page in the browser."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from getpass import getpass
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.store.address import is_loopback
from auction_bt.viewer.app import create_app
from auction_bt.viewer.door import Door
from auction_bt.viewer.password import VARIABLE, keep_password, password_hash
from auction_bt.viewer.server import listening
from auction_bt.viewer.sources import Sources
from auction_bt.viewer.watcher import Watcher

from .arguments import add_state, add_store, check_state
from .keyboard import has_terminal

HELP: Final = (
    "Show charts, trades, runs and the feed in the browser, live, and tell a bot that runs here to halt, resume or flatten. On "
    "another address than this machine's own it asks for a password."
)
_PORT: Final = 8765


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_store(parser)
    add_state(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="NAME",
                        help="address to answer on (default: %(default)s, this machine alone)")  # fmt: skip
    parser.add_argument("--port", default=_PORT, type=int, metavar="N", help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--set-password", action="store_true", help="ask for a password, keep its hash in --state, and end")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if args.set_password:
        check_state(args.state)
        return _set_password(args.state)
    if not 0 <= args.port <= 65_535:
        raise BadInput(f"--port {args.port} must be 0 to 65535")
    sources = Sources.of(args.store, args.state, _tell)
    door = door_of(args.host, args.state)
    server = listening(create_app(sources, [args.host], door), args.host, args.port)
    watcher = Watcher(sources)

    def end(*_: Any) -> None:
        sources.hub.close()  # first: the server waits for the threads that its streams hold
        raise KeyboardInterrupt

    try:
        watcher.start()
        print(f"viewer: http://{_address(server, args.host)}/ (Ctrl-C ends it)", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        server.run()  # returns when interrupted
    finally:
        server.close()
        watcher.close()
        sources.close()
    return 0


def _tell(text: str) -> None:
    print(f"viewer: {text}", file=sys.stderr, flush=True)


def door_of(host: str, state: Path) -> Door:
    """Return who may come in at an address.

    Raises
    ------
    BadInput
        Others reach it, and there is no password.
    """
    kept = password_hash(state, os.environ)
    if not kept and not is_loopback(host):
        raise BadInput(f"others reach {host}, and there is no password: run `viewer --set-password` first, or set {VARIABLE}")
    return Door(kept)


def _set_password(state: Path) -> int:
    given = getpass("password for the viewer: ") if has_terminal() else sys.stdin.readline().rstrip("\n")
    print(f"its hash is kept in {keep_password(state, given)}, for you alone")
    return 0


def _address(server: Any, host: str) -> str:
    listener = getattr(server, "effective_listen", None)  # a name with several addresses has several
    port = listener[0][1] if listener else server.effective_port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
