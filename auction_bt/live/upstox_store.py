"""backtrader's three of a live venue, on Upstox: the store, which makes the feeds and the broker."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import Any

from auction_bt.brokers.commission import ChargedCommission
from auction_bt.brokers.indian import indian_charges
from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.brokers.upstox_broker import UpstoxBroker
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.ist import DAY_NS, day_index, day_start
from auction_bt.core.leg import Leg
from auction_bt.feeds.upstox import UpstoxData
from auction_bt.instruments.book import InstrumentBook
from auction_bt.market.sessions import session_of
from auction_bt.store.dsn import DEFAULT
from auction_bt.symbols import legs_of
from auction_bt.upstox.client import HOST
from auction_bt.upstox.connection import FeedState

from .assembly import LiveRun, recording_of
from .attachment import hold_run, join
from .engine import LATEST_NS, LivePlan, Orders
from .market_clock import WorldClock
from .pump import CerebroPump
from .recording import Place
from .session import LiveSession
from .source import Clock


class UpstoxStore:
    """Connects a stock Cerebro to Upstox, or to a server that speaks the same.

    Parameters
    ----------
    token : callable returning str
        The access token of the moment, asked before each connection.
    orders : str
        ``paper``: filled here on the ticks that come (`TickBroker`); ``upstox``: sent (`UpstoxBroker`).
    store : str
        DSN of where every message is recorded, and earlier days are read.
    state : Path or str
        The state folder.
    cash : float, rupees
    base_url : str
    clock : Clock, optional
        The market's; by default the world's.
    settings : dict, optional
        Settings of the strategy that decide how many earlier days the windows need.
    lockstep : bool
        Frames are acknowledged, as a simulated exchange in lockstep asks.

    Examples
    --------
    ::

        store = UpstoxStore(lambda: os.environ["UPSTOX_ACCESS_TOKEN"])
        cerebro = bt.Cerebro()
        cerebro.adddata(store.getdata(dataname="NIFTY-FUT"))
        cerebro.setbroker(store.getbroker())
        cerebro.addstrategy(MyStrategy)
        cerebro.run()

    Notes
    -----
    The sockets' threads only put frames into a queue; messages are recorded, and strategies run, on Cerebro's thread. A store
    serves one run. `run_live.py` does more: guards, a monitor, words from outside, alerts; a stock Cerebro also holds symbols
    back for the slowest of them.
    """

    def __init__(
        self, token: Callable[[], str], *, orders: str = "paper", store: str = DEFAULT, state: Path | str = ".auction_bt",
        cash: float = 1_000_000, base_url: str = HOST, clock: Clock | None = None, settings: dict[str, Any] | None = None,
        lockstep: bool = False,
    ) -> None:  # fmt: skip
        if orders not in {Orders.PAPER, Orders.UPSTOX, Orders.SIM}:
            raise BadInput(f"orders = {orders!r} must be paper or upstox")
        self._orders = Orders(orders)
        self._clock = clock or WorldClock()
        self._place = Place(store, Path(state), base_url, token, self._clock, lockstep)
        self._settings = dict(settings or {})
        self._cash = cash
        self._charges = indian_charges()
        self._feeds: dict[str, UpstoxData] = {}
        self._legs: list[Leg] = []
        self._broker: Any = None
        self._stack = ExitStack()
        self._pump: CerebroPump | None = None
        self._notes: deque[tuple[Any, tuple[Any, ...], dict[str, Any]] | None] = deque()
        self._states: deque[FeedState] = deque()  # of the market feed, told by its thread
        self._session: LiveSession | None = None
        self._live: LiveRun | None = None
        self._has_said_live = False

    # ---------------------------------------------------------------- backtrader's words
    def getdata(self, *, dataname: str, **params: Any) -> UpstoxData:
        """Return the feed of a symbol: its key, or a name as `run_live.py` takes it.

        Raises
        ------
        BadInput
            Nobody knows it, or the feed was made already.
        """
        with ExitStack() as stack:
            book = InstrumentBook.open_loaded(self._place.state)
            if book is not None:
                stack.enter_context(book)
            kept = stack.enter_context(self._place.opened())
            leg = legs_of(kept, book, dataname, range(self.day, self.day + 1))[0]
            kept.put_instrument(leg.instrument)
        symbol = leg.instrument.symbol
        if symbol in self._feeds:
            raise BadInput(f"{dataname}: its feed was made already")
        if session_of(leg.instrument, self.day).is_closed:
            raise NothingToDo(f"{dataname}: the exchange is closed today: `calendar` tells when it next opens")
        made = UpstoxData(instrument=leg.instrument, store=self, end=day_start(self.day + 1), **params)  # type: ignore[call-arg]
        self._feeds[symbol] = made
        self._legs.append(leg)
        return made

    def getbroker(self) -> Any:
        """Return the broker, the same each time."""
        if self._broker is None:
            elsewhere = self._orders in {Orders.UPSTOX, Orders.SIM}
            patience = DAY_NS if self._place.lockstep else 5 * 10**9
            self._broker = UpstoxBroker(patience=patience) if elsewhere else TickBroker()
            self._broker.set_cash(self._cash)
        return self._broker

    def start(self, data: Any = None, broker: Any = None) -> None:  # noqa: ARG002 - as Cerebro calls it
        """Begin to record and to listen; Cerebro calls it."""
        if self._pump is not None:
            return
        broker = self.getbroker()
        instruments = tuple(feed.instrument for feed in self._feeds.values())
        if not instruments:
            raise BadInput("the store has no feed: getdata(dataname=…) makes one")
        for symbol, feed in self._feeds.items():
            charged = ChargedCommission(charges=self._charges, instrument=feed.instrument, data=feed)  # type: ignore[call-arg]
            broker.addcommissioninfo(charged, name=symbol)
        plan = LivePlan(instruments, self._settings, Decimal(str(self._cash)), self._charges, day_start(self.day), self._orders)
        stack = self._stack
        hold_run(self._place.state, stack)
        door = join(self._place.state, stack)
        recording = recording_of(self._place, plan, door, self.put_notification, on_feed=self._states.append)
        self._live = live = LiveRun(
            self._place, plan, tuple(self._legs), recording, on_news=lambda _: None, on_alarm=self.put_notification,
            look=lambda _: 0.2, make=self._made,
        )  # fmt: skip
        self._session = stack.enter_context(live.begun())
        stack.enter_context(self._session.opened())

    def stop(self) -> None:
        """Close everything, in order; Cerebro calls it."""
        if self._pump is not None:
            self._pump.stop()
        self._stack.close()

    def put_notification(self, text: Any, *args: Any, **named: Any) -> None:
        """Tell strategies something (`notify_store`)."""
        self._notes.append((text, args, named))

    def get_notifications(self) -> list[Any]:
        """Return what is to be told."""
        self._notes.append(None)  # threads may still append
        return list(iter(self._notes.popleft, None))

    # ---------------------------------------------------------------- for its feeds
    @property
    def day(self) -> int:
        """IST day."""
        return int(day_index(self._clock()))

    @property
    def is_over(self) -> bool:
        """Whether no bar will come any more: the session has ended and all was told, or it was stopped."""
        if self._pump is None or self._live is None or self._pump.is_over:
            return True
        ends = [session_of(feed.instrument, self.day).bounds(self.day)[1] for feed in self._feeds.values()]
        return self._clock() > max(ends) + LATEST_NS and self._live.is_quiet

    def take(self, timeout: float) -> None:
        """Wait for the next messages; a feed calls it that has no bar."""
        if self._pump is None or self._session is None:
            return
        self._pump.take(timeout)
        while self._states:
            self._tell(self._states.popleft())
        if not self._has_said_live and self._session.is_live and not any(f.has_bar for f in self._feeds.values()):
            self._has_said_live = True
            for feed in self._feeds.values():
                feed.put_notification(feed.LIVE)

    def _tell(self, state: FeedState) -> None:
        for feed in self._feeds.values():
            if state is FeedState.LIVE:
                feed.put_notification(feed.CONNECTED)
                if self._has_said_live:
                    feed.put_notification(feed.LIVE)
            elif state in {FeedState.DISCONNECTED, FeedState.NO_TOKEN, FeedState.REFUSED}:
                feed.put_notification(feed.DISCONNECTED)

    def _made(self, *args: Any, **named: Any) -> CerebroPump:
        self._pump = CerebroPump(*args, feeds=self._feeds, broker=self._broker, **named)
        return self._pump
