"""What a trader sees every few seconds: a line for the day, and one for each open trade. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import isnan

from auction_bt.core.ist import clock_text
from auction_bt.core.trade import Side
from auction_bt.wording import number, risk

HELD = "at exchange"
NAKED = "NO STOP AT EXCHANGE"
MOVING = "stop on its way"


@dataclass(frozen=True, slots=True)
class TradeView:
    """One open trade.

    Parameters
    ----------
    name : str
    side : Side
    qty : int, shares
    entry, now, stop : float, rupees
    stop_at : str
        Where the stop is: ``at exchange``, ``on paper``, `MOVING` or `NAKED`.
    targets : tuple of float, rupees
    r : float
        What it stands at, in what was first put at risk.
    regime : str
    val, poc, vah : float, rupees
        NaN where there are none.
    decimals : int
    """

    name: str
    side: Side
    qty: int
    entry: float
    now: float
    stop: float
    stop_at: str
    targets: tuple[float, ...]
    r: float
    regime: str
    val: float
    poc: float
    vah: float
    decimals: int = 2

    def line(self) -> str:
        """Return it as a line."""

        def price(value: float) -> str:
            return number(value, self.decimals)

        targets = " ".join(f"T{n} {price(t)}" for n, t in enumerate(self.targets, 1))
        levels = f"{self.regime.upper()} VAL {price(self.val)} POC {price(self.poc)} VAH {price(self.vah)}"
        return (
            f"  {self.name} {self.side.value.upper()} {self.qty:,} @{price(self.entry)} now {price(self.now)} {risk(self.r)} "
            f"stop {price(self.stop)} ({self.stop_at}){' ' + targets if targets else ''} | {levels}"
        )


@dataclass(frozen=True, slots=True)
class DayView:
    """The day so far.

    Parameters
    ----------
    clock : int, ns
        Of the market.
    orders : str
        ``paper``, ``none``, ``sim``, ``upstox``.
    halted : str
        Why no trade is opened; '' where trades are.
    closed, open : Decimal, rupees
        Net of closed trades, and what open ones stand at.
    limit : Decimal, rupees
        Of the day's loss; 0: none.
    trades, refused : int
    feed_age : float, s
        Since the last frame; NaN before the first.
    lost : int
        Frames dropped, unreadable, or without room.
    quality : str
        Grade of the worst symbol's last bar; '' where there is none.
    recorder : str
        ``OK``, or what is wrong.
    resting : int
        Orders at the exchange.
    flat_by : int, ns
        0: never.
    feed : str
        State of the connection, where it is not live.
    views : tuple of TradeView
    """

    clock: int
    orders: str
    halted: str
    closed: Decimal
    open: Decimal
    limit: Decimal
    trades: int
    refused: int
    feed_age: float
    lost: int
    quality: str
    recorder: str
    resting: int
    flat_by: int
    feed: str = ""
    views: Sequence[TradeView] = ()

    def lines(self) -> list[str]:
        """Return the day's line and those of its open trades."""
        entries = f"ENTRIES-OFF ({self.halted})" if self.halted else "ENTRIES-ON"
        limit = f", limit {number(-self.limit, 0)}" if self.limit else ""
        money = (
            f"day net {number(self.closed + self.open, 0)} (closed {number(self.closed, 0)} open {number(self.open, 0)}{limit})"
        )
        age = "no frame yet" if isnan(self.feed_age) else f"{self.feed_age:.1f}s"
        feed = f"feed {self.feed + ' ' if self.feed else ''}{age} lost {self.lost}"
        quality = f" quality {self.quality}" if self.quality else ""
        flat = f" | flat by {clock_text(self.flat_by)[:5]}" if self.flat_by else ""
        head = (
            f"{clock_text(self.clock)} {self.orders.upper()} {entries} | {money} | open {len(self.views)} trades {self.trades} "
            f"refused {self.refused} | {feed}{quality} | rec {self.recorder} | orders {self.resting}{flat}"
        )
        return [head, *(view.line() for view in self.views)]
