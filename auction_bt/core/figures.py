"""What is kept of one trial, and what several of them come to together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from math import fsum, isfinite
from typing import Any, Final

from .errors import BadInput
from .sharpe import measure
from .summary import PAISA, Summary
from .trade import Trade

LESS_IS_BETTER: Final = frozenset({"charges", "drawdown", "losing_run", "open_trades", "exposure"})
OBJECTIVES: Final = (
    "sharpe", "net", "gross", "charges", "trades", "open_trades", "open_net", "r_total", "r_mean", "win_rate", "profit_factor",
    "expectancy", "average_win", "average_loss", "drawdown", "exposure", "losing_run", "signals", "taken",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts and sums of one trial, from which its ratios follow.

    Parameters
    ----------
    trades, wins, losses : int
        Closed; a net of exactly 0 is neither.
    net, gross, charges, won, lost : Decimal, rupees
        Of the closed trades; ``won + lost == net``, `lost` is negative.
    open_trades : int
    open_net : Decimal, rupees
    r_total : float
        Over the `r_trades` that have a measured risk.
    signals, taken : int
    drawdown : Decimal, rupees
    losing_run : int
    exposure : float or None
    daily : tuple of (IST day, rupees)
        Net by day of exit, in order; 0 on days of the market without one.
    """

    trades: int
    wins: int
    losses: int
    net: Decimal
    gross: Decimal
    charges: Decimal
    won: Decimal
    lost: Decimal
    open_trades: int
    open_net: Decimal
    r_total: float
    r_trades: int
    signals: int
    taken: int
    drawdown: Decimal
    losing_run: int
    exposure: float | None
    daily: tuple[tuple[int, float], ...]

    @property
    def nets(self) -> list[float]:
        """Net of each day, in rupees."""
        return [net for _, net in self.daily]

    def value(self, objective: str) -> float | None:
        """Return one of `OBJECTIVES`; None where it has no value, as a ratio without a trade."""
        match objective:
            case "sharpe":
                found = measure(self.nets)
                return None if found is None else found.ratio
            case "r_mean":
                return self.r_total / self.r_trades if self.r_trades else None
            case "r_total":
                return self.r_total if self.r_trades else None
            case "win_rate":
                return self.wins / self.trades if self.trades else None
            case "profit_factor":
                return float(self.won / -self.lost) if self.lost else None
            case "expectancy":
                return float(self.net / self.trades) if self.trades else None
            case "average_win":
                return float(self.won / self.wins) if self.wins else None
            case "average_loss":
                return float(self.lost / self.losses) if self.losses else None
            case _:
                given = getattr(self, check_objective(objective))
                return None if given is None else float(given)

    def score(self, objective: str) -> float | None:
        """Return `value`, its sign turned where less is better: more is always better here."""
        found = self.value(objective)
        return -found if found is not None and objective in LESS_IS_BETTER else found

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON values, money as text."""
        return {f.name: str(v) if isinstance(v := getattr(self, f.name), Decimal) else v for f in fields(self)}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Figures:
        """Return what `as_json` wrote."""
        values = {f.name: Decimal(said[f.name]) if f.type == "Decimal" else said[f.name] for f in fields(cls)}
        return cls(**values | {"daily": tuple((day, net) for day, net in said["daily"])})


def check_objective(name: str) -> str:
    """Return `name`; raise `BadInput` where it is no objective."""
    if name not in OBJECTIVES:
        raise BadInput(f"no objective {name!r}: choose {', '.join(OBJECTIVES)}")
    return name


def figures_of(summary: Summary, trades: Iterable[Trade], daily: Sequence[tuple[int, float]]) -> Figures:
    """Return what is kept of a run.

    Parameters
    ----------
    summary : Summary
    trades : iterable of Trade
        Open ones are left out.
    daily : sequence of (IST day, rupees)
    """
    closed = [t for t in trades if not t.is_open]
    won, lost = [t.pnl_net for t in closed if t.pnl_net > 0], [t.pnl_net for t in closed if t.pnl_net < 0]
    return Figures(
        trades=summary.trades,
        wins=len(won),
        losses=len(lost),
        net=summary.net,
        gross=summary.gross,
        charges=summary.charges,
        won=sum(won, Decimal(0)),
        lost=sum(lost, Decimal(0)),
        open_trades=summary.open_trades,
        open_net=summary.open_net,
        r_total=summary.r_total or 0.0,
        r_trades=sum(isfinite(t.r_multiple) for t in closed),
        signals=summary.signals,
        taken=summary.taken,
        drawdown=summary.drawdown.amount,
        losing_run=summary.losing_run,
        exposure=summary.exposure,
        daily=tuple(daily),
    )


def pooled(found: Sequence[Figures]) -> Figures:
    """Return the figures of several trials, each on an account of its own, added up; of one, itself.

    Notes
    -----
    What cannot be added follows from the days: the drawdown is that of the sums of all accounts at the ends of days, so a fall
    within a day is not in it. The losing run is the longest of any, the exposure the mean.
    """
    if len(found) == 1:
        return found[0]
    nets: dict[int, list[float]] = {}
    for each in found:
        for day, net in each.daily:
            nets.setdefault(day, []).append(net)
    daily = tuple((day, fsum(nets[day])) for day in sorted(nets))
    exposures = [f.exposure for f in found if f.exposure is not None]
    counted: dict[str, Any] = {n: sum(getattr(f, n) for f in found) for n in _COUNTED}
    money: dict[str, Any] = {n: sum((getattr(f, n) for f in found), Decimal(0)) for n in _MONEY}
    return Figures(
        **counted,
        **money,
        r_total=fsum(f.r_total for f in found),
        drawdown=_fall([net for _, net in daily]),
        losing_run=max((f.losing_run for f in found), default=0),
        exposure=fsum(exposures) / len(exposures) if exposures else None,
        daily=daily,
    )


_COUNTED: Final = ("trades", "wins", "losses", "open_trades", "r_trades", "signals", "taken")
_MONEY: Final = ("net", "gross", "charges", "won", "lost", "open_net")


def _fall(nets: Iterable[float]) -> Decimal:
    total = peak = deepest = 0.0
    for net in nets:
        total += net
        peak = max(peak, total)
        deepest = max(deepest, peak - total)
    return Decimal(repr(deepest)).quantize(PAISA)
