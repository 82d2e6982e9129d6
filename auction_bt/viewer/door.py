"""Who may come in, and that an action comes from the page itself: password, session, token, and how often."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, redirect, render_template, request, session
from werkzeug.security import check_password_hash
from werkzeug.wrappers import Response as AnyResponse

TOKEN_HEADER: Final = "X-CSRF-Token"  # noqa: S105 - the name of a header
_TRIES: Final = (5, 60.0)  # logins that fail, and seconds
_ACTIONS: Final = (20, 60.0)
_OPEN: Final = ("/login", "/page/page.css", "/static/viewer.css", "/favicon.ico")  # without a password


class Rate:
    """So many in so many seconds.

    Parameters
    ----------
    most : int
    seconds : float
    now : callable returning float, s
    """

    def __init__(self, most: int, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._seconds = seconds
        self._now = now
        self._seen: deque[float] = deque(maxlen=most)

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return len(self._seen) == self._most and self._now() - self._seen[0] < self._seconds

    def count(self) -> None:
        """Count one."""
        self._seen.append(self._now())


class Door:
    """Stands in front of an application.

    Parameters
    ----------
    password_hash : str
        As werkzeug makes it; '' lets everybody in who reaches the address.
    now : callable returning float, s
        A clock that only runs forward.

    Notes
    -----
    Whatever changes something must carry the token that the page was given, in a header, and come from the page's own origin:
    another site can make a browser send a request here, and neither read the page nor set that header. The session is a signed
    cookie that ends with the process.
    """

    def __init__(self, password_hash: str = "", now: Callable[[], float] = time.monotonic) -> None:
        self._hash = password_hash
        self._failed = Rate(*_TRIES, now)
        self._acted = Rate(*_ACTIONS, now)

    def guard(self, app: Flask) -> None:
        """Put it in front of `app`."""
        app.secret_key = secrets.token_bytes(32)
        app.config.update(SESSION_COOKIE_NAME="auction_bt", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Strict")
        app.before_request(self._check)
        app.add_url_rule("/login", "login", self._login, methods=["GET", "POST"])

    @staticmethod
    def token() -> str:
        """Return the token of the session, made where there is none."""
        made: str = session.setdefault("token", secrets.token_urlsafe(24))
        return made

    # ---------------------------------------------------------------- before each request
    def _check(self) -> AnyResponse | None:
        if self._hash and not session.get("is_in") and request.path not in _OPEN:
            if request.path.startswith("/api/"):
                return _said("log in first", 401)
            return redirect("/login")
        is_harmless = request.method in {"GET", "HEAD", "OPTIONS"} or request.path == "/login"
        if is_harmless or request.routing_exception is not None:
            return None
        if not self._is_own():
            return _said("this did not come from the viewer's own page: load it again", 403)
        if self._acted.is_full:
            return _said("too much at once: wait a minute", 429)
        self._acted.count()
        return None

    def _is_own(self) -> bool:
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).netloc != request.host:
            return False
        return self._is_token(request.headers.get(TOKEN_HEADER, ""))

    @staticmethod
    def _is_token(given: str) -> bool:
        made = session.get("token", "")
        return bool(made) and secrets.compare_digest(given.encode("utf-8", "replace"), made.encode())

    # ---------------------------------------------------------------- the way in
    def _login(self) -> AnyResponse | str:
        if not self._hash or session.get("is_in"):
            return redirect("/")
        if request.method == "GET":
            return render_template("login.html", token=self.token(), wrong=False)
        if not self._is_token(request.form.get("token", "")):
            return _said("this did not come from the viewer's own page: load it again", 403)
        if self._failed.is_full:
            return _said("too many wrong passwords: wait a minute", 429)
        if not check_password_hash(self._hash, request.form.get("password", "")):
            self._failed.count()
            return Response(render_template("login.html", token=self.token(), wrong=True), 403)
        session.clear()  # another session than that of before
        session["is_in"] = True
        return redirect("/")


def _said(text: str, status: int) -> Response:
    answer = Response(status=status, mimetype="application/json")
    answer.set_data(f'{{"error": "{text}"}}')
    return answer
