"""The sender against the simulated broker, each fault of a call one by one: what is told is true, and nothing goes out twice."""

import threading
import time

import pytest

from auction_bt.brokers.messages import read
from auction_bt.core.errors import BadInput
from auction_bt.core.live_order import Asked, Cancel, Intent, Kind, Look, Modify, Outcome, Place
from auction_bt.fetching.limiter import RateLimiter
from auction_bt.parsing import dump
from auction_bt.sim.faults import Fault, FaultKind, FaultPlan
from auction_bt.upstox.client import UpstoxClient
from auction_bt.upstox.orders import WINDOWS, OrderSender
from tests.sim.made import SHARE, at
from tests.sim.served import serving
from tests.waiting import until

TAG = "abt1s1"
STOP = Intent(TAG, SHARE, False, 10, "stop", 1, Kind.STOP_MARKET, trigger=1290.0)


class Desk:
    """A sender, the broker it speaks to, and what it has told."""

    def __init__(self, service):
        self.service = service
        self.told, self.kept = [], []
        self.tokens = 0
        self.sender = OrderSender(
            self.client, lambda message: self.told.append(dict(message)), lambda: at(10, 0), before=self.kept.append, product="I",
            limiter=RateLimiter(time.monotonic, time.sleep, WINDOWS), now=time.monotonic_ns,
        )  # fmt: skip

    def client(self):
        self.tokens += 1
        made = UpstoxClient(self.service.url)
        made.send_token(self.service.sessions.grant(self.service.broker.clock()))
        return made

    def ask(self, action):
        """Send a request; return its answer, and the rows that came with it."""
        count = len(self.told)
        self.sender.send(action)
        until(lambda: self.sender.is_idle)
        said = read(dump(self.told[count]))
        return said.answer, said.rows

    def orders(self):
        """What the exchange has under our tag: status, quantity, trigger."""
        return self.service.broker.read(
            lambda exchange, _: [(o.status.value, o.request.quantity, o.request.trigger) for o in exchange.books.orders(TAG)]
        )


@pytest.fixture
def desk(monkeypatch):
    """Return a function that makes a desk for a plan of faults."""
    monkeypatch.setattr("auction_bt.upstox.orders._LOOKS_S", (0.01, 0.02))
    monkeypatch.setattr("auction_bt.upstox.orders._TIMEOUTS_S", (1, 1))
    begun = []

    def of(*faults):
        service = serving(plan=FaultPlan(faults))
        made = Desk(service.__enter__())
        made.service.broker.tick(SHARE, at(10, 0), 1310.0, 1000, 1309.9, 1310.1)
        made.sender.start()
        begun.append((service, made))
        return made

    yield of
    for service, made in begun:
        made.sender.close()
        service.__exit__(None, None, None)
    assert not [t for t in threading.enumerate() if t.name in {"orders", "account"}]


@pytest.mark.parametrize(
    ("kind", "outcome", "count"),
    [
        (FaultKind.ERROR, Outcome.LOST, 0),  # 503 says nothing of what was done: it was looked for, in vain
        (FaultKind.RESET, Outcome.LOST, 0),
        (FaultKind.RATE, Outcome.REFUSED, 0),
        (FaultKind.LOST, Outcome.ACCEPTED, 1),  # found by its tag
        (FaultKind.SLOW, Outcome.ACCEPTED, 1),  # given up, and found by its tag
        (FaultKind.EARLY, Outcome.ACCEPTED, 1),
        (FaultKind.TOKEN, Outcome.ACCEPTED, 1),  # nothing was done with the dead one
    ],
)
def test_an_order_goes_out_once_and_what_is_told_is_true(desk, kind, outcome, count):
    d = desk(Fault(kind, 1, on="place", seconds=1.5))
    answer, rows = d.ask(Place(STOP))
    assert (answer.tag, answer.to, answer.outcome) == (TAG, Asked.PLACE, outcome)
    assert len(d.orders()) == count
    assert bool(answer.order_id) == (outcome is Outcome.ACCEPTED)
    assert bool(rows) == (kind in {FaultKind.LOST, FaultKind.SLOW})
    assert d.kept == [Place(STOP)], "kept before it went out, once"
    assert d.tokens == 1 + (kind is FaultKind.TOKEN)


def test_a_rejected_order_is_told_as_what_it_is(desk):
    d = desk(Fault(FaultKind.REJECT, 1, on="place"))
    answer, _ = d.ask(Place(STOP))
    states = [status for status, _, _ in d.orders()]
    assert answer.outcome is Outcome.REFUSED or states == ["rejected"]


@pytest.mark.parametrize("action", ["modify", "cancel"])
@pytest.mark.parametrize(
    "kind", [FaultKind.ERROR, FaultKind.RESET, FaultKind.RATE, FaultKind.LOST, FaultKind.SLOW, FaultKind.TOKEN]
)
def test_a_change_is_asked_for_once_and_the_book_says_what_came_of_it(desk, action, kind):
    d = desk(Fault(kind, 1, on=action, seconds=1.5))
    placed, _ = d.ask(Place(STOP))
    order_id = placed.order_id
    request = Modify(STOP, order_id, 5, 1295.0) if action == "modify" else Cancel(STOP, order_id)
    answer, rows = d.ask(request)
    was_done = kind in {FaultKind.LOST, FaultKind.SLOW, FaultKind.TOKEN}
    expected = {FaultKind.RATE: Outcome.REFUSED, FaultKind.TOKEN: Outcome.ACCEPTED}.get(kind, Outcome.LOST)
    assert answer.outcome is expected
    status, qty, _ = d.orders()[-1]
    assert (qty == 5 if action == "modify" else status == "cancelled") == was_done
    if expected is Outcome.LOST:  # nobody knows, and here is what the book shows
        assert [row.order_id for row in rows] == [order_id]
        assert (rows[0].qty == 5 if action == "modify" else rows[0].status.value == "cancelled") == was_done


def test_a_look_finds_an_order_by_its_tag_and_says_where_there_is_none(desk):
    d = desk(Fault(FaultKind.LOST, 1, on="place"))
    d.ask(Place(STOP))
    answer, rows = d.ask(Look(STOP, ""))
    assert answer.outcome is Outcome.ACCEPTED
    assert rows[0].tag == TAG
    answer, rows = d.ask(Look(Intent("abt9", SHARE, True, 10, "entry", 1), ""))
    assert (answer.outcome, rows) == (Outcome.LOST, ())


def test_what_is_not_on_the_disk_does_not_go_out(desk):
    d = desk()

    def fails(_):
        raise BadInput("the disk is full")

    d.sender._before = fails
    answer, _ = d.ask(Place(STOP))
    assert (answer.outcome, answer.note) == (Outcome.REFUSED, "the disk is full")
    assert d.orders() == []


def test_the_account_is_told_as_messages(desk):
    d = desk()
    d.ask(Place(STOP))
    d.told.clear()
    d.sender.read_account()
    until(lambda: d.sender.is_idle)
    assert [message.get("what") or message["kind"] for message in d.told] == ["book", "positions", "funds"]
    assert [row.tag for row in read(dump(d.told[0])).rows] == [TAG]
