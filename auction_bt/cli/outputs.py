"""Files that a command writes: whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from auction_bt.core.errors import BadInput


def write_with(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a new file beside `path`, then put it in its place.

    Raises
    ------
    BadInput
        The folder is missing or not writable.
    """
    part = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"cannot write {path}: {error.strerror or error}: choose a folder that exists and is yours") from None
    finally:
        part.unlink(missing_ok=True)


def write_text(target: str, text: str) -> None:
    """Write `text` to a file, or to standard output where `target` is ``-``."""
    if target == "-":
        sys.stdout.write(text)
    else:
        write_with(Path(target), lambda part: part.write_text(text, encoding="utf-8", newline="\n"))
