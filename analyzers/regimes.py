"""How many bars each regime lasted."""

from __future__ import annotations

from collections import Counter
from math import isnan
from typing import Any, Final

import backtrader as bt
import numpy as np

from auction_bt.core.stamps import bar_end_ns

NAMES: Final = {-1: "bear", 0: "balanced", 1: "bull", 2: "transition"}
UNDEFINED: Final = "undefined"


class Regimes(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Count bars by regime, from the strategy's `profile.regime` line.

    Params
    ------
    begin : int, ns
        Bars before it (warm-up) do not count.

    Notes
    -----
    Where the whole line is kept it is read once at the end; with `exactbars` bar by bar. A strategy without a profile
    has no regimes, and the analysis is empty.
    """

    params = (("begin", 0),)

    def create_analysis(self) -> None:
        """Begin at zero; called by backtrader before the first bar."""
        self._counts: Counter[str] = Counter()
        self._line: Any = None
        self._by_bar: bool | None = None

    def start(self) -> None:
        """Find the line."""
        lines = getattr(getattr(self.strategy, "profile", None), "lines", None)
        self._line = getattr(lines, "regime", None)

    def next(self) -> None:
        """Count this bar where the line will not be there at the end."""
        if self._by_bar is None:  # backtrader shortens buffers only after start()
            both = (self._line, self.strategy.data.lines.datetime)
            self._by_bar = self._line is not None and any(line.mode == line.QBuffer for line in both)
        if self._by_bar and bar_end_ns(self.strategy.data.datetime[0]) >= self.p.begin:
            self._counts[_name(self._line[0])] += 1

    def stop(self) -> None:
        """Count all bars at once."""
        if self._line is None or self._by_bar:
            return
        n = min(len(self._line), len(self.strategy.data))
        values = np.array(self._line.array[:n])
        if self.p.begin:
            values = values[[bar_end_ns(t) >= self.p.begin for t in self.strategy.data.lines.datetime.array[:n]]]
        found, counts = np.unique(values, return_counts=True)
        for value, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._counts[_name(value)] += count

    def get_analysis(self) -> dict[str, dict[str, Any]]:
        """Return by regime, in the order bear, balanced, bull, transition, undefined: ``bars`` and ``share`` of all bars."""
        total = self._counts.total()
        order = [*NAMES.values(), UNDEFINED]
        return {name: {"bars": self._counts[name], "share": self._counts[name] / total} for name in order if self._counts[name]}


def _name(value: float) -> str:
    return UNDEFINED if isnan(value) else NAMES.get(round(value), UNDEFINED)
