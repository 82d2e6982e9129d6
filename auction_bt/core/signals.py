"""Entries: pure functions of the context. Which bar is a signal, and where it would be wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, floor

from .context import AuctionContext
from .regime import Regime, Rule
from .trade import Side


class Setup(StrEnum):
    """Kind of entry."""

    FADE = "fade"  # balanced: back from the edge of value to its centre
    PULLBACK = "pullback"  # unbalanced: with the trend from the POC


@dataclass(frozen=True, slots=True)
class Signal:
    """An entry that the rule asks for.

    Parameters
    ----------
    side : Side
    setup : Setup
    edge : str
        What was used up by it until the POC trades again: ``val``, ``vah`` or ``poc``.
    stop : int, ticks
    target1 : int, ticks
        Where half is taken.
    target2 : int or None, ticks
        Where the rest is; None where it trails.
    refused : str
        A condition of the rule itself that failed, worth telling (empty: none).
    """

    side: Side
    setup: Setup
    edge: str
    stop: int
    target1: int
    target2: int | None
    refused: str = ""


def find_signal(rule: Rule, c: AuctionContext, cost: float) -> Signal | None:
    """Return the entry that `rule` sees in this bar, or None.

    Parameters
    ----------
    cost : float, ticks
        Round trip of one share; the auction rule wants value wider than six of it, and the original does not look at it.

    Notes
    -----
    Looks at the closed bar and at the levels of the bar before; nothing later. A value area of one row is no area.

    References
    ----------
    Levels, stops and targets follow Dalton, *Mind over Markets*: fade the edges of accepted value towards its centre, join a
    migrating auction where it comes back to its fairest price.
    """
    if c.regime is Regime.TRANSITION or c.width < 1:
        return None
    if c.regime is Regime.BALANCED:
        return _fade(rule, c, cost)
    return _pullback(rule, c)


def _fade(rule: Rule, c: AuctionContext, cost: float) -> Signal | None:
    if rule is Rule.ORIGINAL:
        side = Side.LONG if c.close <= c.val else Side.SHORT if c.close >= c.vah else None
    else:  # probed beyond the edge and rejected: closed back inside
        low_probe, high_probe = c.low <= c.val < c.close, c.high >= c.vah > c.close
        side = Side.LONG if low_probe and not high_probe else Side.SHORT if high_probe and not low_probe else None
    if side is None:
        return None
    room = max(0.5 * c.atr, 2.0)
    if side is Side.LONG:
        stop, edge = floor(min(c.excursion_low, c.val) - room), "val"
        distance = abs(c.close - c.val)
    else:
        stop, edge = ceil(max(c.excursion_high, c.vah) + room), "vah"
        distance = abs(c.close - c.vah)
    refused = ""
    if rule is Rule.AUCTION:
        if distance > c.atr:
            refused = "far from edge"
        elif c.width < max(c.atr, 6 * cost):
            refused = "narrow value"
    far = c.vah if side is Side.LONG else c.val
    return Signal(side, Setup.FADE, edge, stop, c.poc, far if far != c.poc else None, refused)


def _pullback(rule: Rule, c: AuctionContext) -> Signal | None:
    sign = 1 if c.regime is Regime.BULL else -1
    side = Side.LONG if sign > 0 else Side.SHORT
    lost, won = (c.val, c.vah) if sign > 0 else (c.vah, c.val)
    if rule is Rule.ORIGINAL:
        came_back = (c.close - c.poc) * sign <= 0
        was_beyond = any((close - c.poc) * sign > 0 for close in c.closes)
    else:
        probe = c.low if sign > 0 else c.high
        came_back = (probe - c.poc) * sign <= 0.25 * c.atr and (c.close - c.poc) * sign >= 0
        was_beyond = any((close - c.poc) * sign > 0.5 * c.atr for close in c.closes)
    if not came_back or not was_beyond or (c.close - lost) * sign <= 0:
        return None
    # The nearer of "value lost" and "1.5 ATR beyond the POC", unless the bar has closed beyond the latter already.
    value_lost, near_poc = lost - sign * 0.25 * c.atr, c.poc - sign * 1.5 * c.atr
    stop = near_poc if (near_poc - value_lost) * sign > 0 and (c.close - near_poc) * sign > 0 else value_lost
    return Signal(side, Setup.PULLBACK, "poc", floor(stop) if sign > 0 else ceil(stop), won, None)
