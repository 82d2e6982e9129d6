"""A live day put together: sockets, recorder, engine, orders, journal; and taken apart again, whatever has failed."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from auction_bt.core.decision import Decision
from auction_bt.core.errors import Fatal
from auction_bt.core.live_order import Action
from auction_bt.core.news import News
from auction_bt.core.trade import Trade
from auction_bt.feeds.stored import Recorded
from auction_bt.store import RawMessage
from auction_bt.upstox.orders import OrderSender

from .engine import LiveAuctionEngine, LivePlan
from .gate import Gate
from .recording import Feed
from .scribe import Scribe
from .source import RecordedSource, ResumedSource

_COMMIT_S: Final = 5.0
_NAMED: Final = 3
# Seconds between two looks at the account, and where it differs from what is known.
_ACCOUNT_S: Final = 30.0
_DOUBT_S: Final = 3.0
_FIRST_LOOK_S: Final = 45.0  # three calls, each given up after its own time
_FIRST_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class Parts:
    """What a session is made of, each made by whoever knows how.

    Parameters
    ----------
    source : RecordedSource
    feeds : tuple of Feed
        Started last and closed first.
    sender : OrderSender or None
        None where no order leaves this process.
    scribe : Scribe or None
        None where nothing is decided.
    """

    source: RecordedSource
    feeds: tuple[Feed, ...]
    sender: OrderSender | None
    scribe: Scribe | None


class LiveSession:
    """Runs a live day.

    Parameters
    ----------
    plan : LivePlan
    parts : Parts
    warm : iterable of Recorded
    resumed : iterator of RawMessage
        Messages of the day that were recorded before, in their order.
    intended : set of str
        Tags of the orders that went out today before this start.
    clock : callable returning int, ns
        Of the market.
    on_news : callable (News)
    on_alarm : callable (str)
    look : callable returning float
        Called between messages, on the engine's thread; returns the seconds until the next.
    make : callable
        Makes the engine; takes what `LiveAuctionEngine` takes.

    Attributes
    ----------
    engine : LiveAuctionEngine, or what `make` has made
    is_live : bool
        Whether what was recorded before has been worked off.
    """

    def __init__(
        self, plan: LivePlan, parts: Parts, warm: Iterable[Recorded], resumed: Iterator[RawMessage], intended: Set[str], *,
        clock: Callable[[], int], on_news: Callable[[News], None], on_alarm: Callable[[str], None], look: Callable[[], float],
        make: Callable[..., Any] = LiveAuctionEngine,
    ) -> None:  # fmt: skip
        self._parts = parts
        self._intended = intended
        self._clock = clock
        self._on_news = on_news
        self._on_alarm = on_alarm
        self._resume_over = threading.Event()
        self._is_ready = False
        self.gate = Gate(parts.sender.send if parts.sender is not None else lambda _: None)
        self.source = ResumedSource(resumed, parts.source, self._go_live, self._ready)
        self._look = look
        self._read_at = 0.0  # when the account was last asked for, on a clock that only runs forward
        self.engine = make(
            plan, self.source, warm, send=self.gate, tell=self._news, alarm=on_alarm, look=self._turn,
            heard=parts.scribe.keep_orders if parts.scribe is not None else None,
        )  # fmt: skip

    @property
    def is_live(self) -> bool:
        """Whether what was recorded before has been worked off."""
        return self._resume_over.is_set()

    def before(self, action: Action) -> None:
        """Return when a request, and all that led to it, is on the disk."""
        self._parts.source.wait_committed(self.engine.seq, _COMMIT_S)
        if self._parts.scribe is None:
            raise Fatal("there is no journal: no order goes out")
        self._parts.scribe.intend(action)

    def run(self) -> None:
        """Run to the end of the day, or until it is stopped; then close everything, in order."""
        with self.opened():
            self.engine.run()

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Begin everything but the engine, and close it in order."""
        parts = self._parts
        with ExitStack() as stack:
            if parts.scribe is not None:
                parts.scribe.start()
                stack.callback(parts.scribe.close)
            if parts.sender is not None:
                parts.sender.start()
                stack.callback(parts.sender.close)
            for feed in reversed(parts.feeds):
                stack.callback(feed.close)
            stack.callback(gc.unfreeze)
            yield

    def _go_live(self) -> None:
        # The account first: what was closed meanwhile must not be left once more by what was known before.
        is_known = self._is_account_known()
        self._resume_over.set()
        if not is_known:
            self._halt("the account cannot be read: no trade is opened; see what it holds, then `resume`", "account not read")
        self._look()  # what was wanted while no bot ran is obeyed next, before a feed gives anything new
        if self._parts.sender is None or not is_known:
            self._ready()

    def _ready(self) -> None:
        # The order book is the next to be worked off: whoever records beside us may have given frames before it.
        if self._is_ready:
            return
        self._is_ready = True
        strange = self.gate.open(self._intended, self.source.tell, self._clock())
        # What there is by now stays to the evening: a collector that walks through it holds an order up by a third of a second.
        gc.collect()
        gc.freeze()
        if strange:
            self._halt(f"orders went out today that these settings do not ask for ({', '.join(strange[:_NAMED])}): they stay as "
                       "they are; look at the broker's own page, then `resume`", "orders nobody asked for")  # fmt: skip
        for feed in self._parts.feeds:
            feed.start()

    def _is_account_known(self) -> bool:
        sender = self._parts.sender
        if sender is None:
            return True
        before = sender.reads
        for _ in range(_FIRST_LOOKS):
            self._read_account()
            if sender.wait_idle(_FIRST_LOOK_S) and sender.reads > before:
                return True
        return False

    def _halt(self, text: str, reason: str) -> None:
        self._on_alarm(text)
        self.source.tell({"kind": "command", "ts": self._clock(), "what": "halt", "reason": reason})

    def _turn(self) -> float:
        # Positions that nobody here has opened or closed are found by looking, and a difference is looked at again soon.
        if self.is_live and self._parts.sender is not None and not self._parts.source.is_in_step:
            wait = _DOUBT_S if self.engine.broker.account.doubts else _ACCOUNT_S
            if time.monotonic() - self._read_at >= wait:
                self._read_account()
        return self._look()

    def _read_account(self) -> None:
        if self._parts.sender is not None:
            self._read_at = time.monotonic()
            self._parts.sender.read_account()

    def _news(self, news: News) -> None:
        # What was recorded before this start has been told before; this run keeps the whole day again, and is proved as a whole.
        if isinstance(news, Decision | Trade) and self._parts.scribe is not None:
            self._parts.scribe.keep(news)
        if self.is_live:
            self._on_news(news)
