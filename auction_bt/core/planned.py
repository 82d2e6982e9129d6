"""How far away a trade's stop and first target were when it was opened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import isfinite

from .decision import Decision, opening
from .trade import Trade


@dataclass(frozen=True, slots=True)
class Planned:
    """A trade with the distances it was planned with.

    Parameters
    ----------
    trade : Trade
    stop : float or None, rupees
        From the start to the stop, at the signal's prices; None where that is not known or not on the losing side.
    target : float or None, rupees
        From the start to the first target; None where there was none (a trade that trails) or it was passed already.
    """

    trade: Trade
    stop: float | None
    target: float | None


def planned(trades: Iterable[Trade], decisions: Iterable[Decision]) -> Iterator[Planned]:
    """Yield the closed trades with their distances, in the order given.

    Notes
    -----
    Distances start at the close that was decided on. A fill has slippage in it, which moves the entry and not the market: from
    there targets would look nearer and stops further than they are. Of a trade that no decision is known of, the fill is all
    there is; where it is of another instrument than the signal, its price says nothing, and the distances are not known.
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
        opened = opening(trade, entries.get(trade.signal_symbol, ()))
        start = opened.evidence.get("close") if opened else None
        if start is None and trade.symbol == trade.signal_symbol:
            start = trade.entry_price
        stop = target = None
        if start is not None:
            stop = _distance((start - trade.stop) * trade.side.sign)
            if opened is not None and opened.targets:
                target = _distance((opened.targets[0][0] - start) * trade.side.sign)
        yield Planned(trade, stop, target)


def _distance(value: float) -> float | None:
    return value if isfinite(value) and value > 0 else None
