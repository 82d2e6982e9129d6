"""The simulated broker's REST side on loopback: who may call, what goes wrong, and the envelope of every answer."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from email.utils import formatdate
from typing import Any, Final

from flask import Flask, Response, g, jsonify, request
from waitress.channel import ClientDisconnected
from werkzeug.exceptions import HTTPException

from auction_bt.core.ist import SECOND_NS

from . import checks
from .account_calls import account_calls
from .answer import Problem
from .book_calls import book_calls
from .faults import Fault, FaultKind
from .login_calls import login_calls
from .market_calls import market_calls
from .order_calls import order_calls
from .quote_calls import quote_calls
from .service import Service
from .sessions import INVALID
from .shapes import error_body
from .user_calls import user_calls

_NO_ROUTE: Final = Problem("UDAPI100060", "Resource not Found.", 404)
_TOO_MANY: Final = Problem("UDAPI10005", "Too Many Request Sent", 429)
_BROKEN: Final = Problem("UDAPI100500", "Something went wrong... please contact us", 500)
_OPEN: Final = ("/v2/login/", "/v2/market/holidays", "/v2/market/timings", "/v3/historical-candle", "/market-quote/instruments/")
#: Calls that only come through from a registered static IP, and count towards the limits of orders.
_ORDERS: Final = {
    "/order/place": "place", "/order/multi/place": "place", "/order/modify": "modify", "/order/cancel": "cancel",
    "/order/multi/cancel": "cancel", "/order/positions/exit": "exit",
}  # fmt: skip
_DROP: Final = "auction_bt.drop"


def create_app(service: Service) -> Flask:
    """Return the application.

    Parameters
    ----------
    service : Service

    Notes
    -----
    Every call is counted, by its kind and in all: a plan of faults goes by that. What is not simulated answers as the broker does
    where there is no such path.
    """
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for calls in (order_calls, book_calls, account_calls, user_calls, market_calls, quote_calls, login_calls):
        app.register_blueprint(calls(service))

    @app.before_request
    def admit() -> Response | None:
        g.faults = service.count(_group(request.path))
        refused = _before(service, g.faults)
        if refused is not None:
            return _refused([refused])
        if request.routing_exception is not None:
            return None  # what does not exist needs no token
        return _admitted(service)

    @app.after_request
    def spoil(answer: Response) -> Response:
        # The server would write the world's, and a client may hold its own clock against the broker's.
        answer.headers["Date"] = formatdate(service.broker.clock() // SECOND_NS, usegmt=True)
        slow = _of(g.get("faults", ()), FaultKind.SLOW)
        if slow is not None:
            service.pause(slow.seconds)
        if _of(g.get("faults", ()), FaultKind.LOST) is not None:
            request.environ[_DROP] = True
        return answer

    @app.errorhandler(HTTPException)
    def no_route(error: HTTPException) -> Response:
        known = error.code in {404, 405}
        return _refused([_NO_ROUTE if known else Problem("UDAPI100036", error.name, error.code or 400)])

    @app.errorhandler(Exception)
    def broken(error: Exception) -> Response:
        app.logger.error("a simulated call failed", exc_info=error)
        return _refused([_BROKEN])

    app.wsgi_app = _Line(app.wsgi_app)  # type: ignore[method-assign]
    return app


class _Line:
    """Breaks the connection, with a reset, where a call is told to be lost."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._app(environ, start_response)
        if not environ.get(_DROP):
            return answer
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        peer = environ.get("waitress.client_disconnected")
        if peer is not None:
            with suppress(OSError):  # the client has gone before
                peer.__self__.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ClientDisconnected


def _group(path: str) -> str:
    for end, group in _ORDERS.items():
        if path.endswith(end):
            return group
    return "login" if path.startswith("/v2/login/") else "read"


def _of(faults: Sequence[Fault], kind: FaultKind) -> Fault | None:
    return next((fault for fault in faults if fault.kind is kind), None)


def _before(service: Service, faults: Sequence[Fault]) -> Problem | None:
    if _of(faults, FaultKind.TOKEN) is not None:
        service.sessions.kill()
    if _of(faults, FaultKind.RESET) is not None:
        request.environ[_DROP] = True
        return _BROKEN  # nobody will read it
    error = _of(faults, FaultKind.ERROR)
    if error is not None:
        return Problem(_BROKEN.code, _BROKEN.message, error.status)
    return _TOO_MANY if _of(faults, FaultKind.RATE) is not None else None


def _admitted(service: Service) -> Response | None:
    path = request.path
    is_order = _group(path) in {"place", "modify", "cancel", "exit"}
    if not service.is_within_limits("orders" if is_order else "other"):
        return _refused([_TOO_MANY])
    if path.startswith(_OPEN):
        return None
    head = request.headers.get("Authorization", "")
    token = head.removeprefix("Bearer ").strip()
    now = service.broker.clock()
    problem = service.sessions.check(token, now, writes=is_order) if head.startswith("Bearer ") else INVALID
    if problem is None and is_order and service.static_ips and request.remote_addr not in service.static_ips:
        problem = checks.STATIC_IP
    return None if problem is None else _refused([problem])


def _refused(problems: Sequence[Problem]) -> Response:
    answer = jsonify(error_body(problems))
    answer.status_code = problems[0].status
    return answer
