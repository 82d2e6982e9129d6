"""Orders and positions that are not ours: what they close of a trade, and when they differ from what is known."""

from hypothesis import given
from hypothesis import strategies as st

from auction_bt.brokers.account import Account
from auction_bt.brokers.messages import Held, positions_message, read
from auction_bt.core.live_order import Row, Status
from auction_bt.parsing import dump

KEY = "NSE_FO|51502"


def row(filled, *, buy=False, order_id="9", by="ME", average=100.0, status=Status.COMPLETE, qty=130):
    return Row(order_id, "", KEY, buy, status, qty, filled, average, placed_by=by)


def test_a_sale_by_hand_closes_what_was_bought_and_no_more():
    account = Account()
    account.learn(row(0, order_id="1"))
    taken = account.on_stranger(row(130), 1, 65, 7)
    assert (taken.filled, taken.average, taken.intent.reason, taken.intent.buy) == (65, 100.0, "manual", False)
    assert account.net == {KEY: -65}  # the rest is theirs
    assert account.on_stranger(row(130), 1, 65, 8) is None  # said twice


def test_the_broker_is_told_from_a_person_by_who_has_placed_it():
    account = Account()
    account.learn(row(0, order_id="1"))
    assert account.on_stranger(row(65, by="RMS"), 1, 65, 7).intent.reason == "broker"


def test_what_goes_with_our_trade_or_beside_it_is_left_alone():
    account = Account()
    assert account.on_stranger(row(65, buy=True), 1, 65, 7) is None
    assert account.on_stranger(row(65, order_id="10"), 0, 0, 7) is None
    assert account.net == {KEY: 0}
    assert set(account.strangers) == {"9", "10"}


@given(st.lists(st.tuples(st.integers(0, 130), st.integers(90, 110)), max_size=8), st.integers(1, 130))
def test_fills_in_part_come_to_the_whole_whatever_is_said_twice_or_late(said, held):
    account, left, paid = Account(), held, 0.0
    most = 0
    for filled, _ in said:
        taken = account.on_stranger(row(filled, average=100.0, status=Status.OPEN), 1, left, 1)
        if taken is not None:
            left -= taken.filled
            paid += taken.filled * taken.average
        most = max(most, filled)
    assert held - left == min(held, most)
    assert abs(paid - 100.0 * (held - left)) < 1e-3
    assert account.net.get(KEY, 0) == -max(0, most - held)


def test_a_difference_counts_when_three_looks_show_the_same_and_is_told_once():
    account = Account()
    found = (Held(KEY, 65),)
    told = [account.differences(found, {KEY: 0}, frozenset()) for _ in range(5)]
    assert told == [[], [], [(KEY, 65, 0)], [], []]
    assert account.doubts == {KEY: (65, 5)}
    assert account.differences((), {KEY: 0}, frozenset()) == []
    assert account.doubts == {}
    for _ in range(3):
        new = account.differences(found, {KEY: 0}, frozenset())
    assert new, "it came back"


def test_what_is_known_of_others_is_no_difference_and_what_moves_is_not_judged():
    account = Account()
    account.on_stranger(row(65, buy=True), 0, 0, 1)
    for _ in range(4):
        assert account.differences((Held(KEY, 195, 130),), {KEY: 0}, frozenset()) == []  # 130 from yesterday, 65 of others
        assert account.differences((), {KEY: 65}, frozenset({KEY})) == []


def test_positions_of_one_instrument_are_one_whatever_they_were_bought_as():
    rows = [
        {"instrument_token": KEY, "quantity": 65, "overnight_quantity": 0, "product": "I"},
        {"instrument_token": KEY, "quantity": -130, "overnight_quantity": -130, "product": "D"},
        {"quantity": 5},
        None,
    ]
    assert read(dump(positions_message(rows, 1))).held == (Held(KEY, -65, -130),)
    assert read(dump(positions_message([], 1))).held == ()
    assert read(dump({"kind": "order", "what": "book", "rows": []})).held is None
