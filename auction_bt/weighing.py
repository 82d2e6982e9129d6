"""A backtest's run as evidence: its market days, its bars, and the trial that it was."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import numpy as np

from .backtest import Run
from .core.bar import BarColumns
from .core.evidence import Evidence, daily_nets, gather
from .core.ist import day_index, day_start
from .core.sharpe import Trials, measure
from .result import plain

# What says where a run looked, or how it was computed: neither is a choice that could be fitted to the data.
_NOT_CHOSEN: Final = frozenset({"symbols", "from", "to", "engine"})


def bars_of(found: Run) -> dict[str, BarColumns]:
    """Return the minutes of each symbol on the days run, without its warm-up."""
    bars: dict[str, BarColumns] = {}
    for recorded in found.recorded:
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


def trials_of(found: Run) -> list[tuple[str, float | None]]:
    """Return what the run tried: a hash of its settings with the Sharpe ratio of its net a day, None where it has none.

    Notes
    -----
    The hash is equal for runs that must trade alike, whatever their symbols, days and engine. The other regime, whose net every
    report shows, is a try as well: whoever picks the better of the two has picked from two.
    """
    result = found.result
    sharpe = measure(daily_nets(result.trades, days_of(bars_of(found))))
    tried = [(_hash(result.settings), None if sharpe is None else sharpe.ratio)]
    if result.other_regime is not None:
        tried.append((_hash({**result.settings, "rule": result.other_regime[0]}), None))
    return tried


def _hash(settings: Mapping[str, Any]) -> str:
    chosen = {name: value for name, value in settings.items() if name not in _NOT_CHOSEN}
    return sha256(json.dumps(plain(chosen), sort_keys=True).encode()).hexdigest()
