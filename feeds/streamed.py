"""A backtrader feed of one symbol that is written while it runs: by the router, from a recording or from the live socket."""

from __future__ import annotations

from array import array
from math import inf
from typing import Any, Final

import backtrader as bt
import numpy as np

from auction_bt.core.bar import NEVER, Bar
from auction_bt.core.growing import Growing
from auction_bt.core.instrument import Instrument
from auction_bt.core.ist import MINUTE_NS, day_index, day_start, minute_start
from auction_bt.core.market import GrowingTape
from auction_bt.core.quality import one_bar_quality, one_silence
from auction_bt.core.session import Span
from auction_bt.core.stamps import to_num
from auction_bt.core.tick import I64, Tick
from auction_bt.feeds.stored import IstZone, Recorded
from auction_bt.market.sessions import session_of
from auction_bt.store import Gap

_LINES: Final = ("datetime", "open", "high", "low", "close", "volume", "openinterest")


class GrowingBars:
    """Stamps of the bars so far, as `BarColumns` has them."""

    def __init__(self) -> None:
        self.ts: list[int] = []
        self.known_seq: list[int] = []

    def __len__(self) -> int:
        return len(self.ts)


class GrowingTicks:
    """Each bar's own ticks, as `TickTape` has them."""

    def __init__(self) -> None:
        self.day: list[int] = []
        self.contract: list[int] = []
        self._bars: list[tuple[I64, I64]] = []

    def __len__(self) -> int:
        return len(self._bars)

    def bar(self, b: int) -> tuple[I64, I64]:
        """Return prices (ticks) and sizes (shares) of the ticks of bar `b`."""
        return self._bars[b]

    def append(self, day: int, k: I64, size: I64) -> None:
        """Add the next bar's ticks."""
        self.day.append(day)
        self.contract.append(0)
        self._bars.append((k, size))


class _Unowned:
    # Ticks that no known bar owns yet. A bar becomes known in front of a message that has to wait, and so do the bars of all
    # symbols at once: what can be done as each tick comes is not left for then.

    def __init__(self) -> None:
        self._ts, self._k, self._size = array("q"), array("q"), array("q")

    def append(self, ts: int, k: int, size: int) -> None:
        self._ts.append(ts)
        self._k.append(k)
        self._size.append(size)

    def taken(self, end: int) -> tuple[I64, I64]:
        # Prices (ticks) and sizes (shares) of those in front of the first that is of `end` (ns) or later.
        later = np.array(self._ts) >= end
        own = int(later.argmax()) if later.any() else len(later)
        found = np.array(self._k[:own]), np.array(self._size[:own])
        for column in (self._ts, self._k, self._size):
            del column[:own]
        return found


class StreamedData(bt.feed.DataBase):  # type: ignore[misc]  # backtrader has no types
    """What `StoredData` is, bar after bar.

    Params
    ------
    instrument : Instrument
    begin, end : int, ns
        What is of before or after, or came after, is not taken.

    Notes
    -----
    The same messages leave the same bars, ticks and qualities here as in a `StoredData` made of the derived tables: late ticks
    go to the bar that is open when they come, prints outside the session are left out, quality looks at past silences only,
    and time goes forward alone (`feeds.stored.load` says how).
    """

    params = (("instrument", None), ("begin", 0), ("end", NEVER), ("timeframe", bt.TimeFrame.Minutes))

    def __init__(self) -> None:
        super().__init__()
        self.instrument: Instrument = self.p.instrument
        self.p.tz = IstZone()
        self._name = self._dataname = self.instrument.symbol
        self.market = GrowingTape(float(self.instrument.tick))
        self.bars = GrowingBars()
        self.tape = GrowingTicks()
        self.tick_days: list[bool] = []
        self.bar_quality = Growing(np.float64)
        self.silences: list[int] = []
        self._unowned = _Unowned()
        self._bar: Bar | None = None
        self._gaps: list[Gap] = []
        self._last_ts = -1  # the last bar's minute
        self._day = -1
        self._session = (0, 0)
        self._pauses: tuple[Span, ...] = ()
        self._span = (0, 0)  # of that day
        self._days_with_ticks: set[int] = set()
        self._clock = self.lines.lines[0]
        self._is_plain: bool | None = None
        for name in self.getlinealiases():  # each read of `data.close` would look for it in four objects otherwise
            setattr(self, name, getattr(self.lines, name))
        self._begin: int = self.p.begin
        self._end: int = self.p.end

    def add_gap(self, gap: Gap) -> None:
        """Take a silence of the feed."""
        self._gaps.append(gap)

    def add_tick(self, tick: Tick) -> bool:
        """Take a trade; return whether it lies inside the session."""
        if tick.seq >= self._end or not self._is_inside(tick.ts):
            return False
        if not self._span[0] <= tick.seq < self._span[1] and (  # said on another day than it speaks of
            tick.ts > tick.seq or minute_start(tick.ts) <= self._last_ts
        ):
            return False
        self._unowned.append(tick.ts, self.market.append(tick), tick.size)
        self._days_with_ticks.add(self._day)
        return True

    def add_bar(self, bar: Bar) -> bool:
        """Take a bar that has become known, to be loaded next; return whether it lies inside the session."""
        day = day_index(bar.ts)
        if bar.known_seq >= self._end or bar.ts <= self._last_ts or day > day_index(bar.known_seq) or not self._is_inside(bar.ts):
            return False
        self._last_ts = bar.ts
        end = bar.ts + MINUTE_NS
        self.tape.append(day, *self._unowned.taken(end))
        self.bars.ts.append(bar.ts)
        self.bars.known_seq.append(bar.known_seq)
        self.market.known.append(len(self.market))
        self.tick_days.append(day in self._days_with_ticks)
        self.bar_quality.append(one_bar_quality(bar, self._gaps) if self.tick_days[-1] else np.nan)
        self.silences.append(one_silence(bar, self._gaps))
        self._gaps = [gap for gap in self._gaps if gap.end > end]  # the others reach into no later bar
        self._bar = bar
        return True

    def preset(self, recorded: Recorded, b: int) -> None:
        """Take bar `b` of days that are over, to be loaded next, with its ticks for the profile alone: no order meets them."""
        bars = recorded.bars
        ts, known = int(bars.ts[b]), int(bars.known_seq[b])
        opened, high, low, close = (float(column[b]) for column in (bars.open, bars.high, bars.low, bars.close))
        self._last_ts = ts
        self._bar = Bar(
            self.instrument.symbol, ts, opened, high, low, close, int(bars.volume[b]), int(bars.tick_volume[b]), known
        )
        self.tape.append(int(recorded.tape.day[b]), *recorded.tape.bar(b))
        self.bars.ts.append(ts)
        self.bars.known_seq.append(known)
        self.market.known.append(len(self.market))
        self.tick_days.append(bool(recorded.tick_days[b]))
        self.bar_quality.append(float(recorded.quality[b]))
        self.silences.append(0 if recorded.silences is None else int(recorded.silences[b]))

    def _is_inside(self, ts: int) -> bool:
        if not self._span[0] <= ts < self._span[1]:
            day = self._day = day_index(ts)
            self._span = day_start(day), day_start(day + 1)
            session = session_of(self.instrument, day)
            begin, end = session.bounds(day)
            self._session, self._pauses = (max(begin, self._begin), min(end, self._end)), session.pauses_on(day)
        if not self._session[0] <= ts < self._session[1]:
            return False
        return not self._pauses or not any(begin <= ts < end for begin, end in self._pauses)

    def __len__(self) -> int:
        return self._clock.lencount  # type: ignore[no-any-return]

    def next(self, datamaster: Any = None, ticks: bool = True) -> Any:
        """Go on by the bar that was taken last."""
        if self._is_plain is None:  # asked at the first bar: backtrader shortens lines only after `start`
            self._is_plain = self._has_plain_lines()
        if ticks or datamaster is not None or not self._is_plain:
            return super().next(datamaster, ticks)
        bar, self._bar = self._bar, None
        if bar is None:
            return False
        # As stock's `load`, which finds each line by way of four objects, and asks for filters and dates.
        for line, value in zip(self._filled, _values(bar), strict=True):
            line._idx += 1
            line.lencount += 1
            line.array.append(value)
        return True

    def _has_plain_lines(self) -> bool:
        self._filled = [getattr(self.lines, name) for name in _LINES]
        is_all_taken = self.fromdate == -inf and self.todate == inf and not (self._tzinput or self._filters)
        return (
            is_all_taken and type(self)._load is StreamedData._load and len(self.lines.lines) == len(_LINES)
            and all(line.mode == line.UnBounded and not line.bindings for line in self._filled)
        )  # fmt: skip

    def _load(self) -> Any:
        bar, self._bar = self._bar, None
        if bar is None:
            return False
        self._show(bar)
        return True

    def _show(self, bar: Bar) -> None:
        for name, value in zip(_LINES, _values(bar), strict=True):
            getattr(self.lines, name)[0] = value


def _values(bar: Bar) -> tuple[float, ...]:
    return to_num(bar.ts + MINUTE_NS), bar.open, bar.high, bar.low, bar.close, float(bar.volume), 0.0
