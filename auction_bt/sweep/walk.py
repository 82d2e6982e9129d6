"""Walk-forward over a plan: on each fold chosen by its train days alone, then traded on its test days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean

from auction_bt.core.figures import Figures, pooled
from auction_bt.core.grid import Grid
from auction_bt.core.walk import Fold
from auction_bt.store.trials import TrialLedger

from .plan import Located, Plan
from .result import ranked, rows


@dataclass(frozen=True, slots=True)
class Step:
    """One fold of a walk.

    Parameters
    ----------
    chosen : int or None
        A combination of the grid; None where none had a score, and nothing was traded.
    trained : float or None
        The objective of `chosen` on the train days.
    around : float or None
        The same with its neighbours: what it was chosen by.
    figures : Figures or None
        On the test days, of all symbols together.
    trials : tuple of str
        The names of the test days' trials.
    error : str
        Why there are no figures.
    """

    fold: Fold
    chosen: int | None
    trained: float | None = None
    around: float | None = None
    figures: Figures | None = None
    trials: tuple[str, ...] = ()
    error: str = ""


def span_plans(plan: Plan, folds: list[Fold], locate: Callable[[int, int], tuple[Located, ...]]) -> list[tuple[Plan, Plan]]:
    """Return for each fold the plan of its train days, and that of its test days with every combination.

    Parameters
    ----------
    locate : callable
        From first and last day to what the symbols mean on them.
    """
    found = []
    for fold in folds:
        train, test = ((replace(plan, symbols=locate(*span), first=span[0], last=span[1])) for span in (fold.train, fold.test))
        found.append((train, test))
    return found


def choose(train: Plan, ledger: TrialLedger, objective: str) -> tuple[int | None, float | None, float | None]:
    """Return the combination whose neighbourhood is best on the train days, its score and its neighbourhood's.

    Notes
    -----
    *Causality*: reads outcomes of `train` alone, and these rest on no message after its last day.
    """
    scores = {row.number: row.figures.score(objective) if row.figures is not None and row.is_whole else None
              for row in rows(train, ledger)}  # fmt: skip
    ranking = ranked(train.grid, scores, objective)
    order = ranking.order()
    if not order:
        return None, None, None
    return int(ranking.numbers[order[0]]), float(ranking.scores[order[0]]), float(ranking.around[order[0]])


def walked(
    plans: list[tuple[Plan, Plan]],
    folds: list[Fold],
    ledger: TrialLedger,
    objective: str,
    run: Callable[[Plan], None],
    search: Callable[[Plan], Plan] | None = None,
) -> Iterator[Step]:
    """Yield the steps of a walk, each run as it is reached; what the ledger has is not run again.

    Parameters
    ----------
    search : callable, optional
        Runs some combinations of a fold's train plan and returns the plan of these; None: all are run.
    """
    for fold, (train, test) in zip(folds, plans, strict=True):
        if search is not None:
            train = search(train)  # noqa: PLW2901 - what was tried is what is chosen from
        else:
            run(train)
        number, trained, around = choose(train, ledger, objective)
        if number is None:
            yield Step(fold, None, error=f"no combination has a score for {objective} on the train days")
            continue
        chosen = test.only([number])
        run(chosen)
        row = next(rows(chosen, ledger))
        error = "; ".join(e for _, _, e in row.trials if e)
        figures = row.figures if row.is_whole else None
        yield Step(fold, number, trained, around, figures, tuple(t.identity for t, _, _ in row.trials), error)


@dataclass(frozen=True, slots=True)
class Stability:
    """How steady the choices of one parameter are.

    Parameters
    ----------
    name : str
    counts : tuple of (value, folds that chose it)
    changes : int
        Folds that chose another value than the fold before.
    spread : float or None
        Mean distance from one choice to the next in steps of the grid; None for words, and a single fold.
    """

    name: str
    counts: tuple[tuple[object, int], ...]
    changes: int
    spread: float | None


def stability(grid: Grid, steps: list[Step]) -> list[Stability]:
    """Return of each parameter how steady its choices are over the folds."""
    places = [grid.places(step.chosen) for step in steps if step.chosen is not None]
    found = []
    for i, axis in enumerate(grid.axes):
        own = [p[i] for p in places]
        moves = [abs(a - b) for a, b in pairwise(own)]
        is_word = isinstance(axis.values[0], str | bool)
        counts = tuple((value, own.count(n)) for n, value in enumerate(axis.values))
        found.append(Stability(axis.name, counts, sum(m > 0 for m in moves), None if is_word or not moves else fmean(moves)))
    return found


def out_of_sample(steps: list[Step]) -> Figures | None:
    """Return the figures of all test days together; None where nothing was traded."""
    found = [step.figures for step in steps if step.figures is not None]
    return pooled(found) if found else None
