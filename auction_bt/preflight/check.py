"""One line of the preflight."""

from __future__ import annotations

from dataclasses import dataclass

from auction_bt.doctor import Level


@dataclass(frozen=True, slots=True)
class Check:
    """How one thing stands.

    Parameters
    ----------
    name : str
    level : Level
    what : str
        What was found.
    cure : str
        What to do about it; empty where it is well.
    """

    name: str
    level: Level
    what: str
    cure: str = ""

    def __str__(self) -> str:
        return f"{self.level}  {self.name}: {self.what}" + (f": {self.cure}" if self.cure else "")


def passed(name: str, what: str) -> Check:
    """Return a check that all is well."""
    return Check(name, Level.PASS, what)


def warned(name: str, what: str, cure: str) -> Check:
    """Return a check of what does not stop the day."""
    return Check(name, Level.WARN, what, cure)


def failed(name: str, what: str, cure: str) -> Check:
    """Return a check of what must be mended first."""
    return Check(name, Level.FAIL, what, cure)
