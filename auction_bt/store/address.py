"""Where a store is, as values: what a user writes, read and checked."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from auction_bt.core.errors import BadInput

PASSWORD: Final = "AUCTION_QUESTDB_PASSWORD"  # noqa: S105 # the name of a variable
READER_PASSWORD: Final = "AUCTION_QUESTDB_READER_PASSWORD"  # noqa: S105
ADMIN: Final = "admin"
READER: Final = "reader"  # the user who may only read, as `make questdb` and docker-compose.yml name him
QUESTDB_FORM: Final = "questdb://user:password@host:8812/qdb?http=9000"


@dataclass(frozen=True, slots=True)
class QuestDsn:
    """Where a QuestDB server is.

    Parameters
    ----------
    user, password : str
        For PGwire and HTTP alike. The password never appears in `str` or `repr`.
    host : str
    port, http : int
        PGwire and HTTP.
    database : str
    prefix : str
        Before the name of each table: several stores on one server.
    """

    host: str
    port: int = 8812
    http: int = 9000
    user: str = ADMIN
    password: str = field(default="quest", repr=False)
    database: str = "qdb"
    prefix: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        prefix = f"&prefix={self.prefix}" if self.prefix else ""
        return f"questdb://{self.user}@{host}:{self.port}/{self.database}?http={self.http}{prefix}"

    def as_reader(self) -> QuestDsn | None:
        """Return the same place for the user who may only read; None where his password is not known, or a user was named.

        Notes
        -----
        A password that everybody knows is tried on this machine alone.
        """
        password = os.environ.get(READER_PASSWORD) or (READER if is_loopback(self.host) else "")
        return replace(self, user=READER, password=password) if self.user == ADMIN and password else None


@dataclass(frozen=True, slots=True)
class SqliteDsn:
    """Where an embedded store is."""

    path: Path

    def __str__(self) -> str:
        return f"sqlite:///{self.path.as_posix()}"


def parse(dsn: str) -> SqliteDsn | QuestDsn:
    """Return what `dsn` says.

    Raises
    ------
    BadInput
        It cannot be read; the message never repeats a password.
    """
    scheme, separator, rest = dsn.partition("://")
    if not separator:
        raise BadInput(f"store {dsn!r} is no DSN: write sqlite:///{dsn or 'auction.db'}")
    if scheme == "questdb":
        return _quest(dsn)
    if scheme != "sqlite":
        raise BadInput(f"store has the unknown scheme {scheme!r}: use sqlite:///FILE or {QUESTDB_FORM}")
    if not rest.startswith("/") or len(rest) < 2:
        raise BadInput(f"store {dsn!r} names no file: write sqlite:///relative.db or sqlite:////absolute.db")
    return SqliteDsn(Path(rest[1:]))


def _quest(dsn: str) -> QuestDsn:
    try:
        parts = urlsplit(dsn)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadInput(f"the questdb store's address cannot be read: write {QUESTDB_FORM}") from None
    if not host:
        raise BadInput(f"the questdb store names no host: write {QUESTDB_FORM}")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(options) - {"http", "prefix"})
    if unknown:
        raise BadInput(
            f"the questdb store has the unknown option {unknown[0]!r}: http and prefix are known, as in {QUESTDB_FORM}"
        )
    http = options.get("http", "9000")
    if not http.isdecimal() or not 0 < int(http) < 65_536:
        raise BadInput(f"the questdb store's http={http!r} is no port: write {QUESTDB_FORM}")
    prefix = options.get("prefix", "")
    if prefix and not (prefix.isascii() and prefix.replace("_", "a").isalnum() and len(prefix) <= 40 and prefix[0].isalpha()):
        raise BadInput(
            f"the questdb store's prefix={prefix!r} must be letters, digits and underscores, at most 40, a letter first"
        )
    user = unquote(parts.username or ADMIN)
    usual = os.environ.get(READER_PASSWORD, READER) if user == READER else os.environ.get(PASSWORD, "quest")
    password = unquote(parts.password) if parts.password is not None else usual
    return QuestDsn(
        host=host, port=port or 8812, http=int(http), user=user, password=password,
        database=parts.path.strip("/") or "qdb", prefix=prefix.lower(),
    )  # fmt: skip


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine, by its name or number."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
