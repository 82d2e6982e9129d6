"""The broker's books of one account and day: orders and all their states, fills, positions, holdings, and what they block."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from auction_bt.core.instrument import Kind as InstrumentKind
from auction_bt.core.live_order import Status

from . import checks, shapes
from .answer import Update
from .contract import Contract
from .margin import MarginRates, Used, lost, used
from .matching import Matching, opening_limit
from .order import AFTER_HOURS, Order, Request, Validity
from .position import Holding, Position
from .trade import Fill


@dataclass(frozen=True, slots=True)
class Account:
    """Who trades, and with what.

    Parameters
    ----------
    user : str
    cash : int, units
        At the day's beginning.
    holdings : tuple of Holding
    carried : tuple of Position
        Derivatives from the day before.
    rates : MarginRates
    """

    user: str = "SIM001"
    cash: int = 1_000_000 * 10_000
    holdings: tuple[Holding, ...] = ()
    carried: tuple[Position, ...] = ()
    rates: MarginRates = field(default_factory=MarginRates)


class Books:
    """All that is written down.

    Parameters
    ----------
    contracts : mapping of str to Contract
        By instrument key.
    account : Account
    matching : Matching

    Attributes
    ----------
    last : dict of str to int
        The last price of each contract in units, where there was one.
    by_id : dict of str to Order
        The day's orders as they stand, oldest first.
    live : dict of str to dict of str to Order
        Those of each contract that are not final.
    held : dict of (str, str) to Position
        By instrument key and product.
    """

    def __init__(self, contracts: Mapping[str, Contract], account: Account, matching: Matching) -> None:
        self.contracts = contracts
        self.account = account
        self.matching = matching
        self.last: dict[str, int] = {}
        self.by_id: dict[str, Order] = {}
        self.live: dict[str, dict[str, Order]] = {key: {} for key in contracts}
        self.held = {(held.key, held.product): held for held in account.carried}
        self._history: dict[str, list[Order]] = {}
        self._timed: dict[str, None] = {}
        self._holdings = {held.key: held for held in account.holdings}
        self._fills: list[Fill] = []

    def orders(self, tag: str = "") -> list[Order]:
        """Return the day's orders, oldest first; those with `tag` where one is given."""
        return [order for order in self.by_id.values() if not tag or order.request.tag == tag]

    def history(self, order_id: str = "", tag: str = "") -> list[Order]:
        """Return every state an order, or the orders of a tag, have had."""
        found = [order for order in self.orders(tag) if not order_id or order.order_id == order_id]
        return [state for order in found for state in self._history[order.order_id]]

    def fills(self, order_id: str = "") -> list[Fill]:
        """Return the day's fills, oldest first."""
        return [fill for fill in self._fills if not order_id or fill.order_id == order_id]

    def positions(self) -> list[Position]:
        """Return what was traded today or carried, flat ones included."""
        return list(self.held.values())

    def holdings(self) -> list[Holding]:
        """Return the shares in the demat account."""
        return list(self._holdings.values())

    def waiting(self) -> list[Order]:
        """Return the orders for which time alone may do something."""
        return [self.by_id[order_id] for order_id in self._timed]

    def blocked(self) -> Used:
        """Return what positions and orders block."""
        return self._blocked(order for live in self.live.values() for order in live.values())

    def losses(self) -> tuple[Fraction, Fraction]:
        """Return today's losses in units, realised and not, as negative numbers."""
        return lost(self.held.values(), self.last)

    def profit(self) -> Fraction:
        """Return the units that were won and realised today, not to be traded with before tomorrow."""
        return max(sum((held.realised for held in self.held.values()), Fraction(0)), Fraction(0))

    def available(self) -> Fraction:
        """Return the units that can be traded with."""
        return Fraction(self.account.cash) + sum(self.losses(), Fraction(0)) - self.blocked().total

    def tell(self, order: Order) -> list[Update]:
        """Write a new state of an order down; return the feed's message about it."""
        self.keep(order)
        self._history.setdefault(order.order_id, []).append(order)
        body = shapes.order_update(order, self.contracts[order.request.key], self.account.user)
        return [Update("order", order.changed, body)]

    def keep(self, order: Order) -> None:
        """Write down what nobody is told of."""
        self.by_id[order.order_id] = order
        live = self.live[order.request.key]
        if order.is_final:
            live.pop(order.order_id, None)
        else:
            live[order.order_id] = order
        if not order.is_final and (order.status in AFTER_HOURS or order.request.validity is Validity.IOC):
            self._timed[order.order_id] = None
        else:
            self._timed.pop(order.order_id, None)

    def fill(self, order: Order, quantity: int, price: int, ts: int, now: int) -> list[Update]:
        """Fill some shares of an order at a price (units) of the exchange's time `ts`; return what the feed tells of it."""
        key = (order.request.key, order.request.product)
        self._fills.append(Fill(f"{len(self._fills) + 1:09d}", order.order_id, quantity, price, ts))
        held = self.held.get(key, Position(*key)).filled_by(quantity, price, buy=order.request.buy)
        self.held[key] = held
        holding = self._holdings.get(key[0])
        if holding is not None and key[1] == "D":
            self._holdings[key[0]] = replace(holding, used=min(holding.quantity, max(0, -held.quantity)))
        told = shapes.position_update(held, self.contracts[key[0]], self.account.user)
        return [*self.tell(order.filled_by(quantity, price, ts, now)), Update("position", now, told)]

    def limited(self, order: Order) -> Order:
        """Return an order with the limit it goes into the book with."""
        contract = self.contracts[order.request.key]
        return replace(order, limit=opening_limit(order, contract, self.last.get(contract.key, 0), self.matching), takes=True)

    def shortage(self, request: Request, order: Order) -> str:
        """Return why there are not enough funds, or shares, for what `order` asks; '' where there are."""
        missing = self._unowned(request, order)
        if missing:
            return missing
        others = [o for live in self.live.values() for o in live.values() if o.order_id != order.order_id]
        before = self._blocked(others).total
        asked = self.limited(replace(order, request=request, status=Status.OPEN))  # as if it stood in the book already
        needed = self._blocked([*others, asked]).total - before
        free = max(Fraction(self.account.cash) + sum(self.losses(), Fraction(0)) - before, Fraction(0))
        return checks.short_of(float(needed), float(free)) if needed > free else ""

    def _unowned(self, request: Request, order: Order) -> str:
        is_share = self.contracts[request.key].instrument.kind is InstrumentKind.EQUITY
        if request.product != "D" or request.buy or not is_share:
            return ""
        held, holding = self.held.get((request.key, "D")), self._holdings.get(request.key)
        owned = (holding.quantity if holding else 0) + (held.quantity if held else 0)
        sales = [o for o in self.live[request.key].values() if o.request.product == "D" and not o.request.buy]
        free = max(0, owned - sum(o.pending for o in sales if o.order_id != order.order_id))
        asked = request.quantity - order.filled
        return f"RMS:Rule: Check holdings: {free} shares can be sold, not {asked}" if asked > free else ""

    def _blocked(self, orders: Iterable[Order]) -> Used:
        return used(self.held.values(), orders, self.contracts, self.last, self.account.rates)
