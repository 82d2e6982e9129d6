"""Walk-forward: spans of days on which settings are chosen, each followed by days on which the choice is traded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from .errors import BadInput


@dataclass(frozen=True, slots=True)
class Walk:
    """How long each span is, in days on which the market traded.

    Parameters
    ----------
    train, test : int, days
        On which settings are chosen, and traded.
    step : int, days
        From one fold to the next; 0: `test`, so that every day is traded once.
    embargo : int, days
        Between the two, in neither: what a training span ends with may still be going on.
    """

    train: int
    test: int
    step: int = 0
    embargo: int = 0

    def __post_init__(self) -> None:
        if self.train < 1 or self.test < 1:
            raise BadInput("walk-forward needs train and test of at least a day: write train=20d,test=5d")
        if self.step < 0 or self.embargo < 0:
            raise BadInput("walk-forward's step and embargo cannot be below 0 days")
        if self.step and self.step < self.test:
            raise BadInput(
                f"walk-forward's step of {self.step} days is below its test of {self.test}: days would be traded twice"
            )

    @property
    def stride(self) -> int:
        """Days from one fold to the next."""
        return self.step or self.test


@dataclass(frozen=True, slots=True)
class Fold:
    """One choice and what became of it.

    Parameters
    ----------
    train, test : (first, last), IST days, both included
    """

    train: tuple[int, int]
    test: tuple[int, int]

    def __post_init__(self) -> None:
        if not self.train[0] <= self.train[1] < self.test[0] <= self.test[1]:
            raise BadInput(
                f"days {self.train} and {self.test} are not one after the other: a test day would be known when choosing"
            )


_NAMES: Final = ("train", "test", "step", "embargo")


def parse_walk(text: str) -> Walk:
    """Return what ``train=20d,test=5d,step=5d,embargo=1d`` says; the last two may be left out.

    Raises
    ------
    BadInput
        Another word, no number of days.
    """
    found: dict[str, int] = {}
    for part in text.split(","):
        name, equals, value = (word.strip() for word in part.partition("="))
        digits = value.removesuffix("d")
        if not equals or name not in _NAMES or not digits.isdecimal() or len(digits) > 5:
            raise BadInput(f"--walk-forward {text!r}: write train=20d,test=5d and, if wanted, step=5d,embargo=1d")
        if name in found:
            raise BadInput(f"--walk-forward {text!r} has {name} twice")
        found[name] = int(digits)
    return Walk(found.get("train", 0), found.get("test", 0), found.get("step", 0), found.get("embargo", 0))


def folds_of(walk: Walk, days: Sequence[int]) -> list[Fold]:
    """Return the folds over the days on which the market traded, oldest first.

    Parameters
    ----------
    days : sequence of int, IST days
        In order, each once.

    Notes
    -----
    *Causality*: the last day of a train span is before the first of its test span, by `embargo` days of `days` at least. The last
    test span ends where the days do, even where it is shorter.

    Raises
    ------
    BadInput
        Too few days for one fold.
    """
    if any(a >= b for a, b in pairwise(days)):
        raise BadInput("the days of a walk are not in order")
    found = []
    begin = 0
    while (first := begin + walk.train + walk.embargo) < len(days):
        test = days[first : first + walk.test]
        found.append(Fold((days[begin], days[begin + walk.train - 1]), (test[0], test[-1])))
        begin += walk.stride
    if not found:
        raise BadInput(f"walk-forward needs {walk.train + walk.embargo + 1} days with data at least, there are {len(days)}")
    return found
