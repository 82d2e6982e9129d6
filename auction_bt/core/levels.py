"""The levels a session starts with: value of the sessions before, prices left unvisited, and what the day itself adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Final

from .day_type import Day, ProfileShape, day_type, shape_of
from .errors import BadInput
from .minutes import Minutes
from .nodes import Nodes, nodes_of
from .opening import (
    Eighty,
    EightyRule,
    InitialBalance,
    Opened,
    Opening,
    eighty_rule,
    initial_balance,
    opened,
    opening_of,
)  # fmt: skip
from .profile import Profile, merged
from .tpo import BRACKET_MIN, Tpo, tpo_of

NAKED_SESSIONS: Final = 20
COMPOSITE_SESSIONS: Final = 5
MEAN_SESSIONS: Final = 20
_ROWS_OF_RANGE: Final = 100  # rows that a session as wide as the one before would have


@dataclass(frozen=True, slots=True, eq=False)
class Traded:
    """One session, as far as it is known.

    Parameters
    ----------
    day : int, IST day
    minutes : Minutes
        At least one.
    profile : Profile
        In rows of one tick; without volume for an index.
    elapsed : int, minutes
        How much of the session is over.
    length : int, minutes
    is_late : bool
        The recording joined when the session was on: its open and its first hour are not known.
    """

    day: int
    minutes: Minutes
    profile: Profile
    elapsed: int
    length: int
    is_late: bool = False

    def __post_init__(self) -> None:
        if not len(self.minutes) or self.profile.grid.ticks_per_row != 1:
            raise BadInput("a session of levels has minutes, and rows of one tick")

    @property
    def is_over(self) -> bool:
        """Whether nothing more of it can come."""
        return self.elapsed >= self.length

    @property
    def range(self) -> tuple[int, int]:
        """Low and high, ticks."""
        return self.minutes.range

    @property
    def close(self) -> int:
        """The last price so far, ticks."""
        return int(self.minutes.close[-1])

    @property
    def value(self) -> tuple[int, int] | None:
        """VAL and VAH, ticks; None without volume."""
        return (self.profile.val, self.profile.vah) if self.profile.total else None

    def balance(self) -> InitialBalance | None:
        """Return the initial balance; None where the first hour is not known."""
        return None if self.is_late else initial_balance(self.minutes, self.elapsed)


class Migration(StrEnum):
    """How value lies to that of the session before."""

    HIGHER = "higher"
    OVERLAPPING_HIGHER = "overlapping-higher"
    UNCHANGED = "unchanged"
    INSIDE = "inside"
    OUTSIDE = "outside"
    OVERLAPPING_LOWER = "overlapping-lower"
    LOWER = "lower"


@dataclass(frozen=True, slots=True)
class Naked:
    """A POC that no later price has touched.

    Parameters
    ----------
    day : int, IST day
    poc : int, ticks
    age : int, sessions
        1 for the session before.
    """

    day: int
    poc: int
    age: int


@dataclass(frozen=True, slots=True)
class Bands:
    """Volume-weighted average price and standard deviation, in ticks."""

    vwap: float
    sigma: float

    def at(self, times: int) -> float:
        """Return the band `times` standard deviations above the average, in ticks."""
        return self.vwap + times * self.sigma


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What one session shows; None where something is not defined.

    Parameters
    ----------
    traded : Traded
    balance : InitialBalance or None
    mean_balance : float or None, ticks
        Mean width of the initial balance of the `mean_of` sessions before, at most 20.
    tpo : Tpo
    nodes : Nodes
        In rows of one tick.
    opened : Opened or None
    """

    traded: Traded
    balance: InitialBalance | None
    mean_balance: float | None
    mean_of: int
    tpo: Tpo
    nodes: Nodes
    shape: ProfileShape | None
    day_type: Day | None
    opening: Opening | None
    opened: Opened | None
    bands: Bands | None


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """The levels of a day.

    Parameters
    ----------
    prior : Reading
        Of the last session before.
    migration, overlap : Migration or None, float or None
        Value of the prior session to that of the one before it; the share of rows they have in common, of the narrower one's.
    naked : tuple of Naked
        Of finished sessions, the youngest first.
    composite : Profile
        Of the last sessions before, merged.
    composite_of : int, sessions
    today : Reading or None
        Of the day itself.
    eighty : EightyRule or None
        None before the day has traded.
    """

    prior: Reading | None
    migration: Migration | None
    overlap: float | None
    naked: tuple[Naked, ...]
    composite: Profile | None
    composite_nodes: Nodes
    composite_of: int
    today: Reading | None
    eighty: EightyRule | None


def sheet_of(before: Sequence[Traded], today: Traded | None, composite: int = COMPOSITE_SESSIONS) -> Sheet:
    """Return the levels of a day.

    Parameters
    ----------
    before : sequence of Traded
        Finished sessions, the oldest first.
    today : Traded or None
        The day itself as far as it is known; None before it has traded.
    composite : int, sessions
        How many sessions are merged.

    Raises
    ------
    BadInput
        There is no session at all, or they are not in order.

    Notes
    -----
    Of the sessions `before` everything may be used; of `today` what it holds, and nothing it holds is looked at before its time:
    what is said with fewer minutes of it is what was said then.
    """
    days = [t.day for t in [*before, *([today] if today else [])]]
    if not days or sorted(set(days)) != days:
        raise BadInput("levels need sessions, each once, in order")
    if composite < 1:
        raise BadInput(f"composite {composite} must be 1 session or more")
    prior = reading_of(before[-1], before[:-1]) if before else None
    migration = overlap = None
    if len(before) > 1 and (older := before[-2].value) and (newer := before[-1].value):
        migration, overlap = migration_of(older, newer), overlap_of(older, newer)
    parts = [t.profile for t in before[-composite:] if t.profile.total]
    merger = merged(parts) if parts else None
    return Sheet(
        prior,
        migration,
        overlap,
        naked_of(before, today),
        merger,
        nodes_of(merger) if merger else Nodes(),
        len(parts),
        reading_of(today, before) if today else None,
        _eighty(prior, today) if today else None,
    )


def reading_of(traded: Traded, before: Sequence[Traded]) -> Reading:
    """Return what `traded` shows, given the finished sessions before it (oldest first)."""
    prior = before[-1] if before else None
    widths = [b.width for t in before[-MEAN_SESSIONS:] for b in [t.balance()] if b is not None and b.is_complete]
    mean = sum(widths) / len(widths) if widths else None
    low, high = (prior or traded).range
    n = max(1, round((high - low) / _ROWS_OF_RANGE))
    balance, tpo, nodes = traded.balance(), tpo_of(traded.minutes, n), nodes_of(traded.profile)
    singles = tuple((a * n, b * n + n - 1) for a, b in tpo.singles)
    low, high = traded.range
    references: list[int] = []
    if prior is not None:
        references = [*prior.range, *(prior.value or ())]
    price = int(traded.minutes.open[0])
    return Reading(
        traded,
        balance,
        mean,
        len(widths),
        tpo,
        nodes,
        shape_of(traded.profile, nodes),
        day_type(balance, low, high, traded.close, nodes, singles, mean) if balance else None,
        None if traded.is_late else opening_of(traded.minutes, references, traded.elapsed),
        None if traded.is_late or prior is None else opened(price, *prior.range, prior.value),
        bands_of(traded.profile),
    )


def migration_of(older: tuple[int, int], newer: tuple[int, int]) -> Migration:
    """Return how the value area `newer` (VAL, VAH) lies to `older`; both edges belong to value."""
    (val, vah), (new_val, new_vah) = older, newer
    if older == newer:
        return Migration.UNCHANGED
    if new_val > vah:
        return Migration.HIGHER
    if new_vah < val:
        return Migration.LOWER
    if val <= new_val and new_vah <= vah:
        return Migration.INSIDE
    if new_val <= val and vah <= new_vah:
        return Migration.OUTSIDE
    return Migration.OVERLAPPING_HIGHER if new_val > val else Migration.OVERLAPPING_LOWER


def overlap_of(older: tuple[int, int], newer: tuple[int, int]) -> float:
    """Return the share (0..1) of the narrower value area's rows that both hold."""
    common = min(older[1], newer[1]) - max(older[0], newer[0]) + 1
    return max(0, common) / (min(older[1] - older[0], newer[1] - newer[0]) + 1)


def naked_of(before: Sequence[Traded], today: Traded | None) -> tuple[Naked, ...]:
    """Return the POCs of the last 20 finished sessions that no later minute's [low, high] has touched, the youngest first."""
    later = [t.minutes for t in [*before, *([today] if today else [])]]
    found = []
    for i in reversed(range(max(0, len(before) - NAKED_SESSIONS), len(before))):
        poc = before[i].profile.poc
        touched = any(bool(((m.low <= poc) & (poc <= m.high)).any()) for m in later[i + 1 :])
        if before[i].profile.total and not touched:
            found.append(Naked(before[i].day, poc, len(before) - i))
    return tuple(found)


def bands_of(profile: Profile) -> Bands | None:
    """Return average price and deviation by volume; None where there is none."""
    if not profile.total:
        return None
    # About the lowest row, in whole numbers of any size: squares of prices times volumes leave 64 bits.
    volume = profile.volume.tolist()
    first = sum(j * v for j, v in enumerate(volume))
    second = sum(j * j * v for j, v in enumerate(volume))
    variance = (second * profile.total - first * first) / (profile.total * profile.total)
    return Bands(profile.lo + first / profile.total, sqrt(variance))


def _eighty(prior: Reading | None, today: Traded) -> EightyRule:
    if prior is None or prior.traded.value is None:
        return EightyRule(Eighty.NOT_APPLICABLE, reason="no value of a session before")
    if prior.day_type is not None and not prior.day_type.has_value:
        return EightyRule(Eighty.NOT_APPLICABLE, reason="the session before was a trend day: it accepted no value")
    if today.is_late:
        return EightyRule(Eighty.NOT_APPLICABLE, reason="the recording missed the open")
    elapsed = today.elapsed
    if today.is_over:  # the last bracket ends with the session, short as it may be
        elapsed = -(-today.length // BRACKET_MIN) * BRACKET_MIN
    return eighty_rule(today.minutes, *prior.traded.value, elapsed)
