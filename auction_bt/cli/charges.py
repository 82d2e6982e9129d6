"""The `charges` command: what buying and selling costs on a day, by kind."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from auction_bt.brokers.charges import group_of
from auction_bt.core.breakdown import Breakdown, Rounding
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import to_date
from auction_bt.core.tariff import Exchange, Rates, Segment, split
from auction_bt.market.calendar import day_of as day_of_exchange
from auction_bt.market.calendar import is_trading_day
from auction_bt.market.day import DayKind
from auction_bt.market.rates import STANDARD, plans, rates_on
from auction_bt.wording import CHARGES, number, percent, plural, rupees

from .arguments import day_of
from .outputs import check_targets, write_text

HELP: Final = (
    "Show what buying and selling costs on a day, by kind, and the move of the price that pays for it. Every rate is the one of "
    "that day; a day that the tables do not know is refused."
)
_MOST: Final = 10**9


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--segment", required=True, choices=[s.value for s in Segment], help="what is traded")
    parser.add_argument("--exchange", default="NSE", choices=[e.value for e in Exchange], help="default %(default)s")
    parser.add_argument("--date", required=True, metavar="DATE", help="day of the trade, YYYY-MM-DD in India")
    parser.add_argument("--buy", required=True, metavar="P", help="price bought at, rupees (of an option: its premium)")
    parser.add_argument("--sell", required=True, metavar="P", help="price sold at, rupees")
    parser.add_argument("--qty", required=True, metavar="N", help="shares, not lots")
    orders = parser.add_mutually_exclusive_group()
    orders.add_argument("--orders", default="1", metavar="N", help="orders a side; each pays brokerage (default 1)")
    orders.add_argument(
        "--freeze", default="0", metavar="N", help="freeze quantity: so many orders a side as it makes, 25 at most"
    )
    parser.add_argument("--underlying", default="", metavar="NAME",
                        help="of an option on BSE: all but SENSEX (default) and BANKEX pay another charge")  # fmt: skip
    parser.add_argument("--plan", default=STANDARD, choices=plans(), help="brokerage plan (default %(default)s)")
    parser.add_argument("--rounding", default=Rounding.PAISA.value, choices=[r.value for r in Rounding],
                        help="note: STT and stamp duty to whole rupees, as on a contract note (default paisa)")  # fmt: skip
    parser.add_argument("--json", metavar="FILE", help="write JSON too; - is standard output, and JSON alone")


def run(args: Namespace) -> int:
    """Print the table, or write JSON."""
    check_targets([args.json])
    found = round_trip(args)
    if args.json:
        write_text(args.json, json.dumps(found.as_json(), indent=2) + "\n")
    if args.json != "-":
        print("\n".join(found.as_text()))
    return 0


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """Something bought and sold, and what it cost.

    Parameters
    ----------
    bought, sold : Decimal, rupees
        Prices.
    parts : tuple of int, shares
        The orders of a side.
    buy, sell, total : Breakdown
        Rounded; the sides add up to the total.
    """

    segment: Segment
    exchange: Exchange
    day: date
    plan: str
    rounding: Rounding
    rates: Rates
    bought: Decimal
    sold: Decimal
    parts: tuple[int, ...]
    buy: Breakdown
    sell: Breakdown
    total: Breakdown

    @property
    def qty(self) -> int:
        """Shares."""
        return sum(self.parts)

    @property
    def break_even(self) -> Decimal:
        """The move of the price that pays the charges, rupees a share."""
        return self.total.total / self.qty

    @property
    def notes(self) -> list[str]:
        """What is odd about the day."""
        found = day_of_exchange(self.day, self.exchange.value)
        return [] if found.trades else [f"{self.day} is no trading day ({found.name or f'{self.day:%A}'})"]

    @property
    def doubts(self) -> list[tuple[str, str]]:
        """Certainty and kind of every rate that decided and is not sure."""
        kinds = self.total.kinds
        return [(n.certainty, n.kind) for n in self.rates.notes if n.certainty != "sure" and kinds.get(n.kind)]

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        columns = {"buy": self.buy, "sell": self.sell, "charges": self.total}
        return {
            "schema": 1,
            "segment": self.segment.value,
            "exchange": self.exchange.value,
            "date": self.day.isoformat(),
            "plan": self.plan,
            "rounding": self.rounding.value,
            "qty": self.qty,
            "orders": len(self.parts),
            "buy_price": float(self.bought),
            "sell_price": float(self.sold),
            **{name: {k: float(v) for k, v in column.kinds.items() if k != "other"} for name, column in columns.items()},
            "total": float(self.total.total),
            "break_even_points": round(float(self.break_even), 4),
            "doubts": {kind: certainty for certainty, kind in self.doubts},
            "notes": self.notes,
        }

    def as_text(self) -> list[str]:
        """Return a table for people."""
        many = f" in {plural(len(self.parts), 'order')} a side" if len(self.parts) > 1 else ""
        lines = [
            f"{self.segment.value} on {self.exchange.value}, {self.day}, plan {self.plan}",
            f"{plural(self.qty, 'share')}{many}, bought at {rupees(self.bought)}, sold at {rupees(self.sold)}",
            "",
        ]
        rows: list[tuple[str, ...]] = [("", "buy", "sell", "total")]
        sides = (self.buy, self.sell, self.total)
        rows += [(CHARGES[k], *(rupees(s.kinds[k]) for s in sides)) for k in self.total.kinds if self._pays(k)]
        rows.append(("total", *(rupees(s.total) for s in sides)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines += [
            row[0].ljust(widths[0]) + "".join("  " + v.rjust(w) for v, w in zip(row[1:], widths[1:], strict=True)) for row in rows
        ]
        share = percent(float(self.break_even / self.bought), 3)
        lines += ["", f"Break-even: the price must move {number(self.break_even)} points ({share}) to pay for this"]
        gross = (self.sold - self.bought) * self.qty
        lines.append(f"Gross {rupees(gross)}, charges {rupees(self.total.total)}, net {rupees(gross - self.total.total)}")
        if self.doubts:
            named = [f"{certainty}: " + ", ".join(CHARGES[k] for c, k in self.doubts if c == certainty)
                     for certainty in sorted({c for c, _ in self.doubts}, reverse=True)]  # fmt: skip
            lines.append("Rates in doubt: " + "; ".join(named))
        return lines + [f"Note: {note}" for note in self.notes]

    def _pays(self, kind: str) -> bool:
        # Whether trades of this segment can at all; nobody but the broker squares off late.
        return kind in {n.kind for n in self.rates.notes} and kind != "square_off"


def round_trip(args: Namespace) -> RoundTrip:
    """Return what the options ask for; raise `BadInput` where one of them cannot be used."""
    segment, exchange, rounding = Segment(args.segment), Exchange(args.exchange), Rounding(args.rounding)
    day = to_date(day_of(args.date))
    bought, sold = _price("--buy", args.buy), _price("--sell", args.sell)
    qty, freeze = _count("--qty", args.qty, 1), _count("--freeze", args.freeze, 0)
    orders = _count("--orders", args.orders, 1)
    if orders > qty:
        raise BadInput(f"--orders {orders} is more than the {plural(qty, 'share')} there are")
    if args.underlying and segment is not Segment.OPTIONS:
        raise BadInput(f"--underlying is for options: {segment.value} is charged alike whatever it is of")
    parts = split(qty, freeze) if freeze else tuple(qty // orders + (i < qty % orders) for i in range(orders))
    rates = rates_on(day, segment, exchange, args.plan, group_of(segment, exchange, args.underlying))
    exact = rates.order(bought, parts, buy=True)
    buy, total = exact.rounded(rounding), (exact + rates.order(sold, parts, buy=False)).rounded(rounding)
    if day_of_exchange(day, exchange.value).kind is DayKind.UNKNOWN:
        is_trading_day(day)  # raises, naming the table and what it knows: rates until further notice are none of that day
    # The seller's side is what is left: rounded by itself it could be a paisa beside the total.
    return RoundTrip(segment, exchange, day, args.plan, rounding, rates, bought, sold, parts, buy, total - buy, total)


def _price(name: str, text: str) -> Decimal:
    try:
        price = Decimal(text.replace(",", ""))
    except InvalidOperation:
        price = Decimal("nan")
    if not price.is_finite() or not 0 < price <= _MOST:
        raise BadInput(f"{name} {text!r} is no price: give rupees above 0")
    return price


def _count(name: str, text: str, least: int) -> int:
    digits = text.replace(",", "")
    if not (digits.isascii() and digits.isdigit()) or not least <= int(digits) <= _MOST:
        raise BadInput(f"{name} {text!r} is no number: give a whole number from {least} to {_MOST}")
    return int(digits)
