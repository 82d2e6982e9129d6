"""Two accounts of the same days held against each other: the first thing in which they differ, and why that may be."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from math import isnan
from typing import Any, Final

import numpy as np

from .core.bar import Bar, BarColumns, Source
from .core.decision import Decision
from .core.ist import clock_text, day_index, to_date
from .core.tick import TickColumns
from .core.trade import Trade
from .store import Gap

KINDS: Final = ("tick", "gap", "bar", "fill", "decision", "trade")  # as they follow one another at one message


@dataclass(frozen=True, slots=True)
class Happening:
    """Something one of the two accounts tells.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    seq : int, ns
        The message at which it happened.
    symbol : str
    values : dict
        What is compared, in the order in which it is shown.
    """

    kind: str
    seq: int
    symbol: str
    values: dict[str, Any]

    @property
    def order(self) -> tuple[int, str, int]:
        """Where it stands among all others."""
        return self.seq, self.symbol, KINDS.index(self.kind)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing in which two accounts differ; None on the side which does not tell of it."""

    left: Happening | None
    right: Happening | None

    @property
    def at(self) -> Happening:
        """The earlier of what the two tell."""
        return min((h for h in (self.left, self.right) if h is not None), key=lambda h: h.order)

    def differing(self) -> list[str]:
        """Return the names of the values that differ."""
        if self.left is None or self.right is None:
            return []
        mine, theirs = self.left.values, self.right.values
        return [name for name in {**mine, **theirs} if not _equal(mine.get(name), theirs.get(name))]

    def lines(self, left: str, right: str) -> list[str]:
        """Return both sides for people, under the names of the accounts."""
        at = self.at
        told = [f"first difference: a {at.kind} of {at.symbol} at {when(at.seq)} (seq {at.seq})"]
        width = max(len(left), len(right))
        for name, side in ((left, self.left), (right, self.right)):
            told.append(f"  {name:<{width}}  " + ("nothing there" if side is None else _shown(side, self.differing())))
        if changed := self.differing():
            told.append(f"  differing: {', '.join(changed)}")
        return told


def first_difference(left: Iterable[Happening], right: Iterable[Happening]) -> Difference | None:
    """Return the first place in which two sequences, each in its order, differ."""
    mine, theirs = iter(left), iter(right)
    while True:
        a, b = next(mine, None), next(theirs, None)
        if a is None and b is None:
            return None
        if a is None or b is None:
            return Difference(a, b)
        if a.order != b.order:
            return Difference(a, None) if a.order < b.order else Difference(None, b)
        if not _equal(a.values, b.values):
            return Difference(a, b)


def first_tick_difference(symbol: str, left: TickColumns, right: TickColumns) -> Difference | None:
    """Return the first tick in which two tables in `seq` order differ; all columns count, to the bit."""
    shared = min(len(left), len(right))
    same = np.ones(shared, dtype=np.bool_)
    for field in fields(TickColumns):
        a, b = getattr(left, field.name)[:shared], getattr(right, field.name)[:shared]
        same &= (a == b) | (np.isnan(a) & np.isnan(b)) if a.dtype == np.float64 else a == b
    at = int(np.argmin(same)) if not same.all() else shared
    return first_difference(*([_tick(symbol, t, at)] if at < len(t) else [] for t in (left, right)))


def bar_happenings(symbol: str, bars: BarColumns) -> list[Happening]:
    """Return bars in the order in which they became known."""
    rows = zip(*(getattr(bars, f.name).tolist() for f in fields(BarColumns)), strict=True)
    names = [f.name for f in fields(BarColumns)]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return sorted((Happening("bar", row["known_seq"], symbol, row) for row in found), key=lambda h: (h.seq, h.values["ts"]))


def bar_columns(bars: Iterable[Bar]) -> BarColumns:
    """Return bars as columns in `ts` order; the first told of a minute counts."""
    by_ts: dict[int, Bar] = {}
    for bar in bars:
        by_ts.setdefault(bar.ts, bar)
    return BarColumns.of([by_ts[ts] for ts in sorted(by_ts)])


def gap_happenings(gaps: Iterable[Gap]) -> list[Happening]:
    """Return silences in the order in which they ended."""
    rows = ({"begin": g.begin, "end": g.end, "kind": g.kind, "volume": g.volume} for g in gaps)
    symbol_of = [g.symbol for g in gaps]
    found = [Happening("gap", row["end"], symbol, row) for symbol, row in zip(symbol_of, rows, strict=True)]  # type: ignore[arg-type]
    return sorted(found, key=lambda h: (h.order, str(h.values)))


def decision_happenings(decisions: Iterable[Decision]) -> list[Happening]:
    """Return decisions with all that they rest on, in their order."""
    found = []
    for d in decisions:
        levels = {"poc": d.levels.poc, "vah": d.levels.vah, "val": d.levels.val, "levels": d.levels.source}
        evidence = {f"evidence.{name}": value for name, value in sorted(d.evidence.items())}
        values = {"ts": d.ts, "action": d.action, "side": d.side.value, "setup": d.setup, "regime": d.regime, **levels,
                  "reason": d.reason, "qty": d.qty, "stop": d.stop, "targets": d.targets, **evidence}  # fmt: skip
        found.append(Happening("decision", d.seq, d.symbol, values))
    return sorted(found, key=lambda h: h.order)  # stable: those of one message keep theirs


def trade_happenings(trades: Iterable[Trade], ticks: dict[str, float]) -> list[Happening]:
    """Return trades by their entries.

    Parameters
    ----------
    ticks : dict of str to float, rupees
        Price step by symbol; prices are compared in ticks.
    """
    found = []
    for t in trades:
        step = ticks[t.symbol]
        prices = {n: round(p / step, 6) for n, p in (("poc", t.levels.poc), ("vah", t.levels.vah), ("val", t.levels.val))}
        fills = tuple((f.seq, f.ts, round(f.price / step, 6), f.qty, f.reason, f.source) for f in t.fills)
        values = {
            "side": t.side.value, "setup": t.setup, "qty": t.qty, "entry_ts": t.entry_ts, "entry_seq": t.entry_seq,
            "entry_ticks": round(t.entry_price / step, 6), "exit_ts": t.exit_ts, "exit_seq": t.exit_seq,
            "exit_ticks": round(t.exit_price / step, 6), "reason": t.reason, "regime": t.regime, **prices, "fills": fills,
        }  # fmt: skip
        found.append(Happening("trade", t.entry_seq, t.symbol, values))
    return sorted(found, key=lambda h: h.order)


def fill_happenings(trades: Iterable[Trade], ticks: dict[str, float]) -> list[Happening]:
    """Return the fills of trades in their order: a trade differs from its first differing fill on, not from its entry."""
    found = []
    for t in trades:
        for f in t.fills:
            price = round(f.price / ticks[t.symbol], 6)
            values = {"side": t.side.value, "ts": f.ts, "ticks": price, "qty": f.qty, "reason": f.reason, "source": f.source}
            found.append(Happening("fill", f.seq, t.symbol, values))
    return sorted(found, key=lambda h: h.order)


def digest(happenings: Sequence[Happening]) -> str:
    """Return the hash of an account: equal accounts have equal ones, on any machine."""
    found = sha256()
    for h in happenings:
        found.update(json.dumps([h.kind, h.seq, h.symbol, h.values], separators=(",", ":"), default=float).encode() + b"\n")
    return found.hexdigest()[:16]


def when(seq: int) -> str:
    """Return a stamp as a day and a time in India."""
    return f"{to_date(day_index(seq))} {clock_text(seq, fraction=True)} IST"


def _tick(symbol: str, ticks: TickColumns, at: int) -> Happening:
    values = {f.name: getattr(ticks, f.name)[at].item() for f in fields(TickColumns)}
    return Happening("tick", values["seq"], symbol, values)


def _equal(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (isnan(a) and isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_equal(a[k], b[k]) for k in a)
    return bool(a == b)


def _shown(happening: Happening, changed: list[str]) -> str:
    # Every value; those that differ are marked, for a line of twenty numbers is hard to compare.
    told = []
    for name, value in happening.values.items():
        if name == "source" and happening.kind == "bar":
            value = Source(value).label  # noqa: PLW2901
        text = f"{value:.10g}" if isinstance(value, float) else str(value)
        told.append(f"*{name} {text}*" if name in changed else f"{name} {text}")
    return ", ".join(told)
