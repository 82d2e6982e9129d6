"""What goes wrong with the sockets and when: a plan from a seed or by hand, and a line that carries it out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from auction_bt.core.errors import BadInput

from .faults import read_table

MARKET: Final = "market"
PORTFOLIO: Final = "portfolio"
_LATE: Final = 5  # frames that pass one that is late
_BACK: Final = 1_000  # shares by which a volume goes back


class SocketFaultKind(StrEnum):
    """What goes wrong with a socket."""

    CLOSE = "close"  # the server closes with a code
    CUT = "cut"  # the connection is reset
    MUTE = "mute"  # frames are lost for some seconds, pings are answered
    HALF_OPEN = "half_open"  # nothing is sent, read or answered for some seconds
    FLAP = "flap"  # this and the next connections are closed when they have just been made
    DUPLICATE = "duplicate"
    SWAP = "swap"  # with the next frame
    DELAY = "delay"  # some frames pass it
    DROP = "drop"
    BACKWARDS = "backwards"  # the volume of the day goes back
    GARBAGE = "garbage"  # bytes that are no message, beside the frame
    REFUSED = "refused"  # a text frame that says what failed, beside the frame


_ON_CONNECTION: Final = frozenset({"close", "cut", "mute", "half_open", "flap"})


@dataclass(frozen=True, slots=True)
class SocketFault:
    """One thing that goes wrong.

    Parameters
    ----------
    kind : SocketFaultKind
    frame : int
        At which frame of this kind of socket, counted from 1 over all connections.
    on : str
        ``market`` or ``portfolio``.
    times : int
        How many frames in a row, or connections of FLAP.
    seconds : float
        Of MUTE and HALF_OPEN.
    code : int
        Of CLOSE and FLAP.
    """

    kind: SocketFaultKind
    frame: int
    on: str = MARKET
    times: int = 1
    seconds: float = 2.0
    code: int = 1001

    def __post_init__(self) -> None:
        known_code = self.code in {1000, 1001, 1008, 1011, 1012, 1013} or 3000 <= self.code <= 4999
        if self.frame < 1 or self.times < 1 or not 0 <= self.seconds <= 600 or not known_code:
            raise BadInput(f"fault {self.kind} at frame {self.frame}: frames count from 1, seconds are 0 to 600, a code is 1000, "
                           "1001, 1008, 1011 to 1013 or 3000 to 4999")  # fmt: skip
        if self.on not in {MARKET, PORTFOLIO}:
            raise BadInput(f"fault {self.kind}: there is no socket {self.on!r}: {MARKET} and {PORTFOLIO}")


class Deed(NamedTuple):
    """What is to be done in place of sending one frame.

    Parameters
    ----------
    payloads : list of bytes or str
        To be sent, in order.
    fault : SocketFault or None
        What then happens to the connection.
    """

    payloads: list[bytes | str]
    fault: SocketFault | None = None


class Line:
    """One kind of socket, over all its connections.

    Parameters
    ----------
    faults : iterable of SocketFault
    on : str
    backwards : callable (bytes, int) returning bytes
        Returns a frame whose volumes are so many shares less.
    """

    def __init__(self, faults: Iterable[SocketFault], on: str, backwards: Callable[[bytes, int], bytes]) -> None:
        self._faults = sorted((f for f in faults if f.on == on), key=lambda f: f.frame)
        self._backwards = backwards
        self._count = 0
        self._held: list[tuple[int, bytes | str]] = []  # until which frame
        self._flaps: list[SocketFault] = []

    @property
    def is_clean(self) -> bool:
        """Whether nothing goes wrong on it."""
        return not self._faults

    def connected(self) -> SocketFault | None:
        """Return what happens to a connection that was just made."""
        return self._flaps.pop() if self._flaps else None

    def pass_on(self, payload: bytes | str) -> Deed:
        """Return what is to be done with the next frame."""
        self._count += 1
        due = [item for until, item in self._held if until <= self._count]
        self._held = [(until, item) for until, item in self._held if until > self._count]
        payloads: list[bytes | str] = [payload]
        after: SocketFault | None = None
        for fault in self._faults:
            if not fault.frame <= self._count < fault.frame + (fault.times if fault.kind not in _ON_CONNECTION else 1):
                continue
            if fault.kind in _ON_CONNECTION:
                after = fault
                if fault.kind is SocketFaultKind.FLAP:
                    self._flaps = [fault] * fault.times
            else:
                payloads = self._spoiled(fault.kind, payload)
        return Deed(payloads + due, after)

    def _spoiled(self, kind: SocketFaultKind, payload: bytes | str) -> list[bytes | str]:
        if kind is SocketFaultKind.DUPLICATE:
            return [payload, payload]
        if kind in {SocketFaultKind.SWAP, SocketFaultKind.DELAY}:
            self._held.append((self._count + (1 if kind is SocketFaultKind.SWAP else _LATE), payload))
            return []
        if kind is SocketFaultKind.DROP:
            return []
        if kind is SocketFaultKind.BACKWARDS and isinstance(payload, bytes):
            return [self._backwards(payload, _BACK)]
        if kind is SocketFaultKind.GARBAGE:
            return [b"\xff\xff\xff\xff no message", payload]
        if kind is SocketFaultKind.REFUSED:
            return ['{"status":"failed","error":"fault of the plan","method":"sub"}', payload]
        return [payload]


def socket_faults_of_seed(
    seed: int, *, frames: int = 20_000, share: float = 0.001, kinds: Iterable[SocketFaultKind] = tuple(SocketFaultKind)
) -> tuple[SocketFault, ...]:
    """Return faults of about `share` of the first `frames` frames; the same seed, the same faults."""
    rng = np.random.default_rng([seed, 7])
    chosen = tuple(kinds)
    if not chosen or not 0 <= share <= 1:
        raise BadInput("a plan of faults needs a kind of fault, and a share of 0 to 1")
    bad = np.flatnonzero(rng.random(frames) < share) + 1
    which = rng.integers(len(chosen), size=len(bad))
    on = rng.random(len(bad)) < 0.8
    seconds = rng.uniform(0.2, 3.0, size=len(bad))
    codes = rng.choice([1000, 1001, 1011, 1012], size=len(bad))
    return tuple(
        SocketFault(chosen[w], int(f), MARKET if m else PORTFOLIO, seconds=round(float(s), 2), code=int(c))
        for f, w, m, s, c in zip(bad, which, on, seconds, codes, strict=True)
    )


def socket_faults_of(rows: Iterable[Mapping[str, Any]], where: str = "plan") -> tuple[SocketFault, ...]:
    """Return the faults that tables say, each with a ``kind`` and a ``frame``."""
    try:
        return tuple(SocketFault(**{**row, "kind": SocketFaultKind(row["kind"])}) for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        kinds = ", ".join(SocketFaultKind)
        raise BadInput(f"{where}: no faults of sockets ({error}); each has a kind ({kinds}) and a frame") from error


def read_socket_faults(path: Path) -> tuple[SocketFault, ...]:
    """Return the faults of sockets in a file of faults: its tables ``sockets``, and those of its ``seed``."""
    said = read_table(path)
    rows = said.get("sockets", [])
    if not isinstance(rows, list):
        raise BadInput(f"{path}: sockets must be tables, [[sockets]]")
    seed = said.get("seed")
    made = socket_faults_of_seed(seed) if isinstance(seed, int) else ()
    return made + socket_faults_of(rows, str(path))
