"""The levels of a day, read from a store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from .core.errors import BadInput, NothingToDo
from .core.instrument import Instrument, Kind
from .core.ist import MINUTE_NS, day_start, to_date
from .core.leg import Leg
from .core.levels import COMPOSITE_SESSIONS, MEAN_SESSIONS, NAKED_SESSIONS, Sheet, Traded, sheet_of
from .core.profile import Grid, VolumeSource, profile_of_ticks
from .instruments.names import ContractName
from .market.dated import OutsideKnownDates
from .market.expiries import next_expiry, underlyings
from .session_data import session_data, session_volume
from .store import TickStore


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a contract ends.

    Parameters
    ----------
    day : date or None
    is_rule : bool
        By the rule of its underlying, as nobody has said what the contract is.
    reason : str
        Why it is not known.
    """

    day: date | None
    is_rule: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class DayLevels:
    """The levels of one instrument for one day, and what they were made of.

    Parameters
    ----------
    day : int, IST day
    until : int or None, ns
        Nothing that was not known by then is in it; None: everything of the day.
    asked_composite : int, sessions
    sources : dict of day to VolumeSource
        What each session's volume was counted from; a session without volume is not in it.
    reason : str
        Why there is nothing of the day itself.
    """

    instrument: Instrument
    day: int
    until: int | None
    sheet: Sheet
    asked_composite: int
    sources: dict[int, VolumeSource]
    expiry: Expiry
    reason: str = ""


def levels_of(
    store: TickStore, leg: Leg, day: int, until: int | None = None, composite: int = COMPOSITE_SESSIONS
) -> DayLevels:  # fmt: skip
    """Return the levels of `leg` for IST `day`.

    Parameters
    ----------
    leg : Leg
        The contract, and since when its symbol means it.
    until : int or None, ns
        A time of the day: only what was known by then. None: the day as a whole.
    composite : int, sessions

    Raises
    ------
    NothingToDo
        The store holds no session of the contract up to then.
    BadInput
        `composite` is no number of sessions.

    Notes
    -----
    Of sessions before, what was told after `until` is left out too: a trade of yesterday told today.
    """
    if composite < 1:
        raise BadInput(f"composite {composite} must be 1 session or more")
    instrument = leg.instrument
    held = [d for d in store.days(instrument.symbol) if leg.since <= d <= day]
    sources: dict[int, VolumeSource] = {}
    # One more than the average needs, as the session before has an average of its own.
    wanted, before = max(NAKED_SESSIONS, MEAN_SESSIONS + 1, composite), list[Traded]()
    for d in reversed([d for d in held if d < day]):
        if len(before) == wanted:
            break
        found = _traded(store, instrument, d, until, sources)
        if found is not None and found.is_over:
            before.insert(0, found)
    today = _traded(store, instrument, day, until, sources) if day in held else None
    if today is None and not before:
        raise NothingToDo(_nothing(store, instrument, day, leg.since))
    reason = ""
    if today is None:
        reason = f"the store holds nothing of {to_date(day)}" if day not in held else "nothing in the session was known by then"
    return DayLevels(
        instrument, day, until, sheet_of(before, today, composite), composite, sources, _expiry(instrument, day), reason
    )


def _traded(
    store: TickStore, instrument: Instrument, day: int, until: int | None, sources: dict[int, VolumeSource]
) -> Traded | None:  # fmt: skip
    data = session_data(store, instrument, day, until)
    minutes = data.minutes()
    if not len(minutes):
        return None
    grid, none = Grid(instrument.tick), np.zeros(0, np.int64)
    volume = session_volume(data, grid)
    if volume is not None:
        sources[day] = volume.source
    begin, end = data.session.bounds(day)
    length = (end - begin) // MINUTE_NS
    elapsed = length if until is None else min(length, max(0, (until - begin) // MINUTE_NS))
    gaps = store.gaps(instrument.symbol, day_start(day), day_start(day + 1))
    told = [g for g in gaps if g.kind == "joined" and g.volume and (until is None or g.end <= until)]
    missed = any(g.end >= begin + MINUTE_NS for g in told)  # what traded before the open is no loss
    is_late = missed and int(minutes.at[0]) > 0
    profile = volume.profile if volume is not None else profile_of_ticks(none, none, grid)
    return Traded(day, minutes, profile, elapsed, length, is_late)


def _expiry(instrument: Instrument, day: int) -> Expiry:
    if instrument.kind not in {Kind.FUTURE, Kind.OPTION}:
        return Expiry(None, reason=f"{'an' if instrument.kind.value[0] in 'aeio' else 'a'} {instrument.kind.value} has none")
    if instrument.contract is not None:
        return Expiry(to_date(instrument.contract.expiry))
    name = ContractName.parse(instrument.name or instrument.symbol)
    when = to_date(day)
    if name is not None and name.is_continuous:
        try:
            if name.underlying in underlyings("monthly", when):
                return Expiry(next_expiry(name.underlying, "monthly", when), is_rule=True)
        except OutsideKnownDates as error:
            return Expiry(None, reason=str(error))
    return Expiry(None, reason="the store does not say which contract it is: instruments --refresh")


def _nothing(store: TickStore, instrument: Instrument, day: int, since: int) -> str:
    held = [d for d in store.days(instrument.symbol) if d >= since]
    if not held:
        return f"no data of {instrument.symbol} at all: import or record some first"
    return (f"no session of {instrument.symbol} up to {to_date(day)} and the time asked for: the store has {to_date(held[0])} to "
            f"{to_date(held[-1])}")  # fmt: skip
