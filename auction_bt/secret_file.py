"""A secret in a file that its owner alone may read."""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from .core.errors import BadInput

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def keep_secret(path: Path, text: str) -> Path:
    """Write `text` (ASCII) for its owner alone, whole or not at all; return where."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number, name = mkstemp(dir=path.parent, prefix=f"{path.name}.")  # made for its owner alone
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return path


def read_secret(path: Path, what: str, cure: str) -> str:
    """Return what a file holds; '' where there is none.

    Parameters
    ----------
    what, cure : str
        For messages: ``the token``, ``run `login` anew``.

    Raises
    ------
    BadInput
        It cannot be read, or others may read it.
    """
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{what} in {path} cannot be read ({error}): {cure}") from error
    if sys.platform != "win32" and mode & _OTHERS:
        raise BadInput(f"others may read {what} in {path}: chmod 600 {path}, or {cure}")
    return text
