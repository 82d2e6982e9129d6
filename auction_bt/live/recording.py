"""The recording of a live day as a session sees it, and the one that this process makes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from auction_bt.core.errors import Refused
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import DAY_NS, day_start
from auction_bt.fetching.candle_api import CandleApi
from auction_bt.fetching.limiter import RateLimiter
from auction_bt.forwarder import Forwarder
from auction_bt.market.sessions import session_of
from auction_bt.recorder import Recorder
from auction_bt.store import RawMessage, TickStore
from auction_bt.store.dsn import open_store
from auction_bt.upstox.client import UpstoxClient
from auction_bt.upstox.connection import Acknowledge, FeedState, MarketFeed
from auction_bt.upstox.frames import Frames

from .backfill import Backfill
from .recorded import recorded_since
from .source import Clock, LiveSource, RecordedSource
from .watchlist import Watcher, Watchlist

_FIRST_S: Final = 5.0  # for the store to answer before frames are taken
_END_S: Final = 30.0
_SAID: Final = 200  # characters of a text
_BEHIND: Final = 3  # messages that the engine has not taken
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a recording stands.

    Parameters
    ----------
    recorded : int
        Messages on the disk since it was begun.
    lost : int
        Messages for which there was no room.
    state : str
        For people: ``OK``, or what is wrong.
    feed : FeedState or None
        Of the market feed; None before anything is known.
    """

    recorded: int = 0
    lost: int = 0
    state: str = "OK"
    feed: FeedState | None = None


class Feed(Protocol):
    """A connection that gives frames."""

    def start(self) -> None: ...  # noqa: D102
    def close(self, timeout: float = 5.0) -> None: ...  # noqa: D102


class Recording(Protocol):
    """What records the day, here or elsewhere."""

    @property
    def source(self) -> RecordedSource:
        """Where its messages come from."""
        ...

    def opened(self, settings: Mapping[str, Any]) -> AbstractContextManager[Iterator[RawMessage]]:
        """Begin; yield the day's messages so far. `settings` of the run are recorded; a recorder alone has none."""
        ...

    def wait_for(self, is_idle: Callable[[], bool]) -> None:
        """In lockstep, acknowledge nothing before `is_idle` says that nothing else is on its way."""
        ...

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """To be started once the day's messages so far are worked off."""
        ...

    @property
    def standing(self) -> Standing:
        """How it stands."""
        ...

    @property
    def is_idle(self) -> bool:
        """Whether nothing that was asked for is on its way."""
        ...

    @property
    def was_sent(self) -> bool:
        """Whether it has ended, by this process, and the store has everything."""
        ...


class FeedNews:
    """Says of each feed how it fails, once for each way, until it is there again: tries go on, and would say the same."""

    def __init__(self, alarm: Callable[[str], None]) -> None:
        self._alarm = alarm
        self._failing: dict[str, FeedState] = {}

    def __call__(self, name: str, state: FeedState, reason: str) -> None:
        """Take a state; any thread may."""
        if state is FeedState.LIVE:
            self._failing.pop(name, None)
        elif state not in {FeedState.CONNECTING, FeedState.CLOSED} and self._failing.get(name) is not state:
            self._failing[name] = state
            self._alarm(f"{name} {state.value}: {reason}")


class OwnRecording:
    """Holds the socket of the market feed and records what comes.

    Parameters
    ----------
    place : Place
        The caller holds the lock of its state folder.
    day : int
        IST day.
    instruments : sequence of Instrument
    alarm : callable (str)
    on_feed : callable (FeedState)
        Told of the market feed's states, on its thread.
    watchlists : sequence of Watchlist
        Options to record beside, as the money moves.
    """

    def __init__(
        self, place: Place, day: int, instruments: Sequence[Instrument], alarm: Callable[[str], None], *,
        on_feed: Callable[[FeedState], None] = lambda _: None, watchlists: Sequence[Watchlist] = (),
    ) -> None:  # fmt: skip
        self.place = place
        self.day = day
        self._is_all_idle: Callable[[], bool] = lambda: self.is_idle
        self._alarm = alarm
        self._on_feed = on_feed
        self._say = FeedNews(alarm)
        self._feed: FeedState | None = None
        self._api: CandleApi | None = None
        self._hours: dict[str, tuple[int, int]] = {}
        self.was_sent = False
        self.on_commit: Callable[[], None] = lambda: None  # called on the recorder's thread, after each group
        clock = place.clock
        self.recorder = Recorder(place.state, clock, told=self._committed)
        holder = f"{socket.gethostname()}:{place.state.resolve()}"
        self.forwarder = Forwarder(place.state, place.opened, holder, time.time_ns, gives_way=self._is_behind)
        self._watcher = Watcher(watchlists, self._come_near, alarm) if watchlists else None
        seen = {} if self._watcher is None else {"seen": self._watcher.see}
        is_quiet = (lambda: self._is_all_idle()) if place.lockstep else None  # noqa: PLW0108 - it is set later
        self.source = LiveSource(self.recorder, Frames().decode, clock, is_quiet, **seen)
        self.backfill = Backfill(self._candles, self.source.tell, clock, alarm)
        self.market = MarketFeed(
            place.client, on_frame=self._on_frame, on_state=self._on_state, on_gap=self._on_gap, clock=clock,
            expects=self._expects,
        )  # fmt: skip
        self._add(instruments)

    @contextmanager
    def opened(self, settings: Mapping[str, Any]) -> Iterator[Iterator[RawMessage]]:
        """See `Recording`; the market feed is closed by whoever starts it.

        Raises
        ------
        Refused
            The store is in use, or takes no password of ours: waiting does not help.
        """
        self.recorder.start()
        try:
            self.forwarder.start()
            state = self.forwarder.wait_tried(_FIRST_S)
            if isinstance(state.error, Refused):
                raise state.error
            if self.forwarder.last_raw < self.place.clock() + DAY_NS:
                self.recorder.raise_floor(self.forwarder.last_raw)
            resumed = self.since(day_start(self.day) - 1, self._hours)
            self._begin(resumed[-1].ts if resumed else 0, settings)
            with ExitStack() as stack:
                if self._watcher is not None:
                    stack.enter_context(self._watcher)
                yield iter(resumed)
        finally:
            try:
                self.recorder.close()
            finally:
                self.was_sent = self.forwarder.finish(_END_S if self.recorder.error is None else 0.0)

    def wait_for(self, is_idle: Callable[[], bool]) -> None:
        """See `Recording`."""
        self._is_all_idle = lambda: self.is_idle and is_idle()

    def _is_behind(self) -> bool:
        # An order waits behind these; what is on the disk already can wait for them.
        return self.recorder.is_behind or self.source.flow.waiting > _BEHIND

    def since(self, stamp: int, symbols: Iterable[str]) -> list[RawMessage]:
        """Return the day's messages of `symbols` after `stamp` (ns) that are on the disk."""
        return recorded_since(self.place.state, self.place.opened, self.day, symbols, stamp)

    def watch(self, instruments: Sequence[Instrument]) -> None:
        """Record these too, from now on; what they have done today comes from candles. Any thread may."""
        new = [instrument for instrument in instruments if instrument.symbol not in self._hours]
        begun = [self._hours[i.symbol][0] for i in new if i.symbol in self._add(new)]
        now = self.place.clock()
        if begun and min(begun) < now:
            self.backfill.ask([i.symbol for i in new], min(begun), now, "late start")

    @property
    def feeds(self) -> tuple[Feed, ...]:
        """See `Recording`."""
        return self.backfill, self.market

    @property
    def symbols(self) -> tuple[str, ...]:
        """What is recorded."""
        return tuple(self._hours)

    @property
    def ends(self) -> int:
        """When the last of the sessions ends, ns; 0 where there is none."""
        return max((end for _, end in self._hours.values()), default=0)

    @property
    def is_idle(self) -> bool:
        """See `Recording`."""
        return self.backfill.is_idle

    @property
    def standing(self) -> Standing:
        """See `Recording`."""
        error, store = self.recorder.error, self.forwarder.state
        state = (
            f"STOPPED ({error})" if error is not None
            else "OK" if store.is_up is not False
            else f"OK, store down ({store.reason})"
        )  # fmt: skip
        return Standing(self.recorder.recorded, self.recorder.lost, state, self._feed)

    # ---------------------------------------------------------------- inside
    def _come_near(self, instruments: Sequence[Instrument]) -> None:
        with self.place.opened() as store:
            for instrument in instruments:
                store.put_instrument(instrument)
        self.watch(instruments)

    def _add(self, instruments: Sequence[Instrument]) -> set[str]:
        """Subscribe to instruments; return those that trade today."""
        open_today = set()
        hours = dict(self._hours)  # replaced, not changed: other threads read it
        for instrument in instruments:
            session = session_of(instrument, self.day)
            hours[instrument.symbol] = (0, 0) if session.is_closed else session.bounds(self.day)
            open_today |= set() if session.is_closed else {instrument.symbol}
        self._hours = hours
        self.market.subscribe([instrument.symbol for instrument in instruments])
        return open_today

    def _begin(self, since: int, settings: Mapping[str, Any]) -> None:
        """Record how this run begins, and ask for minutes of today that nobody has recorded."""
        now = self.place.clock()
        self.source.tell({"kind": "state", "ts": now, "what": "start" if settings else "recorder", "settings": dict(settings)})
        begin = max(since, min((begin for begin, end in self._hours.values() if end), default=now))
        if begin < now < day_start(self.day + 1):
            self.backfill.ask(self._hours, begin, now, "restart" if since else "late start")

    def _committed(self) -> None:
        self.forwarder.wake()
        self.on_commit()

    def _candles(self, key: str) -> list[Any]:
        if self._api is None:
            limiter = RateLimiter(time.monotonic, time.sleep, _READS)
            self._api = CandleApi(self.place.host, self.place.token(), "the access token", limiter, time.sleep)
        return self._api.today(key)

    def _expects(self) -> bool:
        now = self.place.clock()
        return any(begin <= now < end for begin, end in set(self._hours.values()))

    # ---------------------------------------------------------------- what the socket tells, on its thread
    def _on_frame(self, payload: bytes | str, acknowledge: Acknowledge) -> None:
        if isinstance(payload, bytes):
            self.source.put_frame(payload, acknowledge if self.place.lockstep else None)
            return
        self._alarm(f"market feed: the broker says {payload[:_SAID]}")
        if self.place.lockstep:
            acknowledge()

    def _on_state(self, state: FeedState, reason: str) -> None:
        self._feed = state
        self._on_feed(state)
        self._say("market feed", state, reason)

    def _on_gap(self, begin: int, end: int, reason: str) -> None:
        self.backfill.ask(self._hours, begin, end, reason)
