"""What all REST calls share: the envelope of a good answer and of a bad one, and what stands in a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any

from flask import Response, g, jsonify, request

from .answer import Answer, Problem
from .exchange import Exchange
from .faults import FaultKind
from .service import Service
from .shapes import error_body

BAD_INPUT = Problem("UDAPI100036", "Invalid Input")


def good(data: object, status: int = 200, **more: object) -> Response:
    """Return an answer with data."""
    answer = jsonify({"status": "success", "data": data, **more})
    answer.status_code = status
    return answer


def bad(*problems: Problem) -> Response:
    """Return a refusal; the first problem gives the HTTP status."""
    answer = jsonify(error_body(problems))
    answer.status_code = problems[0].status
    return answer


def wrong(field: str, value: object = None) -> Response:
    """Return the refusal of a field that is missing or not what it should be."""
    return bad(Problem(BAD_INPUT.code, f"Invalid Input: {field}", field=field, value=value))


def body() -> Any:
    """Return what the JSON of a request says, None where it is none."""
    return request.get_json(force=True, silent=True)


def rejected() -> str:
    """Return why the plan of faults has this order rejected; '' where it has not."""
    return next((fault.text for fault in g.faults if fault.kind is FaultKind.REJECT), "")


def act(service: Service, do: Callable[[Exchange, int], Answer], reply: Callable[[Answer], Response]) -> Response:
    """Do something at the exchange, and answer; the feed is told when the answer has gone, or before, by the plan of faults."""
    answer, held = service.broker.act(do)
    if any(fault.kind is FaultKind.EARLY for fault in g.faults):
        held.release()
    response = reply(answer)
    response.call_on_close(held.release)
    return response


def number(said: Mapping[str, Any], name: str, default: float = 0) -> float:
    """Return a number of a request; raise ValueError where it is none."""
    value = said.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(name)
    return value


def rows(found: Sequence[Mapping[str, Any]]) -> Response:
    """Return an answer with rows."""
    return good(list(found))
