"""A grid of settings: what stands for each parameter, counted and numbered without being written out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import prod
from typing import Any, Final

from .errors import BadInput

_MOST_VALUES: Final = 10_000  # of one parameter


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and its values, in the order given.

    Parameters
    ----------
    name : str
    values : tuple
        Each once, at least one.
    """

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise BadInput(f"{self.name} has no values")
        twice = next((v for i, v in enumerate(self.values) if v in self.values[:i]), None)
        if twice is not None:
            raise BadInput(f"{self.name} has the value {twice} twice")


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the values of some parameters, numbered; the last parameter changes fastest.

    Parameters
    ----------
    axes : tuple of Axis
        No name twice. None at all: one combination, of nothing.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        twice = next((n for n in names if names.count(n) > 1), None)
        if twice is not None:
            raise BadInput(f"{twice} is given twice: one grid for each parameter")

    def __len__(self) -> int:
        return prod(len(axis.values) for axis in self.axes)

    def places(self, number: int) -> tuple[int, ...]:
        """Return of each axis which of its values combination `number` has."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        found = []
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis.values))
            found.append(place)
        return tuple(reversed(found))

    def number(self, places: Sequence[int]) -> int:
        """Return the number of the combination at `places`."""
        found = 0
        for axis, place in zip(self.axes, places, strict=True):
            if not 0 <= place < len(axis.values):
                raise IndexError(place)
            found = found * len(axis.values) + place
        return found

    def at(self, number: int) -> dict[str, Any]:
        """Return combination `number` as values by name."""
        return {axis.name: axis.values[place] for axis, place in zip(self.axes, self.places(number), strict=True)}

    def neighbours(self, number: int) -> Iterator[int]:
        """Yield the combinations one step away along one axis.

        Notes
        -----
        A step is to the value before or after; words have no order, so their every other value is one step away.
        """
        places = self.places(number)
        for i, axis in enumerate(self.axes):
            here = places[i]
            is_word = isinstance(axis.values[here], str | bool)
            others = range(len(axis.values)) if is_word else (here - 1, here + 1)
            for other in others:
                if other != here and 0 <= other < len(axis.values):
                    yield self.number((*places[:i], other, *places[i + 1 :]))


def parse_axis(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the name and the values' texts of ``name=60:240:30`` (both ends included) or ``name=0.68,0.70``.

    Raises
    ------
    BadInput
        No name, no value, a range that is none or has no end.
    """
    name, equals, given = text.partition("=")
    name = name.strip()
    if not equals or not name or not given.strip():
        raise BadInput(f"{text!r} is no grid: write name=60:240:30 (first, last, step) or name=0.68,0.70")
    values: list[str] = []
    for part in given.split(","):
        values += _stepped(name, part.strip()) if ":" in part and name not in _WITH_COLONS else [part.strip()]
    return name, tuple(values)


_WITH_COLONS: Final = frozenset({"session", "square_off"})  # their values are times


def _stepped(name: str, text: str) -> Iterable[str]:
    try:
        first, last, *more = map(Decimal, text.split(":"))
        (step,) = more or (Decimal(1),)
    except (InvalidOperation, ValueError):
        raise BadInput(f"{name}={text} is no range: write first:last:step, as 60:240:30") from None
    if not (first.is_finite() and last.is_finite() and step.is_finite()) or step <= 0 or last < first:
        raise BadInput(f"{name}={text} is no range: its step must be above 0 and its last value not below the first")
    count = int((last - first) / step) + 1
    if count > _MOST_VALUES:
        raise BadInput(f"{name}={text} has {count:,} values: at most {_MOST_VALUES:,} for one parameter")
    return [f"{(first + step * i).normalize():f}" for i in range(count)]
