"""What was traded between two snapshots of one symbol."""

from __future__ import annotations

from enum import StrEnum
from math import nan
from typing import Final, NamedTuple

from .ist import SECOND_NS, day_index, day_start
from .snapshot import Snapshot
from .tick import Tick

SILENCE_NS: Final = 10 * SECOND_NS


class Outcome(StrEnum):
    """What a snapshot turned out to be."""

    TICK = "tick"
    BOOK = "book"  # neither the time of the last trade nor the volume moved, or no trade is named
    LATE = "late"  # names an older trade and no new volume
    EARLIER_DAY = "earlier day"  # names a trade of an earlier day: before today's first
    LATER_DAY = "later day"  # names a trade of a day its own sender has not reached

    __hash__ = str.__hash__  # they are counted at every message, and an enum's own hash is a call in Python


class Step(NamedTuple):
    """The answer to one snapshot.

    Parameters
    ----------
    outcome : Outcome
    tick : Tick or None
    day : int
        IST day the message belongs to.
    clock : int, ns
        The symbol's message clock after this message.
    joined : int, shares
        Traded on this day before our first look at its volume, 0 where this is not that first look.
    silent_since : int or None, ns
        `seq` of the message before, where more than `SILENCE_NS` passed since.
    """

    outcome: Outcome
    tick: Tick | None
    day: int
    clock: int
    joined: int = 0
    silent_since: int | None = None


class TickTracker:
    """State of one symbol between its messages.

    Parameters
    ----------
    symbol : str
    clock : int, ns
        Clock messages of today that came before the symbol's first.

    Notes
    -----
    Everything here starts anew with each IST day of stamps, so what a day's messages mean never depends on the day before: a
    process started in the morning and a pass over a year of recordings agree.

    Causal: an answer uses this message and those before it.
    """

    def __init__(self, symbol: str, clock: int = 0) -> None:
        self.symbol = symbol
        self.clock = clock
        self._stamp_day = 0
        self._begin = self._end = 0  # of that day, ns; none before the first message
        self._last_seq: int | None = None
        self._bid = self._ask = nan
        # Trading day → its greatest (ltt, vtt), vtt −1 until one was seen. More than one where days are mixed: a damaged time
        # must not make the true day start again.
        self._traded: dict[int, tuple[int, int]] = {}

    def advance(self, ts: int, seq: int) -> None:
        """Move the clock on to `ts` (ns), as a clock message recorded at `seq` says."""
        self._enter(seq)
        self.clock = max(self.clock, ts)

    def update(self, item: Snapshot, seq: int, current_ts: int | None) -> Step:
        """Return what `item` says was traded since the snapshot before.

        Parameters
        ----------
        item : Snapshot
        seq : int, ns
            The record's unique stamp, above the one before.
        current_ts : int or None, ns
            The sender's clock; where there is none the record's stamp stands for it.
        """
        begin, end = self._enter(seq)
        stamp_day = self._stamp_day
        last, self._last_seq = self._last_seq, seq
        silent = last if last is not None and seq - last > SILENCE_NS else None
        before = self.clock
        ltt = item.ltt_ns
        ltt_day = stamp_day if begin <= ltt < end else day_index(ltt)
        if current_ts is None:
            # Without the sender's clock the exchange's own time is believed over the recorder's.
            day, now = max(stamp_day, ltt_day) if ltt else stamp_day, seq
        else:
            day, now = stamp_day if begin <= current_ts < end else day_index(current_ts), current_ts
        clock = now if now > before else before
        if ltt > clock and ltt_day == day:
            clock = ltt
        self.clock = clock
        if item.has_book:
            self._bid, self._ask = item.bid, item.ask
        if not ltt or item.ltp != item.ltp:
            return Step(Outcome.BOOK, None, day, clock, 0, silent)
        if ltt_day != day:
            return Step(Outcome.EARLIER_DAY if ltt_day < day else Outcome.LATER_DAY, None, day, clock, 0, silent)

        top_ltt, top_vtt = self._traded.get(day, (-1, -1))
        size = joined = 0
        vtt = item.vtt
        if vtt is not None and vtt > top_vtt:
            if top_vtt < 0:
                joined = vtt
            else:
                size = vtt - top_vtt
            top_vtt = vtt
        self._traded[day] = (ltt if ltt > top_ltt else top_ltt, top_vtt)
        if ltt <= top_ltt and not size:
            return Step(Outcome.LATE if ltt < top_ltt else Outcome.BOOK, None, day, clock, joined, silent)
        said = -1 if vtt is None else vtt
        tick = Tick(self.symbol, seq, ltt, item.ltp, size, said, self._bid, self._ask, item.oi, before)
        return Step(Outcome.TICK, tick, day, clock, joined, silent)

    def _enter(self, seq: int) -> tuple[int, int]:
        """Start anew where `seq` is of another day than the stamp before; return the bounds of its day."""
        if not self._begin <= seq < self._end:
            if self._end:
                self.clock = 0
            self._stamp_day = day_index(seq)
            self._begin, self._end = day_start(self._stamp_day), day_start(self._stamp_day + 1)
            self._last_seq = None
            self._bid = self._ask = nan
            self._traded.clear()
        return self._begin, self._end
