"""Levels of one feed's windows, measured once for each way of measuring: runs that differ in other settings share them."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace

from .kept import Kept
from .rolling import WindowBars, WindowKind, WindowLevels, WindowSpec, levels_of


class SharedLevels:
    """What was measured on the bars of one feed, for the next run on the same bars.

    Parameters
    ----------
    kept : Kept
        Where it is kept, beside that of other feeds; see `kept_levels`.
    feed : hashable
        Names the bars.
    """

    def __init__(self, kept: Kept[Hashable, WindowLevels], feed: Hashable) -> None:
        self._kept = kept
        self._feed = feed

    def of(self, spec: WindowSpec, tick: Hashable, n: int, bars: Callable[[int], WindowBars]) -> WindowLevels:
        """Return what windows over the first `n` bars show; `bars` gives them, in steps of `tick`, where none has."""
        if spec.kind is WindowKind.SESSION:
            spec = replace(spec, period=1)  # has no weight there
        if spec.kind is not WindowKind.ANCHORED:
            spec = replace(spec, anchor=None)
        return self._kept.get((self._feed, spec, tick, n), lambda: levels_of(spec, bars(n)))


def kept_levels(most: int) -> Kept[Hashable, WindowLevels]:
    """Return a place for what is measured on any feed, `most` bytes of it."""
    return Kept(most, lambda levels: levels.whole.nbytes + levels.real.nbytes)
