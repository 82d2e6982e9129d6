"""What the REST side of the simulated broker works on, put together by whoever starts it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock

from auction_bt.market.limits import OrderRates

from .broker import Broker
from .faults import Fault, FaultPlan
from .rates import RateLimits
from .sessions import Sessions

#: Of the broker's page on rate limiting, for an algorithm that is not registered.
LIMITS: Mapping[str, OrderRates] = {"orders": OrderRates(10, 500, 2000), "other": OrderRates(50, 500, 2000)}


@dataclass(frozen=True, slots=True)
class Feeds:
    """Where the sockets are; a code that can be used once is added to each.

    Parameters
    ----------
    market, portfolio : str
        Addresses, e.g. ``ws://127.0.0.1:8771/market``; '' where there is no such socket.
    """

    market: str = ""
    portfolio: str = ""


@dataclass(slots=True)
class Service:
    """The simulated broker behind its REST calls.

    Parameters
    ----------
    broker : Broker
    sessions : Sessions
    plan : FaultPlan
    feeds : Feeds
    limits : RateLimits
    masters : mapping of str to bytes
        Instrument masters (gzip) by name: ``complete``, ``NSE``; those that are missing are made of the exchange's contracts.
    static_ips : tuple of str
        From where orders may come: primary and secondary; empty: from anywhere.
    seconds : callable returning int, ns
        A clock that only runs forward and at the world's pace: rate limits are counted by it.
    pause : callable
        Waits for some seconds; for slow answers.
    """

    broker: Broker
    sessions: Sessions = field(default_factory=Sessions)
    plan: FaultPlan = field(default_factory=FaultPlan)
    feeds: Feeds = field(default_factory=Feeds)
    limits: RateLimits = field(default_factory=lambda: RateLimits(LIMITS))
    masters: Mapping[str, bytes] = field(default_factory=dict)
    static_ips: tuple[str, ...] = ()
    seconds: Callable[[], int] = time.monotonic_ns
    pause: Callable[[float], None] = time.sleep
    _numbers: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def count(self, group: str) -> tuple[Fault, ...]:
        """Count a call of a group; return what goes wrong with it."""
        with self._lock:
            total = self._numbers[""] = self._numbers.get("", 0) + 1
            number = self._numbers[group] = self._numbers.get(group, 0) + 1
        return self.plan.at(group, number, total)

    def calls(self, group: str = "") -> int:
        """Return how many calls of a group, or of all, have come."""
        return self._numbers.get(group, 0)

    def is_within_limits(self, group: str) -> bool:
        """Count a call towards the rate limits; return whether it is within them."""
        with self._lock:
            return self.limits.take(group, self.seconds())
