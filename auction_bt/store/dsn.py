"""From the text a user writes to a store."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from auction_bt.core.errors import AuctionError, WrongUser

from . import TickStore
from .address import ADMIN, READER_PASSWORD, SqliteDsn, parse
from .database import remove_companions
from .sqlite import SqliteStore

DEFAULT: Final = "sqlite:///auction.db"


def open_store(dsn: str = DEFAULT, create: bool = False, readonly: bool = False) -> TickStore:
    """Open the store that `dsn` names.

    Parameters
    ----------
    dsn : str
        ``sqlite:///relative.db``, ``sqlite:////absolute.db`` or ``questdb://user:password@host:8812/qdb?http=9000``.
    create : bool
        Make it where there is none; otherwise that is an error, so that a mistyped name makes nothing.
    readonly : bool
        Refuse every write.
    """
    place = parse(dsn)
    if isinstance(place, SqliteDsn):
        return SqliteStore.open(place.path, create=create, readonly=readonly)
    from .questdb import QuestStore  # psycopg2 and urllib3 are not needed for the embedded store

    return QuestStore.open(place, create=create, readonly=readonly)


def open_to_show(dsn: str, tell: Callable[[str], None]) -> TickStore:
    """Open a store for what shows it and never writes: on a server as its user who may only read, where it has one.

    Parameters
    ----------
    dsn : str
        One that names another user than the server's own is taken as it is.
    tell : callable (str)
        Takes a line where the server's own user has to do.
    """
    place = parse(dsn)
    if isinstance(place, SqliteDsn) or place.user != ADMIN:
        return open_store(dsn, readonly=True)
    from .questdb import QuestStore

    reader, why = place.as_reader(), f"{READER_PASSWORD} is not set"
    if reader is not None:
        try:
            return QuestStore.open(reader, readonly=True)
        except WrongUser:
            why = f"there is none, or {READER_PASSWORD} is not his password"
    tell(f"store {place}: read as {place.user}, who may write as well, and not as the user who may only read: {why}")
    return QuestStore.open(place, readonly=True)


def is_there(dsn: str) -> bool:
    """Return whether the store that `dsn` names has been made."""
    place = parse(dsn)
    if isinstance(place, SqliteDsn):
        return place.path.exists()
    from .questdb import QuestStore

    return QuestStore.is_there(place)


def remove_unused(dsn: str) -> None:
    """Remove the store that `dsn` names where nothing was ever stored in it; leave it alone where that cannot be told."""
    place = parse(dsn)
    if not isinstance(place, SqliteDsn):
        return  # empty tables on a server are in nobody's way
    with suppress(AuctionError, OSError):
        with SqliteStore.open(place.path, readonly=True) as store:
            is_unused = store.is_unused()
        if is_unused:
            place.path.unlink()
            remove_companions(place.path)
