"""Reading what a run needs of one leg: its own days, and those before that fill its windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from .core.errors import NothingToDo
from .core.instrument import Instrument
from .core.ist import day_index, day_start, to_date
from .core.leg import Leg
from .feeds.stored import Recorded, load, warm_up_start
from .store import TickStore
from .store.cache import DayCache
from .symbols import no_volume

_ATR_BARS: Final = 15  # the strategy's ATR needs 14 bars and the close before


class Loading(Protocol):
    """Loads the data of one leg: `load_leg`, or what does it once for many runs."""

    def __call__(self, store: TickStore, leg: Leg, settings: Mapping[str, Any], cache: DayCache | None, /) -> Recorded:
        """Return what `load_leg` returns."""
        ...


def load_leg(store: TickStore, leg: Leg, settings: Mapping[str, Any], cache: DayCache | None = None) -> Recorded:
    """Return what the store holds for a leg, warm-up included.

    Raises
    ------
    NothingToDo
        Nothing on its days, or no bar within a session.
    BadInput
        Without volume.
    """
    return load_from(store, leg, begin_of(store, leg, settings), cache)


def load_from(store: TickStore, leg: Leg, begin: int, cache: DayCache | None = None) -> Recorded:
    """Return what the store holds for a leg from `begin` (ns) to the end of its last day; errors as of `load_leg`."""
    symbol = leg.instrument.symbol
    recorded = load(store, leg.instrument, begin, day_start(leg.last_day + 1), cache)
    if not (recorded.bars.volume.any() or recorded.tape.size.any()):
        raise no_volume(symbol)
    if not len(recorded.bars):
        raise NothingToDo(f"{symbol}: no bar inside the session of {_days_of(leg)} (only prints outside it)")
    return recorded


def begin_of(store: TickStore, leg: Leg, settings: Mapping[str, Any]) -> int:
    """Return the ns from which on a leg is loaded; raise `NothingToDo` where the store has nothing on its days."""
    days = store.days(leg.instrument.symbol)
    if not any(leg.first_day <= d <= leg.last_day for d in days):
        raise NothingToDo(_no_data(leg, days))
    return max(warm_up_from(store, leg.instrument, leg.first_day, settings, leg.since), day_start(leg.since))


def warm_up_from(store: TickStore, instrument: Instrument, first: int, settings: Mapping[str, Any], since: int) -> int:
    """Return the ns from which on days before IST day `first` are loaded to fill the windows."""
    period, window = settings.get("period", 120), settings.get("window", "rolling")
    if window == "composite":
        sessions = [d for d in store.days(instrument.symbol) if since <= d < first][-period:]
        return day_start(sessions[0]) if sessions else day_start(first)
    begin = warm_up_start(store, instrument, first, period + _ATR_BARS)
    if window == "anchored" and settings.get("anchor", 0):
        begin = min(begin, day_start(day_index(settings["anchor"])))
    return begin


def _days_of(leg: Leg) -> str:
    first, last = to_date(leg.first_day), to_date(leg.last_day)
    return str(first) if first == last else f"{first} to {last}"


def _no_data(leg: Leg, days: list[int]) -> str:
    symbol = leg.instrument.symbol
    if not days:
        return f"the store knows {symbol} but holds no data of it: import or record some"
    return f"no data of {symbol} on {_days_of(leg)}: the store has {to_date(days[0])} to {to_date(days[-1])}"
