"""A live feed of one symbol for anybody's Cerebro; `UpstoxStore.getdata` makes it."""

from __future__ import annotations

from collections import deque
from typing import Any

from auction_bt.core.bar import Bar
from auction_bt.feeds.stored import Recorded
from auction_bt.feeds.streamed import StreamedData


class UpstoxData(StreamedData):
    """One-minute bars as they become known: first those of earlier days and of this morning (DELAYED), then LIVE.

    Params
    ------
    instrument : Instrument
    store : UpstoxStore
    qcheck : float, s
        The longest wait for a message; all feeds of a store wait for the same one, not one after the other.

    Notes
    -----
    Notifications are backtrader's: CONNECTED, DELAYED, LIVE, DISCONNECTED. Minutes missed at a late start or in a break come from
    the broker's candles, without gap or overlap.
    """

    params: Any = (("store", None), ("qcheck", 0.5))

    def __init__(self) -> None:
        super().__init__()
        self._store = self.p.store
        self._waiting: deque[Bar] = deque()

    def setenvironment(self, env: Any) -> None:
        """Bring the store along."""
        super().setenvironment(env)
        env.addstore(self._store)

    def start(self) -> None:
        """Begin with what is over."""
        super().start()
        self.put_notification(self.DELAYED)

    def islive(self) -> bool:
        """It is: Cerebro neither preloads it nor runs it at once."""
        return True

    def haslivedata(self) -> bool:
        """Whether a bar waits to be asked for."""
        return self.has_bar

    @property
    def has_bar(self) -> bool:
        """Whether a bar waits to be asked for."""
        return bool(self._waiting)

    def add_bar(self, bar: Bar) -> bool:
        """Take a bar that has become known; return whether it lies inside the session."""
        is_inside = super().add_bar(bar)
        self._queue()
        return is_inside

    def preset(self, recorded: Recorded, b: int) -> None:
        """Take a bar of days that are over."""
        super().preset(recorded, b)
        self._queue()

    def _queue(self) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            self._waiting.append(bar)

    def next(self, *args: Any, **named: Any) -> Any:
        """Take messages until there is a bar; see `backtrader.feed.AbstractDataBase.next`."""
        if not self._waiting:
            # Not in `_load`: there the line has moved on, and what is filled would be booked at a bar that is none.
            self._store.take(self._qcheck)
        return super().next(*args, **named)

    def _load(self) -> Any:
        if not self._waiting:
            return False if self._store.is_over else None
        self._show(self._waiting.popleft())
        return True
