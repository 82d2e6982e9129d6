"""Which decision opened a trade."""

from dataclasses import replace
from decimal import Decimal

import pytest

from auction_bt.core.decision import Decision, entry_of, opening
from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.trade import Levels, Side, Trade

LEVELS = Levels(100.0, 101.0, 99.0, "rolling")
ENTRY = Decision(MINUTE_NS, MINUTE_NS, "X", "enter", Side.LONG, "fade", "balanced", LEVELS, stop=98.0)


def trade(entry_ts, entry_seq):
    return Trade("X", "X", Side.LONG, "fade", "balanced", LEVELS, 1, entry_ts, entry_seq, 99.0, entry_ts, entry_seq, 98.0, 98.0,
                 "stop", Decimal(-1), Decimal(0), Decimal(-1), 1.0, 0.0, -1.0, ())  # fmt: skip


def entry(minute, **changes):
    return replace(ENTRY, seq=minute * MINUTE_NS, ts=minute * MINUTE_NS, **changes)


@pytest.mark.parametrize(("ts", "seq", "minute"), [(5, 6, 5), (9, 10, 9), (7, 8, 5), (4, 4, None)])
def test_a_trade_was_opened_by_the_last_entry_before_its_fill(ts, seq, minute):
    decisions = [entry(5), entry(7, action="refuse"), entry(7, symbol="Y"), entry(9)]

    found = entry_of(trade(ts * MINUTE_NS, seq * MINUTE_NS), decisions)

    assert found == (None if minute is None else entry(minute))


def test_an_entry_decided_at_the_close_of_the_bar_that_stopped_a_trade_is_the_next_one():
    # Decided at 5, filled and stopped within the bar from 5 to 6, which became known at 6, when the next entry was decided.
    entries = [entry(5), entry(6)]

    assert opening(trade(5 * MINUTE_NS, 6 * MINUTE_NS), entries) == entry(5)
    assert opening(trade(6 * MINUTE_NS, 7 * MINUTE_NS), entries) == entry(6)
    assert opening(trade(6 * MINUTE_NS, 6 * MINUTE_NS), entries) == entry(6)  # in the same message, of another symbol
