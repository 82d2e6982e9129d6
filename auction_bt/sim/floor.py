"""Where a day meets the exchange: what its frames say was traded."""

from __future__ import annotations

from collections.abc import Iterable
from math import isnan
from typing import Any

from auction_bt.core.bar import Bar, Source
from auction_bt.core.tick import Tick
from auction_bt.router import LiveMarketRouter
from auction_bt.store import Event, Gap

from .broker import Broker
from .history import Candle


class Floor:
    """Lets the orders at the exchange meet the trades that frames tell of, and its minutes be those that it reports itself.

    Parameters
    ----------
    broker : Broker
    keys : iterable of str
        Instruments of the day.
    """

    def __init__(self, broker: Broker, keys: Iterable[str]) -> None:
        self._broker = broker
        self._router = LiveMarketRouter(self, symbols=frozenset(keys))

    def show(self, message: dict[str, Any], at: int) -> None:
        """Take a frame, received at `at` (ns)."""
        self._router.on_message(message, at)

    def on_tick(self, tick: Tick) -> None:
        """See `MarketSink`."""
        bid, ask = (0.0 if isnan(price) else price for price in (tick.bid, tick.ask))
        self._broker.tick(tick.symbol, tick.ts, tick.price, tick.size, bid, ask, traded=True)

    def on_bar(self, bar: Bar) -> None:
        """See `MarketSink`."""
        if bar.source is Source.I1:  # the exchange's own word on a minute: its extremes lie between the frames
            candle = Candle(bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume)
            self._broker.complete(bar.symbol, candle)

    def on_event(self, event: Event) -> None:
        """See `MarketSink`; frames have none."""

    def on_gap(self, gap: Gap) -> None:
        """See `MarketSink`; the exchange has missed nothing."""
