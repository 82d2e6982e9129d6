"""The `profile` command: volume at price of one symbol over some days."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from contextlib import ExitStack
from dataclasses import dataclass
from math import nan
from typing import Any, Final

import numpy as np

from auction_bt.core.errors import BadInput
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import day_start, to_date
from auction_bt.core.profile import Grid, Method, Profile, VolumeSource, merged, profile_of_ticks
from auction_bt.core.quality import DayQuality, day_quality
from auction_bt.session_data import session_data, session_volume
from auction_bt.store import TickStore
from auction_bt.store.dsn import open_store
from auction_bt.symbols import one_leg

from .arguments import add_dates, add_state, add_store, day_range, loaded_book, nothing_in
from .outputs import write_text

HELP: Final = "Show volume at price, point of control and value area of one symbol over some days, from ticks or from candles."
_LINES: Final = 40
_MEASURES: Final = (VolumeSource.TICKS, VolumeSource.CANDLES)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument("--symbol", required=True, metavar="KEY", help="symbol or name, as NIFTY-FUT:2026-12")
    add_dates(parser)
    parser.add_argument("--method", default=Method.TWO_ROW.value, choices=list(Method), help="how the value area grows")
    parser.add_argument(
        "--source",
        default=VolumeSource.AUTO.value,
        choices=list(VolumeSource),
        help="auto: ticks on days that have them, else candles",
    )
    parser.add_argument(
        "--value-area", default=0.70, type=float, metavar="SHARE", help="share of the volume (default: %(default)s)"
    )
    parser.add_argument("--ticks-per-row", default=1, type=int, metavar="N", help="price steps in one row (default: %(default)s)")
    add_store(parser)
    add_state(parser)
    parser.add_argument("--json", metavar="FILE", help="write JSON too; - is standard output, and JSON alone")


def run(args: Namespace) -> int:
    """Print the profile, or write JSON."""
    days = day_range(args.from_date, args.to_date)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(args.store, readonly=True))
        leg = one_leg(store, loaded_book(args.state, stack), args.symbol, days)
        measured = measure(
            store,
            leg.instrument,
            range(leg.first_day, leg.last_day + 1),
            VolumeSource(args.source),
            Method(args.method),
            args.value_area,
            args.ticks_per_row,
        )
    text = json.dumps(measured.as_json()) + "\n"
    if args.json:
        write_text(args.json, text)
    if args.json == "-":
        return 0
    print("\n".join(measured.as_text(shutil.get_terminal_size().columns, blocks=_can_print_blocks())))
    return 0


@dataclass(frozen=True, slots=True)
class Day:
    """One session, as it was measured.

    Parameters
    ----------
    day : int
        IST day.
    source : VolumeSource
    rows, outside : int
        Ticks or candles in the session, and left out because they lie outside it.
    off_grid : int
        Prices that were no multiple of the tick size, and were rounded to one.
    """

    day: int
    source: VolumeSource
    profile: Profile
    rows: int
    outside: int
    off_grid: int
    quality: DayQuality

    def as_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "day": str(to_date(self.day)),
            "source": self.source.value,
            "volume": self.profile.total,
            self.source.value: self.rows,
            "outside_session": self.outside,
            "off_grid": self.off_grid,
            "grade": self.quality.grade,
            "reason": self.quality.reason,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """A profile, and what it was made from.

    Parameters
    ----------
    days : range
        IST days asked for.
    sessions : tuple of Day
        The days that had volume.
    """

    instrument: Instrument
    days: range
    profile: Profile
    source: VolumeSource
    value_area: float
    sessions: tuple[Day, ...]

    @property
    def dates(self) -> tuple[str, str]:
        """First and last day, as text."""
        return str(to_date(self.days.start)), str(to_date(self.days.stop - 1))

    def count(self, source: VolumeSource) -> tuple[int, int]:
        """Return how many days were measured by `source`, and by how many ticks or candles."""
        some = [d for d in self.sessions if d.source is source]
        return len(some), sum(d.rows for d in some)

    def as_json(self) -> dict[str, Any]:
        """Return plain values; a row of several ticks is named by its lowest price."""
        profile = self.profile
        poc, vah, val = profile.prices
        grid = profile.grid
        prices = grid.prices(profile.rows * grid.ticks_per_row).tolist()
        volumes = profile.volume[profile.rows - profile.lo].tolist()
        return {
            "schema": 1,
            "symbol": self.instrument.symbol,
            "from": self.dates[0],
            "to": self.dates[1],
            "method": profile.method.value,
            "source": self.source.value,
            "value_area": self.value_area,
            "tick_size": float(grid.tick),
            "ticks_per_row": grid.ticks_per_row,
            "poc": poc,
            "vah": vah,
            "val": val,
            "total_volume": profile.total,
            "rows": [list(row) for row in zip(prices, volumes, strict=True)],
            "quality": {"days": [d.as_json() for d in self.sessions]},
        }

    def as_text(self, width: int = 80, *, blocks: bool = True) -> list[str]:
        """Return lines of a histogram, the highest price first; the value area is drawn solid."""
        profile = self.profile
        digits = self.instrument.decimals
        poc, vah, val = profile.prices
        name = f"{self.instrument.symbol} ({self.instrument.name})" if self.instrument.name else self.instrument.symbol
        lines = [
            f"{name}  {self.dates[0]} to {self.dates[1]}  method {profile.method.value}  value area {self.value_area:.2%}",
            f"POC {poc:.{digits}f}  VAH {vah:.{digits}f}  VAL {val:.{digits}f}  volume {profile.total:,}",
            ", ".join(
                f"{days} day{'s' * (days > 1)} of {rows:,} {s}" for s in _MEASURES for days, rows in [self.count(s)] if days
            ),
        ]
        lines += [
            f"{to_date(d.day)}: grade {d.quality.grade}, {d.quality.reason}" for d in self.sessions if d.quality.grade in "BC"
        ]
        lines += [""]
        # Rows are put together for the eye only; the levels above stay exact.
        group = -(-(profile.hi - profile.lo + 1) // _LINES)
        first = profile.lo // group
        sums = np.zeros(profile.hi // group - first + 1, np.int64)
        np.add.at(sums, profile.rows // group - first, profile.volume[profile.rows - profile.lo])
        step = group * profile.grid.ticks_per_row
        prices = [f"{profile.grid.price((first + i) * step):.{digits}f}" for i in range(len(sums))]
        volumes = [f"{v:,}" for v in sums.tolist()]
        left, right = max(map(len, prices)), max(map(len, volumes))
        room = max(10, min(width, 160) - left - right - 18)
        solid, pale = ("█", "░") if blocks else ("#", ".")
        marks = {"VAH": profile.vah // group, "POC": profile.poc // group, "VAL": profile.val // group}
        for i in reversed(range(len(sums))):
            inside = marks["VAL"] <= first + i <= marks["VAH"]
            length = -(-int(sums[i]) * room // int(sums.max()))
            bar = (solid if inside else pale) * length
            mark = " ".join(level for level, row in marks.items() if row == first + i)
            lines.append(f"{prices[i]:>{left}}  {bar:<{room}}  {volumes[i]:>{right}}  {mark}".rstrip())
        if step > 1:
            lines += ["", f"each line: {step} ticks from the price shown up; levels are exact"]
        off_grid = sum(d.off_grid for d in self.sessions)
        if off_grid:
            lines.append(f"{off_grid:,} prices were off the grid of {self.instrument.tick}, and rounded to it")
        return lines


def measure(
    store: TickStore,
    instrument: Instrument,
    days: range,
    source: VolumeSource = VolumeSource.AUTO,
    method: Method = Method.TWO_ROW,
    value_area: float = 0.70,
    ticks_per_row: int = 1,
) -> Measured:
    """Return the profile of the sessions of `instrument` on IST `days`.

    Notes
    -----
    Only what was traded in the continuous session counts. A day is measured by its ticks or by its candles, never by both.
    """
    symbol, grid = instrument.symbol, Grid(instrument.tick, ticks_per_row)
    held = store.days(symbol)
    wanted = [day for day in held if day in days]
    if not wanted:
        raise nothing_in(f"data of {symbol}", days, held)
    sessions: list[Day] = []
    nothing = np.zeros(0, np.int64)
    parts = [profile_of_ticks(nothing, nothing, grid, method, value_area)]
    seen: set[VolumeSource] = set()
    for day in wanted:
        data = session_data(store, instrument, day)
        seen |= {s for s, has in ((VolumeSource.TICKS, data.has_ticks), (VolumeSource.CANDLES, data.has_bars)) if has}
        found = session_volume(data, grid, source, method, value_area)
        if found is None:
            continue
        quality = DayQuality("-", nan, "bars only")
        if found.source is VolumeSource.TICKS and data.has_bars:
            session = data.session
            bounds = None if session.is_whole_day else session.bounds(day)
            gaps = store.gaps(symbol, day_start(day), day_start(day + 1))
            quality = day_quality(data.all_bars, gaps, bounds, session.pauses_on(day))
        elif found.source is VolumeSource.TICKS:
            quality = DayQuality("-", nan, "ticks only: no bars to hold them against")
        sessions.append(Day(day, found.source, found.profile, found.rows, found.outside, found.off_grid, quality))
        parts.append(found.profile)
    if not sessions:
        raise _no_volume(instrument, days, source, seen)
    return Measured(instrument, days, merged(parts), source, value_area, tuple(sessions))


def _no_volume(instrument: Instrument, days: range, source: VolumeSource, seen: set[VolumeSource]) -> BadInput:
    what = f"{instrument.symbol} has no"
    when = f"from {to_date(days.start)} to {to_date(days.stop - 1)}"
    if seen and source is VolumeSource.TICKS:
        return BadInput(f"{what} ticks {when}, only bars: use --source candles")
    if seen and source is VolumeSource.CANDLES:
        return BadInput(f"{what} bars with volume {when}, only ticks: use --source ticks")
    why = ", as no index has" if instrument.kind is Kind.INDEX else ""
    return BadInput(f"{what} volume in the sessions {when}{why}: use its future, e.g. NIFTY-FUT")


def _can_print_blocks() -> bool:
    try:
        "█░".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
