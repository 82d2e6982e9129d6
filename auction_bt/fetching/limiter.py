"""Keeping below so many calls in so much time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

# (seconds, calls) of every API but orders, per user and API: 50 a second, 500 a minute, 2,000 in half an hour (Upstox, "Rate
# Limiting"). A little less, because the broker counts when a call arrives and other programs may call too.
WINDOWS: Final = ((1.0, 45), (60.0, 475), (1800.0, 1900))


class RateLimiter:
    """Lets calls through so that no window holds more than its number.

    Parameters
    ----------
    clock : callable returning float, seconds
        Monotonic.
    sleep : callable
        Waits so many seconds.
    windows : sequence of (float, int)
        Sliding: length in seconds, and calls within it.
    """

    def __init__(
        self, clock: Callable[[], float], sleep: Callable[[float], None], windows: Sequence[tuple[float, int]] = WINDOWS
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._windows = tuple(windows)
        self._calls: deque[float] = deque(maxlen=max(count for _, count in self._windows))

    def wait(self) -> None:
        """Return when one more call is allowed, and count it."""
        while (delay := self._delay()) > 0:
            self._sleep(delay)
        self._calls.append(self._clock())

    def _delay(self) -> float:
        now = self._clock()
        full = (self._calls[-count] + span - now for span, count in self._windows if len(self._calls) >= count)
        return max(full, default=0.0)
