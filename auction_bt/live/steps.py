"""Steps the engine by messages where orders are filled elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from auction_bt.core.bar import Bar
from auction_bt.core.tick import Tick
from auction_bt.engine import AuctionCerebro, MessageSteps
from auction_bt.feeds.stored import Recorded
from auction_bt.store import Event


class LiveSteps(MessageSteps):
    """`MessageSteps` with a warm-up, and for a broker that is told of ticks, time and messages (`UpstoxBroker`).

    Parameters
    ----------
    cerebro : AuctionCerebro
    strategies : list of strategies

    Attributes
    ----------
    clock : callable (symbol) returning int, ns
        The message clock of a symbol; the router's, once there is one.

    Notes
    -----
    The order within a message is `MessageSteps`'; at its end what is due by the clock is done (`finish`).
    """

    def __init__(self, cerebro: AuctionCerebro, strategies: list[Any]) -> None:
        super().__init__(cerebro, strategies)
        self.clock: Callable[[str], int] = lambda _: 0
        self._is_elsewhere = hasattr(self._broker, "on_message")
        self.last: dict[str, Tick] = {}  # of each symbol
        self.is_warming = False

    def warm_up(self, recorded: Recorded) -> None:
        """Let a strategy see the bars of days that are over."""
        data, strategy = self._feeds[recorded.instrument.symbol]
        for b in range(len(recorded.bars)):
            data.preset(recorded, b)
            self._decide(data, strategy)

    def on_tick(self, tick: Tick) -> None:
        """See `MessageSteps`."""
        self.last[tick.symbol] = tick
        if not self._is_elsewhere:
            super().on_tick(tick)
            return
        found = self._feeds.get(tick.symbol)
        if found is not None and found[0].add_tick(tick):
            self._broker.at(tick.seq, self.clock(tick.symbol))
            self._broker.on_tick(found[0], tick.price)
            self._cerebro.deliver()

    def on_bar(self, bar: Bar) -> None:
        """See `MessageSteps`."""
        if self._is_elsewhere:
            self._broker.at(bar.known_seq, self.clock(bar.symbol))
        super().on_bar(bar)

    def on_event(self, event: Event) -> None:
        """Take a message of our own kinds: the broker's answers and updates."""
        if not self._is_elsewhere or event.kind not in {"order", "funds"}:
            return
        self._broker.at(event.seq, self.clock(event.symbol))
        if event.kind == "order":
            self._broker.on_message(event.payload)
        else:
            self._broker.on_funds(event.payload)
        self._cerebro.deliver()

    def leave_all(self, seq: int, reason: str, only: str = "") -> None:
        """Leave every open trade at market, or `only` that of a symbol, and take back entries that are not filled."""
        for symbol, (data, _) in self._feeds.items():
            if only and symbol != only:
                continue
            if self._is_elsewhere:
                self._broker.at(seq, self.clock(symbol))
            self._broker.leave(data, reason, seq)
            for order in list(self._broker.get_orders_open()):
                if order.data is data:
                    self._broker.cancel(order)
        self._cerebro.deliver()

    def finish(self, seq: int) -> None:
        """Do what is due by the clock, at the end of a message."""
        if not self._is_elsewhere:
            return
        self._broker.on_clock(seq, self.clock)
        self._cerebro.deliver()
