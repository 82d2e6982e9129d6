"""Ticks, bars, gaps and events recomputed from recorded messages: the stored tables hold nothing that this cannot make again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .core.bar import NEVER, Bar, BarColumns
from .core.ist import day_index, day_start, minute_start
from .core.tick import Tick, TickColumns
from .router import LiveMarketRouter, RouterReport
from .store import GAPS, DerivedStore, Event, Gap


@dataclass(frozen=True, slots=True)
class DeriveReport:
    """What was read and written.

    Parameters
    ----------
    days : dict of str to tuple of int
        IST days written, by symbol.
    ticks, bars, gaps, events : int
        Rows written.
    passes : tuple of RouterReport
        What each pass over messages met; a message may be read by more than one.
    """

    days: dict[str, tuple[int, ...]] = field(default_factory=dict)
    ticks: int = 0
    bars: int = 0
    gaps: int = 0
    events: int = 0
    passes: tuple[RouterReport, ...] = ()

    @property
    def messages(self) -> int:
        """Messages read."""
        return sum(p.messages for p in self.passes)

    def lines(self) -> list[str]:
        """Return the report for people."""
        days = sum(map(len, self.days.values()))
        told = [
            f"{self.messages:,} messages read",
            f"{self.ticks:,} ticks, {self.bars:,} bars, {self.gaps:,} gaps ({GAPS}), "
            f"{self.events:,} events written: {len(self.days):,} symbols, {days:,} symbol-days",
        ]
        for each in self.passes:
            told += each.lines()[3:]
        return list(dict.fromkeys(told))


def derive(
    store: DerivedStore, symbols: Iterable[str], days: Iterable[int], progress: Callable[[int], None] | None = None
) -> DeriveReport:
    """Replace ticks, bars and gaps of `symbols` and all events on `days` by what the recorded messages say.

    Parameters
    ----------
    store : DerivedStore
    symbols : iterable of str
    days : iterable of int
        IST days by number. Days on which a symbol has no messages are left as they are.
    progress : callable, optional
        Told the IST day that was just read.

    Notes
    -----
    Deriving days one at a time, in any order and as often as one likes, ends in the tables that deriving all at once makes:

    - What the messages of a day mean does not depend on the day before (`core.tracker`), but the last bar of a day becomes known
      on a later one. So reading goes on until it is, and an earlier day whose last bar waits for these is derived again.
    - Messages may speak of another day than that of their stamp: a recording of a rehearsal, a damaged time. A symbol found to
      have such is derived whole.
    """
    names, wanted_days = sorted(set(symbols)), sorted(set(days))
    work = _Work(store, progress)
    wanted: dict[str, set[int]] = {}
    for name in names:
        recorded = store.raw_days(name)
        work.recorded[name] = recorded
        chosen = set(wanted_days) & set(recorded)
        if chosen:
            wanted[name] = chosen | _waiting(store, name, recorded, chosen)
    odd: set[str] = set()
    for run in _runs(wanted, work.recorded):
        odd |= work.derive_run(run)
    if odd:
        work.derive_whole(sorted(odd))
    work.events(wanted_days)
    counts = [each for rows in work.done.values() for each in rows.values()]
    return DeriveReport(
        days={name: tuple(sorted(done)) for name, done in sorted(work.done.items())},
        ticks=sum(ticks for ticks, _, _ in counts),
        bars=sum(bars for _, bars, _ in counts),
        gaps=sum(gaps for _, _, gaps in counts),
        events=work.event_count,
        passes=tuple(work.passes),
    )


def _waiting(store: DerivedStore, symbol: str, recorded: list[int], chosen: set[int]) -> set[int]:
    """Return earlier days, derived before, whose last bar may become known on one of `chosen`."""
    found = set()
    for day in chosen:
        for earlier in reversed(recorded[: bisect_left(recorded, day)]):
            if earlier in chosen:
                break
            known = store.bars(symbol, day_start(earlier), day_start(earlier + 1)).known_seq
            if len(known):
                if int(known.max()) >= day_start(day):
                    found.add(earlier)
                break
    return found


def _runs(wanted: dict[str, set[int]], recorded: dict[str, list[int]]) -> list[dict[str, set[int]]]:
    """Return what is wanted, split where a recorded day lies between that nobody wants: it need not be read."""
    everyone = set().union(*wanted.values())
    runs: list[dict[str, set[int]]] = []
    is_running = False
    for day in sorted(set().union(*(recorded[name] for name in wanted))):
        if day in everyone:
            if not is_running:
                runs.append({})
            for name, chosen in wanted.items():
                if day in chosen:
                    runs[-1].setdefault(name, set()).add(day)
        is_running = day in everyone
    return runs


class _Rows:
    """One pass over messages: rows by symbol and the day they belong to, as a sink of the router."""

    def __init__(self, attending: set[str]) -> None:
        self.attending = attending
        self.ticks: dict[tuple[str, int], list[Tick]] = {}
        self.columns: dict[tuple[str, int], list[TickColumns]] = {}
        self.bars: dict[tuple[str, int], dict[int, Bar]] = {}
        self.gaps: dict[tuple[str, int], list[Gap]] = {}
        self.events: list[Event] = []
        self.odd: set[str] = set()
        self.has_news = False  # a bar became known
        self._last_minute: dict[tuple[str, int], int] = {}

    def on_tick(self, tick: Tick) -> None:
        if tick.symbol not in self.attending:
            return
        day = day_index(tick.ts)
        key = tick.symbol, day
        if day != day_index(tick.seq):
            self.odd.add(tick.symbol)
        self._last_minute[key] = max(self._last_minute.get(key, 0), minute_start(tick.ts))
        rows = self.ticks.get(key)
        if rows is None:
            rows = self.ticks[key] = []
        rows.append(tick)

    def on_bar(self, bar: Bar) -> None:
        if bar.symbol not in self.attending:
            return
        self.has_news = True
        key = bar.symbol, day_index(bar.ts)
        stamp_day = day_index(bar.known_seq)
        # The one bar that rightly becomes known on a later day is the last one its day traded.
        if key[1] != stamp_day and (key[1] > stamp_day or self._last_minute.get(key) != bar.ts):
            self.odd.add(bar.symbol)
        held = self.bars.setdefault(key, {}).setdefault(bar.ts, bar)
        if day_index(held.known_seq) < key[1]:  # known before its day began: a damaged time
            self.bars[key][bar.ts] = bar

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def on_gap(self, gap: Gap) -> None:
        if gap.symbol in self.attending:
            self.gaps.setdefault((gap.symbol, day_index(gap.begin)), []).append(gap)

    def pack(self) -> None:
        """Turn ticks into columns: a quarter of the memory."""
        for key, rows in self.ticks.items():
            self.columns.setdefault(key, []).append(TickColumns.of(rows))
        self.ticks.clear()

    def take(self, key: tuple[str, int]) -> tuple[TickColumns, BarColumns, list[Gap]]:
        """Return the rows of a symbol on a day and forget them."""
        bars = self.bars.pop(key, {})
        return (
            TickColumns.join(self.columns.pop(key, [])),
            BarColumns.of([bars[ts] for ts in sorted(bars)]),
            self.gaps.pop(key, []),
        )

    def drop_unless(self, wanted: set[tuple[str, int]]) -> None:
        """Forget the rows of all but `wanted`."""
        self.columns = {key: rows for key, rows in self.columns.items() if key in wanted}
        self.bars = {key: rows for key, rows in self.bars.items() if key in wanted}
        self.gaps = {key: rows for key, rows in self.gaps.items() if key in wanted}


class _Work:
    """The passes of one call of `derive`, and what they wrote."""

    def __init__(self, store: DerivedStore, progress: Callable[[int], None] | None) -> None:
        self.recorded: dict[str, list[int]] = {}
        self.done: dict[str, dict[int, tuple[int, int, int]]] = {}
        self.event_count = 0
        self.passes: list[RouterReport] = []
        self._store = store
        self._progress = progress

    def derive_run(self, wanted: dict[str, set[int]]) -> set[str]:
        """Derive the wanted days, with no unwanted recorded day between; return the symbols which must be derived whole."""
        names = set(wanted)
        left = {(name, day) for name, chosen in wanted.items() for day in chosen}
        first, last = min(day for _, day in left), max(day for _, day in left)
        begin = day_start(first)
        rows = _Rows(names)
        router = LiveMarketRouter(rows, symbols=names)
        for day in self._recorded_days(names, first, last):
            self._read(router, names, day)
            rows.pack()
            rows.drop_unless(left)
            waiting = {(bar.symbol, day_index(bar.ts)) for bar in router.open_bars()}
            ready = sorted(key for key in left - waiting if key[1] <= day and key[0] not in rows.odd)
            with self._store.writing():
                for key in ready:
                    self._settle(rows, key, begin, day_start(day + 1))
            left.difference_update(ready)
        ends = self._read_on(router, rows, last, left)
        with self._store.writing():
            for bar in router.open_bars():
                key = bar.symbol, day_index(bar.ts)
                if key in left:
                    rows.bars.setdefault(key, {})[bar.ts] = bar
            for key in sorted(key for key in left if key[0] not in rows.odd):
                self._settle(rows, key, begin, ends.get(key[0], NEVER))
        self.passes.append(router.report)
        return rows.odd

    def derive_whole(self, names: list[str]) -> None:
        """Derive all that was ever recorded of `names`."""
        chosen = set(names)
        rows = _Rows(chosen)
        router = LiveMarketRouter(rows, symbols=chosen)
        days = {(name, day) for name in names for day in self.recorded[name]}
        for day in sorted({day for _, day in days}):
            self._read(router, chosen, day)
            rows.pack()
        for bar in router.open_bars():
            rows.bars.setdefault((bar.symbol, day_index(bar.ts)), {}).setdefault(bar.ts, bar)
        with self._store.writing():
            for key in sorted(days | set(rows.columns) | set(rows.bars)):
                self._write(key, *rows.take(key))
        self.passes.append(router.report)

    def events(self, days: list[int]) -> None:
        """Derive the events of `days`, of every symbol: they are one table."""
        for day in days:
            begin, end = day_start(day), day_start(day + 1)
            rows = _Rows(set())
            router = LiveMarketRouter(rows, symbols=frozenset())
            for message in self._store.raw(begin, end):
                if '"kind"' in message.text:  # no feed message has it: most need not be parsed
                    router.on_message(message.text, message.ts)
            self._store.put_events(begin, end, rows.events)
            self.event_count += len(rows.events)

    def _recorded_days(self, names: set[str], first: int, last: int) -> list[int]:
        return sorted({day for name in names for day in self.recorded[name] if first <= day <= last})

    def _read(self, router: LiveMarketRouter, names: set[str], day: int) -> None:
        for message in self._store.raw(day_start(day), day_start(day + 1), sorted(names)):
            router.on_message(message.text, message.ts)
        if self._progress is not None:
            self._progress(day)

    def _read_on(self, router: LiveMarketRouter, rows: _Rows, last: int, left: set[tuple[str, int]]) -> dict[str, int]:
        """Read beyond `last` until each bar of `left` is known; return up to where each symbol was read."""
        pending = {name for name, _ in left} - rows.odd
        ends: dict[str, int] = {}
        for day in self._recorded_days(pending, last + 1, NEVER):
            if not pending:
                break
            rows.attending = set(pending)
            for message in self._store.raw(day_start(day), day_start(day + 1), sorted(pending)):
                rows.has_news = False
                router.on_message(message.text, message.ts)
                if rows.has_news:
                    waiting = {bar.symbol for bar in router.open_bars() if (bar.symbol, day_index(bar.ts)) in left}
                    ends |= dict.fromkeys(pending - waiting, message.ts + 1)
                    pending &= waiting
                    if not pending:
                        break
            rows.pack()
            rows.drop_unless(left)
            pending -= rows.odd
        return ends

    def _settle(self, rows: _Rows, key: tuple[str, int], begin: int, end: int) -> None:
        """Write one symbol-day made from the messages in [begin, end), unless the store says that others speak of it too."""
        symbol, day = key
        ticks, bars, gaps = rows.take(key)
        before = day_start(day), day_start(day + 1)
        seq = self._store.ticks(symbol, *before).seq
        stored = self._store.bars(symbol, *before)
        late = stored.ts[(stored.known_seq >= end) & (stored.known_seq != NEVER)].tolist()
        # The last bar may have been made known later before: a day recorded in between was not there then.
        is_odd = bool(((seq < begin) | (seq >= end)).any() or (stored.known_seq < begin).any()) or late not in (
            [],
            bars.ts[-1:].tolist(),
        )
        if is_odd:
            rows.odd.add(symbol)
        else:
            self._write(key, ticks, bars, gaps)

    def _write(self, key: tuple[str, int], ticks: TickColumns, bars: BarColumns, gaps: list[Gap]) -> None:
        symbol, day = key
        self._store.put_derived(symbol, range(day, day + 1), ticks, bars, gaps)
        self.done.setdefault(symbol, {})[day] = len(ticks), len(bars), len(gaps)
