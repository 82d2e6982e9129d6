"""A day's ticks, once read, kept in a file that is mapped into memory: reading it again costs next to nothing."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Final, cast

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from auction_bt.core.ist import day_index, day_start, to_date
from auction_bt.core.tick import TICK_DTYPES, TickColumns

from . import TickStore
from .kept_day import COLUMNS, KeptDay

_FORMAT: Final = "ticks1"  # of a file's content; another layout gets another name
_MAPPED: Final = 65_536  # bytes from which on a file is mapped: a small one is read sooner
_BLOCK: Final = 200_000  # ticks read at a time where days are missing
_KEPT_FREE: Final = 2 * 2**30  # bytes; the disk also holds the recording, which must never stop for a cache
_STALE_S: Final = 3600.0  # a file half written an hour ago is of a process that died


class DayCache:
    """Reads ticks through a folder of sealed days.

    Parameters
    ----------
    folder : Path
        Made when the first day is kept; may be removed at any time.
    say : callable, optional
        Told once why nothing more is kept, where that is so.
    keep_free : int, bytes
        No day is kept that would leave less of the disk.

    Notes
    -----
    A file is named after its symbol, its day and the day's seal (`TickStore.seals`): a day that was derived or imported anew is
    read anew. A file appears whole or not at all, whoever else writes it at the same time. What cannot be kept is read from the
    store each time: nothing here is an error.

    A day takes 72 bytes a tick. Arrays of a mapped day are read-only.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] | None = None, keep_free: int = _KEPT_FREE) -> None:
        self._folder = folder
        self._say = say
        self._keep_free = keep_free
        self._is_off = False

    def ticks(self, store: TickStore, symbol: str, begin: int, end: int) -> TickColumns:
        """Return what ``store.ticks(symbol, begin, end)`` returns."""
        if begin >= end:
            return TickColumns.empty()
        first, last = day_index(begin), day_index(end - 1)
        days = [day for day in store.days(symbol) if first <= day <= last]
        if not days:
            return TickColumns.empty()
        seals = store.seals(symbol, range(days[0], days[-1] + 1))
        parts: list[TickColumns] = []
        missing: list[int] = []
        for day in days:
            kept = self._kept(symbol, day, seals[day]) if day in seals else None
            if kept is None:
                missing.append(day)
                continue
            parts += self._read(store, symbol, missing, seals)
            missing = []
            parts.append(kept)
        parts += self._read(store, symbol, missing, seals)
        found = _joined(parts)
        return found if begin <= day_start(days[0]) and end >= day_start(days[-1] + 1) else _clipped(found, begin, end)

    def days(self, store: TickStore, symbol: str, first: int, last: int) -> list[KeptDay] | None:
        """Return the days first..last that have anything, as files; None where one of them cannot be kept.

        Notes
        -----
        Days that are missing are read in blocks of some `_BLOCK` ticks, never all at once.
        """
        found = [day for day in store.days(symbol) if first <= day <= last]
        seals = store.seals(symbol, range(first, last + 1)) if found else {}
        if not all(day in seals for day in found):
            return None
        kept: list[KeptDay] = []
        block = 1
        while len(kept) < len(found):
            day = found[len(kept)]
            if self._kept(symbol, day, seals[day]) is not None:  # whole, or removed
                kept.append(KeptDay.at(self._path(symbol, day, seals[day]), day))
                continue
            missing = found[len(kept) : len(kept) + block]
            ticks = sum(map(len, self._read(store, symbol, missing, seals)))
            if self._kept(symbol, day, seals[day]) is None:
                return None
            block = max(1, min(4 * block, _BLOCK * len(missing) // max(1, ticks)))
        return kept

    # ---------------------------------------------------------------- a day that is there
    def _kept(self, symbol: str, day: int, seal: int) -> TickColumns | None:
        path = self._path(symbol, day, seal)
        try:
            table = np.load(path, mmap_mode="r" if path.stat().st_size > _MAPPED else None, allow_pickle=False)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, EOFError):
            table = None
        if table is None or not _is_of(table, day):
            table = None  # an open map would keep the file on Windows
            with suppress(OSError):
                path.unlink()
            return None
        table.flags.writeable = False
        columns: list[Any] = [row.view(np.ndarray).view(TICK_DTYPES[name]) for row, name in zip(table, COLUMNS, strict=True)]
        return TickColumns(*columns)

    def _path(self, symbol: str, day: int, seal: int) -> Path:
        return self._folder / _file_name(symbol) / f"{to_date(day)}.{seal:016x}.{_FORMAT}.npy"

    # ---------------------------------------------------------------- a day that is not
    def _read(self, store: TickStore, symbol: str, days: list[int], seals: dict[int, int]) -> list[TickColumns]:
        # In one go: a query a day would cost more than the ticks.
        if not days:
            return []
        found = store.ticks(symbol, day_start(days[0]), day_start(days[-1] + 1))
        sealed = [day for day in days if day in seals]
        if not sealed or self._is_off:
            return [found]
        # Sealed is what had the same seal before and after it was read: nobody replaced it meanwhile.
        after = store.seals(symbol, range(days[0], days[-1] + 1))
        number = day_index(found.ts)
        for day in sealed:
            if seals[day] == after.get(day) and not self._is_off:
                own = found if len(days) == 1 else found.take(number == day)
                self._keep(symbol, day, seals[day], own)
        return [found]

    def _keep(self, symbol: str, day: int, seal: int, ticks: TickColumns) -> None:
        path = self._path(symbol, day, seal)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(path.parent).free - len(COLUMNS) * 8 * len(ticks) < self._keep_free:
                self._stop(f"less than {self._keep_free / 2**30:.3g} GiB of its disk would stay free")
                return
            written = _write(path, ticks)
        except OSError as error:
            self._stop(error.strerror or str(error))
            return
        self._remove_older(path, written)

    def _stop(self, why: str) -> None:
        self._is_off = True
        if self._say is not None:
            self._say(f"days are read without being kept in {self._folder}: {why}")

    @staticmethod
    def _remove_older(path: Path, written: float) -> None:
        # Another process may have them open or be removing them too; on Windows what is mapped stays until it is closed.
        with suppress(OSError):
            for other in path.parent.iterdir():
                is_older = other.name.startswith(path.name[:11]) and other.suffix == ".npy" and other.name != path.name
                with suppress(OSError):
                    if is_older or (other.suffix == ".part" and written - other.stat().st_mtime > _STALE_S):
                        other.unlink()


def _write(path: Path, ticks: TickColumns) -> float:
    """Write a file whole or not at all; return its time as the file system says it."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            header = {"descr": "<i8", "fortran_order": False, "shape": (len(COLUMNS), len(ticks))}
            npy.write_array_header_1_0(cast(IO[bytes], file), header)
            for name in COLUMNS:
                file.write(np.ascontiguousarray(getattr(ticks, name)).data)  # numpy's own writing hides why a disk refused
            file.flush()
            os.fsync(file.fileno())
        written = part.stat().st_mtime
        try:
            part.replace(path)
        except PermissionError:
            if not path.exists():
                raise
            # On Windows: another process has just written the same day and reads it.
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return written


def _is_of(table: NDArray[np.int64], day: int) -> bool:
    # Cheap, and enough for what a crash leaves: a file of the right length full of zeros.
    if table.dtype != np.dtype("<i8") or table.ndim != 2 or len(table) != len(COLUMNS) or not table.flags.c_contiguous:
        return False
    ts = table[COLUMNS.index("ts")]
    return not len(ts) or (int(day_index(int(ts[0]))) == day and int(day_index(int(ts[-1]))) == day)


def _joined(parts: list[TickColumns]) -> TickColumns:
    found = TickColumns.join(parts)
    own = [part.seq for part in parts if len(part)]
    if any(before[-1] > after[0] for before, after in pairwise(own)):
        found = found.take(np.argsort(found.seq, kind="stable"))
    return found


def _clipped(ticks: TickColumns, begin: int, end: int) -> TickColumns:
    inside = (ticks.ts >= begin) & (ticks.ts < end)
    return ticks if inside.all() else ticks.take(inside)


def _file_name(symbol: str) -> str:
    """Return a folder's name for `symbol`, good on every system; no two symbols share one, whatever a system does to case."""
    readable = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "_" for c in symbol)[:48]
    return f"{readable}-{blake2b(symbol.encode(), digest_size=8).hexdigest()}"
