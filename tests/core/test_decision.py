"""Which decision opened a trade."""

from dataclasses import replace
from decimal import Decimal

import pytest

from auction_bt.core.decision import Decision, entry_of, funnel, opening
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


def test_entries_that_came_to_nothing_are_one_signal_each_that_was_not_taken():
    log = [entry(5), entry(6), entry(7), entry(8, action="refuse", reason="cost"), entry(9, action="lapse_add")]
    came_to_nothing = [entry(5, action="refuse", reason="margin"), entry(6, action="lapse", reason="rejected")]

    for decisions in (log + came_to_nothing, came_to_nothing + log):
        found = funnel(decisions)
        assert found == {"signals": 4, "taken": 1, "margin": 1, "rejected": 1, "cost": 1}


def test_minutes_that_came_in_one_message_are_signals_of_their_own():
    missed = [replace(entry(at, action="refuse", reason="stale bar"), seq=9 * MINUTE_NS) for at in (3, 4, 5)]

    found = funnel([*missed, replace(entry(9), seq=9 * MINUTE_NS)])

    assert found == {"signals": 4, "taken": 1, "stale bar": 3}
