"""What became of the price when it came to a level: accepted beyond it, or sent back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Final

from .ist import MINUTE_NS, day_index
from .regime import Regime
from .trade import Side
from .watch import Watch


class Level(StrEnum):
    """A level that the price may come to."""

    POC = "poc"
    VAH = "vah"
    VAL = "val"


class Outcome(StrEnum):
    """What became of a touch."""

    ACCEPTED = "accepted"  # closed bins beyond the level
    REJECTED = "rejected"  # back where it came from, first
    UNDECIDED = "undecided"  # neither before the session's end
    PENDING = "pending"  # the bars end before it is told


@dataclass(frozen=True, slots=True)
class LevelsAt:
    """The levels after a bar, for the bars after it.

    Parameters
    ----------
    poc, vah, val : int, ticks
    regime : Regime
    """

    poc: int
    vah: int
    val: int
    regime: Regime


@dataclass(frozen=True, slots=True)
class TouchRule:
    """When a touch is one, and what decides it.

    Parameters
    ----------
    tolerance : int, ticks
        So near to the level is at it.
    bins : int
        Closed bins in a row beyond the level that are acceptance.
    bin_ns : int, ns
        Length of a bin, counted from the first bar of a day.
    """

    tolerance: int = 1
    bins: int = 2
    bin_ns: int = 5 * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Touch:
    """One coming of the price to a level.

    Parameters
    ----------
    level : Level
    price : int, ticks
        Of the level, as it stood before the touching bar, and stays for this touch.
    came : int
        +1 from below, -1 from above.
    home : int, ticks
        Where the price is back at when it was rejected.
    regime : Regime
        Before the touching bar.
    ts : int, ns
        End of the touching bar.
    outcome : Outcome
    bars : int
        From the touching bar to the one that decided, or to the last one.
    """

    level: Level
    price: int
    came: int
    home: int
    regime: Regime
    ts: int
    outcome: Outcome = Outcome.PENDING
    bars: int = 0

    @property
    def approach(self) -> str:
        """``inside`` or ``outside`` of value for an edge, ``below`` or ``above`` for the POC."""
        if self.level is Level.POC:
            return "below" if self.came > 0 else "above"
        return "inside" if (self.came > 0) == (self.level is Level.VAH) else "outside"


@dataclass(frozen=True, slots=True)
class TouchCounts:
    """Touches that have something in common.

    Parameters
    ----------
    touches, accepted, rejected, undecided, pending : int
    accepted_share, rejected_share : float or None, in [0, 1]
        Of the decided ones; None where none is.
    bars_to_acceptance, bars_to_rejection : float or None, bars
        Median; None where there is none.
    """

    touches: int
    accepted: int
    rejected: int
    undecided: int
    pending: int
    accepted_share: float | None
    rejected_share: float | None
    bars_to_acceptance: float | None
    bars_to_rejection: float | None


class TouchWatch:
    """Watches a session's bars against the levels that stood before each.

    Parameters
    ----------
    rule : TouchRule

    Notes
    -----
    A touch is a bar that reaches within the tolerance of a level after a bar of the same day that closed farther away. From then
    on the level is frozen, and this level is not touched again until that is decided:

    - accepted: `bins` closed bins in a row whose close lies beyond the level, counted as `core.watch` counts them; a bin that
      began before the touching bar ended is none of the touch's;
    - rejected: a later bar trades at `home`: the POC for an edge come to from inside value; for the POC the edge on the side it
      came from; for an edge come to from outside, as far from it as the POC lies on its other side. Where both would be in one
      bar, home was first: a bin is judged at its close;
    - undecided: the day ended.

    Shares of accepted and rejected touches are no odds by themselves: a home far away is seldom reached, whatever the level is
    worth.

    *Causality*: a bar is held against the levels after the bar before. What is told of a touch rests on the bars up to the one
    that decided it; later bars change nothing.
    """

    def __init__(self, rule: TouchRule) -> None:
        self._rule = rule
        self._touches: list[Touch] = []
        self._open: dict[Level, tuple[int, Watch]] = {}  # where in the list, and how far
        self._before: LevelsAt | None = None
        self._close = 0
        self._day = -1
        self._first = 0  # end of the day's first bar

    @property
    def touches(self) -> tuple[Touch, ...]:
        """All touches so far, in their order; those of one bar as POC, VAH, VAL."""
        return tuple(self._touches)

    def step(self, *, ts: int, high: int, low: int, close: int, levels: LevelsAt | None, bar: int = MINUTE_NS) -> None:
        """Take the next closed bar.

        Parameters
        ----------
        ts : int, ns
            End of the bar.
        high, low, close : int, ticks
        levels : LevelsAt or None
            After this bar: what the next one is held against. None: undefined.
        bar : int, ns
            Length of a bar.
        """
        day = int(day_index(ts - 1))
        if day != self._day:
            self._end_day()
            self._day, self._first = day, ts
        else:
            for level in tuple(self._open):
                self._follow(level, ts, high, low, close, bar)
            if self._before is not None:
                self._look(ts, high, low, self._before)
        self._before, self._close = levels, close

    def _look(self, ts: int, high: int, low: int, at: LevelsAt) -> None:
        near = self._rule.tolerance
        for level, price in ((Level.POC, at.poc), (Level.VAH, at.vah), (Level.VAL, at.val)):
            came = (price > self._close) - (price < self._close)
            if level in self._open or abs(price - self._close) <= near or not low - near <= price <= high + near:
                continue
            self._open[level] = (
                len(self._touches),
                Watch(Side.SHORT if came > 0 else Side.LONG, at.regime, price, entered=ts, best=price, worst=price),
            )
            self._touches.append(Touch(level, price, came, _home(level, came, at, near + 1), at.regime, ts))

    def _follow(self, level: Level, ts: int, high: int, low: int, close: int, bar: int) -> None:
        place, watch = self._open[level]
        touch = self._touches[place]
        rule = self._rule
        watch = watch.step(
            ts=ts, close=close, high=high, low=low, regime=touch.regime, session_open=self._first - bar, bar=bar,
            bin_ns=rule.bin_ns,
        )  # fmt: skip
        self._open[level] = place, watch
        outcome = Outcome.PENDING
        if low <= touch.home if touch.came > 0 else high >= touch.home:
            outcome = Outcome.REJECTED
        elif watch.beyond >= rule.bins:
            outcome = Outcome.ACCEPTED
        self._touches[place] = replace(touch, outcome=outcome, bars=touch.bars + 1)
        if outcome is not Outcome.PENDING:
            del self._open[level]

    def _end_day(self) -> None:
        for place, _ in self._open.values():
            self._touches[place] = replace(self._touches[place], outcome=Outcome.UNDECIDED)
        self._open.clear()


def count(touches: Iterable[Touch]) -> TouchCounts:
    """Return touches counted by what became of them."""
    bars: dict[Outcome, list[int]] = {outcome: [] for outcome in Outcome}
    for touch in touches:
        bars[touch.outcome].append(touch.bars)
    numbers = {outcome: len(found) for outcome, found in bars.items()}
    decided = numbers[Outcome.ACCEPTED] + numbers[Outcome.REJECTED]
    return TouchCounts(
        touches=sum(numbers.values()),
        accepted=numbers[Outcome.ACCEPTED],
        rejected=numbers[Outcome.REJECTED],
        undecided=numbers[Outcome.UNDECIDED],
        pending=numbers[Outcome.PENDING],
        accepted_share=numbers[Outcome.ACCEPTED] / decided if decided else None,
        rejected_share=numbers[Outcome.REJECTED] / decided if decided else None,
        bars_to_acceptance=_median(bars[Outcome.ACCEPTED]),
        bars_to_rejection=_median(bars[Outcome.REJECTED]),
    )


def by_level(touches: Iterable[Touch]) -> dict[str, TouchCounts]:
    """Return the counts of each level that was touched: ``poc``, ``vah``, ``val``."""
    return dict(_grouped((t.level.value, t) for t in touches))


def by_approach(touches: Iterable[Touch]) -> dict[str, TouchCounts]:
    """Return the counts by level and where the price came from: ``vah from inside``, ``poc from above``, …."""
    return dict(_grouped((f"{t.level.value} from {t.approach}", t) for t in touches))


def by_regime(touches: Iterable[Touch]) -> dict[str, dict[str, TouchCounts]]:
    """Return the counts of each level by the regime before the touch."""
    found: dict[Regime, list[Touch]] = {}
    for touch in touches:
        found.setdefault(touch.regime, []).append(touch)
    return {regime.label: by_level(found[regime]) for regime in Regime if regime in found}


_ORDER: Final = tuple(Level)


def _grouped(named: Iterable[tuple[str, Touch]]) -> Iterator[tuple[str, TouchCounts]]:
    groups: dict[str, list[Touch]] = {}
    for name, touch in sorted(named, key=lambda pair: (_ORDER.index(pair[1].level), pair[0])):
        groups.setdefault(name, []).append(touch)
    return ((name, count(those)) for name, those in groups.items())


def _home(level: Level, came: int, at: LevelsAt, least: int) -> int:
    # Never nearer than what is outside the tolerance, or the touching itself would be the rejection.
    if level is Level.POC:
        start, back = at.poc, at.val if came > 0 else at.vah
    else:
        start, back = at.vah if level is Level.VAH else at.val, at.poc
    return start - came * max(least, abs(start - back))


def _median(bars: list[int]) -> float | None:
    return float(median(bars)) if bars else None
