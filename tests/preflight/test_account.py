"""What the broker says of the account, judged: each thing that must stop real orders does, and none of them a day on paper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.ist import DAY_NS, SECOND_NS
from auction_bt.core.live_order import FINAL, Status
from auction_bt.doctor import Level
from auction_bt.preflight import account
from auction_bt.sim.sessions import Scope, Sessions
from auction_bt.upstox.token import Token
from tests.sim.made import at

PROFILE = {"exchanges": ["NSE", "NFO"], "products": ["D", "I"], "is_active": True}
OURS = "8.8.8.8"


def fails(check, said, *, on_paper=Level.WARN):
    """Whether a judgement stops real orders, says so, and is `on_paper` without."""
    real, paper = check(sends=True), check(sends=False)
    assert (real.level, paper.level) == (Level.FAIL, on_paper)
    assert said in str(real)
    assert real.cure


def test_a_token_must_outlive_the_session_and_give_orders():
    grant = Sessions().grant
    assert account.token(Token.of(grant(at(8, 55)), "X"), at(8, 55), sends=True).level is Level.PASS
    assert account.token(Token.of("opaque", "X"), at(8, 55), sends=True).level is Level.PASS
    early = Token.of(grant(at(2, 0)), "X")  # of before 03:30
    assert account.token(early, at(2, 30), sends=False).level is Level.FAIL
    yearly = Token.of(grant(at(8, 0), Scope.EXTENDED), "X")
    fails(lambda sends: account.token(yearly, at(8, 55), sends=sends), "gives no orders: run `login`", on_paper=Level.PASS)


@pytest.mark.parametrize(
    ("changed", "killed", "needed", "said"),
    [
        ({}, [], ["BSE_FO"], "the account lacks BFO"),
        ({"products": ["D"]}, [], ["NSE_EQ"], "the account lacks product I"),
        ({"is_active": False}, [], ["NSE_EQ"], "not active"),
        ({}, ["NSE_FO"], ["NSE_EQ", "NSE_FO"], "the kill switch of NSE_FO is on"),
        ({"exchanges": None}, [], ["NSE_EQ"], "the account lacks NSE"),
    ],
)
def test_segments_that_are_missing_or_stopped(changed, killed, needed, said):
    fails(lambda sends: account.segments(PROFILE | changed, killed, needed, "I", sends=sends), said)


def test_segments_that_are_there():
    assert account.segments(PROFILE, ["BSE_EQ"], ["NSE_FO", "NSE_EQ", "NSE_FO"], "D", sends=True).level is Level.PASS


def test_the_address():
    fails(lambda sends: account.address((), OURS, sends=sends), "none is registered")
    fails(lambda sends: account.address(("1.1.1.1",), OURS, sends=sends), "may come from 1.1.1.1, and this machine is 8.8.8.8")
    assert account.address(("1.1.1.1", OURS), OURS, sends=True).level is Level.PASS
    for own in ("192.168.1.7", "10.0.0.1", "100.64.0.9", "127.0.0.1", ""):  # of which nobody can tell from here
        found = account.address(("1.1.1.1",), own, sends=True)
        assert found.level is Level.WARN
        assert "its line has that address today" in found.cure


def test_the_money():
    fails(lambda sends: account.funds(0.0, 100.0, sends=sends), "₹0.00 can be traded with")
    fails(lambda sends: account.funds(-5.0, 100.0, sends=sends), "−₹5.00")
    assert account.funds(99.0, 100.0, sends=True).level is Level.WARN
    assert account.funds(100.0, 100.0, sends=True).level is Level.PASS


@given(st.integers(-100 * SECOND_NS, 100 * SECOND_NS))
def test_the_clock_is_worse_the_farther_it_is_off(lag):
    expected = Level.PASS if abs(lag) <= 2 * SECOND_NS else Level.WARN if abs(lag) <= 30 * SECOND_NS else Level.FAIL
    found = account.clock(lag)
    assert found.level is expected
    assert expected is Level.PASS or ("ahead of" in found.what) == (lag > 0)


def test_a_broker_without_a_date_is_told():
    assert account.clock(None).level is Level.WARN


@given(st.lists(st.integers(-3, 3), max_size=6), st.lists(st.sampled_from([*Status, "a new one"]), max_size=6))
def test_whatever_is_held_or_waits_is_told(quantities, states):
    positions = [{"trading_symbol": f"S{n}", "quantity": quantity} for n, quantity in enumerate(quantities)]
    orders = [{"tradingsymbol": "T", "transaction_type": "BUY", "quantity": 1, "status": str(state)} for state in states]
    held, waiting = account.leftovers(positions, orders, sends=True)
    assert (held.level is Level.FAIL) == any(quantities)
    assert (waiting.level is Level.FAIL) == any(state not in FINAL for state in states)
    assert all(check.level is not Level.FAIL for check in account.leftovers(positions, orders, sends=False))
    first = next((f"S{n} {q:+,}" for n, q in enumerate(quantities) if q), "")
    assert first in held.what


def test_a_long_list_is_cut():
    rows = [{"instrument_token": f"K{n}", "quantity": 1} for n in range(9)]
    assert account.leftovers(rows, [], sends=True)[0].what.endswith("K0 +1, K1 +1, K2 +1 and 6 more")


def test_a_token_that_ends_tomorrow_is_of_today():
    token = Token.of(Sessions().grant(at(8, 0)), "X")
    assert account.token(token, at(8, 55) + DAY_NS, sends=False).level is Level.FAIL
