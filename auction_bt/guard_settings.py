"""The guards as settings: which they are, what the design recommends, and from numbers to guards."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from .core.guards import (
    Cooldown,
    DailyLoss,
    Exposure,
    Guards,
    LossPause,
    MaxConcurrent,
    NoTradeList,
    OrderRate,
    PriceBand,
    SideBlock,
    StaleFeed,
)
from .core.ist import MINUTE_NS, SECOND_NS
from .core.no_trade import parse_no_trade

#: guard -> its settings, in the order in which the guards are asked (quality by the filters, after them; adds refuse nothing).
GUARD_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({
    "max concurrent": ("max_concurrent",),
    "no-trade list": ("no_trade",),
    "daily loss": ("daily_loss",),
    "stale feed": ("stale_feed_s",),
    "price band": ("price_band",),
    "cooldown": ("cooldown_min",),
    "losses in a row": ("pause_losses", "pause_bars"),
    "side block": ("side_block", "side_block_last", "side_block_min"),
    "exposure": ("exposure", "exposure_total"),
    "order rate": ("orders_second", "orders_minute", "orders_half_hour", "orders_day"),
    "quality": ("quality_floor",),
    "adds": ("adds", "add_step"),
})  # fmt: skip

#: What ``--guards design`` turns on. Of an algorithm that is not registered the broker takes 10 requests a second, 500 a minute
#: and 2,000 in half an hour; a trade takes four to six, so that a run which needs many more is out of order.
DESIGN: Final[Mapping[str, Any]] = MappingProxyType({
    "max_concurrent": 5,
    "daily_loss": 0.02,
    "stale_feed_s": 30.0,
    "price_band": 5.0,
    "cooldown_min": 3.0,
    "pause_losses": 2,
    "pause_bars": 5,
    "side_block": 0.65,
    "side_block_last": 20,
    "side_block_min": 5,
    "exposure": 2.0,
    "exposure_total": 4.0,
    "quality_floor": 0.8,
    "orders_second": 8,
    "orders_minute": 100,
    "orders_half_hour": 400,
    "orders_day": 1000,
})  # fmt: skip

#: What a comparison shows adds with. They are none of the above: guards let less happen, adds put more into a trade.
MOST_ADDS: Final[Mapping[str, Any]] = MappingProxyType({"adds": 2, "add_step": 0.003})


def guards_of(params: Any) -> Guards:
    """Return the guards that a strategy's params ask for."""
    p = params
    return Guards(
        no_trade=NoTradeList(parse_no_trade(p.no_trade)),
        daily_loss=DailyLoss(p.daily_loss),
        max_concurrent=MaxConcurrent(p.max_concurrent),
        exposure=Exposure(p.exposure, p.exposure_total),
        rate=OrderRate(p.orders_second, p.orders_minute, p.orders_half_hour, p.orders_day),
        cooldown=Cooldown(round(p.cooldown_min * MINUTE_NS)),
        pause=LossPause(p.pause_losses, p.pause_bars),
        side=SideBlock(p.side_block, p.side_block_last, p.side_block_min),
        feed=StaleFeed(round(p.stale_feed_s * SECOND_NS)),
        band=PriceBand(p.price_band),
    )
