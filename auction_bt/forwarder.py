"""The thread that keeps a store up with the spool, through every outage of the store."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .core.errors import AuctionError, Refused
from .core.ist import DAY_NS, SECOND_NS
from .courier import Courier
from .store import TickStore
from .store.spool import Spool

LEASE: Final = "recorder"
KEEP_NS: Final = DAY_NS

_POLL_S: Final = 0.25  # between two looks at the spool where nobody says that there is something
_SAVE_S: Final = 0.5
_REST_S: Final = 0.2  # after a batch of a few
_FEW: Final = 2_000
_WAY_S: Final = 1.0  # at most between two batches while others come first
_LOOK_S: Final = 0.01
_LEASE_NS: Final = 60 * SECOND_NS
_RENEW_S: Final = 20.0
_PRUNE_S: Final = 900.0
_FIRST_WAIT_S: Final = 0.1
_LONGEST_WAIT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class StoreState:
    """How the store stands.

    Parameters
    ----------
    is_up : bool or None
        None before the first attempt has ended.
    since : float, s
        Of the monotonic clock.
    reason : str
        Why it is down.
    error : AuctionError or None
        What brought it down.
    """

    is_up: bool | None
    since: float
    reason: str = ""
    error: AuctionError | None = None


class Forwarder:
    """Sends the spool's messages to a store.

    Parameters
    ----------
    state : Path
        Folder of the spool.
    opened : callable returning TickStore
        Opens the store, making it where there is none; called in this thread, again after each failure.
    holder : str
        Who records, for the lease: host and state folder.
    clock : callable returning int, ns
        Since 1970 UTC; of the lease.
    keep_ns : int
        How long messages stay in the spool after the store has taken them, by their stamps.
    gives_way : callable returning bool
        Asked before each batch: True where the recorder or the engine is behind, whose messages come first.
    jitter : callable returning float in [0, 1)
    """

    def __init__(
        self, state: Path, opened: Callable[[], TickStore], holder: str, clock: Callable[[], int], *, keep_ns: int = KEEP_NS,
        gives_way: Callable[[], bool] = lambda: False, jitter: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self._folder = state
        self._opened = opened
        self._holder = holder
        self._clock = clock
        self._keep_ns = keep_ns
        self._gives_way = gives_way
        self._jitter = jitter
        self._news = threading.Event()
        self._finishing = threading.Event()
        self._stopping = threading.Event()
        self._called = threading.Event()  # ends a wait between two attempts
        self._tried = threading.Event()
        self._state = StoreState(None, time.monotonic())
        self._counts = (0, 0, 0)
        self._before = (0, 0, 0)  # of connections that are over
        self._forwarded = -1
        self._last_raw = -1
        self._failures = 0
        self._is_done = False
        self._thread = threading.Thread(target=self._run, name="forwarder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Say that the spool has something new."""
        self._news.set()

    def wait_tried(self, timeout: float) -> StoreState:
        """Wait until the first attempt to reach the store has ended, well or not; return how it stands."""
        self._tried.wait(timeout)
        return self._state

    def finish(self, timeout: float) -> bool:
        """Send what waits and end; return whether all was sent. After `timeout` seconds it ends anyway."""
        self._finishing.set()
        self._failures = 0
        self._called.set()
        self._news.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self.stop()
        return self._is_done

    def stop(self) -> None:
        """End at the next message; what is not sent stays in the spool."""
        self._stopping.set()
        self._called.set()
        self._news.set()
        # A call into a store that does not answer cannot be ended from here; the thread dies with the process.
        self._thread.join(1.0)

    @property
    def state(self) -> StoreState:
        """How the store stands."""
        return self._state

    @property
    def last_raw(self) -> int:
        """The greatest stamp the store had when it was first reached; -1 before."""
        return self._last_raw

    @property
    def forwarded(self) -> int:
        """Everything up to this stamp is in the store."""
        return self._forwarded

    @property
    def sent(self) -> int:
        """Messages the store took for the first time, since the start."""
        return self._counts[0]

    @property
    def sent_again(self) -> int:
        """Messages the store had lost."""
        return self._counts[1]

    @property
    def buried(self) -> int:
        """Messages the store refuses."""
        return self._counts[2]

    # --- inside

    def _run(self) -> None:
        try:
            with Spool.open(self._folder, durable=False) as spool:
                self._forwarded = spool.watermark
                while not self._stopping.is_set():
                    if self._connection(spool):
                        return
        except AuctionError as error:  # of the spool: the recorder meets it too
            self._went(False, error)
        finally:
            self._tried.set()

    def _connection(self, spool: Spool) -> bool:
        """Open the store and send until it fails; return whether all is done."""
        store: TickStore | None = None
        is_done = False
        try:
            store = self._opened()
            self._claim(store)
            courier = Courier(spool, store)
            if self._last_raw < 0:
                self._last_raw = store.last_raw()
            try:
                courier.verify()
                is_done = self._serve(spool, store, courier)
            finally:
                if courier.sent or courier.buried:
                    self._failures = 0
                self._note(courier)
                self._before = self._counts
                courier.save()
        except Exception as error:  # a fault of a driver must not end the forwarding
            self._went(False, error)
        finally:
            if store is not None:
                self._leave(store)
        if not is_done and not self._stopping.is_set():
            self._wait()
        self._is_done = is_done
        return is_done

    def _serve(self, spool: Spool, store: TickStore, courier: Courier) -> bool:
        now = time.monotonic()
        save_at, renew_at, prune_at = now + _SAVE_S, now + _RENEW_S, now
        while not self._stopping.is_set():
            self._news.clear()
            is_finishing = self._finishing.is_set()  # asked before the last look: nothing may come between
            way_at = time.monotonic() + _WAY_S
            while self._gives_way() and time.monotonic() < way_at and not self._stopping.wait(_LOOK_S):
                pass
            moved = courier.step()
            self._went(True)  # not before it took something: one with a full disk can be opened and asked at any time
            self._note(courier)
            now = time.monotonic()
            if now >= renew_at:
                self._claim(store)
                renew_at = now + _RENEW_S
            if not moved or now >= save_at:
                courier.save()
                save_at = now + _SAVE_S
            if now >= prune_at and not is_finishing:
                courier.prune(spool.last - self._keep_ns)
                prune_at = now + _PRUNE_S
            if not moved:
                if is_finishing:
                    return True
                self._news.wait(_POLL_S)
            elif moved < _FEW and not is_finishing:  # a transaction of many costs little more than one of few
                self._called.wait(_REST_S)
        return False

    def _claim(self, store: TickStore) -> None:
        now = self._clock()
        holder = store.claim(LEASE, self._holder, now, now + _LEASE_NS)
        if holder != self._holder:
            raise Refused(
                f"another recorder ({holder}) writes to this store: stop it first (a killed one gives way after a minute)"
            )

    def _leave(self, store: TickStore) -> None:
        with suppress(Exception):  # the lease lapses by itself
            if self._stopping.is_set() or self._finishing.is_set():
                store.release(LEASE, self._holder)
        with suppress(Exception):
            store.close()

    def _note(self, courier: Courier) -> None:
        own = (courier.sent, courier.sent_again, courier.buried)
        before = self._before
        self._counts = (before[0] + own[0], before[1] + own[1], before[2] + own[2])
        self._forwarded = courier.watermark

    def _went(self, is_up: bool, error: Exception | None = None) -> None:
        if isinstance(error, AuctionError):
            known, reason = error, str(error)
        else:
            known, reason = None, f"unexpected {type(error).__name__}: {error}" if error else ""
        if is_up != self._state.is_up or reason != self._state.reason:
            since = self._state.since if is_up == self._state.is_up else time.monotonic()
            self._state = StoreState(is_up, since, " ".join(reason.split()), known)
        self._tried.set()

    def _wait(self) -> None:
        """Wait longer after each failure in a row, never equally long as another recorder, never longer than the ceiling."""
        ceiling = min(_FIRST_WAIT_S * 2 ** min(self._failures, 20), _LONGEST_WAIT_S)
        self._failures += 1
        self._called.wait(ceiling * (0.5 + self._jitter() / 2))
        self._called.clear()
