"""One trade kept at the simulated exchange, whatever is lost, late, repeated or refused on the way."""

from collections import deque

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auction_bt.brokers.messages import row_of
from auction_bt.core.exits import Deadline, ExitGroup, Target
from auction_bt.core.ist import SECOND_NS
from auction_bt.core.keeper import Keeper
from auction_bt.core.keeping import Terms
from auction_bt.core.live_order import Asked, Cancel, Kind, Look, Modify, Outcome, Place
from auction_bt.core.order_set import Role
from auction_bt.core.outside import Outside
from auction_bt.core.trade import Side
from auction_bt.sim.books import Account
from auction_bt.sim.exchange import Exchange
from auction_bt.sim.matching import AS_BACKTESTED, STRICT
from auction_bt.sim.money import units
from auction_bt.sim.order import Change, Request
from tests.sim.made import FUTURE, at, contracts

TEN = at(10, 0)
LOT = 65
TICK = 0.1


class World:
    """A keeper, the exchange, and a line between them on which words may be lost, late, repeated or swapped."""

    def __init__(self, side=Side.LONG, lots=2, *, dice=None, matching=AS_BACKTESTED, freeze=0, exits=None, **group):
        self.exchange = Exchange(contracts(), Account(cash=units(1e9)), matching)
        self.now, self.price = TEN, 25_000.0
        self.dice = dice
        self.line = deque()  # (due, what): words on their way to the keeper
        self.dones, self.overheld, self.requests = [], 0, []
        self.slept = 0
        self.pending = []
        self.market(self.price)
        sign = side.sign
        self.side = side
        exits = exits or ExitGroup(
            side, lots * LOT, 25_000 - sign * 20.0,
            (Target(25_000 + sign * 10.0, LOT, to_entry=True), Target(25_000 + sign * 20.0, LOT, "target2"))[: min(lots, 2)],
            **group,
        )  # fmt: skip
        self.keeper = Keeper(Terms(FUTURE, TICK, freeze), side, exits.qty, exits, self.now, self.now, self.pending.append)
        self.carry()

    def chance(self, share):
        return self.dice is not None and self.dice.random() < share

    # --- the exchange's side
    def carry(self):
        """Let what was asked reach the exchange, and what it says the keeper."""
        for _ in range(200):
            while self.pending:
                self.perform(self.pending.pop(0))
            if not self.hear():
                return
        raise AssertionError("the keeper asks without end")

    def perform(self, action):
        self.requests.append(action)
        intent = action.intent
        if isinstance(action, Look):
            rows = [r for r in self.book() if r["tag"] == intent.tag]
            self.say(*(("row", r) for r in rows))
            if not rows:
                self.say(("answer", intent.tag, Asked.PLACE, Outcome.LOST, "", "not in the book"))
            return
        if isinstance(action, Place):
            to = Asked.PLACE
            request = Request(FUTURE, intent.buy, intent.qty, Kind(intent.kind), units(intent.price), units(intent.trigger),
                              tag=intent.tag)  # fmt: skip
            do = lambda: self.exchange.place(request, self.now, reject="RMS:no" if self.chance(0.08) else "")  # noqa: E731
        elif isinstance(action, Modify):
            to = Asked.MODIFY
            change = Change(action.order_id, action.qty, trigger=units(action.trigger))
            do = lambda: self.exchange.modify(change, self.now, reject="no" if self.chance(0.1) else "")  # noqa: E731
        else:
            to = Asked.CANCEL
            do = lambda: self.exchange.cancel(action.order_id, self.now, reject="no" if self.chance(0.1) else "")  # noqa: E731
        if self.chance(0.05):  # it never arrived, and nobody knows
            self.say(("answer", intent.tag, to, Outcome.LOST, "", "timeout"))
            return
        answer = do()
        if answer.problems:
            self.say(("answer", intent.tag, to, Outcome.REFUSED, "", answer.problems[0].message))
            return
        words = [("row", u.body) for u in answer.updates if u.kind == "order"]
        reply = ("answer", intent.tag, to, Outcome.ACCEPTED, answer.order_ids[0], "")
        if self.chance(0.1):  # carried out, and the answer is lost: what is looked up tells
            reply = ("row", next(r for r in self.book() if r["order_id"] == answer.order_ids[0]))
        self.say(*([*words, reply] if self.chance(0.3) else [reply, *words]))

    def book(self):
        from auction_bt.sim.shapes import order_row

        contract = self.exchange.books.contracts[FUTURE]
        return [order_row(o, contract) for o in self.exchange.books.by_id.values()]

    def say(self, *words):
        for word in words:
            if word[0] == "row" and self.chance(0.08):
                continue  # the socket was down
            late = int(self.dice.integers(1, 4)) * SECOND_NS if self.chance(0.15) else 0
            self.line.append((self.now + late, word))
            if self.chance(0.05):
                self.line.append((self.now + late, word))

    def hear(self):
        due = [word for at_, word in self.line if at_ <= self.now]
        self.line = deque((at_, word) for at_, word in self.line if at_ > self.now)
        for word in due:
            if word[0] == "row":
                self.take(self.keeper.on_row(row_of(word[1]), self.now, self.now))
            else:
                _, tag, to, outcome, order_id, note = word
                self.take(self.keeper.on_answer(tag, to, outcome, order_id, note, self.now, self.now))
        return bool(due) or bool(self.pending)

    # --- the market's side
    def market(self, price, size=1000):
        self.price = price
        for update in self.exchange.on_tick(FUTURE, self.now, price, size, price - TICK, price + TICK, now=self.now):
            if update.kind == "order":
                self.say(("row", update.body))
        if not hasattr(self, "side"):
            return
        held = self.position()
        sold = sum(o.pending for o in self.exchange.books.by_id.values() if o.request.buy is (self.sign < 0))
        self.overheld = max(self.overheld, sold - max(0, held))

    @property
    def sign(self):
        return self.side.sign

    def position(self):
        if not hasattr(self, "side"):
            return 0
        filled = sum((1 if o.request.buy else -1) * o.filled for o in self.exchange.books.by_id.values())
        return filled * self.sign

    def tick(self, price, seconds=1, size=1000):
        """A second passes and the market trades."""
        self.now += int(seconds * SECOND_NS)
        self.market(price, size)
        self.carry()  # updates first
        self.take(self.keeper.on_price(price, self.now, self.now))
        self.carry()
        sleeps = self.now < self.keeper.wake_at
        dones = self.keeper.on_clock(self.now, self.now)
        assert not (sleeps and (dones or self.pending)), "it was not asleep"
        self.slept += sleeps
        self.take(dones)
        self.carry()

    def add(self, share):
        """Add to the trade, where it is open and nothing is being added, in `share` of the times."""
        keeper, taken = self.keeper, {d.role for d in self.dones}
        is_adding = any(not o.is_final or o.is_lost for _, o in keeper.orders.of(Role.ADD))
        if keeper.group is None or Role.ENTRY not in taken or is_adding or self.dice.random() >= share:
            return
        stop = round(self.price - self.sign * float(self.dice.integers(1, 10)), 1)
        self.take(keeper.add(LOT * int(self.dice.integers(1, 3)), stop, self.now, self.now))
        self.carry()

    def take(self, dones):
        self.dones += dones

    def told(self):
        return [(d.role, d.reason, d.qty, round(d.price, 2)) for d in self.dones]


def test_a_trade_takes_both_targets_and_its_stop_follows():
    w = World()
    w.tick(25_001)
    assert w.told() == [(Role.ENTRY, "entry", 130, 25_001.1)]
    assert w.keeper.orders.covered == 130
    w.tick(25_010)  # reached: the stop is shrunk and confirmed, the exit is sent
    assert (w.keeper.orders.covered, w.position()) == (65, 130)
    w.tick(25_010)
    assert w.told()[1:] == [(Role.EXIT, "target1", 65, 25_009.9)]
    assert [o.trigger for _, o in w.keeper.orders.open(Role.STOP)] == [25_001.1]
    w.tick(25_020)
    w.tick(25_021)
    assert w.told()[2:] == [(Role.EXIT, "target2", 65, 25_020.9)]
    assert (w.keeper.is_over, w.position(), w.keeper.alarms) == (True, 0, [])


def test_the_stop_at_the_exchange_ends_it():
    w = World(Side.SHORT)
    w.tick(25_000)
    w.tick(25_021)
    assert w.told() == [(Role.ENTRY, "entry", 130, 24_999.9), (Role.STOP, "stop", 130, 25_021.1)]
    assert w.keeper.is_over


def test_a_deadline_cancels_the_stop_before_it_sells():
    w = World(deadlines=(Deadline(TEN + 5 * SECOND_NS, "time"),))
    for _ in range(6):
        w.tick(25_001)
    assert w.told()[1:] == [(Role.EXIT, "time", 130, 25_000.9)]
    assert w.slept > 2, "between its fill and its deadline nothing is due"
    assert w.keeper.is_over
    kinds = [type(a) for a in w.requests]
    assert kinds.index(Cancel) < len(kinds) - 1
    assert isinstance(w.requests[-1], Place)


def test_more_than_the_exchange_takes_at_once_is_cut():
    w = World(lots=4, freeze=2 * LOT, exits=ExitGroup(Side.LONG, 4 * LOT, 24_980.0, (Target(25_010.0, 3 * LOT),)))
    w.tick(25_000)
    assert w.told() == [(Role.ENTRY, "entry", 260, 25_000.1)]
    assert [o.qty for _, o in w.keeper.orders.open(Role.STOP)] == [130, 130]
    w.tick(25_010)
    w.tick(25_010)
    assert sorted(d[2] for d in w.told()[1:]) == [65, 130]
    assert w.keeper.orders.covered == 65


def test_a_lost_entry_is_asked_about_and_never_sent_again():
    keeper = Keeper(Terms(FUTURE, TICK), Side.LONG, LOT, ExitGroup(Side.LONG, LOT, 24_980.0), TEN, TEN, (sent := []).append)
    tag = next(iter(keeper.orders.by_tag))
    assert keeper.on_answer(tag, Asked.PLACE, Outcome.LOST, "", "timeout", TEN, TEN) == []
    for second in range(1, 200):
        keeper.on_clock(TEN + second, TEN + second * SECOND_NS)
    assert [type(a) for a in sent].count(Place) == 1
    assert [type(a) for a in sent].count(Look) >= 3
    assert not keeper.is_over
    assert "nobody knows" in keeper.alarms[0]


def test_the_word_to_leave_holds_for_an_entry_that_is_filled_after_it():
    w = World()
    w.take(w.keeper.leave("manual", w.now, w.now))
    request = w.pending.pop()
    assert isinstance(request, Cancel)  # it comes too late
    w.tick(25_000)
    w.tick(25_000)
    w.tick(25_000)
    assert w.told() == [(Role.ENTRY, "entry", 130, 25_000.1), (Role.EXIT, "manual", 130, 24_999.9)]
    assert (w.position(), w.keeper.is_over) == (0, True)


def test_what_somebody_else_has_closed_is_covered_by_no_stop_any_more():
    w = World()
    w.tick(25_001)
    for sold, left in ((65, 65), (65, 0)):
        answer = w.exchange.place(Request(FUTURE, False, sold, Kind.MARKET), w.now)
        for update in w.exchange.on_tick(FUTURE, w.now, 25_002, 1000, 25_001.9, 25_002.1, now=w.now):
            if update.kind == "order" and update.body["order_id"] == answer.order_ids[0]:
                row = row_of(update.body)
                taken = Outside().after(row).taken(Outside(), row, w.keeper.held, "manual", w.now)
                w.take(w.keeper.on_outside(taken, w.now, w.now) if taken is not None else [])
        w.carry()
        assert (w.keeper.held, w.position(), w.keeper.orders.covered) == (left, left, left)
    assert w.told()[1:] == [(Role.OUTSIDE, "manual", 65, 25_001.9)] * 2
    assert w.keeper.is_over
    assert all(o.is_final for _, o in w.keeper.orders.of(Role.STOP))


def test_what_is_added_is_covered_by_the_stop_and_leaves_with_it():
    w = World(exits=ExitGroup(Side.LONG, LOT, 24_980.0))
    w.tick(25_001)
    w.take(w.keeper.add(LOT, 24_995.0, w.now, w.now))
    w.carry()
    w.tick(25_010)
    assert w.told() == [(Role.ENTRY, "entry", LOT, 25_001.1), (Role.ADD, "add", LOT, 25_010.1)]
    assert [(o.left, o.trigger) for _, o in w.keeper.orders.open(Role.STOP)] == [(2 * LOT, 24_995.0)]
    w.tick(24_990)
    assert w.told()[2:] == [(Role.STOP, "trail", 2 * LOT, 24_989.9)]
    assert (w.position(), w.keeper.is_over, w.keeper.alarms) == (0, True, [])


def test_what_is_added_by_the_tick_that_sets_the_stop_off_is_left_at_once_and_is_no_other_trade():
    w = World(exits=ExitGroup(Side.LONG, LOT, 24_980.0))
    w.tick(25_001)
    w.take(w.keeper.add(LOT, 24_995.0, w.now, w.now))
    w.carry()
    w.tick(24_970)
    assert (w.keeper.held, w.keeper.is_over) == (LOT, False)
    w.tick(24_971)
    assert w.told()[1:] == [
        (Role.STOP, "stop", LOT, 24_969.9), (Role.ADD, "add", LOT, 24_970.1), (Role.EXIT, "stop", LOT, 24_970.9),
    ]  # fmt: skip
    assert (w.position(), w.keeper.is_over) == (0, True)


def test_the_word_to_leave_takes_an_add_back_and_leaves_what_is_filled_of_it_all_the_same():
    w = World(exits=ExitGroup(Side.LONG, LOT, 24_980.0))
    w.tick(25_001)
    w.take(w.keeper.add(LOT, 24_995.0, w.now, w.now))
    placed = w.pending.pop()
    w.perform(placed)
    w.hear()
    w.take(w.keeper.leave("manual", w.now, w.now))
    w.pending[:] = [a for a in w.pending if not (isinstance(a, Cancel) and a.intent.reason == "add")]  # it is lost
    for _ in range(4):
        w.tick(25_005)
    assert sum(d.qty for d in w.dones if d.role is Role.EXIT) == 2 * LOT
    assert {d.reason for d in w.dones if d.role is Role.EXIT} == {"manual"}
    assert (w.position(), w.keeper.held) == (0, 0)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    side=st.sampled_from(Side),
    strict=st.booleans(),
    freeze=st.sampled_from([0, LOT]),
    lots=st.sampled_from([1, 2, 4]),
    adds=st.booleans(),
)
@example(seed=139, side=Side.SHORT, strict=False, freeze=0, lots=2, adds=True)  # a look given up made room the same moment
def test_whatever_happens_on_the_line_the_trade_ends_with_the_exchanges_position(seed, side, strict, freeze, lots, adds):
    dice = np.random.default_rng(seed)
    exits = ExitGroup(
        side, lots * LOT, 25_000 - side.sign * 15.0,
        (Target(25_000 + side.sign * 8.0, max(LOT, lots * LOT // 2 // LOT * LOT), to_entry=True),),
        (Deadline(TEN + 120 * SECOND_NS, "square_off"),),
    )  # fmt: skip
    w = World(side, lots, dice=dice, matching=STRICT if strict else AS_BACKTESTED, freeze=freeze, exits=exits)
    price = 25_000.0
    for _ in range(150):
        price += float(dice.normal(0, 2.0))
        w.tick(round(price, 1), size=int(dice.integers(1, 200)))
        w.add(0.1 if adds else 0.0)
    w.dice = None  # the line is good again
    for _ in range(400):
        if w.keeper.is_over:
            break
        w.tick(round(price, 1))
        for row in w.book():  # as after each reconnect
            w.take(w.keeper.on_row(row_of(row), w.now, w.now))
        w.carry()

    assert w.position() == w.keeper.held
    assert w.keeper.held == 0 or w.keeper.orders.by_tag
    steps = [d.qty if d.role in {Role.ENTRY, Role.ADD, Role.BACK} else -d.qty for d in w.dones]
    assert sum(steps) == w.position(), "what the strategy was told is what the exchange has"
    assert len(w.keeper.orders.of(Role.BACK)) or min(np.cumsum(steps), default=0) >= 0, "more was told to be closed than was open"
    tags = [a.intent.tag for a in w.requests if isinstance(a, Place)]
    assert len(tags) == len(set(tags)), "no order twice"
    assert w.position() == 0
    open_orders = [o for o in w.exchange.books.by_id.values() if not o.is_final]
    assert not open_orders, "nothing of it rests"


@pytest.mark.parametrize("side", list(Side))
def test_on_a_good_line_never_more_is_on_its_way_out_than_is_held(side):
    for seed in range(30):
        dice = np.random.default_rng(seed)
        w = World(side, deadlines=(Deadline(TEN + 100 * SECOND_NS, "time"),))
        price = 25_000.0
        for _ in range(110):
            price += float(dice.normal(0, 3.0))
            w.tick(round(price, 1))
        assert w.keeper.is_over
        assert w.overheld <= 0
        assert w.position() == 0


def test_trades_of_several_symbols_decided_by_one_message_have_tags_of_their_own():
    requests = []
    exits = ExitGroup(Side.LONG, 2 * LOT, 24_980.0)
    keepers = [Keeper(Terms(f"NSE_FO|{n}", TICK), Side.LONG, exits.qty, exits, TEN, TEN, requests.append) for n in range(2_000)]
    tags = [action.intent.tag for action in requests]
    assert len(set(tags)) == len(tags) == len(keepers)
    assert max(map(len, tags)) <= 40  # what the broker takes
