"""REST calls that read orders and trades."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, request

from . import checks, shapes
from .answer import Problem
from .exchange import Exchange
from .order import Order
from .reply import bad, good, rows
from .service import Service


def book_calls(service: Service) -> Blueprint:
    """Return the calls."""
    calls = Blueprint("book", __name__)
    ask = service.broker.read

    @calls.get("/v2/order/retrieve-all")
    def book() -> Response:
        return rows(ask(lambda exchange, _: [_row(exchange, order) for order in exchange.books.orders()]))

    @calls.get("/v2/order/details")
    def details() -> Response:
        order_id = request.args.get("order_id", "")

        def find(exchange: Exchange, _: int) -> dict[str, Any] | None:
            order = exchange.books.by_id.get(order_id)
            return _row(exchange, order) if order is not None else None

        found = ask(find)
        return good(found) if found is not None else bad(replace(checks.NO_ORDER, value=order_id))

    @calls.get("/v2/order/history")
    def history() -> Response:
        order_id, tag = request.args.get("order_id", ""), request.args.get("tag", "")
        if not order_id and not tag:
            return bad(Problem("UDAPI1023", "Order id or tag is required", field="order_id"))
        found = ask(lambda exchange, _: _states(exchange, order_id, tag))
        return rows(found) if found else bad(replace(checks.NO_ORDER, value=order_id or tag))

    @calls.get("/v2/order/trades/get-trades-for-day")
    def trades() -> Response:
        return rows(ask(_trades))

    @calls.get("/v2/order/trades")
    def trades_of_order() -> Response:
        order_id = request.args.get("order_id", "")
        if not order_id:
            return bad(Problem("UDAPI1023", "Order id is required", field="order_id"))
        return rows(ask(lambda exchange, now: _trades(exchange, now, order_id)))

    return calls


def _row(exchange: Exchange, order: Order) -> dict[str, Any]:
    return shapes.order_row(order, exchange.books.contracts[order.request.key])


def _trades(exchange: Exchange, _: int, order_id: str = "") -> list[dict[str, Any]]:
    books = exchange.books
    found = [(fill, books.by_id[fill.order_id]) for fill in books.fills(order_id)]
    return [shapes.trade_row(fill, order, books.contracts[order.request.key]) for fill, order in found]


def _states(exchange: Exchange, order_id: str, tag: str) -> list[dict[str, Any]]:
    books = exchange.books
    return [shapes.history_row(state, books.contracts[state.request.key]) for state in books.history(order_id, tag)]
