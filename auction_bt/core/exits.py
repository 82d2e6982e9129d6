"""The exit group: everything that may close one trade, as one value.

One full-size stop, any number of targets, timed exits. The broker keeps the group, so that no fill can leave a naked
remainder: a fill shrinks it, flat ends it. A change makes a new group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite, nan
from typing import Self

from .errors import Refused
from .fills import HAIR
from .trade import EXIT_REASONS, Side


@dataclass(frozen=True, slots=True)
class Target:
    """Take `qty` shares off when a trade reaches `price`.

    Parameters
    ----------
    price : float, rupees
    qty : int, shares
    reason : str
    then_stop : float or None, rupees
        Where the stop of what is left goes once this target is filled; None leaves it.
    to_entry : bool
        Put `then_stop` at the entry's price once that is known.
    """

    price: float
    qty: int
    reason: str = "target1"
    then_stop: float | None = None
    to_entry: bool = False


@dataclass(frozen=True, slots=True)
class Deadline:
    """Leave at market: fires at the first message whose clock is `at` or later, fills on the symbol's next tick.

    Parameters
    ----------
    at : int, ns
    reason : str
    until_target : bool
        Dropped once any target was filled (a time stop is for trades that go nowhere).
    """

    at: int
    reason: str
    until_target: bool = False


@dataclass(frozen=True, slots=True)
class ExitGroup:
    """What may close a trade of `qty` shares on `side`.

    Parameters
    ----------
    side : Side
        Of the trade, not of its exits.
    qty : int, shares
        What is open; the stop always covers all of it.
    stop : float, rupees
    targets : tuple of Target
        Nearest first; together at most `qty`.
    deadlines : tuple of Deadline
    stop_reason : str
        ``stop``, or ``trail`` once it has been moved up behind the trade.

    Raises
    ------
    Refused
        Quantities that do not add up, a target on the wrong side of the stop, an unknown reason.
    """

    side: Side
    qty: int
    stop: float
    targets: tuple[Target, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    stop_reason: str = "stop"

    def __post_init__(self) -> None:
        if self.qty < 1:
            raise Refused(f"an exit group for {self.qty} shares closes nothing")
        if not isfinite(self.stop):
            raise Refused("an exit group needs a stop price")
        if any(t.qty < 1 or not isfinite(t.price) for t in self.targets) or sum(t.qty for t in self.targets) > self.qty:
            raise Refused(f"targets {self.targets} do not fit {self.qty} shares")
        if any((t.price - self.stop) * self.side.sign <= 0 for t in self.targets):
            raise Refused(f"a {self.side} trade cannot have a target at or beyond its stop {self.stop}")
        unknown = {self.stop_reason, *(t.reason for t in self.targets), *(d.reason for d in self.deadlines)} - set(EXIT_REASONS)
        if unknown:
            raise Refused(f"exit reasons {sorted(unknown)} are not in the list {EXIT_REASONS}")

    @property
    def due(self) -> Deadline | None:
        """The earliest deadline."""
        return min(self.deadlines, key=lambda d: d.at, default=None)

    def is_left(self, now: int = 0) -> bool:
        """Return whether a deadline has come by `now` (ns): it is closed with the next tick, whatever that is."""
        return any(d.at <= now for d in self.deadlines)

    @property
    def nearest(self) -> Target | None:
        """The first target a rising (long) or falling (short) price meets."""
        return min(self.targets, key=lambda t: t.price * self.side.sign, default=None)

    def entered_at(self, price: float, traded: float = nan) -> ExitGroup:
        """Return the group once the entry was filled at `price`, by a trade of the market at `traded` where that is known."""
        sign = self.side.sign
        targets = tuple(replace(t, then_stop=price) if t.to_entry and (t.price - price) * sign > 0 else t for t in self.targets)
        return replace(self, targets=targets).against(price).against(traded)

    def against(self, traded: float) -> ExitGroup:
        """Return the group in a market that trades at `traded`, itself where that is NaN: nobody knows.

        Where that is at the stop or beyond it there is no stop that an exchange would take, nor a reason to stay: the trade is
        left with the next tick.
        """
        is_beyond = (traded - self.stop) * self.side.sign <= HAIR
        return self.leave(0, self.stop_reason) if is_beyond and not self.is_left() else self

    def after_target(self, target: Target) -> ExitGroup | None:
        """Return the group once `target` was filled; None when flat."""
        left = self.qty - target.qty
        if left < 1:
            return None
        moved = target.then_stop is not None and (target.then_stop - self.stop) * self.side.sign > 0
        return replace(
            self,
            qty=left,
            stop=target.then_stop if moved and target.then_stop is not None else self.stop,
            stop_reason="trail" if moved else self.stop_reason,
            targets=tuple(t for t in self.targets if t is not target),
            deadlines=tuple(d for d in self.deadlines if not d.until_target),
        )

    def grown(self, qty: int, stop: float) -> ExitGroup:
        """Return the group once `qty` shares were added, its stop at `stop` (rupees) where that is nearer the market.

        Notes
        -----
        What was to be taken off last takes them with it: the furthest target, or the rest that trails.
        """
        targets = self.targets
        if targets and sum(t.qty for t in targets) == self.qty:
            last = max(reversed(targets), key=lambda t: t.price * self.side.sign)
            targets = tuple(replace(t, qty=t.qty + qty) if t is last else t for t in targets)
        return replace(self, qty=self.qty + qty, targets=targets).trailed(stop)

    def resized(self, qty: int) -> ExitGroup | None:
        """Return the group for `qty` open shares, None for none: the stop covers them all, the furthest targets shrink first."""
        if qty < 1:
            return None
        budget, kept = qty, []
        for target in self.targets:
            if budget < 1:
                break
            kept.append(replace(target, qty=min(target.qty, budget)))
            budget -= kept[-1].qty
        return replace(self, qty=qty, targets=tuple(kept))

    def trailed(self, stop: float) -> Self:
        """Return the group with the stop moved to `stop` where that is nearer the market, else itself."""
        if (stop - self.stop) * self.side.sign <= 0 or any((t.price - stop) * self.side.sign <= 0 for t in self.targets):
            return self
        return replace(self, stop=stop, stop_reason="trail")

    def leave(self, at: int, reason: str) -> Self:
        """Return the group with an immediate way out: a deadline that is already due."""
        return replace(self, deadlines=(*self.deadlines, Deadline(at, reason)))


def after_add(group: ExitGroup | None, side: Side, qty: int, stop: float, price: float, left_by: str) -> ExitGroup:
    """Return the exits of a trade on `side` of now `qty` shares, after an add that was filled at `price` rupees.

    Parameters
    ----------
    group : ExitGroup or None
        Of what was held before; None where that was closed while the add was under way: what has come of it is left at once.
    stop : float, rupees
        What the add was given with.
    left_by : str
        Why the rest was closed.
    """
    if group is None:
        return ExitGroup(side, qty, stop, deadlines=(Deadline(0, left_by),))
    return group.grown(qty - group.qty, stop).against(price)


@dataclass(frozen=True, slots=True)
class BarExit:
    """One exit inside a bar of which only open, high, low and close are known."""

    reason: str
    qty: int
    price: float
    at_open: bool
    is_limit: bool
    group: ExitGroup | None


def exits_in_bar(group: ExitGroup, open_: float, high: float, low: float) -> list[BarExit]:
    """Return the exits of `group` in one bar, by the pessimistic rule: the stop comes before any target.

    Parameters
    ----------
    open_, high, low : float, rupees

    Notes
    -----
    A gap through the stop fills at the open; a target rests in the book and never fills at better than its price. A deadline
    due must be handled before.
    """
    found: list[BarExit] = []
    current: ExitGroup | None = group
    sign = group.side.sign
    worst, best = (low, high) if sign > 0 else (high, low)
    if (worst - group.stop) * sign <= HAIR:
        gap = (open_ - group.stop) * sign <= HAIR
        price = open_ if gap else group.stop
        return [BarExit(group.stop_reason, group.qty, price, gap, is_limit=False, group=None)]
    while current is not None and (target := current.nearest) is not None and (best - target.price) * sign >= -HAIR:
        after = current.after_target(target)
        found.append(BarExit(target.reason, target.qty, target.price, at_open=False, is_limit=True, group=after))
        current = after
        if current is not None and (worst - current.stop) * sign <= HAIR:
            # The stop has just been moved into this bar's range; whether it was touched after the target cannot be known.
            found.append(BarExit(current.stop_reason, current.qty, current.stop, at_open=False, is_limit=False, group=None))
            current = None
    return found
