"""One symbol's candles into a store: what is known is not asked again, what is stored stays, every session is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from auction_bt.core.bar import NEVER, BarColumns
from auction_bt.core.errors import NothingToDo, Refused, Retryable
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import day_index, to_date
from auction_bt.importing.instruments import choose, of_table, stored_instrument
from auction_bt.importing.merge import Merged, merge_bars
from auction_bt.importing.rejects import Rejects
from auction_bt.store import TickStore

from .candles import bars_of
from .expired_key import ExpiredKey
from .ledger import Asked, FetchLedger
from .report import SymbolReport
from .windows import FIRST_DAY, windows

SETTLING_DAYS: Final = 3  # after so many a short day will not become longer: it is not asked for again


class CandleSource(Protocol):
    """Who has candles; see `CandleApi`."""

    calls: int

    def history(self, key: str, days: range) -> list[object]:
        """Return the candles of days before today."""
        ...

    def today(self, key: str) -> list[object]:
        """Return today's candles so far."""
        ...


@dataclass(slots=True)
class _Sums:
    """What was stored so far."""

    stored: int = 0
    already: int = 0
    replaced: int = 0
    conflicts: int = 0
    recorded: int = 0
    told: str = ""
    remarks: dict[str, None] = field(default_factory=dict)
    rejects: Rejects = field(default_factory=lambda: Rejects("candle"))

    def add(self, merged: Merged) -> None:
        """Add what became of some candles."""
        self.stored += merged.stored
        self.already += merged.already
        self.replaced += merged.replaced
        self.conflicts += merged.conflicts
        self.recorded += merged.recorded


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Brings candles of the broker into a store.

    Parameters
    ----------
    store : TickStore
    ledger : FetchLedger
        Of that store.
    source : CandleSource
    now : callable returning int, ns
        Wall clock: which day is today's, and which minutes have ended.
    is_trading_day : callable
        Says of an IST day whether the exchange trades.
    session_minutes : callable
        Says how many minutes a session of an instrument has on an IST day; None where nobody knows.
    listed : callable
        Returns the instrument of a symbol from the broker's master, None where there is none.
    progress : callable
        Told what is being done.
    is_again : bool
        Ask for every day anew and let what comes take the place of stored candles.
    """

    store: TickStore
    ledger: FetchLedger
    source: CandleSource
    now: Callable[[], int]
    is_trading_day: Callable[[int], bool]
    session_minutes: Callable[[Instrument, int], int | None]
    listed: Callable[[str], Instrument | None]
    progress: Callable[[str], None]
    is_again: bool = False

    def fetch(self, symbol: str, days: range) -> SymbolReport:
        """Fetch the candles of IST `days` that are not known, oldest first, as far as the broker has any.

        Raises
        ------
        NothingToDo
            There is no trading day among them.
        AuctionError
            Nothing can be fetched for any symbol. What concerns this one alone is in the report.

        Notes
        -----
        A month is stored in one transaction and noted in the ledger after it, so that a killed fetch asks at most for that month
        again, and finds its candles there.
        """
        today, asked = day_index(self.now()), days
        days = range(max(days.start, FIRST_DAY), min(days.stop, today + 1, self._end(symbol)))
        if not any(self.is_trading_day(day) for day in days):
            span = f"{to_date(asked.start)} to {to_date(asked.stop - 1)}"
            raise NothingToDo(f"no trading day of {span} has passed: 1-minute candles begin on 2022-01-03")
        sums, before, failed = _Sums(), self.source.calls, ""
        try:
            self._fetch(symbol, days, today, sums)
        except (Refused, Retryable) as error:
            failed = str(error)
        return self._report(symbol, days, today, sums, self.source.calls - before, failed)

    def _fetch(self, symbol: str, days: range, today: int, sums: _Sums) -> None:
        known = {} if self.is_again else self._known(symbol)
        instrument = stored_instrument(self.store, symbol)
        past = range(days.start, min(days.stop, today))
        asks = windows(past, lambda day: not self._is_settled(known.get(day), day, instrument), self.is_trading_day)
        is_today = today in days and self.is_trading_day(today)
        for number, window in enumerate(asks, 1):
            self.progress(f"{symbol}: {to_date(window.start):%Y-%m}, {number} of {len(asks) + is_today} calls")
            self._take(symbol, window, self.source.history(symbol, window), known, sums)
        if is_today:
            self.progress(f"{symbol}: today, {len(asks) + 1} of {len(asks) + 1} calls")
            self._take(symbol, range(today, today + 1), self.source.today(symbol), known, sums)

    def _take(self, symbol: str, window: range, candles: list[object], known: dict[int, Asked], sums: _Sums) -> None:
        now = self.now()
        bars = bars_of(symbol, candles, window, now, sums.rejects)
        if len(bars):
            with self.store.writing():
                self._put_instrument(symbol, bars, sums)
                # A day that was asked for before it had settled may be another now.
                is_ours = np.isin(day_index(bars.ts), list(known)) | self.is_again
                for chosen, replaces in ((is_ours, True), (~is_ours, False)):
                    sums.add(merge_bars(self.store, symbol, bars.take(chosen), replaces=replaces))
        counts = _counts(bars)
        self.ledger.put(symbol, {day: Asked(counts.get(day, 0), day_index(now)) for day in window})

    def _end(self, symbol: str) -> int:
        """Return the IST day after which a contract is no more."""
        expired = ExpiredKey.parse(symbol)
        if expired is not None:
            return expired.expiry + 1
        found = self.listed(symbol)
        return NEVER if found is None or found.contract is None else found.contract.expiry + 1

    def _known(self, symbol: str) -> dict[int, Asked]:
        """Return what the ledger says, but for candles which the store does not have: it may have been made anew."""
        held = {*self.store.days(symbol), *self.store.raw_days(symbol)}
        return {day: asked for day, asked in self.ledger.of(symbol).items() if not asked.candles or day in held}

    def _is_settled(self, asked: Asked | None, day: int, instrument: Instrument | None) -> bool:
        if asked is None:
            return False
        if not self.is_trading_day(day) or asked.asked >= day + SETTLING_DAYS:
            return True
        minutes = None if instrument is None else self.session_minutes(instrument, day)
        return minutes is not None and asked.candles >= minutes

    def _put_instrument(self, symbol: str, bars: BarColumns, sums: _Sums) -> None:
        """Keep the instrument: as the master lists it, else as import would, the price step as fine as the prices need it.

        Notes
        -----
        The step of a share changes over the years with the exchange's rules and the share's price; the master knows the day's. A
        step that was needed for other candles stays.
        """
        before = stored_instrument(self.store, symbol)
        listed = found = None if sums.told else self.listed(symbol)
        if found is not None:
            if before is not None:
                found = replace(found, name=before.name or found.name, tick=min(found.tick, before.tick))
            self.store.put_instrument(found)
        seen = of_table((bars.open, bars.high, bars.low, bars.close), bars.volume)
        chosen = choose(self.store, symbol, seen, tick=None, lot=None, name=None, kind=None, is_india=True)
        if chosen is None:  # without prices; bars have them
            return
        if chosen.instrument != (found or before):
            self.store.put_instrument(chosen.instrument)
        if listed is not None:
            sums.told = f"{listed.name}: {replace(chosen, instrument=listed).describe()}, as the master lists it"
        elif not sums.told:
            sums.told = chosen.describe()
        sums.remarks |= dict.fromkeys(chosen.remarks())

    def _report(self, symbol: str, days: range, today: int, sums: _Sums, calls: int, failed: str) -> SymbolReport:
        known = {day: asked for day, asked in self.ledger.of(symbol).items() if day in days}
        instrument = stored_instrument(self.store, symbol)
        short, missing, before = [], [], 0
        first = min((day for day, asked in known.items() if asked.candles), default=None)
        for day, asked in sorted(known.items()):
            if day >= today:
                continue
            minutes = None if instrument is None or not asked.candles else self.session_minutes(instrument, day)
            if minutes is not None and asked.candles < minutes:
                short.append((day, asked.candles, minutes))
            elif not asked.candles and self.is_trading_day(day):
                if first is None or day < first:
                    before += 1
                else:
                    missing.append(day)
        return SymbolReport(
            symbol, sums.told, calls, sum(a.candles > 0 for a in known.values()), sum(a.candles for a in known.values()),
            sums.stored, sums.already, sums.replaced, sums.conflicts, sums.recorded, (*sums.remarks, *sums.rejects.lines()),
            tuple(short), tuple(missing), before, first, failed,
        )  # fmt: skip


def _counts(bars: BarColumns) -> dict[int, int]:
    """Return how many bars each IST day has."""
    counts: dict[int, int] = {}
    for day in day_index(bars.ts).tolist():
        counts[day] = counts.get(day, 0) + 1
    return counts
