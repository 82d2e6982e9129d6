"""Lets a run on the same machine read a recording as it is made, and write into it; the run may crash, the recording goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Listener
from queue import Empty, SimpleQueue
from typing import Final

from auction_bt.core.errors import AuctionError
from auction_bt.feeds.decode import symbols_of
from auction_bt.parsing import parse

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
from .recording import OwnRecording

_ROOM: Final = 200_000  # messages that may wait for a guest; then it must come again, and is given them from the disk
_DISK_S: Final = 30.0
_STANDING_S: Final = 1.0
_LOOK_S: Final = 0.2


class RecordingServer:
    """Serves one guest at a time, the last that came; each is given all after the stamp it names, without a hole.

    Parameters
    ----------
    recording : OwnRecording
        Begun, and to be ended after this.
    say : callable (str)
        Takes a line for people: who came and went.
    """

    def __init__(self, recording: OwnRecording, say: Callable[[str], None]) -> None:
        self._recording = recording
        self._state = recording.place.state
        self._say = say
        self._lock = threading.Lock()  # of the guest and the last stamp; taken inside the recorder's, never around it
        self._guest: _Guest | None = None
        self._last = -1
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="recording server", daemon=True)

    def __enter__(self) -> RecordingServer:
        last = self._recording.recorder.listen(self._hear)
        with self._lock:
            self._last = max(self._last, last)
        self._recording.on_commit = self._commit
        self._listener = Listener((HOST, 0))
        self._door = Door.cut(self._listener.address[1])
        self._door.show(self._state)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        Door.forget(self._state)
        with suppress(OSError):  # it waits for somebody to come: this is somebody
            Client((HOST, self._door.port)).close()
        self._thread.join()
        self._listener.close()
        self._replace(None)

    # ---------------------------------------------------------------- what the recorder tells, on the threads of others
    def _hear(self, stamp: int, text: str, symbols: tuple[str, ...] | None) -> None:
        with self._lock:
            self._last = stamp
            if self._guest is not None:
                self._guest.hear(stamp, text, symbols)

    def _commit(self) -> None:
        guest = self._guest
        if guest is not None:
            guest.put(numbered(COMMITTED, self._recording.recorder.committed))

    # ---------------------------------------------------------------- guests
    def _run(self) -> None:
        while not self._is_over:
            try:
                line = promptly(self._listener.accept())
            except OSError:  # no file handles left, as a rule
                time.sleep(_LOOK_S)
                continue
            threading.Thread(target=self._welcome, args=(line,), name="recording guest", daemon=True).start()

    def _welcome(self, line: Line) -> None:
        try:
            self._door.prove(line, b"recorder", b"run")
            said = line.recv_bytes()
            asked = words_of(said) if said[:1] == ATTACH else None
        except (AuthenticationError, EOFError, OSError, ValueError):
            asked = None
        if asked is None:
            line.close()
            return
        why = ""
        self._say(f"{asked['who']} reads along")
        try:
            self._watch(asked["symbols"])
            guest = _Guest(line, self._recording, asked["symbols"])
            guest.serve(asked["since"], self._replace(guest))
        except AuctionError as error:
            why = f" ({error})"
        finally:
            line.close()
            self._say(f"{asked['who']} has gone{why}; the recording goes on")

    def _replace(self, guest: _Guest | None) -> int:
        """Serve `guest` from now on; return the last stamp before. Who was there is dead, or has lost its line."""
        with self._lock:
            before, self._guest = self._guest, guest
            last = self._last
        if before is not None:
            before.put(None)
        return last

    def _watch(self, symbols: Iterable[str]) -> None:
        new = [symbol for symbol in symbols if symbol not in self._recording.symbols]
        if new:
            with self._recording.place.opened() as store:  # where the run has put them
                self._recording.watch([store.instrument(symbol) for symbol in new])


class _Guest:
    """One that reads along: a thread gives, another takes."""

    def __init__(self, line: Line, recording: OwnRecording, symbols: Iterable[str]) -> None:
        self._line = line
        self._recording = recording
        self._wanted = frozenset(symbols)
        self._waiting: SimpleQueue[bytes | None] = SimpleQueue()
        self._is_slow = False
        self._is_gone = False

    def hear(self, stamp: int, text: str, symbols: Iterable[str] | None) -> None:
        """Take a message as it is recorded."""
        if self._is_wanted(symbols) and not self._is_slow:
            self._is_slow = self._waiting.qsize() > _ROOM
            self._waiting.put(numbered(MESSAGE, stamp, text))

    def put(self, said: bytes | None) -> None:
        """Take what is to be said; None is the end."""
        self._waiting.put(said)

    def serve(self, since: int, last: int) -> None:
        """Give what was recorded after `since` (ns) up to `last`, and then what is heard, until the guest goes."""
        reader = threading.Thread(target=self._read, name="recording guest's words", daemon=True)
        reader.start()
        try:
            self._serve(since, last)
        finally:
            self._is_gone = True
            reader.join()

    def _serve(self, since: int, last: int) -> None:
        with suppress(OSError, AuctionError):  # it will come again, if it lives
            if not self._recording.recorder.wait_committed(last, _DISK_S):
                return
            for message in self._recording.since(since, self._wanted):
                if message.ts <= last and self._is_wanted(message.symbols):
                    self._line.send_bytes(numbered(MESSAGE, message.ts, message.text))
            self._line.send_bytes(numbered(COMMITTED, last))
            self._line.send_bytes(LIVE)
            self._give()

    def _give(self) -> None:
        due = time.monotonic()
        while not self._is_slow:
            if time.monotonic() >= due:
                due = time.monotonic() + _STANDING_S
                self._line.send_bytes(worded(STANDING, asdict(self._recording.standing)))
            try:
                said = self._waiting.get(timeout=_STANDING_S)
            except Empty:
                continue
            if said is None:
                return
            self._line.send_bytes(said)

    def _is_wanted(self, symbols: Iterable[str] | None) -> bool:
        return not symbols or not self._wanted.isdisjoint(symbols)

    def _read(self) -> None:
        recorder = self._recording.recorder
        try:
            while not self._is_gone:
                # A line on which somebody waits is not closed by closing it.
                if not self._line.poll(_LOOK_S):
                    continue
                said = self._line.recv_bytes()
                if said[:1] == TELL:
                    text = text_of(said)
                    recorder.put(text, symbols_of(parse(text)))
                    self._waiting.put(numbered(KEPT, number_of(said)))
                elif said[:1] == HURRY:
                    recorder.hurry()
        except (EOFError, OSError, ValueError, AuctionError):
            self._waiting.put(None)
