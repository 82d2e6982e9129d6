"""Charts of stored days: what the strategy would have seen in them, by the settings of a run."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np

from auction_bt.backtest import Request, Traced, read, run_on
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Kind
from auction_bt.core.ist import day_index, from_date, to_date
from auction_bt.core.leg import Leg
from auction_bt.core.tick import F64
from auction_bt.instruments.book import InstrumentBook
from auction_bt.page.columns import symbol_columns
from auction_bt.settings import BY_NAME
from auction_bt.shown import rows_by_bar, session_levels
from auction_bt.store import TickStore
from auction_bt.symbols import find_legs

MOST_DAYS: Final = 40
_KEPT: Final = 12
# Of one feed alone, or what a chart does not show: a run's own word on them means nothing here.
_NOT_OF_A_CHART: Final = frozenset({"slippage", "own_profile"})


class Charts:
    """Makes charts from a store and keeps the last few. Belongs to the thread that asks the store.

    Parameters
    ----------
    state : Path
        Where the instrument masters are, by which names are understood.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._kept: OrderedDict[tuple[Any, ...], Traced] = OrderedDict()

    def traced(self, store: TickStore, symbol: str, begin: date, end: date, settings: Mapping[str, Any]) -> Traced:
        """Return what the strategy saw in one contract on some days.

        Raises
        ------
        BadInput
            Too many days, several contracts, a symbol that is not in the store.
        NothingToDo
            Nothing is stored of them.
        """
        days = range(from_date(begin), from_date(end) + 1)
        if not 0 < len(days) <= MOST_DAYS:
            raise BadInput(f"{len(days)} days: a chart shows 1 to {MOST_DAYS}")
        chosen = {k: v for k, v in settings.items() if k in BY_NAME and k not in _NOT_OF_A_CHART and v != BY_NAME[k].default}
        leg = self._leg(store, symbol, days)
        key = leg.instrument.symbol
        # A seal changes with what is stored of its day; the warm-up and yesterday's levels lie in days before.
        seals = store.seals(key, range(days.stop))
        place = (key, days, tuple(sorted(chosen.items())), tuple(sorted(seals.items())))
        found = self._kept.pop(place, None)
        if found is None:
            if leg.instrument.kind is Kind.OPTION:
                chosen["own_profile"] = True  # looked at, not traded
            request = Request((symbol,), begin, end, chosen, legs=(leg,))
            (found,) = run_on(store, list(read(store, request)), request).traced
        self._kept[place] = found
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found

    def warm(self, store: TickStore) -> None:
        """Make the chart that is likely to be asked for first, and with it load what every chart needs: compiled kernels."""
        held = [h for h in store.holdings() if h.volume]
        if held:
            newest = max(held, key=lambda h: (h.day, -len(h.symbol)))
            self.traced(store, newest.symbol, to_date(newest.day), to_date(newest.day), {})

    def seals(self, store: TickStore) -> dict[tuple[str, range], dict[int, int]]:
        """Return the seals of the days that were shown lately: equal while the days are."""
        return {(symbol, days): store.seals(symbol, days) for symbol, days in {(place[0], place[1]) for place in self._kept}}

    def _leg(self, store: TickStore, symbol: str, days: range) -> Leg:
        if any(i.symbol == symbol for i in store.instruments()):
            held = [d for d in store.days(symbol) if d in days]
            if not held:
                raise NothingToDo(f"nothing of {symbol} is stored on {to_date(days.start)} to {to_date(days.stop - 1)}")
        book = InstrumentBook.open_loaded(self._state)
        try:
            legs = [leg for leg in find_legs(store, book, [symbol], days) if leg.has_data]
        finally:
            if book is not None:
                book.close()
        if len(legs) != 1:
            names = ", ".join(leg.instrument.symbol for leg in legs) or "none"
            raise BadInput(f"{symbol} is not one contract on these days ({names}): name one")
        return legs[0]


def chart_json(traced: Traced) -> dict[str, Any]:
    """Return one symbol's chart as plain JSON values; see docs/viewer.md for the fields."""
    found = symbol_columns(traced)
    tick, bars = float(traced.recorded.instrument.tick), traced.recorded.bars
    lead = len(bars) - len(found["t"])
    days = day_index(bars.ts[lead:])
    shown, starts = np.unique(days, return_index=True)
    session = session_levels(traced)[lead:]
    spec = traced.strategy.profile.spec
    found |= {
        "days": [to_date(int(day)).isoformat() for day in shown],
        "starts": starts.tolist(),
        "session": {name: _ticks(session[:, i], tick) for i, name in enumerate(("poc", "vah", "val"))},
        "window": spec.kind.value,
        "period": spec.period,
        "lead": lead,
        "rows": None,
    }
    if len(shown) == 1:
        rows = rows_by_bar(traced)
        found["rows"] = {"at": rows.at.tolist(), "k": rows.k.tolist(), "v": rows.volume.tolist(), "step": spec.ticks_per_row}
    return found


def _ticks(prices: F64, tick: float) -> list[int | None]:
    return [None if np.isnan(p) else round(p / tick) for p in prices.tolist()]
