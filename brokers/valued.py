"""Backtrader's broker with a value that is worked out when it is asked for."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

import backtrader as bt

_ALONE: Final = 2  # backtrader answers for a single feed in another way than for several


class ValuedBroker(bt.brokers.BackBroker):  # type: ignore[misc]  # backtrader has no types
    """`BackBroker` whose value does not wait for its `next`, and costs no more with many symbols that are flat."""

    def get_value(self, datas: Any = None, mkt: bool = False, lever: bool = False) -> Any:
        """Return cash plus open positions at their last close, in rupees."""
        if datas is not None:
            return self._get_value(datas=datas, lever=lever)
        open_ = [data for data, position in self.positions.items() if position.size]
        if not self._cash_addition and not open_:
            return 0.0 if mkt else self.cash
        flat = (data for data, position in self.positions.items() if not position.size)
        # What is flat is worth nothing: looked at one by one, hundreds of symbols cost more than their strategies.
        chosen = [*open_, *islice(flat, max(0, _ALONE - len(open_)))]
        self._get_value(datas=chosen if len(chosen) >= _ALONE else None)
        return super().get_value(mkt=mkt, lever=lever)

    getvalue = get_value
