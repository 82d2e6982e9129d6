"""`record --feed upstox`: every message of the broker's feed, and nothing decided on any."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import ExitStack
from decimal import Decimal
from typing import Any, Final

from auction_bt.brokers.charges import NoCharges
from auction_bt.core.errors import BadInput, Fatal, NothingToDo
from auction_bt.core.ist import clock_text, day_index, day_start, to_date
from auction_bt.core.leg import Leg
from auction_bt.live.alerts import Alerts
from auction_bt.live.assembly import LiveRun
from auction_bt.live.engine import LATEST_NS, LivePlan, Orders
from auction_bt.live.looks import Looks
from auction_bt.live.market_clock import WorldClock
from auction_bt.live.recording import OwnRecording, Place
from auction_bt.live.recording_server import RecordingServer
from auction_bt.live.source import Source
from auction_bt.market.sessions import session_of
from auction_bt.preflight.market import closed, over
from auction_bt.redaction import redacted
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK
from auction_bt.wording import plural

from .alerting import sender_of, told_token
from .arguments import check_address, check_state, loaded_book
from .live import derive_day, legs_today, reaches_of, watchlists_of
from .stopping import stopping
from .tokens import token_of

_LOOK_S: Final = 0.2


class Drain:
    """Takes messages, which are on their way to the disk by then, and does nothing with them; stands where an engine would."""

    def __init__(self, plan: LivePlan, source: Source, _warm: object, *, look: Callable[[], float], **_: Any) -> None:
        self.plan = plan
        self.seq = 0
        self._source = source
        self._looks = Looks(look)
        self._is_stopping = False

    def run(self) -> None:
        """Run until it is stopped."""
        while not self._is_stopping:
            received = self._source.next(self._looks.wait())
            if received is not None:
                self.seq = received.seq
            elif self._source.is_over:
                break

    def stop(self) -> None:
        """Take no more messages."""
        self._is_stopping = True


def record_feed(args: argparse.Namespace, clock: Any = None) -> int:
    """Record until the session has ended, or a signal comes.

    Parameters
    ----------
    args : argparse.Namespace
    clock : Clock, optional
        The market's; by default the world's.
    """
    check_state(args.state)
    check_address(args.base_url)
    clock = clock or WorldClock()
    day = int(day_index(clock()))
    if not args.symbol:
        raise BadInput("no symbol to record: give --symbol NIFTY-FUT, or several, or names under [symbols] of --config")
    told_token(args, clock)
    with ExitStack() as stack:
        book, reaches = loaded_book(args.state, stack), reaches_of(args)
        legs = legs_today(args, book, day)
        ends = [session.bounds(day)[1] for leg in legs if not (session := session_of(leg.instrument, day)).is_closed]
        if not ends:
            raise NothingToDo(closed(day) or f"the exchange is closed on {to_date(day)}: `calendar` tells when it next opens")
        if clock() > max(ends) + LATEST_NS:
            say(f"{over(day, max(ends))}; what is left of the day is recorded")
        plan, lists = _plan(legs, day), watchlists_of(book, legs, reaches, day)
        stack.enter_context(FolderLock.take(args.state, LOCK, "recorder"))
        place = Place(args.store, args.state, args.base_url, lambda: token_of(args, clock()).text, clock)
        with Alerts(args.state, sender_of(args), clock, print) as alerts:
            recording = OwnRecording(place, day, plan.instruments, (alarm := Alarm(alerts)), watchlists=lists)
            watch = _Watch(args, recording)
            live = LiveRun(place, plan, legs, recording, on_news=lambda _: None, on_alarm=alarm, look=watch.look, make=Drain,
                           decides=False)  # fmt: skip
            beside = "".join(f", and options within {plural(each.reach, 'strike')} of the money" for each in lists[:1])
            say(f"recording {plural(len(legs), 'symbol')}{beside} to {args.store} until {clock_text(max(ends))[:5]}")
            with stopping(watch.stop), live.begun() as begun, RecordingServer(recording, say):
                begun.run()
        if not args.no_derive:
            derive_day(place, live)
        return watch.end(clock())


def _plan(legs: tuple[Leg, ...], day: int) -> LivePlan:
    return LivePlan(tuple(leg.instrument for leg in legs), {}, Decimal(1), NoCharges(), day_start(day), Orders.NONE)


def say(text: str) -> None:
    """Print a line; any thread may."""
    print(text, flush=True)


class Alarm:
    """Says what somebody must know now, on the terminal and beside it."""

    def __init__(self, alerts: Alerts) -> None:
        self._alerts = alerts

    def __call__(self, text: str) -> None:
        """Say it; any thread may."""
        say(f"ALARM {redacted(text)}")
        self._alerts(text)


class _Watch:
    """Says how the recording stands, and when it is over."""

    def __init__(self, args: argparse.Namespace, recording: OwnRecording) -> None:
        self._every = float(args.every)
        self._recording = recording
        self._due = time.monotonic() + self._every
        self.is_stopped = False  # by a signal

    def stop(self) -> bool:
        self.is_stopped = True
        return True

    def look(self, live: LiveRun) -> float:
        if self.is_stopped or (live.place.clock() > self._recording.ends + LATEST_NS and live.is_quiet):
            live.session.engine.stop()
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every
            say(self._line(live.place.clock()))
        return _LOOK_S

    def _line(self, now: int) -> str:
        recording = self._recording
        standing, flow, store = recording.standing, recording.source.flow, recording.forwarder.state
        lost = flow.dropped + flow.unread + standing.lost
        kept = "store OK" if store.is_up is not False else f"store down ({store.reason}), kept in the spool"
        return (f"{clock_text(now)} feed {standing.feed.value if standing.feed is not None else 'connecting'} | "
                f"{plural(len(recording.symbols), 'symbol')}, {standing.recorded:,} messages recorded, lost {lost} | "
                f"{kept}")  # fmt: skip

    def end(self, now: int) -> int:
        say(self._line(now))
        recording = self._recording
        if not recording.was_sent:
            say("the store has not taken everything: the rest waits in the spool, and goes first at the next start")
        if recording.recorder.error is not None:
            raise Fatal(str(recording.recorder.error))
        return 0
