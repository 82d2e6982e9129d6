"""The simulated broker, whole: one day at the exchange, the REST calls and the sockets, put together."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from math import inf, isinf
from types import TracebackType
from typing import Any, Final, Self

from flask import Flask, jsonify

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import MINUTE_NS, to_date

from .books import Account
from .broker import Broker
from .day import Day
from .day_clock import DayClock
from .exchange import Exchange
from .faults import FaultPlan
from .feed_server import FeedServer
from .history import Minutes, Past
from .listening import Listening
from .matching import STRICT, Matching
from .player import Player
from .rest import create_app
from .service import Service
from .sessions import App, Sessions
from .socket_faults import SocketFault

_BEFORE: Final = 5 * MINUTE_NS  # a token dies at 03:30 and a code in ten minutes: the day's first frame is after this


@dataclass(frozen=True, slots=True)
class Terms:
    """How a day is played.

    Parameters
    ----------
    account : Account
    matching : Matching
    speed : float
        Times the world's pace; infinite: as fast as it goes.
    lockstep : bool
        Frame n + 1 waits until frame n was worked off, and all that came of it.
    since : int, ns
        From when on frames wait for somebody to attend; what is before it is over by then.
    plan : FaultPlan
        Of REST calls.
    socket_faults : tuple of SocketFault
    static_ips : tuple of str
        From where orders may come; empty: from anywhere.
    port : int
        Of the REST calls; the sockets have the next. 0: any that are free.
    app : App
    """

    account: Account = field(default_factory=Account)
    matching: Matching = STRICT
    speed: float = 1.0
    lockstep: bool = False
    since: int = 0
    plan: FaultPlan = field(default_factory=FaultPlan)
    socket_faults: tuple[SocketFault, ...] = ()
    static_ips: tuple[str, ...] = ()
    port: int = 0
    app: App = field(default_factory=App)

    def __post_init__(self) -> None:
        if self.lockstep and (self.plan.faults or self.socket_faults):
            raise BadInput("in lockstep nothing goes wrong: leave out the faults or --lockstep")


class Simulation:
    """The simulated broker on loopback, from birth on; served and played while it is entered (``with``).

    Parameters
    ----------
    day : Day
    terms : Terms
    past : callable, optional
        Candles of earlier days: ``(key, IST day)`` to those of that day.

    Attributes
    ----------
    url : str
        Of the REST calls.
    exchange : Exchange
    service : Service
    player : Player
    """

    def __init__(self, day: Day, terms: Terms, past: Past | None = None) -> None:
        first = next(iter(day.frames()), None)
        if first is None:
            raise BadInput(f"there is no frame of {to_date(day.day)} to play")
        speed = inf if terms.lockstep else terms.speed
        self._terms = terms
        self._stack = ExitStack()
        self.day = day
        self.clock = DayClock(first.at - _BEFORE, speed, time.monotonic_ns)
        self.exchange = Exchange(day.contracts, terms.account, terms.matching)
        self.broker = Broker(self.exchange, self.clock, Minutes(past))
        self.sessions = Sessions(terms.app, terms.account.user)
        self.server = FeedServer(
            self.sessions, self.clock, port=terms.port + 1 if terms.port else 0, faults=terms.socket_faults,
            status=dict.fromkeys(sorted({c.segment for c in day.contracts}), "PRE_OPEN_END"),
        )  # fmt: skip
        self.service = Service(self.broker, self.sessions, terms.plan, feeds=self.server.feeds, static_ips=terms.static_ips)
        self.player = Player(day, self.broker, self.server, self.clock, lockstep=terms.lockstep, since=terms.since)
        app = create_app(self.service)
        self._add_own(app)
        self._listening = Listening(app, terms.port)
        self.url = self._listening.url

    def grant(self) -> str:
        """Return a token for the whole of the day."""
        return self.sessions.grant(self.clock())

    def __enter__(self) -> Self:
        self._stack.enter_context(self._listening)
        self._stack.enter_context(self.server)
        self.player.start()
        self._stack.callback(self.player.stop)
        self.player.wait_past()  # whoever connects finds the time that was asked for
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _add_own(self, app: Flask) -> None:
        @app.get("/v2/login/sim-clock")  # beside the login, where no token is asked for
        def sim_clock() -> Any:
            return jsonify(self.hour())

    def hour(self) -> dict[str, Any]:
        """Return what the time is, and how it runs."""
        speed = self.clock.speed
        return {"now": self.clock(), "speed": None if isinf(speed) else speed, "lockstep": self._terms.lockstep,
                "day": str(to_date(self.day.day)), "over": self.player.is_over, "played": self.player.played}  # fmt: skip

    def settled(self) -> None:
        """Wait until every connection has taken what it was sent, in lockstep."""
        if self._terms.lockstep:
            self.server.wait(lambda: self.broker.outbox.is_idle and self.server.is_settled, lambda: False)

    def account(self) -> dict[str, Any]:
        """Return how the account stands: number of orders, open positions by key, those that rest, fills."""

        def look(exchange: Exchange, _: int) -> dict[str, Any]:
            books = exchange.books
            net: dict[str, int] = {}
            for held in books.positions():
                net[held.key] = net.get(held.key, 0) + held.quantity
            return {
                "orders": len(books.by_id),
                "positions": {key: qty for key, qty in net.items() if qty},
                "resting": [order.order_id for order in books.by_id.values() if not order.is_final],
                "tags": [order.request.tag for order in books.by_id.values()],
            }

        return self.broker.read(look)
