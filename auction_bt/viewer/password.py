"""The viewer's password: its hash alone is kept, in a file for its owner alone."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from werkzeug.security import generate_password_hash

from auction_bt.core.errors import BadInput

VARIABLE: Final = "AUCTION_VIEWER_PASSWORD"
FILE: Final = "viewer-password"
_LEAST: Final = 8
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def password_hash(state: Path, environ: Mapping[str, str]) -> str:
    """Return the hash of the password of the environment, else the one kept in a state folder; '' for none.

    Raises
    ------
    BadInput
        Others may read the file it is in.
    """
    if given := environ.get(VARIABLE, ""):
        return generate_password_hash(_checked(given))
    path = state / FILE
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{path} cannot be read ({error}): run `viewer --set-password` anew") from error
    if sys.platform != "win32" and mode & _OTHERS:
        raise BadInput(f"others may read {path}: chmod 600 {path}")
    return text


def keep_password(state: Path, given: str) -> Path:
    """Keep the hash of a password, whole or not at all; return where."""
    made = generate_password_hash(_checked(given))
    state.mkdir(parents=True, exist_ok=True)
    number, name = mkstemp(dir=state, prefix=f"{FILE}.")  # made for its owner alone
    try:
        with os.fdopen(number, "w", encoding="ascii") as file:
            file.write(made + "\n")
        Path(name).replace(state / FILE)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    return state / FILE


def _checked(given: str) -> str:
    if len(given) < _LEAST:
        raise BadInput(f"the viewer's password must have {_LEAST} characters or more")
    return given
