"""A trial of a sweep, run again as a backtest."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from typing import Any, Final

from auction_bt.backtest import Engine, Request, Run
from auction_bt.core.errors import BadInput
from auction_bt.market.rates import STANDARD
from auction_bt.result import csv_lines
from auction_bt.store.trials import KeptTrial, TrialLedger
from auction_bt.sweep.trial import Terms
from auction_bt.sweep.worker import trades_hash

# Options that a trial answers itself, and what they are where nobody gives them.
_OWN: Final[dict[str, Any]] = {
    "symbol": None, "from_date": None, "to_date": None, "settings": [], "regime": None, "trade": "same", "cash": "1000000",
    "costs": "x1", "fill": "quote", "slippage": 1, "targets": "resting", "latency_ms": 0, "max_concurrent": None,
    "no_trade": None, "guards": "off", "plan": STANDARD,
}  # fmt: skip
_WORDS: Final = {"settings": "set"}


@dataclass(frozen=True, slots=True)
class Rerun:
    """A kept trial and what to run for it."""

    kept: KeptTrial
    request: Request

    def compared(self, run: Run) -> int:
        """Say where `run` has other trades than the trial had; return the exit code."""
        if trades_hash(csv_lines(run.result.trades)) == self.kept.trades:
            return 0
        print(f"auction_bt: trial {self.kept.identity} had other trades: its data, the package or AUCTION_CALENDAR has changed "
              "since; sweep again", file=sys.stderr)  # fmt: skip
        return 1


def trial_of(args: argparse.Namespace) -> Rerun:
    """Return the trial that ``--trial`` names.

    Raises
    ------
    BadInput
        No such trial, or several; an option beside it that the trial answers itself.
    """
    given = [name for name, usual in _OWN.items() if getattr(args, name) != usual]
    if given:
        option = _WORDS.get(given[0], given[0]).replace("_", "-")
        raise BadInput(f"--{option} beside --trial: the trial says it itself; leave one of them out")
    with TrialLedger.open(args.state, readonly=True) as ledger:
        kept = ledger.find(args.trial)
    request = Terms.of_json(kept.terms).request(kept.symbol, kept.first, kept.last, kept.settings)
    return Rerun(kept, replace(request, engine=Engine(args.engine)))
