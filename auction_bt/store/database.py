"""Opening our SQLite files: recognised by their header, made whole or not at all, errors in one line."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Self

from auction_bt.core.errors import AuctionError, BadInput, Fatal, Retryable

_MAGIC: Final = b"SQLite format 3\0"
_BUSY_S: Final = 30.0  # an import of a large file holds the write lock for seconds
_AGAIN_S: Final = 0.01


def connect(
    path: Path, *, application_id: int, version: int, statements: Sequence[str], what: str, create: bool, readonly: bool,
    synchronous: str = "NORMAL", upgrades: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> sqlite3.Connection:  # fmt: skip
    """Open one of our databases, making it first where `create` says so.

    Parameters
    ----------
    application_id, version : int
        What the file's header and its schema_version table must say.
    statements : sequence of str
        The tables, made in one transaction.
    what : str
        Its name in messages: ``store``, ``journal``.
    upgrades : mapping of int to sequence of str
        What leads from the version before to each version, made in one transaction; a reader leaves the file as it is.

    Raises
    ------
    BadInput
        No such file, not ours, written by a newer version, or not readable; the file is untouched.
    """
    is_new = _check_file(path, application_id, what, create)
    if readonly and is_new:
        raise BadInput(f"no {what} at {path}: import or record something first")
    with clear_errors(path, what):
        connection = _connect(path, readonly)
        try:
            connection.execute(f"PRAGMA busy_timeout = {int(_BUSY_S * 1000)}")
            if not readonly:
                _make(connection, application_id, version, statements)
                _upgrade(connection, version, upgrades)
                _use_wal(connection)
                connection.execute(f"PRAGMA synchronous = {synchronous}")
            found = _version(connection)
            if found is None:
                raise BadInput(f"no {what} at {path}: import or record something first")
            if found > version:
                raise BadInput(
                    f"{what} {path} was written by a newer version (schema {found}, this one knows {version}): upgrade"
                )
        except BaseException as error:
            connection.close()
            if is_new and not isinstance(_translated(error, path, what), Retryable):
                _remove_if_empty(path)
            raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    # Persistent in the file; a creation killed before this line is completed by the next opening. The switch needs the file
    # for itself and, unlike any other statement, does not wait for it where two processes make the same store at once.
    end = time.monotonic() + _BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(_AGAIN_S)
        else:
            return


@contextmanager
def clear_errors(path: Path, what: str) -> Iterator[None]:
    """Turn SQLite's errors into ours: one line, cause and cure."""
    try:
        yield
    except sqlite3.Error as error:
        raise _translated(error, path, what) from error


@contextmanager
def transaction(connection: sqlite3.Connection, path: Path, what: str) -> Iterator[None]:
    """Hold the write lock; commit at the end, roll back on any error. Inside another transaction it joins that one."""
    if connection.in_transaction:
        yield
        return
    with clear_errors(path, what):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            _roll_back(connection)
            raise


class SqliteFile:
    """One of our databases, open: what the store, the journal and the spool do alike.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        As `connect` makes it; belongs to the thread that made it.
    what : str
        Its name in messages.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, what: str) -> None:
        self._path = path
        self._db = connection
        self._what = what

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def writing(self) -> AbstractContextManager[None]:
        """Hold the file's only write: what is read and written inside is one transaction, kept whole or not at all."""
        return transaction(self._db, self._path, self._what)

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        with clear_errors(self._path, self._what):
            return self._db.execute(sql, values).fetchall()


def _translated(error: BaseException, path: Path, what: str) -> AuctionError:
    text = str(error)
    if "locked" in text or "busy" in text:
        return Retryable(f"{what} {path} is being written by another process: try again when it has finished")
    if "readonly" in text or "read-only" in text:
        return BadInput(f"{what} {path} cannot be written: the file or its folder is read-only, or it was opened for reading")
    if "unable to open" in text:
        return BadInput(f"{what} {path} cannot be opened: its folder must exist and be writable")
    if "full" in text:
        return Fatal(f"{what} {path}: the disk is full: free some space; nothing was half-written")
    if "malformed" in text or "not a database" in text:
        return Fatal(f"{what} {path} is damaged ({text}): restore it from a copy, or import again into a new one")
    if "disk I/O" in text:
        return Fatal(f"{what} {path} cannot be read or written ({text}): look after the disk and its free space")
    return Fatal(f"{what} {path}: {text}")


def _check_file(path: Path, application_id: int, what: str, create: bool) -> bool:
    """Return True where there is nothing yet; refuse what is not ours by its header, before SQLite touches it."""
    try:
        if path.is_dir():
            raise BadInput(f"{what} {path} is a folder: name a file in it")
        if not path.exists():
            if not create:
                raise BadInput(f"no {what} at {path}: import or record something first")
            if not path.parent.is_dir():
                raise BadInput(f"{what} {path}: there is no folder {path.parent}: make it first")
            return True
        with path.open("rb") as file:
            head = file.read(100)
    except OSError as error:
        raise BadInput(f"{what} {path} cannot be read: {error.strerror}") from error
    if not head:  # a creation that was killed
        if create:
            return True
        raise BadInput(f"no {what} at {path} (the file is empty): import or record something first")
    if not head.startswith(_MAGIC):
        raise BadInput(f"{path} is not a {what} (no SQLite file): name another file, it was not touched")
    if int.from_bytes(head[68:72], "big") != application_id:
        raise BadInput(f"{path} is an SQLite database of something else, not a {what}: name another file, it was not touched")
    return False


def _connect(path: Path, readonly: bool) -> sqlite3.Connection:
    if not readonly:
        return sqlite3.connect(path, isolation_level=None)
    uri = path.resolve().as_uri()
    wal = path.with_name(path.name + "-wal")
    if not os.access(path.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size):
        # WAL readers need to make a file beside the database. Where they cannot, and no writer left a log, it cannot change.
        return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, isolation_level=None)
    return sqlite3.connect(f"{uri}?mode=ro", uri=True, isolation_level=None)


def _version(connection: sqlite3.Connection) -> int | None:
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_version'").fetchone() is None:
        return None
    row = connection.execute("SELECT max(version) FROM schema_version").fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _make(connection: sqlite3.Connection, application_id: int, version: int, statements: Sequence[str]) -> None:
    if _version(connection) is not None:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _version(connection) is None:  # another process may have been first
            for statement in statements:
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?)", (version,))
            connection.execute(f"PRAGMA application_id = {application_id}")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _upgrade(connection: sqlite3.Connection, version: int, upgrades: Mapping[int, Sequence[str]]) -> None:
    if (_version(connection) or version) >= version:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in range((_version(connection) or version) + 1, version + 1):  # another process may have been first
            for statement in upgrades[step]:
                connection.execute(statement)
            connection.execute("INSERT INTO schema_version VALUES (?)", (step,))
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what is open; some errors have done so already, and none may hide the one that led here."""
    if connection.in_transaction:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _remove_if_empty(path: Path) -> None:
    """Remove the file of a creation that failed before anything was in it."""
    with suppress(OSError):
        if path.stat().st_size == 0:
            path.unlink()
            remove_companions(path)


def remove_companions(path: Path) -> None:
    """Remove the logs beside a database that is no more."""
    for suffix in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
