"""The exchange: takes orders, meets them with ticks, and says what came of it. Pure: time is an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import SECOND_NS, to_datetime
from auction_bt.core.live_order import Kind, Status
from auction_bt.core.tariff import split

from . import checks
from .answer import Answer, Problem, Update
from .books import Account, Books
from .contract import Contract, Phase
from .matching import STRICT, Matching, Trade, is_triggered, match, rests
from .money import units
from .order import AFTER_HOURS, STOPS, Change, Order, Request, Validity

_IOC_NS: Final = SECOND_NS  # an order for at once that met no trade by then is gone
_COOLING_NS: Final = 12 * 3600 * SECOND_NS  # of the kill switch
_RMS: Final = "RMS"  # who places the broker's own orders


class Exchange:
    """One day of one account.

    Parameters
    ----------
    contracts : iterable of Contract
        All that can be traded.
    account : Account
    matching : Matching
        How strictly orders meet ticks; `AS_BACKTESTED` as they do in a backtest.

    Attributes
    ----------
    books : Books
        What is known: orders, fills, positions, funds.

    Notes
    -----
    Nothing in it is random and nothing asks the time: the same calls give the same answers. It is not for several threads.
    Charges are not taken from the funds; the broker books them at night.
    """

    def __init__(self, contracts: Iterable[Contract], account: Account | None = None, matching: Matching = STRICT) -> None:
        self.books = Books({contract.key: contract for contract in contracts}, account or Account(), matching)
        self._killed: dict[str, int] = {}
        self._agenda = sorted(
            (at, rank, key)
            for key, contract in self.books.contracts.items()
            for rank, at in enumerate((contract.hours.stops_end, contract.hours.square_off, contract.hours.end))
            if at
        )

    @property
    def killed(self) -> frozenset[str]:
        """The disabled segments."""
        return frozenset(self._killed)

    # What is asked of it

    def place(self, request: Request, now: int, *, reject: str = "") -> Answer:
        """Take an order, or several where it is to be cut; `reject` is why the broker rejects it behind the door."""
        problem = self._refusal(request, now)
        if problem is not None:
            return Answer(problems=(problem,))
        freeze = self.books.contracts[request.key].freeze
        try:
            parts = split(request.quantity, freeze) if request.slices else (request.quantity,)
        except BadInput as error:
            return Answer(problems=(Problem("UDAPI100036", str(error), field="quantity", value=request.quantity),))
        ids, updates = [], []
        for quantity in parts:
            order_id, told = self._put(replace(request, quantity=quantity), now, reject)
            ids.append(order_id)
            updates += told
        return Answer(tuple(ids), tuple(updates))

    def modify(self, change: Change, now: int, *, reject: str = "") -> Answer:
        """Change an order; what is not good leaves it as it was, with the state ``not modified`` in between."""
        order = self.books.by_id.get(change.order_id)
        if order is None:
            return Answer(problems=(checks.NO_ORDER,))
        problem = checks.of_a_change(change, order)
        if problem is not None:
            return Answer(problems=(problem,))
        asked, contract = change.applied(order.request), self.books.contracts[order.request.key]
        if order.status in AFTER_HOURS:
            changed = replace(order, request=asked, version=order.version + 1)
            return Answer((order.order_id,), tuple(self.books.tell(changed.to(Status.MODIFY_AFTER_MARKET, now))))
        is_waiting = order.status is Status.TRIGGER_PENDING
        said = checks.at_the_hour(asked, contract, now)
        why = reject or (said.message if said else "") or checks.at_the_exchange(asked, contract, now)
        why = why or checks.trigger_refused(asked, self.books.last.get(contract.key, 0)) or self.books.shortage(asked, order)
        updates = [*self.books.tell(order.to(Status.MODIFY_VALIDATION, now))]
        if not why:
            updates += self.books.tell(self.books.by_id[order.order_id].to(Status.MODIFY_PENDING, now))
        before = self.books.by_id[order.order_id]
        if why:
            updates += self.books.tell(before.to(Status.NOT_MODIFIED, now, why))
            back = Status.TRIGGER_PENDING if is_waiting else Status.OPEN
            updates += self.books.tell(self.books.by_id[order.order_id].to(back, now))
        else:
            updates += self.books.tell(replace(before, request=asked, version=order.version + 1).to(Status.MODIFIED, now))
            updates += self._into_book(self.books.by_id[order.order_id], now)
        return Answer((order.order_id,), tuple(updates))

    def cancel(self, order_id: str, now: int, *, reject: str = "") -> Answer:
        """Cancel an order, unless `reject` says why that fails."""
        order = self.books.by_id.get(order_id)
        if order is None:
            return Answer(problems=(checks.NO_ORDER,))
        if order.is_final:
            return Answer(problems=(checks.CANCEL_FINAL,))
        if order.status in AFTER_HOURS:
            return Answer((order_id,), tuple(self.books.tell(order.to(Status.CANCELLED_AFTER_MARKET, now))))
        updates = self.books.tell(order.to(Status.CANCEL_PENDING, now))
        pending = self.books.by_id[order_id]
        if reject:
            updates += self.books.tell(pending.to(Status.NOT_CANCELLED, now, reject))
            updates += self.books.tell(self.books.by_id[order_id].to(order.status, now))
        else:
            updates += self.books.tell(pending.to(Status.CANCELLED, now))
        return Answer((order_id,), tuple(updates))

    def cancel_all(self, now: int, tag: str = "", segment: str = "") -> Answer:
        """Cancel every open order, or those of a tag, of a segment."""
        ids = [
            order.order_id for order in self.books.orders(tag) if not order.is_final and self._is_of(order.request.key, segment)
        ]
        return Answer(tuple(ids), tuple(update for order_id in ids for update in self.cancel(order_id, now).updates))

    def exit_all(self, now: int, tag: str = "", segment: str = "") -> Answer:
        """Close every position at the market, purchases first; with a tag, what its intraday orders have opened.

        Notes
        -----
        As the broker's own call it cancels nothing: an order that is still open may open a position again.
        """
        wanted = [
            (key, product, quantity) for (key, product), quantity in self._to_close(tag).items() if self._is_of(key, segment)
        ]
        ids: list[str] = []
        updates: list[Update] = []
        problems: list[Problem] = []
        for key, product, quantity in sorted(wanted, key=lambda row: row[2]):
            request = Request(key, quantity < 0, abs(quantity), product=product, tag=tag, slices=True)
            answer = self.place(request, now)
            ids += answer.order_ids
            updates += answer.updates
            problems += [replace(problem, field="instrument_key", value=key) for problem in answer.problems]
        return Answer(tuple(ids), tuple(updates), tuple(problems))

    def switch(self, wanted: Iterable[tuple[str, bool]], now: int) -> Answer:
        """Disable segments (True) or enable them (False), all or none.

        Notes
        -----
        What is disabled loses its open orders and stays so for twelve hours; it is refused while a position in it is open.
        """
        segments = list(wanted)
        problems = []
        for segment, off in segments:
            is_held = any(held.quantity and self._is_of(held.key, segment) for held in self.books.positions())
            since = self._killed.get(segment)
            if off and is_held:
                problems.append(replace(checks.STILL_OPEN, value=segment))
            elif not off and since is not None and now - since < _COOLING_NS:
                problems.append(replace(checks.COOLING, value=segment))
        if problems:
            return Answer(problems=tuple(problems))
        updates: list[Update] = []
        for segment, off in segments:
            if off:
                updates += self.cancel_all(now, segment=segment).updates
                self._killed.setdefault(segment, now)
            else:
                self._killed.pop(segment, None)
        return Answer(updates=tuple(updates))

    # What happens to it

    def on_tick(
        self, key: str, ts: int, price: float, size: int = 0, bid: float = 0.0, ask: float = 0.0, *, now: int,
        traded: bool | None = None,
    ) -> tuple[Update, ...]:  # fmt: skip
        """Meet the orders with a tick.

        Parameters
        ----------
        key : str
            Of a contract; of others nothing happens.
        ts : int, ns
            The exchange's time of the trade.
        price : float, rupees
        size : int, shares
            Traded since the tick before.
        bid, ask : float, rupees
            0 or NaN where nobody knows.
        now : int, ns
            When it is told; what is due by then happens first.
        traded : bool or None
            Whether it is a trade; otherwise only the book has changed. None: where it has a size.
        """
        updates = list(self.on_time(now))
        contract = self.books.contracts.get(key)
        if contract is None:
            return tuple(updates)
        is_trade = size > 0 if traded is None else traded
        trade = Trade(ts, units(price), size, is_trade, _book(bid), _book(ask), contract.hours.at(ts))
        if is_trade:
            self.books.last[key] = trade.price
        # Where orders are filled whole, as in a backtest, the book alone is not looked at.
        is_met = is_trade or self.books.matching.partial_fills
        if is_met and trade.phase in {Phase.CONTINUOUS, Phase.MATCHING} and self.books.live[key]:
            updates += self._meet(contract, trade, now)
        return tuple(updates)

    def on_time(self, now: int) -> tuple[Update, ...]:
        """Do what is due: the broker closes intraday positions, the exchange cancels stop orders and ends the day."""
        updates: list[Update] = []
        while self._agenda and self._agenda[0][0] <= now:
            _, rank, key = self._agenda.pop(0)
            updates += (self._end_stops, self._square_off, self._end_day)[rank](key, now)
        for order in self.books.waiting():
            if order.status in AFTER_HOURS:
                updates += self._release(order, now)
            elif order.request.validity is Validity.IOC and now >= order.placed + _IOC_NS:
                updates += self.books.tell(order.to(Status.CANCELLED, now, "IOC order met no trade"))
        return tuple(updates)

    # Inside

    def _refusal(self, request: Request, now: int) -> Problem | None:
        contract = self.books.contracts.get(request.key)
        if contract is None:
            return replace(checks.UNKNOWN_KEY, value=request.key)
        if contract.segment in self._killed:
            return checks.KILLED
        return checks.at_the_door(request) or checks.at_the_hour(request, contract, now)

    def _put(self, request: Request, now: int, reject: str = "", placed_by: str = "") -> tuple[str, list[Update]]:
        number = len(self.books.by_id) + 1
        order_id = f"{to_datetime(now):%y%m%d}{10_000_000 + number:09d}"
        order = Order(
            order_id, request, Status.PUT, now, now, reference=f"SIM{number:08d}", placed_by=placed_by or self.books.account.user
        )
        updates = self.books.tell(order)
        if request.after_market:
            return order_id, updates + self.books.tell(order.to(Status.AFTER_MARKET, now))
        return order_id, updates + self._validate(order, now, reject)

    def _validate(self, order: Order, now: int, reject: str = "") -> list[Update]:
        request, by_broker = order.request, order.placed_by == _RMS
        contract = self.books.contracts[request.key]
        why = reject or checks.at_the_exchange(request, contract, now, by_broker=by_broker)
        why = why or checks.trigger_refused(request, self.books.last.get(contract.key, 0))
        why = why or ("" if by_broker else self.books.shortage(request, order))
        updates = self.books.tell(order.to(Status.VALIDATION, now))
        if why:
            return updates + self.books.tell(self.books.by_id[order.order_id].to(Status.REJECTED, now, why))
        at_exchange = replace(self.books.by_id[order.order_id], exchange_id=f"11{int(order.order_id[-9:]):014d}")
        updates += self.books.tell(at_exchange.to(Status.OPEN_PENDING, now))
        return updates + self._into_book(self.books.by_id[order.order_id], now)

    def _into_book(self, order: Order, now: int) -> list[Update]:
        if order.request.kind in STOPS:
            return self.books.tell(replace(order, limit=0).to(Status.TRIGGER_PENDING, now))
        return self.books.tell(self.books.limited(order).to(Status.OPEN, now))

    def _meet(self, contract: Contract, trade: Trade, now: int) -> list[Update]:
        updates, left = [], trade.size
        for order_id in list(self.books.live[contract.key]):
            order = self.books.by_id[order_id]
            if trade.phase is Phase.CONTINUOUS and is_triggered(order, trade):
                updates += self.books.tell(self.books.limited(order).to(Status.OPEN, now))
                order = self.books.by_id[order_id]
            # Derivatives change hands by whole lots.
            found = match(
                order, trade, left // contract.lot * contract.lot if self.books.matching.partial_fills else order.pending
            )
            if found is not None:
                left -= found.quantity
                updates += self.books.fill(order, found.quantity, found.price, trade.ts, now)
            order = self.books.by_id[order_id]
            if order.is_final or order.status is not Status.OPEN:
                continue
            if order.request.validity is Validity.IOC and trade.traded and trade.phase is Phase.CONTINUOUS:
                updates += self.books.tell(order.to(Status.CANCELLED, now, "IOC order: what was not filled at once is cancelled"))
            elif order.takes and rests(order, trade):
                self.books.keep(replace(order, takes=False))
        return updates

    def _release(self, order: Order, now: int) -> list[Update]:
        live = replace(order.request, after_market=False)
        contract = self.books.contracts[order.request.key]
        if checks.at_the_hour(live, contract, now) is not None:
            return []
        return self._validate(order, now)

    def _end_stops(self, key: str, now: int) -> list[Update]:
        why = "Stop orders and orders with a disclosed quantity are cancelled before the closing auction"
        gone = [
            o
            for o in self.books.live[key].values()
            if o.status is Status.TRIGGER_PENDING or (o.request.disclosed and o.status is Status.OPEN)
        ]
        return [update for order in gone for update in self.books.tell(order.to(Status.CANCELLED, now, why))]

    def _square_off(self, key: str, now: int) -> list[Update]:
        updates: list[Update] = []
        for order in list(self.books.live[key].values()):
            if order.request.product == "I" and order.status in {Status.OPEN, Status.TRIGGER_PENDING}:
                updates += self.books.tell(order.to(Status.CANCELLED, now, "Cancelled by the broker before intraday square-off"))
        held = self.books.held.get((key, "I"))
        if held is not None and held.quantity:
            try:
                parts = split(abs(held.quantity), self.books.contracts[key].freeze)
            except BadInput:
                parts = (abs(held.quantity),)
            for quantity in parts:
                updates += self._put(Request(key, held.quantity < 0, quantity, Kind.MARKET, protection=0), now, placed_by=_RMS)[1]
        return updates

    def _end_day(self, key: str, now: int) -> list[Update]:
        gone = [o for o in self.books.live[key].values() if o.status in {Status.OPEN, Status.TRIGGER_PENDING}]
        return [
            update
            for order in gone
            for update in self.books.tell(order.to(Status.CANCELLED, now, "Cancelled at the end of the day"))
        ]

    def _to_close(self, tag: str) -> dict[tuple[str, str], int]:
        held = {key: position.quantity for key, position in self.books.held.items() if position.quantity}
        if not tag:
            return held
        return dict(self._of_tag(tag, held))

    def _of_tag(self, tag: str, held: Mapping[tuple[str, str], int]) -> Iterator[tuple[tuple[str, str], int]]:
        net: dict[tuple[str, str], int] = {}
        for order in self.books.orders(tag):
            key = (order.request.key, order.request.product)
            net[key] = net.get(key, 0) + (order.filled if order.request.buy else -order.filled)
        for key, quantity in net.items():
            open_ = held.get(key, 0)
            if key[1] == "I" and quantity * open_ > 0:
                yield key, min(quantity, open_, key=abs)

    def _is_of(self, key: str, segment: str) -> bool:
        return not segment or self.books.contracts[key].segment == segment


def _book(price: float) -> int:
    return units(price) if price > 0 else 0  # NaN is not above 0
