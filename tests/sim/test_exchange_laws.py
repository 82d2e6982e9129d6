"""What holds of the simulated exchange whatever is asked of it and whatever is traded."""

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.ist import SECOND_NS
from auction_bt.sim.money import units
from auction_bt.sim.order import LEGAL, PRICED, Change, Kind, Request, Status, Validity
from tests.sim.made import SHARE, at, exchange

PRICES = st.integers(13_000, 13_200).map(lambda k: k / 10)


@dataclass(frozen=True)
class Step:
    what: str
    price: float = 0.0
    trigger: float = 0.0
    quantity: int = 0
    buy: bool = True
    kind: Kind = Kind.MARKET
    ioc: bool = False
    spread: int = 0
    which: int = 0


def request_of(step):
    price = units(step.price) if step.kind in PRICED else 0
    trigger = units(step.trigger) if step.kind in {Kind.STOP_LIMIT, Kind.STOP_MARKET} else 0
    return Request(SHARE, step.buy, step.quantity, step.kind, price, trigger, validity=Validity.IOC if step.ioc else Validity.DAY)


PLACE = st.builds(Step, st.just("place"), PRICES, PRICES, st.integers(1, 50), st.booleans(), st.sampled_from(Kind), st.booleans())
TICK = st.builds(Step, st.just("tick"), PRICES, quantity=st.integers(0, 40), spread=st.integers(0, 5))
CHANGE = st.builds(Step, st.sampled_from(["modify", "cancel"]), PRICES, PRICES, st.integers(1, 60), which=st.integers(0, 5))
STEPS = st.lists(st.one_of(PLACE, TICK, TICK, CHANGE), max_size=40)


def run(steps, cash=100_000):
    """Do all of it, a second apart; return the exchange, its answers, and the ticks with their fills."""
    on, answers, met = exchange(cash), [], []
    for i, step in enumerate(steps):
        now, ids = at(10, 0) + i * SECOND_NS, list(on.books.by_id)
        if step.what == "place":
            answers.append(on.place(request_of(step), now))
        elif step.what == "tick":
            book = {"bid": step.price - 0.1 * step.spread, "ask": step.price + 0.1 * step.spread} if step.spread else {}
            before, orders = len(on.books.fills()), dict(on.books.by_id)
            answers.append(on.on_tick(SHARE, now, step.price, step.quantity, now=now, **book))
            met.append((step, orders, on.books.fills()[before:]))
        elif ids:
            order_id = ids[step.which % len(ids)]
            price = units(step.price) if on.books.by_id[order_id].request.kind in PRICED else None
            change = Change(order_id, step.quantity, price=price)
            answers.append(on.modify(change, now) if step.what == "modify" else on.cancel(order_id, now))
    return on, answers, met


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_nothing_is_filled_beyond_what_was_ordered_or_traded_nor_at_a_better_price(steps):
    on, _, met = run(steps)
    for step, orders, fills in met:
        assert sum(fill.quantity for fill in fills) <= step.quantity
        for fill in fills:
            request, traded = on.books.by_id[fill.order_id].request, units(step.price)
            assert fill.order_id in orders  # it stood there before the tick
            assert fill.price >= traded if request.buy else fill.price <= traded
    for order in on.books.orders():
        filled = [fill for fill in on.books.fills() if fill.order_id == order.order_id]
        assert sum(fill.quantity for fill in filled) == order.filled <= order.request.quantity
        assert sum(fill.quantity * fill.price for fill in filled) == order.value


@given(STEPS)
@settings(max_examples=300, deadline=None)
def test_a_limit_is_never_broken(steps):
    on, _, _ = run([s for s in steps if s.what != "modify"])
    for fill in on.books.fills():
        order = on.books.by_id[fill.order_id]
        if order.limit:
            assert fill.price <= order.limit if order.request.buy else fill.price >= order.limit


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_states_follow_each_other_as_they_may(steps):
    on, _, _ = run(steps)
    for order in on.books.orders():
        states = [state.status for state in on.books.history(order.order_id)]
        assert states[0] is Status.PUT
        assert all(after in LEGAL[before] or (after is before is Status.OPEN) for before, after in pairwise(states))
        assert order.status is states[-1]


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_positions_are_the_sum_of_fills_and_no_rupee_is_lost(steps):
    on, _, _ = run(steps)
    sides = {order.order_id: 1 if order.request.buy else -1 for order in on.books.orders()}
    net = sum(sides[fill.order_id] * fill.quantity for fill in on.books.fills())
    flow = sum(-sides[fill.order_id] * fill.quantity * fill.price for fill in on.books.fills())
    held = on.books.positions()
    assert sum(position.quantity for position in held) == net
    last = on.books.last.get(SHARE, 0)
    won = sum((position.realised + position.unrealised(last) for position in held), Fraction(0))
    assert won == flow + net * last
    equity = on.books.available() + on.books.blocked().total - sum(on.books.losses())
    assert equity == on.books.account.cash


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_orders_taken_are_within_the_funds(steps):
    """Each, when it was taken: prices may move against it later."""
    on, _, _ = run([s for s in steps if s.what != "tick"], cash=20_000)
    assert on.books.available() >= 0


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_final_orders_stay_as_they_are(steps):
    on, _, _ = run(steps)
    for order in on.books.orders():
        if order.is_final:
            assert [p.code for p in on.cancel(order.order_id, at(11, 0)).problems] == ["UDAPI100040"]
            assert [p.code for p in on.modify(Change(order.order_id), at(11, 0)).problems] == ["UDAPI100041"]
            assert on.books.by_id[order.order_id] == order


@given(STEPS)
@settings(max_examples=50, deadline=None)
def test_the_same_calls_give_the_same_answers(steps):
    (first, answers, _), (second, again, _) = run(steps), run(steps)
    assert answers == again
    assert first.books.by_id == second.books.by_id
    assert first.books.positions() == second.books.positions()
