"""What a keeper works with: its terms, what it tells, and ways out that are due."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from .bar import NEVER
from .exits import ExitGroup, Target
from .ist import SECOND_NS
from .live_order import Asked, Kind, LiveOrder
from .order_set import OrderSet, Role

#: How the tag of each of our orders begins: what an account has of us, whoever asks.
OURS: Final = "abt"
#: And of those that a person gives by `flatten` where no bot runs: no strategy asks for them.
BY_HAND: Final = f"{OURS}x"
_GLANCE_NS: Final = SECOND_NS // 50
_DOUBLINGS: Final = 5


@dataclass(frozen=True, slots=True)
class Terms:
    """How a trade is kept.

    Parameters
    ----------
    symbol : str
    tick : float, rupees
    freeze : int, shares
        Most that one order may have; more is cut into several. 0: no limit known.
    patience : int, ns
        How long an order at market may rest before it is taken back, and a request may stay unanswered before we ask.
    """

    symbol: str
    tick: float
    freeze: int = 0
    patience: int = 5 * SECOND_NS

    def parts(self, qty: int) -> list[int]:
        """Return a quantity cut into what one order may have."""
        most = self.freeze or qty
        return [min(most, qty - done) for done in range(0, qty, most)]

    def on_grid(self, price: float) -> float:
        """Return a price as the exchange takes it."""
        return round(round(price / self.tick) * self.tick, 6)


@dataclass(frozen=True, slots=True)
class Done:
    """One order of the trade is over.

    Parameters
    ----------
    role : Role
    reason : str
        ``entry``, ``add`` or one of `trade.EXIT_REASONS`.
    qty : int, shares
        Filled; 0 of an entry or an add that came to nothing.
    price : float, rupees
        Average of what was filled.
    at : int, ns
        When, to the second; 0 where nobody has said.
    note : str
        Why it was refused or cancelled.
    """

    role: Role
    reason: str
    qty: int
    price: float
    at: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """A way out that is due: so many shares still to be sold, or bought back, for a reason.

    Parameters
    ----------
    qty : int, shares
    reason : str
    target : Target or None
        Which target it takes.
    not_before : int, ns
        When to try again after a refusal.
    tries : int
        How often it was refused.
    """

    qty: int
    reason: str
    target: Target | None = None
    not_before: int = 0
    tries: int = 0


def may_change(order: LiveOrder, now: int) -> bool:
    """Return whether a change may be asked for at `now` (ns): one that failed is not asked for as often as the clock is heard."""
    return order.is_idle and (not order.failures or now - order.since >= SECOND_NS << min(order.failures, _DOUBLINGS))


def rests(order: LiveOrder, now: int, patience: int) -> bool:
    """Return whether an order at market has found nobody for `patience` (ns)."""
    return order.intent.kind is Kind.MARKET and order.is_idle and now - order.since >= patience


def planned(order: LiveOrder) -> int:
    """Return what a stop will cover (shares) once what is under way has ended as asked."""
    if order.asked is Asked.CANCEL:
        return 0
    return (order.wanted[0] if order.asked is Asked.MODIFY else order.qty) - order.filled


def covering(stops: Sequence[tuple[str, LiveOrder]], want: int, most: int) -> tuple[dict[str, int], int]:
    """Return what each stop that rests shall cover (shares), by tag, and how many shares new ones are missing for.

    Parameters
    ----------
    want : int, shares
        To be covered by all of them together.
    most : int, shares
        That one order may have; 0: no limit.
    """
    covers = {tag: planned(order) for tag, order in stops}
    surplus = sum(covers.values()) - want
    for tag, _ in reversed(stops):
        cut = min(max(surplus, 0), covers[tag])
        covers[tag] -= cut
        surplus -= cut
    roomy = next((tag for tag, order in stops if order.is_idle and not (most and covers[tag] - surplus > most)), "")
    if surplus < 0 and roomy:
        covers[roomy] -= surplus
        surplus = 0
    return covers, max(0, -surplus)


def fitted(leaves: Iterable[Leave], room: int) -> list[Leave]:
    """Return ways out that together close no more than `room` shares, the first ones whole."""
    kept = []
    for leave in leaves:
        if (qty := min(leave.qty, max(0, room))) > 0:
            kept.append(replace(leave, qty=qty))
            room -= qty
    return kept


def same(group: ExitGroup, target: Target) -> Target | None:
    """Return the target in its present size, None where it is gone: fills in part have shrunk it since it was met."""
    return next((t for t in group.targets if (t.reason, t.price) == (target.reason, target.price)), None)


def base36(value: int) -> str:
    """Return a number that is 0 or more in digits and letters, for tags."""
    digits = ""
    while value:
        value, digit = divmod(value, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def ended(orders: OrderSet, told: Container[str]) -> Iterator[tuple[str, Role, LiveOrder]]:
    """Yield what has closed, or opened again, a part of the trade and can do so no more, but for what was `told`."""
    for role in (Role.STOP, Role.EXIT, Role.BACK, Role.OUTSIDE):
        for tag, order in orders.of(role):
            if order.is_final and order.filled and tag not in told:
                yield tag, role, order


def next_look(group: ExitGroup | None, exits: ExitGroup, leaves: Sequence[Leave], orders: OrderSet, now: int) -> int:
    """Return from when on (ns) the clock alone may call for something: a deadline; another try, where something is under way.

    Parameters
    ----------
    group, exits : ExitGroup
        Of what is held, None for nothing; of the whole entry.
    now : int, ns

    Notes
    -----
    Tries are counted in seconds, and looked for fifty times in one: messages come by the thousand, and answers are looked at when
    they come.
    """
    is_asleep = group is not None and not leaves and orders.is_asleep
    times = [deadline.at for deadline in (group or exits).deadlines]
    return min([*times, NEVER if is_asleep else now + _GLANCE_NS])
