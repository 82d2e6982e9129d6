"""Messages of one write as one packed value: a row a message costs more than the message."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from auction_bt.core.errors import Fatal

_HEAD: Final = struct.Struct("<4scII")  # magic, encoding, messages, bytes of the list of symbols
_MAGIC: Final = b"ABTM"
_SMALL: Final = 2_048  # bytes; deflating fewer gains nothing
_LEVEL: Final = 1


class Kept(NamedTuple):
    """A message in the spool; `symbols` is None where nobody has looked yet."""

    ts: int
    text: str
    symbols: tuple[str, ...] | None


def pack(messages: Sequence[Kept]) -> bytes:
    """Return the messages as one value, byte for byte.

    Raises
    ------
    UnicodeEncodeError
        One of them is no text.
    """
    stamps, texts, symbols = zip(*messages, strict=True)
    distinct: dict[tuple[str, ...] | None, int] = {}
    rank = [distinct.setdefault(s, len(distinct)) for s in symbols]
    names = json.dumps(list(distinct)).encode()
    body = b"".join((
        np.array(stamps, "<i8").tobytes(), np.array([*map(len, texts)], "<u4").tobytes(), np.array(rank, "<u4").tobytes(), names,
        "".join(texts).encode(),
    ))  # fmt: skip
    code = b"0"
    if len(body) > _SMALL:
        code, body = b"z", zlib.compress(body, _LEVEL)
    return _HEAD.pack(_MAGIC, code, len(messages), len(names)) + body


def unpack(block: bytes) -> list[Kept]:
    """Return the messages of a block.

    Raises
    ------
    Fatal
        It is damaged.
    """
    try:
        magic, code, count, size = _HEAD.unpack_from(block)
        if magic != _MAGIC:
            raise ValueError("no block of messages")
        body = block[_HEAD.size :]
        if code == b"z":
            body = zlib.decompress(body)
        stamps = np.frombuffer(body, "<i8", count).tolist()
        lengths = np.frombuffer(body, "<u4", count, 8 * count)
        rank = np.frombuffer(body, "<u4", count, 12 * count).tolist()
        at = 16 * count
        distinct = [None if names is None else tuple(names) for names in json.loads(body[at : at + size])]
        text = body[at + size :].decode()
        ends = np.cumsum(lengths, dtype=np.int64).tolist()
        if (ends[-1] if ends else 0) != len(text):
            raise ValueError("texts of another length")
        begins = [0, *ends[:-1]]
        return [Kept(ts, text[a:b], distinct[r]) for ts, a, b, r in zip(stamps, begins, ends, rank, strict=True)]
    except (struct.error, zlib.error, ValueError, IndexError, TypeError) as error:
        raise Fatal(
            "a block of messages in the spool is damaged: copy the spool away, then record with another --state"
        ) from error
