"""Reading an instrument master: a JSON array of rows, gzip or plain, in pieces, so that it never stands in memory whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import orjson

from auction_bt.core.errors import BadInput
from auction_bt.importing.files import open_binary
from auction_bt.importing.rejects import Rejects

from .listing import STEPPED, Unit, columns_of

LARGEST: Final = 1 << 30  # bytes, unpacked; the complete master has some 100 MB
_PIECE: Final = 1 << 20
_CUTS: Final = 8  # ends of rows tried from behind, where a row holds another object
_BLANK: Final = b" \t\r\n"


class MasterFile:
    """The rows of one master, read once by iterating over it.

    Parameters
    ----------
    path : Path
        JSON, plain or gzip.
    largest : int, bytes
        Unpacked; a longer file is refused.
    """

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self._path = path
        self._largest = largest
        self._steps = self._fractions = 0
        self.rejects = Rejects()
        self.rows = 0

    @property
    def unit(self) -> Unit:
        """What its price steps count; known when all rows were read."""
        return Unit.RUPEES if 2 * self._fractions > self._steps else Unit.PAISE

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Yield the values of `listing.COLUMNS` of each usable row, in file order.

        Raises
        ------
        BadInput
            The file is no master, is cut off, too long, or more than 1 % of its rows cannot be used.
        """
        seen: set[str] = set()
        with open_binary(self._path) as file:
            for piece in self._pieces(file):
                for row in piece:
                    self.rows += 1
                    values = columns_of(row) if isinstance(row, dict) else "no row of a master"
                    if isinstance(values, str):
                        self.rejects.add(values, self.rows)
                    elif values[0] in seen:
                        self.rejects.add("the key came before", self.rows)
                    else:
                        seen.add(values[0])
                        if values[1] in STEPPED and values[11]:
                            self._steps += 1
                            self._fractions += float(values[11]) < 1
                        yield values
        self.rejects.check(str(self._path), self.rows)
        if not seen:
            raise BadInput(f"{self._path} has no rows: it must be an instrument master of Upstox (complete.json.gz)")

    def _pieces(self, file: BinaryIO) -> Iterator[list[Any]]:
        left = file.read(_PIECE).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
        if not left.startswith(b"["):
            raise BadInput(f"{self._path} is no instrument master: it must be a JSON array, like complete.json.gz of Upstox")
        left, size = left[1:], len(left)
        while piece := file.read(_PIECE):
            size += len(piece)
            if size > self._largest:
                raise BadInput(f"{self._path} is longer than {self._largest:,} bytes: no master is")
            left += piece
            rows, left = _whole_rows(left)
            yield rows
        try:
            last = orjson.loads(b"[" + left)
        except ValueError as error:
            raise BadInput(f"{self._path} is damaged or cut off ({error}): get it again; nothing was stored") from error
        yield last


def _whole_rows(text: bytes) -> tuple[list[Any], bytes]:
    """Return the rows `text` begins with, and the rest."""
    end = len(text)
    for _ in range(_CUTS):
        end = text.rfind(b"},", 0, end)
        if end < 0:
            break
        try:
            return orjson.loads(b"[" + text[: end + 1] + b"]"), text[end + 2 :]
        except ValueError:  # the end of an object within a row, or within a text
            continue
    return [], text
