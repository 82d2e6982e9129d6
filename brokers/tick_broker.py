"""A backtrader broker that fills orders on the ticks of their symbol, in the order in which the ticks were received."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import backtrader as bt

from auction_bt.brokers.bar_rules import BarPrices, price_in_bar
from auction_bt.brokers.book import STOPS, TRAILS, Book, Working, armed
from auction_bt.brokers.commission import executed_at
from auction_bt.brokers.lean_broker import LeanBroker
from auction_bt.brokers.orders import make_order
from auction_bt.brokers.tick_rules import exits_at_tick, price_at_tick, sent_exits_at_tick
from auction_bt.core.errors import Refused
from auction_bt.core.exits import ExitGroup, exits_in_bar
from auction_bt.core.fills import HAIR, FillModel
from auction_bt.core.stamps import columns_of, known_at, to_ns, to_num
from auction_bt.core.trade import Fill, Side

_REFUSED_KINDS = (bt.Order.Close, bt.Order.Historical)


class TickBroker(LeanBroker):
    """Backtrader's broker, matching tick by tick, with exit groups.

    Params
    ------
    fill : FillModel
        Whose price is paid, slippage, latency.
    tick_size : float, rupees
        Price step of feeds that carry no instrument; 0: unknown, no slippage for them.

    Notes
    -----
    *Causality*: an order given at a bar meets the first tick with a greater `seq` than the message that made the bar known.
    An exit group given with an entry (``buy(..., exits=ExitGroup(...))``) is armed by the entry's fill and meets the next tick.
    What is added to an open trade (``buy(..., adds=stop)``) is covered by its exits from its fill on, the stop at `stop` rupees
    where that is nearer; what is filled by the very tick that closes the trade is left with the next.

    A feed with a `market` attribute (`core.market.MarketTape`) is matched on it. Where a day has bars only (attribute
    `tick_days`, or a feed without `market`), the bar decides, pessimistically: stops before anything else, then the rest, and
    each fill says ``source="bars"``. Windows of ticks in which nothing can fill cost nothing: the next tick that touches
    anything is looked up in the arrays.

    Orders never fail for want of cash at submission; a fill that cannot be paid for is margin-refused as in `BackBroker`.
    Execution types ``Close`` and ``Historical`` are refused.
    """

    params = (("fill", FillModel()), ("tick_size", 0.0), ("checksubmit", False))

    keeps_exits = True

    def init(self) -> None:
        """Start a run with no orders and no positions."""
        super().init()
        if self.p.filler is not None or self.p.coc or self.p.coo or self.p.slip_perc or self.p.slip_fixed:
            raise Refused("TickBroker prices fills by its own model: give fill=FillModel(…), no filler, coc, coo or slip_*")
        self._books: dict[Any, Book] = {}
        self._touched: list[Any] = []

    # ---------------------------------------------------------------- what a strategy asks
    def exits(self, data: Any) -> ExitGroup | None:
        """Return the exit group of the open trade in `data`."""
        return self._book(data).group

    def set_exits(self, data: Any, group: ExitGroup | None, on: Any = None) -> None:
        """Replace the exit group of the open trade in `data`; it meets the next tick.

        Parameters
        ----------
        data : feed whose prices the group looks at
        group : ExitGroup or None
        on : feed, optional
            Where the trade is, if it is not in `data`: an exit found in `data` is carried out on its next tick. Needed once.

        Raises
        ------
        Refused
            No open trade on that side, or another quantity than is open.
        """
        book = self._book(data)
        if on is not None:
            book.trades_on, self._book(on).watched_by = self._book(on), book
        traded = book.trades_on or book
        size = round(self.positions[traded.data].size)
        if traded is not book:  # what has been found here and not been carried out there yet is no longer this group's
            size = abs(size) - sum(abs(w.order.executed.remsize) for w in traded.orders if w.is_carried_out)
        if group is not None and (group.qty * group.side.sign != size if traded is book else group.qty != size):
            raise Refused(f"exit group for {group.side} {group.qty}, but the position is {size}")
        if group is not None and book.group is None:
            # What is entered on a tick of another feed meets none of its own from before that.
            book.group_not_before = max(self._not_before(book), self._not_before(traded, traded.owner))
        book.group = group.against(book.last_price) if group is not None else None
        self._touched.append(data)

    def leave(self, data: Any, reason: str, seq: int) -> None:
        """Leave the trade in `data` at market, and take back what is not filled of its entry.

        Notes
        -----
        *Causality*: what was decided at the message `seq` (ns), which may be of another symbol, meets later ticks alone, and of
        bars without ticks those that begin later.
        """
        book = self._book(data)
        for working in list(book.orders):
            if "exits" in working.order.info or "adds" in working.order.info:
                self.cancel(working.order)
        if book.group is not None:
            book.group = book.group.leave(0, reason)
            book.group_not_before = max(book.group_not_before, seq + 1)
            book.leave_from = seq
        self._touched.append(data)

    def is_leaving(self, data: Any) -> bool:
        """Return whether a part of the trade in `data` is on its way out."""
        book = self._book(data)
        return bool(book.reached) or (book.group is not None and book.group.is_left())

    def excursion(self, data: Any) -> tuple[float, float]:
        """Return (lowest, highest) price traded since the open trade's entry, in rupees."""
        book = self._book(data)
        if book.tape is None or book.low:
            return book.low, book.high
        prices = book.tape.price[book.entered : max(book.position, book.entered + 1)]
        return float(prices.min()), float(prices.max())

    # ---------------------------------------------------------------- what the engine asks
    def take_touched(self) -> list[Any]:
        """Return the feeds whose orders or exits have changed since this was last asked."""
        touched = self._touched
        if touched:
            self._touched = []
        return touched

    def is_waiting(self, data: Any) -> bool:
        """Return whether some tick of `data` could change anything."""
        book = self._books.get(data)
        return book is not None and book.is_live

    def next_fill(self, data: Any, end: int) -> int:
        """Return the index of the next tick before `end` that changes anything in `data`; `end` for none."""
        book = self._books.get(data)
        return end if book is None or (book.group is None and not book.orders) else book.next_index(end)

    def pass_to(self, data: Any, end: int) -> None:
        """Take the ticks of `data` before `end` as met: none of them changed anything."""
        book = self._books.get(data)
        if book is not None and book.is_live:
            book.move_to(end)

    def fill_at(self, data: Any, index: int) -> None:
        """Match the tick `index` of `data`, having passed all before it."""
        book = self._books[data]
        book.move_to(index)
        book.position, book.matching = index + 1, True
        self._meet(book, index)
        book.matching = False
        book.orders = [w for w in book.orders if w.order.alive()]

    def settle(self, data: Any, *, ticks_met: bool = False) -> None:
        """Match everything of `data` up to its current bar: its ticks, or the bar itself where there are none.

        Parameters
        ----------
        ticks_met : bool
            Whoever steps has met every tick that could change anything already.
        """
        book = self._books.get(data)
        if book is None:
            return
        bar = len(data) - 1
        if book.bars_seen == bar + 1:
            return
        book.bars_seen = bar + 1
        if book.tape is None or not data.tick_days[bar]:
            if book.is_live or self.positions[data].size:
                self._meet_bar(book, bar)
                book.orders = [w for w in book.orders if w.order.alive()]
            if book.tape is not None:
                book.position = max(book.position, int(book.tape.known[bar]))
            return
        end = int(book.tape.known[bar])
        while not ticks_met and book.is_live and (index := book.next_index(end)) < end:
            self.fill_at(data, index)
        book.move_to(end)

    def next(self) -> None:
        """Match all feeds up to their current bars (stock `Cerebro` calls this once a bar)."""
        for data in list(self._books):
            if len(data):
                self.settle(data)

    # ---------------------------------------------------------------- intake
    def submit_accept(self, order: Any) -> None:
        """Take an order: it waits for the next tick of its symbol."""
        if order.exectype in _REFUSED_KINDS:
            raise Refused(
                f"order type {order.getordername()} cannot be filled on ticks; use Market, Limit, Stop or a trailing stop"
            )
        exits = order.info.get("exits")
        if exits is not None and exits.qty * exits.side.sign != round(order.size):
            raise Refused(f"an entry of {round(order.size)} shares cannot carry exits for {exits.side} {exits.qty}")
        book = self._book(order.data)
        group = exits
        if "adds" in order.info and ((group := book.group) is None or group.side.sign * order.size < 0):
            raise Refused(f"there is no open trade to add {round(order.size)} shares to")
        super().submit_accept(order)
        if order.exectype in TRAILS and order.p.price is None and book.tape is not None and book.position:
            # A trailing stop starts from the last trade, which is later than the close of the bar decided on.
            order.created.price = inf if order.isbuy() else -inf
            order.trailadjust(float(book.tape.price[book.position - 1]))
        expires = to_ns(order.valid) if order.valid else None
        lapses = group.due.at if group is not None and group.due is not None else None
        book.orders.append(Working(order, self._not_before(book, order.owner), expires, len(order.data) - 1, lapses))
        self._touched.append(order.data)

    def cancel(self, order: Any, bracket: bool = False) -> Any:
        """Take an order back; return whether it was still there."""
        done = super().cancel(order, bracket)
        if (book := self._books.get(order.data)) is not None:
            book.orders = [w for w in book.orders if w.order.alive()]
        return done

    def _not_before(self, book: Book, owner: Any = None) -> int:
        # The message acted upon is the tick being matched, or that which made the current bar known, whichever came last.
        if book.tape is None:
            return 0
        seq = int(book.tape.seq[book.position - 1]) if book.position else 0
        if not book.matching:
            # A strategy over several feeds acts on the latest of them.
            for data in owner.datas if owner is not None else (book.data,):
                seq = max(seq, known_at(data)) if len(data) else seq
        latency: int = self.p.fill.latency
        return seq + max(1, latency)

    def _book(self, data: Any) -> Book:
        book = self._books.get(data)
        if book is None:
            if getattr(data, "replaying", False):
                raise Refused("a replayed feed shows a bar many times: give TickBroker the ticks themselves, or whole bars")
            tape = getattr(data, "market", None) if columns_of(data) is not None else None
            instrument = getattr(data, "instrument", None)
            book = Book(data, tape, float(instrument.tick) if instrument is not None else self.p.tick_size)
            book.bars_seen = len(data)
            if tape is not None and len(data):
                book.position = int(tape.known[len(data) - 1])
            self._books[data] = book
        return book

    # ---------------------------------------------------------------- matching a tick
    def _meet(self, book: Book, i: int) -> None:
        tape = book.tape
        assert tape is not None  # noqa: S101 - for the type checker
        if book.group is not None and tape.seq[i] >= book.group_not_before:
            if self.p.fill.sends_targets:
                found, book.reached = sent_exits_at_tick(book.group, book.reached, tape, i, self.p.fill)
            else:
                found = exits_at_tick(book.group, tape, i, self.p.fill)
            for fill, after in found:
                self._leave(book, fill, after, i)
        for working in list(book.orders):
            order = working.order
            if tape.seq[i] < working.not_before or not order.alive() or not order.active():
                continue
            if working.expires is not None and tape.ts[i] > working.expires and order.exectype != bt.Order.Market:
                self.expire(order, int(tape.ts[i]))
                continue
            if working.lapses is not None and tape.clock[i] >= working.lapses:
                self.expire(order, int(tape.ts[i]))
                continue
            price = price_at_tick(working, tape, i, self.p.fill)
            if price is not None:
                self._fill(book, order, price, Fill(int(tape.seq[i]), int(tape.ts[i]), price, 1, "entry"), i)
            else:
                working.trail(tape, i, i + 1)
        self._activate_children()

    # ---------------------------------------------------------------- matching a bar
    def _meet_bar(self, book: Book, bar: int) -> None:
        data, model = book.data, self.p.fill
        open_, high, low = float(data.open[0]), float(data.high[0]), float(data.low[0])
        begin, end, seq = book.bar_stamps()
        tick = book.tick
        group = book.group
        if group is not None and (due := group.due) is not None and begin >= max(due.at, book.leave_from):
            price = model.slipped(open_, buy=group.side is Side.SHORT, tick=tick)
            self._leave(book, Fill(seq, begin, price, group.qty, due.reason, "bars"), None, -1)
        if round(self.positions[data].size):
            book.low, book.high = min(book.low or low, low), max(book.high, high)
        had_group = book.group
        waiting = sorted(book.orders, key=lambda w: (w.order.exectype != bt.Order.Market, w.order.exectype not in STOPS))
        for working in waiting:
            order = working.order
            if not order.alive() or not order.active():
                continue
            # As stock does: a bar that ends after the order's time is too late for it.
            if working.expires is not None and end > working.expires and order.exectype != bt.Order.Market:
                self.expire(order, end)
                continue
            if working.lapses is not None and begin >= working.lapses:
                self.expire(order, begin)
                continue
            bar_prices = BarPrices(open_, high, low, float(data.close[0]), tick)
            found = price_in_bar(order, bar_prices, model, resting=bar > working.bar + 1)
            if found is not None:
                price, at_open = found
                book.entered_at_open = at_open
                ts = begin if at_open else end
                self._fill(book, order, price, Fill(seq, ts, price, 1, "entry", "bars"), -1)
                if self.positions[data].size and not book.low:
                    book.low, book.high = low, high
            elif order.exectype in TRAILS and not order.triggered:
                order.trailadjust(float(data.close[0]))
        self._activate_children()
        group = book.group
        if group is None:
            return
        if had_group is not group and not book.entered_at_open:
            # Entered somewhere inside the bar: the stop may have been met after it, a target cannot be claimed.
            worst = low if group.side is Side.LONG else high
            if (worst - group.stop) * group.side.sign <= HAIR:
                price = model.slipped(group.stop, buy=group.side is Side.SHORT, tick=tick)
                self._leave(book, Fill(seq, end, price, group.qty, group.stop_reason, "bars"), None, -1)
            return
        for leg in exits_in_bar(group, open_, high, low):
            price = leg.price if leg.is_limit else model.slipped(leg.price, buy=group.side is Side.SHORT, tick=tick)
            ts = begin if leg.at_open else end
            self._leave(book, Fill(seq, ts, price, leg.qty, leg.reason, "bars"), leg.group, -1)

    # ---------------------------------------------------------------- booking a fill
    def _leave(self, book: Book, fill: Fill, after: ExitGroup | None, index: int) -> None:
        # One exit of the group, as an order of its own so that notify_order, trades and analyzers see it as any other.
        group = book.group
        assert group is not None  # noqa: S101
        book.group, book.left_by = after, fill.reason
        traded = book.trades_on or book
        buy = self.positions[traded.data].size < 0
        order = make_order(buy=buy, owner=traded.owner, data=traded.data, size=fill.qty, price=fill.price)
        order.addinfo(exit_reason=fill.reason)
        self._ocoize(order, None)
        order.submit()
        order.accept()
        if traded is book:
            self._fill(book, order, fill.price, fill, index)
            return
        order.addinfo(carried_out=True)
        self.pending.append(order)
        traded.orders.append(Working(order, fill.seq + max(1, self.p.fill.latency), None, len(traded.data) - 1))
        self._touched.append(traded.data)

    def _fill(self, book: Book, order: Any, price: float, fill: Fill, index: int) -> None:
        data = book.data
        before = round(self.positions[data].size)
        size = round(order.executed.remsize)
        reduces = before * size < 0
        adds = "adds" in order.info
        reason = order.info.get("exit_reason", "manual" if reduces else "add" if adds else fill.reason)
        order.addinfo(fill=Fill(fill.seq, fill.ts, price, abs(size), reason, fill.source))
        if before == 0 and not adds:
            book.entered, book.low, book.high = max(index, 0), 0.0, 0.0
        elif reduces:
            order.addinfo(excursion=self.excursion(data))
        if order in self.pending:
            self.pending.remove(order)  # before executing: what is still pending then is cancelled as the other side of an OCO
        with executed_at(self.getcommissioninfo(data), fill.ts):
            self._execute(order, ago=0, price=price, dtcoc=to_num(fill.ts))
        if order.status == bt.Order.Completed and "exit_reason" not in order.info:
            self._bracketize(order)
        after = round(self.positions[data].size)
        if before == 0 and after:
            book.owner = order.owner
        tape = book.tape if index >= 0 else None
        if (group := armed(book, order, after, price, nan if tape is None else float(tape.price[index]))) is not None:
            book.group, book.owner, book.reached = group, order.owner, ()
            book.group_not_before = self._not_before(book)
            if tape is not None and self.p.fill.sends_targets:
                # Live, word of the fill comes before the tick that made it: that tick may have reached a target.
                _, book.reached = sent_exits_at_tick(book.group, (), tape, index, self.p.fill)
        if not after:
            self._let_go(book)
        if ("exit_reason" not in order.info or "carried_out" in order.info) and book.group is not None:
            # Whatever else was open or is bought beside it: the stop covers all of the position, on its side only.
            covers = after * book.group.side.sign
            book.group = book.group if covers == book.group.qty else book.group.resized(covers)

    def _let_go(self, book: Book) -> None:
        # Flat: nothing more may be done here for the feed that was watched, nor be found in it.
        watch, book.watched_by = book.watched_by, None
        if watch is None:
            return
        watch.group = watch.trades_on = None
        for working in book.orders:
            if working.is_carried_out:
                bt.brokers.BackBroker.cancel(self, working.order)

    def _activate_children(self) -> None:
        while self._toactivate:
            self._toactivate.popleft().activate()
