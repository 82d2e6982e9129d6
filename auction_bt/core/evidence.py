"""What the trades of a run prove, held against chance, random moments, other days' levels, and the number of settings tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from .bar import BarColumns
from .bootstrap import MeanOfDays, bootstrap_mean
from .decision import Decision
from .hit_rate import HitRate, hit_rate_null
from .ist import day_index
from .planned import planned
from .random_entries import RandomEntries, random_entries
from .sharpe import Sharpe, Trials, deflated_sharpe, luck_of, measure, min_track_record, probabilistic_sharpe
from .shuffled_levels import ShuffledLevels, shuffled_levels
from .summary import MIN_TRADES
from .trade import Trade

MIN_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class DoubledCosts:
    """The closed trades with charges twice as high, the trades themselves unchanged.

    Parameters
    ----------
    net, doubled : Decimal, rupees
        As it was, and with charges twice as high.
    """

    net: Decimal
    doubled: Decimal


@dataclass(frozen=True, slots=True)
class Luck:
    """The Sharpe ratio of a day against what luck shows.

    Parameters
    ----------
    sharpe : Sharpe
    trials : Trials
    probabilistic : float in [0, 1]
        Probability that the true ratio is above 0, were this the only setting ever tried.
    expected : float, a day
        The best ratio that so many worthless settings would have shown.
    deflated : float in [0, 1]
        Probability that the true ratio is above `expected`.
    days_needed : float or None
        Days after which a ratio like this is above 0 with 95 % confidence; None where it is not above 0.
    """

    sharpe: Sharpe
    trials: Trials
    probabilistic: float
    expected: float
    deflated: float
    days_needed: float | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to be said for the trades of a run beyond their sum.

    Parameters
    ----------
    trades, days : int
        Closed trades, and days of the run, those without a trade included.
    reason : str
        Why there are no figures; empty where there are.
    hit_rate, random, levels, daily, luck, costs
        None where `reason` says why; the first three also where no trade has what they need, `luck` where all days are equal.
    """

    trades: int
    days: int
    reason: str = ""
    hit_rate: HitRate | None = None
    random: RandomEntries | None = None
    levels: ShuffledLevels | None = None
    daily: MeanOfDays | None = None
    luck: Luck | None = None
    costs: DoubledCosts | None = None


def gather(
    trades: Sequence[Trade],
    decisions: Iterable[Decision],
    bars_by_symbol: Mapping[str, BarColumns],
    days: Iterable[int],
    trials: Trials,
    seed: int = 0,
) -> Evidence:
    """Return the evidence of a run.

    Parameters
    ----------
    trades : sequence of Trade
        Open ones are left out.
    decisions : iterable of Decision
    bars_by_symbol : mapping of str to BarColumns
        Minutes of what was traded, on the days run.
    days : iterable of int, IST day
        On which the market of the run traded.
    trials : Trials
        Settings tried on these symbols and days.
    seed : int
        Of what is drawn at random; the same seed, the same figures.
    """
    closed = [t for t in trades if not t.is_open]
    nets = daily_nets(closed, days)
    if reason := _too_few(len(closed), len(nets)):
        return Evidence(len(closed), len(nets), reason)
    plans = list(planned(closed, decisions))
    net, charges = (sum((getattr(t, name) for t in closed), Decimal(0)) for name in ("pnl_net", "charges"))
    return Evidence(
        trades=len(closed),
        days=len(nets),
        hit_rate=hit_rate_null(plans),
        random=random_entries(plans, bars_by_symbol, seed=seed),
        levels=shuffled_levels(plans, bars_by_symbol, seed=seed),
        daily=bootstrap_mean(nets, seed),
        luck=luck(nets, trials),
        costs=DoubledCosts(net, net - charges),
    )


def daily_nets(trades: Iterable[Trade], days: Iterable[int]) -> list[float]:
    """Return the net of the closed trades by the day of their exit, in rupees; 0 on days without one."""
    return list(nets_by_day(trades, days).values())


def nets_by_day(trades: Iterable[Trade], days: Iterable[int]) -> dict[int, float]:
    """Return `daily_nets` by IST day, in order."""
    nets = dict.fromkeys(days, Decimal(0))
    for trade in trades:
        if not trade.is_open:
            day = day_index(trade.exit_ts)
            nets[day] = nets.get(day, Decimal(0)) + trade.pnl_net
    return {day: float(nets[day]) for day in sorted(nets)}


def luck(nets: Sequence[float], trials: Trials) -> Luck | None:
    """Return the Sharpe ratio of daily `nets` (rupees) against luck; None where it has none."""
    sharpe = measure(nets)
    if sharpe is None:
        return None
    return Luck(
        sharpe=sharpe,
        trials=trials,
        probabilistic=probabilistic_sharpe(sharpe),
        expected=luck_of(sharpe, trials),
        deflated=deflated_sharpe(sharpe, trials),
        days_needed=min_track_record(sharpe),
    )


def _too_few(trades: int, days: int) -> str:
    lacking = []
    if trades < MIN_TRADES:
        lacking.append(f"{trades} closed trade{'' if trades == 1 else 's'}, at least {MIN_TRADES} are needed")
    if days < MIN_DAYS:
        lacking.append(f"{days} day{'' if days == 1 else 's'}, at least {MIN_DAYS} are needed")
    return "; ".join(lacking)
