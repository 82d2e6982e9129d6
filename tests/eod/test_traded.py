"""Our trades against the broker's rows: the same trades told in other pieces agree, and one share or rupee too many does not."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auction_bt.core.errors import AuctionError
from auction_bt.core.trade import Fill, Levels, Side, Trade
from auction_bt.doctor import Level
from auction_bt.eod import traded

LEVELS = Levels(100.0, 101.0, 99.0, "rolling")
NAMES = {"NSE_EQ|A": "A", "NSE_FO|1": "NIFTY FUT"}
PARTS = st.lists(st.integers(1, 50), min_size=1, max_size=3)
TICKS = st.integers(2_000, 40_000)


def trade(symbol, side, entries, exits, position=None):
    """A closed trade of (qty, price) pairs in and out."""
    fills = [Fill(n, n, price, qty, "entry") for n, (qty, price) in enumerate(entries)]
    fills += [Fill(n, n, price, qty, reason) for n, (qty, price, reason) in enumerate(exits, 9)]
    none = Decimal(0)
    return Trade(symbol, symbol, side, "fade", "balanced", LEVELS, sum(q for q, _ in entries), 1, 1, 100.0, 2, 2, 100.0, 99.0,
                 "stop", none, none, none, 0.0, 0.0, 0.0, tuple(fills), position=position)  # fmt: skip


@st.composite
def trades(draw):
    """A trade, and the broker's rows of it: each fill an order, in one or two rows."""
    symbol, side = draw(st.sampled_from(sorted(NAMES))), draw(st.sampled_from(Side))
    parts = draw(PARTS)
    entries = [(sum(parts), draw(TICKS) * 0.05)]
    exits = [(qty, draw(TICKS) * 0.05, draw(st.sampled_from(["target1", "stop", "square_off"]))) for qty in parts]
    number, rows = draw(st.uuids()), []
    for n, (qty, price, buys) in enumerate([(*entries[0], True), *((q, p, False) for q, p, _ in exits)]):
        cut = draw(st.integers(0, qty - 1))
        row = {"instrument_token": symbol, "order_id": f"{number}-{n}", "product": "I", "average_price": round(price, 2),
               "transaction_type": "BUY" if buys == (side is Side.LONG) else "SELL"}  # fmt: skip
        rows += [row | {"quantity": piece} for piece in (cut, qty - cut) if piece]
    return trade(symbol, side, entries, exits), rows


def judged(made, rows):
    return traded.compared(traded.of_trades(made), traded.of_orders(traded.orders_of(rows)), NAMES)


@settings(max_examples=40)
@given(st.lists(trades(), max_size=4), st.randoms())
def test_the_same_trades_in_other_pieces_and_another_order_agree(pairs, random):
    rows = [row for _, rows in pairs for row in rows]
    random.shuffle(rows)
    (only,) = judged([one for one, _ in pairs], rows)
    assert only.level is Level.PASS


@settings(max_examples=40)
@given(trades(), st.data())
def test_a_share_or_a_rupee_more_is_found(pair, data):
    one, rows = pair
    at = data.draw(st.integers(0, len(rows) - 1))
    key, more = data.draw(st.sampled_from([("quantity", 1), ("average_price", 1.0)]))
    rows[at] = rows[at] | {key: rows[at][key] + more}
    assert [check.level for check in judged([one], rows)] == [Level.FAIL]


@settings(max_examples=40)
@given(trades(), st.data())
def test_a_row_that_is_missing_is_found(pair, data):
    one, rows = pair
    rows.pop(data.draw(st.integers(0, len(rows) - 1)))
    assert [check.level for check in judged([one], rows)] == [Level.FAIL]


def test_a_put_that_was_bought_on_a_short_signal_was_bought():
    one = trade("NSE_FO|1", Side.SHORT, [(65, 100.0)], [(65, 110.0, "target1")], Side.LONG)
    found = traded.of_trades([one])["NSE_FO|1"]
    assert (found.bought, found.sold, found.spent, found.received) == (65, 65, Decimal(6500), Decimal(7150))


def test_the_mark_of_an_open_trade_is_no_fill():
    one = trade("NSE_EQ|A", Side.LONG, [(10, 100.0)], [(10, 110.0, "open")])
    assert traded.of_trades([replace(one, exit_ts=0)])["NSE_EQ|A"].sold == 0


def test_what_the_run_does_not_trade_and_what_is_still_held_are_told_apart():
    def row(symbol, qty=10):
        return {"instrument_token": symbol, "order_id": symbol, "quantity": qty, "average_price": 5.0, "transaction_type": "BUY"}

    (strange,) = judged([], [row("NSE_EQ|Z")])
    assert "find out who did" in strange.cure
    (held,) = judged([], [row("NSE_EQ|A")])
    assert "still open" in held.cure
    assert "A: we bought 0 for ₹0.00" in held.what


@pytest.mark.parametrize("changed", [{"quantity": 0}, {"quantity": "x"}, {"average_price": None}, {"average_price": "nan"},
                                     {"transaction_type": "HOLD"}, {"order_id": ...}])  # fmt: skip
def test_a_row_that_is_none_is_refused(changed):
    row = {"instrument_token": "A", "order_id": "1", "quantity": 1, "average_price": 5.0, "transaction_type": "BUY"}
    row = {key: value for key, value in (row | changed).items() if value is not ...}
    with pytest.raises(AuctionError, match="a row is not what it should be"):
        traded.orders_of([row])


@pytest.mark.parametrize(("theirs", "level"), [("10.99", "PASS"), ("11.01", "FAIL"), ("9", "PASS"), ("0", "FAIL")])
def test_a_rupee_is_rounding(theirs, level):
    assert traded.money("m", Decimal(10), Decimal(theirs)).level == level


def test_a_hundredth_is_rounding():
    assert traded.money("m", Decimal(1010), Decimal(1000)).level is Level.PASS
    assert traded.money("m", Decimal(1011), Decimal(1000)).level is Level.FAIL
