"""Value of the account over time, and how long it was in the market."""

from __future__ import annotations

from typing import Any

import backtrader as bt

from auction_bt.core.stamps import known_at


class Equity(bt.Analyzer):  # type: ignore[misc]  # backtrader has no types
    """Record the account's value at the close of each bar on which it changed.

    Notes
    -----
    Open trades are marked at the close of the bar, at the time the bar became known. While flat nothing is asked of the
    broker. The account is the broker's: with several strategies on one account each point is the value of all of them
    together, and `core.summary.merge_equity` makes one curve of their points.
    """

    def create_analysis(self) -> None:
        """Begin with no points; called by backtrader before the first bar."""
        self._points: list[tuple[int, float]] = []
        self._active = False
        self._traded = False
        self._held_bars = 0
        self._bars = 0
        self._last = self._top = self._begin = 0.0
        self._fall = self._share = 0.0

    def start(self) -> None:
        """Take the value before the first bar: the first peak."""
        self._feeds = set(self.strategy.datas)
        self._last = self._top = self._begin = float(self.strategy.broker.getvalue())

    def notify_order(self, order: Any) -> None:
        """Remember that something was executed, even if the position is flat again by the end of the bar."""
        if order.executed.size:
            self._traded = True
            self._feeds.add(order.data)  # which may be none of the strategy's own

    def next(self) -> None:
        """Record the value while something is held, and once more when it is not."""
        self._bars += 1
        held = any(self.strategy.getposition(data).size for data in self._feeds)
        self._held_bars += held
        if held or self._active or self._traded:
            self._record()
        self._active, self._traded = held, False

    def stop(self) -> None:
        """Record what came after the last bar."""
        if (self._active or self._traded) and len(self.strategy.data):
            self._record()

    def get_analysis(self) -> dict[str, Any]:
        """Return the curve and its figures.

        Returns
        -------
        dict
            ``start`` and ``end`` (rupees), ``points`` (list of (ns, rupees)), ``max_drawdown`` (rupees),
            ``max_drawdown_share`` (of the peak before it), ``bars``, ``bars_in_market``, ``time_in_market`` (share of bars,
            None without bars).
        """
        return {
            "start": self._begin,
            "end": self._last,
            "points": list(self._points),
            "max_drawdown": self._fall,
            "max_drawdown_share": self._share,
            "bars": self._bars,
            "bars_in_market": self._held_bars,
            "time_in_market": self._held_bars / self._bars if self._bars else None,
        }

    def _record(self) -> None:
        value = float(self.strategy.broker.getvalue())
        if value == self._last:
            return
        self._last = value
        ts = known_at(self.strategy.data)
        if self._points and self._points[-1][0] == ts:
            self._points[-1] = (ts, value)
        else:
            self._points.append((ts, value))
        self._top = max(self._top, value)
        if self._top - value > self._fall:
            self._fall = self._top - value
            self._share = self._fall / self._top if self._top > 0 else 0.0
