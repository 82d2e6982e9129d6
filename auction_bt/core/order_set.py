"""The orders of one trade at a real exchange, by what each is for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto

from .live_order import Intent, LiveOrder, Row, Status


class Role(Enum):
    """What an order is for."""

    ENTRY = auto()
    ADD = auto()
    STOP = auto()
    EXIT = auto()
    BACK = auto()  # takes back what was closed beyond what was held
    OUTSIDE = auto()  # somebody else's, that has closed what was held


def average_of(orders: Iterable[LiveOrder]) -> float:
    """Return the average price of what was filled of orders, in rupees; of something, that is."""
    parts = [(order.filled, order.average) for order in orders if order.filled]
    return round(sum(n * price for n, price in parts) / sum(n for n, _ in parts), 6)


@dataclass(slots=True)
class OrderSet:
    """Orders by tag, in the order in which they were sent."""

    by_tag: dict[str, LiveOrder] = field(default_factory=dict)
    roles: dict[str, Role] = field(default_factory=dict)

    def add(self, role: Role, intent: Intent, now: int) -> None:
        """Add one that is about to be sent."""
        self.by_tag[intent.tag] = LiveOrder.of(intent, now)
        self.roles[intent.tag] = role

    def tag_of(self, row: Row) -> str:
        """Return the tag of the order a row speaks of, '' for none of these."""
        mine = self.by_tag.get(row.tag)
        if mine is not None:
            return row.tag if mine.intent.symbol == row.symbol else ""
        return next((tag for tag, o in self.by_tag.items() if row.order_id and o.order_id == row.order_id), "")

    def of(self, role: Role) -> list[tuple[str, LiveOrder]]:
        """Return those of a role."""
        return [(tag, order) for tag, order in self.by_tag.items() if self.roles[tag] is role]

    def open(self, role: Role) -> list[tuple[str, LiveOrder]]:
        """Return those of a role that can still be filled."""
        return [(tag, order) for tag, order in self.of(role) if not order.is_final]

    def filled(self, role: Role) -> int:
        """Return the shares filled of a role."""
        return sum(order.filled for _, order in self.of(role))

    def left(self, role: Role) -> int:
        """Return the shares of a role that can still be filled."""
        return sum(order.left for _, order in self.of(role))

    @property
    def held(self) -> int:
        """Shares that are open now, by what was told."""
        return self.filled(Role.ENTRY) + self.filled(Role.ADD) + self.filled(Role.BACK) - self.closed

    @property
    def closed(self) -> int:
        """Shares that were closed, by whomever."""
        return self.filled(Role.STOP) + self.filled(Role.EXIT) + self.filled(Role.OUTSIDE)

    @property
    def executing(self) -> int:
        """Shares of stops that have gone off and are not filled yet."""
        return sum(order.left for _, order in self.open(Role.STOP) if order.is_executing)

    @property
    def unsure(self) -> int:
        """Shares of stops that may wait at the exchange: nobody has answered, and the order book was not read since."""
        return sum(order.qty for _, order in self.of(Role.STOP) if order.is_lost and not order.absent)

    @property
    def covered(self) -> int:
        """Shares whose stop waits at the exchange."""
        return sum(order.left for _, order in self.open(Role.STOP) if order.status is Status.TRIGGER_PENDING)

    @property
    def entry_price(self) -> float:
        """Average price of what was entered, in rupees."""
        return average_of(order for _, order in self.of(Role.ENTRY))

    @property
    def is_calm(self) -> bool:
        """Whether all that may still be filled waits for the market alone, as a stop does."""
        return all(order.is_final or (order.is_idle and not order.is_executing) for order in self.by_tag.values())

    @property
    def is_asleep(self) -> bool:
        """Whether nothing is to be done about them until somebody speaks: all that is not over is a stop that waits."""
        return all(
            (order.is_final and not order.is_lost)
            or (self.roles[tag] is Role.STOP and order.is_idle and not order.is_executing and not order.failures)
            for tag, order in self.by_tag.items()
        )

    @property
    def is_settled(self) -> bool:
        """Whether nothing can be filled any more, and nothing is unknown."""
        return all(order.is_final and not order.is_lost for order in self.by_tag.values())
