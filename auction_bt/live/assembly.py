"""Makes the parts of a live session from what a command was told."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

from auction_bt.brokers.messages import update_message
from auction_bt.core.errors import AuctionError
from auction_bt.core.leg import Leg
from auction_bt.core.live_order import Action
from auction_bt.core.news import News
from auction_bt.feeds.stored import Recorded
from auction_bt.fetching.limiter import RateLimiter
from auction_bt.market.sessions import session_of
from auction_bt.store.cache import DayCache
from auction_bt.upstox.connection import Acknowledge, FeedState, PortfolioFeed
from auction_bt.upstox.orders import WINDOWS, OrderSender

from .attachment import AttachedRecording
from .door import Door
from .engine import LiveAuctionEngine, LivePlan
from .recorded import intended_today
from .recording import FeedNews, OwnRecording, Place, Recording
from .run_settings import run_settings
from .scribe import Scribe
from .session import LiveSession, Parts
from .token_watch import TokenWatch
from .warm import warm_days
from .watchlist import Watchlist

_TURN_S: Final = 0.002


def recording_of(
    place: Place, plan: LivePlan, door: Door | None, alarm: Callable[[str], None], *,
    on_feed: Callable[[FeedState], None] = lambda _: None, watchlists: Sequence[Watchlist] = (),
) -> Recording:  # fmt: skip
    """Return the recording that a run reads: its own, or that of the process which `door` leads to.

    Parameters
    ----------
    alarm : callable (str)
        Takes what somebody must know now; any thread may call it.
    on_feed : callable (FeedState)
        Told of the market feed's states, on its thread.
    watchlists : sequence of Watchlist
        Options to record beside; whoever records says which, so there are none with a door.
    """
    if door is None:
        return OwnRecording(place, plan.day, plan.instruments, alarm, on_feed=on_feed, watchlists=watchlists)
    symbols = [instrument.symbol for instrument in plan.instruments]
    return AttachedRecording(place.state, symbols, place.clock, alarm, on_feed=on_feed)


@contextmanager
def _short_turns() -> Iterator[None]:
    # A thread that computes gives way to one that waits after this long. By default it is 5 ms, and an order waits behind what
    # the recorder, the journal or a socket has in hand. At 0.5 ms a socket interrupts the engine at every frame, and where the
    # bars of 250 symbols close at once the last of them waits five times as long (`bench_live`).
    before = sys.getswitchinterval()
    sys.setswitchinterval(_TURN_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class LiveRun:
    """A session with all its parts, from the making to the end.

    Parameters
    ----------
    place : Place
    plan : LivePlan
    legs : tuple of Leg
    recording : Recording
        See `recording_of`.
    on_news : callable (News)
    on_alarm : callable (str)
    look : callable (LiveRun) returning float
        See `LiveSession`.
    make : callable
        Makes the engine, see `LiveSession`.
    decides : bool
        False where messages are recorded and nothing else: there is no run in the journal, and no earlier days are read.
    first : callable (LiveRun)
        Called before the first message; what it tells comes before all that is new.
    """

    def __init__(
        self, place: Place, plan: LivePlan, legs: tuple[Leg, ...], recording: Recording, *, on_news: Callable[[News], None],
        on_alarm: Callable[[str], None], look: Callable[[LiveRun], float], make: Callable[..., Any] = LiveAuctionEngine,
        decides: bool = True, first: Callable[[LiveRun], None] = lambda _: None,
    ) -> None:  # fmt: skip
        self.place = place
        self.plan = plan
        self._legs = legs
        self._alarm = on_alarm
        self._say = FeedNews(on_alarm)
        self.recording = recording
        recording.wait_for(self._is_sent)
        self.sender = self._sender() if plan.is_elsewhere else None
        self._settings = run_settings(plan, legs, is_lockstep=place.lockstep)
        self.scribe = Scribe(place.state, json.dumps(self._settings)) if decides else None
        self._look, self._first = look, first
        self._make = make
        self._on_news = on_news

    # ---------------------------------------------------------------- running
    def run(self) -> LiveSession:
        """Run to the end of the day, or until it is stopped."""
        with self.begun() as session:
            session.run()
        return session

    @contextmanager
    def begun(self) -> Iterator[LiveSession]:
        """Begin to record, and yield the session, which is not opened yet."""
        place, plan = self.place, self.plan
        self._first(self)
        with self.recording.opened(self._settings if self.scribe is not None else {}) as resumed:
            warm: list[Recorded] = []
            if self.scribe is not None:
                with place.opened() as store:
                    warm = list(warm_days(store, self._legs, plan.day, plan.settings, DayCache(place.state / "cache")))
            parts = Parts(self.recording.source, (*self.recording.feeds, *self._portfolio()), self.sender, self.scribe)
            self.session = LiveSession(
                plan, parts, warm, resumed, intended_today(place.state, plan.day), clock=place.clock,
                on_news=self._on_news, on_alarm=self._alarm, look=lambda: self._look(self), make=self._make,
            )  # fmt: skip
            with self._token_watch(), _short_turns():
                yield self.session

    def _token_watch(self) -> AbstractContextManager[object]:
        if self.sender is None and not isinstance(self.recording, OwnRecording):
            return nullcontext()  # it asks the broker nothing
        day = self.plan.day
        sessions = [session_of(instrument, day) for instrument in self.plan.instruments]
        hours = sorted({session.bounds(day) for session in sessions if not session.is_closed})
        return TokenWatch(self.place.token, self.place.clock, self._alarm, hours)

    def tell(self, **message: Any) -> None:
        """Record a message of our own kinds, stamped now, and let the engine take it."""
        self.recording.source.tell({"ts": self.place.clock(), **message})

    @property
    def run_id(self) -> int:
        """The run's number in the journal; 0 where it keeps none."""
        return self.scribe.run_id if self.scribe is not None else 0

    @property
    def journal_error(self) -> Exception | None:
        """What ended the journal."""
        return self.scribe.error if self.scribe is not None else None

    def is_on_disk(self, seq: int) -> bool:
        """Return whether all messages up to `seq` (ns) are on the disk."""
        try:
            self.recording.source.wait_committed(seq, 0.0)
        except AuctionError:  # not yet; where the recording has stopped, the next message says so
            return False
        return True

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits to be worked off."""
        return not self.recording.source.flow.waiting and self.recording.is_idle and self._is_sent()

    def _is_sent(self) -> bool:
        return self.sender is None or self.sender.is_idle

    # ---------------------------------------------------------------- parts
    def _sender(self) -> OrderSender:
        return OrderSender(
            self.place.client, self.recording.source.tell, self.place.clock, before=self._before,
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

    # ---------------------------------------------------------------- what the account's socket tells, on its thread
    def _on_update(self, payload: bytes | str, acknowledge: Acknowledge) -> None:
        message = update_message(payload, self.place.clock()) if isinstance(payload, str) else None
        if message is not None:
            self.recording.source.tell(message, acknowledge if self.place.lockstep else None)
        elif self.place.lockstep:
            acknowledge()

    def _on_portfolio_state(self, state: FeedState, reason: str) -> None:
        self._say("portfolio feed", state, reason)

    def _on_portfolio_gap(self, *_: object) -> None:
        # What happened meanwhile is not sent again: the order book knows.
        if self.sender is not None:
            self.sender.read_account()
