"""From feed messages, as they come or as they were recorded, to ticks, bars, gaps and events: one door for every mode."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from .core.bar import Bar, Source
from .core.bar_builder import BarBuilder
from .core.ist import day_index
from .core.snapshot import Snapshot
from .core.tick import Tick
from .core.tracker import Outcome, TickTracker
from .feeds.decode import FEED, MARKET_INFO, OWN_KINDS, UNKNOWN, Frame, decode
from .feeds.direct import frame_of
from .parsing import parse
from .store import Event, Gap


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

    No message raises. What is malformed is left out, counted by a reason from a closed list, and touches no other symbol.

    Causal: what is told at a message follows from it and those before it.
    """

    def __init__(self, sink: MarketSink, clock: Callable[[], int] | None = None, symbols: Container[str] | None = None) -> None:
        self._sink = sink
        self._clock = clock
        self._symbols = symbols
        self._states: dict[str, tuple[TickTracker, BarBuilder]] = {}
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

    def open_bars(self) -> list[Bar]:
        """Return the minutes still open, as bars that nothing has made known, in the order of symbols."""
        return [bar for _, (_, builder) in sorted(self._states.items()) for bar in builder.flush()]

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
        state = self._states.get(symbol)
        if state is None:
            clock = self._clock_top if self._clock_day == day_index(seq) else 0
            state = self._states[symbol] = TickTracker(symbol, clock), BarBuilder(symbol)
        tracker, builder = state
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
        for bar in builder.update(seq, tick, item.i1, day, clock):
            self._bars[bar.source] += 1
            self._sink.on_bar(bar)

    def _own(self, frame: Frame, message: dict[str, object] | str | bytes, seq: int) -> None:
        try:
            # The standard library keeps integers beyond 64 bits exact.
            payload = json.dumps(
                message if isinstance(message, dict) else json.loads(message), separators=(",", ":"), default=str
            )
        except (TypeError, ValueError, RecursionError):
            self._malformed["message cannot be kept as JSON"] += 1
            return
        if frame.kind == "clock" and frame.current_ts is not None:
            day = day_index(seq)
            self._clock_top = max(self._clock_top, frame.current_ts) if day == self._clock_day else frame.current_ts
            self._clock_day = day
            for tracker, _ in self._states.values():
                tracker.advance(frame.current_ts, seq)
        self._sink.on_event(Event(seq, frame.kind, frame.symbol, payload))
