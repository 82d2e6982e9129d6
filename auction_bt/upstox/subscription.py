"""Which instruments a market feed is to send, and in which mode. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from auction_bt.core.errors import BadInput

LTPC: Final = "ltpc"
FULL: Final = "full"
OPTION_GREEKS: Final = "option_greeks"
#: Most keys of a mode on one connection: where it is the only mode, and beside others.
LIMITS: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {LTPC: (5000, 2000), FULL: (2000, 1500), OPTION_GREEKS: (3000, 2000)}
)
BATCH: Final = 100  # keys of one request


def joined(wanted: Mapping[str, str], keys: Iterable[str], mode: str) -> dict[str, str]:
    """Return what is wanted (key to mode), with `keys` in `mode`.

    Raises
    ------
    BadInput
        There is no such mode, or one connection may not have so many.
    """
    if mode not in LIMITS:
        raise BadInput(f"the feed has no mode {mode!r}: {', '.join(LIMITS)}")
    found = {**wanted, **dict.fromkeys(keys, mode)}
    counts = Counter(found.values())
    for used, count in counts.items():
        most = LIMITS[used][len(counts) > 1]
        if count > most:
            raise BadInput(f"{count} instruments in mode {used}: one connection has {most} at most"
                           f"{' beside other modes' if len(counts) > 1 else ''}; leave some out")  # fmt: skip
    return found


class Step(NamedTuple):
    """One request to the feed.

    Parameters
    ----------
    method : str
        ``sub``, ``unsub`` or ``change_mode``.
    keys : list of str
        At most `BATCH`.
    mode : str
        '' for ``unsub``.
    """

    method: str
    keys: list[str]
    mode: str = ""


def steps(wanted: Mapping[str, str], asked: Mapping[str, Iterable[str]]) -> Iterator[Step]:
    """Yield the requests that lead from what a connection was asked for (mode to keys) to what is wanted (key to mode)."""
    before = {key: mode for mode, keys in asked.items() for key in keys}
    for some in _batches(key for key in before if key not in wanted):
        yield Step("unsub", some)
    for mode in LIMITS:
        of_mode = [key for key, its in wanted.items() if its == mode]
        for some in _batches(key for key in of_mode if key not in before):
            yield Step("sub", some, mode)
        for some in _batches(key for key in of_mode if before.get(key, mode) != mode):
            yield Step("change_mode", some, mode)


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    chosen = sorted(keys)
    for at in range(0, len(chosen), BATCH):
        yield chosen[at : at + BATCH]
