"""The access token: where it is looked for, what it says of itself, where a login keeps it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, clock_text, day_index, day_start, to_date
from auction_bt.secret_file import keep_secret, read_secret

VARIABLE: Final = "UPSTOX_ACCESS_TOKEN"
FILE: Final = "token"
_ENDS: Final = (3 * 60 + 30) * MINUTE_NS  # IST, whenever it was got


@dataclass(frozen=True, slots=True)
class Token:
    """An access token; its text is in no representation of it.

    Parameters
    ----------
    text : str
    source : str
        Where it was found.
    expires : int, ns
        As it says itself; 0 where it does not say.
    is_read_only : bool
        It says of itself that it gives no orders: good to record and to fetch.
    """

    text: str = field(repr=False)
    source: str
    expires: int = 0
    is_read_only: bool = False

    @classmethod
    def of(cls, text: str, source: str) -> Token:
        """Return a token from its text, by what it says of itself; that is not proved, the broker does that."""
        claims = _claims(text)
        expires = claims.get("exp")
        return cls(
            text, source, int(expires) * SECOND_NS if isinstance(expires, int | float) else 0, claims.get("isExtended") is True
        )

    def has_ended(self, now: int) -> bool:
        """Whether it has, by what it says itself."""
        return 0 < self.expires <= now

    def describe(self, now: int) -> str:
        """Return where it is from and until when it is good."""
        what = "read-only token" if self.is_read_only else "token"
        if not self.expires:
            return f"{what} from {self.source}; it does not say when it ends: the broker ends each at 03:30 IST"
        when = f"{to_date(day_index(self.expires))} {clock_text(self.expires)[:5]} IST"
        if self.has_ended(now):
            return f"{what} from {self.source}, which ended at {when}"
        days, minutes = divmod((self.expires - now) // MINUTE_NS, DAY_NS // MINUTE_NS)
        left = f"{f'{days} d ' if days else ''}{minutes // 60} h {minutes % 60} m"
        return f"{what} from {self.source}, good until {when}, {left} from now"


@dataclass(frozen=True, slots=True)
class TokenPlace:
    """Where a token may be.

    Parameters
    ----------
    name : str
        As it is told to the user.
    read : callable
        Returns what is there now, '' where there is nothing; raises `BadInput` where it cannot be read or others can.
    """

    name: str
    read: Callable[[], str]


def in_environment(environ: Mapping[str, str], variable: str = VARIABLE) -> TokenPlace:
    """Return the place that a variable is."""
    return TokenPlace(variable, lambda: environ.get(variable, "").strip())


def in_state(state: Path) -> TokenPlace:
    """Return the place where `keep_token` keeps."""
    return TokenPlace(str(state / FILE), lambda: read_secret(state / FILE, "the token", "run `login` anew"))


def first_token(places: Iterable[TokenPlace], now: int) -> Token | None:
    """Return the token of the first place that has one of today, else the first that has ended; None where there is none.

    Notes
    -----
    A place with yesterday's token is passed over, or a login of today, kept in a later place, would never be found.
    """
    ended: Token | None = None
    for place in places:
        if text := place.read():
            token = Token.of(text, place.name)
            if not token.has_ended(now):
                return token
            ended = ended or token
    return ended


def find_token(places: Iterable[TokenPlace], now: int) -> Token:
    """Return the token of the first place that has one of today.

    Parameters
    ----------
    places : iterable of TokenPlace
        The first comes first.
    now : int, ns

    Raises
    ------
    BadInput
        There is none, all have ended, or others may read the file it is in.
    """
    token = first_token(places, now)
    if token is None:
        raise BadInput(f"no access token: set {VARIABLE} to one of today, or run `login` (it ends at 03:30 each night)")
    if token.has_ended(now):
        raise BadInput(f"the {token.describe(now)}: run `login` for one of today")
    return token


def next_end(now: int) -> int:
    """Return when the broker ends a day's token that was got at `now` (ns): the next 03:30 IST."""
    today = int(day_start(day_index(now))) + _ENDS
    return today if now < today else today + DAY_NS


def keep_token(state: Path, text: str) -> Path:
    """Write a token where `in_state` looks, for its owner alone, whole or not at all; return where."""
    return keep_secret(state / FILE, text)


def _claims(text: str) -> Mapping[str, Any]:
    # A JWT: three parts, the middle one JSON.
    parts = text.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
