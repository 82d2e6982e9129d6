"""A day's ticks in a file of the day cache, read in parts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.lib import format as npy

from auction_bt.core.errors import Refused
from auction_bt.core.ist import to_date
from auction_bt.core.tick import TICK_DTYPES, TickColumns

COLUMNS: Final = tuple(f.name for f in fields(TickColumns))


@dataclass(frozen=True, slots=True)
class KeptDay:
    """A file of the day cache.

    Parameters
    ----------
    path : Path
    day : int, IST day
    count : int
        Ticks in it.
    offset : int, bytes
        Where the first column begins.
    """

    path: Path
    day: int
    count: int
    offset: int

    @classmethod
    def at(cls, path: Path, day: int) -> Self:
        """Return the file at `path`, which is whole (`DayCache`)."""
        with path.open("rb") as file:
            npy.read_magic(file)
            shape, _, _ = npy.read_array_header_1_0(file)
            return cls(path, day, shape[1], file.tell())

    def rows(self, begin: int, end: int) -> TickColumns:
        """Return ticks [begin, end) of the day.

        Raises
        ------
        Refused
            The day has been stored anew since, and the file has gone.
        """
        columns: list[Any] = []
        try:
            with self.path.open("rb") as file:
                for place, name in enumerate(COLUMNS):
                    file.seek(self.offset + 8 * (place * self.count + begin))
                    columns.append(np.fromfile(file, "<i8", end - begin).view(TICK_DTYPES[name]))
        except FileNotFoundError:
            raise Refused(f"the ticks of {to_date(self.day)} were stored anew while a run read them: run it again") from None
        return TickColumns(*columns)
