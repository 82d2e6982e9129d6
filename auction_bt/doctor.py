"""Whether machine, store and state folder are fit to record and trade: each check a finding, each problem with its cure.

Needs the standard library alone, because a missing package is one of the things it must be able to say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

OLDEST_PYTHON: Final = (3, 11)
INSTRUMENT_DAY: Final = (15_000_000, 22_000_000)  # bytes of messages, as measured on real days
ON_TOP: Final = 1.3  # what ticks, bars, indexes and half-filled pages add to the texts of messages
_SANE_YEARS: Final = range(2025, 2100)
_YEAR_NS: Final = 31_556_952 * 10**9
_DRIFT_S: Final = 2.0
_LITTLE, _TOO_LITTLE = 5 * 10**9, 500 * 10**6  # bytes
_FEW_DAYS, _TOO_FEW_DAYS = 30, 2
CHANGES_AHEAD: Final = 14  # days in which a change of hours is told
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*\])?\s*\(?([^;)]*)\)?\s*(;.*)?")
_BOUND: Final = re.compile(r"(>=|<=|==|!=|~=|>|<)\s*([0-9][0-9A-Za-z.*+!-]*)")


class Level(StrEnum):
    """How it stands."""

    PASS = "PASS"  # noqa: S105 # no password
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: how it stands, with what, and what to do."""

    level: Level
    what: str
    told: str

    def __str__(self) -> str:
        return f"{self.level}  {self.what}: {self.told}"


@dataclass(frozen=True, slots=True)
class RecordedDay:
    """How much was recorded on a day.

    Parameters
    ----------
    name : str
        Its date.
    messages : int
    mean : float, bytes
        Of a message.
    """

    name: str
    messages: int
    mean: float

    @property
    def size(self) -> float:
        """Bytes that such a day takes, with what is derived from it."""
        return self.messages * self.mean * ON_TOP


def passed(what: str, told: str) -> Finding:
    """Return a finding that all is well."""
    return Finding(Level.PASS, what, told)


def warned(what: str, told: str) -> Finding:
    """Return a finding of what works and will bite."""
    return Finding(Level.WARN, what, told)


def failed(what: str, told: str) -> Finding:
    """Return a finding of what does not work."""
    return Finding(Level.FAIL, what, told)


def python(version: tuple[int, ...]) -> Finding:
    """Judge the version of Python."""
    shown = ".".join(map(str, version[:3]))
    if version[:2] < OLDEST_PYTHON:
        return failed(
            "python", f"{shown} is too old: install {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer and run make install"
        )
    return passed("python", shown)


def packages(needed: Iterable[tuple[str, str | None]]) -> list[Finding]:
    """Judge installed packages.

    Parameters
    ----------
    needed : iterable of (str, str or None)
        Each requirement as our metadata has it, and the version that is installed, None where none is.
    """
    found, fitting = [], 0
    for requirement, installed in needed:
        name, bounds = parsed(requirement)
        wanted = name + ",".join(f"{sign}{bound}" for sign, bound in bounds)
        if installed is not None and fits(installed, bounds):
            fitting += 1
        else:
            how = "is missing" if installed is None else f"{installed} does not fit"
            found.append(failed("packages", f"{name} {how}: run make install, or pip install '{wanted}'"))
    return found or [passed("packages", f"{fitting} installed in the versions needed")]


def is_always_needed(requirement: str) -> bool:
    """Return whether a requirement is no extra's."""
    return "extra" not in requirement.partition(";")[2]


def parsed(requirement: str) -> tuple[str, list[tuple[str, str]]]:
    """Return the name and the bounds of a requirement."""
    match = _REQUIREMENT.match(requirement)
    if match is None:
        return requirement, []
    return match[1], sorted(_BOUND.findall(match[2]), key=lambda b: (b[0].startswith("<"), b))


def fits(version: str, bounds: Iterable[tuple[str, str]]) -> bool:
    """Return whether a version keeps to all bounds; by its numbers alone, which is all that our own bounds have."""
    mine = _numbers(version)
    for sign, bound in bounds:
        other = _numbers(bound)
        width = max(len(mine), len(other))
        a, b = (n + (0,) * (width - len(n)) for n in (mine, other))
        kept = {">=": a >= b, "<=": a <= b, "==": a == b, "!=": a != b, ">": a > b, "<": a < b,
                "~=": a >= b and mine[: len(other) - 1] == other[:-1]}  # fmt: skip
        if not kept[sign]:
            return False
    return True


def clock(now: int) -> Finding:
    """Judge this machine's time (ns)."""
    year = 1970 + now // _YEAR_NS
    if year not in _SANE_YEARS:
        return failed("clock", f"it says the year {year}: set it and keep it by NTP; messages are stamped with it")
    return passed("clock", "a sane year")


def server_clock(offset_ns: int) -> Finding:
    """Judge how far the server's time is ahead of ours."""
    seconds = offset_ns / 1e9
    if abs(seconds) > _DRIFT_S:
        ahead = "ahead of" if seconds > 0 else "behind"
        return warned("clock", f"the server's is {abs(seconds):.1f} s {ahead} this machine's: keep both by NTP")
    return passed("clock", f"within {_DRIFT_S:.0f} s of the server's")


def loopback(host: str) -> Finding:
    """Judge the way to the server."""
    if is_loopback(host):
        return passed("network", "the server is on this machine")
    return warned("network", f"{host} is not this machine, neither port has TLS, so passwords and data go in clear: use an SSH "
                             f"tunnel (ssh -L 8812:127.0.0.1:8812 -L 9000:127.0.0.1:9000 {host}) and 127.0.0.1")  # fmt: skip


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine by its name."""
    return host in {"localhost", "::1"} or host.startswith("127.")


def calendar(left: int, known_to: str) -> Finding:
    """Judge for how many days from now the exchanges' days are known.

    Parameters
    ----------
    left : int
        From today to the last known day; negative where that is past.
    known_to : str
        The last known day.
    """
    told = f"the exchanges' days are known to {known_to}"
    if left < _FEW_DAYS:
        return warned("calendar", f"{told}: upgrade, or add the next year's list by AUCTION_CALENDAR (docs/operations.md)")
    return passed("calendar", told)


def changes(begins: Iterable[tuple[str, str]]) -> list[Finding]:
    """Judge what is about to change.

    Parameters
    ----------
    begins : iterable of (str, str)
        The days in the next `CHANGES_AHEAD` on which other hours begin, and the certainty of that.
    """
    return [warned("hours", f"other hours from {day} ({how}): auction-bt calendar --date {day} tells them, --check the broker's")
            for day, how in begins]  # fmt: skip


def disk(what: str, free: int) -> Finding:
    """Judge the free bytes of a disk."""
    if free < _TOO_LITTLE:
        return failed(what, f"{size(free)} free: make room now; recording stops when it is full")
    if free < _LITTLE:
        return warned(what, f"{size(free)} free: make room, archive old days (auction-bt archive --older-than 30d)")
    return passed(what, f"{size(free)} free")


def days_left(free: int, day: RecordedDay | None) -> Finding:
    """Judge for how long recording can go on.

    Parameters
    ----------
    free : int, bytes
    day : RecordedDay or None
        A day as they come; None where nothing was recorded yet.
    """
    if day is None or not day.size:
        low, high = (free / each / ON_TOP for each in (INSTRUMENT_DAY[1], INSTRUMENT_DAY[0]))
        told = f"room for {low:,.0f} to {high:,.0f} days of one instrument, by rule of thumb (15-22 MB of messages each)"
        return passed("days left", told) if low >= _FEW_DAYS else warned("days left", f"{told}: make room before recording")
    left = free / day.size
    told = f"room for {left:,.0f} days like {day.name} ({day.messages:,} messages, {size(day.size)} with what is made of them)"
    if left < _TOO_FEW_DAYS:
        return failed("days left", f"{told}: make room now, archive old days (auction-bt archive --older-than 30d)")
    if left < _FEW_DAYS:
        return warned("days left", f"{told}: archive old days (auction-bt archive --older-than 30d) or make room")
    return passed("days left", told)


def state_folder(path: str, *, is_there: bool, is_writable: bool, mode: int) -> Finding:
    """Judge the folder of the journal, the spool and the caches.

    Parameters
    ----------
    is_writable : bool
        Where it is not there, of the folder it would be made in.
    mode : int
        Its permission bits; 0 where they mean nothing.
    """
    if not is_writable:
        cure = "give its permissions to this user, or name another by --state"
        return failed("state", f"{path} cannot be {'written' if is_there else 'made'}: {cure}")
    if not is_there:
        return passed("state", f"{path} is not there yet and can be made")
    if mode & 0o022:
        return warned("state", f"{path} may be written by others of this machine: chmod 700 {path}")
    if mode & 0o044:
        return passed("state", f"{path} is writable (others of this machine may read it: chmod 700 {path} keeps it private)")
    return passed("state", f"{path} is writable, and private")


def spool(waiting: int, dead: int, target: str) -> list[Finding]:
    """Judge what recording left between the feed and the store."""
    found = []
    if waiting:
        told = f"{waiting:,} messages wait for {target}: they are safe, and a running record sends them; else start it again"
        found.append(warned("spool", told))
    if dead:
        told = f"{dead:,} dead letters, which no store takes: table dead_letters of spool.db has each with its reason"
        found.append(warned("spool", told))
    return found or [passed("spool", "nothing waits, no dead letters")]


def size(count: float) -> str:
    """Return a number of bytes for people."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count / 1e3:,.1f} kB"


def _numbers(version: str) -> tuple[int, ...]:
    match = re.match(r"(?:\d+!)?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, match[1].split("."))) if match else (0,)
