"""The web server in front of the simulated broker: waitress, which is told when to end, and ends all it began."""

from __future__ import annotations

import socket
from threading import Thread
from types import TracebackType
from typing import Any, Final, Self

from flask import Flask
from waitress import create_server
from waitress.wasyncore import dispatcher

from auction_bt.core.errors import BadInput

_THREADS: Final = 16
_END_S: Final = 10.0


class Listening:
    """An application behind a socket, from birth on; served while it is entered (``with``).

    Parameters
    ----------
    app : Flask
    port : int
        0: any that is free.
    host : str

    Attributes
    ----------
    url : str
        Where it is: ``http://127.0.0.1:43210``.

    Raises
    ------
    BadInput
        The address is taken, or not of this machine.
    """

    def __init__(self, app: Flask, port: int = 0, host: str = "127.0.0.1") -> None:
        try:
            bound = socket.create_server((host, port))  # waitress would leave threads behind where this fails
        except OSError as error:
            raise BadInput(
                f"the simulated broker cannot listen on {host}:{port} ({error.strerror or error}): give another port"
            ) from error
        self._server: Any = create_server(app, sockets=[bound], threads=_THREADS, ident=None, clear_untrusted_proxy_headers=True)
        self.url = f"http://{host}:{bound.getsockname()[1]}"
        self._thread = Thread(target=self._server.run, name="simulated-broker", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Its workers first: they wake the loop through a pipe that must not be gone by then, nor while we do so ourselves.
        self._server.task_dispatcher.shutdown(timeout=_END_S)
        self._server.trigger.pull_trigger(self._end)
        self._thread.join(_END_S)
        self._server.trigger.close()

    def _end(self) -> None:
        # On the loop's own thread, which ends when nothing is left that it looks at.
        for each in list(self._server._map.values()):
            if each is not self._server.trigger:
                dispatcher.close(each)
        self._server.trigger.del_channel()
