"""Old messages on a QuestDB server: its day files turned into compressed Parquet, each proved to hold what it held."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Final

from auction_bt.core.errors import Fatal
from auction_bt.core.ist import DAY_NS, day_start, from_date
from auction_bt.store import ArchivedDay, StoreSize

from .schema import TABLES
from .server import Server, between
from .sql import quoted

_TABLE: Final = "raw_wss_feed"
_PAGE: Final = 5_000  # messages held in memory while hashing
# The server's own choice is a faster codec, which leaves files three times as large.
_CODEC: Final = "ALTER COLUMN raw_json SET PARQUET(delta_length_byte_array, zstd(9))"


@dataclass(frozen=True, slots=True)
class Partition:
    """One UTC day of the table, as the server keeps it."""

    name: str
    messages: int
    size: int
    is_parquet: bool

    @property
    def day(self) -> int:
        """Its UTC day by number."""
        return from_date(date.fromisoformat(self.name[:10]))


@dataclass(frozen=True, slots=True)
class _Content:
    """Messages, bytes of their texts, and the hash of stamps and texts."""

    messages: int
    size: int
    digest: bytes


class PartitionArchive:
    """`raw_wss_feed` by its partitions; the server goes on reading and writing those that are Parquet.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._name = server.name(_TABLE)

    def compress(self, before: int, progress: Callable[[int], None] | None) -> list[ArchivedDay]:
        """Turn the UTC days that end before IST day `before` into Parquet; see `TickStore.archive`."""
        self._server.settle([_TABLE])
        done: list[ArchivedDay] = []
        for old in self._partitions():
            if old.is_parquet or (old.day + 1) * DAY_NS > day_start(before):
                continue
            if progress is not None:
                progress(old.day)
            if not done:
                with suppress(Fatal):  # a server before it could be told keeps its own codec
                    self._server.run(f"ALTER TABLE '{self._name}' {_CODEC}")
            before_it = self._digest(old.day)
            self._convert(old, "PARQUET")
            new = self._partition(old.name)
            at = f"store {self._server.dsn}: {old.name} of {self._name}"
            if new is None or not new.is_parquet:
                raise Fatal(f"{at} was not compressed by the server: look into its log")
            if self._digest(old.day) != before_it:
                self._convert(old, "NATIVE")
                raise Fatal(f"{at} did not read back as it was and is uncompressed again: does anybody write there? "
                            "Try again when nobody does")  # fmt: skip
            # The server sets room aside for the newest day: what its file took says less than what was in it.
            done.append(ArchivedDay(old.day, before_it.messages, before_it.size, new.size))
        return done

    def size(self) -> StoreSize:
        """Return what all our tables take."""
        names = ", ".join(quoted(self._server.name(t.name)) for t in TABLES)
        rows = self._server.rows(f"SELECT diskSize FROM table_storage() WHERE tableName IN ({names})")
        return StoreSize(sum(int(size) for (size,) in rows), 0)

    def _convert(self, partition: Partition, form: str) -> None:
        self._server.run(f"ALTER TABLE '{self._name}' CONVERT PARTITION TO {form} LIST {quoted(partition.name)}")
        self._server.settle([_TABLE])

    def _partition(self, name: str) -> Partition | None:
        return next((p for p in self._partitions() if p.name == name), None)

    def _partitions(self) -> list[Partition]:
        rows = self._server.rows(f"SELECT name, numRows, diskSize, isParquet FROM table_partitions({quoted(self._name)})")
        return sorted((Partition(*row) for row in rows), key=lambda p: p.name)

    def _digest(self, day: int) -> _Content:
        """Return what a UTC day holds."""
        digest = hashlib.sha256()
        count, size, begin, end = 0, 0, day * DAY_NS, (day + 1) * DAY_NS
        while page := self._server.rows(f"SELECT ts::long, raw_json FROM {self._name} WHERE {between(begin, end)} LIMIT {_PAGE}"):
            for ts, text in page:
                content = b"" if text is None else text.encode()
                digest.update(b"%d %d " % (ts, -1 if text is None else len(content)))
                digest.update(content)
                size += len(content)
            count += len(page)
            begin = page[-1][0] + 1
        return _Content(count, size, digest.digest())
