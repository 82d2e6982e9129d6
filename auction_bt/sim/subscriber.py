"""One connection to a socket of the simulated broker: what it has asked for, what waits to be sent, what it has taken."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from threading import Condition, Thread
from typing import Any, Final

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from .answer import Problem
from .modes import FULL, MODES, excess
from .socket_faults import Line, SocketFault, SocketFaultKind

_ROOM: Final = 50_000  # frames that may wait for a slow reader; then it is cut off, as brokers do
_SLOW: Final = 1013


class Subscriber:
    """A connection, and the thread that writes to it.

    Parameters
    ----------
    connection : ServerConnection
    line : Line
        What goes wrong on this kind of socket.
    changed : callable
        Called when it has taken a frame, or is gone.
    kinds : collection of str
        Of updates of the account that it has asked for: ``order``, ``position``, ``holding``.
    """

    def __init__(
        self, connection: ServerConnection, line: Line, changed: Callable[[], None], kinds: Collection[str] = ()
    ) -> None:  # fmt: skip
        self._connection = connection
        self._line = line
        self._changed = changed
        self._waiting: deque[bytes | str] = deque()
        self._work = Condition()
        self._thread = Thread(target=self._write, name="sim feed", daemon=True)
        self._is_over = False
        self.kinds = frozenset(kinds)
        self.modes: dict[str, str] = {}
        self.sent = 0  # given to it since it came
        self.taken = 0  # that it has said to have worked off

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, payload: bytes | str) -> None:
        """Send a frame, when its turn comes; never wait."""
        with self._work:
            if self._is_over:
                return
            self.sent += 1
            self._waiting.append(payload)
            self._work.notify()

    def end(self) -> None:
        """Write no more."""
        with self._work:
            self._is_over = True
            self._waiting.clear()
            self._work.notify()
        self._thread.join()

    @property
    def has_taken_all(self) -> bool:
        """Whether every frame was worked off."""
        return self._is_over or self.taken >= self.sent

    def request(self, data: bytes | str) -> tuple[list[str], Problem | None]:
        """Do what the client asks for; return the keys that are new to it or in a new mode, and what is wrong with it."""
        try:
            said = json.loads(data)
            method, body = said["method"], said["data"]
            keys, mode = body.get("instrumentKeys", []), body.get("mode", FULL)
            if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or mode not in MODES:
                raise ValueError(mode)
        except (ValueError, KeyError, TypeError, AttributeError):
            return [], Problem("UDAPI100038", "Invalid input passed to the API")
        if method == "ack":
            self.taken += 1
            self._changed()
            return [], None
        if method == "unsub":
            for key in keys:
                self.modes.pop(key, None)
            return [], None
        if method not in {"sub", "change_mode"}:
            return [], Problem("UDAPI100038", f"There is no method {method}")
        wanted = self.modes | dict.fromkeys(keys, mode)
        problem = excess(wanted)
        if problem is not None:
            return [], problem
        fresh = [key for key in keys if self.modes.get(key) != mode]
        self.modes = wanted
        return fresh, None

    # ---------------------------------------------------------------- its own thread
    def _write(self) -> None:
        with suppress(ConnectionClosed, OSError):
            fault = self._line.connected()
            if fault is not None:
                self._connection.close(fault.code, "flap")
            while (payload := self._next()) is not None:
                deed = self._line.pass_on(payload)
                for part in deed.payloads:
                    self._connection.send(part)
                if deed.fault is not None:
                    self._break(deed.fault)
        self._is_over = True
        self._changed()

    def _next(self) -> bytes | str | None:
        with self._work:
            while not self._waiting and not self._is_over:
                self._work.wait()
            if len(self._waiting) > _ROOM:
                self._is_over = True
                self._connection.close(_SLOW, "too slow")
            return None if self._is_over else self._waiting.popleft()

    def _break(self, fault: SocketFault) -> None:
        connection = self._connection
        if fault.kind in {SocketFaultKind.CLOSE, SocketFaultKind.FLAP}:
            connection.close(fault.code, "fault of the plan")
        elif fault.kind is SocketFaultKind.CUT:
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.socket.shutdown(socket.SHUT_RD)  # the library's reader lets go of the socket, and closes it: a reset
        elif fault.kind is SocketFaultKind.HALF_OPEN:
            with connection.protocol_mutex:  # its reader waits for this before it answers a ping
                time.sleep(fault.seconds)
        elif fault.kind is SocketFaultKind.MUTE:
            time.sleep(fault.seconds)
            with self._work:
                self._waiting.clear()


def failed(problem: Problem, method: str = "") -> str:
    """Return the text frame that tells of a problem."""
    said: Mapping[str, Any] = {"status": "failed", "error": problem.message, "code": problem.code, "method": method}
    return json.dumps(said)
