"""The exchange for several threads: calls and ticks one after the other, their updates in the order in which they happened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock, RLock
from typing import TypeVar

from .answer import Answer, Update
from .exchange import Exchange
from .history import Candle, Minutes
from .quote import Quote

T = TypeVar("T")
Listener = Callable[[Update], None]


class Held:
    """Updates that wait for something, the answer to a call as a rule, and all later ones behind them."""

    __slots__ = ("_outbox", "is_ready", "updates")

    def __init__(self, outbox: Outbox, updates: Iterable[Update]) -> None:
        self._outbox = outbox
        self.updates = tuple(updates)
        self.is_ready = False

    def release(self) -> None:
        """Let them go; a second time does nothing."""
        self.is_ready = True
        self._outbox.flush()


class Outbox:
    """Tells listeners of updates in order."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []
        self._waiting: deque[Held] = deque()
        self._lock = RLock()
        self._is_telling = False

    @property
    def is_idle(self) -> bool:
        """Whether all that has happened was told."""
        return not (self._waiting or self._is_telling)

    def put(self, updates: Iterable[Update]) -> Held:
        """Queue updates that are not ready; to be called in the order in which they happened."""
        held = Held(self, updates)
        self._waiting.append(held)
        return held

    def flush(self) -> None:
        """Tell what is ready and has nothing before it that is not."""
        with self._lock:
            if self._is_telling:  # a listener has done something: its turn comes
                return
            self._is_telling = True
            try:
                while self._waiting and self._waiting[0].is_ready:
                    for update in self._waiting.popleft().updates:
                        for listener in self.listeners:
                            listener(update)
            finally:
                self._is_telling = False


class Broker:
    """What REST calls, and whoever plays the day, share.

    Parameters
    ----------
    exchange : Exchange
    clock : callable returning int, ns
        The exchange's time; it may run faster than the world's.
    minutes : Minutes or None
        Where candles of earlier days come from; None: there are none.

    Attributes
    ----------
    outbox : Outbox
        Whoever wants to be told of updates adds itself to its ``listeners``.
    minutes : Minutes
        Candles of today, made of the ticks, and of earlier days.
    quotes : dict of str to Quote
        By instrument key, of what has met a tick; to be read by `read`.

    Notes
    -----
    Listeners are called on whichever thread made the update ready, one at a time, and must be quick.
    """

    def __init__(self, exchange: Exchange, clock: Callable[[], int], minutes: Minutes | None = None) -> None:
        self.clock = clock
        self.minutes = minutes or Minutes()
        self.outbox = Outbox()
        self.quotes: dict[str, Quote] = {}
        self._exchange = exchange
        self._lock = Lock()

    def tick(
        self, key: str, ts: int, price: float, size: int = 0, bid: float = 0.0, ask: float = 0.0, traded: bool | None = None
    ) -> None:
        """Tell of a tick, as `Exchange.on_tick` takes it."""
        with self._lock:
            self.minutes.add(key, ts, price, size)
            self.quotes[key] = self.quotes.get(key, Quote()).after(ts, price, size, bid, ask)
            held = self.outbox.put(self._exchange.on_tick(key, ts, price, size, bid, ask, now=self.clock(), traded=traded))
        held.release()

    def complete(self, key: str, candle: Candle) -> None:
        """Tell of a minute that is over, as the exchange itself has summed it up."""
        with self._lock:
            self.minutes.put(key, candle)

    def wake(self) -> None:
        """Do what is due by now; to be called about once a second of the exchange's time."""
        with self._lock:
            held = self.outbox.put(self._exchange.on_time(self.clock()))
        held.release()

    def read(self, question: Callable[[Exchange, int], T]) -> T:
        """Return the answer to a question, with nothing happening meanwhile."""
        with self._lock:
            return question(self._exchange, self.clock())

    def act(self, request: Callable[[Exchange, int], Answer]) -> tuple[Answer, Held]:
        """Return the answer to a request, and its updates, to be released when the answer was sent."""
        with self._lock:
            answer = request(self._exchange, self.clock())
            return answer, self.outbox.put(answer.updates)
