"""The outcomes of trials, each once: what a sweep has done is not done again, and any of it can be found by its name."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from auction_bt.core.errors import BadInput
from auction_bt.core.figures import Figures

from .database import SqliteFile, connect
from .schema import SWEEPS_ID, SWEEPS_VERSION, Table

NAME: Final = "sweeps.db"
_WHAT: Final = "sweep ledger"
_AT_ONCE: Final = 500
_FEWEST: Final = 4  # letters that name a trial

TABLES: Final = (
    Table("schema_version", "version", "(version INTEGER PRIMARY KEY)"),
    # What a trial was and what came of it, as JSON; days are IST, both included. Equal trials have one id on every machine.
    Table("trials", "id",
          "(id TEXT PRIMARY KEY, symbol TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, settings TEXT NOT NULL, "
          "terms TEXT NOT NULL, trades TEXT NOT NULL, figures TEXT NOT NULL) WITHOUT ROWID"),
    # Trials without an outcome; one that worked later is in both.
    Table("failures", "id", "(id TEXT PRIMARY KEY, error TEXT NOT NULL) WITHOUT ROWID"),
)  # fmt: skip
_APPEND_ONLY: Final = tuple(
    f"CREATE TRIGGER trials_no_{verb.lower()} BEFORE {verb} ON trials BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
    for verb in ("UPDATE", "DELETE")
)


@dataclass(frozen=True, slots=True)
class KeptTrial:
    """A trial as the ledger has it.

    Parameters
    ----------
    first, last : int, IST day
    settings, terms : dict
        As JSON has them.
    trades : str
        A hash of its trades.
    """

    identity: str
    symbol: str
    first: int
    last: int
    settings: dict[str, Any]
    terms: dict[str, Any]
    trades: str
    figures: Figures


class TrialLedger(SqliteFile):
    """The trials of one state folder.

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
        """Open ``sweeps.db`` in the folder `state`, making it where there is none and `readonly` is not set."""
        path = state / NAME
        if readonly and not path.exists():
            raise BadInput(f"no trials in {state}: run a sweep first, or name its folder with --state")
        statements = [*(t.create for t in TABLES), "CREATE INDEX trials_on ON trials (symbol, first, last)", *_APPEND_ONLY]
        return cls(path, connect(path, application_id=SWEEPS_ID, version=SWEEPS_VERSION, statements=statements, what=_WHAT,
                                 create=not readonly, readonly=readonly))  # fmt: skip

    def add(self, trials: Iterable[KeptTrial], failures: Iterable[tuple[str, str]] = ()) -> None:
        """Keep outcomes, and (id, reason) of what failed, all or none; a trial that is kept already stays as it is."""
        rows = [(t.identity, t.symbol, t.first, t.last, _text(t.settings), _text(t.terms), t.trades, _text(t.figures.as_json()))
                for t in trials]  # fmt: skip
        with self.writing():
            self._db.executemany("INSERT OR IGNORE INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._db.executemany("INSERT OR REPLACE INTO failures VALUES (?, ?)", failures)

    def count(self) -> int:
        """Return how many trials have an outcome."""
        return int(self._rows("SELECT count(*) FROM trials")[0][0])

    def known(self, identities: Iterable[str]) -> set[str]:
        """Return those that have an outcome."""
        return {row[0] for row in self._of("SELECT id FROM trials WHERE id IN ({})", list(identities))}

    def figures(self, identities: Sequence[str]) -> dict[str, tuple[str, Figures]]:
        """Return by id the hash of its trades and its figures, of those that have an outcome."""
        rows = self._of("SELECT id, trades, figures FROM trials WHERE id IN ({})", identities)
        return {row[0]: (row[1], Figures.of_json(json.loads(row[2]))) for row in rows}

    def on(self, symbol: str, first: int, last: int) -> Iterator[tuple[str, dict[str, Any], dict[str, Any], Figures]]:
        """Yield id, settings, terms and figures of every trial ever kept on a symbol and its IST days, in the order of ids."""
        names = [row[0] for row in self._rows("SELECT id FROM trials WHERE symbol = ? AND first = ? AND last = ? ORDER BY id",
                                              (symbol, first, last))]  # fmt: skip
        for row in self._of("SELECT id, settings, terms, figures FROM trials WHERE id IN ({}) ORDER BY id", names):
            yield row[0], json.loads(row[1]), json.loads(row[2]), Figures.of_json(json.loads(row[3]))

    def failures(self, identities: Sequence[str]) -> dict[str, str]:
        """Return by id why it failed, of those without an outcome."""
        return dict(self._of("SELECT id, error FROM failures WHERE id IN ({}) AND id NOT IN (SELECT id FROM trials)", identities))

    def find(self, prefix: str) -> KeptTrial:
        """Return the trial whose id begins with `prefix`.

        Raises
        ------
        BadInput
            None or several do, or the few letters given would sooner or later be those of another.
        """
        if len(prefix) < _FEWEST:
            raise BadInput(f"--trial {prefix!r} is too short to name a trial: write {_FEWEST} letters of it or more, as "
                           "`sweep` shows them in its table")  # fmt: skip
        columns = "id, symbol, first, last, settings, terms, trades, figures"
        rows = self._rows(f"SELECT {columns} FROM trials WHERE substr(id, 1, ?) = ? ORDER BY id LIMIT 2", (len(prefix), prefix))  # noqa: S608
        if not rows:
            raise BadInput(f"no trial {prefix!r} in {self._path}: `sweep` names them in its table and its --csv")
        if len(rows) > 1:
            raise BadInput(f"trial {prefix!r} is {rows[0][0]} or {rows[1][0]}: write more letters of it")
        identity, symbol, first, last, settings, terms, trades, figures = rows[0]
        return KeptTrial(identity, symbol, first, last, json.loads(settings), json.loads(terms), trades,
                         Figures.of_json(json.loads(figures)))  # fmt: skip

    def _of(self, sql: str, identities: Sequence[str]) -> Iterator[Any]:
        for begin in range(0, len(identities), _AT_ONCE):
            some = identities[begin : begin + _AT_ONCE]
            yield from self._rows(sql.format(", ".join("?" * len(some))), some)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
