"""What a run came to: its trades counted, its money added up, and whether that is enough to tell anything."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from math import fsum, isfinite
from statistics import fmean
from typing import Final, TypeAlias

from .breakdown import Breakdown
from .decision import Decision, funnel
from .interval import Interval, mean_interval
from .ist import day_index
from .trade import Side, Trade

MIN_TRADES: Final = 30  # below it the t interval leans on a normality that trade results do not have
PAISA: Final = Decimal("0.01")

Point: TypeAlias = tuple[int, Decimal | float]  # (ns, rupees)
Span: TypeAlias = tuple[int, int]  # [begin, end), ns


class Verdict(StrEnum):
    """What the trades can tell of the mean net result of a trade."""

    NO_TRADES = "no_trades"
    TOO_FEW = "too_few"  # fewer than `MIN_TRADES`, or all on one day
    UNSURE = "unsure"  # the interval holds 0
    GAIN = "gain"  # the whole interval is above 0
    LOSS = "loss"  # the whole interval is below 0

    @property
    def tells(self) -> bool:
        """True where the sign of the result is more than chance would give."""
        return self in {Verdict.GAIN, Verdict.LOSS}


@dataclass(frozen=True, slots=True)
class Drawdown:
    """The deepest fall of the equity from a peak before it.

    Parameters
    ----------
    amount : Decimal, rupees
        0 or positive.
    share : float or None, of the equity at that peak
    peak_ts, trough_ts : int, ns
        0 where the peak is the cash at the start.
    """

    amount: Decimal = Decimal(0)
    share: float | None = None
    peak_ts: int = 0
    trough_ts: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """Closed trades that have something in common.

    Parameters
    ----------
    net : Decimal, rupees
    win_rate : float in [0, 1]
    r_mean : float or None
        None where no trade of the group has a measured risk.
    """

    name: str
    trades: int
    wins: int
    net: Decimal
    win_rate: float
    r_mean: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The figures of one run. Ratios without a denominator are None, never 0.

    Parameters
    ----------
    cash : Decimal, rupees
        At the start.
    cost_name : str
        Cost model: ``x1``, ``x2``, ``none``, …
    net, gross, charges : Decimal, rupees
        Of the closed trades; ``net == gross - charges``.
    charges_by_kind : tuple of (kind, Decimal rupees)
        What `charges` is made of, without what is 0.
    trades, open_trades : int
        Closed, and still open at the end of the data.
    open_net : Decimal, rupees
        Net of the open trades, marked at the last price; not in `net`.
    days : int
        IST days on which a trade was closed.
    r_total, r_mean : float or None
        Net profit over the money first put at risk, over the trades that have it.
    win_rate : float or None
        Share of closed trades with a net profit; a result of exactly 0 is neither won nor lost.
    profit_factor : float or None
        Won rupees over lost rupees, net; None without a loss.
    expectancy : Decimal or None, rupees a trade
        Mean net result; `r_mean` is the same in R.
    average_win, average_loss : Decimal or None, rupees
        `average_loss` is negative.
    exposure : float or None, in [0, 1]
        Share of session time with at least one trade open; None where no sessions were given.
    losing_run : int
        Most losses in a row, in the order of exits.
    by_side, by_setup, by_regime, by_reason, by_symbol : tuple of Group
    signals, taken : int
    refused : tuple of (reason, count), most frequent first
    fills : tuple of (source, count)
        Of all trades: ``ticks`` are exact, ``bars`` follow pessimistic rules.
    """

    cash: Decimal
    cost_name: str
    net: Decimal
    gross: Decimal
    charges: Decimal
    charges_by_kind: tuple[tuple[str, Decimal], ...]
    trades: int
    open_trades: int
    open_net: Decimal
    days: int
    r_total: float | None
    r_mean: float | None
    verdict: Verdict
    interval: Interval | None
    win_rate: float | None
    profit_factor: float | None
    expectancy: Decimal | None
    average_win: Decimal | None
    average_loss: Decimal | None
    drawdown: Drawdown
    exposure: float | None
    losing_run: int
    by_side: tuple[Group, ...]
    by_setup: tuple[Group, ...]
    by_regime: tuple[Group, ...]
    by_reason: tuple[Group, ...]
    by_symbol: tuple[Group, ...]
    signals: int
    taken: int
    refused: tuple[tuple[str, int], ...]
    fills: tuple[tuple[str, int], ...]

    @property
    def is_gross_only(self) -> bool:
        """True where the run was made without costs, so that net means gross."""
        return self.cost_name.casefold() in {"", "none"}


def summarise(
    trades: Sequence[Trade],
    decisions: Sequence[Decision],
    *,
    cash: Decimal,
    cost_name: str,
    equity: Sequence[Point] = (),
    sessions: Iterable[Span] = (),
) -> Summary:
    """Return the figures of a run.

    Parameters
    ----------
    trades : sequence of Trade
        Closed and open, in any order.
    decisions : sequence of Decision
    cash : Decimal, rupees
    cost_name : str
    equity : sequence of (ns, rupees), in order
        Value of the account whenever it changed, open trades marked. Without it the drawdown is that of the closed trades.
    sessions : iterable of [begin, end), ns
        Time in which a trade could have been open; overlaps (several symbols) count once.

    Notes
    -----
    Looks at results only: nothing here may feed a decision.
    """
    closed = sorted((t for t in trades if not t.is_open), key=lambda t: (t.exit_ts, t.exit_seq, t.symbol))
    still_open = [t for t in trades if t.is_open]
    nets = [t.pnl_net for t in closed]
    wins, losses = [n for n in nets if n > 0], [n for n in nets if n < 0]
    risks = [t.r_multiple for t in closed if isfinite(t.r_multiple)]
    days = [day_index(t.exit_ts) for t in closed]
    interval = mean_interval([float(n) for n in nets], days)
    log = funnel(decisions)
    signals, taken = log.pop("signals"), log.pop("taken")
    spans = merged(sessions)
    end = max(spans[-1][1] if spans else 0, equity[-1][0] if equity else 0)
    return Summary(
        cash=cash,
        cost_name=cost_name,
        net=sum(nets, Decimal(0)),
        gross=sum((t.pnl_gross for t in closed), Decimal(0)),
        charges=sum((t.charges for t in closed), Decimal(0)),
        charges_by_kind=tuple((kind, paid) for kind, paid in _costs(closed).kinds.items() if paid),
        trades=len(closed),
        open_trades=len(still_open),
        open_net=sum((t.pnl_net for t in still_open), Decimal(0)),
        days=len(set(days)),
        r_total=fsum(risks) if risks else None,
        r_mean=fmean(risks) if risks else None,
        verdict=_verdict(len(closed), len(set(days)), interval),
        interval=interval,
        win_rate=len(wins) / len(closed) if closed else None,
        profit_factor=float(sum(wins, Decimal(0)) / -sum(losses, Decimal(0))) if losses else None,
        expectancy=_mean(nets),
        average_win=_mean(wins),
        average_loss=_mean(losses),
        drawdown=deepest(equity or _closed_equity(closed, cash), cash),
        exposure=_exposure(trades, spans, end),
        losing_run=max((len(list(run)) for lost, run in groupby(nets, key=lambda n: n < 0) if lost), default=0),
        by_side=grouped_by(closed, lambda t: t.side.value, [s.value for s in Side]),
        by_setup=grouped_by(closed, lambda t: t.setup),
        by_regime=grouped_by(closed, lambda t: t.regime),
        by_reason=grouped_by(closed, lambda t: t.reason),
        by_symbol=grouped_by(closed, lambda t: t.symbol),
        signals=signals,
        taken=taken,
        refused=tuple(log.items()),
        fills=tuple(sorted(Counter(f.source for t in trades for f in t.fills).items(), key=lambda kv: (-kv[1], kv[0]))),
    )


def deepest(equity: Iterable[Point], cash: Decimal) -> Drawdown:
    """Return the largest fall in rupees below the highest equity before it; `cash` is the first peak."""
    peak, peak_ts = Decimal(cash), 0
    top = float(peak)
    found, depth = Drawdown(), 0.005  # less than half a paisa is the noise of float money
    for ts, value in equity:
        now = float(value)
        if now > top:
            peak, peak_ts, top = _decimal(value), ts, now
        elif top - now > depth:
            depth = top - now
            amount = (peak - _decimal(value)).quantize(PAISA)
            found = Drawdown(amount, float(amount / peak) if peak > 0 else None, peak_ts, ts)
    return found


def merge_equity(runs: Iterable[Sequence[Point]]) -> list[Point]:
    """Return the points of several symbols that trade on one account as one sequence; of equal stamps the last stays.

    Notes
    -----
    Each point is the value of the whole account, so nothing is added up.
    """
    points: list[Point] = []
    for point in heapq.merge(*runs, key=lambda p: p[0]):
        if points and points[-1][0] == point[0]:
            points[-1] = point
        else:
            points.append(point)
    return points


def add_equity(start: float, accounts: Sequence[Sequence[Point]]) -> list[Point]:
    """Return the points of several accounts, each begun with `start` rupees, as those of what they are worth together."""
    worth, total = [start] * len(accounts), start * len(accounts)
    points: list[Point] = []
    for ts, n, value in heapq.merge(*([(ts, n, float(value)) for ts, value in own] for n, own in enumerate(accounts))):
        total += value - worth[n]
        worth[n] = value
        if points and points[-1][0] == ts:
            points.pop()
        points.append((ts, total))
    return points


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return half-open spans as their union: in order, disjoint, none empty."""
    union: list[Span] = []
    for begin, end in sorted(s for s in spans if s[0] < s[1]):
        if union and begin <= union[-1][1]:
            union[-1] = (union[-1][0], max(union[-1][1], end))
        else:
            union.append((begin, end))
    return union


def _overlap(one: Sequence[Span], other: Sequence[Span]) -> int:
    i = j = total = 0
    while i < len(one) and j < len(other):
        total += max(0, min(one[i][1], other[j][1]) - max(one[i][0], other[j][0]))
        if one[i][1] < other[j][1]:
            i += 1
        else:
            j += 1
    return total


def _exposure(trades: Iterable[Trade], sessions: Sequence[Span], end: int) -> float | None:
    total = sum(last - first for first, last in sessions)
    if not total:
        return None
    return _overlap(merged((t.entry_ts, end if t.is_open else t.exit_ts) for t in trades), sessions) / total


def _verdict(trades: int, days: int, interval: Interval | None) -> Verdict:
    if not trades:
        return Verdict.NO_TRADES
    if trades < MIN_TRADES or days < 2 or interval is None:
        return Verdict.TOO_FEW
    if interval.low > 0:
        return Verdict.GAIN
    return Verdict.LOSS if interval.high < 0 else Verdict.UNSURE


def grouped_by(trades: Iterable[Trade], key: Callable[[Trade], str], order: Sequence[str] = ()) -> tuple[Group, ...]:
    """Return closed trades in groups by what `key` says of each.

    Parameters
    ----------
    trades : iterable of Trade
        Closed ones.
    key : callable
    order : sequence of str, optional
        Groups in this order, and others after them; without it the largest first. None is empty.
    """
    members: dict[str, list[Trade]] = {name: [] for name in order}
    for trade in trades:
        members.setdefault(key(trade), []).append(trade)
    found = []
    for name, those in members.items():
        if those:
            wins = sum(t.pnl_net > 0 for t in those)
            risks = [t.r_multiple for t in those if isfinite(t.r_multiple)]
            net = sum((t.pnl_net for t in those), Decimal(0))
            found.append(Group(name, len(those), wins, net, wins / len(those), fmean(risks) if risks else None))
    return tuple(found if order else sorted(found, key=lambda g: (-g.trades, g.name)))


def _costs(trades: Iterable[Trade]) -> Breakdown:
    # Trades of somebody else's strategy know their total alone.
    return sum((t.costs if t.costs.total == t.charges else Breakdown(other=t.charges) for t in trades), Breakdown())


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return (sum(values, Decimal(0)) / len(values)).quantize(PAISA) if values else None


def _closed_equity(closed: Iterable[Trade], cash: Decimal) -> list[Point]:
    points: list[Point] = []
    value = cash
    for trade in closed:
        value += trade.pnl_net
        points.append((trade.exit_ts, value))
    return points


def _decimal(value: Decimal | float) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(repr(float(value)))
