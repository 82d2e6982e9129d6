"""What a store holds of one session: its ticks and bars, the volume and the minutes made from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .core.bar import BarColumns
from .core.bins import bars_of_ticks, bins_of
from .core.instrument import Instrument, to_ticks
from .core.ist import MINUTE_NS, day_start
from .core.minutes import Minutes
from .core.profile import Grid, Method, Profile, VolumeSource, profile_of_candles, profile_of_ticks
from .core.session import Session
from .core.tick import TickColumns
from .feeds.stored import inside
from .market.sessions import session_of
from .store import TickStore


@dataclass(frozen=True, slots=True, eq=False)
class SessionData:
    """Ticks and bars of one IST day.

    Parameters
    ----------
    day : int, IST day
    session : Session
    ticks, bars : TickColumns, BarColumns
        Inside the continuous session.
    all_ticks, all_bars : TickColumns, BarColumns
        Of the whole day.
    """

    instrument: Instrument
    day: int
    session: Session
    ticks: TickColumns
    bars: BarColumns
    all_ticks: TickColumns
    all_bars: BarColumns

    @property
    def has_ticks(self) -> bool:
        """Whether its ticks have volume."""
        return bool((self.ticks.size > 0).any())

    @property
    def has_bars(self) -> bool:
        """Whether its bars have volume."""
        return bool((self.bars.volume > 0).any())

    def minutes(self) -> Minutes:
        """Return its minutes: the bar of each, built from ticks where there is none."""
        built = bars_of_ticks(self.ticks, *bins_of(self.ticks.ts, {self.day: self.session}, MINUTE_NS))[0]
        known = built.take(~np.isin(built.ts, self.bars.ts))
        ts = np.concatenate((self.bars.ts, known.ts))
        order = np.argsort(ts, kind="stable")
        opened, tick = self.session.bounds(self.day)[0], float(self.instrument.tick)
        prices = [
            to_ticks(np.concatenate((getattr(self.bars, name), getattr(known, name)))[order], tick)
            for name in ("open", "high", "low", "close")
        ]
        return Minutes((ts[order] - opened) // MINUTE_NS, *prices)


@dataclass(frozen=True, slots=True)
class SessionVolume:
    """Volume at price of one session, and what it was made of.

    Parameters
    ----------
    source : VolumeSource
        Ticks or candles.
    rows : int
        How many of them.
    outside : int
        Left out because they lie outside the session.
    off_grid : int
        Prices that were no multiple of the tick size, and were rounded to one.
    """

    source: VolumeSource
    profile: Profile
    rows: int
    outside: int
    off_grid: int


def session_data(store: TickStore, instrument: Instrument, day: int, until: int | None = None) -> SessionData:
    """Read one IST day.

    Parameters
    ----------
    until : int or None, ns
        Only what was traded and known by then: ticks before it, minutes that were over and told. None: everything.
    """
    symbol, start, end = instrument.symbol, day_start(day), day_start(day + 1)
    ticks, bars = store.ticks(symbol, start, end), store.bars(symbol, start, end)
    if until is not None:
        ticks = ticks.take((ticks.ts < until) & (ticks.seq < until))
        bars = bars.take((bars.ts + MINUTE_NS <= until) & (bars.known_seq <= until))
    session = session_of(instrument, day)
    return SessionData(
        instrument,
        day,
        session,
        ticks.take(inside(ticks.ts, {day: session})),
        bars.take(inside(bars.ts, {day: session})),
        ticks,
        bars,
    )


def session_volume(
    data: SessionData, grid: Grid, source: VolumeSource = VolumeSource.AUTO, method: Method = Method.TWO_ROW,
    value_area: float = 0.70,
) -> SessionVolume | None:  # fmt: skip
    """Return volume at price by the ticks of a session or by its candles, never by both; None where `source` has none."""
    tick = float(data.instrument.tick)
    if data.has_ticks and source is not VolumeSource.CANDLES:
        traded = data.ticks.take(data.ticks.size > 0)
        profile = profile_of_ticks(to_ticks(traded.price, tick), traded.size, grid, method, value_area)
        outside = len(data.all_ticks) - len(data.ticks)
        return SessionVolume(VolumeSource.TICKS, profile, len(data.ticks), outside, _off_grid(traded.price, tick))
    if data.has_bars and source is not VolumeSource.TICKS:
        bars = data.bars
        low, high, close = (to_ticks(x, tick) for x in (bars.low, bars.high, bars.close))
        profile = profile_of_candles(low, high, close, bars.volume, grid, method, value_area)
        off_grid = sum(_off_grid(x, tick) for x in (bars.low, bars.high, bars.close))
        return SessionVolume(VolumeSource.CANDLES, profile, len(bars), len(data.all_bars) - len(bars), off_grid)
    return None


def _off_grid(price: Any, tick: float) -> int:
    steps = price / tick
    return int((np.abs(steps - np.rint(steps)) > 1e-3).sum())
