"""The web server: waitress, one process, a thread for each stream and some for the rest."""

from __future__ import annotations

import errno
import logging
from typing import Any, Final

from flask import Flask
from waitress import create_server

from auction_bt.core.errors import BadInput

from .hub import MOST_CLIENTS

_THREADS: Final = MOST_CLIENTS + 8


def listening(app: Flask, host: str, port: int) -> Any:
    """Return a server that holds its address and is not running yet: `run` it, `close` it.

    Raises
    ------
    BadInput
        The address is taken, or not of this machine.
    """
    # It warns of each request that waits for a thread, though pages ask several things at once; and at its end of streams that
    # are still being let go, though the process ends with them.
    for name in ("waitress", "waitress.queue"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        # Reading ahead is how it learns that a browser has hung up.
        return create_server(app, host=host, port=port, threads=_THREADS, ident=None, clear_untrusted_proxy_headers=True,
                             channel_request_lookahead=1)  # fmt: skip
    except OSError as error:
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            why = "is taken" if error.errno == errno.EADDRINUSE else "may not be used"
            raise BadInput(f"port {port} of {host} {why}: give another with --port") from error
        raise BadInput(f"{host} is no address of this machine ({error.strerror or error}): give another with --host") from error
