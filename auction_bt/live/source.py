"""Where the live engine's messages come from, one after the other: the sockets by way of the recorder, or a recording."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from auction_bt.core.errors import Fatal
from auction_bt.feeds.decode import MS, MS_DIGITS, symbols_of
from auction_bt.parsing import dump, parse
from auction_bt.recorder import LOST, Recorder
from auction_bt.store import RawMessage

_ROOM: Final = 100_000  # frames that may wait
_STEP_S: Final = 0.001
_HEAD: Final = 100  # characters of a message in which it says what it is


class Received(NamedTuple):
    """One message in its place.

    Parameters
    ----------
    seq : int, ns
        Its unique stamp, as recorded.
    message : dict or str
        Parsed, or its JSON text.
    at : int, ns
        When it reached this process, on a clock that only runs forward; 0 where nobody looked.
    """

    seq: int
    message: dict[str, Any] | str
    at: int = 0


class Source(Protocol):
    """Gives messages in their order."""

    def next(self, timeout: float) -> Received | None:
        """Return the next message; None where none came within `timeout` seconds, or there will be no more."""
        ...

    @property
    def is_over(self) -> bool:
        """Whether there will be no more."""
        ...

    def tell(self, message: Mapping[str, Any]) -> None:
        """Put a message of our own kinds into the order; it comes back by `next`. Any thread may."""
        ...


class StoredSource:
    """Messages as they were recorded; what is told is not heard, for the recording has it."""

    def __init__(self, messages: Iterator[RawMessage]) -> None:
        self._messages = messages
        self._is_over = False

    def next(self, timeout: float) -> Received | None:  # noqa: ARG002 - nothing is waited for
        """See `Source`."""
        message = next(self._messages, None)
        self._is_over = message is None
        return None if message is None else Received(message.ts, message.text)

    @property
    def is_over(self) -> bool:
        """See `Source`."""
        return self._is_over

    def tell(self, message: Mapping[str, Any]) -> None:
        """See `Source`."""


class RecordedSource(Source, Protocol):
    """Gives messages that are being recorded."""

    def tell(self, message: Mapping[str, Any], acknowledge: Callable[[], None] | None = None) -> None:
        """See `Source`; `acknowledge` is called when it was worked off, in lockstep."""
        ...

    @property
    def is_in_step(self) -> bool:
        """Whether frames are acknowledged, as a simulated exchange in lockstep asks."""
        ...

    @property
    def flow(self) -> Flow:
        """How the messages flow."""
        ...

    def wait_committed(self, seq: int, timeout: float) -> None:
        """Wait until all up to `seq` is on the disk.

        Raises
        ------
        Fatal
            It is not within `timeout` seconds, or the recording has stopped.
        """
        ...


@dataclass(frozen=True, slots=True)
class Flow:
    """How the messages flow.

    Parameters
    ----------
    waiting : int
        Not yet taken by the engine.
    most : int
        The most that ever waited.
    dropped : int
        Frames for which there was no room before they were recorded.
    taken : int
    at : int, ns
        When the last frame came, on a clock that only runs forward; 0 before the first.
    unread : int
        Frames that were no messages.
    """

    waiting: int
    most: int
    dropped: int
    taken: int
    at: int
    unread: int = 0


class Clock(Protocol):
    """The time of the market."""

    def __call__(self) -> int:
        """Return it, ns."""
        ...

    def see(self, at: int) -> None:
        """Take the time that a frame says, ns."""
        ...


class LiveSource:
    """Frames and messages of our own, recorded in the order in which they are taken.

    Parameters
    ----------
    recorder : Recorder
    decode : callable (bytes) returning dict
        Of a frame of the market feed; what raises ValueError is recorded as a gap.
    clock : Clock
        The time of the market, for messages of our own.
    seen : callable (dict)
        Shown each message of the market feed before it is recorded.
    is_idle : callable returning bool, optional
        Whether nothing is on its way to the exchange; given in lockstep alone, where frames are acknowledged when they, and all
        that came of them, were worked off.

    Notes
    -----
    The threads of the sockets only put; decoding and recording are done by whoever calls `next`, one thread: what that thread
    has seen is what the recording holds, in this order.
    """

    def __init__(
        self, recorder: Recorder, decode: Callable[[bytes], dict[str, Any]], clock: Clock,
        is_idle: Callable[[], bool] | None = None, seen: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._recorder = recorder
        self._decode = decode
        self._clock = clock
        self._is_idle = is_idle
        self._seen = seen
        self._queue: queue.SimpleQueue[tuple[bytes | dict[str, Any] | None, int, Callable[[], None] | None]] = queue.SimpleQueue()
        self._most = self._dropped = self._taken = self._at = self._unread = 0
        self._unsaid = 0  # dropped frames that no gap message has named
        self._owed: list[Callable[[], None]] = []  # acknowledgements of what was taken
        self._is_over = False
        self._lock = threading.Lock()

    # ---------------------------------------------------------------- any thread
    def put_frame(self, frame: bytes, acknowledge: Callable[[], None] | None = None) -> None:
        """Take a frame of the market feed as it came from the socket; `acknowledge` is called when it was worked off."""
        now = time.monotonic_ns()
        self._at = now
        if self._queue.qsize() >= _ROOM:
            with self._lock:
                self._dropped += 1
                self._unsaid += 1
            return
        self._queue.put((frame, now, acknowledge))

    def tell(self, message: Mapping[str, Any], acknowledge: Callable[[], None] | None = None) -> None:
        """See `Source`."""
        self._queue.put((dict(message), time.monotonic_ns(), acknowledge))

    def end(self) -> None:
        """Let `next` return what waits, and then no more."""
        self._queue.put((None, 0, None))

    # ---------------------------------------------------------------- the engine's thread
    def next(self, timeout: float) -> Received | None:
        """See `Source`.

        Raises
        ------
        Fatal
            The recording has stopped.
        """
        self._most = max(self._most, self._queue.qsize())
        found = self._get(timeout) if self._is_idle is None else self._get_in_step(timeout, self._is_idle)
        if found is None:
            return None
        item, at, acknowledge = found
        if acknowledge is not None:
            self._owed.append(acknowledge)
        if item is None:
            self._is_over = True
            return None
        self._taken += 1
        if self._unsaid:
            self._say_dropped()
        if isinstance(item, bytes):
            return self._feed(item, at)
        return Received(self._recorder.put(dump(item), symbols_of(item)), item, at)

    def _get(self, timeout: float) -> tuple[bytes | dict[str, Any] | None, int, Callable[[], None] | None] | None:
        try:
            return self._queue.get(timeout=timeout)
        except queue.Empty:
            return None

    def _get_in_step(
        self, timeout: float, is_idle: Callable[[], bool]
    ) -> tuple[bytes | dict[str, Any] | None, int, Callable[[], None] | None] | None:
        until = time.monotonic() + timeout
        while True:
            is_quiet = is_idle()  # asked first: an answer is told before its request counts as done
            found = self._get(0 if is_quiet else _STEP_S)
            if found is not None:
                return found
            if is_quiet:
                for acknowledge in self._owed:
                    acknowledge()
                self._owed.clear()
                return self._get(max(0.0, until - time.monotonic()))
            if time.monotonic() >= until:
                return None

    def _feed(self, frame: bytes, at: int) -> Received | None:
        try:
            message = self._decode(frame)
        except ValueError as error:
            self._unread += 1
            self._recorder.put(dump(gap_message(self._clock(), 0, f"frame of {len(frame)} bytes is no message: {error}")), ())
            return None
        said = message.get("currentTs", "")
        if isinstance(said, str) and len(said) == MS_DIGITS and said.isdecimal():
            self._clock.see(int(said) * MS)
        self._seen(message)
        seq = self._recorder.record(dump(message), symbols_of(message))
        return None if seq == LOST else Received(seq, message, at)

    def _say_dropped(self) -> None:
        with self._lock:
            count, self._unsaid = self._unsaid, 0
        self._recorder.put(dump(gap_message(self._clock(), 0, "engine too slow", lost=count)), ())

    @property
    def is_over(self) -> bool:
        """See `Source`."""
        return self._is_over

    @property
    def is_in_step(self) -> bool:
        """See `RecordedSource`."""
        return self._is_idle is not None

    @property
    def flow(self) -> Flow:
        """See `RecordedSource`."""
        return Flow(self._queue.qsize(), self._most, self._dropped, self._taken, self._at, self._unread)

    def wait_committed(self, seq: int, timeout: float) -> None:
        """See `RecordedSource`."""
        if not self._recorder.wait_committed(seq, timeout):
            raise Fatal(f"the recording is not on the disk after {timeout:g} s: no order goes out before it")


class ResumedSource:
    """First what was recorded today before this start, then what comes.

    Parameters
    ----------
    messages : iterator of RawMessage
    live : RecordedSource
    on_live : callable
        Called once, before the first of what comes.
    on_book : callable, optional
        Called once, before the first order book that comes is given.
    """

    def __init__(
        self, messages: Iterator[RawMessage], live: RecordedSource, on_live: Callable[[], None],
        on_book: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self._stored: StoredSource | None = StoredSource(messages)
        self._live = live
        self._on_live, self._on_book = on_live, on_book
        self.resumed = 0

    def next(self, timeout: float) -> Received | None:
        """See `Source`."""
        if self._stored is not None:
            received = self._stored.next(timeout)
            if received is not None:
                self.resumed += 1
                return received
            self._stored = None
            self._on_live()
        received = self._live.next(timeout)
        if self._on_book is not None and received is not None and _is_book(received.message):
            on_book, self._on_book = self._on_book, None
            on_book()
        return received

    @property
    def is_over(self) -> bool:
        """See `Source`."""
        return self._stored is None and self._live.is_over

    def tell(self, message: Mapping[str, Any]) -> None:
        """See `Source`."""
        self._live.tell(message)


def gap_message(end: int, begin: int, reason: str, **more: Any) -> dict[str, Any]:
    """Return the message that names a gap; ``awaits`` names symbols whose missing minutes will come."""
    return {"kind": "gap", "ts": end, "begin": begin or end, "end": end, "reason": reason, **more}


def _is_book(message: dict[str, Any] | str) -> bool:
    said = message if isinstance(message, dict) else parse(message) if '"book"' in message[:_HEAD] else {}
    return isinstance(said, dict) and said.get("kind") == "order" and said.get("what") == "book"
