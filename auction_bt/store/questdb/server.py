"""One server and our tables on it: made, checked, written, waited for."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from auction_bt.core.errors import BadInput, Fatal, Retryable
from auction_bt.store.address import QuestDsn

from .http import Columns, Http
from .ilp import Ilp, Row
from .schema import LARGEST_NS, TABLES, VERSION, VIEWS, Table, view
from .sql import Sql, quoted

_APPLY_S: Final = 120.0  # a burst of ten million rows takes seconds
_POLL_S: Final = 0.002


class Server:
    """What the parts of a store share.

    Parameters
    ----------
    dsn : QuestDsn
    readonly : bool
    """

    def __init__(self, dsn: QuestDsn, *, readonly: bool = False) -> None:
        self.dsn = dsn
        self._readonly = readonly
        self._sql = Sql(dsn)
        self._http = Http(dsn, time.sleep)
        self._ilp = Ilp(dsn)

    def close(self) -> None:
        """Give every connection back."""
        self._ilp.close()
        self._http.close()
        self._sql.close()

    def name(self, table: str) -> str:
        """Return the table's name on the server."""
        return self.dsn.prefix + table

    def prepare(self, *, create: bool) -> None:
        """Find our tables, or make them where `create` says so.

        Raises
        ------
        BadInput
            No QuestDB, too old, wrong credentials, no store there, tables of somebody else.
        """
        self._sql.rows("SELECT 1")
        self._http.version()
        if not self._http.check_credentials() and not self._readonly:
            raise BadInput(f"store {self.dsn}: user {self.dsn.user} may not use the HTTP port, over which rows are written: "
                           "give the server's HTTP user, or the right password")  # fmt: skip
        there = self.columns()
        for table in TABLES:
            found = there.get(self.name(table.name))
            if found is not None and found != table.columns and not _is_older(table, found):
                raise BadInput(f"store {self.dsn}: table {self.name(table.name)} there is not ours ({_differing(table, found)}): "
                               "give the store a prefix of its own, ?http=…&prefix=auction_")  # fmt: skip
        missing = [t for t in TABLES if self.name(t.name) not in there]
        if missing and not create:
            if len(missing) == len(TABLES):
                raise BadInput(f"no store at {self.dsn}: import or record something first")
            lost = self.name(missing[0].name)
            raise BadInput(f"store {self.dsn}: table {lost} is missing: restore it from a backup, or import or record into this "
                           "store, which makes it empty, then rebuild")  # fmt: skip
        if missing:
            self._may_write()
            for table in missing:
                self._sql.run(table.create(self.name(table.name)))
            for table_name in VIEWS:
                self._sql.run(view(table_name, self.dsn.prefix)[1])
            self.write([(self.name("schema_version"), {}, {"version": VERSION}, 0)])
            self.settle(["schema_version"])
        self._upgrade({t: there[self.name(t.name)] for t in TABLES if self.name(t.name) in there}, create)
        version = self.rows(f"SELECT max(version) FROM {self.name('schema_version')}")
        if version and version[0][0] is not None and version[0][0] > VERSION:
            raise BadInput(f"store {self.dsn} was written by a newer version (schema {version[0][0]}, this one knows {VERSION}): "
                           "upgrade")  # fmt: skip

    def _upgrade(self, there: Mapping[Table, tuple[tuple[str, str], ...]], create: bool) -> None:
        older = {table: found for table, found in there.items() if found != table.columns}
        if not older:
            return
        if not create:
            raise BadInput(f"store {self.dsn} was written by an older version of this program: the next import or record into it "
                           "brings it up to date")  # fmt: skip
        self._may_write()
        for table, found in older.items():
            for column, kind in table.columns[len(found) :]:
                self._sql.run(f"ALTER TABLE {quoted(self.name(table.name))} ADD COLUMN IF NOT EXISTS {column} {kind}")
        self.write([(self.name("schema_version"), {}, {"version": VERSION}, 0)])
        self.settle(["schema_version", *(table.name for table in older)])  # a column is there some time after the statement

    def columns(self) -> dict[str, tuple[tuple[str, str], ...]]:
        """Return the columns of those of our tables that are there."""
        names = ", ".join(quoted(self.name(t.name)) for t in TABLES)
        known = {row[0] for row in self.rows(f"SELECT table_name FROM tables() WHERE table_name IN ({names})")}
        return {
            name: tuple((str(c), str(kind)) for c, kind in self.rows(f'SELECT "column", type FROM table_columns({quoted(name)})'))
            for name in sorted(known)
        }

    # --- reading

    def rows(self, statement: str) -> list[Any]:
        """Return the rows of a query."""
        return self._sql.rows(statement)

    def bulk(self, columns: Mapping[str, Any], source: str) -> Columns:
        """Return columns of a query in bulk, exact to the bit.

        Parameters
        ----------
        columns : mapping of str to dtype
            int64 or float64; ``ts`` comes as ns.
        source : str
            From FROM on.
        """
        found = self._http.export(f"SELECT {', '.join(columns)} {source}", columns)
        if found is not None:
            return found
        # An export limit, or a user who may only read: the slow way gives the same.
        chosen = ", ".join(f"{name}::long" if name == "ts" else name for name in columns)
        rows = self._sql.rows(f"SELECT {chosen} {source}")
        table = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
        return {name: _column(values, dtype) for (name, dtype), values in zip(columns.items(), table, strict=True)}

    # --- writing

    def write(self, rows: Iterable[Row]) -> None:
        """Send rows; see `Ilp.write`."""
        self._may_write()
        self._ilp.write(rows)

    def run(self, statement: str) -> None:
        """Carry out a statement that changes tables, and may be carried out twice."""
        self._may_write()
        self._sql.run(statement)

    def settle(self, tables: Iterable[str]) -> None:
        """Wait until all rows sent to `tables` are visible.

        Raises
        ------
        Fatal
            A table is suspended and could not be resumed.
        Retryable
            It takes too long.
        """
        names = sorted({self.name(table) for table in tables})
        until = time.monotonic() + _APPLY_S
        while waiting := self._waiting(names):
            if time.monotonic() > until:
                raise Retryable(f"store {self.dsn}: rows of {', '.join(waiting)} are still not visible after {_APPLY_S:.0f} s: "
                                "the server is overloaded; try again")  # fmt: skip
            time.sleep(_POLL_S)

    def resume(self, name: str, reason: str) -> None:
        """Bring a suspended table back; rows sent to it meanwhile are not lost.

        Raises
        ------
        Fatal
            It is suspended again at once.
        """
        self._may_write()
        self._sql.run(f"ALTER TABLE '{name}' RESUME WAL")
        until = time.monotonic() + 10
        while time.monotonic() < until:
            (row,) = self._state([name]) or [(name, 0, 0, False, "", "")]
            if row[3]:
                why = row[4] or row[5] or reason
                raise Fatal(f"store {self.dsn}: table {name} is suspended and cannot be resumed ({why}): look after the server's "
                            f"disk and log, then run ALTER TABLE {name} RESUME WAL there; nothing sent is lost")  # fmt: skip
            if row[1] == row[2]:
                return
            time.sleep(_POLL_S)

    def suspended(self) -> list[str]:
        """Return the names of our tables that are suspended."""
        return [str(row[0]) for row in self._state([self.name(t.name) for t in TABLES]) if row[3]]

    def _waiting(self, names: list[str]) -> list[str]:
        waiting = []
        for name, written, sent, is_suspended, tag, message in self._state(names):
            if is_suspended and self._readonly:
                why = f"{tag} {message}".strip()
                raise Fatal(f"store {self.dsn}: table {name} is suspended and shows no new rows ({why}): open the store for "
                            "writing once, which resumes it")  # fmt: skip
            if is_suspended:
                self.resume(name, f"{tag} {message}".strip())
            elif written != sent:
                waiting.append(str(name))
        return waiting

    def _state(self, names: list[str]) -> list[Any]:
        listed = ", ".join(map(quoted, names))
        return self._sql.rows("SELECT name, writerTxn, sequencerTxn, suspended, errorTag, errorMessage FROM wal_tables() "
                              f"WHERE name IN ({listed})")  # fmt: skip

    def _may_write(self) -> None:
        if self._readonly:
            raise BadInput(f"store {self.dsn} cannot be written: it was opened for reading")


def between(begin: int, end: int) -> str:
    """Return the condition ``begin <= ts < end`` as the server scans it by interval; it has no time before 1970."""
    return f"ts >= {min(max(begin, 0), LARGEST_NS)} AND ts < {min(max(end, 0), LARGEST_NS)}"


def is_reachable(dsn: QuestDsn) -> bool:
    """Return whether there is a store on the server; raise where the server itself cannot be used."""
    server = Server(dsn, readonly=True)
    try:
        return bool(server.columns())
    finally:
        server.close()


def _column(values: Iterable[Any], dtype: Any) -> np.ndarray[Any, np.dtype[Any]]:
    null = np.nan if dtype is np.float64 else -(2**63)
    return np.array([null if v is None else v for v in values], dtype=dtype)


def _is_older(table: Table, found: tuple[tuple[str, str], ...]) -> bool:
    return len(found) in table.older and found == table.columns[: len(found)]


def _differing(table: Table, found: tuple[tuple[str, str], ...]) -> str:
    there = dict(found)
    for column, kind in table.columns:
        if column not in there:
            return f"it has no column {column}"
        if there[column] != kind:
            return f"its column {column} is {there[column]}, not {kind}"
    ours = {column for column, _ in table.columns}
    extra = [column for column, _ in found if column not in ours]
    return f"it has a column {extra[0]} too" if extra else "its columns stand in another order"
