"""One file into the store: read and judged whole first, then written in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Final

import numpy as np

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Kind
from auction_bt.core.ist import day_index
from auction_bt.core.price_step import misfit_share
from auction_bt.derive import derive
from auction_bt.market.calendar import closed_among
from auction_bt.store import RawMessage, TickStore

from . import files
from .instruments import PRICELESS, Chosen, Evidence, choose, gather, of_table
from .merge import Merged, merge_bars, merge_ticks
from .recording import messages
from .rejects import Rejects
from .report import FileReport
from .rows import bars_of, kind_of, ticks_of
from .stamps import zone_of
from .table import Table, read

_EVERY: Final = 5_000  # messages between two words of progress
_MOST_OFF: Final = 0.5  # share of prices that a step given by hand may not fit
_HELD: Final = 256 * 1024 * 1024  # characters of messages kept between judging and writing; a longer file is read twice


@dataclass(frozen=True, slots=True)
class Options:
    """How files are to be read; see the command's help."""

    symbol: str | None = None
    name: str | None = None
    format: str = "auto"
    kind: str = "auto"
    tick: Decimal | None = None
    lot: int | None = None
    tz: str = "Asia/Kolkata"
    stamp_end: bool = False
    mapping: Mapping[str, str] = field(default_factory=dict)
    cumulative: bool = False
    instrument_kind: Kind | None = None


@dataclass(frozen=True, slots=True)
class Importer:
    """Brings files into a store.

    Parameters
    ----------
    store : callable
        Opens the store, or returns the open one; not called before the first file was found good, so that a bad file makes none.
    options : Options
    progress : callable
        Told what is being done.
    """

    store: Callable[[], TickStore]
    options: Options
    progress: Callable[[str], None]

    def add(self, path: Path) -> FileReport:
        """Import one file.

        Raises
        ------
        BadInput
            Where the file cannot be used; the store is as it was.
        """
        zone_of(self.options.tz)  # a wrong zone is a wrong option, whatever the file
        _check_texts(self.options.symbol, self.options.name)
        if not path.exists():
            raise BadInput(f"no file {path}: check the name")
        form = files.detect(path) if self.options.format == "auto" else self.options.format
        if form == "upstox":
            return self._recording(path, None, Rejects("message"))
        rejects = Rejects()
        self.progress(f"{path.name}: reading")
        table = read(path, form, self.options.mapping, rejects)
        kind = kind_of(table) if self.options.kind == "auto" else self.options.kind
        if table.rows == 0:
            raise BadInput(f"{path} has no rows")
        if kind == "raw":
            return self._recording(path, table, rejects)
        return self._table(table, kind, rejects)

    def _recording(self, path: Path, table: Table | None, rejects: Rejects) -> FileReport:
        wanted = self.options.symbol
        evidence: dict[str, Evidence] = {}
        days: dict[str, set[int]] = {}
        every: set[int] = set()
        read_count = size = 0
        held: list[RawMessage] = []
        for message in messages(path, table, rejects):
            read_count += 1
            if read_count % _EVERY == 0:
                self.progress(f"{path.name}: {read_count:,} messages")
            gather(evidence, message.frame, message.body)
            size += len(message.raw.text)
            if size < _HELD:
                held.append(message.raw)
            day = day_index(message.raw.ts)
            every.add(day)
            for symbol in message.raw.symbols:
                days.setdefault(symbol, set()).add(day)
        rejects.check(str(path), read_count + rejects.total)
        if wanted is not None and wanted not in days:
            raise BadInput(f"{path} has no message about {wanted}: it is about {', '.join(sorted(days)[:5]) or 'no instrument'}")
        names = sorted(days) if wanted is None else [wanted]
        if not read_count or (not names and table is None):
            raise BadInput(f"{path} has no message about any instrument: it must hold messages of the Upstox v3 feed")
        store = self.store()
        source = iter(held) if size < _HELD else (m.raw for m in messages(path, table, Rejects()))
        kept = _Count(m for m in source if wanted is None or not m.symbols or wanted in m.symbols)
        with store.writing():
            self.progress(f"{path.name}: storing {read_count:,} messages")
            recorded: list[int] = []
            added = store.add_raw(kept, placed=table is not None, recognised=recorded.append)
            found = [(name, self._instrument(store, name, evidence.get(name, Evidence()))) for name in names]
        self.progress(f"{path.name}: building bars")
        # Also where nothing was new: an import that was killed here left messages without bars. Under the lock, or another
        # import's messages could come between what is read and what is written.
        with store.writing():
            derive(store, names, sorted(every))
        told = tuple((c, tuple(sorted(days[name])), _holdings(store, name, every)) for name, c in found if c is not None)
        details = [*rejects.lines(), *(f"{name}: {PRICELESS}" for name, c in found if c is None)]
        if read_count > kept.count:
            details.append(f"{read_count - kept.count:,} left out: about other instruments")
        return FileReport(path, "messages", read_count + rejects.total, added, kept.count - added, len(recorded),
                          tuple(details), told)  # fmt: skip

    def _table(self, table: Table, kind: str, rejects: Rejects) -> FileReport:
        options, path = self.options, table.path
        if options.cumulative and kind != "bars":
            raise BadInput("--cumulative-volume is for bars: the volume of ticks is each trade's own")
        symbol, table = _symbol(table, options.symbol)
        zone = zone_of(options.tz)
        details: list[str] = []
        write: Callable[[TickStore], Merged]
        if kind == "bars":
            bars = bars_of(table, zone, rejects, stamp_end=options.stamp_end, cumulative=options.cumulative)
            count, seen = len(bars), of_table((bars.open, bars.high, bars.low, bars.close), bars.volume)
            write = lambda store: merge_bars(store, symbol, bars)  # noqa: E731
        else:
            ticks, zeros = ticks_of(table, zone, rejects)
            count, seen = len(ticks), of_table((ticks.price,), ticks.size)
            if zeros:
                details.append(f"{zeros:,} left out: size 0, not a trade")
            write = lambda store: merge_ticks(store, symbol, ticks)  # noqa: E731
        rejects.check(str(path), table.rows)
        if not count:
            raise BadInput(f"{path} has no {kind}: " + ("every row has size 0" if details else "it has no usable row"))
        _check_step(path, seen, options.tick)
        store = self.store()
        self.progress(f"{path.name}: storing {count:,} {kind}")
        with store.writing():
            chosen = self._instrument(store, symbol, seen)
            merged = write(store)
        assert chosen is not None, "rows without a price are rejected"  # noqa: S101
        details = [*rejects.lines(), *details]
        if merged.conflicts:
            details.append(f"{merged.conflicts:,} differ from the stored bar of their minute: the stored ones stay")
        if merged.recorded:
            details.append(f"{merged.recorded:,} left out: of days with recorded messages, which say more")
        if zone is None and (closed := closed_among(merged.days)):
            details.append(f"warning: {closed}: is the file's zone, or its date, another one?")
        told = ((chosen, merged.days, _holdings(store, symbol, set(merged.days))),)
        return FileReport(path, kind, table.rows, merged.stored, merged.already, 0, tuple(details), told)

    def _instrument(self, store: TickStore, symbol: str, seen: Evidence) -> Chosen | None:
        options = self.options
        chosen = choose(store, symbol, seen, tick=options.tick, lot=options.lot, name=options.name, kind=options.instrument_kind,
                        is_india=zone_of(options.tz) is None)  # fmt: skip
        if chosen is not None:
            store.put_instrument(chosen.instrument)
        return chosen


class _Count:
    """An iterator that counts what passes."""

    def __init__(self, messages: Iterator[RawMessage]) -> None:
        self._messages = messages
        self.count = 0

    def __iter__(self) -> Iterator[RawMessage]:
        for message in self._messages:
            self.count += 1
            yield message


def _check_texts(symbol: str | None, name: str | None) -> None:
    if symbol is not None and (not symbol or symbol != symbol.strip()):
        raise BadInput(f"--symbol {symbol!r} is empty or has spaces around it: write what was traded, like RELIANCE")
    for option, text in (("--symbol", symbol), ("--name", name)):
        if text is not None and any("\ud800" <= c <= "\udfff" for c in text):
            raise BadInput(f"{option} {text!r} is not UTF-8 text")


def _check_step(path: Path, seen: Evidence, tick: Decimal | None) -> None:
    # Rounded to such a step, most prices would be others, and every level with them.
    if tick is not None and seen.prices and (off := misfit_share(np.array(sorted(seen.prices)), tick)) > _MOST_OFF:
        raise BadInput(f"{path}: {off:.0%} of the prices are not multiples of --tick {tick}: give the right one, or none")


def _symbol(table: Table, wanted: str | None) -> tuple[str, Table]:
    table = table.only(wanted)
    if wanted is not None:
        return wanted, table
    if "symbol" in table.columns and len(names := set(table.columns["symbol"].to_pylist())) == 1:
        return str(names.pop()), table
    raise BadInput(f"{table.path} does not say what was traded: give --symbol KEY")


def _holdings(store: TickStore, symbol: str, days: set[int]) -> str:
    held = [h for h in store.holdings(symbol) if h.day in days]
    return f"{sum(h.bars for h in held):,} bars, {sum(h.ticks for h in held):,} ticks now in the store for these days"
