"""Every message as received, stamped and on the disk: the receiving thread stamps and enqueues, another writes in groups."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from .core.errors import AuctionError, Fatal, Refused
from .core.ist import day_index
from .store.message_blocks import Kept
from .store.spool import DeadLetter, Place, Spool

LOST: Final = -1  # the answer to a message for which there was no room

_MESSAGES: Final = 100_000  # that may wait: half an hour of a busy feed
_CHARACTERS: Final = 256 * 1024 * 1024
_GROUP: Final = 4_000  # messages of one transaction
_GROUP_CHARACTERS: Final = 4 * 1024 * 1024
_LINGER_S: Final = 0.02  # after the first message of a group, for more; with the write itself under 50 ms
_ROOM_S: Final = 0.5  # between two looks at whether the writer still lives, for one who waits for room

Tap = Callable[[int, str, tuple[str, ...] | None], None]  # takes the stamp, the text and the symbols of a message


class _Item(NamedTuple):
    stamp: int
    text: str
    symbols: tuple[str, ...] | None
    place: Place | None
    reason: str  # why it is no message; empty for one that is


class Recorder:
    """Stamps messages and keeps them in the spool.

    Parameters
    ----------
    state : Path
        Folder of the spool; the caller holds its lock.
    clock : callable returning int, ns
        Since 1970 UTC.
    told : callable, optional
        Called by the writing thread after each group, and when it has stopped.
    messages, characters : int
        What may wait to be written; beyond it messages are lost, counted, and named in a ``gap`` message.
    group : int
        Messages of one transaction.

    Notes
    -----
    Stamps increase strictly, over restarts too: each is the clock's or, where that has not moved on, one more than the last.

    Any error of the spool ends the recording: it is kept, raised to whoever calls, and nothing is taken any more. What was
    committed before is on the disk.
    """

    def __init__(
        self, state: Path, clock: Callable[[], int], *, told: Callable[[], None] | None = None, messages: int = _MESSAGES,
        characters: int = _CHARACTERS, group: int = _GROUP,
    ) -> None:  # fmt: skip
        self._state = state
        self._clock = clock
        self._told = told or (lambda: None)
        self._most = messages
        self._room = characters
        self._group = group
        self._lock = threading.Lock()
        self._work = threading.Condition(self._lock)  # there is something to write
        self._done = threading.Condition(self._lock)  # something was written, there is room, or it is over
        self._queue: deque[_Item] = deque()
        self._held = 0  # characters in the queue
        self._in_hand = 0  # messages of the group being written
        self._last = -1
        self._committed = -1
        self._recorded = 0
        self._dead = 0
        self._lost = 0
        self._unsaid: list[int] = []  # first and last stamp of losses that no gap message has named yet, and their number
        self._silence: tuple[int, str] | None = None  # since when nothing was recorded, and why; said with the next message
        self._hurry = False
        self._can_reread = False  # the last message's source is a file, which the next start reads on from where it was left
        self._closing = False
        self._error: Fatal | None = None
        self._was_killed = False
        self._places: dict[str, Place] = {}
        self._tap: Tap | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    # --- for whoever receives

    def start(self) -> None:
        """Open the spool and begin; raise what keeps it from opening."""
        self._thread.start()
        self._ready.wait()
        if self._error is not None:
            raise self._error.__cause__ if isinstance(self._error.__cause__, AuctionError) else self._error

    def record(self, text: str, symbols: tuple[str, ...] | None = None) -> int:
        """Stamp a message and enqueue it; never wait.

        Parameters
        ----------
        symbols : tuple of str, optional
            Whom it speaks of, where the caller knows; otherwise the forwarder looks.

        Returns
        -------
        int, ns
            Its stamp, which is its `seq`; `LOST` where there was no room for it.

        Raises
        ------
        Fatal
            The recording has stopped.
        """
        with self._lock:
            self._check()
            if not self._has_room(text):
                self._last = stamp = max(self._clock(), self._last + 1)
                self._lost += 1
                self._unsaid = [self._unsaid[0] if self._unsaid else stamp, stamp, self._unsaid[2] + 1 if self._unsaid else 1]
                return LOST
            return self._enqueue(text, symbols, None, None, "")

    def put(
        self, text: str, symbols: tuple[str, ...] | None = None, *, stamp: int | None = None, place: Place | None = None,
        reason: str = "",
    ) -> int:  # fmt: skip
        """Stamp a message and enqueue it, waiting for room: for what can be read later as well, a file or a pipe.

        Parameters
        ----------
        stamp : int, ns, optional
            The stamp it wants instead of the clock's.
        place : Place, optional
            How far its source has been read with it; kept with it, or neither.
        reason : str
            Why it can be no message: it goes to the dead letters. A text with bytes that are no text has them as
            ``surrogateescape`` writes them.
        """
        with self._lock:
            self._check()
            while not self._has_room(text):
                self._done.wait(_ROOM_S)
                self._check()
            return self._enqueue(text, symbols, stamp, place, reason)

    def raise_floor(self, stamp: int) -> None:
        """Give no stamp at or below this one any more."""
        with self._lock:
            self._last = max(self._last, stamp)

    def say_silence(self) -> None:
        """Name the time since the last recording in a ``gap`` message, where it was of the same IST day or ended in a kill.

        Notes
        -----
        For a feed, which went on meanwhile. A file that is read on from where it was left has no gap.
        """
        with self._lock:
            if self._last >= 0:
                self._silence = self._last, "recorder was killed" if self._was_killed else "recorder was down"

    def listen(self, tap: Tap) -> int:
        """Let `tap` hear every message from now on, in order, and return the last stamp before; it must not call the recorder."""
        with self._lock:
            self._tap = tap
            return self._last

    def hurry(self) -> None:
        """Write what waits now, without waiting for more."""
        with self._lock:
            self._hurry = True
            self._work.notify()

    def wait_committed(self, seq: int, timeout: float) -> bool:
        """Wait until all messages up to `seq` are on the disk; return whether they are.

        Raises
        ------
        Fatal
            The recording has stopped before they were.
        """
        until = time.monotonic() + timeout
        with self._lock:
            while self._committed < seq:
                if self._error is not None:
                    raise self._error
                left = until - time.monotonic()
                if left <= 0 or not self._thread.is_alive():
                    return False
                self._hurry = True
                self._work.notify()
                self._done.wait(left)
            return True

    def close(self) -> None:
        """Write what waits and end; raise the error that ended it before."""
        with self._lock:
            self._closing = True
            self._work.notify()
        self._thread.join()
        if self._error is not None:
            raise self._error

    # --- how it stands

    @property
    def committed(self) -> int:
        """The greatest stamp on the disk, -1 for none: every message up to it is."""
        return self._committed

    @property
    def last(self) -> int:
        """The greatest stamp given, -1 for none."""
        return self._last

    @property
    def recorded(self) -> int:
        """Messages on the disk since the start, our own of losses included."""
        return self._recorded

    @property
    def lost(self) -> int:
        """Messages for which there was no room."""
        return self._lost

    @property
    def dead(self) -> int:
        """What came and was no text, since the start."""
        return self._dead

    @property
    def waiting(self) -> int:
        """Messages not yet written."""
        return len(self._queue)

    @property
    def is_behind(self) -> bool:
        """Whether more than one group waits."""
        return len(self._queue) > self._group

    @property
    def error(self) -> Fatal | None:
        """What ended the recording."""
        return self._error

    def place(self, name: str) -> Place | None:
        """Return how far the source `name` was read, on the disk."""
        return self._places.get(name)

    # --- inside

    def _check(self) -> None:
        if self._error is not None:
            raise self._error
        if self._closing:
            raise Refused("the recorder is closed")

    def _has_room(self, text: str) -> bool:
        # A message larger than all the room is taken where nothing else waits.
        return not self._queue or (len(self._queue) < self._most and self._held + len(text) <= self._room)

    def _enqueue(self, text: str, symbols: tuple[str, ...] | None, stamp: int | None, place: Place | None, reason: str) -> int:
        self._say_losses()
        wanted = self._clock() if stamp is None else stamp
        if self._silence is not None and not reason:
            begin, why = self._silence
            self._silence = None
            end = max(wanted, self._last + 1)
            if why == "recorder was killed" or day_index(begin) == day_index(end):
                self._own_gap(end, begin, end, why)
        self._last = seq = max(wanted, self._last + 1)
        self._can_reread = place is not None and bool(place.head)
        self._push(_Item(seq, text, symbols, place, reason))
        return seq

    def _say_losses(self) -> None:
        if self._unsaid:
            begin, end, count = self._unsaid
            self._unsaid = []
            self._own_gap(self._last + 1, begin, end, "queue full", count)

    def _own_gap(self, stamp: int, begin: int, end: int, reason: str, lost: int | None = None) -> None:
        body: dict[str, object] = {"kind": "gap", "ts": stamp, "begin": begin, "end": end, "reason": reason}
        if lost is not None:
            body["lost"] = lost
        self._last = stamp
        self._push(_Item(stamp, json.dumps(body, separators=(",", ":")), (), None, ""))

    def _push(self, item: _Item) -> None:
        self._queue.append(item)
        self._held += len(item.text)
        if self._tap is not None and not item.reason:
            self._tap(item.stamp, item.text, item.symbols)
        if len(self._queue) in {1, self._group}:
            self._work.notify()

    def _run(self) -> None:
        try:
            with Spool.open(self._state) as spool:
                self._last = self._committed = spool.last
                self._was_killed = bool(spool.mark("running", 0))
                self._places = {p.name: p for p in spool.places()}
                spool.set_mark("running", 1)
                self._ready.set()
                while group := self._next_group():
                    self._write(spool, group)
                spool.set_mark("running", 0)
        except BaseException as error:  # whatever it is, nobody may believe that recording goes on
            with self._lock:
                left = len(self._queue) + self._in_hand
                rest = f"; {left:,} messages that came after {_fate(self._can_reread)}" if left else ""
                self._error = Fatal(f"recording stopped: {error}; what was committed is safe{rest}")
                self._error.__cause__ = error
                self._done.notify_all()
        finally:
            self._ready.set()
            with self._lock:
                self._done.notify_all()
            self._told()

    def _next_group(self) -> list[_Item]:
        """Wait for messages; return the next group, empty at the end."""
        with self._lock:
            while not self._queue and not self._closing and not self._unsaid:
                self._work.wait()
            if not self._closing:
                until = time.monotonic() + _LINGER_S
                while len(self._queue) < self._group and not self._hurry and not self._closing:
                    left = until - time.monotonic()
                    if left <= 0:
                        break
                    self._work.wait(left)
            self._hurry = False
            self._say_losses()  # also where the feed has fallen silent since
            group: list[_Item] = []
            size = 0
            while self._queue and len(group) < self._group and size < _GROUP_CHARACTERS:
                group.append(item := self._queue.popleft())
                size += len(item.text)
            self._held -= size
            self._in_hand = len(group)
            self._done.notify_all()
            return group

    def _write(self, spool: Spool, group: list[_Item]) -> None:
        places = {item.place.name: item.place for item in group if item.place is not None}
        last = group[-1].stamp
        messages = [Kept(item.stamp, item.text, item.symbols) for item in group if not item.reason]
        dead = [_dead(item, "surrogateescape") for item in group if item.reason]
        try:
            spool.append(messages, dead, places.values(), last)
        except UnicodeEncodeError:
            messages = [m for m in messages if _is_text(m.text)]
            dead = [
                _dead(i, "surrogateescape" if i.reason else "surrogatepass") for i in group if i.reason or not _is_text(i.text)
            ]
            spool.append(messages, dead, places.values(), last)
        with self._lock:
            self._committed = last
            self._recorded += len(messages)
            self._dead += len(dead)
            self._places.update(places)
            self._in_hand = 0
            self._done.notify_all()
        self._told()


def _dead(item: _Item, how: str) -> DeadLetter:
    return DeadLetter(item.stamp, item.text.encode("utf-8", how), item.reason or "not UTF-8 text")


def _fate(can_reread: bool) -> str:
    return "are in the file still, and the next start goes on with them" if can_reread else "are lost, if their sender has gone"


def _is_text(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
