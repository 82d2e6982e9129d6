"""Guards against an oracle that goes through everything that ever happened, and remembers nothing."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.exits import ExitGroup, Target
from auction_bt.core.guards import (
    Cooldown,
    DailyLoss,
    Exposure,
    Guard,
    Guards,
    LossPause,
    MaxConcurrent,
    NoTradeList,
    OrderRate,
    PriceBand,
    Proposal,
    SideBlock,
    StaleFeed,
    requests_of,
)
from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import MINUTE_NS, SECOND_NS, day_index, day_start
from auction_bt.core.no_trade import NoTrade, names_of, parse_no_trade
from auction_bt.core.risk import RiskBook, Stake
from auction_bt.core.trade import Side
from auction_bt.core.trading_day import Outcome, Sent

SYMBOLS = ("A", "B", "C")
CASH = Decimal(100_000)
DAY = 20_000
NOON = day_start(DAY) + 12 * 60 * MINUTE_NS
QUIET = Proposal("A", frozenset({"A"}), Side.LONG, NOON, NOON, MINUTE_NS, 100.0, 100.0, 100.0, 4, 0)


@dataclass
class Past:
    """All that ever happened, as (seq, what, ...)."""

    closed: list[tuple[int, Outcome]] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    held: dict[str, Decimal] = field(default_factory=dict)

    # A bar that ends at midnight is of the day before.
    def today(self, now: int) -> list[Outcome]:
        return [o for seq, o in self.closed if day_index(seq - 1) == day_index(now - 1)]

    def requests(self, now: int, window: int) -> list[Sent]:
        return [s for s in self.sent if day_index(s.seq - 1) == day_index(now - 1) and now - window < s.seq <= now]


@dataclass
class Step:
    """What happens next: `wait` ns later, in `symbol`."""

    wait: int
    symbol: str
    side: Side
    reason: str
    net: Decimal


steps = st.lists(
    st.builds(
        Step,
        wait=st.one_of(st.integers(1, 5 * MINUTE_NS), st.integers(1, 30 * 60 * MINUTE_NS)),
        symbol=st.sampled_from(SYMBOLS),
        side=st.sampled_from(Side),
        reason=st.sampled_from(["stop", "target1", "trail"]),
        net=st.sampled_from([Decimal(-700), Decimal(-1), Decimal(0), Decimal(300)]),
    ),
    max_size=30,
)


def played(steps: list[Step]) -> Iterator[tuple[RiskBook, Past, Proposal]]:
    """Open a trade where the symbol is flat, else close it; before each, somebody asks."""
    book, past, now = RiskBook(CASH), Past(), NOON
    for step in steps:
        now += step.wait
        book.at(now)
        end = now // MINUTE_NS * MINUTE_NS
        yield book, past, replace(QUIET, symbol=step.symbol, side=step.side, now=now, ts=end, lot_value=30_000.0)
        if step.symbol not in past.held:
            sent = Sent(now, 2, 4)
            past.held[step.symbol] = Decimal(40_000)
            past.sent.append(sent)
            book.opened(step.symbol, Stake(Decimal(1000), Decimal(40_000)), sent)
        else:
            outcome = Outcome(step.symbol, step.side, now // SECOND_NS * SECOND_NS, step.reason, step.net)
            del past.held[step.symbol]
            past.closed.append((now, outcome))
            book.ended(outcome, now)


def naive(guard: Guard, past: Past, p: Proposal) -> str:
    """What a guard must say, by definition."""
    mine = [o for o in past.today(p.now) if o.symbol == p.symbol]
    equity = CASH + sum(o.net for _, o in past.closed)
    held = sum(past.held.values())
    match guard:
        case MaxConcurrent(most):
            return "max concurrent" if len(past.held) >= most else ""
        case Cooldown(time):
            return "cooldown" if any(o.reason == "stop" and o.ts > p.now - time for o in mine) else ""
        case LossPause(losses, bars):
            in_a_row = len(mine) >= losses and all(o.net < 0 for o in mine[-losses:])
            return "losses in a row" if in_a_row and (p.ts - mine[-1].ts) / p.bar <= bars else ""
        case SideBlock(share, last, least):
            nets = [o.net for o in past.today(p.now) if o.side is p.side][-last:]
            return "side block" if len(nets) >= least and sum(n < 0 for n in nets) / len(nets) >= share else ""
        case Exposure(symbol, total):
            of_it = float(past.held.get(p.symbol, 0))
            too_much = of_it + p.lot_value > symbol * float(equity) or p.lot_value + float(held) > total * float(equity)
            return "exposure" if too_much else ""
        case OrderRate(second, minute, half_hour, day):
            if sum(s.in_all for s in past.requests(p.now, 24 * 60 * MINUTE_NS)) + p.requests > day:
                return "order count"
            counts = ((second, SECOND_NS, 2), (minute, MINUTE_NS, 0), (half_hour, 30 * MINUTE_NS, 0))
            for most, window, at_once in counts:
                before = sum(s.at_once if at_once else s.in_all for s in past.requests(p.now, window))
                if before + (at_once or p.requests) > most:
                    return "order rate"
            return ""
    raise AssertionError(guard)


GUARDS = st.one_of(
    st.builds(MaxConcurrent, st.integers(1, 3)),
    st.builds(Cooldown, st.integers(1, 20 * MINUTE_NS)),
    st.builds(LossPause, st.integers(1, 3), st.integers(1, 30)),
    st.builds(SideBlock, st.sampled_from([0.5, 0.65, 1.0]), st.integers(2, 8), st.integers(1, 4)),
    st.builds(Exposure, st.sampled_from([0.2, 0.3, 1.0]), st.sampled_from([0.7, 0.8, 1.5])),
    st.builds(OrderRate, st.integers(2, 4), st.integers(4, 12), st.integers(8, 16), st.integers(12, 40)),
)


@settings(max_examples=200, deadline=None)
@given(guard=GUARDS, steps=steps)
@example(  # one nanosecond before midnight, and midnight
    guard=OrderRate(2, 4, 8, 12),
    steps=[Step(wait, symbol, Side.LONG, "stop", Decimal(-700))
           for wait, symbol in ((30 * 60 * MINUTE_NS - 1, "B"), (30 * 60 * MINUTE_NS, "A"), (1, "A"))],
)  # fmt: skip
def test_a_guard_says_what_its_definition_says_whatever_happened(guard: Guard, steps: list[Step]) -> None:
    for book, past, proposal in played(steps):
        assert guard.refusal(proposal, book) == naive(guard, past, proposal)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([0.001, 0.01]), steps, st.lists(st.integers(-2000, 2000), min_size=30, max_size=30))
def test_the_loss_of_a_day_is_by_how_much_the_account_is_worth_less(share: float, steps: list[Step], marks: list[int]) -> None:
    limit, worth, day, opening = DailyLoss(share), CASH, -1, CASH
    marked: dict[str, Decimal] = {}
    for (book, past, proposal), mark in zip(played(steps), marks, strict=False):
        marked = {s: m for s, m in marked.items() if s in past.held}
        worth = CASH + sum(o.net for _, o in past.closed) + sum(marked.values())
        if day_index(proposal.now) != day:
            day, opening = day_index(proposal.now), worth
        assert (book.today.opening, book.worth) == (opening, worth)
        assert limit.is_met(book) == (opening - worth >= Decimal(repr(share)) * opening)
        if past.held:
            symbol = min(past.held)
            marked[symbol] = Decimal(mark)
            book.marked(symbol, Decimal(mark))


def test_a_day_that_is_given_up_stays_so_until_the_next_and_each_trade_is_told_once_in_order() -> None:
    told: list[tuple[str, int, str]] = []
    book = RiskBook(CASH)
    book.at(NOON)
    for symbol in ("B", "A"):
        book.opened(symbol, Stake(Decimal(1), leave=lambda seq, why, symbol=symbol: told.append((symbol, seq, why))))
    limit = DailyLoss(0.01)
    book.marked("A", Decimal(-1000))

    assert limit.is_met(book)
    assert not limit.refusal(QUIET, book)  # nobody has given it up yet
    book.leave_all(NOON, "day_loss")
    assert told == [("A", NOON, "day_loss"), ("B", NOON, "day_loss")]
    book.marked("A", Decimal(5000))
    assert not limit.is_met(book)
    assert limit.refusal(QUIET, book) == "daily loss"
    book.at(day_start(DAY + 1) + 1)
    assert not limit.refusal(QUIET, book)
    assert book.today.opening == CASH + 5000


@pytest.mark.parametrize(
    ("guard", "change", "reason"),
    [
        (StaleFeed(30 * SECOND_NS), {"silence": 30 * SECOND_NS + 1}, "stale feed"),
        (PriceBand(5.0), {"close": 105.01}, "price band"),
        (PriceBand(5.0), {"close": 94.99}, "price band"),
        (NoTradeList(parse_no_trade("a,2024-10-04,2024-10-04,results")), {}, "no-trade list"),
        (NoTradeList(parse_no_trade("*,2024-10-01,2024-10-04,election, counted")), {"names": frozenset()}, "no-trade list"),
    ],
)
def test_what_the_entry_itself_shows_is_refused_at_its_edge_and_not_before(guard: Guard, change: Any, reason: str) -> None:
    book = RiskBook(CASH)
    asked = replace(QUIET, **change)

    assert from_date_of(asked) == from_date_text("2024-10-04")
    assert guard.refusal(asked, book) == reason
    calm = {"silence": 30 * SECOND_NS, "close": 105.0, "now": day_start(DAY + 1), "names": frozenset({"B"})}
    assert guard.refusal(replace(asked, **calm), book) == ""


def from_date_of(proposal: Proposal) -> int:
    return int(day_index(proposal.now))


def from_date_text(text: str) -> int:
    (entry,) = parse_no_trade(f"*,{text},{text},x")
    return entry.first


def test_guards_are_off_by_default_and_the_first_that_refuses_speaks() -> None:
    book = RiskBook(CASH)
    assert Guards().on == ()
    assert Guards().refusal(replace(QUIET, silence=10**18, close=1e9, requests=10**9), book) == ""

    both = Guards(feed=StaleFeed(1), band=PriceBand(0.001))
    assert len(both.on) == 2
    assert both.refusal(replace(QUIET, silence=2, close=1e9), book) == "stale feed"
    assert both.refusal(replace(QUIET, close=1e9), book) == "price band"


def test_a_list_may_call_an_instrument_by_key_name_and_what_it_is_a_contract_on() -> None:
    future = Instrument("NSE_FO|51502", Decimal("0.05"), 75, Kind.FUTURE, "NIFTY FUT", Contract("NSE_INDEX|Nifty 50", DAY))

    assert {"NSE_FO|51502", "NIFTY FUT", "NIFTY 50", "NSE_INDEX|NIFTY 50", "NIFTY", "NIFTY-FUT"} <= names_of(future)
    assert "NIFTY" in names_of(Instrument("NIFTY-FUT", Decimal("0.05"), 75, Kind.FUTURE))
    option = replace(future, kind=Kind.OPTION, name="NIFTY 25500 CE 29 DEC 26")
    assert "NIFTY" in names_of(option)
    assert "NIFTY-FUT" not in names_of(option)
    assert names_of(Instrument("BAJAJ-AUTO", Decimal("0.05"))) == {"BAJAJ-AUTO"}
    assert parse_no_trade(" nifty 50 , 2027-02-01,2027-02-02,budget, again ;") == (
        NoTrade("NIFTY 50", from_date_text("2027-02-01"), from_date_text("2027-02-02"), "budget, again"),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("A,2027-02-01,2027-02-01", "is no entry: write symbol,from,to,reason"),
        (",2027-02-01,2027-02-01,x", "is no entry"),
        ("A,01-02-2027,2027-02-01,x", "'01-02-2027' is no date"),
        ("A,2027-02-02,2027-02-01,x", "end before they begin"),
    ],
)
def test_a_list_that_cannot_be_read_is_refused(text: str, told: str) -> None:
    with pytest.raises(BadInput, match=told):
        parse_no_trade(text)


def test_a_trade_counts_with_all_its_ways_out() -> None:
    group = ExitGroup(Side.LONG, 20, 95.0, (Target(105.0, 10), Target(110.0, 10, "target2")))

    assert requests_of(group) == 6  # entry, stop, and for each target the stop's change and an order
    assert requests_of(replace(group, targets=group.targets[:1])) == 6  # the rest trails
    assert requests_of(replace(group, targets=())) == requests_of(None) == 4
