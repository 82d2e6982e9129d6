"""Looking for the best combination without running all: Optuna asks in rounds of one size, however many workers there are."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.core.grid import Grid
from auction_bt.store.trials import TrialLedger

from .plan import Plan
from .result import rows

ROUND: Final = 8  # combinations asked for before any of them is known; more would learn less, and fewer leave workers idle
_VAIN: Final = 20  # rounds without a new combination, after which there is nothing more to ask


def searched(
    plan: Plan, ledger: TrialLedger, objective: str, trials: int, seed: int, run: Callable[[Plan], None]
) -> Plan:  # fmt: skip
    """Return `plan` with the combinations that a search ran, each run as it is asked for.

    Parameters
    ----------
    objective : str
        Of all symbols together; a combination without a value counts as failed.
    trials : int
        Different combinations, at most.
    seed : int
        The same seed, the same combinations.
    run : callable
        Runs a plan.

    Raises
    ------
    BadInput
        Optuna is not installed.
    """
    try:
        import optuna
    except ImportError:
        raise BadInput("--optuna needs Optuna: pip install 'auction-bt[optuna]'; --sample draws without it") from None
    logging.getLogger("optuna").setLevel(logging.WARNING)
    study: Any = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    tried: set[int] = set()
    vain = 0
    most = min(trials, len(plan.grid))
    while len(tried) < most and vain < _VAIN:
        asked = [study.ask() for _ in range(ROUND)]
        numbers = [_suggested(trial, plan.grid) for trial in asked]
        new = sorted(set(numbers) - tried)[: most - len(tried)]
        vain = 0 if new else vain + 1
        tried.update(new)
        run(plan.only(new))
        known = sorted(tried & set(numbers))
        scores = {row.number: row.figures.score(objective) if row.figures is not None and row.is_whole else None
                  for row in rows(plan.only(known), ledger)}  # fmt: skip
        for trial, number in zip(asked, numbers, strict=True):
            score = scores.get(number)
            study.tell(trial, score, state=None if score is not None else optuna.trial.TrialState.FAIL)
    return plan.only(tuple(sorted(tried)))


def _suggested(trial: Any, grid: Grid) -> int:
    places = []
    for axis in grid.axes:
        if isinstance(axis.values[0], str | bool):
            places.append(axis.values.index(trial.suggest_categorical(axis.name, axis.values)))
        else:
            places.append(trial.suggest_int(axis.name, 0, len(axis.values) - 1))
    return grid.number(places)
