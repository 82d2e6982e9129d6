"""What a sweep found: a row for each combination, its symbols together, and which of them to trust most."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isnan, nan
from statistics import fmean, median
from typing import Any

import numpy as np

from auction_bt.core.figures import OBJECTIVES, Figures, pooled
from auction_bt.core.grid import Grid
from auction_bt.core.tick import F64
from auction_bt.store.trials import TrialLedger

from .plan import Plan
from .trial import Trial

_HELD = 2000  # outcomes in memory at a time


@dataclass(frozen=True, slots=True)
class Row:
    """One combination.

    Parameters
    ----------
    number : int
        Of the grid.
    settings : dict
        Of the grid's parameters.
    figures : Figures or None
        Of all its symbols together; None where none of them has an outcome.
    trials : tuple of (Trial, hash of its trades, error)
        One a symbol; the error is empty where there is an outcome, and both are where it was not run.
    """

    number: int
    settings: dict[str, Any]
    figures: Figures | None
    trials: tuple[tuple[Trial, str, str], ...]

    @property
    def is_whole(self) -> bool:
        """True where every symbol has an outcome."""
        return all(trades for _, trades, _ in self.trials)


def rows(plan: Plan, ledger: TrialLedger) -> Iterator[Row]:
    """Yield the rows of a plan in the order of its combinations, from what the ledger has."""
    step = max(1, _HELD // len(plan.symbols))
    for begin in range(0, len(plan.numbers), step):
        numbers = plan.numbers[begin : begin + step]
        trials = {number: [plan.trial(each, number) for each in plan.symbols] for number in numbers}
        names = [t.identity for some in trials.values() for t in some]
        known, failed = ledger.figures(names), ledger.failures(names)
        for number, some in trials.items():
            found = [known[t.identity][1] for t in some if t.identity in known]
            told = tuple((t, known.get(t.identity, ("",))[0], failed.get(t.identity, "")) for t in some)
            yield Row(number, plan.grid.at(number), pooled(found) if found else None, told)


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The combinations by an objective.

    Parameters
    ----------
    objective : str
    numbers : int64, (n,)
        Of the grid.
    scores : float64, (n,)
        More is better; NaN where the objective has no value, or not every symbol an outcome.
    around : float64, (n,)
        The median of a combination's score and those of its neighbours; one without a score counts as the worst there is.
    """

    objective: str
    numbers: Any
    scores: F64
    around: F64

    def order(self) -> list[int]:
        """Return places from the best to the worst by neighbourhood, then by score, then by number; without a score left out."""
        places = [i for i in range(len(self.numbers)) if not isnan(self.scores[i])]
        return sorted(places, key=lambda i: (-self.around[i], -self.scores[i], int(self.numbers[i])))

    @property
    def best(self) -> int | None:
        """The combination whose neighbourhood is best: a peak among bad neighbours is more often luck than a plateau."""
        order = self.order()
        return int(self.numbers[order[0]]) if order else None

    @property
    def peak(self) -> int | None:
        """The combination with the best score of its own."""
        if not len(self.scores) or np.isnan(self.scores).all():
            return None
        return int(self.numbers[int(np.nanargmax(self.scores))])


def ranked(grid: Grid, scores: Mapping[int, float | None], objective: str) -> Ranking:
    """Return combinations by their scores.

    Parameters
    ----------
    scores : mapping of a combination's number to its score or None
        More is better. Neighbours that are not in it were not run, and say nothing.
    """
    known = [s for s in scores.values() if s is not None]
    worst = min(known, default=0.0)
    around = []
    for number, score in scores.items():
        near = [scores[n] for n in grid.neighbours(number) if n in scores]
        own = [worst if s is None else s for s in near]
        around.append(nan if score is None else median([score, *own]))
    values = [nan if s is None else s for s in scores.values()]
    return Ranking(objective, np.array(list(scores), np.int64), np.array(values, np.float64), np.array(around, np.float64))


def values_of(figures: Figures) -> dict[str, float | None]:
    """Return every objective's value."""
    return {name: figures.value(name) for name in OBJECTIVES}


def heat(grid: Grid, values: Mapping[int, float | None], one: int, other: int) -> list[list[float | None]]:
    """Return the mean value for each pair of values of two axes, rows by axis `one`; None where nothing is known."""
    cells: list[list[list[float]]] = [[[] for _ in grid.axes[other].values] for _ in grid.axes[one].values]
    for number, value in values.items():
        if value is not None:
            places = grid.places(number)
            cells[places[one]][places[other]].append(value)
    return [[fmean(cell) if cell else None for cell in row] for row in cells]
