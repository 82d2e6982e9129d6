"""What a worker does: runs the trials of a task, whatever process it lives in."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from hashlib import blake2b
from pathlib import Path
from threading import get_ident

from auction_bt.backtest import Request, Run, read, run_on
from auction_bt.core.errors import AuctionError, Refused
from auction_bt.core.evidence import nets_by_day
from auction_bt.core.figures import figures_of
from auction_bt.loading import Loading
from auction_bt.result import csv_lines
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.weighing import bars_of, days_of, trials_of

from .shelf import Shelf
from .trial import Outcome, Place, Task, Trial
from .versions import differences


def work(task: Task) -> list[Outcome]:
    """Run the trials of a task; the same outcomes wherever and whenever it is called.

    Raises
    ------
    AuctionError
        The store cannot be opened or read, or this process has other versions than whoever asks. What is wrong with one trial is
        in its outcome.
    """
    if apart := differences(dict(task.versions)):
        raise Refused(f"a worker was asked by a sweep with {apart}: install the same version on both sides")
    return _bench(task.place, get_ident()).run(task)


def reachable(place: Place) -> str:
    """Return why this process cannot read the store, one line; empty where it can."""
    try:
        open_store(place.store, readonly=True).close()
    except AuctionError as error:
        return str(error)
    return ""


class Bench:
    """A worker's open store, and what it keeps between tasks.

    Parameters
    ----------
    place : Place
    """

    def __init__(self, place: Place) -> None:
        self._store: TickStore = open_store(place.store, readonly=True)
        self._cache = DayCache(Path(place.cache)) if place.cache else None
        self.shelf = Shelf(place.memory)

    def close(self) -> None:
        """Release the store."""
        self._store.close()

    def run(self, task: Task) -> list[Outcome]:
        """Return what came of each trial."""
        loading = partial(self.shelf.load_leg, task.data)
        return [self._tried(trial, request, loading) for trial, request in zip(task.trials, task.requests(), strict=True)]

    def _tried(self, trial: Trial, request: Request, loading: Loading) -> Outcome:
        try:
            data = list(read(self._store, request, self._cache, loading))
            return outcome_of(trial, run_on(self._store, data, request))
        except Exception as error:
            if isinstance(error, AuctionError):
                return Outcome(trial, error=str(error))
            return Outcome(trial, error=f"{type(error).__name__}: {' '.join(str(error).split())}")


def outcome_of(trial: Trial, run: Run) -> Outcome:
    """Return what is kept of a trial's run."""
    result = run.result
    daily = list(nets_by_day(result.trades, days_of(bars_of(run))).items())
    settings, sharpe = trials_of(run)[0]
    return Outcome(trial, figures_of(result.summary, result.trades, daily), trades_hash(csv_lines(result.trades)),
                   (tuple(sorted(result.data)), settings, sharpe))  # fmt: skip


def trades_hash(lines: Iterable[str]) -> str:
    """Return the hash of trades as `csv_lines` tells them."""
    return blake2b("\n".join(lines).encode(), digest_size=16).hexdigest()


@lru_cache(maxsize=8)
def _bench(place: Place, _thread: int) -> Bench:
    # One a thread: an SQLite connection belongs to the thread that made it.
    return Bench(place)
