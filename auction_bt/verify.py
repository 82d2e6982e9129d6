"""Two accounts of the same days held against each other: equal, or the first event at which they part. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from hashlib import blake2b
from math import isnan
from typing import Any, Final

import numpy as np

from .core.bar import NEVER, BarColumns, Source
from .core.decision import Decision
from .core.ledger import rupees
from .core.tick import TickColumns
from .core.trade import Trade
from .store import Gap

Row = dict[str, Any]  # an event's fields by name, as they are compared and shown
_ENTRY: Final = ("symbol", "side", "entry_ts", "entry_seq", "entry_price", "regime", "poc", "vah", "val")


class What(IntEnum):
    """Kinds of events, in the order in which one message makes them."""

    GAP = 0
    TICK = 1
    BAR = 2
    DECISION = 3
    TRADE = 4

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Difference:
    """One event that the two accounts do not tell alike.

    Parameters
    ----------
    seq : int, ns
        The message at which they part.
    symbol : str
    what : What
    first, second : dict or None
        The event as each side has it; None where that side has none.
    """

    seq: int
    symbol: str
    what: What
    first: Row | None
    second: Row | None

    @property
    def order(self) -> tuple[int, str, int]:
        """What decides which of two differences comes first."""
        return self.seq, self.symbol, self.what

    @property
    def names(self) -> tuple[str, ...]:
        """Fields that differ; none where one side has no such event at all."""
        if self.first is None or self.second is None:
            return ()
        both = {**self.first, **self.second}
        return tuple(name for name in both if not _equal(self.first.get(name), self.second.get(name)))


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of comparing one kind of events.

    Parameters
    ----------
    first, second : int
        Events on each side.
    different : int
        Events that have no equal on the other side; a changed one counts once.
    earliest : Difference or None
    """

    first: int = 0
    second: int = 0
    different: int = 0
    earliest: Difference | None = None

    def __add__(self, other: Compared) -> Compared:
        return Compared(
            self.first + other.first,
            self.second + other.second,
            self.different + other.different,
            earliest((self.earliest, other.earliest)),
        )


def earliest(found: Iterable[Difference | None]) -> Difference | None:
    """Return the difference that comes first."""
    return min((d for d in found if d is not None), key=lambda d: d.order, default=None)


def compare_ticks(symbol: str, first: TickColumns, second: TickColumns) -> Compared:
    """Compare ticks of one symbol, each side in `seq` order."""
    return _compare_columns(symbol, What.TICK, first, second, "seq", lambda row: int(row["seq"]))


def compare_bars(symbol: str, first: BarColumns, second: BarColumns) -> Compared:
    """Compare bars of one symbol; they are events of the message that made them known."""
    return _compare_columns(symbol, What.BAR, first, second, "ts", lambda row: int(row["known_seq"]))


def compare_gaps(symbol: str, first: Iterable[Gap], second: Iterable[Gap]) -> Compared:
    """Compare silences and joins of one symbol; they are events of the message that ended them."""
    rows = [sorted(set(side), key=lambda g: (g.end, g.begin, g.kind, g.volume)) for side in (first, second)]
    return compare_rows(What.GAP, *([asdict(g) for g in side] for side in rows), key=lambda r: (r["end"], symbol))


def compare_decisions(first: Iterable[Decision], second: Iterable[Decision]) -> Compared:
    """Compare decisions, each side in the order of (seq, symbol)."""
    rows = ([decision_row(d) for d in side] for side in (first, second))
    return compare_rows(What.DECISION, *rows, key=lambda r: (r["seq"], r["symbol"]))


def compare_trades(first: Iterable[Trade], second: Iterable[Trade], ticks: dict[str, Decimal]) -> Compared:
    """Compare trades; they are events of the fill at which they part.

    Parameters
    ----------
    ticks : dict of symbol to Decimal, rupees
        Price steps: prices are compared in ticks.
    """
    rows = (
        [trade_row(t, ticks[t.symbol]) for t in sorted(side, key=lambda t: (t.entry_seq, t.symbol))] for side in (first, second)
    )
    found = compare_rows(What.TRADE, *rows, key=lambda r: (r["entry_seq"], r["symbol"]))
    parts = found.earliest
    if parts is None or parts.first is None or parts.second is None or not set(parts.names).isdisjoint(_ENTRY):
        return found
    exits = min(row["exit_seq"] or NEVER for row in (parts.first, parts.second))
    at_exit = Difference(exits, parts.symbol, parts.what, parts.first, parts.second)
    return Compared(found.first, found.second, found.different, at_exit)


def compare_rows(what: What, first: Sequence[Row], second: Sequence[Row], *, key: Callable[[Row], tuple[int, str]]) -> Compared:
    """Compare two lists of events that are in the order of `key`."""
    counts = [Counter(map(_exact, side)) for side in (first, second)]
    alone = [(counts[0] - counts[1]).total(), (counts[1] - counts[0]).total()]
    if not any(alone) and [_exact(r) for r in first] == [_exact(r) for r in second]:
        return Compared(len(first), len(second))
    at = next((i for i, (a, b) in enumerate(zip(first, second, strict=False)) if _exact(a) != _exact(b)), None)
    at = min(len(first), len(second)) if at is None else at
    a, b = (side[at] if at < len(side) else None for side in (first, second))
    if a is not None and b is not None and key(a) != key(b):
        a, b = (a, None) if key(a) < key(b) else (None, b)
    seq, symbol = key(a if a is not None else b)  # type: ignore[arg-type]  # one of them is there
    return Compared(len(first), len(second), max(1, *alone), Difference(seq, symbol, what, a, b))


def _compare_columns(symbol: str, what: What, first: Any, second: Any, key: str, seq_of: Callable[[Row], int]) -> Compared:
    _, i, j = np.intersect1d(getattr(first, key), getattr(second, key), assume_unique=True, return_indices=True)
    unlike = np.zeros(len(i), dtype=np.bool_)
    for field in fields(first):
        a, b = getattr(first, field.name)[i], getattr(second, field.name)[j]
        unlike |= (a != b) & ~((a != a) & (b != b))  # NaN is NaN  # noqa: PLR0124
    only_first, only_second = np.ones(len(first), dtype=np.bool_), np.ones(len(second), dtype=np.bool_)
    only_first[i], only_second[j] = False, False
    found = [(p, q) for p, q in zip(i[unlike].tolist(), j[unlike].tolist(), strict=True)]
    found += [(p, -1) for p in np.flatnonzero(only_first).tolist()] + [(-1, q) for q in np.flatnonzero(only_second).tolist()]
    differences = []
    for p, q in found:
        a, b = _row(first, p), _row(second, q)
        differences.append(Difference(min(seq_of(r) for r in (a, b) if r is not None), symbol, what, a, b))
    return Compared(len(first), len(second), len(found), earliest(differences))


def _row(columns: Any, index: int) -> Row | None:
    if index < 0:
        return None
    row = {f.name: getattr(columns, f.name)[index].item() for f in fields(columns)}
    if "source" in row:
        row["source"] = Source(row["source"]).label
    return row


def decision_row(d: Decision) -> Row:
    """Return all that a decision says, its evidence field by field."""
    levels = {"poc": d.levels.poc, "vah": d.levels.vah, "val": d.levels.val, "levels": d.levels.source}
    row = {"seq": d.seq, "ts": d.ts, "symbol": d.symbol, "action": d.action, "side": d.side.value, "setup": d.setup}
    row |= {"regime": d.regime, **levels, "reason": d.reason, "qty": d.qty, "stop": d.stop, "targets": d.targets}
    return {**row, **{name: float(value) for name, value in sorted(d.evidence.items())}}


def trade_row(t: Trade, tick: Decimal) -> Row:
    """Return what makes a trade the same trade in every mode; prices of fills in ticks."""
    entry, exit_ = (str(Fraction(rupees(price)) / Fraction(tick)) for price in (t.entry_price, t.exit_price))
    return {
        "symbol": t.symbol, "side": t.side.value, "qty": t.qty, "entry_ts": t.entry_ts, "entry_seq": t.entry_seq,
        "entry_price": entry, "exit_ts": t.exit_ts, "exit_seq": t.exit_seq, "exit_price": exit_, "reason": t.reason,
        "regime": t.regime, "poc": t.levels.poc, "vah": t.levels.vah, "val": t.levels.val,
    }  # fmt: skip


def digest(rows: Iterable[object]) -> str:
    """Return the hash of rows in their order, as 16 hexadecimal digits."""
    found = blake2b(digest_size=8)
    for row in rows:
        found.update(repr(_exact(row) if isinstance(row, dict) else row).encode() + b"\n")
    return found.hexdigest()


def _exact(row: Row) -> Hashable:
    # The same value is the same text, whatever kind of number holds it; NaN is NaN.
    return tuple((name, _text(value)) for name, value in row.items())


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return repr([_text(v) for v in value])
    return repr(float(value)) if isinstance(value, float) else repr(value)


def _equal(a: object, b: object) -> bool:
    both_nan = isinstance(a, float) and isinstance(b, float) and isnan(a) and isnan(b)
    return both_nan or (type(a) is type(b) and _text(a) == _text(b))
