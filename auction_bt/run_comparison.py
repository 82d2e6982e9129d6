"""Two runs held against each other: which settings differ, which trades, and what the other run did in their place."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from .core.decision import Decision, opening
from .core.ist import day_index
from .core.trade import Trade
from .difference import decision_happenings
from .result import plain, trade_json
from .stored_run import StoredRun

Key: TypeAlias = tuple[str, int, str]  # symbol, end of the bar decided on (ns); of a trade without a decision, of its fill

# Answers to: what did the other run do at that bar?
NOT_RUN: Final = "day not run"
NOT_WATCHED: Final = "symbol not run"
NO_SIGNAL: Final = "no signal"
IN_TRADE: Final = "in a trade"
NOT_FILLED: Final = "not filled"
REFUSED: Final = "refused: "

_APART: Final[Mapping[str, tuple[str, ...]]] = {
    "signal": ("side", "setup", "regime", "poc", "vah", "val", "levels"),
    "stop": ("stop",),
    "size": ("qty",),
    "entry": ("entry_ts", "entry_price"),
}


@dataclass(frozen=True, slots=True)
class Alone:
    """A trade that one run alone has.

    Parameters
    ----------
    trade : Trade
    instead : str
        What the other run did at that bar: one of the answers above, or `REFUSED` with the reason.
    since : int, ns
        Entry of the trade that the other run was in then; 0 where it was in none.
    """

    trade: Trade
    instead: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Pair:
    """A trade that both runs opened on the same bar and that differs.

    Parameters
    ----------
    left, right : Trade
    apart : tuple of str
        In what, in the order in which it happens: ``signal``, ``stop``, ``targets``, ``size``, ``entry``, ``exit``
        (another way or time), ``price`` (of the same exit); ``charges`` where these alone differ.
    """

    left: Trade
    right: Trade
    apart: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunComparison:
    """What differs between two runs.

    Parameters
    ----------
    settings : tuple of (name, left, right)
        Those that differ; None where a run has none of that name.
    alike : int
        Trades that are the same in both.
    pairs : tuple of Pair
    left_alone, right_alone : tuple of Alone
        In the order of entries.
    decisions : int
        Decisions that one run has and the other has not, or has otherwise.
    """

    settings: tuple[tuple[str, Any, Any], ...]
    alike: int
    pairs: tuple[Pair, ...]
    left_alone: tuple[Alone, ...]
    right_alone: tuple[Alone, ...]
    decisions: int

    @property
    def is_same(self) -> bool:
        """True where settings, decisions and trades are equal."""
        return not (self.settings or self.decisions or self.has_other_trades)

    @property
    def has_other_trades(self) -> bool:
        """True where any trade differs."""
        return bool(self.pairs or self.left_alone or self.right_alone)


def compare(left: StoredRun, right: StoredRun) -> RunComparison:
    """Return what differs between two runs.

    Notes
    -----
    Trades are the same one where they were opened on the same bar of the same symbol: an order that was filled later or at
    another price is still the same idea. Decisions are compared in all that a replay is compared by.
    """
    mine, theirs = _Book(left, right), _Book(right, left)
    alike, pairs = 0, []
    for key, trade in mine.by_key.items():
        if (other := theirs.by_key.get(key)) is not None:
            apart = _apart(trade, other, mine.opening.get(key), theirs.opening.get(key))
            if apart:
                pairs.append(Pair(trade, other, apart))
            else:
                alike += 1
    absent = object()
    names = sorted({**left.settings, **right.settings})
    return RunComparison(
        settings=tuple(
            (name, left.settings.get(name), right.settings.get(name))
            for name in names
            if left.settings.get(name, absent) != right.settings.get(name, absent)
        ),
        alike=alike,
        pairs=tuple(pairs),
        left_alone=tuple(theirs.answer(key, t) for key, t in mine.by_key.items() if key not in theirs.by_key),
        right_alone=tuple(mine.answer(key, t) for key, t in theirs.by_key.items() if key not in mine.by_key),
        decisions=(_told(left.decisions) - _told(right.decisions) | _told(right.decisions) - _told(left.decisions)).total(),
    )


class _Book:
    # A run by what was decided when, to answer for the trades of another.
    def __init__(self, run: StoredRun, other: StoredRun) -> None:
        # Names may stand for other keys: only where others were asked for does silence mean that one was not run.
        self._watched = {d.symbol for d in run.decisions} if run.symbols != other.symbols else None
        self._days = run.days if run.day is None else range(run.day, run.day + 1)
        self._decided: dict[Key, Decision] = {}
        entries: dict[str, list[Decision]] = {}
        for d in sorted(run.decisions, key=lambda d: d.seq):
            if d.action == "enter":
                entries.setdefault(d.symbol, []).append(d)
            if d.action in {"enter", "refuse", "lapse"}:  # what came of an entry is told after it
                self._decided[d.symbol, d.ts, ""] = d
        self.by_key: dict[Key, Trade] = {}
        self.opening: dict[Key, Decision] = {}
        self._begins: dict[str, list[tuple[int, Trade]]] = {}
        for trade in sorted(run.trades, key=lambda t: (t.entry_seq, t.symbol)):
            decision = opening(trade, entries.get(trade.signal_symbol, ()))
            key = (trade.signal_symbol, trade.entry_ts, "fill") if decision is None else (decision.symbol, decision.ts, "")
            self.by_key[key] = trade
            if decision is not None:
                self.opening[key] = decision
            self._begins.setdefault(trade.signal_symbol, []).append((key[1], trade))

    def answer(self, key: Key, trade: Trade) -> Alone:
        """Return what this run did at the bar on which the other one opened `trade`."""
        symbol, ts, _ = key
        decision = self._decided.get((symbol, ts, ""))
        if decision is not None:
            return Alone(trade, NOT_FILLED if decision.action == "enter" else f"{REFUSED}{decision.reason}")
        begins = self._begins.get(symbol, [])
        before = bisect_left(begins, ts, key=lambda pair: pair[0]) - 1
        if before >= 0 and (begins[before][1].is_open or begins[before][1].exit_ts >= ts):
            return Alone(trade, IN_TRADE, begins[before][1].entry_ts)
        if self._days and day_index(ts - 1) not in self._days:
            return Alone(trade, NOT_RUN)
        if self._watched is not None and symbol not in self._watched:
            return Alone(trade, NOT_WATCHED)
        return Alone(trade, NO_SIGNAL)


def _apart(left: Trade, right: Trade, mine: Decision | None, theirs: Decision | None) -> tuple[str, ...]:
    one, other = trade_json(left), trade_json(right)
    found = [kind for kind, names in _APART.items() if any(one[name] != other[name] for name in names)]
    if mine is not None and theirs is not None and [p for p, _ in mine.targets] != [p for p, _ in theirs.targets]:
        found.insert(sum(kind in {"signal", "stop"} for kind in found), "targets")
    ways, prices = ([_exits(t, with_price=priced) for t in (left, right)] for priced in (False, True))
    if ways[0] != ways[1]:
        found.append("exit")
    elif prices[0] != prices[1]:
        found.append("price")
    if not found and left.charges != right.charges:  # where more differs, these follow from it
        found.append("charges")
    return tuple(found)


def _exits(trade: Trade, *, with_price: bool) -> list[tuple[object, ...]]:
    # Not of how many: that is the size.
    ways = [(f.ts, f.reason, f.price if with_price else 0.0) for f in trade.fills if not f.opens]
    return [*ways, (trade.exit_ts, trade.reason, trade.exit_price if with_price and trade.is_open else 0.0)]


def _told(decisions: Iterable[Decision]) -> Counter[str]:
    return Counter(repr((h.seq, h.symbol, plain(h.values))) for h in decision_happenings(decisions))
