"""Backtrader's broker with a value that is worked out when it is asked for."""

from __future__ import annotations

from typing import Any

import backtrader as bt


class ValuedBroker(bt.brokers.BackBroker):  # type: ignore[misc]  # backtrader has no types
    """`BackBroker` whose value does not wait for its `next`."""

    def get_value(self, datas: Any = None, mkt: bool = False, lever: bool = False) -> Any:
        """Return cash plus open positions at their last close, in rupees."""
        if datas is not None:
            return self._get_value(datas=datas, lever=lever)
        if not self._cash_addition and not any(p.size for p in self.positions.values()):
            return 0.0 if mkt else self.cash
        self._get_value()
        return super().get_value(mkt=mkt, lever=lever)

    getvalue = get_value
