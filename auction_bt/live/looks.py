"""Looks at what is due by the clock on the wall, between messages that come by the thousand."""

from __future__ import annotations

import time
from collections.abc import Callable


class Looks:
    """Looks when a look is due, and not at every message: nobody's order waits for what nobody sees change.

    Parameters
    ----------
    look : callable returning float
        Does what is due, and returns the seconds until the next look.
    """

    def __init__(self, look: Callable[[], float]) -> None:
        self._look = look
        self._due = 0.0

    def wait(self) -> float:
        """Return how long (s) may be waited until the next look, after that which is due now."""
        now = time.monotonic()
        if now >= self._due:
            self._due = time.monotonic() + self._look()
        return max(0.0, self._due - now)
