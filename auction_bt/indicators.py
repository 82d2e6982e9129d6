"""The volume profile as a backtrader indicator."""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Sequence
from decimal import Decimal
from math import isfinite, isnan
from typing import Any, Final

import backtrader as bt
import numpy as np

from .core.errors import BadInput
from .core.instrument import to_ticks
from .core.ist import DAY_NS, IST, IST_OFFSET_NS, SECOND_NS
from .core.profile import Grid, Method, VolumeSource, basis_points, choice
from .core.regime import RegimeJudge, Rule
from .core.rolling import WindowBars, WindowKind, WindowLevels, WindowSpec, WindowStepper, levels_of
from .core.shared_levels import REGIMES, Area, Measured, measured
from .core.tape import TickTape
from .core.tick import F64, I64

_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_DAY_SECONDS: Final = DAY_NS // SECOND_NS
_IST_SECONDS: Final = IST_OFFSET_NS // SECOND_NS
_EVIDENCE: Final = 6  # numbers kept of a bar


class VolumeProfile(bt.Indicator):  # type: ignore[misc]
    """Levels of the auction over a moving window of bars, and the regime they show.

    Formula
    -------
    - poc = price of most volume; vah, val = edges of the `value_area` share of volume around it
    - balance = (2 poc - vah - val) / (vah - val) for regime 'original', rho (volume-weighted correlation of time and price)
      for 'auction'
    - regime: -1 bear, 0 balanced, 1 bull, 2 transition, NaN undefined

    Params
    ------
    period : int, bars (rolling) or sessions (composite)
    value_area : float, 0..1
    method : 'two_row', 'two_row_up', 'one_row', 'hdi', 'original'
    source : 'ticks', 'candles' or 'auto'
        Auto takes a bar's ticks where it has any with volume, else its candle.
    tick_size : Decimal, float or str, rupees
        Default: ``instrument.tick`` of the data feed.
    window : 'rolling', 'session', 'composite', 'anchored'
    regime : 'original', 'auction'
    ticks_per_row : int, ticks
    anchor : int (ns since 1970) or datetime (IST where naive)
        First instant of an anchored window, compared with the start of a bar where the feed knows it (``bars.ts``), else with
        its stamp.

    Notes
    -----
    *Causality*: the value at a bar rests on that bar and those before it, never on a later one. Judge a bar by the value before
    it (``poc[-1]``), or the bar moves the level it is held against. Lines are NaN until a rolling window is full, and wherever
    the window has no volume. ``next`` and ``once`` give the same bits.

    A data feed may carry `tape` (`core.tape.TickTape`, the ticks of each bar) and `instrument`; any feed with high, low, close
    and volume will do.

    References
    ----------
    J. Dalton, E. Jones, R. Dalton, "Mind over Markets" (1990): value area, point of control.
    """

    lines: Any = ("poc", "vah", "val", "regime", "balance")
    params = (
        ("period", 120),
        ("value_area", 0.70),
        ("method", "two_row"),
        ("source", "auto"),
        ("tick_size", None),
        ("window", "rolling"),
        ("regime", "original"),
        ("ticks_per_row", 1),
        ("anchor", None),
    )
    plotinfo = {"subplot": False, "plotlinelabels": True}
    plotlines = {
        "poc": {"color": "black", "drawstyle": "steps-post", "linewidth": 1.2},
        "vah": {"color": "firebrick", "drawstyle": "steps-post", "ls": "--"},
        "val": {"color": "seagreen", "drawstyle": "steps-post", "ls": "--"},
        "regime": {"_plotskip": True},
        "balance": {"_plotskip": True},
    }

    def __init__(self) -> None:
        missing = [n for n in ("high", "low", "close", "volume") if n not in self.data.getlinealiases()]
        if missing:
            raise BadInput(
                f"VolumeProfile needs a data feed with high, low, close and volume: this one has no {', '.join(missing)}"
            )
        self.spec = WindowSpec(
            kind=choice(WindowKind, "window", self.p.window),
            period=self.p.period,
            method=choice(Method, "method", self.p.method),
            share=basis_points(self.p.value_area),
            source=choice(VolumeSource, "source", self.p.source),
            ticks_per_row=self.p.ticks_per_row,
            anchor=_instant(self.p.anchor),
        )
        self.grid = Grid.of(self._tick_size(), self.spec.ticks_per_row)
        self._tick = float(self.grid.tick)
        self._rule = choice(Rule, "regime", self.p.regime)
        self._judge = RegimeJudge(self._rule)
        self._stepper: WindowStepper | None = None
        self._bar: tuple[Any, ...] | None = None
        self._inputs: tuple[Any, ...] | None = None
        self._own_tape: TickTape | None = None
        self._starts: Any = None
        self._whole: Measured | None = None
        self._shown = WindowLevels.undefined(1)  # of the bar in hand
        self._area: Area | None = None
        self._is_deferred = self.is_deferring = False
        self._put_aside: list[tuple[Any, ...]] = []
        self._session_day = -1
        self.ended: Area | None = None  # where the session before has led to, of one that puts off
        self._recent = array("d")
        self._kept = 0
        self.addminperiod(self.spec.period if self.spec.kind is WindowKind.ROLLING else 1)

    def _tick_size(self) -> Decimal | float | str:
        size = self.p.tick_size
        if size is None:
            size = getattr(getattr(self.data, "instrument", None), "tick", None)
        if size is None:
            raise BadInput("the feed does not say its price step: give tick_size, e.g. VolumeProfile(data, tick_size=0.05)")
        return size  # type: ignore[no-any-return]

    def _beside(self, name: str) -> Any:
        # What a feed carries beside its lines counts its own bars, not those made of them by a resampler.
        return None if getattr(self.data, "_filters", None) else getattr(self.data, name, None)

    def _tape(self) -> TickTape | None:
        if self.spec.source is VolumeSource.CANDLES:
            return None
        tape: TickTape | None = self._beside("tape")
        if tape is None and self.spec.source is VolumeSource.TICKS:
            raise BadInput("source 'ticks' needs a feed with a tape of ticks: use source='candles', or 'auto'")
        return tape

    # ---------------------------------------------------------------- one bar at a time
    def prenext(self) -> None:
        """Take a bar of the warm-up."""
        self.next()

    def nextstart(self) -> None:
        """Take the bar that fills the window."""
        self.next()

    def next(self) -> None:
        """Take the current bar; again, with other values, where it is still being traded."""
        if self._inputs is None:  # their names are looked up by way of four objects each time
            given = self.data.lines
            self._inputs = (given.high, given.low, given.close, given.volume, given.datetime)
            self._own_tape, self._starts = self._tape(), getattr(self._beside("bars"), "ts", None)
            self.is_deferring = self._is_deferred and self._own_tape is not None and self._starts is not None
        tape = self._own_tape
        highs, lows, closes, volumes, stamps = self._inputs
        b = highs.lencount - 1
        high, low, close, volume, stamp = highs[0], lows[0], closes[0], volumes[0], stamps[0]
        if tape is not None and b >= len(tape):
            raise BadInput(f"the tape speaks of {len(tape)} bars, the feed has more: both must hold the same bars")
        k, size = tape.bar(b) if tape is not None else (None, None)
        bar = (b, high, low, close, volume, 0 if k is None else len(k))
        if bar == self._bar:
            return
        if self.is_deferring and tape is not None:
            self._put_off(bar, int(tape.day[b]))
            return
        self._take(bar, stamp, k, size)

    def _take(self, bar: tuple[Any, ...], stamp: float, k: I64 | None, size: I64 | None) -> None:
        b, high, low, close, volume, _ = bar
        tape, starts = self._own_tape, self._starts
        if self._stepper is None:
            self._stepper = WindowStepper(self.spec)
            lines = self.lines
            # A line that saves memory keeps its last `maxlen` values: so do the numbers beside it. 0: all.
            self._kept = lines.poc.maxlen if lines.poc.mode == lines.poc.QBuffer else 0
        elif self._bar is not None and self._bar[0] == b:
            self._stepper.pop()
            self._judge.undo()
            del self._recent[-_EVIDENCE:]
        self._bar = bar
        seconds = round((stamp - _EPOCH) * _DAY_SECONDS)
        if tape is None:
            day, contract = (seconds + _IST_SECONDS) // _DAY_SECONDS, 0
        else:
            day, contract = int(tape.day[b]), int(tape.contract[b])
        low, high, close, volume = self._rows(low, high, close, volume)
        ts = seconds * SECOND_NS if starts is None else int(starts[b])
        shown = self._stepper.push(low, high, close, volume, day, contract, ts, k, size, self._shown)
        whole, real = shown.whole[0].tolist(), shown.real[0].tolist()
        if self._kept and len(self._recent) >= 2 * _EVIDENCE * self._kept:
            del self._recent[: -_EVIDENCE * self._kept]
        self._recent.extend((*real, *whole[3:]))
        regime, balance = self._judge.take_one(whole, real, day, contract)
        poc, vah, val = self.grid.levels_of_one(*whole[:3])
        if not self.is_deferring:
            for line, value in zip(self.lines.lines, (poc, vah, val, regime, balance), strict=True):
                line[0] = value
        self._area = None if isnan(poc) or isnan(regime) else (
            round(poc / self._tick), round(vah / self._tick), round(val / self._tick), REGIMES[regime]
        )  # fmt: skip

    # ---------------------------------------------------------------- not before it is asked for
    def defer(self) -> None:
        """Put bars that come one at a time off until their session has ended, or `settle` is called; lines stay NaN.

        Notes
        -----
        For whoever wants to know what a session has led to, and nothing before. Where the feed does not carry its ticks
        and minutes, and where all bars are taken at once, nothing is put off.
        """
        self._is_deferred = True

    def settle(self) -> None:
        """Take the bars that were put off."""
        if (tape := self._own_tape) is None:
            return
        for bar in self._put_aside:
            self._take(bar, 0.0, *tape.bar(bar[0]))
        self._put_aside.clear()

    def _put_off(self, bar: tuple[Any, ...], day: int) -> None:
        if self._put_aside and self._put_aside[-1][0] == bar[0]:
            self._put_aside.pop()
        if day != self._session_day:
            self.settle()
            self._session_day, self.ended = day, self._area
        self._put_aside.append(bar)

    def _rows(self, low: float, high: float, close: float, volume: float) -> tuple[int, int, int, int]:
        if not (isfinite(low) and isfinite(high) and isfinite(close) and isfinite(volume) and volume > 0):
            return 0, 0, 0, 0
        tick = self._tick
        return round(low / tick), round(high / tick), round(close / tick), round(volume)

    # ---------------------------------------------------------------- all bars at once
    def preonce(self, start: int, end: int) -> None:
        """Leave all bars to `once`."""

    def oncestart(self, start: int, end: int) -> None:
        """Leave all bars to `once`."""

    def once(self, start: int, end: int) -> None:  # noqa: ARG002 (the window needs the bars of the warm-up too)
        """Take all bars."""
        shared = self._beside("shared_levels")
        found = (
            measured(levels_of(self.spec, self.window_bars(end)), self._rule, self.grid, *self._days(end))
            if shared is None
            else shared.of(self.spec, self._rule, self.grid, end, self.window_bars, self._days)
        )
        self._whole = found
        for line, values in zip(self.lines, (*found.prices.T, found.regime, found.balance), strict=True):
            # A view of the line's own memory; it must be gone before backtrader appends to the line.
            np.frombuffer(line.array, np.float64)[:end] = values

    def window_bars(self, n: int) -> WindowBars:
        """Return the first `n` bars of the feed, all of them loaded, as windows take them."""
        tape, lines = self._tape(), self.data.lines
        low, high, close, volume, stamp = (
            np.frombuffer(x.array, np.float64)[:n] for x in (lines.low, lines.high, lines.close, lines.volume, lines.datetime)
        )
        real = np.isfinite(low) & np.isfinite(high) & np.isfinite(close) & (volume > 0) & (volume < np.inf)
        low, high, close = (np.where(real, x, 0.0) for x in (low, high, close))
        seconds, starts = _seconds(stamp), getattr(self._beside("bars"), "ts", None)
        ts = seconds * SECOND_NS if starts is None else starts
        shares = np.rint(np.where(real, volume, 0.0)).astype(np.int64)
        tick = self._tick
        return WindowBars(to_ticks(low, tick), to_ticks(high, tick), to_ticks(close, tick), shares, *self._days(n), ts, tape)

    def _days(self, n: int) -> tuple[I64, I64]:
        # IST day and contract of each bar.
        if (tape := self._tape()) is not None:
            return tape.day, tape.contract
        seconds = _seconds(np.frombuffer(self.data.lines.datetime.array, np.float64)[:n])
        return (seconds + _IST_SECONDS) // _DAY_SECONDS, np.zeros(n, np.int64)

    @property
    def areas(self) -> Sequence[Area | None] | None:
        """Of each bar, POC, VAH, VAL in ticks and the regime; None where bars are taken one at a time."""
        return None if self._whole is None else self._whole.areas()

    @property
    def area(self) -> Area | None:
        """Of the current bar, POC, VAH, VAL in ticks and the regime; None where they are not defined."""
        return self._area if self._whole is None else self._whole.areas()[len(self.lines.lines[0]) - 1]

    # ---------------------------------------------------------------- evidence
    def evidence(self, ago: int = 0) -> dict[str, float]:
        """Return the numbers behind the regime of the current bar, or of the bar `ago` (-1: the one before).

        Returns
        -------
        dict
            ``rho``, ``bc``, ``po_range`` (NaN where undefined), ``total_volume``, ``printed_rows``, ``bars``.
        """
        kept = len(self) if self._whole is not None else len(self._recent) // _EVIDENCE
        i = kept - 1 + ago
        if ago > 0 or i < 0 or (self._kept and -ago >= self._kept):
            raise BadInput(f"no evidence is kept of the bar {ago} from the current one")
        if self._whole is not None:
            levels = self._whole.levels
            numbers = (*levels.real[i].tolist(), *levels.whole[i, 3:].tolist())
        else:
            numbers = tuple(self._recent[i * _EVIDENCE : (i + 1) * _EVIDENCE])
        names = ("rho", "bc", "po_range", "total_volume", "printed_rows", "bars")
        return dict(zip(names, map(float, numbers), strict=True))


def _seconds(stamp: F64) -> I64:
    seconds: I64 = np.rint((stamp - _EPOCH) * _DAY_SECONDS).astype(np.int64)
    return seconds


def _instant(anchor: int | dt.datetime | None) -> int | None:
    if anchor is None or (isinstance(anchor, int) and not isinstance(anchor, bool)):
        return anchor
    if isinstance(anchor, dt.datetime):
        aware = anchor if anchor.tzinfo else anchor.replace(tzinfo=IST)
        since = aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return (since.days * _DAY_SECONDS + since.seconds) * SECOND_NS + since.microseconds * 1000
    raise BadInput(f"anchor {anchor!r} must be ns since 1970 or a datetime")
