"""REST calls that make, change and end orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, Response, jsonify, request

from auction_bt.core.live_order import Kind

from . import shapes
from .answer import Answer, Problem, Update
from .exchange import Exchange
from .money import units
from .order import PRICED, Change, Request, Validity
from .reply import act, bad, body, good, number, rejected, wrong
from .service import Service

_LATENCY: Final = {"latency": 21}  # ms, made up
_MOST: Final = 25  # orders of one request
_SIDES: Final = {"BUY": True, "SELL": False}


def order_calls(service: Service) -> Blueprint:
    """Return the calls."""
    calls = Blueprint("orders", __name__)

    @calls.post("/<any(v2, v3):version>/order/place")
    def place(version: str) -> Response:
        asked = _request(body())
        if isinstance(asked, Problem):
            return bad(asked)
        why = rejected()

        def reply(answer: Answer) -> Response:
            if answer.problems:
                return bad(*answer.problems)
            ids = list(answer.order_ids)
            return good({"order_ids": ids}, metadata=_LATENCY) if version == "v3" else good({"order_id": ids[0]})

        return act(service, lambda exchange, now: exchange.place(asked, now, reject=why), reply)

    @calls.put("/<any(v2, v3):version>/order/modify")
    def modify(version: str) -> Response:
        asked = _change(body())
        if isinstance(asked, Problem):
            return bad(asked)
        why = rejected()
        return act(service, lambda exchange, now: exchange.modify(asked, now, reject=why), lambda answer: _one(answer, version))

    @calls.delete("/<any(v2, v3):version>/order/cancel")
    def cancel(version: str) -> Response:
        order_id, why = request.args.get("order_id", ""), rejected()
        if not order_id:
            return bad(Problem("UDAPI1023", "Order id is required", field="order_id"))
        return act(
            service, lambda exchange, now: exchange.cancel(order_id, now, reject=why), lambda answer: _one(answer, version)
        )

    @calls.post("/v2/order/multi/place")
    def place_several() -> Response:
        said = body()
        if not isinstance(said, list) or not 1 <= len(said) <= _MOST:
            return wrong("orders")
        lines = [(str(row.get("correlation_id", "")) if isinstance(row, dict) else "", _request(row)) for row in said]
        why = rejected()
        good_rows: list[dict[str, str]] = []
        bad_rows: list[dict[str, Any]] = []

        def do(exchange: Exchange, now: int) -> Answer:
            updates: list[Update] = []
            for name, asked in sorted(lines, key=lambda line: not (isinstance(line[1], Request) and line[1].buy)):
                answer = exchange.place(asked, now, reject=why) if isinstance(asked, Request) else Answer(problems=(asked,))
                updates += answer.updates
                good_rows.extend({"correlation_id": name, "order_id": order_id} for order_id in answer.order_ids)
                bad_rows.extend({**shapes.error_body([p])["errors"][0], "correlation_id": name} for p in answer.problems)
            return Answer(updates=tuple(updates))

        def reply(_: Answer) -> Response:
            unread = sum(isinstance(asked, Problem) for _, asked in lines)
            summary = {"total": len(lines), "payload_error": unread, "success": len(good_rows), "error": len(bad_rows)}
            return _several({"data": good_rows}, bad_rows, summary, is_any=bool(good_rows))

        return act(service, do, reply)

    @calls.delete("/v2/order/multi/cancel")
    def cancel_several() -> Response:
        tag, segment = request.args.get("tag", ""), request.args.get("segment", "")
        return act(service, lambda exchange, now: exchange.cancel_all(now, tag, segment), _batch)

    @calls.post("/v2/order/positions/exit")
    def exit_positions() -> Response:
        tag, segment = request.args.get("tag", ""), request.args.get("segment", "")
        return act(service, lambda exchange, now: exchange.exit_all(now, tag, segment), _batch)

    return calls


def _one(answer: Answer, version: str) -> Response:
    if answer.problems:
        return bad(*answer.problems)
    data = {"order_id": answer.order_ids[0]}
    return good(data, metadata=_LATENCY) if version == "v3" else good(data)


def _batch(answer: Answer) -> Response:
    errors = [{**shapes.error_body([p])["errors"][0], "instrument_key": p.value} for p in answer.problems]
    total = len(answer.order_ids) + len(errors)
    summary = {"total": total, "success": len(answer.order_ids), "error": len(errors)}
    return _several({"data": {"order_ids": list(answer.order_ids)}}, errors, summary, is_any=answer.is_accepted)


def _several(data: dict[str, Any], errors: list[dict[str, Any]], summary: dict[str, int], *, is_any: bool) -> Response:
    status = "success" if not errors else "partial_success" if is_any else "error"
    response = jsonify({"status": status, **data, "errors": errors or None, "summary": summary})
    response.status_code = {"success": 200, "partial_success": 207, "error": 400}[status]
    return response


def _request(said: object) -> Request | Problem:
    if not isinstance(said, dict):
        return Problem("UDAPI100036", "Invalid Input: the body is no JSON object")
    try:
        kind = Kind(str(said.get("order_type")))
    except ValueError:
        return Problem("UDAPI1004", "Valid order type is required", field="order_type", value=said.get("order_type"))
    try:
        validity = Validity(str(said.get("validity")))
    except ValueError:
        return Problem("UDAPI1007", "Validity is required: DAY or IOC", field="validity", value=said.get("validity"))
    side, key = said.get("transaction_type"), said.get("instrument_token")
    if side not in _SIDES or not isinstance(key, str):
        field = "instrument_token" if side in _SIDES else "transaction_type"
        return Problem("UDAPI100036", f"Invalid Input: {field}", field=field, value=said.get(field))
    try:
        return Request(
            key, _SIDES[side], _whole(said, "quantity"), kind, units(number(said, "price")), units(number(said, "trigger_price")),
            str(said.get("product", "")), validity, str(said.get("tag") or ""), _whole(said, "disclosed_quantity"),
            bool(said.get("is_amo", False)), _protection(said, kind), bool(said.get("slice", False)),
        )  # fmt: skip
    except ValueError as error:
        return Problem("UDAPI100036", f"Invalid Input: {error}", field=str(error), value=said.get(str(error)))


def _change(said: Mapping[str, Any] | object) -> Change | Problem:
    if not isinstance(said, dict) or not said.get("order_id"):
        return Problem("UDAPI1003", "Order id is required", field="order_id")
    try:
        kind, validity = Kind(str(said.get("order_type"))), Validity(str(said.get("validity")))
    except ValueError:
        return Problem(
            "UDAPI1004", "Valid order type and validity are required", field="order_type", value=said.get("order_type")
        )
    try:
        return Change(
            str(said["order_id"]), _whole(said, "quantity") or None, kind, units(number(said, "price")),
            units(number(said, "trigger_price")), validity, _whole(said, "disclosed_quantity"), _protection(said, kind),
        )  # fmt: skip
    except ValueError as error:
        return Problem("UDAPI100036", f"Invalid Input: {error}", field=str(error), value=said.get(str(error)))


def _whole(said: Mapping[str, Any], name: str) -> int:
    value = number(said, name)
    if value != int(value):
        raise ValueError(name)
    return int(value)


def _protection(said: Mapping[str, Any], kind: Kind) -> float:
    # What stands there says nothing where the order has a price of its own.
    return -1 if kind in PRICED else number(said, "market_protection", -1)
