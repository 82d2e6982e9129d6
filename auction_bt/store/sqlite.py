"""The embedded store: one SQLite file in WAL mode, readable by other processes while it is written."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Final, Self

import numpy as np

from auction_bt.core.bar import BAR_DTYPES, BarColumns
from auction_bt.core.errors import Refused
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, IST_OFFSET_NS, MINUTE_NS, day_index, day_start
from auction_bt.core.tick import TickColumns

from . import ArchivedDay, DayHoldings, Event, Gap, RawMessage, StoreSize
from .archive import MessageArchive
from .blocks import pack, split, unpack
from .database import SqliteFile, connect
from .lookup import Recogniser, check_derived, digest_of, find_instrument, identified, instrument_of, instrument_row
from .schema import APPLICATION_ID, CLAIMS, INDEXES, TABLES, UPGRADES, VERSION
from .seal import seals_of

_WHAT: Final = "store"
_WINDOW_NS: Final = 15 * MINUTE_NS  # of messages held in memory while reading
_LAST_NS: Final = 2**63 - 1
_FREE: Final = (  # the end of the run of taken stamps which begins at ?
    "SELECT ts + 1 FROM raw_wss_feed AS r WHERE ts >= ? "
    "AND NOT EXISTS (SELECT 1 FROM raw_wss_feed WHERE ts = r.ts + 1) ORDER BY ts LIMIT 1"
)
_SYMBOLS: Final = (  # distinct symbols by jumps along the key, not by a scan of it
    "WITH RECURSIVE s(x) AS (SELECT min(symbol) FROM raw_symbol "
    "UNION ALL SELECT (SELECT min(symbol) FROM raw_symbol WHERE symbol > x) FROM s WHERE x IS NOT NULL) "
    "SELECT x FROM s WHERE x IS NOT NULL"
)
_DAY: Final = f"(ts + {IST_OFFSET_NS}) / {DAY_NS}"
_TOTAL: Final = "CAST(total({}) AS INTEGER)"  # sum() is an error where it overflows; this is exact up to 2**53
_HOLDINGS: Final = tuple(  # in the order of DayHoldings: bars (with volumes), ticks, messages, gaps
    sql.format(
        one="WHERE (? IS NULL OR symbol = ?)", day=_DAY, volume=_TOTAL.format("volume"), tick_volume=_TOTAL.format("tick_volume")
    )
    for sql in (
        "SELECT symbol, {day} AS day, count(*), {volume}, {tick_volume} FROM bars_1m {one} GROUP BY 1, 2",
        "SELECT symbol, day, sum(n) FROM ticks {one} GROUP BY 1, 2",
        "SELECT symbol, {day} AS day, count(*) FROM raw_symbol {one} AND symbol <> '' GROUP BY 1, 2",
        "SELECT symbol, {day} AS day, count(*) FROM (SELECT symbol, begin_seq AS ts FROM gaps WHERE kind = 'silence') {one} "
        "GROUP BY 1, 2",
    )
)


class SqliteStore(SqliteFile):
    """`TickStore` in one SQLite file; see there for what each method promises, and `schema` for the tables.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        As `open` makes it; belongs to the thread that made it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection, _WHAT)
        self._archive = MessageArchive(path, connection)
        self._has_days = bool(self._rows("SELECT 1 FROM sqlite_master WHERE name = 'days'"))  # not in an old file, read only

    @classmethod
    def open(cls, path: Path, *, create: bool = False, readonly: bool = False) -> Self:
        """Open the file; see `dsn.open_store`."""
        statements = [*(t.create for t in TABLES), *INDEXES]
        return cls(path, connect(path, application_id=APPLICATION_ID, version=VERSION, statements=statements, what=_WHAT,
                                 create=create, readonly=readonly, upgrades=UPGRADES))  # fmt: skip

    # --- instruments

    def instruments(self) -> list[Instrument]:
        # Every column there is: a reader leaves a file of an older version as it is.
        found = self._db.execute("SELECT *, max(valid_from) FROM instruments GROUP BY symbol ORDER BY symbol")
        names = [column[0] for column in found.description]
        return [instrument_of(dict(zip(names, row, strict=True))) for row in found]

    def instrument(self, symbol: str) -> Instrument:
        return find_instrument(self.instruments(), symbol)

    def put_instrument(self, instrument: Instrument) -> None:
        row = instrument_row(instrument) | {"valid_from": 0}
        with self.writing():
            self._db.execute(f"INSERT OR REPLACE INTO instruments ({', '.join(row)}) "  # noqa: S608
                             f"VALUES ({', '.join('?' * len(row))})", tuple(row.values()))  # fmt: skip

    # --- messages

    def add_raw(
        self, messages: Iterable[RawMessage], *, placed: bool = False, recognised: Callable[[int], None] | None = None
    ) -> int:
        last: dict[int, int] = {}  # where a message wanting this stamp was put last
        recorded = Recogniser(self._digest_at, self._is_claimed)
        count = 0
        with self.writing():
            for message, occurrence, sha in identified(messages):
                recorded.see(message)
                if self._db.execute("SELECT 1 FROM raw_source WHERE sha = ?", (sha,)).fetchone():
                    continue
                if placed and occurrence == 0 and self._archive.text_at(message.ts) == message.text:
                    continue
                ts = recorded.find(message)
                if ts is not None:
                    self._db.execute("INSERT INTO raw_source VALUES (?, ?)", (sha, ts))
                    if recognised is not None:
                        recognised(ts)
                    continue
                ts = self._place(message, last)
                recorded.give(ts)
                self._db.execute("INSERT INTO raw_source VALUES (?, ?)", (sha, ts))
                self._db.executemany(
                    "INSERT OR IGNORE INTO raw_symbol VALUES (?, ?)", [(s, ts) for s in message.symbols or ("",)]
                )
                count += 1
        return count

    def _digest_at(self, ts: int) -> bytes | None:
        text = self._archive.text_at(ts)
        return None if text is None else digest_of(text)

    def _is_claimed(self, ts: int) -> bool:
        self._db.execute(CLAIMS)
        return self._db.execute("SELECT 1 FROM raw_source WHERE ts = ?", (ts,)).fetchone() is not None

    def _place(self, message: RawMessage, last: dict[int, int]) -> int:
        insert = "INSERT OR IGNORE INTO raw_wss_feed VALUES (?, ?)"
        ts = message.ts
        self._archive.restore(ts)
        if not self._db.execute(insert, (ts, message.text)).rowcount:
            ts = self._db.execute(_FREE, (last.get(ts, ts),)).fetchone()[0]
            while self._archive.restore(ts):  # what looked free may be taken in there
                ts = self._db.execute(_FREE, (ts - 1,)).fetchone()[0]
            self._db.execute(insert, (ts, message.text))
        last[message.ts] = ts
        return ts

    def append_raw(self, messages: Sequence[RawMessage]) -> None:
        with self.writing():
            last = self._archive.last()
            stamps = [message.ts for message in messages]
            if all(map(operator.lt, [last, *stamps], stamps)):  # of a recorder almost always
                self._append_new(messages)
                return
            for message in messages:
                is_last = message.ts > last  # nothing can stand there
                there = None if is_last else self._archive.text_at(message.ts)
                if there is None:
                    last = message.ts if is_last else last
                    if not is_last:
                        self._archive.restore(message.ts)
                    self._append_new([message])
                elif there != message.text:
                    raise Refused(f"another message stands at {message.ts}")
                else:
                    self._append_names([message])

    def _append_new(self, messages: Sequence[RawMessage]) -> None:
        try:
            self._db.executemany("INSERT INTO raw_wss_feed VALUES (?, ?)", [(m.ts, m.text) for m in messages])
        except UnicodeEncodeError as error:
            ts = next(m.ts for m in messages if m.text.encode("utf-8", "ignore").decode() != m.text)
            raise Refused(f"message {ts} is no text: {error}") from error
        self._append_names(messages)

    def _append_names(self, messages: Sequence[RawMessage]) -> None:
        names = [(s, m.ts) for m in messages for s in m.symbols or ("",)]
        self._db.executemany("INSERT OR IGNORE INTO raw_symbol VALUES (?, ?)", names)

    def raw_count(self, begin: int, end: int) -> int:
        return self._archive.count(begin, end)

    def last_raw(self) -> int:
        return self._archive.last()

    def archive(self, before: int, progress: Callable[[int], None] | None = None) -> list[ArchivedDay]:
        return self._archive.compress(before, progress)

    def size(self) -> StoreSize:
        (page,), (pages,), (spare,) = (self._rows(f"PRAGMA {name}")[0] for name in ("page_size", "page_count", "freelist_count"))
        return StoreSize(page * pages, page * spare)

    def claim(self, name: str, holder: str, now: int, until: int) -> str:
        with self.writing():
            row = self._db.execute("SELECT holder FROM leases WHERE name = ? AND until > ?", (name, now)).fetchone()
            if row is not None and row[0] != holder:
                return str(row[0])
            self._db.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)", (name, holder, until))
            return holder

    def release(self, name: str, holder: str) -> None:
        with self.writing():
            self._db.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, holder))

    def raw(self, begin: int, end: int, symbols: Iterable[str] | None = None) -> Iterator[RawMessage]:
        known = [row[0] for row in self._rows(_SYMBOLS)]
        chosen = known if symbols is None else [s for s in known if s in {*symbols, ""}]
        while (at := self._next_stamp(chosen, begin)) < end:
            begin = min(at + _WINDOW_NS, end)
            yield from self._window(at, begin, known, chosen)

    def _next_stamp(self, symbols: list[str], begin: int) -> int:
        sql = "SELECT min(ts) FROM raw_symbol WHERE symbol = ? AND ts >= ?"
        found = [row[0] for s in symbols for row in self._rows(sql, (s, begin)) if row[0] is not None]
        return min(found, default=_LAST_NS)

    def _window(self, begin: int, end: int, known: list[str], chosen: list[str]) -> Iterator[RawMessage]:
        of: dict[int, list[str]] = {}
        for symbol in known:
            for (ts,) in self._rows("SELECT ts FROM raw_symbol WHERE symbol = ? AND ts >= ? AND ts < ?", (symbol, begin, end)):
                of.setdefault(ts, []).append(symbol)
        every = len(chosen) == len(known)
        wanted = set(chosen)
        for ts, text in self._archive.rows(begin, end):
            names = of.get(ts, [""])
            if every or not wanted.isdisjoint(names):
                yield RawMessage(ts, text, tuple(n for n in names if n))

    def raw_days(self, symbol: str) -> list[int]:
        days: list[int] = []
        begin = -_LAST_NS
        while (at := self._next_stamp([symbol], begin)) < _LAST_NS:
            days.append(day_index(at))
            begin = day_start(days[-1] + 1)
        return days

    # --- what is derived from messages, or imported

    def put_derived(self, symbol: str, days: range, ticks: TickColumns, bars: BarColumns, gaps: list[Gap]) -> None:
        begin, end = day_start(days.start), day_start(days.stop)
        day = day_index(ticks.ts)
        check_derived(symbol, days, ticks, bars, gaps)
        with self.writing():
            self._db.execute("DELETE FROM ticks WHERE symbol = ? AND day >= ? AND day < ?", (symbol, days.start, days.stop))
            self._db.execute("DELETE FROM bars_1m WHERE symbol = ? AND ts >= ? AND ts < ?", (symbol, begin, end))
            self._db.execute("DELETE FROM gaps WHERE symbol = ? AND begin_seq >= ? AND begin_seq < ?", (symbol, begin, end))
            self._db.execute("DELETE FROM days WHERE symbol = ? AND day >= ? AND day < ?", (symbol, days.start, days.stop))
            self._db.executemany("INSERT INTO days VALUES (?, ?, ?)",
                                 [(symbol, *pair) for pair in seals_of(ticks, bars, gaps).items()])  # fmt: skip
            for number in np.unique(day).tolist():
                for block in split(ticks.take(day == number)):
                    self._db.execute("INSERT INTO ticks VALUES (?, ?, ?, ?, ?)",
                                     (symbol, number, int(block.seq[0]), len(block), pack(block)))  # fmt: skip
            columns = (getattr(bars, f.name).tolist() for f in fields(bars))
            self._db.executemany("INSERT INTO bars_1m VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                 ((symbol, *row) for row in zip(*columns, strict=True)))  # fmt: skip
            self._db.executemany("INSERT OR REPLACE INTO gaps VALUES (?, ?, ?, ?, ?)",
                                 [(symbol, g.begin, g.end, g.kind, g.volume) for g in gaps])  # fmt: skip

    def ticks(self, symbol: str, begin: int, end: int) -> TickColumns:
        if begin >= end:
            return TickColumns.empty()
        rows = self._rows("SELECT data FROM ticks WHERE symbol = ? AND day >= ? AND day <= ? ORDER BY day, seq",
                          (symbol, day_index(begin), day_index(end - 1)))  # fmt: skip
        found = unpack(row[0] for row in rows)
        inside = (found.ts >= begin) & (found.ts < end)
        if not inside.all():
            found = found.take(inside)
        if len(found) and bool((found.seq[1:] < found.seq[:-1]).any()):
            found = found.take(np.argsort(found.seq, kind="stable"))
        return found

    def bars(self, symbol: str, begin: int, end: int) -> BarColumns:
        names = [f.name for f in fields(BarColumns)]
        rows = self._rows(f"SELECT {', '.join(names)} FROM bars_1m WHERE symbol = ? AND ts >= ? AND ts < ? ORDER BY ts",  # noqa: S608
                          (symbol, begin, end))  # fmt: skip
        table = np.array(rows, dtype=np.dtype([(n, BAR_DTYPES[n]) for n in names]))
        return BarColumns(*(np.ascontiguousarray(table[n]) for n in names))

    def gaps(self, symbol: str, begin: int, end: int) -> list[Gap]:
        rows = self._rows("SELECT symbol, begin_seq, end_seq, kind, volume FROM gaps WHERE symbol = ? AND begin_seq >= ? "
                          "AND begin_seq < ? ORDER BY begin_seq, end_seq, kind", (symbol, begin, end))  # fmt: skip
        return [Gap(*row) for row in rows]

    def days(self, symbol: str) -> list[int]:
        rows = self._rows(f"SELECT day FROM ticks WHERE symbol = ? UNION SELECT {_DAY} FROM bars_1m WHERE symbol = ? ORDER BY 1",  # noqa: S608
                          (symbol, symbol))  # fmt: skip
        return [row[0] for row in rows]

    def seals(self, symbol: str, days: range) -> dict[int, int]:
        if not self._has_days:
            return {}
        sql = "SELECT day, seal FROM days WHERE symbol = ? AND day >= ? AND day < ? ORDER BY day"
        return dict(self._rows(sql, (symbol, days.start, days.stop)))

    # --- our own messages

    def put_events(self, begin: int, end: int, events: list[Event]) -> None:
        if any(not begin <= e.seq < end for e in events):
            raise ValueError("events outside the range being replaced")
        with self.writing():
            self._db.execute("DELETE FROM events WHERE ts >= ? AND ts < ?", (begin, end))
            self._db.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?)",
                                 [(e.seq, e.seq, e.kind, e.symbol, e.payload) for e in events])  # fmt: skip

    def events(self, begin: int, end: int) -> list[Event]:
        rows = self._rows("SELECT seq, kind, symbol, payload FROM events WHERE ts >= ? AND ts < ? ORDER BY ts, seq, rowid",
                          (begin, end))  # fmt: skip
        return [Event(*row) for row in rows]

    # --- what there is

    def holdings(self, symbol: str | None = None) -> list[DayHoldings]:
        table: dict[tuple[str, int], list[int]] = {}
        for place, sql in enumerate(_HOLDINGS):
            for name, day, *counts in self._rows(sql, (symbol, symbol)):
                row = table.setdefault((name, day), [0] * 6)
                # bars come first and bring three figures: how many, their volume, their tick volume
                row[place] = counts[0]
                row[4:] = [a + b for a, b in zip(row[4:], counts[1:] or (0, 0), strict=True)]
        return [DayHoldings(name, day, *row) for (name, day), row in sorted(table.items())]

    def is_unused(self) -> bool:
        """Return True where nothing was ever stored."""
        made = {row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        return not any(self._rows(f"SELECT 1 FROM {name} LIMIT 1") for name in made - {"schema_version"})  # noqa: S608
