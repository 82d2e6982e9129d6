"""The access token: where it is looked for, what it says of itself, where a login keeps it."""

from __future__ import annotations

import base64
import json
import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkstemp
from typing import Any, Final

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, clock_text, day_index, to_date

VARIABLE: Final = "UPSTOX_ACCESS_TOKEN"
FILE: Final = "token"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


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


def find_token(state: Path, environ: Mapping[str, str], now: int) -> Token:
    """Return the access token: of the environment, else the one that `login` has kept.

    Parameters
    ----------
    state : Path
        The state folder.
    environ : mapping of str to str
    now : int, ns

    Raises
    ------
    BadInput
        There is none, it has ended, or others may read the file it is in.
    """
    kept = state / FILE
    if text := environ.get(VARIABLE, "").strip():
        token = Token.of(text, VARIABLE)
    elif text := _read(kept):
        token = Token.of(text, str(kept))
    else:
        raise BadInput(f"no access token: set {VARIABLE} to one of today, or run `login` (it ends at 03:30 each night)")
    if token.has_ended(now):
        raise BadInput(f"the {token.describe(now)}: run `login` for one of today")
    return token


def keep_token(state: Path, text: str) -> Path:
    """Write a token where `find_token` looks, for its owner alone, whole or not at all; return where."""
    state.mkdir(parents=True, exist_ok=True)
    number, name = mkstemp(dir=state, prefix=f"{FILE}.")  # made for its owner alone
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(state / FILE)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return state / FILE


def _read(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise BadInput(f"the token in {path} cannot be read ({error}): run `login` anew") from error
    if sys.platform != "win32" and mode & _OTHERS:
        raise BadInput(f"others may read the token in {path}: chmod 600 {path}, or run `login` anew")
    return text


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
