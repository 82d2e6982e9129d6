"""The broker's sockets, kept up: who connects, finds out that nobody speaks, waits, and comes back."""

from __future__ import annotations

import logging
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any, Final

from auction_bt.core.errors import AuctionError
from auction_bt.redaction import redacted

from .backoff import Backoff
from .client import UpstoxClient, refusal_of
from .subscription import FULL, joined, steps
from .wires import MarketWire, Wire, market_wire, portfolio_wire

_UNAUTHORISED: Final = 401
_FORBIDDEN: Final = 403
_SLOW_S: Final = 5.0  # least wait where trying again at once cannot help
Acknowledge = Callable[[], None]


class FeedState(StrEnum):
    """How a connection stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    DISCONNECTED = "disconnected"
    NO_TOKEN = "no token"  # noqa: S105 - none that is good
    REFUSED = "refused"  # the token is good, and the feed is not for it, or not from here
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a connection waits, in seconds.

    Parameters
    ----------
    ping : float
        Without a word until it asks.
    dead : float
        Without a word until it is given up, ping or not.
    mute : float
        Without a frame, where frames are expected, until it is given up.
    """

    ping: float = 5.0
    dead: float = 15.0
    mute: float = 60.0


@dataclass(frozen=True, slots=True)
class Counts:
    """What a connection has seen.

    Parameters
    ----------
    connects, breaks, frames, texts, payload_bytes : int
    """

    connects: int = 0
    breaks: int = 0
    frames: int = 0
    texts: int = 0
    payload_bytes: int = 0


class Connection(ABC):
    """Keeps one socket up, on a thread of its own.

    Parameters
    ----------
    client : callable returning UpstoxClient
        Makes a client with the token of the moment, asked before each connection; raises `AuctionError` where there is none.
    name : str
        For people.
    on_frame : callable (bytes or str, callable)
        Takes what comes, and what to call when it was worked off. Called on the socket's thread: it must not wait.
    on_state : callable (FeedState, str)
    on_gap : callable (int, int, str)
        Takes from when to when (ns) nothing was heard, and why, before the first frame after it is given.
    clock : callable returning int, ns
        The time of the market.
    expects : callable returning bool
        Whether frames must be coming now.
    patience : Patience
    random : Random
    """

    def __init__(
        self, client: Callable[[], UpstoxClient], name: str, *, on_frame: Callable[[bytes | str, Acknowledge], None],
        on_state: Callable[[FeedState, str], None], on_gap: Callable[[int, int, str], None], clock: Callable[[], int],
        expects: Callable[[], bool] = lambda: False, patience: Patience | None = None, random: Random | None = None,
    ) -> None:  # fmt: skip
        self._client = client
        self._on_frame = on_frame
        self._on_state = on_state
        self._on_gap = on_gap
        self._clock = clock
        self._expects = expects
        self._patience = patience or Patience()
        self._backoff = Backoff(random or Random())  # noqa: S311 - no secret
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._last_at = 0  # of the last frame, on the market's clock; 0 before the first
        self._last = 0.0  # the same on a clock that only runs forward
        self._broke_by = ""  # why the connection before ended; '' where none has
        self.state = FeedState.CONNECTING
        self._connects = self._breaks = self._frames = self._texts = self._bytes = 0

    @property
    def counts(self) -> Counts:
        """What it has seen so far."""
        return Counts(self._connects, self._breaks, self._frames, self._texts, self._bytes)

    def start(self) -> None:
        """Connect, and stay connected."""
        self._thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Let go of the socket; nothing comes after."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    @abstractmethod
    def _wire(self, client: UpstoxClient) -> Wire:
        """Return the socket to connect."""

    def _turn(self, wire: Wire) -> None:  # noqa: B027 - there may be nothing
        """Do what is due on the socket, twice a second."""

    # ---------------------------------------------------------------- its own thread
    def _run(self) -> None:
        while not self._over.is_set():
            self._say(FeedState.CONNECTING, self._broke_by)
            try:
                state, why, stood = self._connected()
            except Exception as error:  # what nobody has thought of must not end it in silence
                trace = "".join(traceback.format_exception(error))
                logging.getLogger(__name__).error("connection failed: %s", redacted(trace))
                state, why, stood = FeedState.DISCONNECTED, f"failed unexpectedly ({type(error).__name__}: {error})", 0.0
            if self._over.is_set():
                break
            self._broke_by = why
            self._say(state, why)
            slow = state in {FeedState.NO_TOKEN, FeedState.REFUSED}
            self._over.wait(self._backoff.wait(stood, _SLOW_S if slow else 0.0))
        self._say(FeedState.CLOSED, "")

    def _connected(self) -> tuple[FeedState, str, float]:
        """Connect and read; return how it ended, why, and for how many seconds it stood."""
        from websocket import WebSocketBadStatusException, WebSocketException

        client: UpstoxClient | None = None
        try:
            client = self._client()
            wire = self._wire(client)
            wire.connect()
        except AuctionError as error:
            return FeedState.NO_TOKEN, str(error), 0.0
        except WebSocketBadStatusException as error:
            return _state_of(error.status_code), f"handshake refused with {error.status_code}", 0.0
        except Exception as error:
            # The SDK's refusal is no class that could be named before a client is there.
            if client is not None and isinstance(error, client.refusal):
                status = getattr(error, "status", 0)
                return _state_of(status), refusal_of(error), 0.0
            known: tuple[Any, ...] = (WebSocketException, OSError, ValueError, *(client.transport if client is not None else ()))
            if isinstance(error, known):
                return FeedState.DISCONNECTED, f"cannot connect ({_cause(error)})", 0.0
            raise
        since = self._last = time.monotonic()
        self._connects += 1
        self._say(FeedState.LIVE, "")

        def goes_on() -> bool:
            self._turn(wire)
            return not self._over.is_set() and not self._is_mute

        why = wire.read(lambda payload: self._take(payload, wire), goes_on, self._patience.ping, self._patience.dead)
        self._breaks += 1
        if why == "closed" and self._is_mute:
            why = f"no frame for {time.monotonic() - self._last:.0f} s of an open market"
        return FeedState.DISCONNECTED, why, time.monotonic() - since

    def _take(self, payload: bytes | str, wire: Wire) -> None:
        now = self._clock()
        if self._broke_by:
            if self._last_at:
                self._on_gap(self._last_at, now, self._broke_by)
            self._broke_by = ""
        if isinstance(payload, str):
            self._texts += 1
        else:
            self._frames += 1
        self._bytes += len(payload)
        self._last = time.monotonic()
        self._last_at = now
        self._on_frame(payload, wire.acknowledge)

    @property
    def _is_mute(self) -> bool:
        return time.monotonic() - self._last >= self._patience.mute and self._expects()

    def _say(self, state: FeedState, why: str) -> None:
        self.state = state
        self._on_state(state, why)


class MarketFeed(Connection):
    """The market feed: frames of what was subscribed to, whatever the connection does meanwhile."""

    def __init__(self, client: Callable[[], UpstoxClient], **named: Any) -> None:
        super().__init__(client, "market feed", **named)
        self._wanted: dict[str, str] = {}
        self._changing = threading.Lock()

    def subscribe(self, keys: Iterable[str], mode: str = FULL) -> None:
        """Ask for instruments, or for those asked for in another mode; any thread may, whether or not it is connected.

        Raises
        ------
        BadInput
            There is no such mode, or one connection may not have so many.
        """
        with self._changing:
            self._wanted = joined(self._wanted, keys, mode)

    def unsubscribe(self, keys: Iterable[str]) -> None:
        """Ask for instruments no more."""
        gone = set(keys)
        with self._changing:
            self._wanted = {key: mode for key, mode in self._wanted.items() if key not in gone}

    @property
    def subscribed(self) -> frozenset[str]:
        """The instruments asked for."""
        return frozenset(self._wanted)

    def _wire(self, client: UpstoxClient) -> Wire:
        self._applied: dict[str, str] = {}  # to this connection
        return market_wire(client)

    def _turn(self, wire: Wire) -> None:
        wanted = self._wanted
        if wanted is self._applied:
            return
        feed: MarketWire = wire  # type: ignore[assignment] # as `_wire` has made it
        for step in list(steps(wanted, feed.subscriptions)):
            if step.method == "unsub":
                feed.unsubscribe(step.keys)
            elif step.method == "sub":
                feed.subscribe(step.keys, step.mode)
            else:
                feed.change_mode(step.keys, step.mode)
        self._applied = wanted


class PortfolioFeed(Connection):
    """The account's updates, as text."""

    def __init__(self, client: Callable[[], UpstoxClient], **named: Any) -> None:
        super().__init__(client, "portfolio feed", **named)

    def _wire(self, client: UpstoxClient) -> Wire:
        return portfolio_wire(client)


def _state_of(status: int) -> FeedState:
    return {_UNAUTHORISED: FeedState.NO_TOKEN, _FORBIDDEN: FeedState.REFUSED}.get(status, FeedState.DISCONNECTED)


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return (
        type(reason).__name__
        if isinstance(reason, Exception)
        else str(error)
        if isinstance(error, ValueError)
        else type(error).__name__
    )
