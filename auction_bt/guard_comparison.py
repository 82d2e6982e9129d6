"""What guards do: the same days without them, with all of them, and with each alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from .backtest import Request, Run, located, read, run_on
from .core.bootstrap import MeanOfDays, bootstrap_mean
from .core.errors import BadInput
from .core.evidence import daily_nets
from .guard_settings import DESIGN, GUARD_SETTINGS, MOST_ADDS
from .result import BacktestResult, plain, to_json
from .settings import BY_NAME
from .store import TickStore
from .store.cache import DayCache
from .weighing import bars_of, days_of

OFF: Final = "none"
ALL: Final = "all"
#: What a guard says in the decision log, where that is not its name.
_SAYS: Final[Mapping[str, tuple[str, ...]]] = {"order rate": ("order rate", "order count")}


@dataclass(frozen=True, slots=True)
class GuardRun:
    """One run, and which guards were on in it.

    Parameters
    ----------
    name : str
        Of the one guard; ``none``, ``all``.
    settings : dict
        Of its guards, those on.
    run : Run
    """

    name: str
    settings: Mapping[str, Any]
    run: Run


@dataclass(frozen=True, slots=True)
class GuardEffect:
    """What came of one such run.

    Parameters
    ----------
    name, settings
        See `GuardRun`.
    number : int
        Of the run in the journal.
    result : BacktestResult
    refused : int
        Signals that its guards refused.
    ahead : MeanOfDays or None
        What it netted more a day than the run without guards, the same days paired; None for fewer than two days.
    """

    name: str
    settings: Mapping[str, Any]
    number: int
    result: BacktestResult
    refused: int
    ahead: MeanOfDays | None


def run_guards(store: TickStore, request: Request, cache: DayCache | None = None) -> Iterator[GuardRun]:
    """Yield the run without guards, those with one alone, and the one with all, on data read once.

    Parameters
    ----------
    store : TickStore
    request : Request
        Its settings of guards, where they differ from the defaults, take the place of the recommended ones.
    cache : DayCache, optional

    Raises
    ------
    BadInput, NothingToDo
        As `backtest.run_backtest`.
    """
    request = located(store, request)
    names = [name for of_guard in GUARD_SETTINGS.values() for name in of_guard]
    given = {name: value for name, value in request.settings.items() if name in names}
    bare = {name: value for name, value in request.settings.items() if name not in names}
    wanted = {**DESIGN, **MOST_ADDS, **given}
    alone = {guard: {n: wanted[n] for n in of_guard if n in wanted} for guard, of_guard in GUARD_SETTINGS.items()}
    alone = {guard: chosen for guard, chosen in alone.items() if _is_on(chosen)}
    every = {name: value for chosen in alone.values() for name, value in chosen.items() if name in DESIGN or name in given}
    if not every:
        raise BadInput("all guards are set to off: there is nothing to compare")
    data = list(read(store, request, cache))
    for name, chosen in ((OFF, {}), *alone.items(), (ALL, every)):
        yield GuardRun(name, chosen, run_on(store, data, replace(request, settings=bare | chosen)))


def effects_of(runs: Iterable[tuple[int, GuardRun]]) -> list[GuardEffect]:
    """Return what came of runs, each with its number in the journal; the first is the one without guards."""
    found: list[GuardEffect] = []
    without: list[Any] = []
    for number, each in runs:
        result = each.run.result
        nets = daily_nets(result.trades, days_of(bars_of(each.run)))
        without = without or nets
        lead = [mine - theirs for mine, theirs in zip(nets, without, strict=True)]
        ahead = bootstrap_mean(lead, 0) if found else None
        guards = GUARD_SETTINGS if each.name == ALL else (each.name,)
        said = {reason for guard in guards for reason in _SAYS.get(guard, (guard,))}
        refused = sum(count for reason, count in result.summary.refused if reason in said)
        found.append(GuardEffect(each.name, each.settings, number, result, refused, ahead))
    return found


def as_json(found: Iterable[GuardEffect]) -> dict[str, Any]:
    """Return the runs as plain JSON values."""
    return {
        "schema": 1,
        "guards": [
            {
                "guard": e.name, "run": e.number, "on": plain(dict(e.settings)), "refused": e.refused,
                "ahead_a_day": None if e.ahead is None else plain(asdict(e.ahead)), "summary": to_json(e.result)["summary"],
            }
            for e in found
        ],
    }  # fmt: skip


def _is_on(chosen: Mapping[str, Any]) -> bool:
    return any(value != BY_NAME[name].default for name, value in chosen.items())
