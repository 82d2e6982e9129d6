"""What a session does when it goes live: nothing before the account is known."""

import threading
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest

from auction_bt.brokers.charges import NoCharges
from auction_bt.brokers.messages import book_message
from auction_bt.core.ist import day_start, from_date
from auction_bt.core.live_order import Intent, Place
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.session import LiveSession, Parts
from auction_bt.live.source import Received, ResumedSource
from auction_bt.parsing import dump
from auction_bt.store import RawMessage
from auction_bt.synthetic import DEMO

DAY = from_date(date(2026, 3, 10))


@dataclass
class Line:
    """Source, sender, scribe and feed at once: what was told, in its order."""

    said: list = field(default_factory=list)
    reads: int = 0
    is_away: bool = False
    is_in_step: bool = False

    def tell(self, message):
        self.said.append(message.get("what") or message["kind"])

    def read_account(self):
        def answer():
            if not self.is_away:
                self.tell({"kind": "order", "what": "book"})
                self.reads += 1
            self.idle.set()

        self.idle = threading.Event()
        threading.Timer(0.05, answer).start()

    def wait_idle(self, timeout):
        return self.idle.wait(timeout)

    def start(self):
        self.said.append("feed")

    def send(self, action):
        self.said.append("sent")

    def keep_orders(self, seq, payload):
        pass


def live(line):
    plan = LivePlan((next(iter(DEMO.values())),), {}, Decimal(1), NoCharges(), day_start(DAY), Orders.SIM)
    parts = Parts(line, (line,), line, line)
    alarms = []
    made = LiveSession(plan, parts, (), iter(()), frozenset({"abt1"}), clock=lambda: 1, on_news=print, on_alarm=alarms.append,
                       look=lambda: line.said.append("look"), make=lambda *_, **__: None)  # fmt: skip
    for tag in ("abt1", "abt2"):  # what the recording asks for again: the first went out, the other did not
        made.gate(Place(Intent(tag, "X", True, 1, "entry", 1)))
    made._go_live()
    line.said.append("|")  # the book is given
    made._ready()
    return alarms


def test_the_account_is_known_before_anything_may_act_on_what_was_known_before():
    line = Line()
    assert live(line) == []
    assert line.said == ["book", "look", "|", "answer", "feed"]  # the look: what was wanted while no bot ran


def test_an_account_that_cannot_be_read_opens_no_trades(monkeypatch):
    line = Line(is_away=True)
    (alarm,) = live(line)
    assert "the account cannot be read" in alarm
    assert line.said == ["halt", "look", "answer", "feed", "|"]


@pytest.mark.parametrize("as_text", [False, True])
def test_requests_are_let_through_with_the_first_order_book_and_not_before(as_text):
    given = [{"kind": "order", "ts": 1, "what": "positions", "rows": []}, {"feeds": {}}, book_message([], 2), book_message([], 3)]
    coming = iter([dump(message) if as_text else message for message in given])
    live = SimpleNamespace(next=lambda _: Received(1, next(coming)), is_over=False)
    told = []
    source = ResumedSource(iter([RawMessage(1, dump(book_message([], 0)), ())]), live, lambda: told.append("live"),
                           lambda: told.append("book"))  # fmt: skip
    while told.count(True) < 5:
        told.append(source.next(0) is not None)
    assert told == [True, "live", True, True, "book", True, True]
