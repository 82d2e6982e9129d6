"""Lets any stock Cerebro take messages as they come: it asks its feeds, and whoever is asked first takes the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from auction_bt.core.bar import Bar
from auction_bt.core.live_order import Action
from auction_bt.core.tick import Tick
from auction_bt.feeds.stored import Recorded
from auction_bt.router import LiveMarketRouter
from auction_bt.store import Event, Gap

from .engine import LivePlan
from .source import Source


class CerebroPump:
    """What `LiveAuctionEngine` is to our own Cerebro.

    Parameters
    ----------
    plan : LivePlan
    source : Source
    warm : iterable of Recorded
    send : callable (Action)
    alarm : callable (str)
    look : callable returning float
        Called between messages.
    heard : callable (int, str)
        Takes the `seq` and the text of each ``order`` message.
    feeds : dict of str to UpstoxData
        By symbol.
    broker : UpstoxBroker or TickBroker

    Attributes
    ----------
    seq : int, ns
        Of the message in hand.
    is_over : bool
        Whether there will be no more.

    Notes
    -----
    The order within a message is `MessageSteps`': its tick meets the orders, then its bars are given to whoever asks. What fills
    is told before the next message is taken.
    """

    def __init__(
        self, plan: LivePlan, source: Source, warm: Iterable[Recorded], *, send: Callable[[Action], None],
        alarm: Callable[[str], None], look: Callable[[], float], heard: Callable[[int, str], None], feeds: dict[str, Any],
        broker: Any, tell: Callable[..., None] | None = None,  # noqa: ARG002 - strategies of any kind tell no news
    ) -> None:  # fmt: skip
        self.plan = plan
        self.broker = broker
        self.seq = 0
        self.is_over = False
        self._source = source
        self._feeds = feeds
        self._alarm = alarm
        self._look = look
        self._heard = heard
        self._is_elsewhere = plan.is_elsewhere
        if self._is_elsewhere:
            broker.p.send = broker._send = send
        self._router = LiveMarketRouter(self, symbols=set(feeds))
        for recorded in warm:
            for b in range(len(recorded.bars)):
                feeds[recorded.instrument.symbol].preset(recorded, b)

    def take(self, timeout: float) -> None:
        """Take messages until a bar is ready, something was filled, or `timeout` seconds have passed without one."""
        while not self.is_over:
            wait = min(self._look(), timeout)
            received = self._source.next(wait)
            if received is None:
                self.is_over = self._source.is_over
                return
            self.seq = received.seq
            self._router.on_message(received.message, received.seq)
            self._finish()
            if any(feed.has_bar for feed in self._feeds.values()) or self.broker.notifs:
                return

    def stop(self) -> None:
        """Take no more messages."""
        self.is_over = True

    # ---------------------------------------------------------------- the router's sink
    def on_gap(self, gap: Gap) -> None:
        """See `MarketSink`."""
        if gap.symbol in self._feeds:
            self._feeds[gap.symbol].add_gap(gap)

    def on_tick(self, tick: Tick) -> None:
        """See `MarketSink`."""
        data = self._feeds.get(tick.symbol)
        if data is None or not data.add_tick(tick):
            return
        broker = self.broker
        if self._is_elsewhere:
            broker.at(tick.seq, self._router.clock(tick.symbol))
            broker.on_tick(data, tick.price)
            return
        end = len(data.market)
        while broker.is_waiting(data) and (index := broker.next_fill(data, end)) < end:
            broker.fill_at(data, index)
        broker.pass_to(data, end)

    def on_bar(self, bar: Bar) -> None:
        """See `MarketSink`."""
        data = self._feeds.get(bar.symbol)
        if data is not None and data.add_bar(bar) and self._is_elsewhere:
            self.broker.at(bar.known_seq, self._router.clock(bar.symbol))

    def on_event(self, event: Event) -> None:
        """See `MarketSink`."""
        if event.kind == "order":
            if self._is_elsewhere:
                self.broker.at(event.seq, self._router.clock(event.symbol))
                self.broker.on_message(event.payload)
            self._heard(event.seq, event.payload)
        elif event.kind == "funds" and self._is_elsewhere:
            self.broker.on_funds(event.payload)

    def _finish(self) -> None:
        if not self._is_elsewhere:
            return
        broker = self.broker
        broker.on_clock(self.seq, self._router.clock)
        for text in broker.alarms:
            self._alarm(text)
        broker.alarms.clear()
