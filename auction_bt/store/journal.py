"""What was decided and traded: one append-only file, the source of truth after a crash."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from math import isfinite, nan
from pathlib import Path
from statistics import variance
from typing import Any, Final, NamedTuple, Self

from auction_bt.core.breakdown import Breakdown
from auction_bt.core.decision import Decision
from auction_bt.core.sharpe import Trials
from auction_bt.core.trade import Fill, Levels, Side, Trade

from .database import SqliteFile, connect
from .schema import JOURNAL_ID, JOURNAL_VERSION, Table

NAME: Final = "journal.db"
_WHAT: Final = "journal"
SWEPT: Final = "sweep"  # a setting that says: this is no run, trials hang on it
_LEVELS: Final = "poc REAL, vah REAL, val REAL, levels_source TEXT NOT NULL"

TABLES: Final = (
    Table("schema_version", "version", "(version INTEGER PRIMARY KEY)"),
    Table("runs", "run_id", "(run_id INTEGER PRIMARY KEY AUTOINCREMENT, settings TEXT NOT NULL)"),
    # id is the order of writing, which is the order of deciding. A float that is no number is NULL here.
    Table("decisions", "run_id, id",
          "(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs, seq INTEGER NOT NULL, ts INTEGER NOT NULL, "
          "symbol TEXT NOT NULL, action TEXT NOT NULL, side TEXT NOT NULL, setup TEXT NOT NULL, "
          f"regime TEXT NOT NULL, {_LEVELS}, reason TEXT NOT NULL, qty INTEGER NOT NULL, stop REAL, targets TEXT NOT NULL, "
          "evidence TEXT NOT NULL)"),
    # On disk before the order is sent; tag finds the order again when its answer is lost.
    Table("intents", "run_id, id",
          "(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs, seq INTEGER NOT NULL, symbol TEXT NOT NULL, "
          "tag TEXT NOT NULL UNIQUE, payload TEXT NOT NULL)"),
    # Every state an order was seen in, one row each.
    Table("orders", "run_id, id",
          "(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs, seq INTEGER NOT NULL, tag TEXT NOT NULL, "
          "order_id TEXT NOT NULL, state TEXT NOT NULL, payload TEXT NOT NULL)"),
    # Money is decimal text; costs is a JSON object of it by kind. costs and position are NULL where nobody has said.
    Table("trades", "run_id, id",
          "(id INTEGER PRIMARY KEY, run_id INTEGER NOT NULL REFERENCES runs, symbol TEXT NOT NULL, signal_symbol TEXT NOT NULL, "
          f"side TEXT NOT NULL, setup TEXT NOT NULL, regime TEXT NOT NULL, {_LEVELS}, qty INTEGER NOT NULL, "
          "entry_ts INTEGER NOT NULL, entry_seq INTEGER NOT NULL, entry_price REAL, exit_ts INTEGER NOT NULL, "
          "exit_seq INTEGER NOT NULL, exit_price REAL, stop REAL, reason TEXT NOT NULL, pnl_gross TEXT NOT NULL, "
          "charges TEXT NOT NULL, pnl_net TEXT NOT NULL, mae REAL, mfe REAL, r_multiple REAL, costs TEXT, position TEXT)"),
    Table("fills", "trade_id, place",
          "(trade_id INTEGER NOT NULL REFERENCES trades, place INTEGER NOT NULL, seq INTEGER NOT NULL, ts INTEGER NOT NULL, "
          "price REAL, qty INTEGER NOT NULL, reason TEXT NOT NULL, source TEXT NOT NULL, "
          "PRIMARY KEY (trade_id, place)) WITHOUT ROWID"),
    # What a run tried on its symbols and days (IST, both inclusive); settings is a hash, sharpe that of a day's net.
    Table("trials", "symbol, run_id: what was tried on a symbol",
          "(symbol TEXT NOT NULL, run_id INTEGER NOT NULL REFERENCES runs, begin INTEGER NOT NULL, end INTEGER NOT NULL, "
          "settings TEXT NOT NULL, sharpe REAL, PRIMARY KEY (symbol, run_id, settings)) WITHOUT ROWID"),
)  # fmt: skip
_APPEND_ONLY: Final = {
    table: tuple(
        f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
        "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    )
    for table in ("runs", "decisions", "intents", "orders", "trades", "fills", "trials")
}
_LATER: Final = ("costs", "position")  # columns of trades that files of version 2 lack
_UPGRADES: Final = {
    2: (*(t.create for t in TABLES if t.name == "trials"), *_APPEND_ONLY["trials"]),
    3: tuple(f"ALTER TABLE trades ADD COLUMN {column} TEXT" for column in _LATER),
}
_INDEXES: Final = (
    "CREATE INDEX decisions_of_run ON decisions (run_id, id)",
    "CREATE INDEX trades_of_run ON trades (run_id, id)",
)


class OrderState(NamedTuple):
    """How an order stood at a message.

    Parameters
    ----------
    seq : int, ns
    tag, order_id : str
        Ours, and the broker's; '' for none.
    state : str
        As the broker words it, or ``modify asked``, ``cancel asked``, and for an answer ``place accepted`` and the like.
    payload : str
        What was said, as JSON text.
    """

    seq: int
    tag: str
    order_id: str
    state: str
    payload: str


class Journal(SqliteFile):
    """The journal file of one state folder.

    Parameters
    ----------
    path : Path
    connection : sqlite3.Connection
        As `open` makes it; belongs to the thread that made it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        super().__init__(path, connection, _WHAT)

    @classmethod
    def open(cls, state: Path, *, readonly: bool = False) -> Self:
        """Open ``journal.db`` in the folder `state`, making it where there is none and `readonly` is not set.

        Notes
        -----
        Every append is on the disk when it returns (``synchronous=FULL``): a power cut loses nothing that was acknowledged.
        """
        path = state / NAME
        statements = [*(t.create for t in TABLES), *_INDEXES, *chain.from_iterable(_APPEND_ONLY.values())]
        return cls(path, connect(path, application_id=JOURNAL_ID, version=JOURNAL_VERSION, statements=statements, what=_WHAT,
                                 create=not readonly, readonly=readonly, synchronous="FULL", upgrades=_UPGRADES))  # fmt: skip

    def start_run(self, settings: str) -> int:
        """Begin a run with these settings (JSON text); return its number, never used again."""
        with self.writing():
            row = self._db.execute("INSERT INTO runs (settings) VALUES (?) RETURNING run_id", (settings,)).fetchone()
            return int(row[0])

    def runs(self) -> list[tuple[int, str]]:
        """Return (number, settings) of every run, oldest first; sweeps have trials, and no decisions or trades: they are none."""
        return self._rows("SELECT run_id, settings FROM runs WHERE settings NOT LIKE ? ORDER BY run_id", (f'%"{SWEPT}": "%',))

    def totals(self) -> dict[int, tuple[int, int, Decimal]]:
        """Return by run that has any: closed trades, trades still open, and the net of the closed ones in rupees."""
        found: dict[int, tuple[int, int, Decimal]] = {}
        for run_id, exit_ts, net in self._rows("SELECT run_id, exit_ts, pnl_net FROM trades"):
            closed, still_open, total = found.get(run_id, (0, 0, Decimal(0)))
            is_open = not exit_ts
            found[run_id] = closed + (not is_open), still_open + is_open, total + (0 if is_open else Decimal(net))
        return found

    def append_decisions(self, run_id: int, decisions: Iterable[Decision]) -> None:
        """Add decisions in the order given, all or none."""
        rows = [(run_id, *_decision_row(d)) for d in decisions]
        with self.writing():
            self._db.executemany(f"INSERT INTO decisions ({_DECISION}) VALUES ({_marks(_DECISION)})", rows)  # noqa: S608

    def append_trades(self, run_id: int, trades: Iterable[Trade]) -> None:
        """Add trades with their fills in the order given, all or none."""
        with self.writing():
            begin = self._db.execute("SELECT coalesce(max(id), 0) + 1 FROM trades").fetchone()[0]
            numbered = list(enumerate(trades, begin))
            self._db.executemany(f"INSERT INTO trades (id, {_TRADE}) VALUES (?, {_marks(_TRADE)})",  # noqa: S608
                                 [(number, run_id, *_trade_row(t)) for number, t in numbered])  # fmt: skip
            self._db.executemany("INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                                 [(number, place, f.seq, f.ts, f.price, f.qty, f.reason, f.source)
                                  for number, t in numbered for place, f in enumerate(t.fills)])  # fmt: skip

    def append_intent(self, run_id: int, seq: int, symbol: str, tag: str, payload: str) -> None:
        """Add what is about to be sent.

        Parameters
        ----------
        seq : int, ns
            The message acted upon.
        tag : str
            Of the order; each is sent once, and a second time is refused.
        payload : str
            The whole of it, as JSON text.
        """
        with self.writing():
            self._db.execute("INSERT INTO intents (run_id, seq, symbol, tag, payload) VALUES (?, ?, ?, ?, ?)",
                             (run_id, seq, symbol, tag, payload))  # fmt: skip

    def append_orders(self, run_id: int, states: Iterable[OrderState]) -> None:
        """Add states that orders were seen in, in the order given, all or none."""
        with self.writing():
            self._db.executemany("INSERT INTO orders (run_id, seq, tag, order_id, state, payload) VALUES (?, ?, ?, ?, ?, ?)",
                                 [(run_id, *state) for state in states])  # fmt: skip

    def intents(self, begin: int, end: int) -> list[tuple[int, str, str, str]]:
        """Return (seq, symbol, tag, payload) of what was sent at messages of ``begin <= seq < end`` (ns), oldest first."""
        return self._rows("SELECT seq, symbol, tag, payload FROM intents WHERE seq >= ? AND seq < ? ORDER BY id", (begin, end))

    def orders(self, run_id: int) -> list[OrderState]:
        """Return the states that orders of a run were seen in, as they were appended."""
        rows = self._rows("SELECT seq, tag, order_id, state, payload FROM orders WHERE run_id = ? ORDER BY id", (run_id,))
        return [OrderState(*row) for row in rows]

    def append_trial(
        self, run_id: int, symbols: Iterable[str], begin: int, end: int, settings: str, sharpe: float | None
    ) -> None:
        """Count settings as tried by a run on `symbols` and the IST days `begin` to `end`, both inclusive.

        Parameters
        ----------
        settings : str
            Equal for runs that must trade alike: a hash of what decides.
        sharpe : float or None
            Of a day's net; None where it has none.
        """
        self.append_trials(run_id, [(symbol, begin, end, settings, sharpe) for symbol in set(symbols)])

    def append_trials(self, run_id: int, tried: Iterable[tuple[str, int, int, str, float | None]]) -> None:
        """Count (symbol, begin, end, settings, Sharpe ratio) as tried by a run, all or none; meanings as of `append_trial`.

        Notes
        -----
        A run has one span of days: what it tried on a symbol already stays as it is.
        """
        rows = sorted({(t[0], t[3]): (*t[:4], t[4] if t[4] is not None and isfinite(t[4]) else None) for t in tried}.items())
        with self.writing():
            self._db.executemany(
                "INSERT OR IGNORE INTO trials (symbol, run_id, begin, end, settings, sharpe) VALUES (?, ?, ?, ?, ?, ?)",
                [(symbol, run_id, *rest) for _, (symbol, *rest) in rows],
            )

    def trials(self, symbols: Iterable[str], begin: int, end: int) -> Trials:
        """Return how many different settings were tried on any of `symbols` on days that overlap these, both inclusive.

        Notes
        -----
        Settings tried more than once count once, with the Sharpe ratio of the last run that has one.
        """
        names = sorted(set(symbols))
        marks = ", ".join("?" for _ in names)
        rows = self._rows(f"SELECT settings, sharpe FROM trials WHERE symbol IN ({marks}) AND begin <= ? AND end >= ? "  # noqa: S608
                          "ORDER BY run_id", (*names, end, begin))  # fmt: skip
        known = {settings: sharpe for settings, sharpe in rows if sharpe is not None}
        return Trials(len({settings for settings, _ in rows}), variance(known.values()) if len(known) > 1 else None)

    def decisions(self, run_id: int) -> list[Decision]:
        """Return the decisions of a run as they were appended."""
        return [decision for _, decision in self._decisions("run_id = ? ORDER BY id", (run_id,))]

    def trades(self, run_id: int) -> list[Trade]:
        """Return the trades of a run as they were appended."""
        return [trade for _, trade in self._trades("run_id = ?", (run_id,))]

    def _decisions(self, where: str, values: Sequence[Any]) -> list[tuple[int, Decision]]:
        rows = self._rows(f"SELECT id, {_DECISION} FROM decisions WHERE {where}", values)  # noqa: S608 - our own words
        return [(row[0], _decision(*row[2:])) for row in rows]

    def _trades(self, where: str, values: Sequence[Any]) -> list[tuple[int, Trade]]:
        # By id.
        fills: dict[int, list[Fill]] = {}
        for trade_id, seq, ts, price, qty, reason, source in self._rows(
            "SELECT trade_id, seq, ts, price, qty, reason, source FROM fills "  # noqa: S608 - our own words
            f"WHERE trade_id IN (SELECT id FROM trades WHERE {where}) ORDER BY trade_id, place", values,
        ):  # fmt: skip
            fills.setdefault(trade_id, []).append(Fill(seq, ts, _number(price), qty, reason, source))
        rows = self._rows(f"SELECT id, {self._trade_columns()} FROM trades WHERE {where} ORDER BY id", values)  # noqa: S608
        return [(row[0], _trade(tuple(fills.get(row[0], ())), *row[2:])) for row in rows]

    def _trade_columns(self) -> str:
        return ", ".join(f"NULL AS {n}" if n in _LATER and not self._has_column(n) else n for n in _TRADE.split(", "))

    def _has_column(self, name: str) -> bool:
        # A reader leaves a file of an older version as it is.
        return any(row[1] == name for row in self._rows("PRAGMA table_info(trades)"))


_DECISION: Final = (
    "run_id, seq, ts, symbol, action, side, setup, regime, poc, vah, val, levels_source, reason, qty, stop, targets, evidence"
)
_TRADE: Final = (
    "run_id, symbol, signal_symbol, side, setup, regime, poc, vah, val, levels_source, qty, entry_ts, entry_seq, entry_price, "
    "exit_ts, exit_seq, exit_price, stop, reason, pnl_gross, charges, pnl_net, mae, mfe, r_multiple, costs, position"
)


def _marks(columns: str) -> str:
    return ", ".join("?" for _ in columns.split(","))


def _number(value: float | None) -> float:
    return nan if value is None else value  # SQLite keeps NaN as NULL


def _decision_row(d: Decision) -> tuple[Any, ...]:
    levels = (d.levels.poc, d.levels.vah, d.levels.val, d.levels.source)
    targets = json.dumps(d.targets, default=float)
    evidence = json.dumps(d.evidence, default=float)
    return (d.seq, d.ts, d.symbol, d.action, d.side.value, d.setup, d.regime, *levels, d.reason, d.qty, d.stop, targets, evidence)


def _decision(
    seq: int, ts: int, symbol: str, action: str, side: str, setup: str, regime: str, poc: float, vah: float, val: float,
    source: str, reason: str, qty: int, stop: float, targets: str, evidence: str,
) -> Decision:  # fmt: skip
    levels = Levels(_number(poc), _number(vah), _number(val), source)
    pairs = tuple((price, size) for price, size in json.loads(targets))
    return Decision(seq, ts, symbol, action, Side(side), setup, regime, levels, reason, qty, _number(stop), pairs,
                    json.loads(evidence))  # fmt: skip


def _trade_row(t: Trade) -> tuple[Any, ...]:
    levels = (t.levels.poc, t.levels.vah, t.levels.val, t.levels.source)
    money = (str(t.pnl_gross), str(t.charges), str(t.pnl_net))
    kinds = {kind: str(paid) for kind, paid in t.costs.kinds.items() if paid}
    costs = json.dumps(kinds) if kinds or not t.charges else None
    return (t.symbol, t.signal_symbol, t.side.value, t.setup, t.regime, *levels, t.qty, t.entry_ts, t.entry_seq, t.entry_price,
            t.exit_ts, t.exit_seq, t.exit_price, t.stop, t.reason, *money, t.mae, t.mfe, t.r_multiple,
            costs, t.position and t.position.value)  # fmt: skip


def _trade(
    fills: tuple[Fill, ...], symbol: str, signal_symbol: str, side: str, setup: str, regime: str, poc: float, vah: float,
    val: float, source: str, qty: int, entry_ts: int, entry_seq: int, entry_price: float, exit_ts: int, exit_seq: int,
    exit_price: float, stop: float, reason: str, pnl_gross: str, charges: str, pnl_net: str, mae: float, mfe: float,
    r_multiple: float, costs: str | None, position: str | None,
) -> Trade:  # fmt: skip
    return Trade(
        symbol, signal_symbol, Side(side), setup, regime, Levels(_number(poc), _number(vah), _number(val), source), qty,
        entry_ts, entry_seq, _number(entry_price), exit_ts, exit_seq, _number(exit_price), _number(stop), reason,
        Decimal(pnl_gross), Decimal(charges), Decimal(pnl_net), _number(mae), _number(mfe), _number(r_multiple), fills,
        Breakdown(**{kind: Decimal(paid) for kind, paid in json.loads(costs or "{}").items()}),
        None if position is None else Side(position),
    )  # fmt: skip
