"""Recorded messages on a QuestDB server: placed, found again, read in pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from auction_bt.core.errors import Refused
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_index, day_start
from auction_bt.store import RawMessage
from auction_bt.store.lookup import Recogniser, digest_of, identified

from .ilp import Row
from .schema import LARGEST_NS
from .server import Server, between
from .sql import quoted

_PAGE: Final = 5_000  # messages held in memory while reading
_SPAN_NS: Final = 5 * MINUTE_NS  # of texts read at once to know a recorded message again
_WATCH_S: Final = 1.0  # between two looks for a suspended table: it goes on accepting rows and shows none of them


@dataclass(slots=True)
class Placed:
    """Messages with the stamps they get, before they are written.

    Parameters
    ----------
    messages : list of RawMessage
        At the stamps they got.
    sources : list of (int, str, int)
        Wanted stamp, identity, stamp.
    """

    messages: list[RawMessage] = field(default_factory=list)
    sources: list[tuple[int, str, int]] = field(default_factory=list)


class RawTables:
    """`raw_wss_feed`, `raw_symbol` and `raw_source`.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._feed = server.name("raw_wss_feed")
        self._symbol = server.name("raw_symbol")
        self._source = server.name("raw_source")
        self._top: int | None = None  # no stamp above it has been seen in the store
        self._watched = 0.0

    # --- writing

    def rows(self, messages: Iterable[RawMessage]) -> Iterator[Row]:
        """Yield the rows of messages at their stamps."""
        for m in messages:
            yield self._feed, {}, {"raw_json": m.text}, m.ts
            for symbol in m.symbols or ("",):
                yield self._symbol, {"symbol": symbol}, {}, m.ts

    def source_rows(self, sources: Iterable[tuple[int, str, int]]) -> Iterator[Row]:
        """Yield the rows that say where imported messages were put."""
        for wanted, sha, placed in sources:
            yield self._source, {}, {"sha": sha, "placed": placed}, wanted

    def append(self, messages: Sequence[RawMessage]) -> None:
        """Keep messages at their stamps; see `TickStore.append_raw`."""
        if not messages:
            return
        if time.monotonic() - self._watched > _WATCH_S:
            for name in self._server.suspended():
                self._server.resume(name, "")
            self._watched = time.monotonic()
        if self._top is None:
            self._top = self.last()
        first, last = min(m.ts for m in messages), max(m.ts for m in messages)
        if first <= self._top:
            there = self._texts(first, last + 1)
            for m in messages:
                if there.get(m.ts, m.text) != m.text:
                    raise Refused(f"another message stands at {m.ts}")
        self._server.write(self.rows(messages))
        self._top = max(self._top, last)

    def place(
        self, messages: Iterable[RawMessage], pending: Placed, *, placed: bool, recognised: Callable[[int], None] | None
    ) -> int:
        """Give new messages their stamps, adding them to `pending`; return how many were new. See `TickStore.add_raw`.

        Notes
        -----
        Where a message was put is written before the message is, so an import that was cut off is completed, not repeated, by
        the next.
        """
        self._server.settle(["raw_wss_feed", "raw_source"])  # what was just recorded must not be written over
        known = _Known(self, pending)
        recorded = Recogniser(known.digest_at, known.is_claimed)
        last: dict[int, int] = {}  # where a message wanting this stamp was put last
        found = Placed()
        count = 0
        for message, occurrence, identity in identified(messages):
            sha = identity.hex()
            recorded.see(message)
            ts = known.placed(message.ts, sha)
            if ts is not None:
                if not known.stands(ts):  # an import was cut off between the two
                    found.messages.append(RawMessage(ts, message.text, message.symbols))
                    known.take(ts)
                    count += 1
                continue
            if placed and occurrence == 0 and known.holds(message):
                continue
            ts = recorded.find(message)
            if ts is not None:
                found.sources.append((message.ts, sha, ts))
                if recognised is not None:
                    recognised(ts)
                continue
            ts = message.ts
            if known.is_taken(ts):
                ts = last.get(ts, ts)
                while known.is_taken(ts):
                    ts += 1
            last[message.ts] = ts
            known.take(ts)
            found.messages.append(RawMessage(ts, message.text, message.symbols))
            found.sources.append((message.ts, sha, ts))
            count += 1
        pending.messages += found.messages
        pending.sources += found.sources
        return count

    # --- reading

    def read(self, begin: int, end: int, symbols: Iterable[str] | None) -> Iterator[RawMessage]:
        """Yield messages in order; see `TickStore.raw`."""
        chosen = None if symbols is None else {*symbols, ""}
        while (at := self._next(begin, end, chosen)) is not None:
            statement = f"SELECT ts::long, raw_json FROM {self._feed} WHERE {between(at, end)} LIMIT {_PAGE}"
            page = self._server.rows(statement)
            if not page:
                return
            begin = page[-1][0] + 1
            of = self._symbols(at, begin)
            if any(ts not in of for ts, _ in page):  # written, and not visible yet
                self._server.settle(["raw_symbol"])
                of = self._symbols(at, begin)
            for ts, text in page:
                names = of.get(ts, [""])
                if chosen is None or not chosen.isdisjoint(names):
                    yield RawMessage(ts, text, tuple(sorted(n for n in names if n)))

    def days(self, symbol: str) -> list[int]:
        """Return the IST days on which messages name `symbol`, by jumps from day to day."""
        found: list[int] = []
        begin = 0
        while (at := self._next(begin, LARGEST_NS, {symbol})) is not None:
            found.append(day_index(at))
            begin = day_start(found[-1] + 1)
        return found

    def count(self, begin: int, end: int) -> int:
        """Return how many messages there are, those just sent included."""
        self._server.settle(["raw_wss_feed", "raw_symbol"])
        return int(self._server.rows(f"SELECT count() FROM {self._feed} WHERE {between(begin, end)}")[0][0])

    def last(self) -> int:
        """Return the greatest stamp, -1 where there is none."""
        found = self._server.rows(f"SELECT ts::long FROM {self._feed} LIMIT -1")
        return int(found[0][0]) if found else -1

    def counts_by_day(self, symbol: str | None) -> list[tuple[str, int, int]]:
        """Return (symbol, IST day, messages)."""
        one = "symbol <> ''" if symbol is None else f"symbol = {quoted(symbol)}"
        day = f"(ts::long + {-day_start(0)}) / {DAY_NS}"
        return self._server.rows(f"SELECT symbol, {day} AS day, count() FROM {self._symbol} WHERE {one} GROUP BY symbol, day")

    def _next(self, begin: int, end: int, chosen: set[str] | None) -> int | None:
        # The first message of interest: a stretch without any is jumped over.
        if chosen is None:
            statement = f"SELECT ts::long FROM {self._feed} WHERE {between(begin, end)} LIMIT 1"
        else:
            listed = ", ".join(quoted(s) for s in sorted(chosen))
            statement = f"SELECT ts::long FROM {self._symbol} WHERE symbol IN ({listed}) AND {between(begin, end)} LIMIT 1"
        found = self._server.rows(statement)
        return int(found[0][0]) if found else None

    def _symbols(self, begin: int, end: int) -> dict[int, list[str]]:
        of: dict[int, list[str]] = {}
        for ts, symbol in self._server.rows(f"SELECT ts::long, symbol FROM {self._symbol} WHERE {between(begin, end)}"):
            of.setdefault(ts, []).append(symbol)
        return of

    def _texts(self, begin: int, end: int) -> dict[int, str]:
        return dict(self._server.rows(f"SELECT ts::long, raw_json FROM {self._feed} WHERE {between(begin, end)}"))

    def stamps_of_day(self, day: int) -> set[int]:
        """Return the stamps on a UTC day."""
        found = self._server.bulk({"ts": np.int64}, f"FROM {self._feed} WHERE {between(day * DAY_NS, (day + 1) * DAY_NS)}")
        return set(found["ts"].tolist())

    def digests(self, begin: int, end: int) -> dict[int, bytes]:
        """Return a digest of each text with ``begin <= ts < end``, by stamp."""
        return {ts: digest_of(text) for ts, text in self._texts(begin, end).items()}

    def sources_of_day(self, day: int) -> dict[str, int]:
        """Return where the messages that wanted a stamp on a UTC day were put."""
        statement = f"SELECT sha, placed FROM {self._source} WHERE {between(day * DAY_NS, (day + 1) * DAY_NS)}"
        return dict(self._server.rows(statement))


class _Known:
    """What stands where, loaded by UTC days as it is asked for."""

    def __init__(self, tables: RawTables, pending: Placed) -> None:
        self._tables = tables
        self._rows: dict[int, set[int]] = {}
        self._taken: set[int] = {m.ts for m in pending.messages}  # by this write
        self._reserved: set[int] = {placed for _, _, placed in pending.sources}
        self._sources: dict[int, dict[str, int]] = {}
        self._own: dict[str, int] = {sha: placed for _, sha, placed in pending.sources}
        self._digests: dict[int, dict[int, bytes]] = {}
        self._texts = {m.ts: m.text for m in pending.messages}

    def placed(self, wanted: int, sha: str) -> int | None:
        """Return where this message was put, or None."""
        day = wanted // DAY_NS
        self._load(day)
        found = self._own.get(sha)
        return self._sources[day].get(sha) if found is None else found

    def is_taken(self, ts: int) -> bool:
        """Return whether no other message may be put there."""
        self._load(ts // DAY_NS)
        return self.stands(ts) or ts in self._reserved

    def stands(self, ts: int) -> bool:
        """Return whether a message is there."""
        self._load(ts // DAY_NS)
        return ts in self._rows[ts // DAY_NS] or ts in self._taken

    def take(self, ts: int) -> None:
        """Put a message there."""
        self._taken.add(ts)

    def holds(self, message: RawMessage) -> bool:
        """Return whether this very message stands at its stamp."""
        if message.ts in self._texts:
            return self._texts[message.ts] == message.text
        return self._digests_near(message.ts).get(message.ts) == digest_of(message.text)

    def digest_at(self, ts: int) -> bytes | None:
        """Return a digest of the text there; None where the stamp is free, empty where an import has put something there."""
        if not self.is_taken(ts):
            return None
        return b"" if ts in self._taken or self.is_claimed(ts) else self._digests_near(ts)[ts]

    def is_claimed(self, ts: int) -> bool:
        """Return whether an import has put a message there, or named the one that was."""
        self._load(ts // DAY_NS)
        return ts in self._reserved

    def _digests_near(self, ts: int) -> dict[int, bytes]:
        span = ts // _SPAN_NS
        if span not in self._digests:
            self._digests[span] = self._tables.digests(span * _SPAN_NS, (span + 1) * _SPAN_NS)
        return self._digests[span]

    def _load(self, day: int) -> None:
        if day not in self._rows:
            self._rows[day] = self._tables.stamps_of_day(day)
            self._sources[day] = self._tables.sources_of_day(day)
            self._reserved.update(self._sources[day].values())
            if day * DAY_NS in self._rows[day]:  # moved there, it may be, from the end of the day before
                self._load(day - 1)
