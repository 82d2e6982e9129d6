"""Reads a running engine for the monitor; to be called on the engine's own thread."""

from __future__ import annotations

import time
from collections.abc import Mapping
from decimal import Decimal
from math import isnan, nan
from typing import Any

from auction_bt.core.ist import day_start
from auction_bt.core.keeper import Keeper
from auction_bt.core.order_set import Role
from auction_bt.core.quality import GRADES
from auction_bt.core.regime import Regime
from auction_bt.core.trade import Side
from auction_bt.market.sessions import session_of

from .engine import LiveAuctionEngine
from .monitor import HELD, MOVING, NAKED, DayView, TradeView
from .source import Flow


def day_view(
    engine: LiveAuctionEngine, flow: Flow, clock: int, *, recorder: str, lost: int = 0, feed: str = "",
    limit: Decimal = Decimal(0),
) -> DayView:  # fmt: skip
    """Return how the day stands.

    Parameters
    ----------
    engine : LiveAuctionEngine
    flow : Flow
    clock : int, ns
        Of the market.
    recorder, feed : str
        As `DayView` has them.
    lost : int
        Beside what `flow` has dropped.
    limit : Decimal, rupees
    """
    strategies = engine.strategies
    views, standing = [], Decimal(0)
    for strategy in strategies:
        trade = strategy.open_trade() if len(strategy) else None
        if trade is not None:
            view = _trade_view(engine, strategy, trade)
            standing += Decimal(str(round((view.now - trade.entry_price) * view.qty * trade.side.sign, 2)))
            views.append(view)
    keepers: Mapping[str, Any] = getattr(engine.broker, "keepers", {})
    resting = sum(not order.is_final for keeper in keepers.values() for order in keeper.orders.by_tag.values())
    return DayView(
        clock=clock, orders=engine.plan.orders.value, halted=engine.risk.halted, closed=engine.risk.realised, open=standing,
        limit=limit, trades=len(engine.trades), refused=engine.refused,
        feed_age=(time.monotonic_ns() - flow.at) / 1e9 if flow.at else nan, lost=flow.dropped + flow.unread + lost,
        quality=_grade(strategies), recorder=recorder, resting=resting, flat_by=_flat_by(engine), feed=feed, views=tuple(views),
    )  # fmt: skip


def _trade_view(engine: LiveAuctionEngine, strategy: Any, trade: Any) -> TradeView:
    data, instrument = strategy.data, strategy.instrument
    group = engine.broker.exits(data)
    last = engine.steps.last.get(instrument.symbol) if engine.steps is not None else None
    now = last.price if last is not None else float(data.close[0])
    held = sum(fill.qty if fill.opens else -fill.qty for fill in trade.fills if fill.reason != "open")
    at_risk = abs(trade.first_price - trade.stop)
    lines = strategy.profile.lines
    regime = lines.regime[0]
    return TradeView(
        name=instrument.name or instrument.symbol, side=Side(trade.side), qty=held, entry=trade.entry_price, now=now,
        stop=group.stop if group is not None else nan, stop_at=_stop_at(engine, instrument.symbol, held),
        targets=tuple(t.price for t in group.targets) if group is not None else (),
        r=(now - trade.entry_price) * trade.side.sign / at_risk if at_risk else nan,
        regime="no levels" if isnan(regime) else Regime(int(regime)).label,
        val=float(lines.val[0]), poc=float(lines.poc[0]), vah=float(lines.vah[0]), decimals=instrument.decimals,
    )  # fmt: skip


def _stop_at(engine: LiveAuctionEngine, symbol: str, held: int) -> str:
    if not engine.plan.is_elsewhere:
        return "on paper"
    keeper = engine.broker.keeper(symbol)
    return NAKED if keeper is None else _covered(keeper, held)


def _covered(keeper: Keeper, held: int) -> str:
    orders = keeper.orders
    if orders.covered + orders.executing >= held:
        return HELD
    # Between two words of the exchange: a stop that is being placed or changed, or was shrunk for an exit on its way.
    is_under_way = any(o.asked is not None and not o.is_lost for o in orders.by_tag.values() if not o.is_final)
    return MOVING if is_under_way or orders.left(Role.EXIT) else NAKED


def keepers_of(engine: LiveAuctionEngine) -> list[Keeper]:
    """Return who keeps trades at an exchange, by symbol; nobody on paper."""
    return [keeper for _, keeper in sorted(getattr(engine.broker, "keepers", {}).items())]


def stop_at(keeper: Keeper) -> str:
    """Return where the stop of a trade is, once nothing of it is under way; else that it moves."""
    return _covered(keeper, keeper.held) if keeper.held and keeper.orders.is_calm else MOVING


def _grade(strategies: list[Any]) -> str:
    last = [float(s.data.bar_quality[-1]) for s in strategies if len(s.data.bar_quality)]
    known = [quality for quality in last if not isnan(quality)]
    if not known:
        return ""
    return next((letter for floor, letter in GRADES if min(known) >= floor), "C")


def _flat_by(engine: LiveAuctionEngine) -> int:
    day = engine.plan.day
    known = [by for i in engine.plan.instruments if (by := session_of(i, day).flat_by) is not None]
    return day_start(day) + min(known) if known else 0
