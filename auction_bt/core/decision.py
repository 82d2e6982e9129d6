"""What the strategy saw and did at a bar: the contract between modes."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .trade import Levels, Side, Trade


@dataclass(frozen=True, slots=True)
class Decision:
    """One signal, taken or refused, or one change of an open trade.

    Parameters
    ----------
    seq : int, ns
        The message at which it was decided.
    ts : int, ns
        End of the bar decided on.
    action : str
        ``enter``, ``refuse``, ``lapse`` (an entry that came to nothing: no margin, rejected); of an open trade ``add``,
        ``refuse_add``, ``lapse_add``, ``move_stop``, ``exit``.
    reason : str
        The guard or filter that refused, or why the stop moved or the trade was closed; empty for an entry.
    evidence : dict
        Numbers the decision rests on: close, atr, balance, rho, bc, po_range, quality, expected, cost, …
    """

    seq: int
    ts: int
    symbol: str
    action: str
    side: Side
    setup: str
    regime: str
    levels: Levels
    reason: str = ""
    qty: int = 0
    stop: float = 0.0
    targets: tuple[tuple[float, int], ...] = ()
    evidence: dict[str, float] = field(default_factory=dict)


def funnel(decisions: Iterable[Decision]) -> dict[str, int]:
    """Return how many signals there were, were taken, and were refused by each reason, most frequent first.

    Notes
    -----
    An entry that came to nothing is logged twice, as taken and as lapsed (or refused): it is one signal, refused. The two are of
    one bar: minutes that were missed come in one message, so that its number alone would mix them up.
    """
    log = list(decisions)
    entered = Counter((d.symbol, d.seq, d.ts) for d in log if d.action == "enter")
    failed = [d for d in log if d.action in {"refuse", "lapse"}]
    lapsed = entered & Counter((d.symbol, d.seq, d.ts) for d in failed)
    taken = entered.total() - lapsed.total()
    return {"signals": taken + len(failed), "taken": taken, **dict(Counter(d.reason for d in failed).most_common())}


def entry_of(trade: Trade, decisions: Iterable[Decision]) -> Decision | None:
    """Return the decision that opened `trade`: the last entry of its signal's symbol up to its fill."""
    entries = [d for d in decisions if d.action == "enter" and d.symbol == trade.signal_symbol]
    return opening(trade, sorted(entries, key=lambda d: d.seq))


def opening(trade: Trade, entries: Sequence[Decision]) -> Decision | None:
    """Return the decision that opened `trade` among the entries of its signal's symbol, in the order of `seq`.

    Notes
    -----
    On bars a fill is known with its bar. A trade that was entered and stopped within one bar may be followed by an entry decided
    at that bar's close, of the same `seq`: that one came after.
    """
    place = bisect_right(entries, trade.entry_seq, key=lambda d: d.seq)
    while place and entries[place - 1].seq == trade.entry_seq and entries[place - 1].ts > trade.entry_ts:
        place -= 1
    return entries[place - 1] if place else None
