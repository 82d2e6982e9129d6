"""What the price did at the levels: how often it came, was accepted beyond, was sent back."""

from __future__ import annotations

from math import isnan
from typing import Any

import backtrader as bt

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.regime import Regime
from auction_bt.core.stamps import bar_length_ns, columns_of, ends_at
from auction_bt.core.touches import LevelsAt, TouchRule, TouchWatch, by_approach, by_level, by_regime, count


class LevelEvents(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Count touches of POC, VAH and VAL, and what followed, beside any strategy with a `VolumeProfile`.

    Params
    ------
    profile : str
        Name of the strategy's attribute that is the `VolumeProfile`.
    tolerance : int, ticks
        So near to a level is at it.
    acceptance_bins : int
        Closed bins in a row beyond a level that are acceptance.
    acceptance_min : int, minutes
        Length of a bin, counted from the first bar of a day.
    begin : int, ns
        Bars that end at it or before (warm-up) are not looked at.

    Notes
    -----
    What is a touch, and what decides it, stands at `core.touches.TouchWatch`. *Causality*: each bar is held against the
    profile's levels after the bar before. Levels are the profile's own, also in a morning in which `AuctionStrategy` still
    goes by those of the session before.
    """

    params = (("profile", "profile"), ("tolerance", 1), ("acceptance_bins", 2), ("acceptance_min", 5), ("begin", 0))

    def create_analysis(self) -> None:
        """Begin with no touches; called by backtrader before the first bar."""
        self._watch = TouchWatch(TouchRule())
        self._profile: Any = None
        self._tick = 0.0
        self._bar_ns = self._last_ts = 0

    def start(self) -> None:
        """Find the profile."""
        profile: Any = getattr(self.strategy, self.p.profile, None)
        if not hasattr(profile, "grid"):
            name = type(self.strategy).__name__
            raise BadInput(f"{name} has no VolumeProfile as {self.p.profile}: give LevelEvents profile='its name'")
        if self.p.tolerance < 0 or self.p.acceptance_bins < 1 or self.p.acceptance_min < 1:
            raise BadInput("LevelEvents: tolerance must be 0 or more, acceptance_bins and acceptance_min 1 or more")
        self._profile = profile
        self._tick = float(profile.grid.tick)
        self._bar_ns = bar_length_ns(profile.data)
        self._watch = TouchWatch(TouchRule(self.p.tolerance, self.p.acceptance_bins, self.p.acceptance_min * MINUTE_NS))

    def next(self) -> None:
        """Hold this bar against the levels before it."""
        data = self._profile.data
        ts = ends_at(data)
        if ts == self._last_ts:
            return  # another feed's bar
        if 0 < ts - self._last_ts < self._bar_ns and columns_of(data) is None:  # feeds often do not say how long bars are
            self._bar_ns = ts - self._last_ts
        self._last_ts = ts
        if ts > self.p.begin:
            high, low, close = (self._k(line[0]) for line in (data.high, data.low, data.close))
            self._watch.step(ts=ts, high=high, low=low, close=close, levels=self._levels(), bar=self._bar_ns)

    def get_analysis(self) -> dict[str, Any]:
        """Return the touches and their counts.

        Returns
        -------
        dict
            ``touches`` (tuple of `core.touches.Touch`, in order), ``all`` (`core.touches.TouchCounts`), ``by_level`` (by
            ``poc``, ``vah``, ``val``), ``by_approach`` (``vah from inside``, …), ``by_regime`` (by regime, then by level).
        """
        touches = self._watch.touches
        return {
            "touches": touches,
            "all": count(touches),
            "by_level": by_level(touches),
            "by_approach": by_approach(touches),
            "by_regime": by_regime(touches),
        }

    def _levels(self) -> LevelsAt | None:
        lines = self._profile.lines
        values = [float(line[0]) for line in (lines.poc, lines.vah, lines.val, lines.regime)]
        if any(map(isnan, values)):
            return None
        poc, vah, val, regime = values
        return LevelsAt(self._k(poc), self._k(vah), self._k(val), Regime(int(regime)))

    def _k(self, price: float) -> int:
        return round(price / self._tick)
