"""From one watcher to many browsers: hints that something is new. A browser that does not read is cut off, and comes again."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Lock
from typing import Any, Final

MOST_CLIENTS: Final = 16  # each holds a thread of the server
_WAITING: Final = 64  # events
_HEARTBEAT_S: Final = 4.0
_LOOK_S: Final = 0.5  # how soon a browser that has gone makes room
_RETRY_MS: Final = 1000
_END: Final = ""
_BEAT: Final = ":\n\n"


class Hub:
    """Gives every event to every stream."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._clients: set[Queue[str]] = set()
        self._number = 0
        self._is_open = True

    @property
    def clients(self) -> int:
        """How many streams there are."""
        with self._lock:
            return len(self._clients)

    def publish(self, name: str, data: dict[str, Any]) -> None:
        """Give an event to every stream; one that is full is ended."""
        with self._lock:
            self._number += 1
            text = _event(name, self._number, data)
            for queue in list(self._clients):
                try:
                    queue.put_nowait(text)
                except Full:
                    self._clients.discard(queue)

    def stream(self, hello: dict[str, Any], is_gone: Callable[[], bool] = lambda: False) -> Stream | None:
        """Return the events from now on as server-sent text, beginning with `hello`; None where there are too many streams.

        Parameters
        ----------
        is_gone : callable
            Whether the browser has hung up.
        """
        queue: Queue[str] = Queue(_WAITING)
        with self._lock:
            if not self._is_open or len(self._clients) >= MOST_CLIENTS:
                return None
            self._clients.add(queue)
            number = self._number
        return Stream(self, queue, f"retry: {_RETRY_MS}\n{_event('hello', number, hello)}", is_gone)

    def has(self, queue: Queue[str]) -> bool:
        """Return whether a stream is still fed."""
        with self._lock:
            return queue in self._clients

    def leave(self, queue: Queue[str]) -> None:
        """Feed a stream no more."""
        with self._lock:
            self._clients.discard(queue)

    def close(self) -> None:
        """End every stream, and open none any more."""
        with self._lock:
            self._is_open = False
            for queue in self._clients:
                while True:  # room for the end
                    try:
                        queue.put_nowait(_END)
                        break
                    except Full:
                        queue.get_nowait()
            self._clients.clear()


class Stream:
    """The events for one browser, as text; close it when the browser has gone.

    Parameters
    ----------
    hub : Hub
    queue : Queue of str
        Which the hub feeds.
    hello : str
        Comes first.
    is_gone : callable
    """

    # No generator: one that was never begun would not notice that it is closed.
    def __init__(self, hub: Hub, queue: Queue[str], hello: str, is_gone: Callable[[], bool]) -> None:
        self._hub = hub
        self._queue = queue
        self._hello = hello
        self._is_gone = is_gone

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Return the next event, or a heartbeat."""
        if hello := self._hello:
            self._hello = ""
            return hello
        until = time.monotonic() + _HEARTBEAT_S
        while not self._is_gone():
            try:
                text = self._queue.get(timeout=min(_LOOK_S, _HEARTBEAT_S))
            except Empty:
                if not self._hub.has(self._queue):
                    break
                if time.monotonic() >= until:
                    return _BEAT
            else:
                if text == _END:
                    break
                return text
        raise StopIteration

    def close(self) -> None:
        """Leave the hub."""
        self._hub.leave(self._queue)


def _event(name: str, number: int, data: dict[str, Any]) -> str:
    return f"id: {number}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
