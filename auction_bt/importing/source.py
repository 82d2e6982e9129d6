"""Messages to record, one by one as they come: from a pipe, or from a file that is read on from where it was left."""

from __future__ import annotations

import io
import json
import os
import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO, Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, MINUTE_NS, to_datetime
from auction_bt.core.limits import EARLIEST_NS
from auction_bt.feeds.decode import decode, symbols_of
from auction_bt.store import TickStore
from auction_bt.store.spool import Place

from .files import clear_errors, open_binary
from .recording import elements, stamp_in

_BOM: Final = b"\xef\xbb\xbf"
_HEAD: Final = 65_536  # bytes that name a file
_CHUNK: Final = 65_536
_LARGEST: Final = 64 * 1024 * 1024  # of a line
_LAST_CHUNKS: Final = 32  # read of a pipe after the word to stop: what stood in it already
_NOTHING: Final[frozenset[str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message to record.

    Parameters
    ----------
    text : str
        As `Recorder.put` takes it.
    place : Place
        How far the source has been read with it.
    symbols : tuple of str or None
        None where nobody has looked yet.
    stamp : int or None, ns
        The one it brings along; None to be stamped at receipt.
    reason : str
        Why it can be no message; empty for one that can.
    """

    text: str
    place: Place
    symbols: tuple[str, ...] | None = None
    stamp: int | None = None
    reason: str = ""


class OwnStamps:
    """Finds the stamps that messages bring along.

    Parameters
    ----------
    clock : callable returning int, ns
        A stamp more than a day after it is an error in the message.
    """

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._before: int | None = None

    def of(self, text: str, place: Place, reason: str) -> Arrival:
        """Return `text` with its stamp: its own as `import` reads it, else that of the message before."""
        stamp = 0
        symbols: tuple[str, ...] = ()
        if not reason:
            try:
                body = json.loads(text)
            except (ValueError, RecursionError):
                body = None
            symbols = symbols_of(body)
            stamp = stamp_in(decode(body, _NOTHING)) or stamp_in(decode(body))
        if EARLIEST_NS <= stamp < self._clock() + DAY_NS:
            self._before = stamp
        elif self._before is None:
            reason = reason or "no time in the message, and none before it"
        return Arrival(text, place, symbols, self._before, reason)


def sent_at(text: str) -> int:
    """Return the clock of its recorder or sender that a message has, ns; 0 for none."""
    try:
        frame = decode(json.loads(text), _NOTHING)
    except (ValueError, RecursionError):
        return 0
    return frame.recorded_ts or frame.current_ts or 0


Stamper = Callable[[str, Place, str], Arrival]


def at_receipt(text: str, place: Place, reason: str) -> Arrival:
    """Return `text` to be stamped at receipt."""
    return Arrival(text, place, None, None, reason)


def from_pipe(descriptor: int, place: Place, arrival: Stamper, is_stopping: Callable[[], bool]) -> Iterator[Arrival]:
    """Yield each line of a pipe until its end; after the word to stop, what stands in it already.

    Parameters
    ----------
    descriptor : int
        Open for reading. Nothing but this may read from it.
    place : Place
        Of the last run; its offset counts lines.
    """
    held = bytearray()
    count, looked, chunks = place.offset, 0, _LAST_CHUNKS
    while True:
        if is_stopping():
            chunks -= 1
            if not chunks or not _has_more(descriptor):
                return
        chunk = os.read(descriptor, _CHUNK)
        held += chunk
        begin = 0
        while (end := held.find(b"\n", max(begin, looked))) >= 0:
            count += 1
            line = bytes(held[begin:end]).rstrip(b"\r")
            begin = looked = end + 1
            if count == 1:
                line = line.removeprefix(_BOM)
            if line.strip():
                yield arrival(*_decoded(line, Place(place.name, count)))
        del held[:begin]
        looked = len(held)
        if looked > _LARGEST:
            raise BadInput(f"line {count + 1:,} is longer than {_LARGEST // 1024**2} MB: write one message a line")
        if not chunk:
            if held.strip():
                text, here, reason = _decoded(bytes(held), Place(place.name, count + 1))
                cut = "" if reason or _is_json(text) else "cut off at the end of the input"
                yield arrival(text, here, reason or cut)
            return


class FileSource:
    """A file of messages: JSON lines or one JSON array, plain or gzip.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        if path.is_dir():
            raise BadInput(f"{path} is a folder: name a file in it")
        if not path.exists():
            raise BadInput(f"no file {path}: check the name")
        self._path = path
        self.name = str(path.resolve())
        self.notes: list[str] = []
        self.is_whole = False  # everything in it was read
        self.is_misnamed = path.suffix == ".gz" and not _is_gzip(path)

    def read(self, before: Place | None, arrival: Stamper, is_stopping: Callable[[], bool]) -> Iterator[Arrival]:
        """Yield the messages after those of the last run.

        Parameters
        ----------
        before : Place or None
            As the spool has it. Where the file's beginning is another than then, all of it is new.
        """
        try:
            with open_binary(self._path) as file:
                head = file.read(_HEAD)
                file.seek(0)
                offset = before.offset if before is not None and _is_same(head, before.head) else 0
                mine = f"{len(head)}:{sha256(head).hexdigest()}"
                read = self._array if head.removeprefix(_BOM).lstrip()[:1] == b"[" else self._lines
                for found in read(file, offset, mine, arrival):
                    yield found
                    if is_stopping():
                        return
                self.is_whole = True
        except BadInput as error:
            raise BadInput(str(error).replace("nothing was stored", "what came before is recorded")) from error

    def _lines(self, file: BinaryIO, offset: int, head: str, arrival: Stamper) -> Iterator[Arrival]:
        file.seek(offset)
        for line in file:
            is_first = offset == 0
            text, place, reason = _decoded(
                (line.removeprefix(_BOM) if is_first else line).rstrip(b"\r\n"), Place(self.name, offset + len(line), head)
            )
            if not line.endswith(b"\n") and not (text.strip() and _is_json(text)):
                if text.strip():
                    self.notes.append("the last line is cut off: it is left for the next time")
                return
            offset = place.offset
            if text.strip():
                yield arrival(text, place, reason)

    def _array(self, file: BinaryIO, offset: int, head: str, arrival: Stamper) -> Iterator[Arrival]:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n")
        try:
            while text.read(1).isspace():
                pass  # up to the bracket
            for number, body in elements(self._path, text):
                if number > offset:
                    yield arrival(json.dumps(body, separators=(",", ":")), Place(self.name, number, head), "")
        finally:
            text.detach()


def refuse_older(arrival: Arrival, last: int, name: str) -> None:
    """Raise `BadInput` where a source begins long before the end of what is recorded: its stamps would all be moved."""
    if arrival.stamp is not None and arrival.stamp < last - MINUTE_NS:
        begin, end = (f"{to_datetime(ts):%Y-%m-%d %H:%M:%S}" for ts in (arrival.stamp, last))
        raise BadInput(f"{name} begins at {begin}, and messages up to {end} are recorded already: use import, which puts older "
                       "ones in their places")  # fmt: skip


def refuse_stored(arrival: Arrival, store: Callable[[], TickStore], name: str) -> None:
    """Raise `BadInput` where a source begins with a message that stands at its stamp in the store: recording would move it."""
    if arrival.stamp is None:
        return
    with store() as opened:
        is_there = any(m.text == arrival.text for m in opened.raw(arrival.stamp, arrival.stamp + 1))
    if is_there:
        raise BadInput(f"{name} begins with a message that is in the store already: use import, which adds what is missing")


def _decoded(line: bytes, place: Place) -> tuple[str, Place, str]:
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return line.decode(errors="surrogateescape"), place, "not UTF-8 text"
    # Whether it is whole JSON is left to those who read it: that would take as long as all the rest.
    is_object = text.lstrip("\ufeff \t")[:1] == "{"
    return text, place, "" if is_object else "no JSON object, which every message is"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _is_gzip(path: Path) -> bool:
    with clear_errors(path), path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _is_same(head: bytes, named: str) -> bool:
    size, _, digest = named.partition(":")
    return bool(digest) and len(head) >= int(size) and sha256(head[: int(size)]).hexdigest() == digest


def _has_more(descriptor: int) -> bool:
    if sys.platform == "win32":  # select knows only sockets there
        return False
    return bool(select.select([descriptor], [], [], 0)[0])
