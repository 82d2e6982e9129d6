"""Getting the broker's instrument master of today."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlsplit

from auction_bt import __version__
from auction_bt.core.errors import AuctionError, BadInput, Retryable

_PATH: Final = "/market-quote/instruments/exchange/complete.json.gz"
URL: Final = f"https://assets.upstox.com{_PATH}"
LARGEST: Final = 256 << 20  # bytes, packed; the complete master has some 5 MB
_AGENT: Final = f"auction-bt/{__version__}"  # a request without one is answered 403
_TIMEOUTS_S: Final = (10.0, 60.0)  # to connect, and between two pieces
_TRIES: Final = 3
_PIECE: Final = 1 << 16


def url_beside(base: str) -> str:
    """Return where the master is of whoever answers calls at `base`: the broker has it on a host of its own, others have not."""
    host = urlsplit(base).hostname or ""
    return URL if f".{host}".endswith(".upstox.com") else base.rstrip("/") + _PATH


def download(url: str, path: Path, largest: int = LARGEST) -> int:
    """Get `url` into the file `path`, as it is sent; return how many bytes it has.

    Raises
    ------
    Retryable
        The server cannot be reached, or sent less than it said.
    AuctionError
        It refuses, or sends more than `largest` bytes.
    BadInput
        `url` is none.

    Notes
    -----
    In any case of failure nothing is left at `path`.
    """
    import urllib3  # what follows needs no network library at the start of every command

    if not url.startswith(("http://", "https://")):
        raise BadInput(f"{url!r} is no address: it must begin with https://")
    left = _TRIES
    while True:
        left -= 1
        try:
            return _get(url, path, largest)
        except urllib3.exceptions.LocationValueError as error:
            failed: AuctionError = BadInput(f"{url!r} is no address: {error}")
        except urllib3.exceptions.HTTPError as error:
            failed = Retryable(f"{url} cannot be got ({cause_of(error)}): look after the network and try again")
        except AuctionError as error:
            failed = error
        except OSError as error:
            failed = BadInput(f"{path} cannot be written: {error.strerror or error}")
        path.unlink(missing_ok=True)
        if not left or not isinstance(failed, Retryable):
            raise failed


def cause_of(error: BaseException) -> str:
    """Return in one line why a request failed, without the names of the library's objects."""
    text = " ".join(str(getattr(error, "reason", None) or error).split())
    return re.sub(r"^(?:<[^>]*>|\w*Connection\w*\([^)]*\)): ", "", text)


def _get(url: str, path: Path, largest: int) -> int:
    import urllib3

    timeout = urllib3.Timeout(connect=_TIMEOUTS_S[0], read=_TIMEOUTS_S[1])
    # Its own retries are told to standard error, which belongs to the one line of an error.
    retries = urllib3.Retry(total=3, connect=0, read=0, redirect=3, other=0)
    with (
        urllib3.PoolManager() as pool,
        pool.request("GET", url, headers={"User-Agent": _AGENT}, preload_content=False, decode_content=False, retries=retries,
                     timeout=timeout) as answer,
        path.open("wb") as file,
    ):  # fmt: skip
        if answer.status != 200:
            raise AuctionError(f"{url} answered {answer.status} {answer.reason or ''}".rstrip() + ": try again later")
        return _copy(answer, file, url, largest)


def _copy(answer: object, file: BinaryIO, url: str, largest: int) -> int:
    size = 0
    for piece in answer.stream(_PIECE, decode_content=False):  # type: ignore[attr-defined]
        size += len(piece)
        if size > largest:
            raise AuctionError(f"{url} sends more than {largest:,} bytes: that is no instrument master")
        file.write(piece)
    return size
