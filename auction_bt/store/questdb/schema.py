"""The tables of a QuestDB store, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

VERSION: Final = 2
LARGEST_NS: Final = 9_214_646_399_999_999_999  # the greatest designated timestamp the server takes
TIME: Final = "TIMESTAMP_NS"


@dataclass(frozen=True, slots=True)
class Table:
    """One table, its rows in the order of its time.

    Parameters
    ----------
    name : str
    columns : tuple of (str, str)
        Name and type; the first is the designated timestamp.
    keys : tuple of str
        Rows equal in these are one row, the last written.
    partition : str
    older : tuple of int
        How many of the columns earlier versions had.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    keys: tuple[str, ...]
    partition: str = "DAY"
    older: tuple[int, ...] = ()

    def create(self, name: str) -> str:
        """Return the statement that makes it under `name`."""
        columns = ", ".join(f"{column} {kind}{_CAPACITY.get(column, '')}" for column, kind in self.columns)
        time = self.columns[0][0]
        return (f"CREATE TABLE IF NOT EXISTS '{name}' ({columns}) TIMESTAMP({time}) PARTITION BY {self.partition} "
                f"WAL DEDUP UPSERT KEYS({', '.join(self.keys)})")  # fmt: skip


_CAPACITY: Final = {"symbol": " CAPACITY 4096"}  # more than 256 instruments are normal
_SYMBOL: Final = ("symbol", "SYMBOL")
_SEAL: Final = ("seal", "LONG")
_TS: Final = ("ts", TIME)


def _columns(kind: str, names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, kind) for name in names.split())


# `seal` names the content that a row belongs to (store/seal.py). A day is replaced by writing its rows under their new seal
# and then, as the commit, the day's row in `days`: rows under any other seal are not there for any reader.
TABLES: Final = (
    Table("schema_version", (_TS, ("version", "LONG")), ("ts", "version"), "YEAR"),
    # Exactly two columns: the recording can be read by anything that reads SQL. ts is unique: the message's seq.
    Table("raw_wss_feed", (_TS, ("raw_json", "VARCHAR")), ("ts",)),
    # symbol '' marks a message about all symbols.
    Table("raw_symbol", (_TS, _SYMBOL), ("ts", "symbol")),
    # ts is the stamp an imported message asked for, placed the one it got.
    Table("raw_source", (_TS, ("sha", "VARCHAR"), ("placed", "LONG")), ("ts", "sha")),
    Table("ticks", (_TS, _SYMBOL, ("seq", "LONG"), _SEAL, ("price", "DOUBLE"), *_columns("LONG", "size vtt"),
                    *_columns("DOUBLE", "bid ask oi"), ("clock", "LONG")), ("ts", "symbol", "seq", "seal")),
    Table("bars_1m", (_TS, _SYMBOL, _SEAL, *_columns("DOUBLE", "open high low close"),
                      *_columns("LONG", "volume tick_volume known_seq source")), ("ts", "symbol", "seal"), "MONTH"),
    # ts is where the silence begins.
    Table("gaps", (_TS, _SYMBOL, _SEAL, ("end_seq", "LONG"), ("kind", "SYMBOL"), ("volume", "LONG")),
          ("ts", "symbol", "seal", "end_seq", "kind"), "MONTH"),
    # Events of one seq keep their order by place.
    Table("events", (_TS, ("place", "LONG"), _SEAL, ("kind", "SYMBOL"), _SYMBOL, ("payload", "VARCHAR")),
          ("ts", "place", "seal"), "MONTH"),
    # ts is midnight UTC of the day's date in India; symbol '' is the row of the day's events.
    Table("days", (_TS, _SYMBOL, _SEAL, *_columns("LONG", "ticks bars gaps silences volume tick_volume")),
          ("ts", "symbol"), "YEAR"),
    # tick and strike are decimal text: 0.05 has no exact float. expiry is an IST day. NULL: nobody has said.
    Table("instruments", (_TS, _SYMBOL, ("name", "VARCHAR"), ("tick", "VARCHAR"), ("lot", "LONG"), ("kind", "SYMBOL"),
                          ("underlying", "VARCHAR"), ("expiry", "LONG"), ("strike", "VARCHAR"), ("option_right", "VARCHAR"),
                          ("closing_auction", "LONG")), ("ts", "symbol"), "YEAR", older=(6,)),
    Table("leases", (_TS, ("name", "SYMBOL"), ("holder", "SYMBOL"), ("until", "LONG")), ("ts", "name", "holder"), "YEAR"),
)  # fmt: skip


def view(table: str, prefix: str) -> tuple[str, str]:
    """Return the name and the statement of the view of a table's rows that are in force, for people's own SQL."""
    columns = next(t.columns for t in TABLES if t.name == table)
    chosen = ", ".join(f"t.{name}" for name, _ in columns if name != "seal")
    name = f"{prefix}{table}_now"
    return name, (f"CREATE VIEW IF NOT EXISTS '{name}' AS (SELECT {chosen} FROM '{prefix}{table}' t "
                  f"JOIN '{prefix}days' d ON t.symbol = d.symbol AND t.seal = d.seal)")  # fmt: skip


VIEWS: Final = ("ticks", "bars_1m")
INSTRUMENTS: Final = next(t for t in TABLES if t.name == "instruments")
