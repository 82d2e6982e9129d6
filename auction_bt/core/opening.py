"""How a session opened: its first hour, its open type, and the 80 % rule about value it opened away from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

import numpy as np

from .minutes import Minutes
from .tpo import BRACKET_MIN, brackets_of

IB_MIN: Final = 60
_MULTIPLES: Final = (Fraction(3, 2), Fraction(2), Fraction(3))


class Direction(StrEnum):
    """Which way."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class InitialBalance:
    """The range of the first hour.

    Parameters
    ----------
    low, high : int, ticks
    is_complete : bool
        False while the hour is not over.
    """

    low: int
    high: int
    is_complete: bool

    @property
    def width(self) -> int:
        """Ticks from low to high."""
        return self.high - self.low

    def multiples(self) -> list[tuple[Fraction, int, int]]:
        """Return (multiple, level below, level above) in ticks, to the next tick away from the balance.

        Notes
        -----
        A range of 1.5 times the initial balance that grows one way alone ends half a balance beyond its edge.
        """
        return [
            (m, self.low + (-beyond.numerator // beyond.denominator), self.high - (-beyond.numerator // beyond.denominator))
            for m in _MULTIPLES
            for beyond in [(m - 1) * self.width]
        ]

    def extension(self, low: int, high: int) -> tuple[int, int]:
        """Return how far (ticks) the session's `low` and `high` lie beyond it: (down, up)."""
        return max(0, self.low - low), max(0, high - self.high)


class Opened(StrEnum):
    """Where a session opened, as to the one before."""

    IN_VALUE = "in value"
    IN_RANGE = "in range, out of value"  # OAIR
    OUT_OF_RANGE = "out of range"  # OAOR


class OpenType(StrEnum):
    """What the first hour did about the opening price."""

    DRIVE = "open-drive"
    TEST_DRIVE = "open-test-drive"
    REJECTION_REVERSE = "open-rejection-reverse"
    AUCTION = "open-auction"


@dataclass(frozen=True, slots=True)
class Opening:
    """An open type, and what it is told by.

    Parameters
    ----------
    type : OpenType
    direction : Direction or None
        Of an auction there is none.
    crosses : int
        How often closes of the first two brackets changed sides of the opening price.
    is_final : bool
        False before the initial balance is complete.
    """

    type: OpenType
    direction: Direction | None
    crosses: int
    is_final: bool


def initial_balance(minutes: Minutes, elapsed: int) -> InitialBalance | None:
    """Return the range of the first hour; None where nothing traded in it.

    Parameters
    ----------
    minutes : Minutes
    elapsed : int, minutes
        How much of the session is over.
    """
    first = minutes.before(IB_MIN)
    if not len(first):
        return None
    low, high = first.range
    return InitialBalance(low, high, elapsed >= IB_MIN)


def opening_of(minutes: Minutes, references: Sequence[int], elapsed: int) -> Opening | None:
    """Return the open type; None before the first bracket is over, or where price did not move in it.

    Parameters
    ----------
    minutes : Minutes
    references : sequence of int, ticks
        What a test tests: high, low and value of the session before.
    elapsed : int, minutes

    Notes
    -----
    With O the opening price, A and B the first two brackets, and IB their range:

    * open-drive: never more than 10 % of IB beyond O, and A closes in the outer quarter of its range;
    * open-test-drive: first a probe that ends within 10 % of IB of a reference, or beyond one that O was not beyond, then back
      through O within A, which closes in the outer quarter;
    * open-rejection-reverse: more than half of IB one way, then a close beyond O the other way;
    * open-auction: anything else.

    Looks at nothing after the first hour.

    References
    ----------
    J. Dalton, "Mind over Markets" (1990), chapter 4. The figures are ours.
    """
    first_hour, a = minutes.before(IB_MIN), minutes.before(BRACKET_MIN)
    if elapsed < BRACKET_MIN or not len(a):
        return None
    crosses = _crosses(first_hour)
    final = elapsed >= IB_MIN
    low, high = a.range
    if low == high:
        return None
    up = _upward(first_hour, a, list(references))
    down = _upward(first_hour.mirrored(), a.mirrored(), [-r for r in references])
    for kind in OpenType:  # the strongest that either way shows, and neither way is asked first
        for direction, found in ((Direction.UP, up), (Direction.DOWN, down)):
            if found is kind:
                return Opening(kind, direction, crosses, final)
    return Opening(OpenType.AUCTION, None, crosses, final)


def _upward(hour: Minutes, a: Minutes, references: list[int]) -> OpenType | None:
    o = int(a.open[0])
    lowest, highest = hour.range
    ib = highest - lowest
    a_low, a_high = a.range
    is_strong = 4 * (int(a.close[-1]) - a_low) >= 3 * (a_high - a_low) and int(a.close[-1]) > o
    if is_strong and 10 * (o - lowest) <= ib:
        return OpenType.DRIVE
    probe = int(np.argmin(a.low))
    # Short of the reference by at most a tenth, or through it from the open's side.
    is_tested = any(r <= o and 10 * (a_low - r) <= ib for r in references)
    if is_strong and is_tested and a_low == lowest and bool((a.close[probe:] > o).any()):
        return OpenType.TEST_DRIVE
    turn = int(np.argmin(hour.low))
    if 2 * (o - lowest) > ib and bool((hour.close[turn:] > o).any()):
        return OpenType.REJECTION_REVERSE
    return None


def _crosses(minutes: Minutes) -> int:
    sides = np.sign(minutes.close - minutes.open[0])
    sides = sides[sides != 0]
    return int((np.diff(sides) != 0).sum())


class Eighty(StrEnum):
    """How far the 80 % rule has come."""

    NOT_APPLICABLE = "not applicable"
    ARMED = "armed"  # outside prior value
    RE_ENTERED = "re-entered"  # one bracket closed in value
    CONFIRMED = "confirmed"  # two did: the other edge is the target
    DONE = "done"  # the target was touched
    FAILED = "failed"  # a bracket closed outside again


@dataclass(frozen=True, slots=True)
class EightyRule:
    """State of the 80 % rule.

    Parameters
    ----------
    state : Eighty
    outside : Direction or None
        On which side of value price was.
    target : int or None, ticks
        The opposite edge, once confirmed.
    reason : str
        Why it is not applicable.
    """

    state: Eighty
    outside: Direction | None = None
    target: int | None = None
    reason: str = ""


def eighty_rule(minutes: Minutes, val: int, vah: int, elapsed: int) -> EightyRule:
    """Return the state of the 80 % rule about the value `val`..`vah` (ticks) of the session before.

    Parameters
    ----------
    minutes : Minutes
        At least one.
    elapsed : int, minutes
        Only brackets that are over count as closed.

    Notes
    -----
    Price that opened outside value, or left it for a bracket's close, and then closes two consecutive brackets inside is expected
    to reach the opposite edge. A looser reading, which takes the open of the second bracket for its close, is not used.

    References
    ----------
    J. Dalton, "Mind over Markets" (1990). How often it holds is another matter: published counts for NIFTY futures are near 20 %.
    """
    if not len(minutes):
        return EightyRule(Eighty.NOT_APPLICABLE, reason="nothing traded yet")
    brackets = brackets_of(minutes)
    state, inside_before = Eighty.NOT_APPLICABLE, False
    outside = _side(int(brackets.open[0]), val, vah)
    if outside is not None:
        state = Eighty.ARMED
    previous = -1
    for i, low, high, close in zip(
        brackets.index.tolist(), brackets.low.tolist(), brackets.high.tolist(), brackets.close.tolist(), strict=True
    ):
        if state is Eighty.CONFIRMED and (low <= val if outside is Direction.UP else high >= vah):
            return EightyRule(Eighty.DONE, outside, val if outside is Direction.UP else vah)
        if (i + 1) * BRACKET_MIN > elapsed:
            break  # not over: its close is not known
        side = _side(close, val, vah)
        if side is not None:
            was = state in {Eighty.CONFIRMED, Eighty.FAILED} and side is outside
            state, outside = (Eighty.FAILED if was else Eighty.ARMED), side
        elif state in {Eighty.ARMED, Eighty.FAILED}:
            state = Eighty.RE_ENTERED
        elif state is Eighty.RE_ENTERED and inside_before and i == previous + 1:
            state = Eighty.CONFIRMED
        inside_before, previous = side is None, i
    if state is Eighty.NOT_APPLICABLE:
        return EightyRule(state, reason="opened in value and has not left it")
    if state is not Eighty.CONFIRMED:
        return EightyRule(state, outside)
    return EightyRule(state, outside, val if outside is Direction.UP else vah)


def opened(price: int, low: int, high: int, value: tuple[int, int] | None) -> Opened:
    """Return where `price` lies in the range `low`..`high` and in the value (VAL, VAH) of the session before, all in ticks."""
    if not low <= price <= high:
        return Opened.OUT_OF_RANGE
    return Opened.IN_VALUE if value is not None and value[0] <= price <= value[1] else Opened.IN_RANGE


def _side(price: int, val: int, vah: int) -> Direction | None:
    return Direction.UP if price > vah else Direction.DOWN if price < val else None
