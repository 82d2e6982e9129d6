"""From the text a user writes to a store."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from auction_bt.core.errors import AuctionError, BadInput

from . import TickStore
from .database import remove_companions
from .sqlite import SqliteStore

DEFAULT: Final = "sqlite:///auction.db"


def open_store(dsn: str = DEFAULT, create: bool = False, readonly: bool = False) -> TickStore:
    """Open the store that `dsn` names.

    Parameters
    ----------
    dsn : str
        ``sqlite:///relative.db`` or ``sqlite:////absolute.db``.
    create : bool
        Make it where there is none; otherwise that is an error, so that a mistyped name makes no empty file.
    readonly : bool
        Refuse every write.
    """
    return SqliteStore.open(path_of(dsn), create=create, readonly=readonly)


def remove_unused(dsn: str) -> None:
    """Remove the store that `dsn` names where nothing was ever stored in it; leave it alone where that cannot be told."""
    path = path_of(dsn)
    with suppress(AuctionError, OSError):
        with SqliteStore.open(path, readonly=True) as store:
            is_unused = store.is_unused()
        if is_unused:
            path.unlink()
            remove_companions(path)


def path_of(dsn: str) -> Path:
    """Return the file that `dsn` names."""
    scheme, separator, rest = dsn.partition("://")
    if not separator:
        raise BadInput(f"store {dsn!r} is no DSN: write sqlite:///{dsn or 'auction.db'}")
    if scheme == "questdb":
        raise BadInput("a questdb:// store is not available in this version yet: use sqlite:///FILE")
    if scheme != "sqlite":
        raise BadInput(f"store {dsn!r} has the unknown scheme {scheme!r}: use sqlite:///FILE")
    if not rest.startswith("/") or len(rest) < 2:
        raise BadInput(f"store {dsn!r} names no file: write sqlite:///relative.db or sqlite:////absolute.db")
    return Path(rest[1:])
