"""REST calls about who may come in: the login, its tokens, and the addresses of the sockets."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from .answer import Problem
from .reply import bad, good, wrong
from .service import Service
from .sessions import CREDENTIALS
from .user_calls import user_of

_NO_FEED = Problem("UDAPI100060", "Resource not Found.", 404)


def login_calls(service: Service) -> Blueprint:
    """Return the calls.

    Notes
    -----
    The broker's page, on which a person proves who they are, is passed by at once: the simulation knows one user.
    """
    calls = Blueprint("login", __name__)
    clock, sessions = service.broker.clock, service.sessions

    @calls.get("/v2/login/authorization/dialog")
    def dialog() -> AnyResponse:
        said = request.args
        if (said.get("client_id"), said.get("redirect_uri")) != (sessions.app.client_id, sessions.app.redirect):
            return bad(CREDENTIALS)
        answer = {"code": sessions.code("login", clock())}
        if "state" in said:
            answer["state"] = said["state"]
        return redirect(f"{sessions.app.redirect}?{urlencode(answer)}")

    @calls.post("/v2/login/authorization/token")
    def token() -> Response:
        said = request.form
        if said.get("grant_type") != "authorization_code":
            return wrong("grant_type", said.get("grant_type"))
        names = ("code", "client_id", "client_secret", "redirect_uri")
        code, client, secret, back = (said.get(name, "") for name in names)
        granted = sessions.login(code, client, secret, back, clock())
        if isinstance(granted, Problem):
            return bad(granted)
        # The one good answer without an envelope.
        return jsonify({**user_of(service), "access_token": granted[0], "extended_token": granted[1]})

    @calls.delete("/v2/logout")
    def logout() -> Response:
        sessions.logout(request.headers.get("Authorization", "").removeprefix("Bearer ").strip())
        return good(True)

    @calls.get("/v3/feed/market-data-feed/authorize")
    def market_feed() -> Response:
        return _authorised(service.feeds.market, "market")

    @calls.get("/v2/feed/portfolio-stream-feed/authorize")
    def portfolio_feed() -> Response:
        return _authorised(service.feeds.portfolio, "portfolio")

    def _authorised(address: str, purpose: str) -> Response:
        if not address:
            return bad(_NO_FEED)
        asked = {"update_types": request.args["update_types"]} if "update_types" in request.args else {}
        query = urlencode({"code": sessions.code(purpose, clock()), **asked})
        found = f"{address}?{query}"
        # The SDK reads the name that the broker's pages no longer use.
        return good({"authorizedRedirectUri": found, "authorized_redirect_uri": found})

    return calls
