"""The tables of the embedded store, as data: what each holds, the order it is scanned in, and how it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

APPLICATION_ID: Final = 0x41425431  # "ABT1" in the file's header: ours, and no other program's database
JOURNAL_ID: Final = 0x4142544A  # "ABTJ"
SWEEPS_ID: Final = 0x41425457  # "ABTW"
VERSION: Final = 4
JOURNAL_VERSION: Final = 3
SWEEPS_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Parameters
    ----------
    name : str
    scan : str
        Columns in whose order it is read, and by whom.
    ddl : str
        Columns and keys, between the parentheses of CREATE TABLE and after.
    """

    name: str
    scan: str
    ddl: str

    @property
    def create(self) -> str:
        """The statement that makes it."""
        return f"CREATE TABLE {self.name} {self.ddl}"


CONTRACT_COLUMNS: Final = ("underlying TEXT", "expiry INTEGER", "strike TEXT", "option_right TEXT", "closing_auction INTEGER")

TABLES: Final = (
    Table("schema_version", "version", "(version INTEGER PRIMARY KEY)"),
    # Exactly two columns: the recording can be read by anything that reads SQL. ts is the message's seq.
    Table("raw_wss_feed", "ts: replay of every symbol", "(ts INTEGER PRIMARY KEY, raw_json TEXT)"),
    # Old messages, compressed (archive.py): none of raw_wss_feed stands at begin_ts <= ts < end_ts. sha proves the content.
    Table("raw_blocks", "begin_ts: replay of what was archived",
          "(begin_ts INTEGER PRIMARY KEY, end_ts INTEGER NOT NULL, n INTEGER NOT NULL, sha BLOB NOT NULL, data BLOB NOT NULL)"),
    # symbol '' marks a message about all symbols.
    Table("raw_symbol", "symbol, ts: replay of one symbol, days of one symbol",
          "(symbol TEXT NOT NULL, ts INTEGER NOT NULL, PRIMARY KEY (symbol, ts)) WITHOUT ROWID"),
    Table("raw_source", "sha: has this message been imported before",
          "(sha BLOB PRIMARY KEY, ts INTEGER NOT NULL) WITHOUT ROWID"),
    # Column blocks (blocks.py) of one symbol and IST day; seq is the block's first, n its rows.
    Table("ticks", "symbol, day, seq: a range of days of one symbol",
          "(symbol TEXT NOT NULL, day INTEGER NOT NULL, seq INTEGER NOT NULL, n INTEGER NOT NULL, data BLOB NOT NULL, "
          "PRIMARY KEY (symbol, day, seq))"),
    # The content of a symbol's day by its seal (seal.py): equal rows, equal seal.
    Table("days", "symbol, day: has this day changed",
          "(symbol TEXT NOT NULL, day INTEGER NOT NULL, seal INTEGER NOT NULL, PRIMARY KEY (symbol, day)) WITHOUT ROWID"),
    Table("leases", "name: who records", "(name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID"),
    Table("bars_1m", "symbol, ts: a range of days of one symbol",
          "(symbol TEXT NOT NULL, ts INTEGER NOT NULL, open REAL NOT NULL, high REAL NOT NULL, low REAL NOT NULL, "
          "close REAL NOT NULL, volume INTEGER NOT NULL, tick_volume INTEGER NOT NULL, known_seq INTEGER NOT NULL, "
          "source INTEGER NOT NULL, PRIMARY KEY (symbol, ts)) WITHOUT ROWID"),
    # Rows keep their order of arrival, so that events of one seq stay in it.
    Table("events", "ts, seq, rowid: replay", "(ts INTEGER NOT NULL, seq INTEGER NOT NULL, kind TEXT NOT NULL, "
          "symbol TEXT NOT NULL, payload TEXT NOT NULL)"),
    Table("gaps", "symbol, begin_seq: quality of a range of days",
          "(symbol TEXT NOT NULL, begin_seq INTEGER NOT NULL, end_seq INTEGER NOT NULL, kind TEXT NOT NULL, "
          "volume INTEGER NOT NULL, PRIMARY KEY (symbol, begin_seq, end_seq, kind)) WITHOUT ROWID"),
    # tick and strike are decimal text: 0.05 has no exact float. expiry is an IST day. NULL: nobody has said.
    Table("instruments", "symbol, valid_from: the row in force is the last one",
          "(symbol TEXT NOT NULL, name TEXT NOT NULL, valid_from INTEGER NOT NULL, tick TEXT NOT NULL, lot INTEGER NOT NULL, "
          f"kind TEXT NOT NULL, {', '.join(CONTRACT_COLUMNS)}, PRIMARY KEY (symbol, valid_from)) WITHOUT ROWID"),
    Table("runs", "run_id", "(run_id INTEGER PRIMARY KEY, settings TEXT NOT NULL, summary TEXT NOT NULL DEFAULT '')"),
    Table("trials", "run_id, trial", "(run_id INTEGER NOT NULL, trial INTEGER NOT NULL, settings TEXT NOT NULL, "
          "result TEXT NOT NULL, PRIMARY KEY (run_id, trial)) WITHOUT ROWID"),
    Table("dead_letters", "id: rows a server refused, with its reason",
          "(id INTEGER PRIMARY KEY, target TEXT NOT NULL, payload TEXT NOT NULL, reason TEXT NOT NULL)"),
)  # fmt: skip

# What a file of an older version lacks; days derived before have no seal until they are derived again.
UPGRADES: Final = {
    2: tuple(t.create for t in TABLES if t.name in {"days", "leases"}),
    3: tuple(t.create for t in TABLES if t.name == "raw_blocks"),
    4: tuple(f"ALTER TABLE instruments ADD COLUMN {column}" for column in CONTRACT_COLUMNS),
}

# Has an import named the message at this stamp; made when it is first asked, which is where messages were recorded and imported.
CLAIMS: Final = "CREATE INDEX IF NOT EXISTS raw_source_by_ts ON raw_source (ts)"

INDEXES: Final = ("CREATE INDEX events_by_seq ON events (ts, seq)",)
