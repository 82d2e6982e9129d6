"""Runs a plan: what is not in the ledger yet, wherever the executor runs it, each outcome kept as it comes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from auction_bt.backtest import Request, settings_of
from auction_bt.result import plain
from auction_bt.store.journal import SWEPT, Journal
from auction_bt.store.trials import KeptTrial, TrialLedger

from .drive import outcomes
from .executor import Executor
from .plan import AT_ONCE, Plan
from .trial import Outcome, Place, Task, Terms
from .worker import work


@dataclass(slots=True)
class Sweep:
    """The places in which a sweep keeps what it does.

    Parameters
    ----------
    ledger : TrialLedger
    journal : Journal
        Counts every trial as tried.
    begin : callable
        From first and last IST day: begins in the journal what trials hang on, and returns its number; called where there is
        anything to run, as is `open_executor`.
    place : Place
    open_executor : callable
    watch : callable, optional
        Called with this whenever something ended.
    work : callable
        What a worker does with a task.

    Attributes
    ----------
    ended, failed, skipped : int
        Trials that this call ran, how many of these failed, and how many the ledger had.
    """

    ledger: TrialLedger
    journal: Journal
    begin: Callable[[int, int], int]
    place: Place
    open_executor: Callable[[], Executor]
    watch: Callable[[Sweep], None] | None = None
    work: Callable[[Task], list[Outcome]] = work
    ended: int = 0
    failed: int = 0
    skipped: int = 0
    _executor: Executor | None = None

    def run(self, plan: Plan, at_once: int = AT_ONCE) -> None:
        """Run what the ledger lacks of a plan.

        Raises
        ------
        AuctionError
            The store cannot be read, or the executor is lost. What was done is kept.
        """
        known = sum(len(self.ledger.known(t.identity for t in some)) for some in plan.in_groups())
        self.skipped += known
        if known == len(plan):
            return
        if self._executor is None:
            self._executor = self.open_executor()
        run_id = self.begin(plan.first, plan.last)
        for found in outcomes(self._executor, plan.tasks(self.ledger, self.place, at_once), self.work):
            self._keep(run_id, found, plan.terms)
            self.ended += len(found)
            self.failed += sum(bool(o.error) for o in found)
            if self.watch is not None:
                self.watch(self)

    def close(self, *, at_once: bool = False) -> None:
        """Let go of the executor; `at_once`: without waiting for what its workers are doing."""
        if self._executor is not None:
            self._executor.close(at_once=at_once)
            self._executor = None

    def _keep(self, run_id: int, found: Sequence[Outcome], terms: Terms) -> None:
        # The journal first: killed between the two, a trial is run again and still counts once.
        good = [(o.trial, o.figures, o) for o in found if o.figures is not None]
        self.journal.append_trials(
            run_id,
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
    """Begin in the journal what trials of one span of days hang on; return its number.

    Parameters
    ----------
    request : Request
        With what all trials have alike; its symbols are the sweep's.
    swept : str
        What they differ in.
    """
    settings = {**settings_of(request), SWEPT: swept}
    return journal.start_run(json.dumps(plain(dict(sorted(settings.items())))))
