"""How good the data was on which a strategy decided."""

from __future__ import annotations

from typing import Any, Final

import backtrader as bt
import numpy as np

from auction_bt.core.quality import GRADES as _FROM

GRADES: Final = (*_FROM, (0.0, "C"))
NO_TICKS: Final = "-"


class Quality(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Grade the bars decided on, by the feed's `bar_quality` array.

    Notes
    -----
    `bar_quality` is float64, shape (n_bars,), in [0, 1], NaN for bars without ticks; one value a bar of the first data
    feed. Grade A from 0.95, B from 0.80, C below; ``-`` without ticks, which is no fault: bars alone have no tick quality.
    Bars before the strategy's indicators were ready are not counted. A feed without the array gives an empty analysis.
    """

    def create_analysis(self) -> None:
        """Begin with no bars; called by backtrader before the first bar."""
        self._first = 0
        self._grades: dict[str, dict[str, Any]] = {}

    def prenext(self) -> None:
        """Leave out a bar on which the strategy could not decide."""

    def nextstart(self) -> None:
        """Remember the first bar that was decided on."""
        self._first = len(self.strategy.data)

    def stop(self) -> None:
        """Grade all bars at once."""
        quality = getattr(self.strategy.data, "bar_quality", None)
        if quality is None or not self._first:
            return
        values = np.asarray(quality, dtype=np.float64)[self._first - 1 : len(self.strategy.data)]
        if not len(values):
            return
        counts = {NO_TICKS: int(np.isnan(values).sum())}
        above = np.inf
        for floor, grade in GRADES:
            counts[grade] = int(((values >= floor) & (values < above)).sum())
            above = floor
        order = [*(grade for _, grade in GRADES), NO_TICKS]
        self._grades = {g: {"bars": counts[g], "share": counts[g] / len(values)} for g in order if counts[g]}

    def get_analysis(self) -> dict[str, dict[str, Any]]:
        """Return by grade (A, B, C, -): ``bars`` and ``share`` of the bars decided on."""
        return self._grades
