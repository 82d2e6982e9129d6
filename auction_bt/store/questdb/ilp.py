"""Rows to the server over its line protocol: the only fast way in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from questdb import QuestDBError, QuestDBErrorCode, Sender, TimestampNanos

from auction_bt.core.errors import AuctionError, BadInput, Refused, Retryable
from auction_bt.store.address import QuestDsn

_ROWS: Final = 20_000  # a request; more gain nothing
_BYTES: Final = 16 * 1024 * 1024

Row = tuple[str, dict[str, str], dict[str, Any], int]  # table, symbols, other columns, time in ns


class Ilp:
    """Writes rows; each request is one commit a table.

    Parameters
    ----------
    dsn : QuestDsn

    Notes
    -----
    A failed flush of the client's own buffer loses its rows, so rows are filled into a buffer of ours, which survives; and the
    client's word on what became of a failed request is not relied on: whoever calls again sends the same rows again, which the
    tables' keys make harmless.
    """

    def __init__(self, dsn: QuestDsn) -> None:
        self._dsn = dsn
        self._sender: Any = None

    def close(self) -> None:
        """Give the connection back; nothing is ever left in it."""
        if self._sender is not None:
            self._sender.close(flush=False)
            self._sender = None

    def write(self, rows: Iterable[Row]) -> None:
        """Send rows; they are safe from a crash of the server process when this returns.

        Raises
        ------
        Refused
            The server, or the protocol, takes one of these rows never.
        Retryable
            The server cannot be reached or is busy.
        """
        buffer = None
        for count, (table, symbols, columns, time) in enumerate(rows, 1):
            if buffer is None:
                buffer = self._connected().new_buffer()
            try:
                buffer.row(table, symbols=symbols, columns=columns, at=TimestampNanos(time))
            except (QuestDBError, ValueError, OverflowError) as error:
                raise Refused(f"row {time} of {table} cannot be stored: {_line(error)}") from error
            if count % _ROWS == 0 or len(buffer) > _BYTES:
                self._flush(buffer)
        if buffer is not None and len(buffer):
            self._flush(buffer)

    def _flush(self, buffer: Any) -> None:
        try:
            self._sender.flush(buffer, clear=False)
        except QuestDBError as error:
            self.close()
            raise self._translated(error) from error
        buffer.clear()

    def _connected(self) -> Any:
        if self._sender is None:
            dsn = self._dsn
            host = f"[{dsn.host}]" if ":" in dsn.host else dsn.host
            # The version is pinned: negotiating it would be one more way to fail at the start.
            conf = (f"http::addr={host}:{dsn.http};username={_conf(dsn.user)};password={_conf(dsn.password)};"
                    "protocol_version=2;auto_flush=off;retry_timeout=0;request_timeout=30000;")  # fmt: skip
            try:
                sender = Sender.from_conf(conf)
                sender.establish()  # type: ignore[no-untyped-call]
            except QuestDBError as error:
                raise self._translated(error) from error
            self._sender = sender
        return self._sender

    def _translated(self, error: QuestDBError) -> AuctionError:
        text = _line(error)
        if error.code == QuestDBErrorCode.AuthError:
            return BadInput(f"store {self._dsn}: wrong user or password for HTTP: mend the DSN ({text})")
        if error.code == QuestDBErrorCode.ServerFlushError and ('"invalid"' in text or "cast error" in text):
            return Refused(f"store {self._dsn} refuses a row: {text}")
        return Retryable(f"store {self._dsn} took no rows ({text}): they will be sent again")


def _conf(text: str) -> str:
    return text.replace(";", ";;")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:400]
