"""The `profile` command: volume at price of one symbol over some days."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from auction_bt.core.bar import BarColumns
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.instrument import Instrument, Kind, to_ticks
from auction_bt.core.ist import DAY_NS, day_start, from_date, to_date
from auction_bt.core.profile import Grid, Method, Profile, VolumeSource, merged, profile_of_candles, profile_of_ticks
from auction_bt.core.session import session_of
from auction_bt.core.tick import TickColumns
from auction_bt.store import TickStore
from auction_bt.store.dsn import DEFAULT, open_store

HELP: Final = "show volume at price, POC and value area of some days"
_LINES: Final = 40
_Columns = TypeVar("_Columns", TickColumns, BarColumns)


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--symbol", required=True, metavar="KEY", help="symbol or name, as in the store")
    parser.add_argument("--from-date", required=True, metavar="YYYY-MM-DD", type=_date, help="first IST day")
    parser.add_argument("--to-date", required=True, metavar="YYYY-MM-DD", type=_date, help="last IST day, included")
    parser.add_argument(
        "--method", default=Method.TWO_ROW.value, choices=[m.value for m in Method], help="how the value area grows"
    )
    parser.add_argument(
        "--source",
        default=VolumeSource.AUTO.value,
        choices=[s.value for s in VolumeSource],
        help="auto: ticks on days that have them, else candles",
    )
    parser.add_argument("--value-area", default=0.70, type=float, metavar="SHARE", help="share of the volume (default 0.70)")
    parser.add_argument("--ticks-per-row", default=1, type=int, metavar="N", help="price steps in one row (default 1)")
    parser.add_argument("--store", default=DEFAULT, metavar="DSN", help=f"where the data is (default {DEFAULT})")
    parser.add_argument("--json", metavar="FILE", help="write JSON, - for standard output")


def run(args: Namespace) -> int:
    """Print the profile."""
    with open_store(args.store, readonly=True) as store:
        measured = measure(
            store,
            store.instrument(args.symbol),
            (args.from_date, args.to_date),
            VolumeSource(args.source),
            Method(args.method),
            args.value_area,
            args.ticks_per_row,
        )
    if args.json == "-":
        print(json.dumps(measured.as_json(), ensure_ascii=False))
        return 0
    if args.json:
        try:
            Path(args.json).write_text(json.dumps(measured.as_json(), ensure_ascii=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise BadInput(
                f"--json {args.json} cannot be written ({error.strerror}): name a file in a folder that exists"
            ) from None
    width = shutil.get_terminal_size().columns
    print("\n".join(measured.as_text(width, blocks=_can_print_blocks())))
    return 0


@dataclass(frozen=True, slots=True)
class Measured:
    """A profile, and what it was made from.

    Parameters
    ----------
    days : tuple of date
        First and last, as asked for.
    quality : dict
        Days and volume by source, ticks and bars outside the session, gaps, prices off the grid.
    """

    instrument: Instrument
    days: tuple[date, date]
    profile: Profile
    source: VolumeSource
    value_area: float
    quality: dict[str, int]

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
            "from": self.days[0].isoformat(),
            "to": self.days[1].isoformat(),
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
            "quality": self.quality,
        }

    def as_text(self, width: int = 80, *, blocks: bool = True) -> list[str]:
        """Return lines of a histogram, the highest price first; the value area is drawn solid."""
        profile, q = self.profile, self.quality
        digits = self.instrument.decimals
        poc, vah, val = profile.prices
        name = f"{self.instrument.symbol} ({self.instrument.name})" if self.instrument.name else self.instrument.symbol
        lines = [
            f"{name}  {self.days[0]} to {self.days[1]}  method {profile.method.value}  value area {self.value_area:.2%}",
            f"POC {poc:.{digits}f}  VAH {vah:.{digits}f}  VAL {val:.{digits}f}  volume {profile.total:,}",
            f"{q['tick_days']} days from {q['ticks']:,} ticks, {q['candle_days']} days from {q['candles']:,} candles",
            "",
        ]
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
        if q["off_grid"]:
            lines.append(f"{q['off_grid']:,} prices were off the grid of {self.instrument.tick}, and rounded to it")
        return lines


def measure(
    store: TickStore,
    instrument: Instrument,
    days: tuple[date, date],
    source: VolumeSource = VolumeSource.AUTO,
    method: Method = Method.TWO_ROW,
    value_area: float = 0.70,
    ticks_per_row: int = 1,
) -> Measured:
    """Return the profile of the sessions of `instrument` from the first to the last of `days`.

    Notes
    -----
    Only what was traded in the continuous session counts. A day is measured by its ticks or by its candles, never by both.
    """
    begin, end = days
    if begin > end:
        raise BadInput(f"--from-date {begin} lies after --to-date {end}: exchange them")
    symbol, grid = instrument.symbol, Grid(instrument.tick, ticks_per_row)
    held = store.days(symbol)
    wanted = [day for day in held if from_date(begin) <= day <= from_date(end)]
    if not wanted:
        has = (
            f"the store has {to_date(held[0])} to {to_date(held[-1])}"
            if held
            else "the store has none: import or record some first"
        )
        raise NothingToDo(f"{symbol} has no data from {begin} to {end}: {has}")
    quality = dict.fromkeys(
        ("tick_days", "candle_days", "ticks", "candles", "tick_volume", "candle_volume", "outside_session", "gaps", "off_grid"), 0
    )
    quality["gaps"] = len(store.gaps(symbol, day_start(wanted[0]), day_start(wanted[-1]) + DAY_NS))
    tick = float(instrument.tick)
    parts = [profile_of_ticks(np.zeros(0, np.int64), np.zeros(0, np.int64), grid, method, value_area)]
    seen_ticks = seen_bars = False
    for day in wanted:
        start = day_start(day)
        all_ticks, all_bars = store.ticks(symbol, start, start + DAY_NS), store.bars(symbol, start, start + DAY_NS)
        ticks, bars = _inside(all_ticks, instrument, day), _inside(all_bars, instrument, day)
        has_ticks, has_bars = bool((ticks.size > 0).any()), bool((bars.volume > 0).any())
        seen_ticks, seen_bars = seen_ticks or has_ticks, seen_bars or has_bars
        if has_ticks and source is not VolumeSource.CANDLES:
            traded = ticks.take(ticks.size > 0)
            part = profile_of_ticks(to_ticks(traded.price, tick), traded.size, grid, method, value_area)
            _count(quality, "tick", part, len(traded), len(all_ticks) - len(ticks), _off_grid(traded.price, tick))
        elif has_bars and source is not VolumeSource.TICKS:
            low, high, close = (to_ticks(x, tick) for x in (bars.low, bars.high, bars.close))
            part = profile_of_candles(low, high, close, bars.volume, grid, method, value_area)
            off = _off_grid(bars.low, tick) + _off_grid(bars.high, tick) + _off_grid(bars.close, tick)
            _count(quality, "candle", part, len(bars), len(all_bars) - len(bars), off)
        else:
            continue
        parts.append(part)
    profile = merged(parts)
    if not profile.total:
        raise _nothing(instrument, days, source, seen_ticks, seen_bars)
    return Measured(instrument, days, profile, source, value_area, quality)


def _nothing(instrument: Instrument, days: tuple[date, date], source: VolumeSource, ticks: bool, bars: bool) -> BadInput:
    what = f"{instrument.symbol} has no"
    when = f"from {days[0]} to {days[1]}"
    if bars and source is VolumeSource.TICKS:
        return BadInput(f"{what} ticks {when}, only bars: use --source candles")
    if ticks and source is VolumeSource.CANDLES:
        return BadInput(f"{what} bars with volume {when}, only ticks: use --source ticks")
    why = ", as no index has" if instrument.kind is Kind.INDEX else ""
    return BadInput(f"{what} volume in the sessions {when}{why}: use its future, e.g. NIFTY-FUT")


def _count(quality: dict[str, int], kind: str, part: Profile, rows: int, outside: int, off_grid: int) -> None:
    quality[f"{kind}_days"] += 1
    quality[f"{kind}s"] += rows
    quality[f"{kind}_volume"] += part.total
    quality["outside_session"] += outside
    quality["off_grid"] += off_grid


def _inside(columns: _Columns, instrument: Instrument, day: int) -> _Columns:
    begin, end = session_of(instrument, day).bounds(day)
    return columns.take((columns.ts >= begin) & (columns.ts < end))


def _off_grid(price: Any, tick: float) -> int:
    steps = price / tick
    return int((np.abs(steps - np.rint(steps)) > 1e-3).sum())


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"date {text!r} is not of the form YYYY-MM-DD") from None


def _can_print_blocks() -> bool:
    try:
        "█░".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
