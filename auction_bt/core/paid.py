"""What trades paid to be made: charges, slippage against the price decided on, and the move of the price that pays for both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import fmean

from .breakdown import Breakdown
from .decision import Decision, opening
from .trade import Trade


@dataclass(frozen=True, slots=True)
class Paid:
    """Costs of closed trades.

    Parameters
    ----------
    trades : int
    gross, charges, net : Decimal, rupees
    by_kind : tuple of (kind, Decimal rupees)
        What `charges` is made of, without what is 0; ``other`` where only a total is known.
    turnover : float, rupees
        Bought and sold.
    share_of_gross : float or None
        Charges over the gross result; None where that is not a gain.
    share_of_turnover : float or None
    break_even_move : float or None, rupees a share
        By how much the price must go the right way, on average, to pay the charges.
    break_even_share : float or None
        The same over the entry price.
    slippage : float or None, rupees a share
        Mean of entry price less the close that was decided on, positive where it was worse; None where no decision is known.
    slippage_worst : float or None, rupees a share
    slippage_cost : float, rupees
        Over all shares of the trades that have one.
    measured : int
        Trades whose slippage is known.
    """

    trades: int
    gross: Decimal
    charges: Decimal
    net: Decimal
    by_kind: tuple[tuple[str, Decimal], ...]
    turnover: float
    share_of_gross: float | None
    share_of_turnover: float | None
    break_even_move: float | None
    break_even_share: float | None
    slippage: float | None
    slippage_worst: float | None
    slippage_cost: float
    measured: int


def paid(trades: Iterable[Trade], decisions: Iterable[Decision] = ()) -> Paid:
    """Return the costs of closed trades; open ones are left out.

    Notes
    -----
    Slippage is that of entries: the close that was decided on, or an option's premium then, against what was paid. It holds
    the spread, the ticks assumed against us, and what the market did in between. An exit has no such price: a stop is no promise.
    """
    closed = [t for t in trades if not t.is_open]
    gross, charges, net = (sum((getattr(t, name) for t in closed), Decimal(0)) for name in ("pnl_gross", "charges", "pnl_net"))
    kinds = sum((t.costs if t.costs.total == t.charges else Breakdown(other=t.charges) for t in closed), Breakdown())
    shares = sum(t.qty for t in closed)
    bought = sum(t.entry_price * t.qty for t in closed)
    turnover = bought + sum(t.exit_price * t.qty for t in closed)
    slips = _slips(closed, decisions)
    return Paid(
        trades=len(closed),
        gross=gross,
        charges=charges,
        net=net,
        by_kind=tuple((kind, amount) for kind, amount in kinds.kinds.items() if amount),
        turnover=turnover,
        share_of_gross=float(charges / gross) if gross > 0 else None,
        share_of_turnover=float(charges) / turnover if turnover else None,
        break_even_move=float(charges) / shares if shares else None,
        break_even_share=float(charges) / bought if bought else None,
        slippage=fmean(slip for slip, _ in slips) if slips else None,
        slippage_worst=max((slip for slip, _ in slips), default=None),
        slippage_cost=float(sum(slip * qty for slip, qty in slips)),
        measured=len(slips),
    )


def _slips(trades: Sequence[Trade], decisions: Iterable[Decision]) -> list[tuple[float, int]]:
    entries: dict[str, list[Decision]] = {}
    for d in sorted((d for d in decisions if d.action == "enter"), key=lambda d: d.seq):
        entries.setdefault(d.symbol, []).append(d)
    found = []
    for trade in trades:
        decision = opening(trade, entries.get(trade.signal_symbol, ()))
        seen = None
        if decision is not None:
            seen = decision.evidence.get("close" if trade.symbol == trade.signal_symbol else "premium")
        if seen is not None:
            sign = (trade.position or trade.side).sign
            found.append(((trade.first_price - seen) * sign, trade.qty))
    return found
