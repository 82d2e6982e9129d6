"""The gate at a restart: what never went out is said, what nobody asks for again is named."""

from auction_bt.brokers.messages import read
from auction_bt.core.live_order import Asked, Cancel, Intent, Outcome, Place
from auction_bt.live.gate import Gate
from auction_bt.parsing import dump


def intent(tag):
    return Intent(tag, "NSE_FO|1", True, 50, "entry", 1)


def test_orders_that_never_went_out_are_told_as_refused_and_nothing_is_sent_again():
    sent, told = [], []
    gate = Gate(sent.append)
    for action in (Place(intent("abt1")), Place(intent("abt2")), Cancel(intent("abt1"), "9")):
        gate(action)
    assert gate.open({"abt1"}, told.append, 5) == []
    answers = [read(dump(message)).answer for message in told]
    assert [(a.tag, a.to, a.outcome) for a in answers] == [("abt2", Asked.PLACE, Outcome.REFUSED)]
    assert sent == []
    gate(Place(intent("abt3")))
    assert sent == [Place(intent("abt3"))]


def test_an_order_that_went_out_and_is_not_asked_for_again_is_named():
    gate = Gate(lambda _: None)
    gate(Place(intent("abt1")))
    assert gate.open({"abt1", "abt8", "abt9"}, lambda _: None, 5) == ["abt8", "abt9"]
