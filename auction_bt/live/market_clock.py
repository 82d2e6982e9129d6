"""The time of a market: the world's, or that of a simulated exchange, which may run faster or stand still."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import Final

_NS: Final = 1_000_000_000


class MarketClock:
    """Tells the time of a simulated exchange from what it said at the start, and from its frames.

    Parameters
    ----------
    now : int, ns
        What it said.
    speed : float
        How many times faster than the world it runs; 0: it moves on by frames alone.
    monotonic : callable returning int, ns

    Notes
    -----
    It stands until the first frame, as the exchange's does until somebody listens.
    """

    def __init__(self, now: int, speed: float, monotonic: Callable[[], int] = time.monotonic_ns) -> None:
        self._lock = Lock()
        self._base = self._last = now
        self._speed = speed
        self._monotonic = monotonic
        self._since: int | None = None

    def __call__(self) -> int:
        """Return the time, ns; it never goes back."""
        with self._lock:
            if self._speed and self._since is not None:
                self._last = max(self._last, self._base + int((self._monotonic() - self._since) * self._speed))
            return self._last

    def see(self, at: int) -> None:
        """Take the time of a frame, ns."""
        with self._lock:
            self._last = max(self._last, at)
            if self._since is None:
                self._since, self._base = self._monotonic(), self._last

    @property
    def is_by_frames(self) -> bool:
        """Whether it stands between frames."""
        return not self._speed


class WorldClock:
    """The world's time."""

    is_by_frames = False

    def __call__(self) -> int:
        """Return the time, ns since 1970 UTC."""
        return time.time_ns()

    def see(self, at: int) -> None:
        """Take the time of a frame, which says nothing new."""
