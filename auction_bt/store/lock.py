"""One process a folder: a lock that the operating system takes away when the process ends, however it ends."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

from auction_bt.core.errors import BadInput, Refused

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_FAR: Final = 1 << 30  # Windows locks bytes and nobody may read them: lock one that is never written


class FolderLock:
    """Holds a folder for this process; `release` it, or let the process end.

    Parameters
    ----------
    file : file
        Open, and locked; as `take` makes it.
    """

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    @classmethod
    def take(cls, folder: Path, name: str, what: str) -> Self:
        """Take the lock `name` in `folder`, making the folder first where there is none.

        Parameters
        ----------
        what : str
            Who takes it, for the message: ``recorder``.

        Raises
        ------
        Refused
            Another process has it; the message names it.
        """
        path = folder / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror or error}: give another --state") from error
        try:
            _lock(file)
        except OSError:
            file.seek(0)
            holder = file.read(200).strip() or "another process"
            file.close()
            raise Refused(f"another {what} ({holder}) is using {folder}: stop it first, or give another --state") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        return cls(file)

    def release(self) -> None:
        """Give the folder back."""
        if not self._file.closed:
            with suppress(OSError):
                self._file.truncate(0)
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


if sys.platform == "win32":

    def _lock(file: IO[str]) -> None:
        file.seek(_FAR)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
