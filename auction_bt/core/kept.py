"""Values that were made once, kept for the next who asks; the longest unused go first."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Kept(Generic[K, V]):
    """A table of bounded weight.

    Parameters
    ----------
    most : int
        Weight of all values together, at most; the newest is kept whatever it weighs.
    weigh : callable
        The weight of a value, as `most` counts it.
    """

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        self._most = most
        self._weigh = weigh
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.weight = 0
        self.made = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Return the value of `key`, made where it is not kept."""
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]
        value = make()
        self.made += 1
        weight = self._weigh(value)
        self._values[key] = value, weight
        self.weight += weight
        while self.weight > self._most and len(self._values) > 1:
            _, (_, gone) = self._values.popitem(last=False)
            self.weight -= gone
        return value
