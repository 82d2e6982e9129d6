"""The `viewer` command: the trades of a store and a journal as a page in the browser."""

from __future__ import annotations

import argparse
import signal
import sys
from ipaddress import ip_address
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.viewer.app import create_app
from auction_bt.viewer.server import listening
from auction_bt.viewer.sources import Sources
from auction_bt.viewer.watcher import Watcher

from .arguments import add_state, add_store

HELP: Final = "Show charts, trades, runs and the feed in the browser, live; it reads and changes nothing."
_PORT: Final = 8765


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    add_store(parser)
    add_state(parser)
    parser.add_argument("--host", default="127.0.0.1", metavar="NAME",
                        help="address to answer on (default: %(default)s, this machine alone)")  # fmt: skip
    parser.add_argument("--port", default=_PORT, type=int, metavar="N", help="0 takes a free one (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if not 0 <= args.port <= 65_535:
        raise BadInput(f"--port {args.port} must be 0 to 65535")
    sources = Sources.of(args.store, args.state)
    server = listening(create_app(sources, [args.host]), args.host, args.port)
    watcher = Watcher(sources)

    def end(*_: Any) -> None:
        sources.hub.close()  # first: the server waits for the threads that its streams hold
        raise KeyboardInterrupt

    try:
        watcher.start()
        if not _is_loopback(args.host):
            print(f"warning: whoever reaches {args.host} sees your trades; there is no password", file=sys.stderr)
        print(f"viewer: http://{_address(server, args.host)}/ (Ctrl-C ends it)", flush=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        server.run()  # returns when interrupted
    finally:
        server.close()
        watcher.close()
        sources.close()
    return 0


def _address(server: Any, host: str) -> str:
    listener = getattr(server, "effective_listen", None)  # a name with several addresses has several
    port = listener[0][1] if listener else server.effective_port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
