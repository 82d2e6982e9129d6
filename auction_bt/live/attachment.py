"""The recording of a live day that another process of this machine makes."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path
from random import Random
from typing import Any, Final

from auction_bt.core.errors import AuctionError, Fatal, Refused
from auction_bt.parsing import dump
from auction_bt.store import RawMessage
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK
from auction_bt.upstox.backoff import Backoff
from auction_bt.upstox.connection import FeedState

from .command_box import RUN_LOCK
from .door import (
    ATTACH,
    COMMITTED,
    HOST,
    HURRY,
    KEPT,
    LIVE,
    MESSAGE,
    STANDING,
    TELL,
    Door,
    Line,
    number_of,
    numbered,
    promptly,
    text_of,
    worded,
    words_of,
)
from .recording import Feed, FeedNews, Standing
from .source import Flow, Received

_ROOM: Final = 100_000  # messages that may wait here; the others wait there
_FIRST_S: Final = 30.0  # for the first word of the recorder
_LOOK_S: Final = 0.2
_LONGEST_S: Final = 2.0
_ROOM_S: Final = 0.01
_ALONE_S: Final = 15.0


def hold_run(state: Path, stack: ExitStack) -> None:
    """Take a state folder for a run; raise `Refused` where there is another."""
    stack.enter_context(FolderLock.take(state, RUN_LOCK, "run"))


def join(
    state: Path, stack: ExitStack, say: Callable[[str], None] = lambda _: None, *, patience: float = _ALONE_S
) -> Door | None:  # fmt: skip
    """Take the recorder's place in a state folder; return the door of whoever has it already.

    Parameters
    ----------
    state : Path
    stack : ExitStack
        Gives the place back.
    say : callable (str)
        Told in a line that it waits.
    patience : float, s
        How long a recorder that has just begun, as by the same timer, may take until it lets anybody in.

    Raises
    ------
    Refused
        What records there lets nobody in.
    """
    until, is_told = time.monotonic() + patience, False
    while True:
        try:
            stack.enter_context(FolderLock.take(state, LOCK, "recorder"))
        except Refused:
            door = Door.of(state)
            if door is not None:
                return door
            if time.monotonic() >= until:
                raise
        else:
            return None
        if not is_told:
            is_told = True
            say(f"somebody records on {state}, and lets nobody in yet: waiting for at most {patience:.0f} s to read along")
        time.sleep(_LOOK_S)


class AttachedSource:
    """Messages as the other process records them; what is told is recorded there, and told again to a recorder that comes back.

    Parameters
    ----------
    state : Path
        Where the recorder's door is shown.
    symbols : sequence of str
        Whose messages are wanted; the recorder asks the market for those that it has not.
    on_line : callable (FeedState, str)
        Told how the line to the recorder is, on its thread.
    on_standing : callable (Standing)
    alone : float, s
        After that long without a line, and where nobody records in the folder any more, it is over.
    random : Random

    Notes
    -----
    A line that breaks is connected again, and all after the last message is given: the recorder has it on its disk. A message
    of ours that was told, and not confirmed, may be recorded twice by that; each kind bears it.
    """

    is_in_step = False

    def __init__(
        self, state: Path, symbols: Sequence[str], on_line: Callable[[FeedState, str], None],
        on_standing: Callable[[Standing], None], alone: float = _ALONE_S, random: Random | None = None,
    ) -> None:  # fmt: skip
        self._state = state
        self._symbols = list(symbols)
        self._on_line = on_line
        self._on_standing = on_standing
        self._backoff = Backoff(random or Random(), ceiling=_LONGEST_S)  # noqa: S311 - no secret
        self._queue: queue.SimpleQueue[Received | None] = queue.SimpleQueue()  # None once: what was before is over
        self._is_begun = self._is_lost = False
        self._alone = alone
        self._last = -1
        self._committed = -1
        self._most = self._taken = self._at = 0
        self._changed = threading.Condition()  # of `_committed`, and guards what is told
        self._unheard: dict[int, bytes] = {}  # told, and not known to be recorded
        self._told = 0
        self._line: Line | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recording line", daemon=True)

    # ---------------------------------------------------------------- any thread
    def start(self) -> None:
        """Connect, and stay connected."""
        self._thread.start()

    def close(self) -> None:
        """Let go of the recorder."""
        self._over.set()
        self._thread.join(_FIRST_S)

    def tell(self, message: Mapping[str, Any], acknowledge: Callable[[], None] | None = None) -> None:  # noqa: ARG002
        """See `RecordedSource`; it is never in lockstep."""
        with self._changed:
            self._told += 1
            said = self._unheard[self._told] = numbered(TELL, self._told, dump(dict(message)))
            self._say(said)

    def wait_committed(self, seq: int, timeout: float) -> None:
        """See `RecordedSource`."""
        with self._changed:
            if self._committed < seq:
                self._say(HURRY)
            if not self._changed.wait_for(lambda: self._committed >= seq, timeout):
                raise Fatal(f"the recorder has not confirmed the recording after {timeout:g} s: no order goes out before it")

    @property
    def is_idle(self) -> bool:
        """Whether all that was told is recorded."""
        return not self._unheard

    @property
    def flow(self) -> Flow:
        """See `RecordedSource`."""
        return Flow(self._queue.qsize(), self._most, 0, self._taken, self._at)

    # ---------------------------------------------------------------- the engine's thread
    def before(self) -> Iterator[RawMessage]:
        """Yield what was recorded before this run came.

        Raises
        ------
        Fatal
            The recorder says nothing.
        """
        while True:
            try:
                found = self._queue.get(timeout=_FIRST_S)
            except queue.Empty:
                raise Fatal(f"the recorder says nothing for {_FIRST_S:g} s: look at what `record` prints") from None
            if found is None:
                return
            yield RawMessage(found.seq, str(found.message), ())

    def next(self, timeout: float) -> Received | None:
        """See `Source`."""
        self._most = max(self._most, self._queue.qsize())
        try:
            found = self._queue.get(timeout=timeout)
        except queue.Empty:
            return None
        self._taken += found is not None
        return found

    @property
    def is_over(self) -> bool:
        """See `Source`; a recorder that has ended may come back, until it is known that nobody records."""
        return self._is_lost

    # ---------------------------------------------------------------- its own thread
    def _run(self) -> None:
        heard = time.monotonic()
        while not self._over.is_set():
            begun, why = time.monotonic(), "the recorder has gone"
            try:
                with ExitStack() as stack:
                    line = self._attached()
                    stack.callback(line.close)
                    self._read(line)
            except (AuctionError, AuthenticationError, OSError, EOFError, ValueError) as error:
                why = str(error) or why
            with self._changed:
                has_stood, self._line = self._line is not None, None
            heard = time.monotonic() if has_stood else heard
            if time.monotonic() - heard >= self._alone and not FolderLock.is_held(self._state, LOCK):
                self._is_lost = True
                return
            if not self._over.is_set():
                self._on_line(FeedState.DISCONNECTED, why)
                self._over.wait(self._backoff.wait(time.monotonic() - begun))

    def _attached(self) -> Line:
        door = Door.of(self._state)
        if door is None:
            raise Refused("no recorder lets anybody in")
        line = promptly(Client((HOST, door.port)))
        door.prove(line, b"run", b"recorder")
        line.send_bytes(worded(ATTACH, {"who": f"process {os.getpid()}", "since": self._last, "symbols": self._symbols}))
        with self._changed:
            self._line = line
            for said in self._unheard.values():
                line.send_bytes(said)
        return line

    def _read(self, line: Line) -> None:
        while not self._over.is_set():
            if not line.poll(_LOOK_S):
                continue
            said = line.recv_bytes()
            kind = said[:1]
            if kind == MESSAGE:
                self._take(number_of(said), text_of(said))
            elif kind == COMMITTED:
                with self._changed:
                    self._committed = max(self._committed, number_of(said))
                    self._changed.notify_all()
            elif kind == KEPT:
                with self._changed:
                    self._unheard.pop(number_of(said), None)
            elif kind == STANDING:
                words = words_of(said)
                self._on_standing(Standing(**{**words, "feed": words["feed"] and FeedState(words["feed"])}))
            elif kind == LIVE:
                self._on_line(FeedState.LIVE, "")
                if not self._is_begun:
                    self._is_begun = True
                    self._queue.put(None)

    def _take(self, seq: int, text: str) -> None:
        while self._queue.qsize() >= _ROOM and not self._over.is_set():
            self._over.wait(_ROOM_S)
        self._last = seq
        self._at = time.monotonic_ns()
        self._queue.put(Received(seq, text, self._at))

    def _say(self, said: bytes) -> None:
        if self._line is not None:
            try:
                self._line.send_bytes(said)
            except OSError:  # whoever reads finds out, and connects again
                self._line = None


class AttachedRecording:
    """Reads along, and writes into it.

    Parameters
    ----------
    state : Path
    symbols : sequence of str
    clock : callable returning int, ns
        Of the market.
    alarm : callable (str)
    on_feed : callable (FeedState)
        Told of the market feed's states.
    """

    feeds: tuple[Feed, ...] = ()
    was_sent = False

    def __init__(
        self, state: Path, symbols: Sequence[str], clock: Callable[[], int], alarm: Callable[[str], None], *,
        on_feed: Callable[[FeedState], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self._clock = clock
        self._say = FeedNews(alarm)
        self._on_feed = on_feed
        self._line: FeedState | None = None
        self._standing = Standing()
        self.source = AttachedSource(state, symbols, self._on_line, self._on_standing)

    @contextmanager
    def opened(self, settings: Mapping[str, Any]) -> Iterator[Iterator[RawMessage]]:
        """See `Recording`; it goes on afterwards."""
        self.source.tell({"kind": "state", "ts": self._clock(), "what": "start", "settings": dict(settings)})
        self.source.start()
        try:
            yield self.source.before()
        finally:
            self.source.close()

    def wait_for(self, is_idle: Callable[[], bool]) -> None:
        """See `Recording`; it is never in lockstep."""

    @property
    def is_lost(self) -> bool:
        """Whether nobody records any more."""
        return self.source.is_over

    @property
    def standing(self) -> Standing:
        """See `Recording`."""
        said = self._standing
        if self._line is FeedState.LIVE:
            return Standing(said.recorded, said.lost, f"{said.state} (record)", said.feed)
        return Standing(said.recorded, said.lost, "GONE", FeedState.DISCONNECTED)

    @property
    def is_idle(self) -> bool:
        """See `Recording`."""
        return self.source.is_idle

    def _on_line(self, state: FeedState, reason: str) -> None:
        self._line = state
        self._say("line to the recorder", state, reason)

    def _on_standing(self, standing: Standing) -> None:
        before, self._standing = self._standing, standing
        if standing.feed is not None and standing.feed is not before.feed:
            self._on_feed(standing.feed)
            self._say("market feed", standing.feed, "as the recorder says")
