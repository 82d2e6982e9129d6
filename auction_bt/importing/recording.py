"""Recordings of the feed: a JSON array, JSON lines, or our own export of messages with their stamps."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.core.limits import EARLIEST_NS, LATEST_NS
from auction_bt.feeds.decode import UNKNOWN, Frame, decode, symbols_of
from auction_bt.store import RawMessage

from .files import open_binary
from .rejects import Rejects
from .stamps import BAD, parse
from .table import Table

_CHUNK: Final = 4 * 1024 * 1024
_LARGEST: Final = 64 * 1024 * 1024  # a message longer than this is a file that was never closed


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a recording.

    Parameters
    ----------
    number : int
        Its line, or its place in the array, from 1.
    raw : RawMessage
    body : dict
        As parsed.
    frame : Frame
        As decoded.
    """

    number: int
    raw: RawMessage
    body: dict[str, Any]
    frame: Frame


def messages(path: Path, table: Table | None, rejects: Rejects) -> Iterator[Message]:
    """Yield the messages of a file that can be stored, in its order.

    Parameters
    ----------
    table : Table or None
        Where the file is one of our exports.

    Notes
    -----
    A message of an array is kept as compact JSON of what was parsed, one on a line byte for byte. Its stamp is the recorder's
    where it has one, else the sender's clock, else the last trade in it.
    """
    found = _of_file(path, rejects) if table is None else _of_table(table, rejects)
    for number, stamp, text, body in found:
        if not isinstance(body, dict):
            rejects.add("not a JSON object", number)
            continue
        frame = decode(body)
        symbols = symbols_of(body)
        ts = stamp or stamp_in(frame)
        if frame.kind == UNKNOWN and not stamp:  # what was once recorded is kept, whatever it is
            rejects.add(frame.malformed[-1] if frame.malformed else "message of no known shape", number)
        elif not symbols and "symbol" in frame.malformed and not stamp:
            rejects.add("symbol", number)
        elif _has_wrong_time(frame, stamp) or (ts and not EARLIEST_NS <= ts < LATEST_NS):
            rejects.add("the time is not in the years 1990 to 2199", number)
        elif not ts:
            rejects.add("no time in the message", number)
        else:
            yield Message(number, RawMessage(ts, text, symbols), body, frame)


def _has_wrong_time(frame: Frame, stamp: int) -> bool:
    """Return whether the clock that would be the stamp is said and is none: nothing else in the message stands for it."""
    return not (stamp or frame.recorded_ts) and not {"currentTs", "ts", "_insertion_time"}.isdisjoint(frame.malformed)


def stamp_in(frame: Frame) -> int:
    """Return the recorder's stamp, else the sender's clock, else the last trade, ns; 0 for none."""
    return frame.recorded_ts or frame.current_ts or max((item.ltt_ns for item in frame.items), default=0)


def _of_table(table: Table, rejects: Rejects) -> Iterator[tuple[int, int, str, Any]]:
    table.need("ts", "raw_json")
    stamps = parse(table.columns["ts"], None)
    texts: Iterable[Any] = table.columns["raw_json"]
    for number, stamp, cell in zip(table.lines.tolist(), stamps.tolist(), texts, strict=True):
        text = cell.as_py()
        if stamp == BAD or text is None:
            rejects.add("the time or the message is missing", number)
            continue
        try:
            yield number, stamp, text, json.loads(text)
        except (ValueError, RecursionError):
            rejects.add("not JSON", number)


def _of_file(path: Path, rejects: Rejects) -> Iterator[tuple[int, int, str, Any]]:
    with open_binary(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="\n")
        try:
            first = ""
            while first.isspace() or not first:
                if not (first := text.read(1)):
                    return
            if first == "[":
                for number, body in elements(path, text):
                    yield number, 0, json.dumps(body, separators=(",", ":")), body
            else:
                yield from _lines(first, text, rejects)
        finally:
            text.detach()


def _lines(first: str, file: io.TextIOWrapper, rejects: Rejects) -> Iterator[tuple[int, int, str, Any]]:
    for number, line in enumerate(file, 1):
        text = (first + line if number == 1 else line).rstrip("\r\n")
        if not text.strip():
            continue
        try:
            body = json.loads(text)
        except (ValueError, RecursionError):
            if line.endswith("\n"):
                rejects.add("not JSON", number)
            else:
                rejects.note("the last line is cut off and was left out")
            continue
        yield number, 0, text, body


def elements(path: Path, file: io.TextIOWrapper) -> Iterator[tuple[int, Any]]:
    """Yield the elements of an array whose bracket was read, a few MB in memory at a time."""
    decoder = json.JSONDecoder()
    text, at, number = file.read(_CHUNK), 0, 1
    while True:
        at = _skip(text, at)
        if at == len(text):
            text, at = file.read(_CHUNK), 0
            if not text:
                raise BadInput(
                    f"{path}: the JSON array is cut off after message {number - 1:,}: copy it again; nothing was stored"
                )
            continue
        if text[at] == "]":
            _refuse_more(path, text[at + 1 :], file, number - 1)
            return
        if text[at] == "," and number > 1:
            at += 1
            continue
        try:
            body, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError) as error:
            more = "" if len(text) - at > _LARGEST else file.read(_CHUNK)
            if not more:
                raise BadInput(f"{path}: message {number:,} is no JSON or cut off: correct the file or copy it again; "
                               "nothing was stored") from error  # fmt: skip
            text, at = text[at:] + more, 0
            continue
        yield number, body
        number += 1


def _refuse_more(path: Path, text: str, file: io.TextIOWrapper, count: int) -> None:
    """Raise `BadInput` where anything but blanks follows the array."""
    while text:
        if not text.isspace():
            raise BadInput(f"{path}: there is more after the end of the JSON array ({count:,} messages): "
                           "a file holds one array, or messages one a line: split it; nothing was stored")  # fmt: skip
        text = file.read(_CHUNK)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at
