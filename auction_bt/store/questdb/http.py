"""The server's HTTP side: what it is, and columns in bulk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import urllib3

from auction_bt.core.errors import AuctionError, BadInput, Fatal, Retryable
from auction_bt.store.address import QuestDsn

OLDEST: Final = (9, 3)
Columns = dict[str, np.ndarray[Any, np.dtype[Any]]]
_BUSY_TRIES: Final = 8  # the server exports two at a time; each wait is twice the one before, 3 s in all
_NULL: Final = -(2**63)  # how the server keeps the least integer


class Http:
    """Asks the server over HTTP.

    Parameters
    ----------
    dsn : QuestDsn
    wait : callable
        Waits so many seconds between two tries.
    """

    def __init__(self, dsn: QuestDsn, wait: Callable[[float], object]) -> None:
        self._dsn = dsn
        self._wait = wait
        host = f"[{dsn.host}]" if ":" in dsn.host else dsn.host
        self._base = f"http://{host}:{dsn.http}"
        self._headers = urllib3.make_headers(basic_auth=f"{dsn.user}:{dsn.password}")
        # A request that never answers is a fault of the server's that must not become ours.
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=300), retries=False)
        self._may_export = True

    def close(self) -> None:
        """Give the connections back."""
        self._pool.clear()

    def version(self) -> str:
        """Return the server's version.

        Raises
        ------
        BadInput
            It is no QuestDB, or too old a one.
        """
        at = f"{self._dsn.host}:{self._dsn.http}"
        try:
            answer = self._pool.request("GET", self._base + "/settings", timeout=10)
            settings = json.loads(answer.data)
            found = str(settings.get("config", settings)["release.version"])
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"store {self._dsn}: what listens on {at} is no QuestDB: mend the port after ?http=") from error
        numbers = tuple(int(part) for part in found.split("-", maxsplit=1)[0].split(".")[:2] if part.isdecimal())
        if len(numbers) == 2 and numbers < OLDEST:
            raise BadInput(
                f"store {self._dsn}: QuestDB {found} is too old: install {OLDEST[0]}.{OLDEST[1]} or newer (make questdb)"
            )
        return found

    def check_credentials(self) -> bool:
        """Return whether the user may use HTTP; a user for reading may not, and reads over PGwire."""
        try:
            answer = self._pool.request(
                "GET", self._base + "/exec", fields={"query": "SELECT 1"}, headers=self._headers, timeout=10
            )
        except urllib3.exceptions.HTTPError as error:
            raise self._unreachable(error) from error
        self._may_export = answer.status == 200
        return self._may_export

    def export(self, statement: str, columns: Mapping[str, Any]) -> Columns | None:
        """Return the columns of a query, exact to the bit; None where this way is closed and PGwire must be taken.

        Parameters
        ----------
        statement : str
        columns : mapping of str to dtype
            What the query returns: int64 or float64; times come as ns.
        """
        if not self._may_export:
            return None
        fields = {"query": statement, "fmt": "parquet", "compression_codec": "uncompressed"}
        for attempt in range(_BUSY_TRIES):
            try:
                answer = self._pool.request("GET", self._base + "/exp", fields=fields, headers=self._headers)
            except urllib3.exceptions.HTTPError as error:
                raise self._unreachable(error) from error
            if answer.status == 429:
                self._wait(0.0125 * 2**attempt)
                continue
            if answer.status == 200:
                return _columns(answer.data, columns)
            if answer.status in {401, 403, 404}:
                self._may_export = False
                return None
            raise Fatal(f"store {self._dsn}: {_reason(answer.data)}")
        return None

    def _unreachable(self, error: Exception) -> AuctionError:
        at = f"{self._dsn.host}:{self._dsn.http}"
        text = str(error)
        if "refused" in text:
            return Retryable(f"store {self._dsn}: nothing listens on {at} (HTTP): start the server (make questdb) if it is down, "
                             "or mend the port after ?http=")  # fmt: skip
        what = "broke off" if isinstance(error, urllib3.exceptions.ProtocolError) else "does not answer"
        return Retryable(f"store {self._dsn}: {at} (HTTP) {what} ({type(error).__name__}): the server is busy, starting or going "
                         "down, try again; if it stays so, that is not its HTTP port (9000 by default)")  # fmt: skip


def _reason(body: bytes) -> str:
    try:
        return " ".join(str(json.loads(body)["error"]).split())
    except (ValueError, KeyError, TypeError):
        return " ".join(body[:200].decode(errors="replace").split())


def _columns(data: bytes, wanted: Mapping[str, Any]) -> Columns:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(pa.BufferReader(data))
    found: Columns = {}
    for name, dtype in wanted.items():
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
        if column.null_count:
            column = pc.fill_null(column, np.nan if dtype is np.float64 else _NULL)
        found[name] = np.ascontiguousarray(column.to_numpy(), dtype=dtype)
    return found
