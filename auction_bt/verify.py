"""Parity proved: the stored tables are what the recorded messages say, and a replay of these ends in the backtest's trades."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from .backtest import Engine, Request, Run, located, read, run_on
from .core.bar import NEVER, Bar
from .core.ist import day_index, day_start, from_date, to_date
from .core.tick import Tick, TickColumns
from .difference import (
    Difference,
    Happening,
    bar_columns,
    bar_happenings,
    decision_happenings,
    digest,
    fill_happenings,
    first_difference,
    first_tick_difference,
    gap_happenings,
    trade_happenings,
    when,
)
from .feeds.stored import Recorded
from .router import LiveMarketRouter
from .store import Event, Gap, TickStore
from .store.cache import DayCache
from .store.seal import seal_of

_SHOWN: Final = 300  # characters of a message


@dataclass(frozen=True, slots=True)
class Account:
    """How many of one kind both sides tell of, and the hash of each side's."""

    kind: str
    left_count: int
    right_count: int
    left: str
    right: str

    @property
    def is_same(self) -> bool:
        """Return whether the two are equal."""
        return self.left == self.right


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found.

    Parameters
    ----------
    accounts : tuple of Account
        Stored against recorded for ticks, bars and gaps; fast against replay for decisions and trades.
    difference : Difference or None
        The first, over all of them.
    cause : str
        Why that may be, and what to do.
    message : str
        The beginning of the recorded message at which it happened; empty where there is none.
    silent_days : tuple of (str, int)
        Symbol and IST day without a recorded message: nothing to hold against.
    """

    accounts: tuple[Account, ...]
    difference: Difference | None = None
    cause: str = ""
    message: str = ""
    silent_days: tuple[tuple[str, int], ...] = ()

    @property
    def is_same(self) -> bool:
        """Return whether all is equal."""
        return all(account.is_same for account in self.accounts)

    @property
    def digest(self) -> str:
        """The one hash of all that is equal."""
        return sha256(" ".join(account.left for account in self.accounts).encode()).hexdigest()[:16]


def verify(
    store: TickStore, request: Request, cache: DayCache | None = None, progress: Callable[[str], None] = lambda _: None
) -> Verdict:
    """Hold the stored tables against the recorded messages, and the fast backtest against their replay.

    Parameters
    ----------
    store : TickStore
    request : Request
        What to run; its engine does not matter.
    cache : DayCache, optional
    progress : callable
        Told what is being done.

    Raises
    ------
    BadInput
        As `backtest.run_backtest`.
    NothingToDo
        No data, or no messages, in the range.
    """
    progress("reading")
    request = located(store, request)
    data = list(read(store, request, cache))
    replay = replace(request, engine=Engine.REPLAY)
    fast = run_on(store, data, replace(request, engine=Engine.FAST))
    check = _Tables(store, data, from_date(request.end))
    check.run(progress)
    progress("replaying")
    replayed = run_on(store, data, replay)
    accounts = [*check.accounts()]
    steps = {r.instrument.symbol: float(r.instrument.tick) for r in data}
    found: list[Difference] = []
    for kind, of in (("decision", _decisions), ("fill", _fills), ("trade", _trades)):
        left, right = of(fast, steps), of(replayed, steps)
        if kind != "fill":  # trades hold them
            accounts.append(Account(kind, len(left), len(right), digest(left), digest(right)))
        if (difference := first_difference(left, right)) is not None:
            found.append(difference)
    # What was decided follows from the tables: where these differ, that came first.
    first = min(check.differences or found, key=lambda d: d.at.order, default=None)
    silent = tuple(check.silent_days)
    if first is None:
        return Verdict(tuple(accounts), silent_days=silent)
    message = _message(store, first.at.seq)
    return Verdict(tuple(accounts), first, _cause(first, message, silent), message, silent)


def _decisions(run: Run, _: dict[str, float]) -> list[Happening]:
    return decision_happenings(run.result.decisions)


def _fills(run: Run, steps: dict[str, float]) -> list[Happening]:
    return fill_happenings(run.result.trades, steps)


def _trades(run: Run, steps: dict[str, float]) -> list[Happening]:
    return trade_happenings(run.result.trades, steps)


class _Tables:
    """Stored ticks, bars and gaps held against what the router makes of the messages now, a day at a time."""

    def __init__(self, store: TickStore, data: list[Recorded], last_day: int) -> None:
        self._store = store
        self._begins = {r.instrument.symbol: day_start(day_index(int(r.bars.ts[0]))) for r in data}
        self._last = {r.instrument.symbol: r.leg.last_day if r.leg else last_day for r in data}
        self._ends = {symbol: day_start(day + 1) for symbol, day in self._last.items()}
        self._ticks: dict[tuple[str, int], list[Tick]] = {}
        self._bars: dict[str, list[Bar]] = {symbol: [] for symbol in self._begins}
        self._gaps: dict[str, list[Gap]] = {symbol: [] for symbol in self._begins}
        self._counts = [0, 0]
        self._digests = sha256(), sha256()
        self._accounts: list[Account] = []
        self.differences: list[Difference] = []
        self.silent_days: list[tuple[str, int]] = []

    # --- the router's sink

    def on_tick(self, tick: Tick) -> None:
        """Take a trade."""
        day = day_index(tick.ts)
        if day == day_index(tick.seq):
            self._ticks.setdefault((tick.symbol, day), []).append(tick)

    def on_bar(self, bar: Bar) -> None:
        """Take a bar."""
        self._bars[bar.symbol].append(bar)

    def on_gap(self, gap: Gap) -> None:
        """Take a silence."""
        self._gaps[gap.symbol].append(gap)

    def on_event(self, event: Event) -> None:
        """Take a message of our own kinds: it is compared with nothing."""

    # --- the comparison

    def run(self, progress: Callable[[str], None]) -> None:
        """Read all messages once."""
        symbols = sorted(self._begins)
        recorded = {symbol: set(self._store.raw_days(symbol)) for symbol in symbols}
        router = LiveMarketRouter(self, symbols=frozenset(symbols))
        for day in range(day_index(min(self._begins.values())), max(self._last.values()) + 1):
            attending = [s for s in symbols if day in recorded[s] and day <= self._last[s]]
            if attending:
                progress(f"holding {to_date(day)} against its messages")
                for message in self._store.raw(day_start(day), day_start(day + 1), symbols):
                    router.on_message(message.text, message.ts)
            self._compare_ticks(day, [s for s in attending if self._begins[s] <= day_start(day)])
        for symbol in symbols:
            stored = set(self._store.days(symbol))
            first = day_index(self._begins[symbol])
            self.silent_days += [(symbol, d) for d in sorted(stored - recorded[symbol]) if first <= d <= self._last[symbol]]
            self._keep_comparable(symbol)
        self._compare_rest(symbols, recorded)

    def accounts(self) -> Iterable[Account]:
        """Return how the two sides stand."""
        left, right = (d.hexdigest()[:16] for d in self._digests)
        return [Account("tick", self._counts[0], self._counts[1], left, right), *self._accounts]

    def _compare_ticks(self, day: int, attending: list[str]) -> None:
        for symbol in attending:
            stored = self._store.ticks(symbol, day_start(day), day_start(day + 1))
            stored = stored.take((stored.seq >= day_start(day)) & (stored.seq < day_start(day + 1)))
            made = TickColumns.of(self._ticks.pop((symbol, day), []))
            for side, ticks in enumerate((stored, made)):
                self._counts[side] += len(ticks)
                seal = seal_of(ticks, bar_columns([]), [])
                self._digests[side].update(f"{symbol} {day} {seal}\n".encode())
            if (difference := first_tick_difference(symbol, stored, made)) is not None:
                self.differences.append(difference)
        self._ticks.clear()  # of days before a symbol's own beginning

    def _keep_comparable(self, symbol: str) -> None:
        # The bars of the day before are known here, those of the last day only after the end: neither can be held against.
        begin, end = self._begins[symbol], self._ends[symbol]
        self._bars[symbol] = [b for b in self._bars[symbol] if begin <= b.ts < end and b.known_seq < end]
        self._gaps[symbol] = [g for g in self._gaps[symbol] if begin <= g.begin and g.end < end]

    def _compare_rest(self, symbols: list[str], recorded: dict[str, set[int]]) -> None:
        sides: dict[str, tuple[list[Happening], list[Happening]]] = {"gap": ([], []), "bar": ([], [])}
        for symbol in symbols:
            begin, end = self._begins[symbol], self._ends[symbol]
            bars = self._store.bars(symbol, begin, end)
            days = day_index(bars.ts)
            bars = bars.take([int(d) in recorded[symbol] for d in days] & (bars.known_seq < min(end, NEVER)))
            gaps = [g for g in self._store.gaps(symbol, begin, end) if g.end < end and day_index(g.begin) in recorded[symbol]]
            for kind, stored, made in (
                ("gap", gap_happenings(gaps), gap_happenings(self._gaps[symbol])),
                ("bar", bar_happenings(symbol, bars), bar_happenings(symbol, bar_columns(self._bars[symbol]))),
            ):
                sides[kind][0].extend(stored)
                sides[kind][1].extend(made)
                if (difference := first_difference(stored, made)) is not None:
                    self.differences.append(difference)
        for kind, (stored, made) in sides.items():
            self._accounts.append(Account(kind, len(stored), len(made), digest(stored), digest(made)))


def _message(store: TickStore, seq: int) -> str:
    found = next(store.raw(seq, seq + 1), None)
    if found is None:
        return ""
    return found.text if len(found.text) <= _SHOWN else found.text[:_SHOWN] + "…"


def _cause(difference: Difference, message: str, silent: tuple[tuple[str, int], ...]) -> str:
    at = difference.at
    if at.kind in {"decision", "fill", "trade"}:
        early = [(s, d) for s, d in silent if s == at.symbol]
        if early:
            days = ", ".join(str(to_date(d)) for _, d in early[:3])
            return (f"{at.symbol} has no messages on {days}{' …' if len(early) > 3 else ''}, so the replay lacks days that the "
                    "backtest has: choose days that were recorded")  # fmt: skip
        return "ticks and bars are the same and what was made of them is not: that is a fault of the program; please report it"
    if difference.right is None:
        if not message and at.seq < NEVER:
            return f"the message of {when(at.seq)} that made it is gone: restore the recording, or run rebuild if it is right"
        return "its message says something else now, or another before it does: run rebuild if the recording is right"
    if difference.left is None:
        return "the tables were derived before this message was there, or from another one: run rebuild"
    changed = ", ".join(difference.differing())
    return (f"the recording says another {changed} than when the tables were derived: a message was changed, or the program "
            "reads it in another way now; run rebuild if the recording is right")  # fmt: skip
