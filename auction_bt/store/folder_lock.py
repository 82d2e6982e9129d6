"""One process a folder, for as long as that process lives."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, Self

from auction_bt.core.errors import BadInput, Refused

from .lock import try_lock

_FAR: Final = 1 << 30  # Windows locks bytes, and nobody else may read them: lock one that is never written

_TRIES: Final = 4
_WAIT_S: Final = 0.05


def _locked(number: int) -> bool:
    # Somebody who only asks whether it is taken has it for a moment.
    for left in reversed(range(_TRIES)):
        if try_lock(number):
            return True
        if left:
            time.sleep(_WAIT_S)
    return False


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
    def take(cls, folder: Path, name: str, what: str, *, cure: str = "stop it first, or give another --state") -> Self:
        """Take the lock `name` in `folder`, making the folder first where there is none.

        Parameters
        ----------
        what : str
            Who takes it, for the message: ``recorder``.
        cure : str
            What to do where another has it.

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
        os.lseek(file.fileno(), _FAR, os.SEEK_SET)
        if not _locked(file.fileno()):
            file.seek(0)
            holder = file.read(200).strip() or "another process"
            file.close()
            raise Refused(f"another {what} ({holder}) is using {folder}: {cure}")
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        with suppress(OSError):  # a full disk: the lock holds without a name in it
            file.flush()
        return cls(file)

    @staticmethod
    def is_held(folder: Path, name: str) -> bool:
        """Whether a process has the lock; nothing is made or written to find out."""
        try:
            with (folder / name).open("r+", encoding="utf-8") as file:
                os.lseek(file.fileno(), _FAR, os.SEEK_SET)
                return not try_lock(file.fileno())  # let go at once: the file is closed
        except OSError:
            return False

    def release(self) -> None:
        """Give the folder back."""
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
