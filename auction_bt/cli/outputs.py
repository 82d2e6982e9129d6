"""Files that a command writes: whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from auction_bt.core.errors import BadInput


def check_targets(targets: Iterable[str | None]) -> None:
    """Refuse, before any work is done, what could not be written after it.

    Raises
    ------
    BadInput
        An empty name, a missing folder, a folder or device in the place of a file, the same place twice.
    """
    given = [t for t in targets if t is not None]
    for target in given:
        if target != "-":
            _file(target)
    places = [t if t == "-" else str(_file(t)) for t in given]
    twice = next((p for p in places if places.count(p) > 1), None)
    if twice is not None:
        name = "standard output" if twice == "-" else twice
        raise BadInput(f"two outputs would go to {name}: give each a file of its own")


def _file(target: str) -> Path:
    # A link is followed: what is replaced is the file it names.
    try:
        path = Path(os.path.realpath(target)) if target else Path()
        if not target or path.is_dir():
            raise BadInput(f"{target!r} is no file to write: give a file's name")
        if path.exists() and not path.is_file():
            raise BadInput(f"cannot write {target}: it is a device or a pipe; write to - and redirect it instead")
        if not path.parent.is_dir():
            raise BadInput(f"cannot write {target}: there is no folder {path.parent}")
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror or error}") from None
    if not os.access(path.parent, os.W_OK):
        raise BadInput(f"cannot write {target}: the folder {path.parent} is not yours to write")
    return path


def write_with(target: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a new file beside `target`, then put it in its place.

    Raises
    ------
    BadInput
        The folder is missing or not writable, the disk is full.
    """
    path = _file(str(target))
    part = path.with_name(f".{os.getpid()}.part{path.suffix}")
    try:
        write(part)
        part.replace(path)
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror or error}") from None
    finally:
        part.unlink(missing_ok=True)


def write_text(target: str, text: str) -> None:
    """Write `text` to a file, or to standard output where `target` is ``-``."""
    if target == "-":
        sys.stdout.write(text)
    else:
        write_with(Path(target), lambda part: part.write_text(text, encoding="utf-8", newline="\n"))


def write_lines(target: str, lines: Iterable[str]) -> None:
    """Write texts, line ends and all, one after the other: to a file, or to standard output where `target` is ``-``."""
    if target == "-":
        sys.stdout.writelines(lines)
        return

    def write(part: Path) -> None:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)

    write_with(Path(target), write)
