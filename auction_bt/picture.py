"""What a picture of a run is made of, before anything is drawn: columns, fills, and the places of labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .core.bar import BarColumns
from .core.ist import MINUTE_NS, day_index, day_start, to_date
from .core.tick import F64, I64
from .core.trade import Trade

_STEPS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180)
_MOST_LABELS: Final = 14
_CLOCK_ROOM, _DATE_ROOM = 0.036, 0.06  # of the axis, what a label takes with a space beside it
_PROFILE_ROWS: Final = 96


@dataclass(frozen=True, slots=True, eq=False)
class LevelColumns:
    """What the indicator said at each bar; NaN where it said nothing.

    Parameters
    ----------
    poc, vah, val : float64, shape (n_bars,), rupees
    regime : float64, shape (n_bars,)
        -1 bear, 0 balanced, 1 bull, 2 transition.
    """

    poc: F64
    vah: F64
    val: F64
    regime: F64

    def __post_init__(self) -> None:
        if len({len(getattr(self, f.name)) for f in fields(self)}) != 1:
            raise ValueError("columns of one table have one length")

    def __len__(self) -> int:
        return len(self.poc)

    def take(self, chosen: NDArray[np.bool_] | I64) -> LevelColumns:
        """Return the levels at some bars alone."""
        return LevelColumns(*(getattr(self, f.name)[chosen] for f in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class PriceRows:
    """Volume at each price, exactly as it is to be drawn.

    Parameters
    ----------
    price : float64, shape (n_rows,), rupees
        Rising.
    volume : int64, shape (n_rows,), shares
    source : str
        What it is made of, as the picture says it: ``ticks``, ``ticks and bars``.
    """

    price: F64
    volume: I64
    source: str = "ticks"

    def __post_init__(self) -> None:
        if len(self.price) != len(self.volume) or (np.diff(self.price) <= 0).any() or (self.volume < 0).any():
            raise ValueError("rows are rising prices, each with a volume of 0 or more")


def day_starts(ts: I64) -> I64:
    """Index of each day's first bar but the first's."""
    days = day_index(ts)
    return np.flatnonzero(np.diff(days)) + 1


def exits_of(trade: Trade) -> list[tuple[int, float]]:
    """Return time (ns) and price of each exit fill; of a closed trade whose fills are not known, its average exit."""
    found = [(f.ts, f.price) for f in trade.fills if not f.opens and f.reason != "open"]
    return found or ([] if trade.is_open else [(trade.exit_ts, trade.exit_price)])


def spread(bars: BarColumns) -> tuple[F64, F64]:
    """Return prices, and the volume at each where every bar's is spread evenly over its range."""
    lowest, highest = float(bars.low.min()), float(bars.high.max())
    if lowest == highest:
        return np.array([lowest]), np.array([float(bars.volume.sum())])
    edges = np.linspace(lowest, highest, _PROFILE_ROWS + 1)
    step = edges[1] - edges[0]
    low, high = bars.low[:, None], np.maximum(bars.high, bars.low + step / 50)[:, None]
    share = np.clip(np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]), 0, None) / (high - low)
    return edges[:-1] + step / 2, bars.volume.astype(np.float64) @ share


def apart(wanted: Sequence[float], room: float) -> list[float]:
    """Return places at least `room` apart, in the order given, as near to the `wanted` ones as can be (least squares)."""
    groups: list[list[float]] = []  # sums and counts of neighbours that touch; without their room they have one place
    for i, at in enumerate(wanted):
        groups.append([at - i * room, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] >= groups[-1][0] / groups[-1][1]:
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    shifted = [total / count for total, count in groups for _ in range(int(count))]
    return [at + i * room for i, at in enumerate(shifted)]


def time_labels(ts: I64) -> tuple[list[int], list[str]]:
    """Return bars to label on a time axis that counts bars, and their texts in IST.

    Parameters
    ----------
    ts : int64, shape (n_bars,), ns

    Returns
    -------
    (index, text)
        Clock times at the finest whole step that leaves at most 14 labels, the date under the first of each day; dates alone,
        thinned evenly, where there are more days than labels. None where it would be written over another: longer days
        and whole steps go first.
    """
    day = np.asarray(day_index(ts))
    minute = (ts - np.asarray(day_start(day))) // MINUTE_NS
    firsts = np.append(0, day_starts(ts))
    dates_only = len(firsts) > _MOST_LABELS // 2
    lengths = np.diff(np.append(firsts, len(ts)))
    thinned = slice(None, None, -(-len(firsts) // _MOST_LABELS))
    order = firsts[thinned][np.argsort(-lengths[thinned], kind="stable")]
    dated = _with_room(order, [], _DATE_ROOM * len(ts))
    chosen = dated
    if not dates_only:
        for step in _STEPS_MIN:
            turns = np.flatnonzero((np.diff(minute // step) != 0) & (np.diff(day) == 0)) + 1
            if len(turns) + len(firsts) <= _MOST_LABELS:
                whole_first = turns[np.argsort(minute[turns] % step != 0, kind="stable")]
                chosen = _with_room(whole_first, dated, _CLOCK_ROOM * len(ts))
                break
    texts = []
    for i in sorted(chosen):
        clock = "" if dates_only else f"{minute[i] // 60:02d}:{minute[i] % 60:02d}"
        date = f"{to_date(int(day[i])):%d %b %Y}" if i in dated else ""
        texts.append("\n".join(part for part in (clock, date) if part))
    return sorted(chosen), texts


def _with_room(order: I64, taken: Sequence[int], room: float) -> list[int]:
    """Return what is taken, and of the others, first come first served, those not nearer than `room` to one before."""
    kept = list(taken)
    for i in order.tolist():
        if all(abs(i - other) >= room for other in kept):
            kept.append(i)
    return kept
