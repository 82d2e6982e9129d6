"""Logins: codes that count once, tokens and when they die. Time is an argument."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import count
from typing import Final

from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS
from auction_bt.upstox.token import next_end

from .answer import Problem

_YEAR_NS: Final = 365 * DAY_NS
_CODE_NS: Final = 10 * MINUTE_NS
INVALID: Final = Problem("UDAPI100050", "Invalid token used to access API", 401)
READ_ONLY: Final = Problem("UDAPI100067", "The API you are trying to access is not permitted with an extended token", 403)
CREDENTIALS: Final = Problem("UDAPI100016", "Invalid Credentials", 401)
BAD_CODE: Final = Problem("UDAPI100057", "Invalid Auth code", 401)


class Scope(StrEnum):
    """What a token is good for."""

    FULL = "full"
    EXTENDED = "extended"  # for a year, and read-only


@dataclass(frozen=True, slots=True)
class App:
    """The application registered with the broker.

    Parameters
    ----------
    client_id, secret, redirect : str
    """

    client_id: str = "sim-client"
    secret: str = "sim-secret"  # noqa: S105  of nothing real
    redirect: str = "http://127.0.0.1/"


@dataclass(slots=True)
class Sessions:
    """Who is logged in.

    Parameters
    ----------
    app : App
    user : str

    Attributes
    ----------
    deaths : int
        How often all tokens have died before their time.
    """

    app: App = field(default_factory=App)
    user: str = "SIM001"
    deaths: int = 0
    _tokens: dict[str, tuple[Scope, int]] = field(default_factory=dict)
    _codes: dict[str, tuple[str, int]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))  # its next is one step: no two threads get the same

    def code(self, purpose: str, now: int) -> str:
        """Return a code that can be used once, within ten minutes, for a purpose: ``login``, ``market``, ``portfolio``."""
        said = f"{purpose} {next(self._numbers)} {now}".encode()
        made = hmac.new(self.app.secret.encode(), said, hashlib.sha256).hexdigest()[:24]
        self._codes[made] = (purpose, now + _CODE_NS)
        return made

    def take_code(self, code: str, purpose: str, now: int) -> bool:
        """Use a code up; return whether it was good for this purpose."""
        kept = self._codes.pop(code, None)
        return kept is not None and kept[0] == purpose and now < kept[1]

    def grant(self, now: int, scope: Scope = Scope.FULL) -> str:
        """Return a new token: a JWT whose ``exp`` says when it dies, 03:30 IST after it was issued."""
        dies = now + _YEAR_NS if scope is Scope.EXTENDED else next_end(now)
        claims = {"sub": self.user, "jti": f"{next(self._numbers):024x}", "isMultiClient": False, "isPlusPlan": True,
                  "isExtended": scope is Scope.EXTENDED, "iat": now // SECOND_NS, "iss": "udapi-gateway-service",
                  "exp": dies // SECOND_NS}  # fmt: skip
        head = _text({"typ": "JWT", "alg": "HS256"}) + "." + _text(claims)
        token = head + "." + _bytes(hmac.new(self.app.secret.encode(), head.encode(), hashlib.sha256).digest())
        self._tokens[token] = (scope, dies)
        return token

    def login(self, code: str, client_id: str, secret: str, redirect: str, now: int) -> tuple[str, str] | Problem:
        """Return an access token and an extended one for a code, or why there is none."""
        if (client_id, secret, redirect) != (self.app.client_id, self.app.secret, self.app.redirect):
            return CREDENTIALS
        if not self.take_code(code, "login", now):
            return BAD_CODE
        return self.grant(now), self.grant(now, Scope.EXTENDED)

    def check(self, token: str, now: int, *, writes: bool = False) -> Problem | None:
        """Return why a token does not do, or None."""
        scope, dies = self._tokens.get(token, (None, 0))
        if scope is None or now >= dies:
            return INVALID
        return READ_ONLY if writes and scope is Scope.EXTENDED else None

    def logout(self, token: str) -> None:
        """Let one token die."""
        self._tokens.pop(token, None)

    def kill(self) -> None:
        """Let all tokens die."""
        self._tokens.clear()
        self.deaths += 1


def _text(value: object) -> str:
    return _bytes(json.dumps(value, separators=(",", ":")).encode())


def _bytes(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
