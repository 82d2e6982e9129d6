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
from auction_bt.live.assembly import LiveRun, Place
from auction_bt.live.engine import LATEST_NS, LivePlan, Orders
from auction_bt.live.market_clock import WorldClock
from auction_bt.live.source import Source
from auction_bt.market.sessions import session_of
from auction_bt.preflight.market import closed
from auction_bt.redaction import redacted
from auction_bt.store.folder_lock import FolderLock
from auction_bt.store.spool import LOCK
from auction_bt.wording import plural

from .alerting import sender_of, told_token
from .arguments import check_address, check_state, loaded_book
from .live import derive_day, legs_today
from .stopping import stopping
from .tokens import token_of

_LOOK_S: Final = 0.2


class Drain:
    """Takes messages, which are on their way to the disk by then, and does nothing with them; stands where an engine would."""

    def __init__(self, plan: LivePlan, source: Source, _warm: object, *, look: Callable[[], float], **_: Any) -> None:
        self.plan = plan
        self.seq = 0
        self._source = source
        self._look = look
        self._is_stopping = False

    def run(self) -> None:
        """Run until it is stopped."""
        while not self._is_stopping:
            received = self._source.next(self._look())
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
        stack.enter_context(FolderLock.take(args.state, LOCK, "recorder"))
        legs = legs_today(args, loaded_book(args.state, stack), day)
        ends = [session.bounds(day)[1] for leg in legs if not (session := session_of(leg.instrument, day)).is_closed]
        if not ends:
            raise NothingToDo(closed(day) or f"the exchange is closed on {to_date(day)}: `calendar` tells when it next opens")
        place = Place(args.store, args.state, args.base_url, lambda: token_of(args, clock()).text, clock)
        watch = _Watch(args, max(ends) + LATEST_NS)
        live = LiveRun(place, _plan(legs, day), legs, on_news=lambda _: None, on_alarm=watch.alarm, look=watch.look, make=Drain,
                       decides=False)  # fmt: skip
        print(f"recording {plural(len(legs), 'symbol')} to {args.store} until {clock_text(max(ends))[:5]}", flush=True)
        with Alerts(args.state, sender_of(args), clock, print) as alerts, stopping(watch.stop):
            watch.tell = alerts
            live.run()
        if not args.no_derive:
            derive_day(place, live)
        return watch.end(live)


def _plan(legs: tuple[Leg, ...], day: int) -> LivePlan:
    return LivePlan(tuple(leg.instrument for leg in legs), {}, Decimal(1), NoCharges(), day_start(day), Orders.NONE)


class _Watch:
    """Says how the recording stands, and when it is over."""

    def __init__(self, args: argparse.Namespace, until: int) -> None:
        self._every = float(args.every)
        self._until = until
        self._due = time.monotonic() + self._every
        self.is_stopped = False  # by a signal
        self.alarms = 0
        self.tell: Callable[[str], None] = lambda _: None

    def alarm(self, text: str) -> None:
        self.alarms += 1
        print(f"ALARM {redacted(text)}", flush=True)
        self.tell(text)

    def stop(self) -> bool:
        self.is_stopped = True
        return True

    def look(self, live: LiveRun) -> float:
        if self.is_stopped or (live.place.clock() > self._until and live.is_quiet):
            live.session.engine.stop()
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + self._every
            print(self._line(live), flush=True)
        return _LOOK_S

    @staticmethod
    def _line(live: LiveRun) -> str:
        state, _ = live.state_of_feed
        flow = live.source.flow
        lost = flow.dropped + flow.unread + live.recorder.lost
        store = (
            "store OK"
            if live.forwarder.state.is_up is not False
            else f"store down ({live.forwarder.state.reason}), kept in the spool"
        )
        return (f"{clock_text(live.place.clock())} feed {state.value if state is not None else 'connecting'} | "
                f"{live.recorder.recorded:,} messages recorded, lost {lost} | {store}")  # fmt: skip

    def end(self, live: LiveRun) -> int:
        print(self._line(live))
        if not live.was_sent:
            print("the store has not taken everything: the rest waits in the spool, and goes first at the next start")
        if live.recorder.error is not None:
            raise Fatal(str(live.recorder.error))
        return 0
