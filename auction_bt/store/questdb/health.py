"""How a QuestDB server is: everything asked for, however much of it fails."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from auction_bt.core.errors import AuctionError
from auction_bt.store.address import QuestDsn

from .http import Http
from .server import Server
from .sql import Sql


@dataclass(frozen=True, slots=True)
class ServerHealth:
    """What a server said.

    Parameters
    ----------
    sql, http : str
        What is wrong with the port for SQL and with that for HTTP; empty where nothing is.
    version : str
    may_use_http : bool
        The user may write rows.
    suspended : tuple of str
        Tables of ours that take rows and show none.
    offset : int or None, ns
        By how much its clock is ahead of ours.
    folder : str
        Where it keeps its data, by its own word.
    """

    sql: str = ""
    http: str = ""
    version: str = ""
    may_use_http: bool = False
    suspended: tuple[str, ...] = ()
    offset: int | None = None
    folder: str = ""


def examine(dsn: QuestDsn, clock: Callable[[], int]) -> ServerHealth:
    """Ask a server how it is; nothing is written.

    Parameters
    ----------
    dsn : QuestDsn
    clock : callable
        This machine's time, ns.
    """
    sql_fault, folder, offset = "", "", None
    suspended: tuple[str, ...] = ()
    with closing(Sql(dsn)) as sql, closing(Server(dsn, readonly=True)) as server:
        try:
            sql.rows("SELECT 1")
            before = clock()
            ((now,),) = sql.rows("SELECT now()::long")
            offset = now * 1000 - (before + clock()) // 2
            suspended = tuple(server.suspended())
            with suppress(AuctionError):  # not every user may ask
                rows = sql.rows("SELECT value FROM (SHOW PARAMETERS) WHERE property_path = 'cairo.sql.copy.work.root'")
                folder = str(Path(rows[0][0]).parent) if rows and rows[0][0] else ""
        except AuctionError as error:
            sql_fault = str(error)
    http_fault, version, may_use_http = "", "", False
    with closing(Http(dsn, time.sleep)) as http:
        try:
            version = http.version()
            may_use_http = http.check_credentials()
        except AuctionError as error:
            http_fault = str(error)
    return ServerHealth(sql_fault, http_fault, version, may_use_http, suspended, offset, folder)
