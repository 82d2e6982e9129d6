"""Exit groups on ticks: looked up in the arrays or met tick by tick, alone or in stock Cerebro, the fills are the same."""

from typing import Any

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.errors import Refused
from auction_bt.core.exits import Deadline, ExitGroup, Target
from auction_bt.core.fills import FillModel, FillPrice
from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.trade import Fill, Side
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.stored import StoredData
from tests.builders import columns_of, random_ticks, recorded


class EachTick(TickBroker):
    """Meets every tick one by one: the slow truth that looking up must agree with."""

    def next_fill(self, data: Any, end: int) -> int:
        book = self._books.get(data)
        return end if book is None or not book.is_live else min(book.position, end)


class Grouped(bt.Strategy):
    """Enters every few bars with a group drawn from a seed; sometimes moves its stop or leaves early."""

    params = (("seed", 0),)

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.sizes: list[int] = []
        self.rng = np.random.default_rng(self.p.seed)
        self.order: Any = None
        self.adding: Any = None

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.fills.append(order.info["fill"])
            self.sizes.append(round(order.executed.size))

    def next(self) -> None:
        rng, close = self.rng, self.data.close[0]
        dice = rng.random(6)
        if self.position.size:
            group = self.broker.exits(self.data)
            assert group is not None
            assert group.qty * group.side.sign == self.position.size
            if dice[0] < 0.1:
                self.broker.set_exits(self.data, group.trailed(round(close - group.side.sign * 0.4, 2)))
            elif dice[0] < 0.15:
                self.broker.set_exits(self.data, group.leave(0, "flip"))
            elif dice[0] < 0.3 and not (self.adding is not None and self.adding.alive()):
                stop = round(close - group.side.sign * 0.05 * int(rng.integers(2, 20)), 2)
                enter = self.buy if group.side is Side.LONG else self.sell
                self.adding = enter(size=int(rng.integers(1, 4)), adds=stop)
            return
        assert self.broker.exits(self.data) is None
        if (self.order is not None and self.order.alive()) or dice[1] < 0.5:
            return
        side = Side.LONG if dice[2] < 0.5 else Side.SHORT
        qty = int(rng.integers(1, 6))
        now = int(self.data.bars.ts[len(self.data) - 1]) + MINUTE_NS
        at = lambda ticks: round(close + side.sign * ticks * 0.05, 2)  # noqa: E731
        half = max(1, qty // 2)
        targets = (Target(at(int(rng.integers(2, 25))), half, to_entry=True),)
        if qty > half:
            targets += (Target(at(int(rng.integers(25, 60))), qty - half, "target2"),)
        deadlines = (Deadline(now + int(rng.integers(1, 12)) * MINUTE_NS // 2, "time", until_target=bool(dice[3] < 0.5)),)
        group = ExitGroup(side, qty, at(-int(rng.integers(2, 30))), targets, deadlines)
        enter = self.buy if side is Side.LONG else self.sell
        if dice[4] < 0.7:
            self.order = enter(size=qty, exits=group)
        else:
            self.order = enter(size=qty, exectype=bt.Order.Limit, price=at(-3), valid=bt.timedelta(minutes=4), exits=group)


def run(broker: TickBroker, cerebro: Any, data: StoredData, seed: int) -> Grouped:
    broker.setcash(1e9)
    cerebro.setbroker(broker)
    if isinstance(cerebro, AuctionCerebro):
        cerebro.add_symbol(data, Grouped, seed=seed)
    else:
        cerebro.adddata(data)
        cerebro.addstrategy(Grouped, seed=seed)
    return cerebro.run()[0]  # type: ignore[no-any-return]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([None, 0, 2]),
    slippage=st.integers(0, 2),
    latency_ms=st.sampled_from([0, 0, 250, 9_000]),
    sends=st.booleans(),
)
def test_looking_up_fills_equals_meeting_each_tick_and_equals_stock_cerebro(
    seed: int, spread: int | None, slippage: int, latency_ms: int, sends: bool
) -> None:
    ticks = random_ticks(1, per_minute=5, seed=seed)
    model = FillModel(FillPrice.QUOTE, slippage, latency_ms * 1_000_000, sends)
    data = lambda: StoredData(recorded=recorded(columns_of(ticks, spread=spread)))  # noqa: E731

    looked_up = run(TickBroker(fill=model), AuctionCerebro(), data(), seed)
    each = run(EachTick(fill=model), AuctionCerebro(), data(), seed)
    stock = run(TickBroker(fill=model), bt.Cerebro(stdstats=False), data(), seed)
    stepped = run(TickBroker(fill=model), AuctionCerebro(runonce=False, preload=False), data(), seed)

    assert len(looked_up.fills) > 10
    assert any(fill.reason == "add" for fill in looked_up.fills)
    assert each.fills == looked_up.fills
    assert stepped.fills == looked_up.fills
    assert stock.fills == looked_up.fills[: len(stock.fills)]
    last_known = int(data().bars.known_seq[-1])  # where stock stops; ours goes on to the last tick
    assert all(fill.seq > last_known for fill in looked_up.fills[len(stock.fills) :])
    held = np.cumsum(looked_up.sizes)
    assert not ((held[:-1] != 0) & (np.sign(held[:-1]) * np.sign(held[1:]) < 0)).any(), "a fill turned the position round"


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_on_bars_every_fill_says_so_and_no_exit_is_better_than_the_bar_allows(seed: int) -> None:
    ticks = random_ticks(1, per_minute=5, seed=seed)
    data = StoredData(recorded=recorded(columns_of(ticks), bars_only=True))

    strategy = run(TickBroker(fill=FillModel(slippage=0)), AuctionCerebro(), data, seed)

    assert len(strategy.fills) > 10
    bars = data.bars
    lookup = {int(seq): i for i, seq in enumerate(bars.known_seq)}
    for fill, size in zip(strategy.fills, strategy.sizes, strict=True):
        i = lookup[fill.seq]
        assert fill.source == "bars"
        assert bars.low[i] <= fill.price if size > 0 else fill.price <= bars.high[i]
        assert fill.ts in (bars.ts[i], bars.ts[i] + MINUTE_NS)


class OnceAt(bt.Strategy):
    """Calls `act` at one bar."""

    params = (("bar", 2), ("act", None))

    def __init__(self) -> None:
        self.fills: list[Fill] = []

    def notify_order(self, order: Any) -> None:
        if order.status == order.Completed:
            self.fills.append(order.info["fill"])

    def next(self) -> None:
        if len(self.data) == self.p.bar:
            self.p.act(self)


def _path(prices: list[int], per_minute: int = 4) -> dict[str, Any]:
    base = random_ticks(1, per_minute=per_minute, seed=0)
    n = len(prices)
    k = np.array(prices, dtype=np.int64)
    return {"ts": base["ts"][:n], "k": k, "price": np.round(k * 0.05, 2), "size": base["size"][:n], "tick": 0.05}


def _fills(prices: list[int], act: Any, **model: Any) -> list[Fill]:
    data = StoredData(recorded=recorded(columns_of(_path(prices))))
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(**{"price": FillPrice.TRADE, "slippage": 0, **model})))
    cerebro.add_symbol(data, OnceAt, act=act)
    return cerebro.run()[0].fills  # type: ignore[no-any-return]


def test_both_targets_fill_and_nothing_is_left_for_the_stop() -> None:
    group = ExitGroup(Side.LONG, 4, 4.0, (Target(5.5, 2), Target(6.0, 2, "target2")))
    flat = [100] * 8
    # decided at the first tick of the third minute, entered at the second
    fills = _fills([*flat, 100, 100, 105, 110, 121, 70, 60, 50, 50, 50], lambda s: s.buy(size=4, exits=group))

    assert [(f.reason, f.qty, f.price) for f in fills] == [("entry", 4, 5.0), ("target1", 2, 5.5), ("target2", 2, 6.05)]


def test_a_gap_through_the_stop_fills_where_the_market_is_and_not_at_the_stop() -> None:
    group = ExitGroup(Side.LONG, 4, 4.5, (Target(6.0, 2), Target(7.0, 2, "target2")))
    fills = _fills([*[100] * 8, 100, 100, 99, 60, 60, 200], lambda s: s.buy(size=4, exits=group))

    assert [(f.reason, f.qty, f.price) for f in fills] == [("entry", 4, 5.0), ("stop", 4, 3.0)]


def test_one_tick_through_both_targets_takes_both() -> None:
    group = ExitGroup(Side.SHORT, 4, 6.0, (Target(4.5, 1), Target(4.0, 3, "target2")))
    fills = _fills([*[100] * 8, 100, 100, 99, 75, 200], lambda s: s.sell(size=4, exits=group))

    assert [(f.reason, f.qty, f.price) for f in fills] == [("entry", 4, 5.0), ("target1", 1, 3.75), ("target2", 3, 3.75)]


def test_a_target_sent_when_reached_counts_the_tick_of_the_entry() -> None:
    # As live: word of the fill is there before the tick that made it, and the tick reaches the target.
    group = ExitGroup(Side.LONG, 4, 4.0, (Target(5.5, 2), Target(9.0, 2, "target2")))
    fills = _fills([*[100] * 8, 100, 112, 104, 103, 70, 70], lambda s: s.buy(size=4, exits=group), sends_targets=True)

    assert [(f.reason, f.qty, f.price) for f in fills] == [("entry", 4, 5.6), ("target1", 2, 5.2), ("stop", 2, 3.5)]


def test_an_entry_filled_by_a_trade_at_its_stop_is_left_with_the_next_tick() -> None:
    # Paid below the stop, but the market trades at it: an exchange refuses such a stop, waiting for another touch is no plan.
    group = ExitGroup(Side.SHORT, 4, 5.0, (Target(3.0, 4),))
    prices = [*[90] * 8, 90, 100, 92, 91, 60, 60]
    data = StoredData(recorded=recorded(columns_of(_path(prices), spread=2)))
    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.QUOTE, slippage=0)))
    cerebro.add_symbol(data, OnceAt, act=lambda s: s.sell(size=4, exits=group))
    fills = cerebro.run()[0].fills

    assert [(f.reason, f.qty) for f in fills] == [("entry", 4), ("stop", 4)]
    assert fills[0].price < group.stop
    assert fills[1].ts == data.market.ts[10]


def test_slippage_is_against_us_on_market_and_stop_and_never_on_a_target() -> None:
    group = ExitGroup(Side.LONG, 2, 4.5, (Target(5.5, 1),))
    fills = _fills([*[100] * 8, 100, 100, 110, 90, 90], lambda s: s.buy(size=2, exits=group), slippage=2)

    assert [(f.reason, f.price) for f in fills] == [("entry", 5.1), ("target1", 5.5), ("stop", 4.4)]


def test_a_strategy_that_closes_by_hand_ends_the_group() -> None:
    def act(strategy: Any) -> None:
        strategy.buy(size=3, exits=ExitGroup(Side.LONG, 3, 4.5, (Target(9.0, 3),)))

    class ByHand(OnceAt):
        def next(self) -> None:
            super().next()
            if len(self.data) == self.p.bar + 1:
                self.sell(size=2)
            if len(self.data) == self.p.bar + 2:
                assert self.broker.exits(self.data).qty == 1
                self.close()
            if len(self.data) == self.p.bar + 3:
                assert self.broker.exits(self.data) is None

    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, 0)))
    cerebro.add_symbol(StoredData(recorded=recorded(columns_of(_path([100] * 30)))), ByHand, act=act)
    strategy = cerebro.run()[0]

    assert [(f.reason, f.qty) for f in strategy.fills] == [("entry", 3), ("manual", 2), ("manual", 1)]


def test_a_group_for_another_quantity_than_is_open_is_refused() -> None:
    def act(strategy: Any) -> None:
        with pytest.raises(Refused, match="position is 0"):
            strategy.broker.set_exits(strategy.data, ExitGroup(Side.LONG, 3, 4.5))

    assert _fills([100] * 20, act) == []


def test_an_order_at_the_close_is_refused_with_a_reason() -> None:
    def act(strategy: Any) -> None:
        with pytest.raises(Refused, match="Close"):
            strategy.buy(size=1, exectype=bt.Order.Close)

    assert _fills([100] * 20, act) == []


def test_exits_for_another_quantity_than_is_entered_are_refused() -> None:
    def act(strategy: Any) -> None:
        with pytest.raises(Refused, match="cannot carry exits"):
            strategy.buy(size=2, exits=ExitGroup(Side.LONG, 3, 4.5))
        with pytest.raises(Refused, match="cannot carry exits"):
            strategy.sell(size=3, exits=ExitGroup(Side.LONG, 3, 4.5))

    assert _fills([100] * 20, act) == []


def test_what_is_added_by_hand_is_covered_by_the_stop_too() -> None:
    def act(strategy: Any) -> None:
        strategy.buy(size=3, exits=ExitGroup(Side.LONG, 3, 4.5, (Target(9.0, 3),)))
        strategy.buy(size=2)

    fills = _fills([*[100] * 11, 80, 80], act)

    assert [(f.reason, f.qty) for f in fills] == [("entry", 3), ("entry", 2), ("stop", 5)]


def test_an_entry_that_is_not_filled_before_its_own_time_to_leave_lapses() -> None:
    base = _path([100] * 8)["ts"]
    group = ExitGroup(Side.LONG, 2, 4.0, (), (Deadline(int(base[0]) + 4 * MINUTE_NS, "time"),))

    def act(strategy: Any) -> None:
        strategy.buy(size=2, exectype=bt.Order.Limit, price=4.75, exits=group)

    assert [f.reason for f in _fills([*[100] * 11, 95, 95, 95], act)] == ["entry"]
    assert _fills([*[100] * 24, 95, 95], act) == []


def test_a_sale_with_exits_of_its_own_that_only_shrinks_a_long_keeps_the_longs_stop() -> None:
    class Shrinks(OnceAt):
        def next(self) -> None:
            super().next()
            if len(self.data) == self.p.bar + 1:
                self.sell(size=2, exits=ExitGroup(Side.SHORT, 2, 9.0))
            if len(self.data) == self.p.bar + 2:
                group = self.broker.exits(self.data)
                assert (group.side, group.qty, self.position.size) == (Side.LONG, 3, 3)

    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, 0)))
    act = lambda s: s.buy(size=5, exits=ExitGroup(Side.LONG, 5, 4.5))  # noqa: E731
    cerebro.add_symbol(StoredData(recorded=recorded(columns_of(_path([*[100] * 24, 80, 80])))), Shrinks, act=act)
    strategy = cerebro.run()[0]

    assert [(f.reason, f.qty) for f in strategy.fills] == [("entry", 5), ("manual", 2), ("stop", 3)]
    assert strategy.position.size == 0


def test_a_reversal_that_cannot_be_paid_for_ends_the_group_of_what_it_closed() -> None:
    class Reverses(OnceAt):
        def next(self) -> None:
            super().next()
            if len(self.data) == self.p.bar + 1:
                self.buy(size=10**9)
            if len(self.data) == self.p.bar + 3:
                assert self.position.size == 0
                assert self.broker.exits(self.data) is None

    cerebro = AuctionCerebro()
    cerebro.setbroker(TickBroker(fill=FillModel(FillPrice.TRADE, 0)))
    act = lambda s: s.sell(size=5, exits=ExitGroup(Side.SHORT, 5, 5.5))  # noqa: E731
    cerebro.add_symbol(StoredData(recorded=recorded(columns_of(_path([*[100] * 24, 130, 130])))), Reverses, act=act)
    strategy = cerebro.run()[0]

    assert [(f.reason, f.qty) for f in strategy.fills][:1] == [("entry", 5)]
    assert strategy.position.size == 0


@pytest.mark.parametrize("bad", [{"coc": True}, {"slip_fixed": 0.5}, {"filler": bt.fillers.FixedSize()}])
def test_stock_ways_to_price_a_fill_are_refused_rather_than_ignored(bad: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="own model"):
        TickBroker(**bad)
