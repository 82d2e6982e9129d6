"""How long to wait before the next try: at random below a bound that doubles, and forgets only what has lasted."""

from __future__ import annotations

from random import Random
from typing import Final

_FIRST_S: Final = 0.5
_CEILING_S: Final = 30.0
_STABLE_S: Final = 10.0
_MOST_DOUBLINGS: Final = 16


class Backoff:
    """Waits between tries to connect.

    Parameters
    ----------
    random : Random
    first : float, s
        The bound of the first wait.
    ceiling : float, s
        No bound is higher.
    stable : float, s
        How long a connection must have stood for earlier failures to be forgotten: one that is accepted and dropped at once is
        as bad as one that is refused.

    Notes
    -----
    A wait is drawn evenly from 0 to its bound ("full jitter"), so that many clients of one server do not come back together.
    """

    def __init__(self, random: Random, first: float = _FIRST_S, ceiling: float = _CEILING_S, stable: float = _STABLE_S) -> None:
        self._random = random
        self._first = first
        self._ceiling = ceiling
        self._stable = stable
        self.failures = 0

    def wait(self, stood: float, least: float = 0.0) -> float:
        """Return the seconds to wait after a connection that stood for `stood` seconds (0: it never did), `least` at least."""
        if stood >= self._stable:
            self.failures = 0
        bound = min(self._ceiling, self._first * 2 ** min(self.failures, _MOST_DOUBLINGS))
        self.failures += 1
        return max(least, self._random.uniform(0.0, bound))
