"""The web application: pages, scripts, and headers that keep other sites out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib.resources import files
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from auction_bt import __version__
from auction_bt.page.library import chart_library

from .actions import Actions
from .api import Api
from .door import Door
from .sources import Sources

# Shared with the report, which carries them inside itself.
_SHARED: Final = {"chart.js": "text/javascript", "page.css": "text/css"}
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(sources: Sources, hosts: Iterable[str] = (), door: Door | None = None) -> Flask:
    """Return the application.

    Parameters
    ----------
    sources : Sources
    hosts : iterable of str
        Names by which it may be reached, besides localhost and bare addresses.
    door : Door, optional
        Who may come in; by default everybody who reaches it.

    Raises
    ------
    AuctionError
        The chart library is missing or strange.

    Notes
    -----
    A site that points a name of its own at this machine would be read as ours by a browser (DNS rebinding): requests by a name
    that is not known are refused.
    """
    app = Flask(__name__)
    script = chart_library()
    library = f"/vendor/lwc-{hashlib.sha256(script.encode()).hexdigest()[:8]}.js"
    names = frozenset({"localhost", *(h.casefold() for h in hosts)})
    app.register_blueprint(Api(sources).blueprint())
    app.register_blueprint(Actions(sources.state).blueprint())

    @app.before_request
    def check_host() -> Response | None:
        if _is_known(request.headers.get("Host", ""), names):
            return None
        return Response("This viewer answers to localhost, to its address, and to the name given with --host.\n", 421,
                        mimetype="text/plain")  # fmt: skip

    (door or Door()).guard(app)  # after the name was looked at

    @app.after_request
    def guard(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers[name] = value
        # Our own scripts change with an upgrade: asked for each time, and small.
        response.headers.setdefault("Cache-Control", "no-store" if request.path.startswith("/api/") else "no-cache")
        return response

    @app.get("/")
    def page() -> str:
        return render_template("viewer.html", version=__version__, library=library, token=Door.token())

    @app.get(library)
    def vendor() -> Response:
        return Response(script, mimetype="text/javascript", headers={"Cache-Control": "public, max-age=31536000, immutable"})

    @app.get("/page/<name>")
    def shared(name: str) -> Response:
        if name not in _SHARED:
            return Response("not found\n", 404, mimetype="text/plain")
        return Response(files("auction_bt.page").joinpath(name).read_text("utf-8"), mimetype=_SHARED[name])

    @app.get("/favicon.ico")
    def icon() -> Response:
        return Response(status=204)

    @app.errorhandler(HTTPException)
    def failed(error: HTTPException) -> Response | HTTPException:
        if not request.path.startswith("/api/"):
            return error
        answer = Response(status=error.code, mimetype="application/json")
        answer.set_data(f'{{"error": "{error.name}"}}')
        if error.code == 405:
            answer.headers["Allow"] = ", ".join(getattr(error, "valid_methods", None) or ("GET", "HEAD"))
        return answer

    return app


def _is_known(host: str, names: frozenset[str]) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name not in names:
            ip_address(name)
    except ValueError:
        return False
    return True
