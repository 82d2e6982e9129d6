"""Opening a user's file: gzip or plain, and what is in it, told by its first bytes and not by its name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from auction_bt.core.errors import BadInput

FORMATS: Final = ("auto", "upstox", "csv", "parquet")
_BOM: Final = b"\xef\xbb\xbf"


@contextmanager
def clear_errors(path: Path) -> Iterator[None]:
    """Turn what reading a broken file raises into one line of cause and cure."""
    try:
        yield
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise BadInput(f"{path}: the gzip file is damaged or cut off ({error}): copy it again; nothing was stored") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: byte {error.start:,} is not UTF-8 text: nothing was stored") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror or error}") from error


@contextmanager
def open_binary(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for reading, unpacked where it is gzip; errors inside the block are the clear ones."""
    with clear_errors(path), path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
        plain.seek(0)
        if packed:
            with gzip.open(plain) as file:
                yield cast(BinaryIO, file)
        else:
            yield plain


def detect(path: Path) -> str:
    """Return ``upstox``, ``csv`` or ``parquet``."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder: name the files in it")
    with open_binary(path) as file:
        head = file.read(65_536).removeprefix(_BOM).lstrip()
    if not head:
        raise BadInput(f"{path} is empty")
    if head.startswith(b"PAR1"):
        return "parquet"
    if head[:1] in {b"[", b"{"}:
        return "upstox"
    if b"\0" in head:
        raise BadInput(f"{path} is no recording, CSV or Parquet file")
    return "csv"
