"""Symbols traded apart: each with an account of its own that knows of no other, so that processes may share the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import numpy as np

from .backtest import Request, Run, report_of, run_backtest
from .core.errors import AuctionError, BadInput
from .core.market import MarketTape
from .core.summary import add_equity
from .core.tape import TickTape
from .feeds.stored import Recorded
from .result import BacktestResult
from .settings import BY_NAME
from .store.cache import DayCache
from .store.dsn import open_store
from .sweep.executor import Executor

# Guards of what all symbols together do.
COUPLED: Final = ("max_concurrent", "daily_loss", "side_block", "exposure_total",
                  "orders_second", "orders_minute", "orders_half_hour", "orders_day")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """What a process does: one symbol's run.

    Parameters
    ----------
    store : str
        DSN.
    cache : str
        Folder of the day cache.
    request : Request
        With its legs.
    """

    store: str = field(repr=False)  # may hold a password
    cache: str
    request: Request


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """What came of a share; of the data what reports look at, without ticks."""

    result: BacktestResult
    recorded: tuple[Recorded, ...]
    notes: tuple[str, ...]


def shares_of(request: Request, store: str, cache: Path) -> list[Share]:
    """Return a request whose legs are known as one share a symbol.

    Raises
    ------
    BadInput
        A guard is set that looks at all symbols.
    """
    for name in COUPLED:
        if request.settings.get(name, BY_NAME[name].default):
            raise BadInput(f"{name} is a guard over all symbols, and --jobs trades each apart: leave out --jobs, or set {name}=0")
    legs = groupby(request.legs, lambda leg: leg.asked)
    return [Share(store, str(cache), replace(request, symbols=(asked,), legs=tuple(own))) for asked, own in legs]


def run_share(share: Share) -> Done:
    """Run a share."""
    notes: list[str] = []
    with open_store(share.store, readonly=True) as store:
        run = run_backtest(store, share.request, DayCache(Path(share.cache), notes.append))
    return Done(run.result, tuple(_lightened(t.recorded) for t in run.traced), tuple(notes))


def run_apart(
    request: Request, shares: Sequence[Share], executor: Executor, watch: Callable[[int], None]
) -> tuple[Run, list[str]]:
    """Run shares of a request and add them up.

    Parameters
    ----------
    watch : callable
        Told how many are done.

    Returns
    -------
    Run, list of str
        The run, the same whoever ran what and when; what is to be said beside it.

    Raises
    ------
    AuctionError
        Of the first symbol, in the order asked for, of which a run failed; a process died.
    """
    futures = []
    for share in shares:
        futures.append(executor.submit(run_share, share))
        watch(sum(f.done() for f in futures))
    waiting = set(futures)
    while waiting:
        _, waiting = wait(waiting, return_when=FIRST_COMPLETED)
        watch(len(futures) - len(waiting))
    try:
        done = [future.result() for future in futures]
    except executor.died:
        raise AuctionError("a process that ran a symbol died: look for too little memory, and lower --jobs") from None
    return _added(request, done), list(dict.fromkeys(note for d in done for note in d.notes))


def _added(request: Request, done: Sequence[Done]) -> Run:
    recorded = [r for d in done for r in d.recorded]
    whole = replace(request, cash=request.cash * len(done))
    others = [d.result.other_regime for d in done if d.result.other_regime is not None]
    result = report_of(
        [t for d in done for t in d.result.trades],
        [x for d in done for x in d.result.decisions],
        add_equity(float(request.cash), [d.result.equity for d in done]),
        {name: facts for d in done for name, facts in d.result.data.items()},
        recorded,
        whole,
    )
    result = replace(
        result,
        settings=result.settings | {"accounts": len(done)},
        other_regime=(others[0][0], sum((o[1] for o in others), 0 * request.cash), sum(o[2] for o in others)) if others else None,
    )
    return Run(result, (), tuple(recorded))


def _lightened(recorded: Recorded) -> Recorded:
    none: Any = np.zeros(0, dtype=np.int64)
    tape = TickTape(np.zeros(len(recorded.bars) + 1, dtype=np.int64), none, none, recorded.tape.day, recorded.tape.contract)
    quotes = tuple(
        replace(q, market=MarketTape(none, none, none, none, none, none, none, none, q.market.tick)) for q in recorded.substitutes
    )
    return replace(recorded, tape=tape, market=None, substitutes=quotes, shared_levels=None)
