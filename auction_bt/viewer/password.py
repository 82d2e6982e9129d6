"""The viewer's password: its hash alone is kept, in a file for its owner alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from werkzeug.security import generate_password_hash

from auction_bt.core.errors import BadInput
from auction_bt.secret_file import keep_secret, read_secret

VARIABLE: Final = "AUCTION_VIEWER_PASSWORD"
FILE: Final = "viewer-password"
_LEAST: Final = 8


def password_hash(state: Path, environ: Mapping[str, str]) -> str:
    """Return the hash of the password of the environment, else the one kept in a state folder; '' for none.

    Raises
    ------
    BadInput
        Others may read the file it is in.
    """
    if given := environ.get(VARIABLE, ""):
        return generate_password_hash(_checked(given))
    return read_secret(state / FILE, "the password's hash", "run `viewer --set-password` anew")


def keep_password(state: Path, given: str) -> Path:
    """Keep the hash of a password, whole or not at all; return where."""
    return keep_secret(state / FILE, generate_password_hash(_checked(given)))


def _checked(given: str) -> str:
    if len(given) < _LEAST:
        raise BadInput(f"the viewer's password must have {_LEAST} characters or more")
    return given
