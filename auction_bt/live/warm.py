"""Days that are over, for the windows of a live day to begin full."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auction_bt.core.ist import day_start
from auction_bt.core.leg import Leg
from auction_bt.feeds.stored import Recorded, load
from auction_bt.loading import warm_up_from
from auction_bt.store import TickStore
from auction_bt.store.cache import DayCache


def warm_days(
    store: TickStore, legs: Iterable[Leg], day: int, settings: Mapping[str, Any], cache: DayCache | None = None
) -> Iterator[Recorded]:
    """Yield what a store holds of each leg before IST day `day`, as much as a backtest of that day would load.

    Notes
    -----
    A symbol without earlier days yields nothing: its windows fill during the day.
    """
    for leg in legs:
        begin = max(warm_up_from(store, leg.instrument, day, settings, leg.since), day_start(leg.since))
        if begin < day_start(day):
            recorded = load(store, leg.instrument, begin, day_start(day), cache)
            if len(recorded.bars):
                yield recorded
