"""Messages of the embedded store, old ones compressed: read, counted, found and changed as if all were rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import Fatal
from auction_bt.core.ist import MINUTE_NS, day_index, day_start

from . import ArchivedDay
from .database import clear_errors, transaction
from .raw_block import Rows, pack, unpack

SPAN_NS: Final = 15 * MINUTE_NS  # no block is longer, which is what finds the blocks of a range by their beginning
_BYTES: Final = 16 * 1024 * 1024  # of texts in a block: a reader holds it in memory
_FETCH: Final = 1_000
_LEAST, _MOST = -(2**63), 2**63 - 1
_BLOCKS: Final = "raw_blocks WHERE begin_ts > ? AND begin_ts < ? AND end_ts > ?"


class MessageArchive:
    """`raw_wss_feed` and `raw_blocks` of one store.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        The store's own.

    Notes
    -----
    Inside a block's span, ``begin_ts <= ts < end_ts``, no message stands but in the block: a write there restores it first.
    Each question is one statement, so that a block which another process makes meanwhile is seen whole or not at all.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._db = connection
        self._is_there = False
        self._last: tuple[bytes, Rows] = (b"", [])  # the block read last, by its hash: windows of reading overlap blocks
        self._texts: tuple[bytes, dict[int, str]] = (b"", {})

    # --- reading

    def rows(self, begin: int, end: int) -> Rows:
        """Return (stamp, text) of the messages with ``begin <= ts < end``, in order."""
        plain = "SELECT ts, raw_json, NULL FROM raw_wss_feed WHERE ts >= ? AND ts < ?"
        if not self._has_blocks():
            return [(ts, text) for ts, text, _ in self._rows(plain + " ORDER BY ts", (begin, end))]
        found: Rows = []
        both = f"{plain} UNION ALL SELECT begin_ts, data, sha FROM {_BLOCKS} ORDER BY 1"  # noqa: S608
        for ts, content, sha in self._rows(both, (begin, end, *_overlap(begin, end))):
            if sha is None:
                found.append((ts, content))
            else:
                found += [row for row in self._unpacked(sha, content) if begin <= row[0] < end]
        return found

    def count(self, begin: int, end: int) -> int:
        """Return how many messages have ``begin <= ts < end``."""
        plain = "SELECT count(*), NULL, NULL FROM raw_wss_feed WHERE ts >= ? AND ts < ?"
        if not self._has_blocks():
            return int(self._rows(plain, (begin, end))[0][0])
        total = 0
        cut = "CASE WHEN begin_ts >= ? AND end_ts <= ? THEN NULL ELSE data END"  # counted one by one where the range cuts it
        both = f"{plain} UNION ALL SELECT n, sha, {cut} FROM {_BLOCKS}"  # noqa: S608
        for n, sha, data in self._rows(both, (begin, end, begin, end, *_overlap(begin, end))):
            total += n if data is None else sum(begin <= ts < end for ts, _ in self._unpacked(sha, data))
        return total

    def last(self) -> int:
        """Return the greatest stamp, -1 where there is none."""
        found = "SELECT max(ts) AS ts FROM raw_wss_feed"
        if self._has_blocks():
            found += " UNION ALL SELECT ts FROM (SELECT end_ts - 1 AS ts FROM raw_blocks ORDER BY begin_ts DESC LIMIT 1)"
        stamps = [ts for (ts,) in self._rows(found) if ts is not None]
        return max(stamps, default=-1)

    def text_at(self, ts: int) -> str | None:
        """Return the text that stands at a stamp, or None."""
        row = self._db.execute("SELECT raw_json FROM raw_wss_feed WHERE ts = ?", (ts,)).fetchone()
        if row is not None:
            return str(row[0])
        block = self._block_at(ts)
        if block is None:
            return None
        _, sha = block
        if self._texts[0] != sha:
            self._texts = sha, dict(self._content(block))
        return self._texts[1].get(ts)

    # --- writing, inside a transaction

    def restore(self, ts: int) -> bool:
        """Make the block whose span `ts` is in rows again; return whether there was one."""
        block = self._block_at(ts)
        if block is None:
            return False
        self._db.executemany("INSERT INTO raw_wss_feed VALUES (?, ?)", self._content(block))
        self._db.execute("DELETE FROM raw_blocks WHERE begin_ts = ?", block[:1])
        return True

    # --- compressing

    def compress(self, before: int, progress: Callable[[int], None] | None) -> list[ArchivedDay]:
        """Compress the messages of IST days before `before`; see `TickStore.archive`.

        Notes
        -----
        A block is made aside and put in place of its rows by one short transaction: a recorder waits for milliseconds, and a
        process killed at any moment leaves each message in one of the two places.
        """
        limit = min(day_start(before), _MOST)
        days: dict[int, list[int]] = {}
        while (rows := self._next_rows(limit)) is not None:
            sha, data = pack(rows)
            with transaction(self._db, self._path, "store"):
                if not self._replace(rows, sha, data):
                    continue  # somebody wrote there meanwhile
            counts = days.setdefault(day_index(rows[0][0]), [0, 0, 0])
            for place, more in enumerate((len(rows), sum(len(text.encode()) for _, text in rows), len(data))):
                counts[place] += more
            if progress is not None:
                progress(day_index(rows[0][0]))
        if days and not self._db.in_transaction:
            with suppress(sqlite3.Error):  # a reader may hold the log; it is worked in later
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return [ArchivedDay(day, *counts) for day, counts in sorted(days.items())]

    def _next_rows(self, limit: int) -> Rows | None:
        """Return the oldest rows that make one block, or None."""
        (begin,) = self._rows("SELECT min(ts) FROM raw_wss_feed WHERE ts < ?", (limit,))[0]
        if begin is None:
            return None
        end = min(begin - begin % SPAN_NS + SPAN_NS, limit, self._next_block(begin))
        found: Rows = []
        size = 0
        with clear_errors(self._path, "store"):
            cursor = self._db.execute("SELECT ts, raw_json FROM raw_wss_feed WHERE ts >= ? AND ts < ? ORDER BY ts", (begin, end))
            while size < _BYTES and (more := cursor.fetchmany(_FETCH)):
                found += more
                size += sum(len(text) for _, text in more)
            cursor.close()
        return found

    def _replace(self, rows: Rows, sha: bytes, data: bytes) -> bool:
        """Put a block in place of its rows, after it was read back; return False where they are not these any more."""
        begin, end = rows[0][0], rows[-1][0] + 1
        if self.rows(begin, end) != rows or self._block_at(begin) or self._next_block(begin) < end:
            return False
        self._db.execute("INSERT INTO raw_blocks VALUES (?, ?, ?, ?, ?)", (begin, end, len(rows), sha, data))
        ((stored_sha, stored),) = self._rows("SELECT sha, data FROM raw_blocks WHERE begin_ts = ?", (begin,))
        if unpack(stored_sha, stored) != rows:
            raise Fatal(f"store {self._path}: messages from {begin} to {end} do not read back as they were: none was removed")
        self._db.execute("DELETE FROM raw_wss_feed WHERE ts >= ? AND ts < ?", (begin, end))
        return True

    # --- blocks

    def _next_block(self, ts: int) -> int:
        """Return where the first block after `ts` begins."""
        (found,) = self._rows("SELECT min(begin_ts) FROM raw_blocks WHERE begin_ts > ?", (ts,))[0]
        return _MOST if found is None else int(found)

    def _block_at(self, ts: int) -> tuple[int, bytes] | None:
        """Return the beginning and the hash of the block whose span `ts` is in."""
        if not self._has_blocks():
            return None
        row = self._db.execute(f"SELECT begin_ts, sha FROM {_BLOCKS}", _overlap(ts, ts + 1)).fetchone()  # noqa: S608
        return None if row is None else (int(row[0]), bytes(row[1]))

    def _content(self, block: tuple[int, bytes]) -> Rows:
        begin, sha = block
        if self._last[0] == sha:
            return self._last[1]
        return self._unpacked(sha, self._rows("SELECT data FROM raw_blocks WHERE begin_ts = ?", (begin,))[0][0])

    def _unpacked(self, sha: bytes, data: bytes) -> Rows:
        if self._last[0] != sha:
            self._last = sha, unpack(sha, data)
        return self._last[1]

    def _has_blocks(self) -> bool:
        # A file of an older version has no such table until somebody opens it for writing, which may be while it is read here.
        if not self._is_there:
            self._is_there = bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = 'raw_blocks'"))
        return self._is_there

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with clear_errors(self._path, "store"):
            return self._db.execute(sql, values).fetchall()


def _overlap(begin: int, end: int) -> tuple[int, int, int]:
    """Return the values of `_BLOCKS` for the blocks that have a part in [begin, end)."""
    return max(begin - SPAN_NS, _LEAST), end, begin
