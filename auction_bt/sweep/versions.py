"""What computes the trades of a trial: the same in every process of a sweep, or its results could not be held together."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from functools import cache
from hashlib import blake2b
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import auction_bt
from auction_bt.market.days import VARIABLE

_THIRD: Final = ("backtrader", "numpy", "numba")
# What no trade depends on: changing it leaves results as they are.
_ASIDE: Final = frozenset({"cli", "page", "viewer", "sim", "live", "upstox", "fetching", "sweep", "plots.py", "report.py"})


def versions() -> dict[str, str]:
    """Return the versions of this process by name."""
    return {
        "auction_bt": auction_bt.__version__,
        "code": code(),
        "python": ".".join(platform.python_version_tuple()[:2]),
        **_third(),
        "calendar": own_days(),
    }


def differences(theirs: Mapping[str, str]) -> str:
    """Return what another process has in other versions than this one: ``numpy 1.26.4 (here 2.4.0)``; empty where nothing."""
    own = versions()
    names = [name for name in own if theirs.get(name) != own[name]]
    return ", ".join(f"{_NAMED.get(name, name)} {theirs.get(name) or 'none'} (here {own[name] or 'none'})" for name in names)


_NAMED: Final = {"code": "sources of the fingerprint", "calendar": "a file of AUCTION_CALENDAR with the fingerprint"}


@cache
def code() -> str:
    """Return a fingerprint of the sources that decide trades, and of the tables they read."""
    found = blake2b(digest_size=8)
    for name, path in sorted(_sources(files(auction_bt), "")):
        found.update(name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


@cache
def _third() -> dict[str, str]:
    return {name: version(name) for name in _THIRD}


def own_days() -> str:
    """Return a fingerprint of the user's own trading days; empty where there are none."""
    path = os.environ.get(VARIABLE, "")
    if not path:
        return ""
    try:
        with open(path, "rb") as file:
            return blake2b(file.read(), digest_size=8).hexdigest()
    except OSError as error:
        return f"unreadable: {error.strerror}"


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found: list[tuple[str, Traversable]] = []
    for path in folder.iterdir():
        if path.name in _ASIDE:
            continue
        if path.is_dir():
            found += _sources(path, f"{prefix}{path.name}/")
        elif path.name.endswith((".py", ".csv")):
            found.append((prefix + path.name, path))
    return found
