"""How far away a trade's stop and first target were when it was opened."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from .decision import Decision
from .trade import Trade


@dataclass(frozen=True, slots=True)
class Planned:
    """A trade with the distances it was planned with.

    Parameters
    ----------
    trade : Trade
    stop : float or None, rupees
        From the entry to the stop, at the signal's prices; None where that is not known or not on the losing side.
    target : float or None, rupees
        From the entry to the first target; None where there was none (a trade that trails) or it was passed at the entry.
    """

    trade: Trade
    stop: float | None
    target: float | None


def planned(trades: Iterable[Trade], decisions: Iterable[Decision]) -> Iterator[Planned]:
    """Yield the closed trades with their distances, in the order given.

    Notes
    -----
    Distances are from the entry's fill. Where something else than the signal's instrument was traded, its fill is of another
    price, and the close that was decided on takes its place.
    """
    entries: dict[str, list[Decision]] = {}
    for decision in decisions:
        if decision.action == "enter":
            entries.setdefault(decision.symbol, []).append(decision)
    for of_symbol in entries.values():
        of_symbol.sort(key=lambda d: d.seq)
    for trade in trades:
        if trade.is_open:
            continue
        decision_ = _opened(trade, entries.get(trade.signal_symbol, ()))
        if trade.symbol == trade.signal_symbol:
            start: float | None = trade.entry_price
        else:
            start = decision_.evidence.get("close") if decision_ else None
        stop = target = None
        if start is not None:
            stop = _distance((start - trade.stop) * trade.side.sign)
            if decision_ is not None and decision_.targets:
                target = _distance((decision_.targets[0][0] - start) * trade.side.sign)
        yield Planned(trade, stop, target)


def _opened(trade: Trade, entries: Sequence[Decision]) -> Decision | None:
    # As `decision.entry_of`, for many trades.
    place = bisect_right(entries, trade.entry_seq, key=lambda d: d.seq)
    return entries[place - 1] if place else None


def _distance(value: float) -> float | None:
    return value if isfinite(value) and value > 0 else None
