"""The journal of a run: a request is on the disk before it goes out, once, and what came of it is kept."""

import pytest

from auction_bt.brokers.messages import Answer, answer_message, book_message
from auction_bt.core.errors import Fatal
from auction_bt.core.live_order import Asked, Cancel, Intent, Look, Modify, Outcome, Place
from auction_bt.live.scribe import Scribe
from auction_bt.parsing import dump
from auction_bt.store.journal import Journal

INTENT = Intent("abt1", "NSE_FO|1", True, 50, "entry", 7)
ROW = {
    "order_id": "9",
    "tag": "abt1",
    "instrument_token": "NSE_FO|1",
    "transaction_type": "BUY",
    "status": "open",
    "quantity": 50,
}


def test_requests_answers_and_states_are_kept_in_their_order(tmp_path):
    scribe = Scribe(tmp_path, "{}")
    scribe.start()
    scribe.intend(Place(INTENT))
    with Journal.open(tmp_path, readonly=True) as journal:  # on the disk when it returns
        assert [(seq, tag) for seq, _, tag, _ in journal.intents(0, 100)] == [(7, "abt1")]
        assert journal.intents(8, 100) == []
    scribe.keep_orders(8, dump(answer_message(Answer("abt1", Asked.PLACE, Outcome.ACCEPTED, "9"), "NSE_FO|1", 8)))
    scribe.keep_orders(9, dump(book_message([ROW], 9)))
    scribe.keep_orders(10, dump(book_message([ROW], 10)))  # nothing new
    scribe.intend(Modify(INTENT, "9", 25, 99.0))
    scribe.intend(Look(INTENT, "9"))  # a question is no request
    scribe.intend(Cancel(INTENT, "9"))
    scribe.close()
    with Journal.open(tmp_path, readonly=True) as journal:
        states = [(s.seq, s.tag, s.order_id, s.state) for s in journal.orders(1)]
    assert sorted(states) == sorted(
        [
            (8, "abt1", "9", "place accepted"),
            (9, "abt1", "9", "open"),
            (7, "abt1", "9", "modify asked"),
            (7, "abt1", "9", "cancel asked"),
        ]
    )


def test_no_tag_goes_out_twice_and_a_broken_journal_lets_nothing_out(tmp_path, monkeypatch):
    monkeypatch.setattr("auction_bt.live.scribe._WAIT_S", 0.2)
    scribe = Scribe(tmp_path, "{}")
    scribe.start()
    scribe.intend(Place(INTENT))
    with pytest.raises(Fatal, match="nothing goes out before it"):
        scribe.intend(Place(INTENT))
    with pytest.raises(Fatal, match="UNIQUE"):
        scribe.intend(Place(Intent("abt2", "NSE_FO|1", True, 50, "entry", 8)))
    assert scribe.error is not None
    scribe.close()
    with Journal.open(tmp_path, readonly=True) as journal:
        assert [tag for _, _, tag, _ in journal.intents(0, 100)] == ["abt1"]
