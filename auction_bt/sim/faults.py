"""What goes wrong and when: a plan made from a seed, or written by hand, so that a bad day can be had again."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from auction_bt.core.errors import BadInput


class FaultKind(StrEnum):
    """What goes wrong with a call."""

    ERROR = "error"  # an HTTP status of 500 or more, and nothing is done
    SLOW = "slow"  # done at once, answered late
    RATE = "rate"  # 429, though there were not too many calls
    RESET = "reset"  # the connection breaks before anything is done
    LOST = "lost"  # it is done, and the connection breaks before the answer
    EARLY = "early"  # the feed tells of it before the answer comes
    TOKEN = "token"  # all tokens die: 401 from here on, until somebody logs in  # noqa: S105
    REJECT = "reject"  # the order is rejected; a change or a cancel fails


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Parameters
    ----------
    kind : FaultKind
    call : int
        At which call it begins, from 1 on.
    on : str
        Which calls are counted: ``place``, ``modify``, ``cancel``, ``exit``, ``read``, ``login``; '' for all of them.
    times : int
        At how many calls in a row.
    status : int
        Of an ERROR.
    seconds : float
        Of a SLOW answer.
    text : str
        Why an order is rejected.
    """

    kind: FaultKind
    call: int
    on: str = ""
    times: int = 1
    status: int = 503
    seconds: float = 1.0
    text: str = "RMS:Blocked by the fault plan"

    def __post_init__(self) -> None:
        if self.call < 1 or self.times < 1 or not 500 <= self.status <= 599 or not 0 <= self.seconds <= 600:
            raise BadInput(
                f"fault {self.kind} at call {self.call}: calls count from 1, a status is 500 to 599, a wait up to 600 s"
            )

    def is_at(self, on: str, call: int) -> bool:
        """Return whether it happens at the call with this number of this group."""
        return self.on == on and self.call <= call < self.call + self.times


_ON: Final = frozenset({"", "place", "modify", "cancel", "exit", "read", "login"})


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """All that goes wrong.

    Parameters
    ----------
    faults : tuple of Fault
    seed : int or None
        It was made from.
    """

    faults: tuple[Fault, ...] = ()
    seed: int | None = None

    def at(self, group: str, number: int, total: int) -> tuple[Fault, ...]:
        """Return what happens at a call: the `number`-th of its `group`, the `total`-th of all."""
        return tuple(fault for fault in self.faults if fault.is_at(group, number) or fault.is_at("", total))


def plan_of_seed(
    seed: int, *, calls: int = 2000, share: float = 0.02, kinds: Iterable[FaultKind] = tuple(FaultKind)
) -> FaultPlan:
    """Return a plan in which about `share` of the first `calls` calls go wrong; the same seed, the same plan."""
    rng = np.random.default_rng(seed)
    chosen = tuple(kinds)
    if not chosen or not 0 <= share <= 1:
        raise BadInput("a plan of faults needs a kind of fault, and a share of 0 to 1")
    bad = np.flatnonzero(rng.random(calls) < share) + 1
    which = rng.integers(len(chosen), size=len(bad))
    seconds = rng.uniform(0.1, 3.0, size=len(bad))
    status = rng.choice([500, 502, 503, 504], size=len(bad))
    faults = (
        Fault(chosen[w], int(call), status=int(code), seconds=round(float(wait), 2))
        for call, w, wait, code in zip(bad, which, seconds, status, strict=True)
    )
    return FaultPlan(tuple(faults), seed)


def plan_of(said: Mapping[str, Any], where: str = "plan") -> FaultPlan:
    """Return the plan that a table says: ``seed`` (with ``calls`` and ``share``), ``faults``, or both."""
    rows, seed = said.get("faults", []), said.get("seed")
    try:
        made = plan_of_seed(seed, **{n: said[n] for n in ("calls", "share") if n in said}).faults if seed is not None else ()
        faults = tuple(Fault(**{**row, "kind": FaultKind(row["kind"])}) for row in rows)
    except (KeyError, TypeError, ValueError) as error:
        kinds = ", ".join(FaultKind)
        raise BadInput(f"{where}: not a plan of faults ({error}); each fault has a kind ({kinds}) and a call") from error
    strange = sorted({fault.on for fault in faults} - _ON)
    if strange:
        raise BadInput(f"{where}: no calls are named {', '.join(strange)}: there are {', '.join(sorted(_ON - {''}))}")
    return FaultPlan(made + faults, seed)


def read_plan(path: Path) -> FaultPlan:
    """Return the plan in a file: TOML, or JSON where its name ends so.

    Raises
    ------
    BadInput
        It cannot be read, or is no plan.
    """
    return plan_of(read_table(path), str(path))


def read_table(path: Path) -> Mapping[str, Any]:
    """Return what a file of faults says: ``faults`` of calls, ``sockets``, a ``seed``."""
    try:
        text = path.read_text("utf-8")
        said = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read as a plan of faults ({error})") from error
    if not isinstance(said, dict):
        raise BadInput(f"{path}: not a plan of faults: it must be a table")
    strange = sorted(set(said) - {"faults", "sockets", "seed", "calls", "share"})
    if strange:
        raise BadInput(f"{path}: a plan of faults has no {', '.join(strange)}: there are faults, sockets, seed, calls, share")
    return said
