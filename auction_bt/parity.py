"""A store held against itself: what it keeps, what its messages say now, and what either way of running makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final

from .backtest import Request, Run, first_stamp, read, replayed, run_engine
from .causes import Facts, cause_of
from .core.bar import BarColumns
from .core.ist import MINUTE_NS, day_index, day_start, from_date
from .core.tick import TickColumns
from .derive import derive
from .feeds.stored import Recorded
from .store import Event, Gap, RawMessage, TickStore
from .store.seal import seal_of
from .verify import (
    Compared,
    Difference,
    What,
    compare_bars,
    compare_decisions,
    compare_gaps,
    compare_ticks,
    compare_trades,
    decision_row,
    digest,
    earliest,
    trade_row,
)  # fmt: skip

_ROWS: Final = (What.GAP, What.TICK, What.BAR)
_NEAR_NS: Final = 15 * MINUTE_NS  # how far the neighbours of a missing message are looked for


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of it.

    Parameters
    ----------
    compared : dict of What to Compared
        First side: stored, and run in bulk. Second: the recorded messages as they are now.
    hashes : dict of str to (str, str)
        ``rows``, ``decisions``, ``trades``: the hash of each side.
    days : dict of symbol to int
        Symbol-days whose stored rows were compared.
    messages : int
        Messages routed, each as often as it was.
    difference : Difference or None
        The first one.
    cause : str
        What is likely to have made it.
    """

    compared: dict[What, Compared]
    hashes: dict[str, tuple[str, str]]
    days: dict[str, int]
    messages: int
    difference: Difference | None = None
    cause: str = ""

    @property
    def is_equal(self) -> bool:
        """True where everything is the same on both sides."""
        return self.difference is None


def verify(store: TickStore, request: Request, progress: Callable[[str], None] | None = None) -> Verification:
    """Compare stored rows with recorded messages, and a run in bulk with a replay.

    Parameters
    ----------
    store : TickStore
    request : Request
    progress : callable, optional
        Told what is being done.

    Raises
    ------
    NothingToDo
        No data in the range, or no messages.
    """
    tell = progress if progress is not None else _silent
    tell("reading what is stored")
    data = list(read(store, request))
    source = replayed(store, data, request)
    spans = {r.instrument.symbol: range(day_index(first_stamp(r)), from_date(request.end) + 1) for r in data}
    rows = _Rows(store, spans)
    rows.compare_all(tell)
    tell("running the stored days in bulk")
    fast = run_engine(data, request)
    tell("replaying the messages")
    slow = run_engine(data, request, source)
    ticks = {r.instrument.symbol: r.instrument.tick for r in data}
    compared = {
        **rows.compared,
        What.DECISION: compare_decisions(fast.result.decisions, slow.result.decisions),
        What.TRADE: compare_trades(fast.result.trades, slow.result.trades, ticks),
    }
    difference = earliest(each.earliest for each in compared.values())
    return Verification(
        compared=compared,
        hashes={"rows": rows.hashes(), **_run_hashes(fast, slow, data)},
        days={symbol: len(rows.seals.get(symbol, {})) for symbol in spans},
        messages=rows.messages,
        difference=difference,
        cause=cause_of(difference, _facts(store, difference, compared)) if difference is not None else "",
    )


def _silent(_: str) -> None:
    """Tell nobody."""


def _run_hashes(fast: Run, slow: Run, data: list[Recorded]) -> dict[str, tuple[str, str]]:
    ticks = {r.instrument.symbol: r.instrument.tick for r in data}
    sides = fast.result, slow.result
    decisions, trades = (
        [digest(map(decision_row, side.decisions)) for side in sides],
        [digest(trade_row(t, ticks[t.symbol]) for t in side.trades) for side in sides],
    )
    return {"decisions": (decisions[0], decisions[1]), "trades": (trades[0], trades[1])}


@dataclass(slots=True)
class _Rows:
    """What `derive` sees as its store: it reads the true one and compares instead of writing."""

    store: TickStore
    spans: dict[str, range]
    found: dict[tuple[str, int], dict[What, Compared]] = field(default_factory=dict)
    seals: dict[str, dict[int, tuple[int, int]]] = field(default_factory=dict)
    messages: int = 0

    def compare_all(self, tell: Callable[[str], None]) -> None:
        """Compare every stored day of the spans, and every recorded one."""
        first, last = min(s.start for s in self.spans.values()), max(s.stop for s in self.spans.values())
        tell("making ticks and bars of the messages anew")
        report = derive(self, self.spans, range(first, last), events=False)
        self.messages = report.messages
        for symbol, span in self.spans.items():
            for day in self.store.days(symbol):
                if day in span and day not in self.seals.get(symbol, {}):
                    self.put_derived(symbol, range(day, day + 1), TickColumns.empty(), BarColumns.empty(), [])

    @property
    def compared(self) -> dict[What, Compared]:
        """What came of all days."""
        return {what: sum((day[what] for day in self.found.values()), Compared()) for what in _ROWS}

    def hashes(self) -> tuple[str, str]:
        """Return the hash of all rows of each side: that of their seals."""
        pairs = [(s, d, *both) for s, days in sorted(self.seals.items()) for d, both in sorted(days.items())]
        return digest((s, d, a) for s, d, a, _ in pairs), digest((s, d, b) for s, d, _, b in pairs)

    def raw_days(self, symbol: str) -> list[int]:
        return self.store.raw_days(symbol)

    def raw(self, begin: int, end: int, symbols: Iterable[str] | None = None) -> Iterator[RawMessage]:
        return self.store.raw(begin, end, symbols)

    def ticks(self, symbol: str, begin: int, end: int) -> TickColumns:
        return self.store.ticks(symbol, begin, end)

    def bars(self, symbol: str, begin: int, end: int) -> BarColumns:
        return self.store.bars(symbol, begin, end)

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def put_events(self, begin: int, end: int, events: list[Event]) -> None:
        """Leave events alone: none of them decides anything."""

    def put_derived(self, symbol: str, days: range, ticks: TickColumns, bars: BarColumns, gaps: list[Gap]) -> None:
        for day in days:
            if day not in self.spans[symbol]:
                continue
            begin, end = day_start(day), day_start(day + 1)
            stored = (self.store.ticks(symbol, begin, end), self.store.bars(symbol, begin, end),
                      self.store.gaps(symbol, begin, end))  # fmt: skip
            seals = seal_of(*stored), seal_of(ticks, bars, gaps)
            self.seals.setdefault(symbol, {})[day] = seals
            # A day that turns out odd is derived again, with others that speak of it: what came last counts.
            if seals[0] == seals[1]:
                counts = {What.TICK: len(ticks), What.BAR: len(bars), What.GAP: len(set(gaps))}
                self.found[symbol, day] = {what: Compared(n, n) for what, n in counts.items()}
            else:
                self.found[symbol, day] = {
                    What.TICK: compare_ticks(symbol, stored[0], ticks),
                    What.BAR: compare_bars(symbol, stored[1], bars),
                    What.GAP: compare_gaps(symbol, stored[2], gaps),
                }


def _facts(store: TickStore, difference: Difference, compared: dict[What, Compared]) -> Facts:
    symbol, seq = difference.symbol, difference.seq
    sides = [row for row in (difference.first, difference.second) if row is not None]
    ts = sides[0].get("ts", seq)
    day = day_index(ts)
    stamps = [m.ts for m in store.raw(seq - _NEAR_NS, seq + _NEAR_NS, [symbol]) if symbol in m.symbols]
    return Facts(
        day=day,
        is_recorded=day in store.raw_days(symbol),
        is_derived=day in store.days(symbol),
        stands=seq in stamps,
        before=max((s for s in stamps if s < seq), default=None),
        after=min((s for s in stamps if s > seq), default=None),
        rows_agree=not any(compared[what].different for what in _ROWS),
    )
