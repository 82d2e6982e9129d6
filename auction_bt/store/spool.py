"""What was received and where it has got to: one file between the recorder and every store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from auction_bt.core.errors import BadInput

from . import RawMessage
from .database import SqliteFile, clear_errors, connect
from .message_blocks import Kept, pack, unpack
from .schema import Table

NAME: Final = "spool.db"
LOCK: Final = "spool.lock"
SPOOL_ID: Final = 0x41425453  # "ABTS"
SPOOL_VERSION: Final = 1
_WHAT: Final = "spool"
_PAGES: Final = 16_384  # 64 MB of log before it is worked into the file

TABLES: Final = (
    Table("schema_version", "version", "(version INTEGER PRIMARY KEY)"),
    # A group of messages as it was written (message_blocks.py); first and last are stamps.
    Table("blocks", "first: what is to be sent",
          "(first INTEGER PRIMARY KEY, last INTEGER NOT NULL, count INTEGER NOT NULL, data BLOB NOT NULL)"),
    # last: greatest stamp given; watermark: everything up to it is in the store; running: 1 until a clean end; target: the store.
    Table("marks", "name", "(name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID"),
    Table("dead_letters", "id: what no store takes, and why",
          "(id INTEGER PRIMARY KEY, ts INTEGER NOT NULL, raw_json BLOB NOT NULL, reason TEXT NOT NULL)"),
    # head names the beginning of a file: another file under the same name is read from its beginning.
    Table("sources", "name: how far it was read",
          "(name TEXT PRIMARY KEY, offset INTEGER NOT NULL, head TEXT NOT NULL) WITHOUT ROWID"),
    # Symbols and days sent and not yet derived; symbol '' for messages about all.
    Table("touched", "day, symbol", "(day INTEGER NOT NULL, symbol TEXT NOT NULL, PRIMARY KEY (day, symbol)) WITHOUT ROWID"),
)  # fmt: skip

_END: Final = 2**63 - 1
_INSERT: Final = "INSERT INTO blocks VALUES (?, ?, ?, ?)"
# Blocks with messages in begin <= ts < end, given (begin, begin, end): the one that holds begin is found by its first.
_FROM: Final = (
    "FROM blocks WHERE first >= coalesce((SELECT max(first) FROM blocks WHERE first <= ?), -9223372036854775808) "
    "AND last >= ? AND first < ?"
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far a source was read: `offset` is what the source says it is, `head` names the source's beginning."""

    name: str
    offset: int
    head: str = ""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What cannot be kept as a message, byte for byte, and why."""

    ts: int
    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """Some messages that lie together: ``begin <= ts < end``."""

    begin: int
    end: int
    count: int


class Spool(SqliteFile):
    """The spool of one state folder. A connection belongs to the thread that opened it; each thread opens its own.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        As `open` makes it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection, _WHAT)

    @classmethod
    def open(cls, state: Path, *, durable: bool = True, readonly: bool = False) -> Self:
        """Open ``spool.db`` in the folder `state`, making it where there is none and `readonly` is not set.

        Parameters
        ----------
        durable : bool
            What is written is on the disk when the call returns. Without it a power cut may take the last writes, never half of
            one: good enough for what can be found out again.
        """
        path = state / NAME
        connection = connect(path, application_id=SPOOL_ID, version=SPOOL_VERSION, statements=[t.create for t in TABLES],
                             what=_WHAT, create=not readonly, readonly=readonly,
                             synchronous="FULL" if durable else "NORMAL")  # fmt: skip
        with clear_errors(path, _WHAT):
            # The log is worked into the file by whoever writes without hurry, and by the recorder only where nobody else does.
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES if durable else _PAGES // 16}")
        return cls(path, connection)

    def aim(self, target: str) -> None:
        """Say which store the messages are for.

        Raises
        ------
        BadInput
            Some still wait for another one.
        """
        with self.writing():
            known = self.mark("target", target)
            if known != target:
                if count := self.waiting():
                    raise BadInput(f"{count:,} messages in {self._path} wait for {known}: record to that store first, "
                                   "or give another --state")  # fmt: skip
                # What is known of the other store says nothing of this one.
                for table in ("blocks", "touched", "sources"):
                    self._db.execute(f"DELETE FROM {table}")  # noqa: S608
                self._db.execute("DELETE FROM marks WHERE name IN ('last', 'watermark')")
            self._db.execute("INSERT OR REPLACE INTO marks VALUES ('target', ?)", (target,))

    # --- the recorder's side

    def append(self, messages: Sequence[Kept], dead: Iterable[DeadLetter], places: Iterable[Place], last: int) -> None:
        """Keep one group, all of it or nothing.

        Parameters
        ----------
        messages : sequence of Kept
            Later than all before, in order.
        dead : iterable of DeadLetter
        places : iterable of Place
            How far their sources have been read with these.
        last : int, ns
            The greatest stamp given.

        Raises
        ------
        UnicodeEncodeError
            One of the messages is no text.
        """
        block = [_row(messages)] if messages else []
        with self.writing():
            self._db.executemany(_INSERT, block)
            self._bury(dead)
            self._db.executemany("INSERT OR REPLACE INTO sources VALUES (?, ?, ?)", [(p.name, p.offset, p.head) for p in places])
            self._db.execute("INSERT OR REPLACE INTO marks VALUES ('last', ?)", (last,))

    def places(self) -> list[Place]:
        """Return how far each source was read."""
        return [Place(*row) for row in self._rows("SELECT name, offset, head FROM sources ORDER BY name")]

    def mark(self, name: str, default: Any = None) -> Any:
        """Return a mark; see the table."""
        rows = self._rows("SELECT value FROM marks WHERE name = ?", (name,))
        return rows[0][0] if rows else default

    def set_mark(self, name: str, value: int | str) -> None:
        with self.writing():
            self._db.execute("INSERT OR REPLACE INTO marks VALUES (?, ?)", (name, value))

    @property
    def last(self) -> int:
        """The greatest stamp ever given here, -1 for none."""
        return int(self.mark("last", -1))

    # --- the forwarder's side

    @property
    def watermark(self) -> int:
        """Everything up to this stamp was taken by the store (or is a dead letter)."""
        return int(self.mark("watermark", -1))

    def batch(self, begin: int, end: int, rows: int, characters: int) -> list[Kept]:
        """Return the next messages with ``begin <= ts < end``: at most `rows`, none after `characters` are full."""
        found: list[Kept] = []
        with clear_errors(self._path, _WHAT):
            for (data,) in self._db.execute(f"SELECT data {_FROM} ORDER BY first", (begin, begin, end)):
                for message in unpack(data):
                    if not begin <= message.ts < end:
                        continue
                    found.append(message)
                    characters -= len(message.text)
                    if len(found) == rows or characters <= 0:
                        return found
        return found

    def waiting(self) -> int:
        """Return how many messages the store has not taken."""
        return sum(span.count for span in self.spans(self.watermark + 1, _END, 1 << 20))

    def spans(self, begin: int, end: int, rows: int) -> Iterator[Span]:
        """Yield the messages with ``begin <= ts < end`` in spans of about `rows`, oldest first."""
        with clear_errors(self._path, _WHAT):
            blocks = self._db.execute(f"SELECT first, last, count {_FROM} ORDER BY first", (begin, begin, end)).fetchall()
        start, count = begin, 0
        for first, last, held in blocks:
            if first < begin or last >= end:  # cut in two by an end
                (data,) = self._rows("SELECT data FROM blocks WHERE first = ?", (first,))[0]
                inside = sum(begin <= m.ts < end for m in unpack(data))
            else:
                inside = held
            start = first if not count else start
            count += inside
            if count >= rows:
                yield Span(max(start, begin), min(last + 1, end), count)
                count = 0
        if count:
            yield Span(max(start, begin), min(blocks[-1][1] + 1, end), count)

    def drop(self, end: int) -> int:
        """Forget the blocks that lie before `end` as a whole; return how many messages they had."""
        with self.writing():
            gone = self._rows("SELECT count FROM blocks WHERE last < ?", (end,))
            self._db.execute("DELETE FROM blocks WHERE last < ?", (end,))
            return sum(count for (count,) in gone)

    def bury(self, message: RawMessage, reason: str) -> None:
        """Move a message that the store will never take to the dead letters."""
        with self.writing():
            self._bury([DeadLetter(message.ts, message.text.encode(), reason)])
            for first, data in self._rows(f"SELECT first, data {_FROM}", (message.ts, message.ts, message.ts + 1)):
                left = [m for m in unpack(data) if m.ts != message.ts]
                self._db.execute("DELETE FROM blocks WHERE first = ?", (first,))
                self._db.executemany(_INSERT, [_row(left)] if left else [])

    def arrived(self, watermark: int, touched: Iterable[tuple[int, str]]) -> None:
        """Say that the store has everything up to `watermark`, and of which IST days and symbols that was."""
        with self.writing():
            self._db.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", touched)
            self._db.execute("INSERT OR REPLACE INTO marks VALUES ('watermark', ?)", (watermark,))

    def dead_letters(self) -> list[DeadLetter]:
        """Return what could not be kept as messages, oldest first."""
        return [DeadLetter(*row) for row in self._rows("SELECT ts, raw_json, reason FROM dead_letters ORDER BY id")]

    def dead_count(self) -> int:
        return int(self._rows("SELECT count(*) FROM dead_letters")[0][0])

    # --- what is still to be derived

    def touched(self) -> dict[int, set[str]]:
        """Return the symbols recorded and not derived since, by IST day."""
        found: dict[int, set[str]] = {}
        for day, symbol in self._rows("SELECT day, symbol FROM touched ORDER BY day, symbol"):
            found.setdefault(day, set()).add(symbol)
        return found

    def forget_touched(self) -> None:
        with self.writing():
            self._db.execute("DELETE FROM touched")

    def _bury(self, dead: Iterable[DeadLetter]) -> None:
        self._db.executemany("INSERT INTO dead_letters (ts, raw_json, reason) VALUES (?, ?, ?)",
                             [(d.ts, d.raw, d.reason) for d in dead])  # fmt: skip


def _row(messages: Sequence[Kept]) -> tuple[int, int, int, bytes]:
    return messages[0].ts, messages[-1].ts, len(messages), pack(messages)
