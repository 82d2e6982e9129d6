"""Locks between processes of one machine: held by the operating system, so that they end with the process, however it ends."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from auction_bt.core.errors import Retryable

_WAIT_S: Final = 600.0  # an import of a year takes minutes
_POLL_S: Final = 0.02


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file if nobody has it; it is held until the file is closed or the process ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Hold the lock `name` of this machine, waiting for whoever has it.

    Raises
    ------
    Retryable
        It is not free after ten minutes.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"auction_bt-{user}-{digest}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + _WAIT_S
        while not try_lock(descriptor):
            if time.monotonic() > until:
                raise Retryable(
                    f"another process has been writing {name} for {_WAIT_S / 60:.0f} minutes: try again when it is done"
                )
            time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)
