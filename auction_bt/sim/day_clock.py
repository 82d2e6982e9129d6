"""The simulated exchange's time: it runs with the world's, some times faster, or stands until the day is moved on."""

from __future__ import annotations

from collections.abc import Callable
from math import isinf
from threading import Lock
from typing import Final

from auction_bt.core.errors import BadInput

_NS: Final = 1_000_000_000


class DayClock:
    """Tells the exchange's time.

    Parameters
    ----------
    begin : int, ns
        When the day begins.
    speed : float
        How many times faster than the world; infinite: it stands, and is moved on by `reach`.
    monotonic : callable returning int, ns

    Notes
    -----
    It never goes back, and stands before `start`.
    """

    def __init__(self, begin: int, speed: float, monotonic: Callable[[], int]) -> None:
        if not speed > 0:
            raise BadInput(f"speed {speed:g} must be above 0: 1 is the world's pace, 60 a minute in a second")
        self.speed = speed
        self._monotonic = monotonic
        self._lock = Lock()
        self._last = self._base = begin
        self._since: int | None = None

    def start(self) -> None:
        """Let it run."""
        with self._lock:
            self._since = self._monotonic()
            self._base = self._last

    def __call__(self) -> int:
        """Return the time, ns."""
        with self._lock:
            return self._now()

    def reach(self, at: int) -> None:
        """Be at `at` (ns) or later."""
        with self._lock:
            self._last = max(self._now(), at)

    def wait(self, at: int) -> float:
        """Return how many seconds of the world are left until `at` (ns); 0 where it is past, or nothing is waited for."""
        if isinf(self.speed):
            return 0.0
        return max(0.0, (at - self()) / self.speed / _NS)

    def _now(self) -> int:
        if self._since is not None and not isinf(self.speed):
            self._last = max(self._last, self._base + int((self._monotonic() - self._since) * self.speed))
        return self._last
