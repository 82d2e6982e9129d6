"""The simulated exchange as a process of its own, for a rehearsal: a bot may die without it, as without the real one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

from auction_bt.core.errors import Fatal

_END_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class SimReady:
    """What the simulator says when it is ready.

    Parameters
    ----------
    url, token : str
    now : int, ns
        Its time.
    speed : float
        0: its time moves on by frames alone.
    """

    url: str
    token: str
    now: int
    speed: float


class SimProcess:
    """Starts ``python -m auction_bt sim`` and ends it.

    Parameters
    ----------
    arguments : sequence of str
        Of the command.

    Attributes
    ----------
    ready : SimReady
    is_over : bool
        Whether its day was played to the end, or it has ended.
    last : dict
        What it said last: what the exchange knows of the account, at the end.
    token : str
        The last that it has granted.
    is_token_dead : bool
        Whether all tokens have died since.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "auction_bt", "sim", *arguments, "--json"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101, PT018 - for the type checker
        self._in, self._out = self._process.stdin, self._process.stdout
        self.is_over = False
        self.is_token_dead = False
        self.last: dict[str, Any] = {}
        line = self._line()
        if not line:
            self._end()
            self._out.close()
            raise Fatal("the simulated exchange did not start: see the line above")
        self.ready = SimReady(str(line["url"]), str(line["token"]), int(line["now"]), float(line["speed"] or 0.0))
        self.token = self.ready.token
        self._thread = threading.Thread(target=self._listen, name="sim", daemon=True)
        self._thread.start()

    def _line(self) -> dict[str, Any]:
        text = self._out.readline()
        found: dict[str, Any] = json.loads(text) if text.strip() else {}
        return found

    def _listen(self) -> None:
        while line := self._line():
            if "token" in line:
                self.is_token_dead = line["token"] is None
                self.token = line["token"] or self.token
                continue
            self.last = line
            self.is_over = self.is_over or bool(line.get("over"))
        self.is_over = True

    def close(self) -> None:
        """End it; what it knew of the account is in `last` then."""
        self._end()
        self._thread.join(_END_S)
        self._out.close()

    def halt(self) -> None:
        """Let no more be traded there, so that what it knows of the account is what can be known here."""
        self._tell("halt")

    def renew(self) -> None:
        """Ask for a new token; it is `token` when it has come."""
        self._tell("grant")

    def _tell(self, word: str) -> None:
        with suppress(OSError, ValueError):  # it has ended
            self._in.write(f"{word}\n")
            self._in.flush()

    def _end(self) -> None:
        with suppress(OSError):
            self._in.close()  # the word to end
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
