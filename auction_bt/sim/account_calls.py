"""REST calls about money: positions, holdings, funds, margins, charges."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from flask import Blueprint, Response, request

from auction_bt.brokers.charges import key_of
from auction_bt.core.breakdown import Breakdown
from auction_bt.core.errors import AuctionError
from auction_bt.core.ist import day_index, to_date
from auction_bt.core.tariff import Product
from auction_bt.market.rates import rates_on

from . import checks, shapes
from .answer import Problem
from .exchange import Exchange
from .margin import Used, blocked_for
from .money import shown, units
from .reply import bad, body, good, number, rows, wrong
from .service import Service

_SIDES: Final = {"BUY": True, "SELL": False}
_MOST_MARGINS: Final = 20


def account_calls(service: Service) -> Blueprint:
    """Return the calls."""
    calls = Blueprint("account", __name__)
    ask = service.broker.read

    @calls.get("/v2/portfolio/short-term-positions")
    def positions() -> Response:
        def find(exchange: Exchange, _: int) -> list[dict[str, Any]]:
            books = exchange.books
            found = [(held, books.contracts[held.key], books.last.get(held.key, 0)) for held in books.positions()]
            return [shapes.position_row(held, contract, last or contract.close) for held, contract, last in found]

        return rows(ask(find))

    @calls.get("/v2/portfolio/long-term-holdings")
    def holdings() -> Response:
        def find(exchange: Exchange, _: int) -> list[dict[str, Any]]:
            books = exchange.books
            found = [(held, books.contracts[held.key], books.last.get(held.key, 0)) for held in books.holdings()]
            return [shapes.holding_row(held, contract, last or contract.close) for held, contract, last in found]

        return rows(ask(find))

    @calls.get("/v3/portfolio/mtf-positions")
    def mtf_positions() -> Response:
        return rows([])

    @calls.get("/v2/user/get-funds-and-margin")
    def funds() -> Response:
        def find(exchange: Exchange, _: int) -> dict[str, Any]:
            books = exchange.books
            losses = sum(books.losses(), Fraction(0))
            return shapes.funds_v2(books.account.cash, books.blocked(), losses, books.available())

        return good(ask(find))

    @calls.get("/v3/user/get-funds-and-margin")
    def funds_v3() -> Response:
        def find(exchange: Exchange, _: int) -> dict[str, Any]:
            books = exchange.books
            return shapes.funds_v3(books.account.cash, books.blocked(), books.losses(), books.available(), books.profit())

        return good(ask(find))

    @calls.post("/v2/charges/margin")
    def margins() -> Response:
        said = body()
        asked = said.get("instruments") if isinstance(said, dict) else None
        if not isinstance(asked, list) or not 1 <= len(asked) <= _MOST_MARGINS or not all(isinstance(row, dict) for row in asked):
            return wrong("instruments")
        found = ask(lambda exchange, _: [_margin(exchange, row) for row in asked])
        refused = [problem for problem in found if isinstance(problem, Problem)]
        if refused:
            return bad(*refused)
        blocked = [used for used in found if isinstance(used, Used)]
        total = shown(sum((used.total for used in blocked), Fraction(0)))
        return good({"margins": [_margin_row(used) for used in blocked], "required_margin": total, "final_margin": total})

    @calls.get("/v2/charges/brokerage")
    def brokerage() -> Response:
        said = request.args
        try:
            quantity, price = int(said.get("quantity", "")), float(said.get("price", ""))
            product = Product.INTRADAY if said.get("product") == "I" else Product.DELIVERY
            buy = _SIDES[said.get("transaction_type", "")]
        except (KeyError, ValueError):
            return wrong("quantity")
        key = said.get("instrument_token", "")
        contract = ask(lambda exchange, _: exchange.books.contracts.get(key))
        if contract is None:
            return bad(checks.UNKNOWN_KEY)
        try:
            about = key_of(contract.instrument, product)
            if about is None:
                return bad(checks.UNKNOWN_KEY)
            segment, exchange_, group = about
            rates = rates_on(to_date(day_index(service.broker.clock())), segment, exchange_, group=group)
        except AuctionError as error:
            return bad(Problem("UDAPI100036", str(error)))
        return good({"charges": _charges(rates.order(Decimal(str(price)), (quantity,), buy=buy).rounded())})

    return calls


def _margin(exchange: Exchange, row: dict[str, Any]) -> Used | Problem:
    books = exchange.books
    contract, buy = books.contracts.get(str(row.get("instrument_key"))), _SIDES.get(str(row.get("transaction_type")))
    if contract is None or buy is None:
        return checks.UNKNOWN_KEY if contract is None else Problem("UDAPI100036", "Invalid Input: transaction_type")
    try:
        price = units(number(row, "price")) or books.last.get(contract.key, 0) or contract.close
        quantity = int(number(row, "quantity"))
    except ValueError as error:
        return Problem("UDAPI100036", f"Invalid Input: {error}", field=str(error))
    return blocked_for(contract, str(row.get("product")), quantity, price, buy=buy, rates=books.account.rates)


def _margin_row(used: Used) -> dict[str, float]:
    return {
        "span_margin": shown(used.span), "exposure_margin": 0.0, "equity_margin": shown(used.shares + used.delivery),
        "net_buy_premium": shown(used.premium), "additional_margin": 0.0, "total_margin": shown(used.total), "tender_margin": 0.0,
    }  # fmt: skip


def _charges(paid: Breakdown) -> dict[str, Any]:
    taxes = {"gst": float(paid.gst), "stt": float(paid.stt), "stamp_duty": float(paid.stamp)}
    other = {"transaction": float(paid.transaction), "clearing": 0.0, "ipft": float(paid.ipft), "sebi_turnover": float(paid.sebi)}
    return {"total": float(paid.total), "brokerage": float(paid.brokerage), "taxes": taxes, "other_taxes": other,
            "dp_plan": {"name": "BASIC", "min_expense": 18.5}}  # fmt: skip
