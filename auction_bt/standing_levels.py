"""The levels that a bar is held against: those of the bar before, or in the morning the previous session's."""

from __future__ import annotations

from math import isnan
from typing import Any

from .core.regime import Regime
from .core.shared_levels import Area
from .reading import LevelsNow


class StandingLevels:
    """What profiles said at the bar before; in backtrader's memory-saving modes their lines forget.

    Parameters
    ----------
    profile, session : VolumeProfile
        `session` is None where no previous session stands in.
    tick : float, rupees
    period : int, bars
        Of the rolling window.
    window : str
        Of `profile`.

    Attributes
    ----------
    prior : dict of IST day to Area
        What stood in for the rolling window until it lay within that day.
    """

    def __init__(self, profile: Any, session: Any, tick: float, period: int, window: str) -> None:
        self._profile = profile
        self._session = session
        self._tick = tick
        self._period = period
        self._window = window
        self._bars = 0  # of today, so far
        self._day = -1
        self._before: Area | None = None
        self._of_session: Area | None = None
        self.prior: dict[int, Area] = {}

    def count(self, day: int) -> None:
        """Count a bar of an IST day, before anything is asked of it."""
        if day != self._day:
            # Yesterday's final levels count only where yesterday had a whole window: a scrap of a session is no value area.
            if self._of_session is not None and self._bars >= self._period:
                self.prior[day] = self._of_session
            self._day, self._bars = day, 0
        self._bars += 1

    def now(self, *, is_whole_day: bool) -> LevelsNow | None:
        """Return what stands at the current bar; None where nothing does."""
        if self._window == "rolling" and not is_whole_day and self._bars <= self._period:
            # The window of the bar before does not lie within today yet.
            prior = self.prior.get(self._day)
            return (*prior, "prior") if prior is not None else None
        return (*self._before, self._window) if self._before is not None else None

    def keep(self) -> None:
        """Take what the profiles say at the current bar: the next is held against it."""
        self._before = self._read(self._profile)
        if self._session is not None:
            self._of_session = self._read(self._session)

    def _read(self, profile: Any) -> Area | None:
        if (areas := profile.areas) is not None:
            return areas[len(profile.lines.lines[0]) - 1]  # type: ignore[no-any-return]
        lines, tick = profile.lines, self._tick
        poc, regime = lines.poc[0], lines.regime[0]
        if isnan(poc) or isnan(regime):
            return None
        return round(poc / tick), round(lines.vah[0] / tick), round(lines.val[0] / tick), Regime(int(regime))
