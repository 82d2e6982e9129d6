"""What was bought and sold of each instrument on a day: by our trades, by the broker's, and where the two differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from auction_bt.core.errors import AuctionError
from auction_bt.core.trade import Trade
from auction_bt.doctor import Level
from auction_bt.preflight.check import Check, failed, passed
from auction_bt.wording import plural, rupees

_HALF_PAISA: Final = Decimal("0.005")  # an average price is told to the paisa
_OPEN: Final = "open"  # of a fill that is no fill: the price at which an open trade is shown


@dataclass(frozen=True, slots=True)
class Traded:
    """Of one instrument, on one day.

    Parameters
    ----------
    bought, sold : int, shares
    spent, received : Decimal, rupees
        Before charges.
    """

    bought: int = 0
    sold: int = 0
    spent: Decimal = Decimal(0)
    received: Decimal = Decimal(0)

    def plus(self, qty: int, price: Decimal, *, buy: bool) -> Traded:
        """Return it with one more fill."""
        if buy:
            return replace(self, bought=self.bought + qty, spent=self.spent + qty * price)
        return replace(self, sold=self.sold + qty, received=self.received + qty * price)

    def is_as(self, other: Traded) -> bool:
        """Whether both tell of the same trades: the same shares, for money that differs by rounded prices alone."""
        if (self.bought, self.sold) != (other.bought, other.sold):
            return False
        return (abs(self.spent - other.spent) <= _HALF_PAISA * self.bought
                and abs(self.received - other.received) <= _HALF_PAISA * self.sold)  # fmt: skip

    def __str__(self) -> str:
        return f"bought {self.bought:,} for {rupees(self.spent)}, sold {self.sold:,} for {rupees(self.received)}"


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """The fills of one order, as the broker tells of them.

    Parameters
    ----------
    symbol, product : str
    buy : bool
    qty : int, shares
    value : Decimal, rupees
    """

    symbol: str
    product: str
    buy: bool
    qty: int = 0
    value: Decimal = Decimal(0)

    @property
    def price(self) -> float:
        """Its average price, rupees."""
        return float(self.value / self.qty) if self.qty else 0.0


def of_trades(trades: Iterable[Trade]) -> dict[str, Traded]:
    """Return what our own trades bought and sold, by symbol."""
    found: dict[str, Traded] = {}
    for trade in trades:
        is_long = (trade.position or trade.side).sign > 0
        for fill in trade.fills:
            if fill.reason != _OPEN:
                buy = is_long == fill.opens
                before = found.get(trade.symbol, Traded())
                found[trade.symbol] = before.plus(fill.qty, Decimal(str(fill.price)), buy=buy)
    return found


def orders_of(rows: Iterable[Mapping[str, Any]]) -> list[BrokerOrder]:
    """Return the broker's rows of the day's trades, order by order.

    Raises
    ------
    AuctionError
        A row is not what it should be.
    """
    found: dict[str, BrokerOrder] = {}
    for row in rows:
        try:
            symbol, order_id, side = str(row["instrument_token"]), str(row["order_id"]), str(row["transaction_type"])
            qty, price = int(row["quantity"]), Decimal(str(row["average_price"]))
            if side not in {"BUY", "SELL"} or qty <= 0 or not price.is_finite():
                raise ValueError(side)
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise AuctionError(f"Upstox's trades: a row is not what it should be ({error!r})") from error
        before = found.get(order_id) or BrokerOrder(symbol, str(row.get("product", "I")), side == "BUY")
        found[order_id] = replace(before, qty=before.qty + qty, value=before.value + qty * price)
    return list(found.values())


def of_orders(orders: Iterable[BrokerOrder]) -> dict[str, Traded]:
    """Return what the broker's orders bought and sold, by symbol."""
    found: dict[str, Traded] = {}
    for order in orders:
        before = found.get(order.symbol, Traded())
        if order.buy:
            found[order.symbol] = replace(before, bought=before.bought + order.qty, spent=before.spent + order.value)
        else:
            found[order.symbol] = replace(before, sold=before.sold + order.qty, received=before.received + order.value)
    return found


def compared(ours: Mapping[str, Traded], theirs: Mapping[str, Traded], names: Mapping[str, str]) -> list[Check]:
    """Judge our trades against the broker's, symbol by symbol.

    Parameters
    ----------
    ours, theirs : mapping of str to Traded
    names : mapping of str to str
        For people, by symbol; what is not in it is nothing that the run traded.
    """
    found = []
    for symbol in sorted({*ours, *theirs}):
        mine, others = ours.get(symbol, Traded()), theirs.get(symbol, Traded())
        if mine.is_as(others):
            continue
        told = f"{names.get(symbol, symbol)}: we {mine}; the broker {others}"
        if symbol not in names:
            cure = "the run does not trade it: find out who did"
        elif others.bought != others.sold:
            cure = "a trade that is still open is in no account of ours until it is closed; else look at the app now"
        else:
            cure = "look at the orders in the app, and at `verify --run`"
        found.append(failed("broker's trades", told, cure))
    return found or [passed("broker's trades", f"the same of {plural(len({*ours, *theirs}), 'instrument')}")]


def money(what: str, ours: Decimal, theirs: Decimal) -> Check:
    """Judge a sum of ours against theirs: a rupee or a hundredth is rounding, more is a rate that is not as we think."""
    told = f"{rupees(ours)} by us, {rupees(theirs)} by them"
    if abs(ours - theirs) <= max(Decimal(1), abs(theirs) / 100):
        return Check(what, Level.PASS, told)
    return failed(what, told, "look which kind differs (`charges`), and at the plan of the account")
