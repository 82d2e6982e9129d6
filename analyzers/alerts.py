"""Tells what happens at the levels while it happens, for whoever trades by hand."""

from __future__ import annotations

from math import isnan
from typing import Any

from auction_bt.analyzers.levels import LevelEvents
from auction_bt.core.news import AtLevel
from auction_bt.core.stamps import ends_at, known_at
from auction_bt.core.touches import Outcome


class LevelAlerts(LevelEvents):
    """Give each touch, what became of it, and each move of the POC to a listener.

    Params
    ------
    tell : callable taking a `core.news.AtLevel`
    rows : int, ticks
        A move of the POC by less is none.

    Notes
    -----
    See `LevelEvents`; bars that end at `begin` or before, and those before the strategy's `trade_from`, are not told.
    """

    params = (("tell", None), ("rows", 2))  # type: ignore[assignment]  # backtrader adds them to the base's

    def create_analysis(self) -> None:
        """Begin with nothing told; called by backtrader before the first bar."""
        super().create_analysis()
        self._told: dict[int, Outcome] = {}
        self._poc = float("nan")

    def next(self) -> None:
        """Tell what this bar brought."""
        super().next()
        data, symbol = self._profile.data, self.strategy.instrument.symbol
        seq, ts = known_at(data), ends_at(data)
        is_live = ts > max(self.p.begin, self.strategy.p.trade_from)
        for number, touch in enumerate(self._watch.touches):
            before = self._told.get(number)
            if before is touch.outcome:
                continue
            self._told[number] = touch.outcome
            price = touch.price * self._tick
            if is_live and before is None:
                self.p.tell(AtLevel(seq, ts, symbol, touch.level.value, "touched", price))
            if is_live and touch.outcome in {Outcome.ACCEPTED, Outcome.REJECTED}:
                self.p.tell(AtLevel(seq, ts, symbol, touch.level.value, touch.outcome.value, price))
        self._tell_move(seq, ts, symbol, is_live=is_live)

    def _tell_move(self, seq: int, ts: int, symbol: str, *, is_live: bool) -> None:
        poc = float(self._profile.lines.poc[0])
        if isnan(poc):
            return
        if isnan(self._poc) or abs(poc - self._poc) > (self.p.rows - 0.5) * self._tick:
            before, self._poc = self._poc, poc
            if is_live and not isnan(before):
                self.p.tell(AtLevel(seq, ts, symbol, "poc", "moved", poc, before))

    def get_analysis(self) -> dict[str, Any]:
        """See `LevelEvents`."""
        return super().get_analysis()
