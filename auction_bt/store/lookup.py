"""What all stores do alike: find an instrument, name a message, know a recorded one again, check rows that replace others."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from auction_bt.core.bar import BarColumns
from auction_bt.core.errors import BadInput, UnknownSymbol
from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import day_start
from auction_bt.core.tick import TickColumns

from . import Gap, RawMessage


def find_instrument(known: list[Instrument], symbol: str) -> Instrument:
    """Return the one of `known` that `symbol` means: a symbol, then a symbol in any case, then a name in any case.

    Raises
    ------
    UnknownSymbol
        None; the message names the nearest.
    BadInput
        Several.
    """
    wanted = symbol.casefold()
    for match in (
        [i for i in known if i.symbol == symbol],
        [i for i in known if i.symbol.casefold() == wanted],
        [i for i in known if i.name and i.name.casefold() == wanted],
    ):
        if len(match) == 1:
            return match[0]
        if match:
            raise BadInput(f"{symbol!r} is the name of {', '.join(i.symbol for i in match)}: give the symbol instead")
    raise UnknownSymbol(symbol, {text for i in known for text in (i.symbol, i.name) if text})


def instrument_row(i: Instrument) -> dict[str, Any]:
    """Return the columns of an instrument as every store keeps them; None where nobody has said."""
    c = i.contract
    return {
        "symbol": i.symbol,
        "name": i.name,
        "tick": str(i.tick),
        "lot": i.lot,
        "kind": i.kind.value,
        "underlying": c.underlying if c else None,
        "expiry": c.expiry if c else None,
        "strike": str(c.strike) if c and c.strike is not None else None,
        "option_right": c.right.value if c and c.right is not None else None,
        "closing_auction": None if i.closing_auction is None else int(i.closing_auction),
    }


def instrument_of(row: Mapping[str, Any]) -> Instrument:
    """Return the instrument of columns as `instrument_row` makes them; older rows lack the later ones."""
    contract = None
    if row.get("expiry") is not None:
        strike, right = row["strike"], row["option_right"]
        contract = Contract(row["underlying"] or "", row["expiry"], Decimal(strike) if strike else None,
                            Right(right) if right else None)  # fmt: skip
    auction = row.get("closing_auction")
    return Instrument(row["symbol"], Decimal(row["tick"]), row["lot"], Kind(row["kind"]), row["name"], contract,
                      None if auction is None else bool(auction))  # fmt: skip


def identified(messages: Iterable[RawMessage]) -> Iterator[tuple[RawMessage, int, bytes]]:
    """Yield each message with how often it came before among `messages`, and with what names it in `raw_source`.

    Notes
    -----
    The name is the SHA-256 of (wanted stamp, text, occurrence): the k-th of equal messages of one file is the k-th of another.
    """
    seen: Counter[bytes] = Counter()
    for message in messages:
        digest = hashlib.sha256(b"%d\0" % message.ts + message.text.encode())
        key = digest.digest()
        occurrence = seen[key]
        seen[key] += 1
        digest.update(b"\0%d" % occurrence)
        yield message, occurrence, digest.digest()


def digest_of(text: str) -> bytes:
    """Return what stands for a text where texts are compared."""
    return hashlib.sha256(text.encode()).digest()


@dataclass(slots=True)
class _Run:
    """The stamps looked at of a run of taken ones: up to where, and what stands at them."""

    end: int
    stamps: dict[bytes, deque[int]] = field(default_factory=dict)


class Recogniser:
    """Finds the recorded message that a message to be imported is.

    Parameters
    ----------
    digest_at : callable (stamp) returning bytes or None
        `digest_of` the text that stands there; None where the stamp is free, empty where what stands there is an import's.
    is_claimed : callable (stamp) returning bool
        Whether an earlier import has named the message there. Asked only of texts that are equal.

    Notes
    -----
    A recorded message has no name in `raw_source`. One with the same text at the wanted stamp, or in the run of taken stamps that
    begins there (to whose end a message is moved to be unique), is the message itself. So is one in the run that begins at the
    latest stamp wanted before it: a recorder, whose stamps only increase, puts what comes late there. Each is named once, so that
    the k-th of equal messages of a file is the k-th of those recorded.
    """

    def __init__(self, digest_at: Callable[[int], bytes | None], is_claimed: Callable[[int], bool]) -> None:
        self._digest_at = digest_at
        self._is_claimed = is_claimed
        self._runs: dict[int, _Run] = {}  # by the wanted stamp
        self._given: set[int] = set()
        self._latest: int | None = None

    def see(self, message: RawMessage) -> None:
        """Take notice of the next message of the file, found or not."""
        self._latest = message.ts if self._latest is None else max(self._latest, message.ts)

    def give(self, ts: int) -> None:
        """Say that the message at a stamp is an import's by now."""
        self._given.add(ts)

    def find(self, message: RawMessage) -> int | None:
        """Return the stamp of the recorded message that this is, given to it; None where there is none."""
        ts = self._in_run(message.ts, message.text)
        if ts is None and self._latest is not None and self._latest > message.ts:
            ts = self._in_run(self._latest, message.text)
        return ts

    def _in_run(self, begin: int, text: str) -> int | None:
        run = self._runs.get(begin)
        if run is None:
            if self._digest_at(begin) is None:
                return None
            run = self._runs[begin] = _Run(begin)
        while (found := self._digest_at(run.end)) is not None:
            if found and run.end not in self._given:
                run.stamps.setdefault(found, deque()).append(run.end)
            run.end += 1
        waiting = run.stamps.get(digest_of(text), deque())
        while waiting:
            ts = waiting.popleft()
            if ts not in self._given and not self._is_claimed(ts):
                self.give(ts)
                return ts
        return None


def check_derived(symbol: str, days: range, ticks: TickColumns, bars: BarColumns, gaps: Iterable[Gap]) -> None:
    """Raise ValueError where rows lie outside the days they are to replace, or ticks are out of order."""
    begin, end = day_start(days.start), day_start(days.stop)
    for ts, what in ((ticks.ts, "ticks"), (bars.ts, "bars")):
        if len(ts) and not begin <= int(ts.min()) <= int(ts.max()) < end:
            raise ValueError(f"{symbol}: {what} outside the days being replaced")
    if any(not begin <= gap.begin < end for gap in gaps):
        raise ValueError(f"{symbol}: gaps outside the days being replaced")
    if len(ticks) and bool((ticks.seq[1:] <= ticks.seq[:-1]).any()):
        raise ValueError(f"{symbol}: seq of ticks must increase")
