"""Statements over PGwire, and the server's errors in our words."""

from __future__ import annotations

from typing import Any, Final

import psycopg2

from auction_bt.core.errors import AuctionError, BadInput, Fatal, Retryable, WrongUser
from auction_bt.store.address import PASSWORD, READER, READER_PASSWORD, QuestDsn

_CONNECT_S: Final = 5


class Sql:
    """One connection, made when it is first used and made again where it was lost.

    Parameters
    ----------
    dsn : QuestDsn

    Notes
    -----
    Texts go into statements by `quoted`: psycopg2's own parameters double backslashes, because the server does not say that it
    takes them as they are.
    """

    def __init__(self, dsn: QuestDsn) -> None:
        self._dsn = dsn
        self._connection: Any = None
        self._is_closed = False

    def close(self) -> None:
        """Give the connection back."""
        self._is_closed = True
        self._drop()

    def rows(self, statement: str) -> list[Any]:
        """Return the rows of a statement that changes nothing; asked again once where the connection was lost meanwhile."""
        try:
            return self._ask(statement, fetch=True)
        except _Lost:
            return self._last_ask(statement, fetch=True)

    def run(self, statement: str) -> None:
        """Carry out a statement that may be carried out twice."""
        try:
            self._ask(statement, fetch=False)
        except _Lost:
            self._last_ask(statement, fetch=False)

    def _last_ask(self, statement: str, *, fetch: bool) -> list[Any]:
        try:
            return self._ask(statement, fetch=fetch)
        except _Lost as error:
            raise Retryable(f"store {self._dsn}: the server broke off ({_line(error)}): try again when it is back") from error

    def _ask(self, statement: str, *, fetch: bool) -> list[Any]:
        connection = self._connected()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return list(cursor.fetchall()) if fetch else []
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            self._drop()
            raise _Lost(str(error)) from error
        except psycopg2.Error as error:
            if connection.closed:
                self._drop()
                raise _Lost(str(error)) from error
            raise self._translated(error) from error

    def _connected(self) -> Any:
        if self._is_closed:
            raise Fatal(f"store {self._dsn} is closed")
        if self._connection is None:
            dsn = self._dsn
            try:
                self._connection = psycopg2.connect(
                    host=dsn.host, port=dsn.port, user=dsn.user, password=dsn.password, dbname=dsn.database,
                    connect_timeout=_CONNECT_S, sslmode="disable", application_name="auction_bt",
                )  # fmt: skip
            except psycopg2.Error as error:
                raise self._unreachable(_line(error)) from error
            self._connection.autocommit = True
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _unreachable(self, text: str) -> AuctionError:
        dsn = self._dsn
        at = f"{dsn.host}:{dsn.port}"
        if "invalid username/password" in text or "authentication failed" in text:
            known = READER_PASSWORD if dsn.user == READER else PASSWORD
            return WrongUser(f"store {dsn}: wrong user or password for {at}: mend the DSN, or set {known}")
        if "refused" in text:
            return Retryable(f"store {dsn}: nothing listens on {at}: start the server (make questdb) if it is down, or mend host "
                             "and port")  # fmt: skip
        if "could not translate" in text or "Name or service" in text:
            return BadInput(f"store {dsn}: there is no host {dsn.host}: mend the DSN")
        if "does not exist" in text:
            return BadInput(f"store {dsn}: {text}: is that a QuestDB? Its user is admin and its database qdb by default")
        if "closed the connection" in text or "reset by peer" in text:
            return Retryable(f"store {dsn}: {at} broke off ({text}): the server is starting or going down, try again; if it "
                             "stays so, that is not its port for SQL (8812 by default)")  # fmt: skip
        if "timeout" in text:
            return Retryable(f"store {dsn}: {at} does not answer ({text}): the server hangs or is going down, or that is not its "
                             "port for SQL (8812 by default, the one after ?http= 9000)")  # fmt: skip
        if "received" in text or "expected" in text:
            return Retryable(f"store {dsn}: what listens on {at} does not answer as a database ({text}): "
                             "the port for SQL is 8812 by default, the one after ?http= 9000")  # fmt: skip
        return Retryable(f"store {dsn}: {at} cannot be used ({text})")

    def _translated(self, error: Exception) -> AuctionError:
        text = _line(error)
        if "permission denied" in text or "Access denied" in text:
            return BadInput(f"store {self._dsn} cannot be written: user {self._dsn.user} may only read ({text})")
        if "No space left" in text or "could not allocate" in text or "disk" in text:
            return Fatal(f"store {self._dsn}: the server's disk is full or failing ({text}): free some space there")
        return Fatal(f"store {self._dsn}: {text}")


class _Lost(Exception):
    """The connection went away; whether the statement was carried out is not known."""


def quoted(text: str) -> str:
    """Return `text` as a literal."""
    if "\0" in text:
        raise BadInput(f"{text!r} holds a zero byte: no name has one")
    return "'" + text.replace("'", "''") + "'"


def _line(error: Exception) -> str:
    text = str(error).split("\nLINE ")[0]
    text = " ".join(text.split())
    return text.removeprefix("connection to server at ")
