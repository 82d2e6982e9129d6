"""When a minute of one symbol becomes a known bar, and what it then is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from .bar import NEVER, Bar, Source
from .ist import MINUTE_NS, day_index, minute_start
from .snapshot import Candle
from .tick import Tick


class Dismissed(StrEnum):
    """Why a reported minute made no bar."""

    DISAGREES = "differs from the bar already known"
    HOLE = "older than a bar already known"
    EARLIER_DAY = "of an earlier day"
    AHEAD = "ahead of the clock"


class _Open:
    """A minute that is still trading."""

    __slots__ = ("close", "high", "low", "open", "ts")

    def __init__(self, ts: int, price: float) -> None:
        self.ts = ts
        self.open = self.high = self.low = self.close = price

    def add(self, price: float) -> None:
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        self.close = price

    def candle(self, volume: int) -> Candle:
        return Candle(self.ts, self.open, self.high, self.low, self.close, volume)


class _Day:
    """One trading day: the open minute, the known ones, and volume that no bar has taken yet, by its own minute."""

    __slots__ = ("known", "last", "open", "sizes", "touched")

    def __init__(self) -> None:
        self.open: _Open | None = None
        self.last = -1  # the greatest known minute
        self.known: dict[int, Candle] = {}
        self.sizes: dict[int, int] = {}
        self.touched = 0  # the last day of stamps that changed it


class BarBuilder:
    """Bars of one symbol in the order in which they become known.

    Parameters
    ----------
    symbol : str

    Notes
    -----
    The exchange's own completed minute (`I1`) is authoritative and never revised: bar m is known at the first message which
    shows it. Where it does not come, bar m is known at the symbol's first trade of a later minute, or at the report of one, built
    from ticks. A known bar never changes.

    A tick belongs to the first bar of its day, by `ts`, which neither begins before the tick's minute nor was known before the
    tick came: its own minute, or, for a tick of a closed minute, the one that is open then. `tick_volume` is the sum of those.
    A tick of a closed minute changes no price of any bar.

    Causal: a bar is given out at the message that makes it known, from this message and those before it.
    """

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.dismissed: Counter[Dismissed] = Counter()
        self._days: dict[int, _Day] = {}
        self._stamp_day = 0
        self._seen: Candle | None = None
        self._is_new_day = False  # of stamps, and no trade yet
        self._home_of_last: _Day | None = None  # the day of the last trade

    def update(self, seq: int, tick: Tick | None, candle: Candle | None, day: int, clock: int) -> list[Bar]:
        """Return the bars this message makes known, oldest first.

        Parameters
        ----------
        seq : int, ns
        tick : Tick or None
            What the message traded.
        candle : Candle or None
            The `I1` it shows.
        day : int
            IST day the message belongs to.
        clock : int, ns
            The symbol's message clock after this message.
        """
        if candle is self._seen or candle == self._seen:
            candle = None  # shown again until the next is complete
        if tick is None and candle is None:
            return []
        self._enter(day_index(seq))
        done: list[tuple[_Day, _Open]] = []
        if tick is not None:
            self._trade(tick, done)
            if candle is None and not done:
                return []
        given: tuple[_Day, Candle] | None = None
        if candle is not None and (home := self._home(candle, day, clock, done)) is not None:
            given = home, candle
            if day_index(candle.ts) == day:
                self._end_other_days(home, day, done)
            opened = home.open
            if opened is not None and opened.ts <= candle.ts:
                done.append((home, opened))
                home.open = None
        bars = [(home, o.candle(-1), Source.TICKS) for home, o in done if given is None or o.ts != given[1].ts]
        if given is not None:
            bars.append((*given, Source.I1))
        bars.sort(key=lambda b: b[1].ts)
        return [self._known(home, what, source, seq) for home, what, source in bars]

    def learn(self, seq: int, candles: Iterable[Candle], day: int, clock: int, after: int) -> list[Bar]:
        """Return the bars that minutes asked for elsewhere make: those of `day` that nobody has known, oldest first.

        Parameters
        ----------
        seq : int, ns
        candles : iterable of Candle
        day : int
            IST day.
        clock : int, ns
            Message clock: a minute that is not over by then is not complete.
        after : int, ns
            What begins then or before is passed over: a later bar was given out already.
        """
        self._enter(day_index(seq))
        home = self._at(day)
        found: list[Bar] = []
        for candle in sorted(candles):
            if day_index(candle.ts) != day or candle.ts <= after or candle.ts + MINUTE_NS > clock or candle.ts in home.known:
                continue
            opened = home.open
            if opened is not None and opened.ts <= candle.ts:
                home.open = None
                if opened.ts < candle.ts and opened.ts > after:
                    found.append(self._known(home, opened.candle(-1), Source.TICKS, seq))
            found.append(self._known(home, candle, Source.CANDLES, seq))
        return found

    def flush(self) -> list[Bar]:
        """Return the minutes that are still open as bars that are never known, and change nothing."""
        return [
            self._bar(home.open.candle(-1), Source.TICKS, NEVER, sum(home.sizes.values()))
            for _, home in sorted(self._days.items())
            if home.open is not None
        ]

    def _enter(self, stamp_day: int) -> None:
        if stamp_day == self._stamp_day:
            return
        for day, home in list(self._days.items()):
            # Nobody can know a day before it begins: what was said of this one is a damaged time.
            if (home.open is None and home.touched < self._stamp_day) or day == stamp_day > self._stamp_day:
                del self._days[day]
        self._stamp_day = stamp_day
        self._is_new_day = True
        self._home_of_last = None

    def _at(self, day: int) -> _Day:
        home = self._days.get(day)
        if home is None:
            home = self._days[day] = _Day()
        home.touched = self._stamp_day
        return home

    def _trade(self, tick: Tick, done: list[tuple[_Day, _Open]]) -> None:
        home = self._home_of_last
        if home is not None and len(self._days) == 1 and not self._is_new_day:
            opened = home.open
            if opened is not None and opened.ts <= tick.ts < opened.ts + MINUTE_NS:  # as nearly all are: nothing ends or begins
                home.touched = self._stamp_day
                home.sizes[opened.ts] = home.sizes.get(opened.ts, 0) + tick.size
                opened.add(tick.price)
                return
        day, minute = day_index(tick.ts), minute_start(tick.ts)
        home = self._home_of_last = self._at(day)
        self._end_other_days(home, day, done)
        home.sizes[minute] = home.sizes.get(minute, 0) + tick.size
        opened = home.open
        if opened is not None and minute == opened.ts:
            opened.add(tick.price)
        elif minute > home.last and (opened is None or minute > opened.ts):
            if opened is not None:
                done.append((home, opened))
            home.open = _Open(minute, tick.price)

    def _end_other_days(self, home: _Day, day: int, done: list[tuple[_Day, _Open]]) -> None:
        """Take the open minutes of days that are over, now that `day` was seen to trade."""
        if len(self._days) > 1:
            for other_day, other in self._days.items():
                if other is not home and other.open is not None and (other_day < day or self._is_new_day):
                    done.append((other, other.open))
                    other.open = None
        self._is_new_day = False

    def _home(self, candle: Candle, day: int, clock: int, done: list[tuple[_Day, _Open]]) -> _Day | None:
        """Return the day which takes `candle` as a bar, None where none does."""
        candle_day = day_index(candle.ts)
        if candle_day > day or candle.ts > clock:
            self.dismissed[Dismissed.AHEAD] += 1
            return None
        self._seen = candle
        for closing, o in done:
            if o.ts == candle.ts:
                return closing
        home = self._days.get(candle_day)
        if home is not None and candle.ts in home.known:
            self.dismissed[Dismissed.DISAGREES] += home.known[candle.ts] != candle
        elif home is not None and home.open is not None and home.open.ts == candle.ts:
            return home
        elif candle_day < day:
            self.dismissed[Dismissed.EARLIER_DAY] += 1
        elif home is not None and candle.ts <= home.last:
            self.dismissed[Dismissed.HOLE] += 1
        else:
            return self._at(candle_day)
        return None

    def _known(self, home: _Day, what: Candle, source: Source, seq: int) -> Bar:
        taken = [minute for minute in home.sizes if minute <= what.ts]
        bar = self._bar(what, source, seq, sum(home.sizes.pop(minute) for minute in taken))
        home.last = max(home.last, what.ts)
        home.known[what.ts] = Candle(bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume)
        return bar

    def _bar(self, what: Candle, source: Source, seq: int, size: int) -> Bar:
        volume = size if source is Source.TICKS else what.volume
        return Bar(self.symbol, what.ts, what.open, what.high, what.low, what.close, volume, size, seq, source)
