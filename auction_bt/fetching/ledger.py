"""Which days of which symbols the broker was asked for, and how many candles it had: what lets a killed fetch go on."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from auction_bt.store.database import SqliteFile, connect
from auction_bt.store.schema import Table

NAME: Final = "fetched.db"
LEDGER_ID: Final = 0x41425446  # "ABTF"
LEDGER_VERSION: Final = 1
_WHAT: Final = "ledger of fetched days"

TABLES: Final = (
    Table("schema_version", "version", "(version INTEGER PRIMARY KEY)"),
    # store: where the candles went; asked: IST day of the last asking.
    Table("fetched", "store, symbol: what need not be asked again",
          "(store TEXT NOT NULL, symbol TEXT NOT NULL, day INTEGER NOT NULL, candles INTEGER NOT NULL, asked INTEGER NOT NULL, "
          "PRIMARY KEY (store, symbol, day)) WITHOUT ROWID"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Asked:
    """A symbol's day as the broker had it: `candles` good ones, on the IST day `asked`."""

    candles: int
    asked: int


class FetchLedger(SqliteFile):
    """The ledger of one state folder.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        As `open` makes it; belongs to the thread that made it.
    store : str
        Which store is meant from now on.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, store: str) -> None:
        super().__init__(path, connection, _WHAT)
        self._store = store

    @classmethod
    def open(cls, state: Path, store: str) -> Self:
        """Open ``fetched.db`` in the folder `state`, making it where there is none."""
        path = state / NAME
        connection = connect(path, application_id=LEDGER_ID, version=LEDGER_VERSION, statements=[t.create for t in TABLES],
                             what=_WHAT, create=True, readonly=False)  # fmt: skip
        return cls(path, connection, store)

    def of(self, symbol: str) -> dict[int, Asked]:
        """Return what is known of each IST day of a symbol."""
        rows = self._rows("SELECT day, candles, asked FROM fetched WHERE store = ? AND symbol = ?", (self._store, symbol))
        return {day: Asked(candles, asked) for day, candles, asked in rows}

    def put(self, symbol: str, found: Mapping[int, Asked]) -> None:
        """Keep what was found of some IST days, in place of what was known."""
        with self.writing():
            self._db.executemany("INSERT OR REPLACE INTO fetched VALUES (?, ?, ?, ?, ?)",
                                 [(self._store, symbol, day, a.candles, a.asked) for day, a in found.items()])  # fmt: skip
