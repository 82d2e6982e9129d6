"""What an order gets where only a bar is known: backtrader's rules, with slippage on market and stop orders only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import backtrader as bt

from auction_bt.brokers.book import STOPS
from auction_bt.core.fills import HAIR, FillModel, FillPrice


@dataclass(frozen=True, slots=True)
class BarPrices:
    """One bar and its price step, in rupees."""

    open: float
    high: float
    low: float
    close: float
    tick: float


def price_in_bar(order: Any, bar: BarPrices, model: FillModel, *, resting: bool) -> tuple[float, bool] | None:
    """Return the price at which `bar` fills `order` and whether at its open; None where it does not.

    Parameters
    ----------
    order : backtrader order
        A stop-limit is marked as triggered on the way.
    resting : bool
        It lay in the book before this bar: a limit then fills at its own price.
    """
    buy, kind = bool(order.isbuy()), order.exectype
    if kind == bt.Order.Market:
        return model.slipped(bar.open, buy=buy, tick=bar.tick), True
    if kind in STOPS and not order.triggered:
        stop = order.created.price
        if not (bar.high >= stop - HAIR if buy else bar.low <= stop + HAIR):
            return None
        gap = bar.open >= stop - HAIR if buy else bar.open <= stop + HAIR
        if kind in (bt.Order.Stop, bt.Order.StopTrail):
            return model.slipped(bar.open if gap else stop, buy=buy, tick=bar.tick), gap
        order.triggered = True
        limit = order.created.pricelimit
        if gap:
            return _limit(buy, limit, bar, improves=True)
        if limit >= stop if buy else limit <= stop:
            return stop, False
        falls_back = bar.close <= limit if buy else bar.close >= limit
        return (limit, False) if falls_back else None
    limit = order.created.price if kind == bt.Order.Limit else order.created.pricelimit
    return _limit(buy, limit, bar, improves=not resting or model.price is FillPrice.TRADE)


def _limit(buy: bool, limit: float, bar: BarPrices, *, improves: bool) -> tuple[float, bool] | None:
    if (bar.open <= limit + HAIR) if buy else (bar.open >= limit - HAIR):
        return (bar.open if improves else limit), True
    if (bar.low <= limit + HAIR) if buy else (bar.high >= limit - HAIR):
        return limit, False
    return None
