"""Every instrument master that was loaded, by day, in one file that grows with what changes and not with the days."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Self

import orjson

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import to_date
from auction_bt.store.database import SqliteFile, connect
from auction_bt.store.schema import Table

from .listing import COLUMNS, SHARES, Listing, Unit
from .master import MasterFile

NAME: Final = "instruments.db"
BOOK_ID: Final = 0x41425449  # "ABTI"
BOOK_VERSION: Final = 1
OPEN_END: Final = 2**31 - 1  # end_day of what the newest master still says
_WHAT: Final = "instrument book"
_GROUP: Final = 10_000  # rows written at a time
_OPEN: Final = "first_day <= ? AND end_day > ?"
# A version's price step counts what the first master that says it counts.
_SELECT: Final = f"SELECT {', '.join(COLUMNS)}, unit FROM versions JOIN masters ON day = first_day"  # noqa: S608

TABLES: Final = (
    Table("schema_version", "version", "(version INTEGER PRIMARY KEY)"),
    # IST days whose master was loaded; unit: what its price steps count.
    Table("masters", "day", "(day INTEGER PRIMARY KEY, rows INTEGER NOT NULL, unit TEXT NOT NULL)"),
    # What the masters of first_day <= day < end_day say of a key; both are days of masters. digest: of the columns, to compare
    # by; text: words to be found by, a space before each. A price step is as written: what it counts may be decided anew.
    Table("versions", "key; symbol; underlying_symbol: as of a day",
          "(id INTEGER PRIMARY KEY, key TEXT NOT NULL, segment TEXT NOT NULL, symbol TEXT NOT NULL, name TEXT NOT NULL, "
          "type TEXT NOT NULL, underlying TEXT NOT NULL, underlying_symbol TEXT NOT NULL, expiry INTEGER, strike TEXT NOT NULL, "
          "lot INTEGER NOT NULL, freeze INTEGER NOT NULL, tick TEXT NOT NULL, cas_eligible INTEGER, first_day INTEGER NOT NULL, "
          "end_day INTEGER NOT NULL, digest BLOB NOT NULL, text TEXT NOT NULL)"),
)  # fmt: skip
_INDEXES: Final = {
    "version_of_key": "(key, first_day)",
    "version_of_symbol": "(symbol COLLATE NOCASE)",
    "version_of_name": "(name COLLATE NOCASE) WHERE type = 'INDEX'",
    "version_of_contract": "(underlying_symbol COLLATE NOCASE, type) WHERE underlying_symbol <> ''",
    "version_of_future": "(underlying) WHERE type = 'FUT'",
}
_CONTRACT: Final = "underlying_symbol = ? COLLATE NOCASE AND underlying_symbol <> '' AND expiry IS NOT NULL"
_INSERT: Final = (
    f"INSERT INTO versions ({', '.join(COLUMNS)}, first_day, end_day, digest, text) "  # noqa: S608
    f"VALUES ({', '.join('?' * (len(COLUMNS) + 4))})"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a master changed in the book.

    Parameters
    ----------
    day : int, IST day
    rows : int
        Usable rows of the master.
    changed : int
        Keys whose row is another than the book had for that day, new ones too.
    gone : int
        Keys the book had for that day and the master lacks.
    """

    day: int
    rows: int
    changed: int
    gone: int


class InstrumentBook(SqliteFile):
    """The masters of one state folder.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        As `open` makes it; belongs to the thread that made it.

    Notes
    -----
    Wherever a day is asked for, the master of that day or the last one before it answers; before the first, the first.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection, _WHAT)

    @classmethod
    def open(cls, state: Path, *, create: bool = False) -> Self:
        """Open ``instruments.db`` in the folder `state`: for reading, or with `create` for loading masters.

        Raises
        ------
        BadInput
            There is none; the message says how to get one.
        """
        path = state / NAME
        if create:
            state.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise BadInput(f"no instrument master in {state}: get today's with `instruments --refresh`, load one with "
                           "`instruments --from FILE --date DAY`, or name its folder with --state")  # fmt: skip
        statements = [*(t.create for t in TABLES), *_make_indexes()]
        return cls(path, connect(path, application_id=BOOK_ID, version=BOOK_VERSION, statements=statements, what=_WHAT,
                                 create=create, readonly=not create))  # fmt: skip

    @classmethod
    def open_loaded(cls, state: Path) -> Self | None:
        """Open the book of a folder for reading; return None where there is none, or no master in it yet."""
        if not (state / NAME).exists():
            return None
        book = cls.open(state)
        if book.days():
            return book
        book.close()  # a first download that failed
        return None

    # --- loading

    def load(self, day: int, master: MasterFile) -> Loaded:
        """Keep `master` as what was listed on IST `day`, in place of an earlier one of that day, whole or not at all.

        Notes
        -----
        Days may come in any order and as often as one likes: the book depends on the last master of each day alone.
        """
        with self.writing():
            after = self._number("SELECT min(day) FROM masters WHERE day > ?", (day,)) or OPEN_END
            held = {key: (number, digest) for key, number, digest in self._rows(
                f"SELECT key, id, digest FROM versions WHERE {_OPEN}", (day, day))}  # noqa: S608  # fmt: skip
            is_first = not held and not self._number("SELECT count(*) FROM masters")
            if is_first:  # sorting rows at the end takes half the time of placing each
                for name in _INDEXES:
                    self._db.execute(f"DROP INDEX {name}")
            cell = _Cell(self._db, day, after)
            changed = 0
            for values in master:
                digest = blake2b(orjson.dumps(values), digest_size=16).digest()
                before = held.pop(values[0], None)
                if before is None or before[1] != digest:
                    cell.put(None if before is None else before[0], values, digest)
                    changed += 1
            for number, _ in held.values():
                cell.cut(number)
            cell.flush()
            for statement in _make_indexes() if is_first else ():
                self._db.execute(statement)
            rows = master.rows - master.rejects.total
            self._db.execute("INSERT OR REPLACE INTO masters VALUES (?, ?, ?)", (day, rows, master.unit.value))
            return Loaded(day, rows, changed, len(held))

    # --- as of a day

    def days(self) -> list[int]:
        """Return the IST days whose master was loaded, oldest first."""
        return [day for (day,) in self._rows("SELECT day FROM masters ORDER BY day")]

    def master_day(self, day: int) -> int | None:
        """Return the day of the master that answers for `day` by being of it or before; None where `day` is before the first."""
        return self._number("SELECT max(day) FROM masters WHERE day <= ?", (day,))

    def of_key(self, key: str, day: int) -> Listing | None:
        """Return what was listed under exactly this key."""
        found = self._listings(day, "key = ?", (key,))
        return found[0] if found else None

    def with_symbol(self, text: str, day: int, segments: Sequence[str]) -> list[Listing]:
        """Return what has this trading symbol, and the index with this name, in any case, by key."""
        where = f"(symbol = ? COLLATE NOCASE OR (type = 'INDEX' AND name = ? COLLATE NOCASE)) AND {_among(segments)}"
        return self._listings(day, where, (text, text, *segments))

    def contracts(self, underlying: str, day: int, segments: Sequence[str], types: Sequence[str]) -> list[Listing]:
        """Return the contracts on an underlying, by its trading symbol, nearest expiry first; expired ones too."""
        where = f"{_CONTRACT} AND {_among(types, 'type')} AND {_among(segments)}"
        found = self._listings(day, where, (underlying, *types, *segments))
        return sorted(found, key=lambda c: (c.expiry or 0, float(c.strike or 0), c.key))

    def later_contracts(self, underlying: str, day: int, segments: Sequence[str], types: Sequence[str]) -> list[Listing]:
        """Return the contracts that masters after `day` say first, each as first said, the earliest said first."""
        where = f"{_CONTRACT} AND {_among(types, 'type')} AND {_among(segments)} AND first_day > ?"
        rows = self._rows(f"{_SELECT} WHERE {where} ORDER BY first_day, key", (underlying, *types, *segments, day))
        found: dict[tuple[str, int | None], Listing] = {}
        for row in rows:
            listing = _listing(row)
            found.setdefault((listing.key, listing.expiry), listing)
        return list(found.values())

    def instrument(self, listing: Listing, day: int) -> Instrument:
        """Return the instrument a listing describes.

        Notes
        -----
        Before the masters said which shares have a closing auction (2026-08-01), those with a future in the same master count as
        such: the auction is for shares that have derivatives.
        """
        auction: bool | None = None
        if listing.segment in SHARES:
            auction = listing.cas_eligible == 1
            if listing.cas_eligible is None:
                auction = bool(self._listings(day, "underlying = ? AND type = 'FUT'", (listing.key,)))
        return listing.to_instrument(auction)

    def search(self, words: Iterable[str], day: int) -> list[Listing]:
        """Return what has, for every word, a word that begins so in its symbol, name, key or expiry."""
        likes = [f"% {_escaped(word.casefold())}%" for word in words]
        return self._listings(day, " AND ".join(["text LIKE ? ESCAPE '\\'"] * len(likes)) or "1", tuple(likes))

    def names(self, day: int) -> list[str]:
        """Return what people call shares, indices and underlyings of contracts."""
        at = self._at(day)
        rows = self._rows(
            f"SELECT DISTINCT symbol FROM versions WHERE {_OPEN} AND expiry IS NULL "  # noqa: S608
            f"UNION SELECT DISTINCT underlying_symbol FROM versions WHERE {_OPEN} AND underlying_symbol <> ''", (at, at, at, at),
        )  # fmt: skip
        return [name for (name,) in rows]

    def known_days(self, key: str) -> list[tuple[int, int]]:
        """Return the spans [first day, end day) of masters in which a key stands, oldest first."""
        return self._rows("SELECT first_day, end_day FROM versions WHERE key = ? ORDER BY first_day", (key,))

    def _at(self, day: int) -> int:
        first = self._number("SELECT min(day) FROM masters")
        if first is None:
            raise BadInput(f"{self._path} holds no instrument master: get today's with `instruments --refresh`")
        return max(day, first)

    def _listings(self, day: int, where: str, values: tuple[Any, ...]) -> list[Listing]:
        at = self._at(day)
        return [_listing(row) for row in self._rows(f"{_SELECT} WHERE {_OPEN} AND {where} ORDER BY key", (at, at, *values))]

    def _number(self, sql: str, values: Sequence[Any] = ()) -> int | None:
        ((found,),) = self._rows(sql, values)
        return None if found is None else int(found)


class _Cell:
    """The days from one master to the next, whose rows are being set.

    Parameters
    ----------
    begin, end : int, IST day
        Half-open; no master was loaded between.
    """

    def __init__(self, db: sqlite3.Connection, begin: int, end: int) -> None:
        self._db = db
        self._begin = begin
        self._end = end
        self._new: list[tuple[Any, ...]] = []
        self._dates: dict[int, str] = {}
        # Versions that end or begin where the cell does: the same row continues one of them. On the newest day there are none.
        self._before = self._bordering("end_day", "first_day", begin)
        self._after = self._bordering("first_day", "end_day", end)

    def _bordering(self, at: str, other: str, day: int) -> dict[tuple[str, bytes], tuple[int, int]]:
        rows = self._db.execute(f"SELECT key, digest, id, {other} FROM versions WHERE {at} = ?", (day,))  # noqa: S608
        return {(key, digest): (number, far) for key, digest, number, far in rows}

    def put(self, covering: int | None, values: tuple[Any, ...], digest: bytes) -> None:
        """Let `values` be the row of their key, in place of the version that covers the cell."""
        if covering is not None:
            self.cut(covering)
        place = values[0], digest
        before, after = self._before.pop(place, None), self._after.pop(place, None)
        begin = self._begin if before is None else before[1]
        end = self._end if after is None else after[1]
        if before is not None:
            self._db.execute("UPDATE versions SET end_day = ? WHERE id = ?", (end, before[0]))
            if after is not None:
                self._db.execute("DELETE FROM versions WHERE id = ?", (after[0],))
        elif after is not None:
            self._db.execute("UPDATE versions SET first_day = ? WHERE id = ?", (begin, after[0]))
        else:
            self._new.append((*values, begin, end, digest, self._text(*values[:8])))
            if len(self._new) >= _GROUP:
                self.flush()

    def cut(self, number: int) -> None:
        """Take the cell out of a version that covers it."""
        row = self._db.execute("SELECT * FROM versions WHERE id = ?", (number,)).fetchone()
        *values, begin, end, digest, text = row[1:]
        if end > self._end:
            self._new.append((*values, self._end, end, digest, text))
        if begin < self._begin:
            self._db.execute("UPDATE versions SET end_day = ? WHERE id = ?", (self._begin, number))
        else:
            self._db.execute("DELETE FROM versions WHERE id = ?", (number,))

    def flush(self) -> None:
        """Write what waits."""
        self._db.executemany(_INSERT, self._new)
        self._new.clear()

    def _text(self, key: str, _: str, symbol: str, name: str, *others: Any) -> str:
        expiry = others[-1]
        if expiry is not None and expiry not in self._dates:
            self._dates[expiry] = f"{to_date(expiry):%Y-%m-%d %d %b %Y %B}"
        when = "" if expiry is None else self._dates[expiry]
        return f" {symbol} {name} {key} {key.partition('|')[2]} {when}".casefold()


def _make_indexes() -> list[str]:
    return [f"CREATE INDEX {name} ON versions {columns}" for name, columns in _INDEXES.items()]


def _listing(row: tuple[Any, ...]) -> Listing:
    *values, unit = row
    return Listing(**dict(zip(COLUMNS, values, strict=True)), unit=Unit(unit))


def _among(values: Sequence[str], column: str = "segment") -> str:
    return f"{column} IN ({', '.join('?' * len(values))})"


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
