"""Guards: what the day so far, the account and the feed have to say against an entry. Pure, asked in one order in every mode."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice, takewhile
from math import inf
from typing import Final, Protocol

from .exits import ExitGroup
from .ist import MINUTE_NS, SECOND_NS, day_index
from .no_trade import EVERYTHING, NoTrade
from .risk import RiskBook
from .trade import Side

AT_ONCE: Final = 2  # requests in the second of an entry: itself and its stop
_HALF_HOUR_NS: Final = 30 * MINUTE_NS


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry that somebody would like to make.

    Parameters
    ----------
    symbol : str
        Of the signal.
    names : frozenset of str
        What a list may call it (`no_trade.names_of`).
    side : Side
    now, ts : int, ns
        When it is decided; end of the bar decided on.
    bar : int, ns
        Length of a bar.
    close, poc : float, rupees
        Of that bar; of the levels it is held against.
    lot_value : float, rupees
        Of one lot of what would be traded.
    requests : int
        To the exchange until the trade is flat, at most, trailing apart.
    silence : int, ns
        Longest silence of the feed between the bar's beginning and `now`.
    adds : bool
        To a trade that is open.
    """

    symbol: str
    names: frozenset[str]
    side: Side
    now: int
    ts: int
    bar: int
    close: float
    poc: float
    lot_value: float
    requests: int
    silence: int
    adds: bool = False


class Guard(Protocol):
    """One reason not to enter."""

    @property
    def is_on(self) -> bool:
        """Whether it can refuse anything."""
        ...

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """Return why `proposal` is refused, as the decision log has it; '' where it is not."""
        ...


def requests_of(group: ExitGroup | None) -> int:
    """Return what a trade with these exits asks of the exchange at most; of None: with one way out."""
    parts = 1 if group is None else len(group.targets) + (sum(t.qty for t in group.targets) < group.qty)
    return 2 + 2 * parts


@dataclass(frozen=True, slots=True)
class MaxConcurrent:
    """At most so many open trades at a time; 0 = off."""

    most: int = 0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.most > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """See `Guard`."""
        return "max concurrent" if self.is_on and not proposal.adds and len(book.stakes) >= self.most else ""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """No entry of a symbol for a time after it was stopped out.

    Parameters
    ----------
    time : int, ns
        0 = off.
    """

    time: int = 0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.time > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """See `Guard`."""
        stops = (o.ts for o in book.today.of_symbol(proposal.symbol) if o.reason == "stop")
        return "cooldown" if self.is_on and any(proposal.now < ts + self.time for ts in stops) else ""


@dataclass(frozen=True, slots=True)
class LossPause:
    """No entry of a symbol for some bars after losses in a row; each further loss pauses again, until one trade has gained.

    Parameters
    ----------
    losses : int
        0 = off.
    bars : int
        Closed bars, counted by their ends.
    """

    losses: int = 0
    bars: int = 5

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.losses > 0 and self.bars > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """See `Guard`."""
        if not self.is_on:
            return ""
        row = list(takewhile(lambda o: o.is_loss, book.today.of_symbol(proposal.symbol)))
        return "losses in a row" if len(row) >= self.losses and proposal.ts <= row[0].ts + self.bars * proposal.bar else ""


@dataclass(frozen=True, slots=True)
class SideBlock:
    """No entry on a side of which too many of the day's last trades lost, whatever their symbol.

    Parameters
    ----------
    share : float, in [0, 1]
        Of losses, from which the side is blocked; 0 = off.
    last : int
        Trades looked at.
    least : int
        Fewer tell nothing.
    """

    share: float = 0.0
    last: int = 20
    least: int = 5

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.share > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """See `Guard`."""
        if not self.is_on:
            return ""
        seen = [o.is_loss for o in islice(book.today.of_side(proposal.side), self.last)]
        return "side block" if len(seen) >= self.least and sum(seen) >= self.share * len(seen) else ""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Limits of what is held, as multiples of equity, at entry prices.

    Parameters
    ----------
    symbol : float
        Of one trade; 0 = off.
    total : float
        Of all trades together; 0 = off.

    Notes
    -----
    A size is cut down to the `room` there is; an entry is refused where that is less than one lot.
    """

    symbol: float = 0.0
    total: float = 0.0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.symbol > 0 or self.total > 0

    def room(self, book: RiskBook, symbol: str) -> float:
        """Return what may be bought or sold of `symbol`, in rupees; infinite where nothing limits it."""
        equity = float(book.equity)
        held = float(book.stakes[symbol].value) if symbol in book.stakes else 0.0
        of_symbol = self.symbol * equity - held if self.symbol else inf
        of_all = self.total * equity - float(sum(s.value for s in book.stakes.values())) if self.total else inf
        return max(0.0, min(of_symbol, of_all))

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """See `Guard`."""
        return "exposure" if self.is_on and self.room(book, proposal.symbol) < proposal.lot_value else ""


@dataclass(frozen=True, slots=True)
class DailyLoss:
    """Nothing is opened on a day on which the account has lost too much, and what is open is left (``day_loss``).

    Parameters
    ----------
    share : float
        Of what the account was worth at the day's beginning; 0 = off.

    Notes
    -----
    The account is looked at when a bar of any symbol is decided on: closed trades by their net, open ones as if left at the
    close of their own last bar. What was given up stays so for the day.
    """

    share: float = 0.0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.share > 0

    def is_met(self, book: RiskBook) -> bool:
        """Return whether the loss of the day is at its limit."""
        today = book.today
        return self.is_on and today.opening - book.worth >= Decimal(repr(self.share)) * today.opening

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:  # noqa: ARG002 - as every guard is asked
        """See `Guard`."""
        return "daily loss" if self.is_on and book.today.is_lost else ""


@dataclass(frozen=True, slots=True)
class OrderRate:
    """No entry whose requests, with those before, are more than the broker takes in a second, a minute, half an hour, a day.

    Parameters
    ----------
    second, minute, half_hour, day : int
        Requests; 0 = off.

    Notes
    -----
    A trade counts when it is entered, with all it may need until it is flat, so that its exits never wait for room: entry and
    stop, and for each way out the stop's change and an order; in the second of the entry the first two. Moves of a stop count
    when they are made.
    """

    second: int = 0
    minute: int = 0
    half_hour: int = 0
    day: int = 0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return max(self.second, self.minute, self.half_hour, self.day) > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """See `Guard`."""
        sent, now = book.today.sent, proposal.now
        if self.day and sum(s.in_all for s in sent) + proposal.requests > self.day:
            return "order count"
        if self.second and sum(s.at_once for s in sent if s.seq > now - SECOND_NS) + AT_ONCE > self.second:
            return "order rate"
        for most, window in ((self.minute, MINUTE_NS), (self.half_hour, _HALF_HOUR_NS)):
            if most and sum(s.in_all for s in sent if s.seq > now - window) + proposal.requests > most:
                return "order rate"
        return ""


@dataclass(frozen=True, slots=True)
class StaleFeed:
    """No entry on a bar in which, or since which, the symbol's feed was silent for too long.

    Parameters
    ----------
    time : int, ns
        0 = off. Silences of 10 s and less are the feed's own rhythm and are not seen.
    """

    time: int = 0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.time > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:  # noqa: ARG002 - as every guard is asked
        """See `Guard`."""
        return "stale feed" if self.is_on and proposal.silence > self.time else ""


@dataclass(frozen=True, slots=True)
class PriceBand:
    """No entry at a close that is too far from the POC it is held against to be believed.

    Parameters
    ----------
    percent : float
        Of the POC; 0 = off.
    """

    percent: float = 0.0

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return self.percent > 0

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:  # noqa: ARG002 - as every guard is asked
        """See `Guard`."""
        is_far = abs(proposal.close - proposal.poc) > self.percent / 100 * abs(proposal.poc)
        return "price band" if self.is_on and is_far else ""


@dataclass(frozen=True, slots=True)
class NoTradeList:
    """No entry on days that somebody has named."""

    days: tuple[NoTrade, ...] = ()

    @property
    def is_on(self) -> bool:
        """See `Guard`."""
        return bool(self.days)

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:  # noqa: ARG002 - as every guard is asked
        """See `Guard`."""
        day = day_index(proposal.now)
        is_named = any(e.first <= day <= e.last and (e.symbol == EVERYTHING or e.symbol in proposal.names) for e in self.days)
        return "no-trade list" if is_named else ""


@dataclass(frozen=True, slots=True)
class Guards:
    """All of them, in the order in which they are asked.

    Parameters
    ----------
    no_trade, daily_loss, max_concurrent, exposure, rate, cooldown, pause, side, feed, band
        Each off by default.
    """

    no_trade: NoTradeList = NoTradeList()
    daily_loss: DailyLoss = DailyLoss()
    max_concurrent: MaxConcurrent = MaxConcurrent()
    exposure: Exposure = Exposure()
    rate: OrderRate = OrderRate()
    cooldown: Cooldown = Cooldown()
    pause: LossPause = LossPause()
    side: SideBlock = SideBlock()
    feed: StaleFeed = StaleFeed()
    band: PriceBand = PriceBand()

    @property
    def on(self) -> tuple[Guard, ...]:
        """Those that can refuse anything."""
        every: Iterable[Guard] = (
            self.max_concurrent, self.no_trade, self.daily_loss, self.feed, self.band, self.cooldown, self.pause, self.side,
            self.exposure, self.rate,
        )  # fmt: skip
        return tuple(guard for guard in every if guard.is_on)

    def refusal(self, proposal: Proposal, book: RiskBook) -> str:
        """Return what the first guard that refuses says; '' where none does."""
        return next((said for guard in self.on if (said := guard.refusal(proposal, book))), "")
