"""Ticks, bars, gaps and events on a QuestDB server: a day is replaced by writing it under its new seal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from hashlib import blake2b
from typing import Any, Final, TypeVar

import numpy as np

from auction_bt.core.bar import BAR_DTYPES, BarColumns
from auction_bt.core.errors import Fatal
from auction_bt.core.ist import DAY_NS, day_index, day_start, to_date
from auction_bt.core.tick import TICK_DTYPES, TickColumns
from auction_bt.store import Event, Gap

from .ilp import Row
from .server import Server, between
from .sql import quoted

_SEALS: Final = 200  # in one statement
_ROWS: Final = 2_000_000  # in one answer: 150 MB of ticks
_TRIES: Final = 5
Rows = TypeVar("Rows", TickColumns, BarColumns, list[Gap])


@dataclass(frozen=True, slots=True)
class SealedDay:
    """What `days` says of a symbol's day; a seal of 0 is a day without rows."""

    day: int
    seal: int
    ticks: int = 0
    bars: int = 0
    gaps: int = 0
    silences: int = 0
    volume: int = 0
    tick_volume: int = 0


class DerivedTables:
    """`ticks`, `bars_1m`, `gaps`, `events` and `days`.

    Parameters
    ----------
    server : Server
    """

    def __init__(self, server: Server) -> None:
        self._server = server

    # --- writing

    def day_rows(self, symbol: str, seal: int, ticks: TickColumns, bars: BarColumns, gaps: Iterable[Gap]) -> Iterator[Row]:
        """Yield the rows of a symbol's day under its seal."""
        name, symbols = self._server.name, {"symbol": symbol}
        for table, columns in (("ticks", ticks), ("bars_1m", bars)):
            names = [f.name for f in fields(columns) if f.name != "ts"]
            lists = (getattr(columns, n).tolist() for n in names)
            for ts, *values in zip(columns.ts.tolist(), *lists, strict=True):
                yield name(table), symbols, {"seal": seal, **dict(zip(names, values, strict=True))}, ts
        for gap in gaps:
            yield name("gaps"), {**symbols, "kind": gap.kind}, {"seal": seal, "end_seq": gap.end, "volume": gap.volume}, gap.begin

    def event_rows(self, seal: int, events: list[Event]) -> Iterator[Row]:
        """Yield the rows of a day's events under their seal."""
        for place, e in enumerate(events):
            columns = {"place": place, "seal": seal, "payload": e.payload}
            yield self._server.name("events"), {"kind": e.kind, "symbol": e.symbol}, columns, e.seq

    def commit_row(self, symbol: str, day: SealedDay) -> Row:
        """Return the row that makes a written day the one that readers see."""
        counts = {f.name: getattr(day, f.name) for f in fields(day) if f.name != "day"}
        return self._server.name("days"), {"symbol": symbol}, counts, day.day * DAY_NS

    # --- reading

    def sealed(self, symbol: str | None, first: int, last: int) -> list[tuple[str, SealedDay]]:
        """Return the days with rows from `first` to `last` (both included) of a symbol, or of all; '' stands for events."""
        columns = ", ".join(f.name for f in fields(SealedDay)[1:])
        one = "symbol <> ''" if symbol is None else f"symbol = {quoted(symbol)}"
        rows = self._server.rows(f"SELECT symbol, ts::long, {columns} FROM {self._server.name('days')} WHERE {one} AND seal <> 0 "
                                 f"AND {between(first * DAY_NS, (last + 1) * DAY_NS)} ORDER BY ts, symbol")  # fmt: skip
        return [(name, SealedDay(ts // DAY_NS, *counts)) for name, ts, *counts in rows]

    def ticks(self, symbol: str, begin: int, end: int) -> TickColumns:
        """Return ticks; see `TickStore.ticks`."""

        def read(days: list[SealedDay]) -> TickColumns:
            parts = [TickColumns(**self._server.bulk(TICK_DTYPES, self._from("ticks", symbol, begin, end, chosen)))
                     for chosen in _chunks(days, "ticks")]  # fmt: skip
            found = TickColumns.join(parts)
            if len(found) and bool((found.seq[1:] < found.seq[:-1]).any()):
                found = found.take(np.argsort(found.seq, kind="stable"))
            return found

        return self._whole("ticks", symbol, begin, end, read, TickColumns.empty())

    def bars(self, symbol: str, begin: int, end: int) -> BarColumns:
        """Return bars; see `TickStore.bars`."""

        def read(days: list[SealedDay]) -> BarColumns:
            parts = [BarColumns(**self._server.bulk(BAR_DTYPES, self._from("bars_1m", symbol, begin, end, chosen)))
                     for chosen in _chunks(days)]  # fmt: skip
            found = BarColumns(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(BarColumns)))
            return found.take(np.argsort(found.ts, kind="stable"))

        return self._whole("bars", symbol, begin, end, read, BarColumns.empty())

    def gaps(self, symbol: str, begin: int, end: int) -> list[Gap]:
        """Return gaps; see `TickStore.gaps`."""

        def read(days: list[SealedDay]) -> list[Gap]:
            found = [
                Gap(symbol, *row)
                for chosen in _chunks(days)
                for row in self._server.rows(
                    f"SELECT ts::long, end_seq, kind, volume {self._from('gaps', symbol, begin, end, chosen)}"
                )
            ]
            return sorted(found, key=lambda g: (g.begin, g.end, g.kind))

        return self._whole("gaps", symbol, begin, end, read, [])

    def events(self, begin: int, end: int) -> list[Event]:
        """Return events; see `TickStore.events`."""
        days = [day for _, day in self.sealed("", *_days(begin, end))]
        rows = [
            row
            for chosen in _chunks(days)
            for row in self._server.rows(
                f"SELECT ts::long, place, kind, symbol, payload FROM {self._server.name('events')} "
                f"WHERE {between(begin, end)} AND {_sealed_by(chosen)}"
            )
        ]
        return [Event(ts, kind, symbol, payload) for ts, _, kind, symbol, payload in sorted(rows, key=lambda r: r[:2])]

    def _from(self, table: str, symbol: str, begin: int, end: int, days: list[SealedDay]) -> str:
        within = between(max(begin, day_start(days[0].day)), min(end, day_start(days[-1].day + 1)))
        return f"FROM {self._server.name(table)} WHERE symbol = {quoted(symbol)} AND {within} AND {_sealed_by(days)}"

    def _whole(self, what: str, symbol: str, begin: int, end: int, read: Callable[[list[SealedDay]], Rows], empty: Rows) -> Rows:
        # A reader on another connection may see a day's commit before the last of its rows: it looks again.
        if begin >= end:
            return empty
        first, last = _days(begin, end)
        for attempt in range(_TRIES):
            days = [day for _, day in self.sealed(symbol, first, last) if getattr(day, what)]
            if not days:
                return empty
            found = read(days)
            is_whole_days = begin <= day_start(days[0].day) and end >= day_start(days[-1].day + 1)
            wanted = sum(getattr(day, what) for day in days)
            if not is_whole_days or len(found) == wanted:
                return found
            time.sleep(0.02 * 4**attempt / 4)
        span = f"{to_date(first)} to {to_date(last)}"
        raise Fatal(f"store {self._server.dsn}: {symbol} has {len(found):,} of {wanted:,} {what} from {span}: rows were lost or "
                    "removed on the server; run rebuild (recorded days) or import them again")  # fmt: skip


def _days(begin: int, end: int) -> tuple[int, int]:
    return max(day_index(begin), 0), max(day_index(end - 1), 0)


def _chunks(days: list[SealedDay], what: str = "") -> Iterator[list[SealedDay]]:
    """Yield runs of days, each of which fits in one statement and one answer."""
    chunk: list[SealedDay] = []
    rows = 0
    for day in days:
        more = getattr(day, what) if what else 0
        if chunk and (len(chunk) == _SEALS or rows + more > _ROWS):
            yield chunk
            chunk, rows = [], 0
        chunk.append(day)
        rows += more
    if chunk:
        yield chunk


def _sealed_by(days: list[SealedDay]) -> str:
    return f"seal IN ({', '.join(str(day.seal) for day in days)})"


def seal_of_events(events: Iterable[Event]) -> int:
    """Return one number for a day's events, 0 for none."""
    rows = [(e.seq, e.kind, e.symbol, e.payload) for e in events]
    return (int.from_bytes(blake2b(repr(rows).encode(), digest_size=8).digest(), "little") >> 1 or 1) if rows else 0


def sealed_day(day: int, seal: int, ticks: TickColumns, bars: BarColumns, gaps: list[Gap]) -> SealedDay:
    """Return the summary of a day's rows."""
    return SealedDay(day, seal, len(ticks), len(bars), len(gaps), sum(g.kind == "silence" for g in gaps),
                     _total(bars.volume), _total(bars.tick_volume))  # fmt: skip


def _total(column: Any) -> int:
    return int(min(sum(column.tolist()), 2**63 - 1))
