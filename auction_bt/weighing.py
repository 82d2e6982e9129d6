"""A backtest's run as evidence: its market days, its bars, and the trial that it was."""

from __future__ import annotations

import json
from hashlib import sha256

import numpy as np

from .backtest import Run
from .core.bar import BarColumns
from .core.evidence import Evidence, daily_nets, gather
from .core.ist import day_index, day_start
from .core.sharpe import Trials, measure
from .result import plain

# What says where a run looked, or how it was computed: neither is a choice that could be fitted to the data.
_NOT_CHOSEN = frozenset({"symbols", "from", "to", "engine"})


def bars_of(found: Run) -> dict[str, BarColumns]:
    """Return the minutes of each symbol on the days run, without its warm-up."""
    bars: dict[str, BarColumns] = {}
    for traced in found.traced:
        recorded = traced.recorded
        begin = day_start(recorded.leg.first_day) if recorded.leg is not None else 0
        bars[recorded.instrument.symbol] = recorded.bars.take(recorded.bars.ts >= begin)
    return bars


def days_of(bars: dict[str, BarColumns]) -> list[int]:
    """Return the IST days on which any of the symbols traded."""
    stamps = [b.ts for b in bars.values()]
    return [int(day) for day in np.unique(day_index(np.concatenate(stamps)))] if stamps else []


def evidence_of(found: Run, trials: Trials, seed: int = 0) -> Evidence:
    """Return the evidence of a run among so many trials."""
    bars = bars_of(found)
    return gather(found.result.trades, found.result.decisions, bars, days_of(bars), trials, seed)


def sharpe_of(found: Run) -> float | None:
    """Return the Sharpe ratio of the run's net a day; None where it has none."""
    sharpe = measure(daily_nets(found.result.trades, days_of(bars_of(found))))
    return None if sharpe is None else sharpe.ratio


def settings_hash(found: Run) -> str:
    """Return the same text for runs whose settings must trade alike, whatever their symbols, days and engine."""
    chosen = {name: value for name, value in found.result.settings.items() if name not in _NOT_CHOSEN}
    return sha256(json.dumps(plain(dict(sorted(chosen.items()))), sort_keys=True).encode()).hexdigest()
