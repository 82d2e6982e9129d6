"""Plays a day: the exchange meets each of its ticks first, its updates go out, then the feed's frame."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event as Flag
from threading import Thread
from typing import Final

from auction_bt.core.ist import SECOND_NS

from .broker import Broker
from .day import Day, Shown
from .day_clock import DayClock
from .feed_server import FeedServer
from .floor import Floor

_LONGEST_WAIT_S: Final = 0.2  # of the world, between two looks at what is due at the exchange


class Player:
    """Plays a day on a thread of its own.

    Parameters
    ----------
    day : Day
    broker : Broker
    server : FeedServer
    clock : DayClock
    lockstep : bool
        The next frame goes out when every connection has taken the last, and all that came of it.
    since : int, ns
        Frames before it are played at once, before anybody is waited for; 0: none.

    Attributes
    ----------
    played : int
        Frames so far.
    is_over : bool
        The day was played to its end.
    error : Exception or None
        What ended it before.
    """

    def __init__(
        self, day: Day, broker: Broker, server: FeedServer, clock: DayClock, *, lockstep: bool = False, since: int = 0
    ) -> None:
        self._day = day
        self._broker = broker
        self._server = server
        self._clock = clock
        self._lockstep = lockstep
        self._since = since
        self._stop = Flag()
        self._has_past = Flag()
        self._floor = Floor(broker, day.keys)
        self._thread = Thread(target=self._run, name="sim player", daemon=True)
        self._woken = 0
        self.played = 0
        self.is_over = False
        self.error: Exception | None = None
        broker.outbox.listeners.append(server.tell)

    def start(self) -> None:
        """Begin; frames wait for the first that subscribes, in lockstep for one on each socket."""
        self._thread.start()

    def wait_past(self) -> None:
        """Wait until what is before the first frame that is waited for was played."""
        self._has_past.wait()

    def stop(self) -> None:
        """End, wherever it is."""
        self._stop.set()
        self._thread.join()

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; return whether it has come."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    # ---------------------------------------------------------------- its own thread
    def _run(self) -> None:
        try:
            self._play()
            self.is_over = not self._stop.is_set()
        except Exception as error:  # told by whoever looks
            self.error = error
        finally:
            self._has_past.set()

    def _play(self) -> None:
        is_waiting = True
        for shown in self._day.frames():
            if is_waiting and shown.at >= self._since:
                is_waiting = False
                self._clock.reach(self._since)
                self._has_past.set()
                self._await(self._is_attended)
                self._clock.start()
            if not is_waiting:
                self._await_time(shown.at)
            if self._stop.is_set():
                return
            self._show(shown, is_in_step=not is_waiting)
        self._settle()
        self._close_the_day()

    def _show(self, shown: Shown, *, is_in_step: bool) -> None:
        self._clock.reach(shown.at)
        self._wake()
        self._floor.show(shown.message, shown.at)
        if is_in_step:
            self._settle()
        self._server.show(shown.message)
        self.played += 1
        if is_in_step:
            self._settle()

    def _close_the_day(self) -> None:
        # What the broker does by the clock after the last frame: square-off, expiry of orders.
        end = max((contract.hours.end for contract in self._day.contracts), default=0)
        while (now := self._clock()) < end and not self._stop.is_set():
            if self._clock.wait(now + SECOND_NS):
                self._stop.wait(_LONGEST_WAIT_S)
            else:
                self._clock.reach(min(end, now + 60 * SECOND_NS))
            self._wake()
            self._settle()

    def _wake(self) -> None:
        now = self._clock()
        if now - self._woken >= SECOND_NS:
            self._woken = now
            self._broker.wake()

    def _is_attended(self) -> bool:
        server = self._server
        if self._lockstep:
            return bool(server.keys) and server.count("portfolio") > 0
        return bool(server.keys)

    def _await_time(self, at: int) -> None:
        while (left := self._clock.wait(at)) > 0 and not self._stop.wait(min(left, _LONGEST_WAIT_S)):
            self._wake()

    def _settle(self) -> None:
        if self._lockstep:
            self._await(lambda: self._broker.outbox.is_idle and self._server.is_settled)

    def _await(self, until: Callable[[], bool]) -> None:
        self._server.wait(until, self._stop.is_set)
