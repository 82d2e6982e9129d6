"""Orders of one symbol waiting for its ticks."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import nan
from typing import Any

import backtrader as bt
import numpy as np

from auction_bt.core.exits import ExitGroup, Target, after_add
from auction_bt.core.market import MarketTape, Tape, trigger_level
from auction_bt.core.stamps import bar_length_ns, columns_of, ends_at, known_at
from auction_bt.core.trade import Side

STOPS = frozenset({bt.Order.Stop, bt.Order.StopLimit, bt.Order.StopTrail, bt.Order.StopTrailLimit})
TRAILS = frozenset({bt.Order.StopTrail, bt.Order.StopTrailLimit})
_PLAIN = frozenset({bt.Order.Limit, bt.Order.Stop})
_FAR_BELOW, _FAR_ABOVE = -(2**62), 2**62  # ticks: no price
_AHEAD = 512  # ticks looked at first, which cost hardly more than one; the more, the longer nothing happens
_LIMITED = frozenset({bt.Order.StopLimit, bt.Order.StopTrailLimit})


@dataclass(slots=True)
class Working:
    """One accepted order and when it reaches the market."""

    order: Any
    not_before: int  # seq of the first message it may meet
    expires: int | None
    bar: int  # index of the bar at which it was accepted
    lapses: int | None = None  # message clock from which it is no longer wanted: its own exits would be due

    @property
    def is_carried_out(self) -> bool:
        """True for an exit found in another feed's prices that has not been filled here yet."""
        return bool(self.order.alive()) and "carried_out" in self.order.info

    def next_index(self, tape: Tape, begin: int, end: int) -> int:
        """Return the first tick in [begin, end) at which something happens to this order, `end` for none."""
        order = self.order
        begin = tape.first_from(begin, end, self.not_before)
        if begin >= end or not order.active():
            return end
        if self.expires is not None:
            late = tape.ts[begin:end] > self.expires
            at = int(late.argmax())
            end = begin + at if late[at] else end
        if self.lapses is not None:
            end = tape.first_due(begin, end, self.lapses) if begin < end else end
        return self._touch(tape, begin, end)

    def _touch(self, tape: Tape, begin: int, end: int) -> int:
        order = self.order
        kind = order.exectype
        if begin >= end or kind == bt.Order.Market:
            return begin
        if kind in STOPS and not order.triggered:
            upward = bool(order.isbuy())
            if kind in TRAILS:
                return self._touch_trail(tape, begin, end)
            return tape.first_touch(begin, end, trigger_level(order.created.price, tape.tick, upward=upward), upward=upward)
        limit = order.created.pricelimit if kind in _LIMITED else order.created.price
        upward = not order.isbuy()
        return tape.first_touch(begin, end, trigger_level(limit, tape.tick, upward=upward), upward=upward)

    def _touch_trail(self, tape: Tape, begin: int, end: int) -> int:
        order = self.order
        price = tape.price[begin:end]
        amount = order.trailamount or price * (order.trailpercent or 0.0)
        if order.isbuy():
            stop = np.minimum.accumulate(np.concatenate(([order.created.price], price + amount)))[:-1]
            touched = tape.k[begin:end] >= np.ceil(stop / tape.tick - 1e-6)
        else:
            stop = np.maximum.accumulate(np.concatenate(([order.created.price], price - amount)))[:-1]
            touched = tape.k[begin:end] <= np.floor(stop / tape.tick + 1e-6)
        at = int(touched.argmax())
        return begin + at if touched[at] else end

    def trail(self, tape: Tape, begin: int, end: int) -> None:
        """Let a trailing stop follow the ticks [begin, end) that did not trigger it."""
        order = self.order
        if order.exectype not in TRAILS:
            return
        begin = tape.first_from(begin, end, self.not_before)
        if begin < end and order.active() and not order.triggered:
            price = tape.price[begin:end]
            order.trailadjust(float(price.min() if order.isbuy() else price.max()))


class _Scan:
    # Remembers how far ahead no tick has left a band of prices: an order that rests for an hour is looked for once, not at
    # each of sixty bars.
    __slots__ = ("band", "begin", "clear", "due", "due_index", "found")

    def __init__(self) -> None:
        self.band = (0, 0)
        self.begin = self.clear = 0  # no tick in [begin, clear) is outside the band
        self.found = -1
        self.due, self.due_index = -1, 0

    def first_due(self, tape: MarketTape, at: int) -> int:
        """Return the first tick whose clock before its message was `at` (ns) or later."""
        if self.due != at:
            self.due, self.due_index = at, int(tape.clock.searchsorted(at, side="left"))
        return self.due_index

    def first_outside(self, tape: MarketTape, band: tuple[int, int], begin: int, end: int) -> int:
        """Return the first tick in [begin, end) at or below the low of `band` or at or above its high; `end` for none."""
        if self.band != band or not self.begin <= begin <= self.clear:
            self.band, self.begin, self.clear, self.found = band, begin, begin, -1
        if self.found >= 0:
            return self.found if self.found < end else end
        if self.clear >= end:
            return end
        ahead = max(_AHEAD, self.clear - self.begin)
        k, (low, high) = tape.k, band
        while self.found < 0 and self.clear < end:
            part = k[self.clear : self.clear + ahead]
            ahead *= 2
            outside = (part >= high) | (part <= low)
            at = int(outside.argmax())
            if outside[at]:
                self.found = self.clear + at
            self.clear += at if outside[at] else len(part)
        return min(self.found, end) if self.found >= 0 else end


@dataclass(slots=True)
class Book:
    """Everything that waits for one data feed's prices.

    Parameters
    ----------
    data : backtrader data feed
    tape : Tape or None
        None where the feed has bars only.
    tick : float, rupees
        0 where unknown: prices are then compared as they are.
    """

    data: Any
    tape: Tape | None
    tick: float
    orders: list[Working] = field(default_factory=list)
    group: ExitGroup | None = None
    group_not_before: int = 0  # seq of the first message the group may meet
    leave_from: int = 0  # ns, where only bars are known: one that has begun before is too early to leave in
    reached: tuple[Target, ...] = ()  # targets that a trade has reached and that are sent to meet the next tick
    left_by: str = "stop"  # why the last exit was
    owner: Any = None  # the strategy whose entry armed the group
    trades_on: Book | None = None  # where the group's exits are carried out, if not here
    watched_by: Book | None = None  # whose group may close what is open here
    position: int = 0  # next tick to match
    matching: bool = False  # a tick is being matched now
    entered: int = 0  # tick that opened the position
    low: float = 0.0  # extremes since entry, where only bars are known
    high: float = 0.0
    entered_at_open: bool = False
    bars_seen: int = 0
    bar_end: int = 0  # of the bar met last, ns
    _scan: _Scan = field(default_factory=_Scan)
    _banded: tuple[Any, tuple[int, int]] | None = None

    @property
    def is_live(self) -> bool:
        """True where some price could change something."""
        return self.group is not None or bool(self.orders)

    @property
    def last_price(self) -> float:
        """What was traded last, or the close of the bar where only bars are known, in rupees; NaN before the first."""
        if self.tape is not None:
            return float(self.tape.price[self.position - 1]) if self.position else nan
        return float(self.data.close[0]) if len(self.data) else nan

    def bar_stamps(self) -> tuple[int, int, int]:
        """Return begin, end and seq of the current bar, ns; ask once a bar.

        A feed that does not say the length of its bars says it by their stamps.
        """
        end = ends_at(self.data)
        bars = columns_of(self.data)
        if bars is not None:
            return int(bars.ts[len(self.data) - 1]), end, known_at(self.data)
        begin = max(end - bar_length_ns(self.data), self.bar_end)
        self.bar_end = end
        return begin, end, end

    def next_index(self, end: int) -> int:
        """Return the next tick before `end` that fills, triggers or expires anything; `end` for none."""
        tape = self.tape
        if tape is None:
            return end
        if isinstance(tape, MarketTape) and (band := self._band(tape)) is not None:
            found = self._scan.first_outside(tape, band, self.position, end)
            if self.group is None or (due := self.group.due) is None or found <= self.position:
                return found
            return max(self.position, min(found, self._scan.first_due(tape, due.at)))
        found = end
        for working in self.orders:
            if working.order.alive():
                found = min(found, working.next_index(tape, self.position, found))
        group = self.group
        if group is not None:
            begin = tape.first_from(self.position, found, self.group_not_before)
            if self.reached:
                return begin
            upward = group.side.sign < 0
            stop = trigger_level(group.stop, tape.tick, upward=upward)
            found = min(found, tape.first_touch(begin, found, stop, upward=upward))
            if (target := group.nearest) is not None:
                level = trigger_level(target.price, tape.tick, upward=not upward)
                found = min(found, tape.first_touch(begin, found, level, upward=not upward))
            if (due := group.due) is not None and begin < found:
                found = min(found, tape.first_due(begin, found, due.at))
        return found

    def _band(self, tape: MarketTape) -> tuple[int, int] | None:
        # The levels at or beyond which something fills; None where more than prices counts. An order's price may be changed
        # in place, so what they were made of is looked at each time, and they are made once.
        made_of: list[Any] = [self.group, self.reached]
        for working in self.orders:
            order = working.order
            made_of += order, order.status, order._active, order.created.price
        if self._banded is not None and self._banded[0] == made_of:
            return self._banded[1]
        band = self._new_band(tape)
        self._banded = None if band is None else (made_of, band)
        return band

    def _new_band(self, tape: MarketTape) -> tuple[int, int] | None:
        low, high, position = _FAR_BELOW, _FAR_ABOVE, self.position
        if position >= len(tape.seq):
            return None
        seq = tape.seq[position]
        for working in self.orders:
            order = working.order
            kind = order.exectype
            if working.expires is not None or working.lapses is not None or seq < working.not_before or kind not in _PLAIN:
                return None
            if not order.alive() or not order.active():
                continue
            upward = order.isbuy() == (kind == bt.Order.Stop)
            level = trigger_level(order.created.price, tape.tick, upward=upward)
            low, high = (low, min(high, level)) if upward else (max(low, level), high)
        group = self.group
        if group is not None:
            if self.reached or seq < self.group_not_before:
                return None
            upward = group.side.sign < 0
            levels = [(trigger_level(group.stop, tape.tick, upward=upward), upward)]
            if (target := group.nearest) is not None:
                levels.append((trigger_level(target.price, tape.tick, upward=not upward), not upward))
            for level, up in levels:
                low, high = (low, min(high, level)) if up else (max(low, level), high)
        return low, high

    def move_to(self, index: int) -> None:
        """Pass the ticks before `index`: nothing fills in them, trailing stops follow."""
        if index <= self.position:
            return
        if self.tape is not None:
            for working in self.orders:
                if working.order.exectype in TRAILS:
                    working.trail(self.tape, self.position, index)
        self.position = index


def armed(book: Book, order: Any, held: int, price: float, traded: float) -> ExitGroup | None:
    """Return the exits that the fill of an order brings with it, None where it brings none.

    Parameters
    ----------
    held : int, shares
        After it; negative when short.
    price, traded : float, rupees
        Of the fill, and of the trade of the market that made it; NaN where only a bar is known.
    """
    exits = order.info.get("exits")
    if exits is not None:
        return exits.entered_at(price, traded) if held * exits.side.sign > 0 else None
    if "adds" not in order.info or order.status != bt.Order.Completed or held * order.size <= 0:
        return None
    side = Side.LONG if held > 0 else Side.SHORT
    return after_add(book.group, side, abs(held), order.info["adds"], price, book.left_by).against(traded)
