"""What kind of day a session was: the shape of its volume, and how its range grew."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .nodes import Nodes, half_width, smoothed
from .opening import Direction, InitialBalance
from .profile import Profile

_FLAT: Final = 5 / 9  # bimodality coefficient of a flat profile


class ProfileShape(StrEnum):
    """How volume lies, named by the letter it looks like."""

    D = "D"  # one bell: balance
    P = "P"  # a bell on a thin stem: short covering, or balance at the top
    b = "b"  # the mirror image: long liquidation
    B = "B"  # two bells: double distribution
    I = "I"  # noqa: E741 the field's letter: elongated, no bell at all


class DayType(StrEnum):
    """How the range grew out of the initial balance."""

    NORMAL = "normal"
    NORMAL_VARIATION = "normal variation"
    TREND = "trend"
    DOUBLE_DISTRIBUTION = "double distribution"
    NEUTRAL = "neutral"
    NEUTRAL_EXTREME = "neutral-extreme"
    NON_TREND = "non-trend"


@dataclass(frozen=True, slots=True)
class Day:
    """A day type.

    Parameters
    ----------
    type : DayType
    direction : Direction or None
        Of what has one.
    """

    type: DayType
    direction: Direction | None = None

    @property
    def has_value(self) -> bool:
        """False of a trend day, which passes through prices and accepts none."""
        return self.type is not DayType.TREND


def shape_of(profile: Profile, nodes: Nodes) -> ProfileShape | None:
    """Return the shape; None where there is too little volume to have one, or none fits.

    Notes
    -----
    In this order: P, b: the POC lies in the outer third of the range and the half away from it holds less than a third of the
    volume; B: the bimodality coefficient is above that of a flat profile (5/9), with two HVNs and a valley between; I: the value
    area takes more than 60 % of the range and the highest smoothed row is below 2.5 times the mean row; D: the POC lies in the
    middle third and the coefficient is at most 5/9.
    """
    measures = profile.shape()
    if not profile.total or measures.printed < 5:
        return None
    rows = len(profile.volume)
    upper, lower = int(profile.volume[(rows + 1) // 2 :].sum()), int(profile.volume[: rows // 2].sum())
    if 3 * measures.po_range > 1 and 3 * lower < profile.total:
        return ProfileShape.P
    if -3 * measures.po_range > 1 and 3 * upper < profile.total:
        return ProfileShape.b
    if measures.bc > _FLAT and len(nodes.hvn) >= 2 and nodes.lvn:
        return ProfileShape.B
    b = half_width(rows)
    peak = int(smoothed(profile.volume, b).max()) / (b * b)
    if measures.va_width > 0.6 and peak * rows < 2.5 * profile.total:
        return ProfileShape.I
    if 3 * abs(measures.po_range) <= 1 and measures.bc <= _FLAT:
        return ProfileShape.D
    return None


def day_type(
    balance: InitialBalance, low: int, high: int, close: int, nodes: Nodes, singles: tuple[tuple[int, int], ...],
    mean_width: float | None,
) -> Day | None:  # fmt: skip
    """Return the day type by what has traded so far; None before the initial balance is complete, or where price did not move.

    Parameters
    ----------
    balance : InitialBalance
    low, high, close : int, ticks
        Of the session so far.
    nodes : Nodes
        In rows of one tick.
    singles : tuple of (int, int), ticks
        Runs of single prints.
    mean_width : float or None, ticks
        Mean width of the initial balance of the sessions before; without it no day is non-trend.

    Notes
    -----
    With IB the width of the initial balance, in this order: non-trend: no extension, and IB below half its mean; normal: IB above
    85 % of the range; neutral: extended both ways, close in the middle 60 %, neutral-extreme where it is not; double
    distribution: extended one way, two HVNs with single prints between them; trend: extended one way, range above 2 IB and IB
    below a third of it, close in the outer 20 % of that way; normal variation: any other day extended one way.

    References
    ----------
    J. Dalton, "Mind over Markets" (1990), chapter 2. The figures are ours.
    """
    span, ib = high - low, balance.width
    if not balance.is_complete or span <= 0:
        return None
    down, up = balance.extension(low, high)
    if not up and not down and mean_width is not None and 2 * ib < mean_width:
        return Day(DayType.NON_TREND)
    if 100 * ib > 85 * span:
        return Day(DayType.NORMAL)
    at_top, at_bottom = 5 * (high - close) <= span, 5 * (close - low) <= span
    if up and down:
        end = Direction.UP if at_top else Direction.DOWN if at_bottom else None
        return Day(DayType.NEUTRAL_EXTREME if end else DayType.NEUTRAL, end)
    way = Direction.UP if up else Direction.DOWN
    if nodes.is_double and any(nodes.hvn[0] < a and b < nodes.hvn[1] for a, b in singles):
        return Day(DayType.DOUBLE_DISTRIBUTION, way)
    if span > 2 * ib and 3 * ib < span and (at_top if up else at_bottom):
        return Day(DayType.TREND, way)
    return Day(DayType.NORMAL_VARIATION, way)
