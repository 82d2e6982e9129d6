"""What a worker keeps between its trials: the data of a leg, and on it the lines that were measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from auction_bt.core.kept import Kept
from auction_bt.core.leg import Leg
from auction_bt.core.shared_levels import SharedLevels, kept_levels
from auction_bt.feeds.stored import Recorded
from auction_bt.loading import begin_of, load_from
from auction_bt.settings import BY_NAME
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache

_WARM_UP = ("period", "window", "anchor")  # settings on which it depends how far back data is read


class Shelf:
    """Loads legs as `load_leg` does, and keeps the last of them.

    Parameters
    ----------
    most : int, bytes
        Half of it for data, half for lines.
    """

    def __init__(self, most: int) -> None:
        self._begins: Kept[tuple[str, Leg, tuple[Any, ...]], int] = Kept(4096, lambda _: 1)
        self._legs: Kept[tuple[str, Leg, int], Recorded] = Kept(most // 2, weight_of)
        self._levels = kept_levels(most // 2)

    @property
    def loaded(self) -> int:
        """How often data was read."""
        return self._legs.made

    @property
    def measured(self) -> int:
        """How often lines were measured."""
        return self._levels.made

    @property
    def nbytes(self) -> int:
        """Memory of what is kept."""
        return self._legs.weight + self._levels.weight

    def load_leg(
        self, data: str, store: TickStore, leg: Leg, settings: Mapping[str, Any], cache: DayCache | None = None, /
    ) -> Recorded:
        """Return what `loading.load_leg` returns, with the lines that earlier trials measured on the same `data`.

        Parameters
        ----------
        data : str
            A fingerprint of what is stored: a worker may outlive an import.
        """
        warm_up = tuple(settings.get(name, BY_NAME[name].default) for name in _WARM_UP)
        begin = self._begins.get((data, leg, warm_up), lambda: begin_of(store, leg, settings))
        return self._legs.get((data, leg, begin), lambda: self._load(data, store, leg, begin, cache))

    def _load(self, data: str, store: TickStore, leg: Leg, begin: int, cache: DayCache | None) -> Recorded:
        return replace(load_from(store, leg, begin, cache), shared_levels=SharedLevels(self._levels, (data, leg, begin)))


def weight_of(recorded: Recorded) -> int:
    """Return the bytes of a leg's arrays."""
    parts = (recorded.bars, recorded.tape, recorded.market)
    arrays = [getattr(part, f.name) for part in parts if part is not None for f in fields(part)]
    return sum(a.nbytes for a in [*arrays, recorded.tick_days, recorded.quality] if isinstance(a, np.ndarray))
