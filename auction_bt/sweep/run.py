"""Runs a plan: what is not in the ledger yet, wherever the executor runs it, each outcome kept as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from auction_bt.backtest import Request, settings_of
from auction_bt.result import plain
from auction_bt.store.journal import Journal
from auction_bt.store.trials import KeptTrial, TrialLedger

from .drive import outcomes
from .executor import Executor
from .plan import AT_ONCE, Plan
from .trial import Outcome, Place, Task, Terms
from .worker import work


class Watcher(Protocol):
    """Told how far a sweep is."""

    def __call__(self, done: int, failed: int) -> None:
        """Take what this call has done: trials that ended, and how many of these failed."""
        ...


@dataclass(slots=True)
class Done:
    """What one call did.

    Parameters
    ----------
    trials, failed : int
    """

    trials: int = 0
    failed: int = 0


@dataclass(slots=True)
class Sweep:
    """The places in which a sweep keeps what it does.

    Parameters
    ----------
    ledger : TrialLedger
    journal : Journal
        Counts every trial as tried.
    begin : callable
        Begins a run in the journal and returns its number, where there is anything to run.
    place : Place
    executor : Executor
    watch : callable, optional
    work : callable
        What a worker does with a task.
    """

    ledger: TrialLedger
    journal: Journal
    begin: Callable[[], int]
    place: Place
    executor: Executor
    watch: Watcher | None = None
    work: Callable[[Task], list[Outcome]] = work
    done: Done = field(default_factory=Done)
    _run_id: int = 0

    def run(self, plan: Plan, at_once: int = AT_ONCE) -> None:
        """Run what the ledger lacks of a plan.

        Raises
        ------
        AuctionError
            The store cannot be read, or the executor is lost. What was done is kept.
        """
        self._run_id = self._run_id or self.begin()
        for found in outcomes(self.executor, plan.tasks(self.ledger, self.place, at_once), self.work):
            self._keep(found, plan.terms)
            self.done.trials += len(found)
            self.done.failed += sum(bool(o.error) for o in found)
            if self.watch is not None:
                self.watch(self.done.trials, self.done.failed)

    def _keep(self, found: Sequence[Outcome], terms: Terms) -> None:
        # The journal first: killed between the two, a trial is run again and still counts once.
        good = [(o.trial, o.figures, o) for o in found if o.figures is not None]
        self.journal.append_trials(
            self._run_id,
            [
                (symbol, trial.first, trial.last, outcome.tried[1], outcome.tried[2])
                for trial, _, outcome in good
                for symbol in outcome.tried[0]
            ],
        )
        said = terms.as_json()
        self.ledger.add(
            [
                KeptTrial(t.identity, t.symbol, t.first, t.last, plain(dict(t.settings)), said, o.trades, figures)
                for t, figures, o in good
            ],
            [(o.trial.identity, o.error) for o in found if o.error],
        )


def begun(journal: Journal, request: Request, swept: str) -> int:
    """Begin a sweep in the journal; return its number.

    Parameters
    ----------
    request : Request
        With what all trials have alike; its symbols are the sweep's.
    swept : str
        What they differ in.
    """
    settings = {**settings_of(request), "sweep": swept}
    return journal.start_run(json.dumps(plain(dict(sorted(settings.items())))))
