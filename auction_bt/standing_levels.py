"""The levels that a bar is held against: those of the bar before, or in the morning the previous session's."""

from __future__ import annotations

from typing import Any

from .core.shared_levels import Area
from .reading import LevelsNow


class StandingLevels:
    """What profiles said at the bar before; in backtrader's memory-saving modes their lines forget.

    Parameters
    ----------
    profile, session : VolumeProfile
        `session` is None where no previous session stands in.
    period : int, bars
        Of the rolling window.
    window : str
        Of `profile`.

    Attributes
    ----------
    prior : dict of IST day to Area
        What stood in for the rolling window until it lay within that day.
    """

    def __init__(self, profile: Any, session: Any, period: int, window: str) -> None:
        self._profile = profile
        self._session = session
        self._period = period
        self._window = window
        self._bars = 0  # of today, so far
        self._day = -1
        self._before: Area | None = None
        self._of_session: Area | None = None
        if session is not None:
            session.defer()  # what it shows during a session stands for nothing yet
        self.prior: dict[int, Area] = {}

    def count(self, day: int) -> None:
        """Count a bar of an IST day, before anything is asked of it."""
        if day != self._day:
            # Yesterday's final levels count only where yesterday had a whole window: a scrap of a session is no value area.
            ended = self._session.ended if self._is_deferring else self._of_session
            if ended is not None and self._bars >= self._period:
                self.prior[day] = ended
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
        self._before = self._profile.area
        if self._session is not None and not self._is_deferring:
            self._of_session = self._session.area

    @property
    def _is_deferring(self) -> bool:
        return self._session is not None and self._session.is_deferring
