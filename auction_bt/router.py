"""From feed messages, as they come or as they were recorded, to ticks, bars, gaps and events: one door for every mode."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Protocol

from .core.bar import NEVER, Bar, Source
from .core.bar_builder import BarBuilder
from .core.ist import SECOND_NS, day_index
from .core.snapshot import Snapshot
from .core.tick import Tick
from .core.tracker import Outcome, TickTracker
from .feeds.candles import candles_of
from .feeds.decode import FEED, MARKET_INFO, OWN_KINDS, UNKNOWN, Frame, decode
from .feeds.direct import frame_of
from .parsing import parse
from .store import Event, Gap

_HOLD_NS: Final = 60 * SECOND_NS  # bars wait no longer for the minutes missing before them


class MarketSink(Protocol):
    """Takes what the router makes of messages, in the order in which it became known."""

    def on_tick(self, tick: Tick) -> None:
        """Take a trade; comes before the bars of the same message."""
        ...

    def on_bar(self, bar: Bar) -> None:
        """Take a bar that just became known."""
        ...

    def on_event(self, event: Event) -> None:
        """Take a message of our own kinds."""
        ...

    def on_gap(self, gap: Gap) -> None:
        """Take a silence or volume missed; comes before the tick of the same message."""
        ...


@dataclass(frozen=True, slots=True)
class RouterReport:
    """What was done with the messages so far.

    Parameters
    ----------
    messages, events, market_infos : int
        Messages taken; of our own kinds; of market status.
    snapshots : int
        Symbols' parts of feed messages: the sum of `outcomes`.
    outcomes : mapping of Outcome to int
    bars : mapping of Source to int
    dismissed : mapping of str to int
        Reported minutes that made no bar, by reason.
    malformed : mapping of str to int
        Parts left out, by reason.
    joined : mapping of str to int, shares
        Volume traded before our first look at it, by symbol.
    silences : int
    moved_stamps : int
        Stamps that did not increase and were moved on.
    """

    messages: int
    events: int
    market_infos: int
    snapshots: int
    outcomes: Mapping[Outcome, int]
    bars: Mapping[Source, int]
    dismissed: Mapping[str, int]
    malformed: Mapping[str, int]
    joined: Mapping[str, int]
    silences: int
    moved_stamps: int

    @property
    def ticks(self) -> int:
        """Trades given out."""
        return self.outcomes.get(Outcome.TICK, 0)

    @property
    def book_updates(self) -> int:
        """Snapshots in which nothing was traded."""
        return self.outcomes.get(Outcome.BOOK, 0)

    @property
    def late(self) -> int:
        """Snapshots that name an older trade and no new volume."""
        return self.outcomes.get(Outcome.LATE, 0)

    def lines(self) -> list[str]:
        """Return the report for people, one fact a line; facts that are nothing are left out."""
        told = [
            f"{self.messages:,} messages: {self.snapshots:,} snapshots, {self.market_infos:,} market status, {self.events:,} own",
            f"{self.ticks:,} ticks, {self.book_updates:,} book updates, {self.late:,} late",
            f"{sum(self.bars.values()):,} bars: " + (_list({s.label: n for s, n in self.bars.items()}) or "none"),
        ]
        days = {o.value: n for o, n in self.outcomes.items() if o in {Outcome.EARLIER_DAY, Outcome.LATER_DAY}}
        told += [f"trades of another day left out: {_list(days)}"] if days else []
        told += [f"reported minutes that made no bar: {_list(self.dismissed)}"] if self.dismissed else []
        told += [f"malformed parts left out: {_list(self.malformed)}"] if self.malformed else []
        told += [f"volume before we joined: {_list(self.joined)}"] if self.joined else []
        told += [f"{self.silences:,} silences over 10 s"] if self.silences else []
        told += [f"{self.moved_stamps:,} stamps moved on to stay unique"] if self.moved_stamps else []
        return told


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items(), key=lambda c: (-c[1], c[0])))


@dataclass(slots=True)
class _Held:
    # Bars that wait for the minutes missing before them to be asked for.
    since: int = 0  # clock of the first message after the break; 0 before it
    bars: list[Bar] = field(default_factory=list)


class LiveMarketRouter:
    """Takes messages in their order and tells a sink what they mean.

    Parameters
    ----------
    sink : MarketSink
    clock : callable returning int, ns, optional
        Stamps messages that come without a stamp. Without one such a message is stamped with the time it carries.
    symbols : container of str, optional
        Attend to these alone.

    Notes
    -----
    For one symbol in one message the order is: gaps, the tick, then the bars it made known. Symbols of one message are in the
    order of their names and carry the same `seq`.

    After a break of the feed (a ``gap`` message that names symbols it ``awaits`` minutes of) their bars are held back until the
    ``candles`` message of each has come, or a minute has passed since the first message after the break: bars are told in the
    order of their minutes, none twice.

    No message raises. What is malformed is left out, counted by a reason from a closed list, and touches no other symbol.

    Causal: what is told at a message follows from it and those before it.
    """

    def __init__(self, sink: MarketSink, clock: Callable[[], int] | None = None, symbols: Container[str] | None = None) -> None:
        self._sink = sink
        self._clock = clock
        self._symbols = symbols
        self._states: dict[str, tuple[TickTracker, BarBuilder]] = {}
        self._held: dict[str, _Held] = {}
        self._told: dict[str, int] = {}  # the last minute told of each symbol
        self._last = -1
        self._clock_day = 0
        self._clock_top = 0  # of the clock messages of that day
        self._kinds: Counter[str] = Counter()
        self._outcomes: Counter[Outcome] = Counter()
        self._bars: Counter[Source] = Counter()
        self._malformed: Counter[str] = Counter()
        self._joined: Counter[str] = Counter()
        self._silences = 0
        self._moved = 0

    def on_message(self, message: dict[str, object] | str | bytes, stamp: int | None = None) -> None:
        """Take the next message.

        Parameters
        ----------
        message : dict, str or bytes
            Parsed, or its JSON text.
        stamp : int, ns, optional
            The record's unique stamp: what becomes `seq`. One that does not increase is moved to the next free ns.
        """
        frame = frame_of(message, self._symbols) if isinstance(message, str) else None
        if frame is None:
            frame = self._decoded(message)
        seq = self._stamp(frame, stamp)
        kind, current_ts, _, items, _, malformed = frame
        if malformed:
            self._malformed.update(malformed)
        self._kinds[kind] += 1
        if kind == FEED:
            for item in items:
                self._take(item, seq, current_ts)
        elif kind in OWN_KINDS:
            self._own(frame, message, seq)

    def clock(self, symbol: str) -> int:
        """Return the message clock of a symbol, ns: the time that its messages and those about all have told."""
        state = self._states.get(symbol)
        return state[0].clock if state is not None else self._clock_top

    def open_bars(self) -> list[Bar]:
        """Return the minutes still open, and those held back, as bars that nothing has made known, in the order of symbols."""
        found = []
        for symbol, (_, builder) in sorted(self._states.items()):
            if symbol in self._held:
                found += [replace(bar, known_seq=NEVER) for bar in self._held[symbol].bars]
            found += builder.flush()
        return found

    def flush(self) -> None:
        """Tell the sink of the minutes still open; for the end of the input, and changes nothing."""
        for bar in self.open_bars():
            self._sink.on_bar(bar)

    @property
    def report(self) -> RouterReport:
        """What was done so far."""
        dismissed: Counter[str] = Counter()
        for _, builder in self._states.values():
            dismissed.update({reason.value: count for reason, count in builder.dismissed.items() if count})
        return RouterReport(
            messages=self._kinds.total(),
            events=sum(self._kinds[kind] for kind in OWN_KINDS),
            market_infos=self._kinds[MARKET_INFO],
            snapshots=self._outcomes.total(),
            outcomes=MappingProxyType(dict(self._outcomes)),
            bars=MappingProxyType(dict(self._bars)),
            dismissed=MappingProxyType(dict(dismissed)),
            malformed=MappingProxyType(dict(self._malformed)),
            joined=MappingProxyType(dict(self._joined)),
            silences=self._silences,
            moved_stamps=self._moved,
        )

    def _decoded(self, message: dict[str, object] | str | bytes) -> Frame:
        try:
            parsed = message if isinstance(message, dict) else parse(message)
        except ValueError:
            return Frame(UNKNOWN, malformed=("message is not JSON",))
        return decode(parsed, self._symbols)

    def _stamp(self, frame: Frame, stamp: int | None) -> int:
        if stamp is None:
            if self._clock is not None:
                stamp = self._clock()
            else:
                stamp = frame.recorded_ts or frame.current_ts or self._last + 1
        if stamp <= self._last:
            stamp = self._last + 1
            self._moved += 1
        self._last = stamp
        return stamp

    def _take(self, item: Snapshot, seq: int, current_ts: int | None) -> None:
        symbol = item.symbol
        tracker, builder = self._states.get(symbol) or self._state(symbol, seq)
        outcome, tick, day, clock, joined, silent_since = tracker.update(item, seq, current_ts)
        self._outcomes[outcome] += 1
        if silent_since is not None:
            self._silences += 1
            self._sink.on_gap(Gap(symbol, silent_since, seq, "silence"))
        if joined:
            self._joined[symbol] += joined
            self._sink.on_gap(Gap(symbol, seq, seq, "joined", joined))
        if tick is not None:
            self._sink.on_tick(tick)
        bars = builder.update(seq, tick, item.i1, day, clock)
        if self._held and (held := self._held.get(symbol)) is not None:
            held.bars += bars
            held.since = held.since or clock  # not the time before the break, which may have been hours
            if clock - held.since <= _HOLD_NS:
                return
            bars = self._released(symbol, seq)
        for bar in bars:
            self._tell(bar)

    def _tell(self, bar: Bar) -> None:
        self._bars[bar.source] += 1
        self._told[bar.symbol] = bar.ts
        self._sink.on_bar(bar)

    def _released(self, symbol: str, seq: int) -> list[Bar]:
        # Known now: before, nobody was told of them.
        return [replace(bar, known_seq=seq) for bar in self._held.pop(symbol).bars]

    def _await(self, message: object, seq: int) -> None:
        named = message.get("awaits") if isinstance(message, dict) else None
        for symbol in named if isinstance(named, list) else ():
            if isinstance(symbol, str) and (self._symbols is None or symbol in self._symbols):
                self._state(symbol, seq)
                self._held.setdefault(symbol, _Held()).since = 0

    def _learn(self, symbol: str, ts: int, message: object, seq: int) -> None:
        if not symbol or (self._symbols is not None and symbol not in self._symbols):
            return
        tracker, builder = self._state(symbol, seq)
        after = self._told.get(symbol, -1)
        bars = builder.learn(seq, candles_of(message), day_index(seq), max(tracker.clock, ts), after)
        bars += self._released(symbol, seq) if symbol in self._held else []
        for bar in sorted(bars, key=lambda b: b.ts):
            self._tell(bar)

    def _state(self, symbol: str, seq: int) -> tuple[TickTracker, BarBuilder]:
        state = self._states.get(symbol)
        if state is None:
            clock = self._clock_top if self._clock_day == day_index(seq) else 0
            state = self._states[symbol] = TickTracker(symbol, clock), BarBuilder(symbol)
        return state

    def _own(self, frame: Frame, message: dict[str, object] | str | bytes, seq: int) -> None:
        try:
            # The standard library keeps integers beyond 64 bits exact.
            said = message if isinstance(message, dict) else json.loads(message)
            payload = json.dumps(said, separators=(",", ":"), default=str)
        except (TypeError, ValueError, RecursionError):
            self._malformed["message cannot be kept as JSON"] += 1
            return
        if frame.kind == "clock" and frame.current_ts is not None:
            day = day_index(seq)
            self._clock_top = max(self._clock_top, frame.current_ts) if day == self._clock_day else frame.current_ts
            self._clock_day = day
            for tracker, _ in self._states.values():
                tracker.advance(frame.current_ts, seq)
        elif frame.kind == "gap":
            self._await(said, seq)
        self._sink.on_event(Event(seq, frame.kind, frame.symbol, payload))
        if frame.kind == "candles":
            self._learn(frame.symbol, frame.current_ts or 0, said, seq)
