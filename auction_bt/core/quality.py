"""How much of the market our ticks saw: a grade a day, and a number a bar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from .bar import Bar, BarColumns, Source
from .ist import DAY_NS, IST_OFFSET_NS, MINUTE_NS, SECOND_NS, clock_text
from .session import Span
from .tick import F64, I64

SILENCE_NS: Final = 10 * SECOND_NS  # a liquid symbol's messages come every second; shorter silences are the feed's own rhythm
GRADES: Final = ((0.95, "A"), (0.80, "B"))


class Silence(Protocol):
    """A time without messages, or volume traded before them (`store.Gap`)."""

    @property
    def begin(self) -> int: ...  # noqa: D102
    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    @property
    def volume(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class DayQuality:
    """The quality of one symbol's ticks of one day.

    Parameters
    ----------
    grade : str
        ``A`` from 0.95, ``B`` from 0.80, ``C`` below; ``-`` for a day without ticks.
    share : float
        1 less the worst of the three faults, in [0, 1]; NaN without ticks.
    reason : str
        The worst fault, for people.
    joined : int, shares
        Traded before our first message.
    seen : float
        Share of all that was traded which our ticks saw, whatever minute they gave it to, in [0, 1]; NaN where there is none.
    """

    grade: str
    share: float
    reason: str
    joined: int = 0
    seen: float = float("nan")


def day_quality(bars: BarColumns, gaps: Sequence[Silence], session: Span | None, pauses: Sequence[Span] = ()) -> DayQuality:
    """Grade one day.

    Parameters
    ----------
    bars : BarColumns
        Of that day.
    gaps : sequence of Silence
        Of that day.
    session : (int, int) or None, ns
        Begin and end of continuous trading; None where no session is known: then from the first bar to the last.
    pauses : sequence of (int, int), ns
        Spans inside it without trading: nobody can see anything there.

    Notes
    -----
    Three faults: volume of the exchange's minutes that our ticks put elsewhere or never saw; share of the session without
    messages, from its beginning to its end; volume traded before our first message.
    """
    if not _has_ticks(bars).any():
        return DayQuality("-", float("nan"), "bars only")
    begin, end = session or (int(bars.ts[0]), int(bars.ts[-1]) + MINUTE_NS)
    inside = bars.take((bars.ts >= begin) & (bars.ts < end))
    joined = sum(g.volume for g in gaps if g.kind == "joined")
    joined_at = max((g.end for g in gaps if g.kind == "joined"), default=begin)
    total = int(inside.volume.sum())
    wrong = int(np.abs(inside.volume - inside.tick_volume).sum())
    seen = inside.ts[_has_ticks(inside)]
    first, last = (int(seen[0]), int(seen[-1]) + MINUTE_NS) if len(seen) else (end, end)
    unseen = [(begin, max(first, begin)), (min(last, end), end)]
    unseen += [(max(b, first, begin), min(e, last, end)) for b, e in _silences(gaps)]
    silent = sum(_open_time(b, e, pauses) for b, e in unseen)
    length = _open_time(begin, end, pauses)
    faults = [
        (min(1.0, wrong / total) if total else 0.0, "{share:.1%} of the volume differs from the exchange's minutes"),
        (silent / length if length > 0 else 0.0, "{share:.1%} of the session unseen"),
        (joined / (joined + total) if joined else 0.0, "{share:.1%} of the volume traded before our first message at {joined}"),
    ]
    worst, text = max(faults, key=lambda fault: fault[0])
    grade = next((letter for floor, letter in GRADES if 1 - worst >= floor), "C")
    reason = text.format(share=worst, joined=clock_text(joined_at)) if worst else "complete"
    return DayQuality(grade, 1 - worst, reason, joined, share_seen(int(inside.tick_volume.sum()), total, joined))


def share_seen(tick_volume: int, volume: int, joined: int) -> float:
    """Return how much of what was traded our ticks saw: of the bars' volume and of what came before our first message.

    Notes
    -----
    Ticks may show more than the exchange's minutes, which leave some prints out; that is not more than all.
    """
    return min(tick_volume, volume) / (volume + joined) if volume > 0 else float("nan")


def bar_quality(bars: BarColumns, gaps: Iterable[Silence]) -> F64:
    """Return how well ticks saw each bar.

    Parameters
    ----------
    bars : BarColumns (n,)
    gaps : iterable of Silence

    Returns
    -------
    float64 (n,), in [0, 1]
        1 − max(|tick volume − volume| / volume, share of the minute lost to silences over 10 s). NaN for bars of a day that has
        shown no ticks yet: they have no tick quality.

    Notes
    -----
    Causal: a silence counts where it ended at or before the message that made the bar known. A receiver's clock that runs behind
    the exchange's makes bars known before their minute is over by its stamps.
    """
    if len(bars) == 0:
        return np.empty(0)
    volume = bars.volume.astype(np.float64)
    off = np.abs(bars.tick_volume - bars.volume)
    with np.errstate(divide="ignore", invalid="ignore"):
        wrong = np.where(volume > 0, off / volume, np.where(off > 0, 1.0, 0.0))
    lost = np.zeros(len(bars))
    for begin, end in _silences(gaps):
        first = int(np.searchsorted(bars.ts, begin - MINUTE_NS, side="right"))
        last = int(np.searchsorted(bars.ts, end))
        start = bars.ts[first:last]
        of_bar = np.minimum(end, start + MINUTE_NS) - np.maximum(begin, start)
        lost[first:last] += np.where(bars.known_seq[first:last] >= end, of_bar, 0)
    quality = np.clip(1 - np.maximum(wrong, lost / MINUTE_NS), 0.0, 1.0)
    day: I64 = (bars.ts + IST_OFFSET_NS) // DAY_NS
    _, place = np.unique(day, return_inverse=True)
    first_seen = np.full(int(place.max()) + 1, len(bars))
    seen = np.flatnonzero(_has_ticks(bars))
    np.minimum.at(first_seen, place[seen], seen)
    return np.where(np.arange(len(bars)) >= first_seen[place], quality, np.nan)


def one_bar_quality(bar: Bar, gaps: Iterable[Silence]) -> float:
    """Return what `bar_quality` says of one bar of a day that has shown ticks; in a stream there is one at a time."""
    off = abs(bar.tick_volume - bar.volume)
    wrong = off / bar.volume if bar.volume > 0 else float(off > 0)
    lost = 0.0
    for begin, end in _silences(gaps):
        if begin < bar.ts + MINUTE_NS and end > bar.ts and bar.known_seq >= end:
            lost += min(end, bar.ts + MINUTE_NS) - max(begin, bar.ts)
    return min(max(1 - max(wrong, lost / MINUTE_NS), 0.0), 1.0)


def silences(bars: BarColumns, gaps: Iterable[Silence]) -> I64:
    """Return how long the feed was silent at a stretch, at most, from each bar's beginning until it was known.

    Parameters
    ----------
    bars : BarColumns (n,)
    gaps : iterable of Silence

    Returns
    -------
    int64 (n,), ns
        Causal as `bar_quality` is; silences of 10 s and less are none.
    """
    found = np.zeros(len(bars), dtype=np.int64)
    for begin, end in _long(gaps):
        met = (bars.ts < end) & (bars.known_seq >= end)
        found[met] = np.maximum(found[met], end - np.maximum(begin, bars.ts[met]))
    return found


def one_silence(bar: Bar, gaps: Iterable[Silence]) -> int:
    """Return what `silences` says of one bar; in a stream there is one at a time."""
    return max((end - max(begin, bar.ts) for begin, end in _long(gaps) if bar.ts < end <= bar.known_seq), default=0)


def _has_ticks(bars: BarColumns) -> NDArray[np.bool_]:
    has: NDArray[np.bool_] = (bars.source != int(Source.CANDLES)) | (bars.tick_volume > 0)
    return has


def _silences(gaps: Iterable[Silence]) -> list[tuple[int, int]]:
    """Return the silences that count, joined where they overlap; where they touch they stay two, each with its own end."""
    out: list[tuple[int, int]] = []
    for begin, end in sorted(_long(gaps)):
        if out and begin < out[-1][1]:
            out[-1] = out[-1][0], max(end, out[-1][1])
        else:
            out.append((begin, end))
    return out


def _long(gaps: Iterable[Silence]) -> Iterator[tuple[int, int]]:
    return ((g.begin, g.end) for g in gaps if g.kind == "silence" and g.end - g.begin > SILENCE_NS)


def _open_time(begin: int, end: int, pauses: Sequence[Span]) -> int:
    if end <= begin:
        return 0
    return end - begin - sum(max(0, min(e, end) - max(b, begin)) for b, e in pauses)
