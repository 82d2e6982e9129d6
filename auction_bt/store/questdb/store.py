"""The store a user grows into: tables on a QuestDB server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Self

from auction_bt.core.bar import BarColumns
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index, day_start
from auction_bt.core.tick import TickColumns
from auction_bt.store import ArchivedDay, DayHoldings, Event, Gap, RawMessage, StoreSize
from auction_bt.store.address import QuestDsn
from auction_bt.store.lock import holding
from auction_bt.store.lookup import check_derived, find_instrument, instrument_of, instrument_row
from auction_bt.store.seal import seals_of

from .archive import PartitionArchive
from .derived import DerivedTables, SealedDay, seal_of_events, sealed_day
from .ilp import Row
from .raw import Placed, RawTables
from .schema import INSTRUMENTS
from .server import Server, is_reachable
from .sql import quoted

_EVER = 100_000  # days


@dataclass(frozen=True, slots=True)
class _Day:
    """One symbol's day as it is to be."""

    sealed: SealedDay
    ticks: TickColumns
    bars: BarColumns
    gaps: list[Gap]


@dataclass(slots=True)
class _Changes:
    """What is to be written, gathered until all of it is known."""

    raw: Placed = field(default_factory=Placed)
    days: dict[tuple[str, int], _Day] = field(default_factory=dict)
    events: dict[int, list[Event]] = field(default_factory=dict)
    instruments: dict[str, Instrument] = field(default_factory=dict)


class QuestStore:
    """`TickStore` on a QuestDB server; see there for what each method promises, and `schema` for the tables.

    Parameters
    ----------
    server : Server
        Its tables are there.

    Notes
    -----
    The server knows no transaction over several tables. A write is gathered first and sent when it is whole; derived days become
    visible by one row each, which is sent last. A process killed while it sends leaves derived days as they were; of its messages
    some may be there, and the same import again adds the others.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._raw = RawTables(server)
        self._derived = DerivedTables(server)
        self._archive = PartitionArchive(server)
        self._changes: _Changes | None = None

    @classmethod
    def open(cls, dsn: QuestDsn, *, create: bool = False, readonly: bool = False) -> Self:
        """Open the store; see `dsn.open_store`."""
        server = Server(dsn, readonly=readonly)
        try:
            server.prepare(create=create)
        except BaseException:
            server.close()
            raise
        return cls(server)

    @staticmethod
    def is_there(dsn: QuestDsn) -> bool:
        """Return whether the store has been made; raise where the server cannot be used."""
        return is_reachable(dsn)

    def close(self) -> None:
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # --- writing

    def writing(self) -> AbstractContextManager[None]:
        return self._writing()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self._changes is not None:
            yield
            return
        with self._alone():
            self._changes = _Changes()
            try:
                yield
                self._send(self._changes)
            finally:
                self._changes = None

    def _alone(self) -> AbstractContextManager[None]:
        # One writer at a time on this machine: two could give one stamp to two messages.
        return holding(f"questdb-{self._server.dsn.host}-{self._server.dsn.http}-{self._server.dsn.prefix}")

    def _send(self, changes: _Changes) -> None:
        raw, derived = self._raw, self._derived
        if changes.raw.sources:
            self._settled(raw.source_rows(changes.raw.sources), "raw_source")
        events = {day: (seal_of_events(of_day), of_day) for day, of_day in changes.events.items()}
        rows: list[Iterable[Row]] = [raw.rows(changes.raw.messages)]
        rows += [derived.day_rows(symbol, d.sealed.seal, d.ticks, d.bars, d.gaps) for (symbol, _), d in changes.days.items()]
        rows += [derived.event_rows(seal, of_day) for seal, of_day in events.values()]
        self._settled(chain.from_iterable(rows), "raw_wss_feed", "raw_symbol", "ticks", "bars_1m", "gaps", "events")
        commits = [derived.commit_row(symbol, day.sealed) for (symbol, _), day in changes.days.items()]
        commits += [derived.commit_row("", SealedDay(day, seal)) for day, (seal, _) in events.items()]
        commits += [self._instrument_row(i) for i in changes.instruments.values()]
        self._settled(commits, "days", "instruments")

    def _settled(self, rows: Iterable[Row], *tables: str) -> None:
        ahead = iter(rows)
        first = next(ahead, None)
        if first is not None:
            self._server.write(chain([first], ahead))
            self._server.settle(tables)

    @property
    def _pending(self) -> _Changes:
        assert self._changes is not None, "inside writing()"  # noqa: S101
        return self._changes

    # --- instruments

    def instruments(self) -> list[Instrument]:
        names = [name for name, _ in INSTRUMENTS.columns[1:]]
        rows = self._server.rows(f"SELECT {', '.join(names)} FROM {self._server.name('instruments')} "
                                 "LATEST ON ts PARTITION BY symbol ORDER BY symbol")  # fmt: skip
        found = {row[0]: instrument_of(dict(zip(names, row, strict=True))) for row in rows}
        if self._changes is not None:
            found |= self._changes.instruments
        return [found[symbol] for symbol in sorted(found)]

    def instrument(self, symbol: str) -> Instrument:
        return find_instrument(self.instruments(), symbol)

    def put_instrument(self, instrument: Instrument) -> None:
        with self.writing():
            self._pending.instruments[instrument.symbol] = instrument

    def _instrument_row(self, i: Instrument) -> Row:
        row = {name: value for name, value in instrument_row(i).items() if value is not None}
        symbols = {name: row.pop(name) for name in ("symbol", "kind")}
        return self._server.name("instruments"), symbols, row, 0

    # --- messages

    def add_raw(
        self, messages: Iterable[RawMessage], *, placed: bool = False, recognised: Callable[[int], None] | None = None
    ) -> int:
        with self.writing():
            return self._raw.place(messages, self._pending.raw, placed=placed, recognised=recognised)

    def append_raw(self, messages: Sequence[RawMessage]) -> None:
        self._raw.append(messages)

    def raw_count(self, begin: int, end: int) -> int:
        return self._raw.count(begin, end)

    def last_raw(self) -> int:
        return self._raw.last()

    def raw(self, begin: int, end: int, symbols: Iterable[str] | None = None) -> Iterator[RawMessage]:
        return self._raw.read(begin, end, symbols)

    def raw_days(self, symbol: str) -> list[int]:
        return self._raw.days(symbol)

    def archive(self, before: int, progress: Callable[[int], None] | None = None) -> list[ArchivedDay]:
        with self._alone():
            return self._archive.compress(before, progress)

    def size(self) -> StoreSize:
        return self._archive.size()

    def claim(self, name: str, holder: str, now: int, until: int) -> str:
        if other := self._other_holder(name, holder, now):
            return other
        self._lease(name, holder, until)
        # Whoever wrote at the same moment is seen now; both step back.
        if other := self._other_holder(name, holder, now):
            self._lease(name, holder, 0)
            return other
        return holder

    def release(self, name: str, holder: str) -> None:
        self._lease(name, holder, 0)

    def _other_holder(self, name: str, holder: str, now: int) -> str:
        others = f"name = {quoted(name)} AND until > {now} AND holder <> {quoted(holder)}"
        rows = self._server.rows(f"SELECT holder FROM {self._server.name('leases')} WHERE {others} ORDER BY holder LIMIT 1")
        return str(rows[0][0]) if rows else ""

    def _lease(self, name: str, holder: str, until: int) -> None:
        self._server.write([(self._server.name("leases"), {"name": name, "holder": holder}, {"until": until}, 0)])
        self._server.settle(["leases"])

    # --- what is derived from messages, or imported

    def put_derived(self, symbol: str, days: range, ticks: TickColumns, bars: BarColumns, gaps: list[Gap]) -> None:
        check_derived(symbol, days, ticks, bars, gaps)
        seals = seals_of(ticks, bars, gaps)
        with self.writing():
            stored = dict(self.seals(symbol, days))
            pending = self._pending.days
            of_ticks, of_bars = day_index(ticks.ts), day_index(bars.ts)
            for day in sorted({*seals, *stored, *(d for s, d in pending if s == symbol and d in days)}):
                seal = seals.get(day, 0)
                if stored.get(day) == seal and (symbol, day) not in pending:
                    continue  # these very rows are there
                mine = ticks.take(of_ticks == day), bars.take(of_bars == day), [g for g in gaps if day_index(g.begin) == day]
                pending[symbol, day] = _Day(sealed_day(day, seal, *mine), *mine)

    def ticks(self, symbol: str, begin: int, end: int) -> TickColumns:
        return self._derived.ticks(symbol, begin, end)

    def bars(self, symbol: str, begin: int, end: int) -> BarColumns:
        return self._derived.bars(symbol, begin, end)

    def gaps(self, symbol: str, begin: int, end: int) -> list[Gap]:
        return self._derived.gaps(symbol, begin, end)

    def seals(self, symbol: str, days: range) -> dict[int, int]:
        if not days:
            return {}
        return {day.day: day.seal for _, day in self._derived.sealed(symbol, max(days.start, 0), days.stop - 1)}

    def days(self, symbol: str) -> list[int]:
        return [day.day for _, day in self._derived.sealed(symbol, 0, _EVER) if day.ticks or day.bars]

    # --- our own messages

    def put_events(self, begin: int, end: int, events: list[Event]) -> None:
        if any(not begin <= e.seq < end for e in events):
            raise ValueError("events outside the range being replaced")
        with self.writing():
            pending = self._pending.events
            touched = {day.day for _, day in self._derived.sealed("", max(day_index(begin), 0), max(day_index(end - 1), 0))}
            for day in sorted(touched | {day_index(e.seq) for e in events} | {d for d in pending if day_start(d) < end}):
                bounds = day_start(day), day_start(day + 1)
                before = pending[day] if day in pending else self._derived.events(*bounds)
                kept = [e for e in before if not begin <= e.seq < end]
                new = [e for e in events if day_index(e.seq) == day]
                pending[day] = sorted([*kept, *new], key=lambda e: e.seq)  # stable: events of one seq keep their order

    def events(self, begin: int, end: int) -> list[Event]:
        return self._derived.events(begin, end)

    # --- what there is

    def holdings(self, symbol: str | None = None) -> list[DayHoldings]:
        counts = {(name, day): n for name, day, n in self._raw.counts_by_day(symbol)}
        sealed = {(name, day.day): day for name, day in self._derived.sealed(symbol, 0, _EVER)}
        empty = SealedDay(0, 0)
        table = []
        for name, day in sorted({*counts, *sealed}):
            of = sealed.get((name, day), empty)
            messages = counts.get((name, day), 0)
            table.append(DayHoldings(name, day, of.bars, of.ticks, messages, of.silences, of.volume, of.tick_volume))
        return table
