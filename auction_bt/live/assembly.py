"""Makes the parts of a live session from what a command was told."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from auction_bt.brokers.messages import update_message
from auction_bt.core.errors import Refused
from auction_bt.core.ist import DAY_NS, day_start
from auction_bt.core.leg import Leg
from auction_bt.core.live_order import Action
from auction_bt.core.news import News
from auction_bt.feeds.stored import Recorded
from auction_bt.fetching.candle_api import CandleApi
from auction_bt.fetching.limiter import RateLimiter
from auction_bt.forwarder import Forwarder
from auction_bt.market.sessions import session_of
from auction_bt.recorder import Recorder
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from auction_bt.upstox.client import UpstoxClient
from auction_bt.upstox.connection import Acknowledge, FeedState, MarketFeed, PortfolioFeed
from auction_bt.upstox.frames import Frames
from auction_bt.upstox.orders import WINDOWS, OrderSender

from .backfill import Backfill
from .engine import LiveAuctionEngine, LivePlan
from .run_settings import run_settings
from .scribe import Scribe
from .session import LiveSession, Parts, intended_today, recorded_today
from .source import Clock, LiveSource
from .token_watch import TokenWatch
from .warm import warm_days

_FIRST_S: Final = 5.0  # for the store to answer before frames are taken
_END_S: Final = 30.0
_SAID: Final = 200  # characters of a text
_READS: Final = ((1.0, 25), (60.0, 400))  # (seconds, calls): half of what the broker allows, for whoever else asks


@dataclass(frozen=True, slots=True)
class Place:
    """Where a session works.

    Parameters
    ----------
    store : str
        DSN.
    state : Path
    host : str
        Of the REST calls.
    token : callable returning str
        The access token of the moment.
    clock : Clock
        Of the market.
    lockstep : bool
    """

    store: str
    state: Path
    host: str
    token: Callable[[], str]
    clock: Clock
    lockstep: bool = False

    def opened(self) -> TickStore:
        """Open the store."""
        return open_store(self.store, create=True)

    def client(self) -> UpstoxClient:
        """Return a client with the token of the moment."""
        made = UpstoxClient(self.host)
        made.send_token(self.token())
        return made


class LiveRun:
    """A session with all its parts, from the making to the end.

    Parameters
    ----------
    place : Place
    plan : LivePlan
    legs : tuple of Leg
    on_news : callable (News)
    on_alarm : callable (str)
    look : callable (LiveRun) returning float
        See `LiveSession`.
    make : callable
        Makes the engine, see `LiveSession`.
    decides : bool
        False where messages are recorded and nothing else: there is no run in the journal, and no earlier days are read.
    """

    def __init__(
        self, place: Place, plan: LivePlan, legs: tuple[Leg, ...], *, on_news: Callable[[News], None],
        on_alarm: Callable[[str], None], look: Callable[[LiveRun], float], make: Callable[..., Any] = LiveAuctionEngine,
        decides: bool = True,
    ) -> None:  # fmt: skip
        self.place = place
        self.plan = plan
        self._legs = legs
        self._alarm = on_alarm
        self._stack = ExitStack()
        self.state_of_feed: tuple[FeedState | None, str] = (None, "")
        self._failing: dict[str, FeedState] = {}  # feeds, and how each fails
        self.was_sent = False  # whether the store has everything
        self.on_feed: Callable[[FeedState], None] = lambda _: None  # told of the market feed's states, on its thread
        clock = place.clock
        self.recorder = Recorder(place.state, clock, told=self._wake)
        holder = f"{socket.gethostname()}:{place.state.resolve()}"
        self.forwarder = Forwarder(place.state, place.opened, holder, time.time_ns, gives_way=lambda: self.recorder.is_behind)
        frames = Frames()
        self.source = LiveSource(self.recorder, frames.decode, clock, self._is_idle if place.lockstep else None)
        self.sender = self._sender() if plan.is_elsewhere else None
        self.backfill = Backfill(self._candles, self.source.tell, clock, on_alarm)
        self.market = MarketFeed(
            place.client, on_frame=self._on_frame, on_state=self._on_state, on_gap=self._on_gap, clock=clock,
            expects=self._expects,
        )  # fmt: skip
        self.market.subscribe([instrument.symbol for instrument in plan.instruments])
        self._settings = run_settings(plan, legs, is_lockstep=place.lockstep)
        self.scribe = Scribe(place.state, json.dumps(self._settings)) if decides else None
        self._look = look
        self._make = make
        self._on_news = on_news
        self._api: CandleApi | None = None
        sessions = [session_of(instrument, plan.day) for instrument in plan.instruments]
        self._hours = sorted({session.bounds(plan.day) for session in sessions if not session.is_closed})

    # ---------------------------------------------------------------- running
    def run(self) -> LiveSession:
        """Run to the end of the day, or until it is stopped."""
        with self.begun() as session:
            session.run()
        return session

    @contextmanager
    def begun(self) -> Iterator[LiveSession]:
        """Begin to record, and yield the session, which is not opened yet."""
        with self._stack as stack:
            self.recorder.start()
            stack.callback(self._end)
            self.forwarder.start()
            state = self.forwarder.wait_tried(_FIRST_S)
            if isinstance(state.error, Refused):
                raise state.error
            if self.forwarder.last_raw < self.place.clock() + DAY_NS:
                self.recorder.raise_floor(self.forwarder.last_raw)
            symbols = [instrument.symbol for instrument in self.plan.instruments]
            resumed = recorded_today(self.place.state, self.place.opened, self.plan.day, symbols)
            since = resumed[-1].ts if resumed else 0
            self._say_missed(since)
            warm: list[Recorded] = []
            with self.place.opened() as store:
                cache = DayCache(self.place.state / "cache")
                if self.scribe is not None:
                    warm = list(warm_days(store, self._legs, self.plan.day, self.plan.settings, cache))
            feeds = (self.market, *self._portfolio())
            parts = Parts(self.recorder, self.forwarder, self.source, self.backfill, feeds, self.sender, self.scribe)
            self.session = LiveSession(
                self.plan, parts, warm, iter(resumed), intended_today(self.place.state, self.plan.day), clock=self.place.clock,
                on_news=self._on_news, on_alarm=self._alarm, look=lambda: self._look(self), make=self._make,
            )  # fmt: skip
            stack.enter_context(TokenWatch(self.place.token, self.place.clock, self._alarm, self._hours))
            yield self.session

    def tell(self, **message: Any) -> None:
        """Record a message of our own kinds, stamped now, and let the engine take it."""
        self.source.tell({"ts": self.place.clock(), **message})

    @property
    def run_id(self) -> int:
        """The run's number in the journal; 0 where it keeps none."""
        return self.scribe.run_id if self.scribe is not None else 0

    @property
    def journal_error(self) -> Exception | None:
        """What ended the journal."""
        return self.scribe.error if self.scribe is not None else None

    @property
    def is_settled(self) -> bool:
        """Whether all that was told has been worked off, and is on the disk."""
        return not self.source.flow.waiting and self.recorder.committed >= self.recorder.last

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits to be worked off."""
        return not self.source.flow.waiting and self._is_idle()

    def _wake(self) -> None:
        self.forwarder.wake()

    def _is_idle(self) -> bool:
        return self.backfill.is_idle and (self.sender is None or self.sender.is_idle)

    def _end(self) -> None:
        try:
            self.recorder.close()
        finally:
            self.was_sent = self.forwarder.finish(_END_S if self.recorder.error is None else 0.0)

    # ---------------------------------------------------------------- parts
    def _sender(self) -> OrderSender:
        return OrderSender(
            self.place.client, self.source.tell, self.place.clock, before=self._before,
            product=self.plan.product.value, limiter=RateLimiter(time.monotonic, time.sleep, WINDOWS), now=time.monotonic_ns,
        )  # fmt: skip

    def _before(self, action: Action) -> None:
        self.session.before(action)

    def _portfolio(self) -> tuple[PortfolioFeed, ...]:
        if self.sender is None:
            return ()
        feed = PortfolioFeed(
            self.place.client, on_frame=self._on_update, on_state=self._on_portfolio_state, on_gap=self._on_portfolio_gap,
            clock=self.place.clock,
        )  # fmt: skip
        return (feed,)

    def _candles(self, key: str) -> list[Any]:
        if self._api is None:
            limiter = RateLimiter(time.monotonic, time.sleep, _READS)
            self._api = CandleApi(self.place.host, self.place.token(), "the access token", limiter, time.sleep)
        return self._api.today(key)

    # ---------------------------------------------------------------- what sockets tell, on their threads
    def _on_frame(self, payload: bytes | str, acknowledge: Acknowledge) -> None:
        if isinstance(payload, bytes):
            self.source.put_frame(payload, acknowledge if self.place.lockstep else None)
            return
        self._alarm(f"market feed: the broker says {payload[:_SAID]}")
        if self.place.lockstep:
            acknowledge()

    def _on_update(self, payload: bytes | str, acknowledge: Acknowledge) -> None:
        message = update_message(payload, self.place.clock()) if isinstance(payload, str) else None
        if message is not None:
            self.source.tell(message, acknowledge if self.place.lockstep else None)
        elif self.place.lockstep:
            acknowledge()

    def _expects(self) -> bool:
        now = self.place.clock()
        return any(begin <= now < end for begin, end in self._hours)

    def _on_state(self, state: FeedState, reason: str) -> None:
        self.state_of_feed = (state, reason)
        self.on_feed(state)
        self._say_feed("market feed", state, reason)

    def _say_feed(self, name: str, state: FeedState, reason: str) -> None:
        # Once for each way in which it fails, until it is there again: tries go on, and would say the same.
        if state is FeedState.LIVE:
            self._failing.pop(name, None)
        elif state not in {FeedState.CONNECTING, FeedState.CLOSED} and self._failing.get(name) is not state:
            self._failing[name] = state
            self._alarm(f"{name} {state.value}: {reason}")

    def _on_gap(self, begin: int, end: int, reason: str) -> None:
        self.backfill.ask([instrument.symbol for instrument in self.plan.instruments], begin, end, reason)

    def _on_portfolio_state(self, state: FeedState, reason: str) -> None:
        self._say_feed("portfolio feed", state, reason)

    def _on_portfolio_gap(self, *_: object) -> None:
        # What happened meanwhile is not sent again: the order book knows.
        if self.sender is not None:
            self.sender.read_account()

    # ---------------------------------------------------------------- the beginning
    def _say_missed(self, since: int) -> None:
        """Record how this run begins, and ask for minutes of today that nobody has recorded."""
        day, now = self.plan.day, self.place.clock()
        self.source.tell({"kind": "state", "ts": now, "what": "start", "settings": self._settings})
        begin = max(since, min((begin for begin, _ in self._hours), default=now))
        if begin < now < day_start(day + 1):
            self.backfill.ask([i.symbol for i in self.plan.instruments], begin, now, "restart" if since else "late start")
