"""Where a process that records lets others in, and how the two of them know each other."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from pathlib import Path
from typing import Any, Final, Protocol, Self

from auction_bt.secret_file import keep_secret, read_secret

FILE: Final = "recorder.door"
HOST: Final = "127.0.0.1"

# What is said, by the first byte. To the guest:
MESSAGE: Final = b"M"  # its seq, and its text
COMMITTED: Final = b"C"  # up to which seq all is on the disk
KEPT: Final = b"K"  # the number of a message of the guest's that is recorded
LIVE: Final = b"L"  # what was recorded before has been said
STANDING: Final = b"S"
# From the guest:
ATTACH: Final = b"A"
TELL: Final = b"T"  # a message to record, with a number
HURRY: Final = b"H"  # write what waits now

_KEY_BYTES: Final = 32
_MOST: Final = 64  # bytes of an answer of one who may be anybody
_PATIENCE_S: Final = 5.0
_NUMBER: Final = 8


class Line(Protocol):
    """One end of a connection; `multiprocessing.connection.Connection` is one."""

    def send_bytes(self, said: bytes, /) -> None: ...  # noqa: D102
    def recv_bytes(self, most: int | None = None, /) -> bytes: ...  # noqa: D102
    def poll(self, timeout: float = 0.0, /) -> bool: ...  # noqa: D102
    def fileno(self) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


def promptly(line: Line) -> Line:
    """Return a line on which each word goes out at once.

    Notes
    -----
    Left alone, TCP keeps a short word back until the one before is confirmed, which the other end puts off for 40 ms: an order
    is not worth that.
    """
    with socket.fromfd(line.fileno(), socket.AF_INET, socket.SOCK_STREAM) as same:
        same.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return line


@dataclass(frozen=True, slots=True)
class Door:
    """Where to knock.

    Parameters
    ----------
    port : int
        On this machine's loopback.
    key : str
        What both sides prove to have.
    """

    port: int
    key: str

    @classmethod
    def cut(cls, port: int) -> Self:
        """Return a door with a new key."""
        return cls(port, secrets.token_hex(_KEY_BYTES))

    @classmethod
    def of(cls, state: Path) -> Self | None:
        """Return the door of whoever records into a state folder; None where none was ever opened."""
        text = read_secret(state / FILE, "the recorder's door", "start `record` anew")
        port, _, key = text.partition(" ")
        return cls(int(port), key) if port.isdecimal() and key else None

    def show(self, state: Path) -> None:
        """Let those find it who may read the owner's files."""
        keep_secret(state / FILE, f"{self.port} {self.key}")

    @staticmethod
    def forget(state: Path) -> None:
        """Take it away."""
        with suppress(OSError):
            (state / FILE).unlink()

    def prove(self, line: Line, me: bytes, them: bytes) -> None:
        """Let both ends prove that they have the key; it is not said.

        Raises
        ------
        AuthenticationError
            The other has not, or says nothing.
        """
        mine = secrets.token_bytes(_KEY_BYTES)
        line.send_bytes(mine)
        line.send_bytes(self._proof(me, _heard(line)))
        if not hmac.compare_digest(_heard(line), self._proof(them, mine)):
            raise AuthenticationError("the other end has another key")

    def _proof(self, who: bytes, said: bytes) -> bytes:
        return hmac.digest(self.key.encode(), who + said, "sha256")


def _heard(line: Line) -> bytes:
    if not line.poll(_PATIENCE_S):
        raise AuthenticationError("the other end says nothing")
    return line.recv_bytes(_MOST)


def numbered(kind: bytes, number: int, text: str = "") -> bytes:
    """Return what is said of something that has a number."""
    return kind + number.to_bytes(_NUMBER, "big", signed=True) + text.encode()


def number_of(said: bytes) -> int:
    """Return its number."""
    return int.from_bytes(said[1 : 1 + _NUMBER], "big", signed=True)


def text_of(said: bytes) -> str:
    """Return its text."""
    return said[1 + _NUMBER :].decode()


def worded(kind: bytes, values: Mapping[str, Any]) -> bytes:
    """Return what is said with names."""
    return kind + json.dumps(values).encode()


def words_of(said: bytes) -> Any:
    """Return the names and values."""
    return json.loads(said[1:])
