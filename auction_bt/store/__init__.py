"""Where recorded messages, ticks and bars are kept: one protocol, several implementations.

`TickStore` is what every command is written against; `open_store` picks the implementation by DSN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol, Self

from auction_bt.core.bar import BarColumns
from auction_bt.core.instrument import Instrument
from auction_bt.core.tick import TickColumns


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message as received.

    Parameters
    ----------
    ts : int, ns
        Wanted stamp when written (the store moves it to the next free ns), unique stamp when read: the message's `seq`.
    text : str
        The message, byte for byte.
    symbols : tuple of str
        Symbols it speaks of; empty for a message about all of them (market status, clock, command).
    """

    ts: int
    text: str
    symbols: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded message of our own kinds (clock, command, order, candles, funds, gap, state)."""

    seq: int
    kind: str
    symbol: str
    payload: str


GAPS: Final = "silences, late joins"  # the kinds of `Gap`, for people: where they are counted together


@dataclass(frozen=True, slots=True)
class Gap:
    """A silence of one symbol's feed, by receive stamps.

    Parameters
    ----------
    begin, end : int, ns
        `seq` of the last message before and the first after.
    kind : str
        ``silence``; ``joined`` for volume traded before the first message of a day (`volume` says how much).
    """

    symbol: str
    begin: int
    end: int
    kind: str
    volume: int = 0


@dataclass(frozen=True, slots=True)
class DayHoldings:
    """What the store holds of one symbol on one IST day; `gaps` counts silences, `volume` and `tick_volume` are the bars'."""

    symbol: str
    day: int
    bars: int
    ticks: int
    messages: int
    gaps: int
    volume: int
    tick_volume: int


@dataclass(frozen=True, slots=True)
class ArchivedDay:
    """Messages of a day that were compressed.

    Parameters
    ----------
    day : int
        Its number: of the IST day, on a server of the UTC day, by which it keeps its files.
    messages : int
    bytes_before, bytes_after : int
        Of their texts, and of the blocks or files made from them.
    """

    day: int
    messages: int
    bytes_before: int
    bytes_after: int


@dataclass(frozen=True, slots=True)
class StoreSize:
    """What a store takes on its disk: bytes in all, and of these `spare` ones, which new rows will use."""

    total: int
    spare: int


class DerivedStore(Protocol):
    """What making ticks, bars, gaps and events from messages asks of a store."""

    def writing(self) -> AbstractContextManager[None]:
        """Hold the store's only write: what is read and written inside is one transaction, kept whole or not at all."""
        ...

    def raw(self, begin: int, end: int, symbols: Iterable[str] | None = None) -> Iterator[RawMessage]:
        """Yield messages with ``begin <= ts < end`` in order; of `symbols` and of all, or every one."""
        ...

    def raw_days(self, symbol: str) -> list[int]:
        """Return the IST days on which the store has messages that name `symbol`, oldest first."""
        ...

    def ticks(self, symbol: str, begin: int, end: int) -> TickColumns:
        """Return ticks with ``begin <= ts < end`` in `seq` order."""
        ...

    def bars(self, symbol: str, begin: int, end: int) -> BarColumns:
        """Return bars with ``begin <= ts < end`` in `ts` order."""
        ...

    def put_derived(
        self,
        symbol: str,
        days: range,
        ticks: TickColumns,
        bars: BarColumns,
        gaps: list[Gap],
    ) -> None:
        """Replace all ticks, bars and gaps of `symbol` on `days` by these."""
        ...

    def put_events(self, begin: int, end: int, events: list[Event]) -> None:
        """Replace all events with ``begin <= seq < end`` by these."""
        ...


class TickStore(DerivedStore, Protocol):
    """Everything a command may ask of a store.

    Notes
    -----
    Days are IST days by number (`core.ist.day_index`). Ticks belong to the day of their `ts`, messages to the day of their
    stamp. Every write is one transaction: it is there whole or not at all.
    """

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...

    def instruments(self) -> list[Instrument]: ...
    def instrument(self, symbol: str) -> Instrument:
        """Return one instrument, found by symbol or by name; raise `UnknownSymbol` naming the nearest."""
        ...

    def put_instrument(self, instrument: Instrument) -> None: ...

    def add_raw(
        self, messages: Iterable[RawMessage], *, placed: bool = False, recognised: Callable[[int], None] | None = None
    ) -> int:
        """Keep new messages, each at its own stamp or the next free ns; return how many were new.

        A message with the same (stamp, text, occurrence within this call) as one kept before is the same message. So is one that
        was recorded: the same text, not yet recognised, where a recorder would have put it (`lookup.Recogniser`); `recognised` is
        told the stamp of each. With `placed` the stamps were given by a store (an export): the same text standing
        at the same stamp is the same too.
        """
        ...

    def append_raw(self, messages: Sequence[RawMessage]) -> None:
        """Keep messages exactly at their stamps, as a recorder gave them; one that stands there already is the same one.

        Returns when they are visible to every reader, or at least safe from a crash of this process and of the server.

        Raises
        ------
        Refused
            One of them can never be kept (another message stands at its stamp, its text is no text): nothing was kept, or what
            was kept is safe to send again.
        Retryable
            The store cannot be reached now; the same call may be made again.
        """
        ...

    def raw_count(self, begin: int, end: int) -> int:
        """Return how many messages have ``begin <= ts < end``."""
        ...

    def last_raw(self) -> int:
        """Return the greatest stamp of a message, -1 where there is none."""
        ...

    def archive(self, before: int, progress: Callable[[int], None] | None = None) -> list[ArchivedDay]:
        """Compress the messages of days before `before`, each hash-checked first; they are read and written as ever.

        Parameters
        ----------
        before : int
            IST day by number; a server compresses the UTC days that end before it begins.
        progress : callable, optional
            Told the day that is being worked on.

        Returns
        -------
        list of ArchivedDay
            What was compressed by this call, oldest first.
        """
        ...

    def size(self) -> StoreSize: ...

    def claim(self, name: str, holder: str, now: int, until: int) -> str:
        """Take or renew the lease `name` up to `until` (ns); return who holds it now: `holder`, or another whose time runs."""
        ...

    def release(self, name: str, holder: str) -> None:
        """Give the lease back; nothing happens where another holds it."""
        ...

    def seals(self, symbol: str, days: range) -> dict[int, int]:
        """Return the seal (`seal.seal_of`) of each of `days` on which the store has derived rows of `symbol`."""
        ...

    def events(self, begin: int, end: int) -> list[Event]: ...
    def gaps(self, symbol: str, begin: int, end: int) -> list[Gap]: ...
    def days(self, symbol: str) -> list[int]:
        """Return the IST days on which the store has bars or ticks of `symbol`, oldest first."""
        ...

    def holdings(self, symbol: str | None = None) -> list[DayHoldings]: ...


def open_store(dsn: str = "sqlite:///auction.db", create: bool = False, readonly: bool = False) -> TickStore:
    """Open the store that `dsn` names; see `dsn.open_store`."""
    from .dsn import open_store as opened  # every implementation imports this module

    return opened(dsn, create, readonly)
