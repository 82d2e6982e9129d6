"""The login: the broker's page in a browser, the code that comes back, the token it is worth."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import monotonic
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from auction_bt.core.errors import BadInput, Refused, Retryable
from auction_bt.parsing import parse

from .client import UpstoxClient, refusal_of

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
_WAIT_S: Final = 1.0
_DONE: Final = b"<!doctype html><title>auction_bt</title><p>Logged in: this page may be closed."
_WRONG: Final = b"<!doctype html><title>auction_bt</title><p>Not the login that was asked for: see the terminal."


@dataclass(frozen=True, slots=True)
class Login:
    """One login of an application.

    Parameters
    ----------
    host : str
        Of the broker's REST calls.
    client_id : str
    redirect : str
        As registered with the application, to the letter.
    state : str
        Known to this login alone: what comes back without it is of somebody else.
    """

    host: str
    client_id: str
    redirect: str
    state: str

    @property
    def page(self) -> str:
        """The address of the broker's page."""
        asked = {"response_type": "code", "client_id": self.client_id, "redirect_uri": self.redirect, "state": self.state}
        return f"{self.host.rstrip('/')}/v2/login/authorization/dialog?{urlencode(asked)}"

    def code_in(self, address: str) -> str:
        """Return the code of the address to which the browser was sent back.

        Raises
        ------
        BadInput
            It has none, or is not of this login.
        """
        said = parse_qs(urlsplit(address.strip()).query)
        if "code" not in said:
            raise BadInput(
                "there is no code in that address: log in again, and paste the whole address the browser was sent back to"
            )
        if not hmac.compare_digest(said.get("state", [""])[0], self.state):
            raise BadInput("that address is of another login (its state differs): log in again on the page just printed")
        return said["code"][0]

    def wait_for_code(self, timeout: float, opened: Callable[[], object]) -> str:
        """Serve the redirect on this machine until the browser comes back; return the code.

        Parameters
        ----------
        timeout : float, s
        opened : callable
            Called when it is served.

        Raises
        ------
        BadInput
            The redirect is not an address of this machine with a port, or that is taken.
        Refused
            Nobody came back in time.
        """
        place = urlsplit(self.redirect)
        if place.scheme != "http" or place.hostname not in _LOOPBACK or not place.port:
            raise BadInput(
                f"{self.redirect} is no http address of this machine with a port, as http://127.0.0.1:8766/: give --paste"
            )
        codes: list[str] = []
        login = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(self) -> None:
                try:
                    codes.append(login.code_in(self.path))
                except BadInput:
                    self._say(400, _WRONG)
                else:
                    self._say(200, _DONE)

            def _say(self, status: int, page: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:  # the code is in it
                pass

        try:
            server = HTTPServer((place.hostname or "127.0.0.1", place.port), Handler)
        except OSError as error:
            raise BadInput(
                f"port {place.port} of the redirect is taken ({error.strerror}): end what uses it, or give --paste"
            ) from error
        with server:
            server.timeout = _WAIT_S
            opened()
            until = monotonic() + timeout
            while not codes:
                if monotonic() > until:
                    raise Refused(f"nobody came back from the login within {timeout:.0f} s: run it again, or give --paste")
                server.handle_request()
        return codes[0]

    def token(self, code: str, secret: str) -> str:
        """Return the access token for a code.

        Raises
        ------
        BadInput
            The broker refuses it.
        Retryable
            The broker cannot be reached.
        """
        import upstox_client

        client = UpstoxClient(self.host)
        try:
            answer = upstox_client.LoginApi(client.sdk).token(
                "2.0", code=code, client_id=self.client_id, client_secret=secret, redirect_uri=self.redirect,
                grant_type="authorization_code", **client.options,
            )  # fmt: skip
            said = parse(answer.data)
        except client.refusal as error:
            raise BadInput(
                f"the broker refuses the login ({refusal_of(error)}): check key, secret and redirect against the application, "
                "and use each code once, within minutes"
            ) from error
        except client.transport as error:
            raise Retryable(f"{self.host} cannot be reached ({type(error).__name__}): check the network and try again") from error
        except ValueError as error:
            raise Retryable(f"{self.host} answers with what is no login: try again") from error
        text = said.get("access_token") if isinstance(said, dict) else None
        if not isinstance(text, str) or not text:
            raise Retryable("the broker's answer has no access token: try again")
        return text
