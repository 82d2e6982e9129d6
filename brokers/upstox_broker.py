"""A backtrader broker whose orders are filled elsewhere: at Upstox, at its simulation, or as a recording says they were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import backtrader as bt

from auction_bt.brokers.account import Account, difference_text, in_order, overnight_text
from auction_bt.brokers.commission import executed_at
from auction_bt.brokers.exchange_orders import KINDS, check_order, way_out
from auction_bt.brokers.messages import Held, available_of, read
from auction_bt.brokers.valued import ValuedBroker
from auction_bt.core.errors import Refused
from auction_bt.core.exits import ExitGroup
from auction_bt.core.ist import SECOND_NS
from auction_bt.core.keeper import Keeper
from auction_bt.core.keeping import BY_HAND, OURS, Done, Terms
from auction_bt.core.live_order import FINAL, Action, Asked, Cancel, Intent, Kind, LiveOrder, Place, Row, Status
from auction_bt.core.order_set import Role
from auction_bt.core.stamps import to_num
from auction_bt.core.trade import Fill, Side


@dataclass(slots=True)
class _Plain:
    # An order of any strategy, as it is: no exits are kept for it.
    order: Any
    live: LiveOrder


@dataclass(slots=True)
class _Trade:
    data: Any
    order: Any  # the entry's
    keeper: Keeper
    adding: Any = None  # the add's that is under way
    entered: int = 0  # ticks of the feed that came before the entry was filled


class UpstoxBroker(ValuedBroker):
    """Gives orders away and books what messages say came of them.

    Params
    ------
    send : callable taking a `core.live_order.Action`
        Carries a request to the exchange; must not wait. The answer comes back as a recorded message.
    freeze : mapping of str to int, shares
        Most that one order may have, by symbol; what is larger is cut into several.
    patience : int, ns
        How long an order at market may rest, and a request stay unanswered.
    refusal : callable returning str
        Why no new order may go out now, '' where it may.

    Notes
    -----
    *Causality*: all it knows, it knows from messages in the order of `seq`: the ticks of its feeds and the recorded ``order``
    messages. A replay of the same messages asks for the same things under the same tags.

    An entry given with an exit group (``buy(..., exits=ExitGroup(...))``) is kept by a `core.keeper.Keeper`; the strategy hears
    of it once it is over, with the average price of what was filled, and of each exit likewise. What is added to the trade
    (``buy(..., adds=stop)``) is kept by it too, and its stop moves to `stop` where that is nearer. Other orders are mirrored one
    to one, for the day: market, limit, stop, stop-limit. Trailing stops, OCO, brackets, orders at the close are refused.
    """

    params = (("send", None), ("freeze", None), ("patience", 5 * SECOND_NS), ("refusal", None), ("checksubmit", False),
              ("filler", None))  # fmt: skip

    keeps_exits = True

    def init(self) -> None:
        """Start with no orders and no positions."""
        super().init()
        self._trades: dict[str, _Trade] = {}
        self._plain: dict[str, _Plain] = {}
        self._datas: dict[str, Any] = {}
        self._booked = 0
        self.p.filler = lambda *_: self._booked  # how backtrader is told of a fill in part
        self._seq = self._now = 0
        self.available: float | None = None
        self.alarms: list[str] = []
        self._over: dict[str, int] = {}  # shares filled of each order of trades that are over, by tag
        self.account = Account()
        # Symbols that a person must look at, and why no trade may be opened any more: entries are refused as long as they stand
        # here. An engine that logs refusals of its own takes them out.
        self.blocked: dict[str, str] = {}
        self.difference = ""
        self._send: Callable[[Action], None] = self.p.send or (lambda _: None)
        self._freeze: Mapping[str, int] = self.p.freeze or {}

    # ---------------------------------------------------------------- what a strategy asks
    def exits(self, data: Any) -> ExitGroup | None:
        """Return the exit group of the open trade in `data`."""
        trade = self._trades.get(data.instrument.symbol)
        return trade.keeper.group if trade is not None else None

    def set_exits(self, data: Any, group: ExitGroup | None, on: Any = None) -> None:
        """Replace the exit group of the open trade in `data`.

        Raises
        ------
        Refused
            No open trade, no group, or a trade that is watched on another feed's prices.
        """
        trade = self._trades.get(data.instrument.symbol)
        if on is not None:
            raise Refused("trading another instrument than the signal's is not done live yet: leave --trade out")
        if trade is None or group is None or trade.keeper.held < 1:
            raise Refused(f"{data.instrument.symbol}: there is no open trade to set exits for")
        self._book_all(trade, trade.keeper.set_group(group, self._seq, self._now))

    def leave(self, data: Any, reason: str, seq: int = 0) -> None:  # noqa: ARG002 - `at` has said which message
        """Leave the trade in `data` at market, with what may still be filled of its entry."""
        trade = self._trades.get(data.instrument.symbol)
        if trade is not None:
            self._book_all(trade, trade.keeper.leave(reason, self._seq, self._now))

    def is_leaving(self, data: Any) -> bool:
        """Return whether a part of the trade in `data` is on its way out."""
        trade = self._trades.get(data.instrument.symbol)
        return trade is not None and trade.keeper.is_leaving

    def excursion(self, data: Any) -> tuple[float, float]:
        """Return (lowest, highest) price traded since the open trade's entry, in rupees."""
        trade = self._trades.get(data.instrument.symbol)
        prices = data.market.price[trade.entered if trade is not None else len(data.market) :]
        if not len(prices):
            price = self.positions[data].price
            return price, price
        return float(prices.min()), float(prices.max())

    def keeper(self, symbol: str) -> Keeper | None:
        """Return who keeps the open trade of a symbol."""
        trade = self._trades.get(symbol)
        return trade.keeper if trade is not None else None

    @property
    def keepers(self) -> dict[str, Keeper]:
        """Who keeps which symbol's trade."""
        return {symbol: trade.keeper for symbol, trade in self._trades.items()}

    # ---------------------------------------------------------------- what the engine tells
    def at(self, seq: int, now: int) -> None:
        """Take the message that is being worked on: its `seq`, and the message clock, ns."""
        self._seq, self._now = seq, now

    def on_tick(self, data: Any, price: float) -> None:
        """Take a trade of the market."""
        trade = self._trades.get(data.instrument.symbol)
        if trade is not None:
            self._book_all(trade, trade.keeper.on_price(price, self._seq, self._now))

    def on_clock(self, seq: int, clock: Callable[[str], int]) -> None:
        """Let what is due by each symbol's message clock (ns) be done, at the message `seq`."""
        for symbol, trade in list(self._trades.items()):
            now = clock(symbol)
            if now >= trade.keeper.wake_at:
                self.at(seq, now)
                self._book_all(trade, trade.keeper.on_clock(seq, now))

    def on_funds(self, payload: str) -> None:
        """Take a recorded ``funds`` message: what the account has free, in rupees."""
        self.available = available_of(payload)

    def get_cash(self) -> Any:
        """Return what the account has free as the broker last said it, else what was begun with and what came of it; rupees."""
        return self.cash if self.available is None else self.available

    getcash = get_cash

    def on_message(self, payload: str) -> None:
        """Take a recorded ``order`` message."""
        said = read(payload)
        self._on_rows(said.rows)
        if said.held is not None:
            self._on_positions(said.held)
        if (answer := said.answer) is None:
            return
        for trade in list(self._trades.values()):
            if answer.tag in trade.keeper.orders.by_tag:
                self._book_all(trade, trade.keeper.on_answer(answer.tag, answer.to, answer.outcome, answer.order_id, answer.note,
                                                            self._seq, self._now))  # fmt: skip
        plain = self._plain.get(answer.tag)
        if plain is not None:
            self._mirror(plain, plain.live.answered(answer.outcome, answer.to, answer.order_id, answer.note))

    def _on_rows(self, rows: tuple[Row, ...]) -> None:
        # Nothing is asked for before all are known: a stop that was taken back with its position is not to be placed again.
        trades = list(self._trades.values()) if len(rows) > 1 else []
        for trade in trades:
            trade.keeper.is_listening = True
        for row in in_order(rows, [trade.keeper.orders for trade in trades]):
            self._on_row(row)
        for trade in trades:
            trade.keeper.is_listening = False
            self._book_all(trade, trade.keeper.on_clock(self._seq, self._now))

    def _on_row(self, row: Row) -> None:
        for trade in list(self._trades.values()):
            if trade.keeper.orders.tag_of(row):
                self.account.learn(row)
                self._book_all(trade, trade.keeper.on_row(row, self._seq, self._now))
                return
        plain = self._plain.get(row.tag) or next((p for p in self._plain.values() if p.live.order_id == row.order_id), None)
        if plain is not None:
            self.account.learn(row)
            self._mirror(plain, plain.live.told(row, self._now))
        elif row.tag in self._over:
            self._late(row)
        else:
            self._on_stranger(row)

    def _late(self, row: Row) -> None:
        # Of a trade that is over nothing more may happen.
        if row.filled > self._over[row.tag] or row.status not in FINAL:
            self._over[row.tag] = max(row.filled, self._over[row.tag])
            self.alarms.append(
                f"{row.symbol}: order {row.tag} was over and is {row.status}, {row.filled} filled: look at the position"
            )

    def _on_stranger(self, row: Row) -> None:
        trade, is_new = self._trades.get(row.symbol), row.order_id not in self.account.strangers
        held = trade.keeper.held if trade is not None else 0
        side = trade.keeper.side.sign if trade is not None and held > 0 else 0
        taken = self.account.on_stranger(row, side, held, self._seq)
        if row.tag.startswith(OURS) and not row.tag.startswith(BY_HAND) and is_new:
            self.difference = f"order {row.order_id} carries our tag and is not of this run"
            self.alarms.append(f"{row.symbol}: {self.difference}: another bot, or its state was lost; no trade is opened")
        if taken is None or trade is None:
            return
        reason = taken.intent.reason
        who = "the broker" if reason == "broker" else "`flatten`" if row.tag.startswith(BY_HAND) else "somebody"
        self.blocked[row.symbol] = f"closed by {who}"
        self.alarms.append(
            f"{row.symbol}: {who} has closed {taken.filled} shares of our trade: no new one until `resume {row.symbol}`"
        )
        self._book_all(trade, trade.keeper.on_outside(taken, self._seq, self._now))

    def _on_positions(self, found: tuple[Held, ...]) -> None:
        known = {data.instrument.symbol: data for data in self.cerebro.datas if hasattr(data, "instrument")}
        for held in self.account.overnight(found, known.__contains__):
            self.blocked[held.symbol] = "overnight position"
            self.alarms.append(overnight_text(held))
        ours = {symbol: round(self.positions[data].size) for symbol, data in known.items()}
        ours |= {s: trade.keeper.held * trade.keeper.side.sign for s, trade in self._trades.items()}
        moving = {s for s, trade in self._trades.items() if not trade.keeper.orders.is_calm}
        moving |= {p.live.intent.symbol for p in self._plain.values() if not p.live.is_final}
        for symbol, theirs, mine in self.account.differences(found, ours, frozenset(moving)):
            self.difference = "position differs"
            self.alarms.append(difference_text(symbol, theirs, mine))

    def settle(self, data: Any, *, ticks_met: bool = False) -> None:
        """Do nothing at a bar: the exchange does not wait for it."""

    def next(self) -> None:
        """Do nothing at a bar."""

    # ---------------------------------------------------------------- intake
    def submit_accept(self, order: Any) -> None:
        """Take an order and send it."""
        check_order(order)
        order.pannotated = None
        order.submit()
        self.pending.append(order)
        self.notify(order)
        symbol = order.data.instrument.symbol
        exits = order.info.get("exits")
        if reason := self._refusal(order, symbol):
            self._end(order, bt.Order.Rejected, reason)
            return
        order.accept()
        self.notify(order)
        instrument, qty = order.data.instrument, abs(round(order.size))
        if "adds" in order.info:
            trade = self._trades[symbol]
            trade.adding = order
            self._book_all(trade, trade.keeper.add(qty, order.info["adds"], self._seq, self._now))
            return
        if exits is None:
            self._send_plain(order, qty)
            return
        terms = Terms(symbol, float(instrument.tick), self._freeze.get(symbol, 0), self.p.patience)
        side = Side.LONG if order.isbuy() else Side.SHORT
        price = self._on_grid(order.data, order.created.price) if order.exectype == bt.Order.Limit else 0.0
        keeper = Keeper(terms, side, qty, exits, self._seq, self._now, self._send, entry=KINDS[order.exectype], price=price)
        self._trades[symbol] = _Trade(order.data, order, keeper)

    def _refusal(self, order: Any, symbol: str) -> str:
        # What makes a position smaller is never refused for what is in doubt.
        held = self.positions[order.data].size
        opens = abs(held + order.size) > abs(held)
        said = self.p.refusal() if self.p.refusal is not None else ""
        doubt = (self.difference or self.blocked.get(symbol, "")) if opens else ""
        trade = self._trades.get(symbol)
        if "adds" in order.info:
            may_grow = trade is not None and trade.keeper.group is not None and trade.adding is None and held * order.size > 0
            return said or doubt or ("" if may_grow else "there is no open trade to add to")
        return said or doubt or ("the trade before is not over" if trade is not None else "")

    def resume(self, symbol: str = "") -> None:
        """Let entries in again, or in a symbol: a person has looked."""
        if symbol:
            self.blocked.pop(symbol, None)
        else:
            self.difference = ""

    def _on_grid(self, data: Any, price: float | None) -> float:
        if price is None or not isfinite(price):
            return 0.0
        return float(data.instrument.to_price(data.instrument.to_ticks(price)))

    def cancel(self, order: Any, bracket: bool = False) -> Any:  # noqa: ARG002 - as backtrader calls it
        """Ask for an order to be taken back; return whether that could be asked."""
        trade = self._trades.get(order.data.instrument.symbol)
        if trade is not None and order.ref in {each.ref for each in (trade.order, trade.adding) if each is not None}:
            self._book_all(trade, trade.keeper.take_back(self._seq, self._now))
            return True
        for plain in self._plain.values():
            if plain.order.ref == order.ref and plain.live.is_idle:
                plain.live = plain.live.asking(Asked.CANCEL, self._now)
                self._send(Cancel(plain.live.intent, plain.live.order_id))
                return True
        return False

    # ---------------------------------------------------------------- orders that are mirrored
    def _send_plain(self, order: Any, qty: int) -> None:
        kind = KINDS[order.exectype]
        first, second = (self._on_grid(order.data, p) for p in (order.created.price, order.created.pricelimit))
        price = {Kind.LIMIT: first, Kind.STOP_LIMIT: second}.get(kind, 0.0)
        trigger = first if kind in {Kind.STOP_MARKET, Kind.STOP_LIMIT} else 0.0
        most = self._freeze.get(order.data.instrument.symbol, 0)
        if most and qty > most:
            self._end(order, bt.Order.Rejected, f"{qty} shares are more than the {most} that one order may have")
            return
        tag = f"{OURS}{self._seq:x}p{order.ref}"
        intent = Intent(tag, order.data.instrument.symbol, bool(order.isbuy()), qty, "manual", self._seq, kind, price, trigger)
        self._plain[tag] = _Plain(order, LiveOrder.of(intent, self._now))
        self._send(Place(intent))

    def _mirror(self, plain: _Plain, after: LiveOrder) -> None:
        before, plain.live = plain.live, after
        if after.filled > before.filled:
            paid = after.filled * after.average - before.filled * before.average
            qty = after.filled - before.filled
            self._execute_part(plain.order, qty, round(paid / qty, 6), after.at or self._now, "manual")
        if after.is_final and not before.is_final and plain.order.alive():
            refused = after.status is Status.REJECTED
            self._end(plain.order, bt.Order.Rejected if refused else bt.Order.Canceled, after.note)

    # ---------------------------------------------------------------- booking
    def _book_all(self, trade: _Trade, dones: list[Done]) -> None:
        self.alarms += trade.keeper.alarms
        trade.keeper.alarms.clear()
        for done in dones:
            if done.role in {Role.ENTRY, Role.ADD}:
                order, trade.adding = trade.adding if done.role is Role.ADD else trade.order, None
                self._entered(trade, order, done)
            else:
                self._left(trade, done)
        if trade.keeper.is_over:
            self._over |= {tag: order.filled for tag, order in trade.keeper.orders.by_tag.items()}
            self._trades.pop(trade.data.instrument.symbol, None)

    def _entered(self, trade: _Trade, order: Any, done: Done) -> None:
        if not done.qty:
            refused = any(o.status is Status.REJECTED for _, o in trade.keeper.orders.of(done.role))
            self._end(order, bt.Order.Rejected if refused else bt.Order.Canceled, done.note)
            return
        if done.role is Role.ENTRY:
            trade.entered = len(trade.data.market)
        order.executed.remsize = done.qty if order.isbuy() else -done.qty  # the rest of it will not come any more
        self._execute_part(order, done.qty, done.price, done.at or self._now, done.reason)

    def _left(self, trade: _Trade, done: Done) -> None:
        order = way_out(trade.order, trade.keeper.side, done, self.excursion(trade.data))
        self._ocoize(order, None)
        order.submit()
        order.accept()
        self.pending.append(order)
        self._execute_part(order, done.qty, done.price, done.at or self._now, done.reason)

    def _execute_part(self, order: Any, qty: int, price: float, ts: int, reason: str) -> None:
        order.addinfo(fill=Fill(self._seq, ts, price, qty, reason))
        if qty == abs(round(order.executed.remsize)):
            self.pending.remove(order)  # before executing: what is pending then is cancelled as the other side of an OCO
        self._booked = qty
        with executed_at(self.getcommissioninfo(order.data), ts):
            self._execute(order, ago=0, price=price, dtcoc=to_num(ts))

    def _end(self, order: Any, status: int, note: str) -> None:
        order.status = status
        order.executed.dt = to_num(self._now) if self._now else 0.0
        if order in self.pending:
            self.pending.remove(order)
        if note:
            self.alarms.append(f"{order.data.instrument.symbol}: order {order.getstatusname().lower()}: {note}")
        self.notify(order)
