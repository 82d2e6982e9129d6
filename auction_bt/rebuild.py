"""Derived tables made anew from recorded messages, and held against what is stored, by counts and seals of the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Final

from .core.bar import BarColumns
from .core.errors import Fatal
from .core.ist import day_index, day_start, to_date
from .core.tick import TickColumns
from .derive import derive
from .store import GAPS, Event, Gap, RawMessage, TickStore
from .store.dsn import open_store
from .store.seal import seal_of

_DAYS: Final = 5  # recorded days derived at a time: their rows are held in memory, and the store's only write for as long


@dataclass(frozen=True, slots=True)
class DayState:
    """What a store holds of a symbol's day.

    Parameters
    ----------
    ticks, bars, gaps : int
        Rows.
    seal : int
        Of the rows as they are read, 0 for none.
    kept_seal : int
        As the store has it beside them; it differs from `seal` where rows were lost or changed.
    is_readable : bool
        False where the store itself says that rows are missing.
    """

    ticks: int = 0
    bars: int = 0
    gaps: int = 0
    seal: int = 0
    kept_seal: int = 0
    is_readable: bool = True

    def __str__(self) -> str:
        if not self.is_readable:
            return "damaged, rows are missing"
        if not self.seal:
            return "nothing" if not self.kept_seal else "nothing, where rows were"
        kept = "" if self.seal == self.kept_seal else ", not sealed" if not self.kept_seal else ", not as sealed"
        return f"{self.ticks:,} ticks, {self.bars:,} bars, {self.gaps:,} gaps ({GAPS}), seal {self.seal:016x}{kept}"


@dataclass(frozen=True, slots=True)
class Difference:
    """A symbol's day that was not what its messages say; the symbol '' stands for a day's events."""

    symbol: str
    day: int
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.symbol or 'events'} {to_date(self.day)}: {self.before} → {self.after}"


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What was held against what.

    Parameters
    ----------
    messages : int
        Read; a message may be read more than once.
    symbols, symbol_days, event_days : int
        Compared.
    differences : tuple of Difference
        By symbol and day.
    is_check : bool
        Nothing was written.
    """

    messages: int
    symbols: int
    symbol_days: int
    event_days: int
    differences: tuple[Difference, ...]
    is_check: bool

    def lines(self) -> list[str]:
        """Return the report for people: a line for each difference, and a summary."""
        differing = len(self.differences)
        verb = "differ from what is stored (nothing was written)" if self.is_check else "differed and were written anew"
        told = f"{differing:,} {verb}" if differing else "all equal by counts and seals"
        days = f"{self.symbol_days:,} symbol-days of {self.symbols:,} symbols and {self.event_days:,} days of events"
        return [*map(str, self.differences), f"{self.messages:,} messages read, {days} made from them: {told}"]


def recorded_days(store: TickStore, symbols: Iterable[str], days: range | None) -> dict[str, list[int]]:
    """Return the IST days on which messages of each symbol were recorded, and under '' those of messages about all."""
    found = {name: store.raw_days(name) for name in [*sorted(set(symbols)), ""]}
    return {name: chosen for name, every in found.items() if (chosen := [d for d in every if days is None or d in days])}


def rebuild(
    store: TickStore, wanted: dict[str, list[int]], *, check: bool = False, progress: Callable[[int], None] | None = None
) -> RebuildReport:
    """Make ticks, bars, gaps and events of recorded days anew; write those days that differ from what is stored.

    Parameters
    ----------
    store : TickStore
        For reading alone with `check`.
    wanted : dict of str to list of int
        As `recorded_days` gives it. Days without messages are left as they are.
    check : bool
        Write nothing: derive into a store in a temporary folder.
    progress : callable, optional
        Told the IST day that was just read.

    Raises
    ------
    Fatal
        What was written does not read back as what was derived.
    """
    work = _Rebuild(store, check)
    finished: set[str] = set()
    messages = 0
    for days in _chunks(sorted(set().union(*wanted.values()))):
        names = [n for n, recorded in wanted.items() if n and n not in finished and not set(days).isdisjoint(recorded)]
        with work.one_pass():
            report = derive(work, names, days, progress)
        messages += report.messages
        # A symbol with messages out of place is derived whole at once: not again for every few days.
        finished |= {
            n for n in names if len(report.days.get(n, ())) > len(days) and not set(wanted[n]).difference(report.days[n])
        }
    return RebuildReport(
        messages=messages,
        symbols=len({symbol for symbol, _ in work.after}),
        symbol_days=len(work.after),
        event_days=len(work.events),
        differences=tuple(sorted(work.differences(), key=lambda d: (d.symbol, d.day))),
        is_check=check,
    )


def _chunks(days: list[int]) -> Iterator[list[int]]:
    for at in range(0, len(days), _DAYS):
        yield days[at : at + _DAYS]


def state_of(store: TickStore, symbol: str, day: int) -> DayState:
    """Return what a store holds of a symbol's day, by reading all of it."""
    begin, end = day_start(day), day_start(day + 1)
    kept = store.seals(symbol, range(day, day + 1)).get(day, 0)
    try:
        ticks, bars, gaps = store.ticks(symbol, begin, end), store.bars(symbol, begin, end), store.gaps(symbol, begin, end)
    except Fatal:
        return DayState(kept_seal=kept, is_readable=False)
    return DayState(len(ticks), len(bars), len(gaps), seal_of(ticks, bars, gaps), kept)


class _Rebuild:
    """A store as `derive` sees it: what was stored before is remembered, and what is equal is not written."""

    def __init__(self, store: TickStore, check: bool) -> None:
        self._store = store
        self._target = store  # of what is written: elsewhere in a check
        self._is_check = check
        self._before: dict[tuple[str, int], DayState] = {}
        self.after: dict[tuple[str, int], DayState] = {}
        self._fresh: set[tuple[str, int]] = set()  # written in this pass
        self.events: dict[int, tuple[int, int, bool]] = {}  # how many before, after, and whether equal

    def differences(self) -> Iterator[Difference]:
        """Yield the days that were not what they are now."""
        for (symbol, day), after in self.after.items():
            before = self._before[symbol, day]
            if before != after:
                yield Difference(symbol, day, str(before), str(after))
        for day, (old, new, is_equal) in self.events.items():
            if not is_equal:
                yield Difference("", day, f"{old:,}", f"{new:,}" if old != new else f"{new:,} others")

    @contextmanager
    def one_pass(self) -> Iterator[None]:
        """Hold what one call of `derive` needs, and prove afterwards what it wrote."""
        self._fresh.clear()
        with ExitStack() as stack:
            if self._is_check:
                folder = stack.enter_context(TemporaryDirectory(prefix="auction_bt-rebuild-"))
                self._target = stack.enter_context(open_store(f"sqlite:///{folder}/scratch.db", create=True))
                yield
                self._prove()
            else:
                # No import may come between what is read and what is written.
                with self._store.writing():
                    yield
                self._prove()

    def _prove(self) -> None:
        for symbol, day in sorted(self._fresh):
            wanted, found = self.after[symbol, day], state_of(self._target, symbol, day)
            if found != wanted:
                raise Fatal(f"{symbol} {to_date(day)} does not read back as it was written ({found}, not {wanted}): "
                            "does another process write this store? Run rebuild again")  # fmt: skip

    # --- what `derive` asks

    def raw(self, begin: int, end: int, symbols: Iterable[str] | None = None) -> Iterator[RawMessage]:
        return self._store.raw(begin, end, symbols)

    def raw_days(self, symbol: str) -> list[int]:
        return self._store.raw_days(symbol)

    def writing(self) -> AbstractContextManager[None]:
        return self._target.writing()

    def ticks(self, symbol: str, begin: int, end: int) -> TickColumns:
        try:
            return self._of(symbol, begin).ticks(symbol, begin, end)
        except Fatal:  # rows are missing, and made anew from all that was recorded
            return TickColumns.empty()

    def bars(self, symbol: str, begin: int, end: int) -> BarColumns:
        try:
            return self._of(symbol, begin).bars(symbol, begin, end)
        except Fatal:
            return BarColumns.empty()

    def put_derived(self, symbol: str, days: range, ticks: TickColumns, bars: BarColumns, gaps: list[Gap]) -> None:
        (day,) = days
        key = symbol, day
        if key not in self._before:
            self._before[key] = state_of(self._store, symbol, day)
        seal = seal_of(ticks, bars, gaps)
        self.after[key] = DayState(len(ticks), len(bars), len({(g.begin, g.end, g.kind) for g in gaps}), seal, seal)
        if not self._is_check and key not in self._fresh and state_of(self._store, symbol, day) == self.after[key]:
            return
        self._fresh.add(key)
        # A server takes rows it believes to have for written; so they are first taken away.
        self._target.put_derived(symbol, days, TickColumns.empty(), BarColumns.empty(), [])
        self._target.put_derived(symbol, days, ticks, bars, gaps)

    def put_events(self, begin: int, end: int, events: list[Event]) -> None:
        before = self._store.events(begin, end)
        is_equal = before == events
        self.events[day_index(begin)] = len(before), len(events), is_equal
        if not is_equal:
            self._target.put_events(begin, end, events)

    def _of(self, symbol: str, begin: int) -> TickStore:
        return self._target if (symbol, day_index(begin)) in self._fresh else self._store
