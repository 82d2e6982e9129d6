"""When the next message of a replay is due: paused, step by step, at so many times real time, or at once."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from math import inf
from typing import Final

from .core.errors import BadInput
from .core.ist import MINUTE_NS, SECOND_NS

SPEEDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, inf)
SILENCE_NS: Final = 2 * MINUTE_NS  # of the stamps; longer ones (nights, halts of the feed) take no time


class Key(StrEnum):
    """What a person may ask for while a replay runs."""

    PAUSE = "pause"  # or go on
    STEP = "step"
    BAR = "bar"
    FASTER = "faster"
    SLOWER = "slower"
    QUIT = "quit"


class Pace:
    """Decides when messages are due; it never decides what they mean.

    Parameters
    ----------
    clock : callable returning int, ns
        A clock that only runs forward.
    speed : float
        So many times real time; infinite for at once.
    """

    def __init__(self, clock: Callable[[], int], speed: float = inf) -> None:
        if not speed > 0:
            raise BadInput(f"speed {speed:g} must be above 0 times real time")
        self.speed = speed
        self.is_paused = False
        self.is_over = False
        self._clock = clock
        self._step: Key | None = None  # what is let through while paused: one message, or all up to a bar
        self._anchor: tuple[int, int] | None = None  # a stamp, and when it was or is due
        self._last = 0  # the last message's stamp

    def press(self, key: Key) -> None:
        """Do what a person asks for."""
        if key is Key.QUIT:
            self.is_over = True
        elif key is Key.PAUSE:
            self.is_paused, self._step = not self.is_paused, None
        elif key in {Key.STEP, Key.BAR}:
            # Asked for on the run, it first stops it: what the next message is can then be seen.
            if self.is_paused or key is Key.BAR:
                self._step = key
            self.is_paused = True
        else:
            self.speed = _next(self.speed, faster=key is Key.FASTER)
        self._anchor = None

    @property
    def is_stepping(self) -> bool:
        """True while a message is let through one by one."""
        return self._step is Key.STEP

    @property
    def is_seeking(self) -> bool:
        """True while messages are let through up to the next bar."""
        return self._step is Key.BAR

    def wait(self, stamp: int) -> float:
        """Return in how many seconds the message stamped `stamp` (ns) is due: 0 for now, infinite while paused."""
        if self.is_over:
            return 0.0
        if self.is_paused:
            return 0.0 if self._step is not None else inf
        if self.speed == inf:
            return 0.0
        now = self._clock()
        if self._anchor is None or stamp - self._last > SILENCE_NS:
            # Anew from here: after a start, a pause, another speed, or a long silence.
            self._anchor = stamp, now
        self._last = stamp
        begin, at = self._anchor
        return max(0.0, (at - now + (stamp - begin) / self.speed) / SECOND_NS)

    def passed(self, stamp: int, *, bars: int) -> None:
        """Note that a message was let through, and how many bars it made known."""
        self._last = stamp
        if self._step is Key.STEP or (self._step is Key.BAR and bars):
            self._step = None


def _next(speed: float, *, faster: bool) -> float:
    if faster:
        return next((s for s in SPEEDS if s > speed), speed)
    return next((s for s in reversed(SPEEDS) if s < speed), speed)
