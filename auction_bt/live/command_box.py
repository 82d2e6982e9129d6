"""A folder by which other processes tell a running day what to do, and hear what came of it."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.store.folder_lock import FolderLock

RUN_LOCK: Final = "run.lock"  # of the one run of a state folder, which a recorder may stand beside
FOLDER: Final = "commands"
WORDS: Final = ("halt", "resume", "flatten")
_LOOK_S: Final = 0.1
_NEW: Final = ".json"
_IN_HAND: Final = ".held"  # as long as the other: names are what stands before them


def is_running(state: Path) -> bool:
    """Whether a bot runs on a state folder; whoever records alone is none."""
    return FolderLock.is_held(state, RUN_LOCK)


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants.

    Parameters
    ----------
    what : str
        ``halt``, ``resume`` or ``flatten``.
    symbol : str
        '' for all.
    by : str
        Who says so: ``command line``, ``viewer``.
    name : str
        Of its file; the order of names is that of the commands.
    """

    what: str
    symbol: str = ""
    by: str = ""
    name: str = ""


class CommandBox:
    """The folder ``commands`` of a state folder.

    Parameters
    ----------
    state : Path

    Notes
    -----
    A command that nobody takes waits for the next start, which begins with it: a day that was to be halted is not traded because
    its bot was down when that was said.
    """

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    # ---------------------------------------------------------------- for whoever wants something
    def post(self, command: Command) -> str:
        """Put a command in; return its name.

        Raises
        ------
        BadInput
            The folder cannot be written.
        """
        name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
        body = json.dumps({"what": command.what, "symbol": command.symbol, "by": command.by})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{name}.part"
            part.write_text(body, encoding="utf-8")
            part.replace(self._folder / f"{name}{_NEW}")
        except OSError as error:
            raise BadInput(f"{self._folder} cannot be written ({error.strerror or error}): give the bot's --state") from error
        return name

    def answer(self, name: str, seconds: float, sleep: Callable[[float], None] = time.sleep) -> str | None:
        """Wait for what came of a command, and take it out; None where nobody has said within `seconds`."""
        path, until = self._folder / f"{name}.txt", time.monotonic() + seconds
        while True:
            with suppress(OSError):
                found = path.read_text(encoding="utf-8")
                path.unlink()
                return found
            if time.monotonic() >= until:
                return None
            sleep(_LOOK_S)

    def take_back(self, name: str, seconds: float, sleep: Callable[[float], None] = time.sleep) -> bool:
        """Take a command out that nobody has taken within `seconds`; return whether it was so.

        Notes
        -----
        What was to be done at once must not be done hours later, by the next start.
        """
        path, until = self._folder / f"{name}{_NEW}", time.monotonic() + seconds
        while path.exists():
            if time.monotonic() >= until:
                with suppress(OSError):
                    path.unlink()
                    return True
                break  # it was taken at this moment
            sleep(_LOOK_S)
        return False

    # ---------------------------------------------------------------- for whoever obeys
    def waiting(self) -> list[Command]:
        """Return what was put in and not taken out, oldest first; what is no command is taken out and left at that."""
        try:
            names = sorted(entry[:-5] for entry in os.listdir(self._folder) if entry.endswith((_NEW, _IN_HAND)))
        except OSError:
            return []
        found = []
        for name in names:
            try:
                said = json.loads(self._body(name).read_text(encoding="utf-8"))
            except (OSError, ValueError):
                said = None
            if isinstance(said, dict) and said.get("what") in WORDS:
                found.append(Command(said["what"], str(said.get("symbol") or ""), str(said.get("by") or ""), name))
            else:
                self.drop(name)
        return found

    def accept(self, name: str) -> None:
        """Say that a command is in hand: whoever gave it cannot take it back any more, and a start after a crash obeys it."""
        with suppress(OSError):
            (self._folder / f"{name}{_NEW}").replace(self._folder / f"{name}{_IN_HAND}")

    def drop(self, name: str) -> None:
        """Take a command out: it has been recorded."""
        with suppress(OSError):
            self._body(name).unlink()

    def _body(self, name: str) -> Path:
        found = self._folder / f"{name}{_IN_HAND}"
        return found if found.exists() else self._folder / f"{name}{_NEW}"

    def tell(self, name: str, text: str) -> None:
        """Say what came of a command."""
        with suppress(OSError):  # a full disk: whoever waits is told by the time
            part = self._folder / f"{name}.txt.part"
            part.write_text(text, encoding="utf-8")
            part.replace(self._folder / f"{name}.txt")
