"""The market, judged: hours, what has changed of a contract, what expires, and when a closed exchange opens again."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from auction_bt.core.instrument import Contract, Instrument, Kind
from auction_bt.core.ist import from_date
from auction_bt.doctor import Level
from auction_bt.instruments.listing import Listing
from auction_bt.market.dated import OutsideKnownDates
from auction_bt.preflight import market
from tests.sim.made import DAY, FUTURE, INDEX, SHARE

NIFTY = Instrument(
    FUTURE, Decimal("0.10"), 65, Kind.FUTURE, "NIFTY FUT 29 DEC 26", Contract(INDEX, from_date(date(2026, 12, 29)))
)
RELIANCE = Instrument(SHARE, Decimal("0.10"), name="RELIANCE", closing_auction=True)
EXPIRY = from_date(date(2026, 12, 29))
ROW = Listing(FUTURE, "NSE_FO", "NIFTY FUT 29 DEC 26", "NIFTY", "FUT", INDEX, "NIFTY", EXPIRY, "", 65, 1800, "10", None)


def test_the_hours_are_told_by_instrument():
    found = market.sessions([NIFTY, RELIANCE], DAY, [])
    assert found.level is not Level.FAIL
    assert "NIFTY FUT 29 DEC 26 09:15-15:40, flat by " in found.what
    assert "RELIANCE 09:15-15:15, flat by " in found.what


def test_a_broker_that_says_otherwise_stops_the_day():
    found = market.sessions([NIFTY], DAY, ["NSE trades 10:00-11:00 by Upstox"])
    assert found.level is Level.FAIL
    assert "do not trade" in found.cure


@pytest.mark.parametrize(
    ("before", "now", "master", "level", "said"),
    [
        (ROW, ROW, DAY, Level.PASS, "lot 65, tick 0.1, largest order 1,800"),
        (None, ROW, DAY, Level.PASS, "lot 65"),
        (replace(ROW, lot=75), ROW, DAY, Level.WARN, "changed: lot 75 → 65"),
        (replace(ROW, tick="5"), ROW, DAY, Level.WARN, "changed: tick 0.05 → 0.1"),
        (replace(ROW, freeze=900), ROW, DAY, Level.WARN, "changed: largest order 900 → 1,800"),
        (ROW, ROW, DAY - 3, Level.WARN, "by the list of 2026-11-20"),
        (ROW, replace(ROW, lot=50), DAY, Level.FAIL, "the store has lot 65, the list of 2026-11-23 has 50"),
        (ROW, None, DAY, Level.FAIL, "not in the list of 2026-11-23"),
        (None, None, None, Level.FAIL, "no instrument list"),
    ],
)
def test_a_contract_is_held_against_the_list_before(before, now, master, level, said):
    found = market.listing(NIFTY, before, now, master, DAY)
    assert found.level is level
    assert said in found.what


def test_rules_that_begin_today_are_told():
    assert market.rules(from_date(date(2025, 11, 3))).level is Level.WARN  # price steps of share options
    assert market.rules(from_date(date(2025, 11, 4))).level is Level.PASS


def test_what_expires_today_is_told_and_what_has_expired_stops_the_day():
    assert NIFTY.contract is not None
    last = NIFTY.contract.expiry
    assert [market.expiry([RELIANCE, NIFTY], last + n).level for n in (-1, 0, 1)] == [Level.PASS, Level.WARN, Level.FAIL]
    assert market.expiry([RELIANCE], last).level is Level.PASS


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 11, 23), ""),
        (date(2026, 11, 21), "closed on 2026-11-21 (Saturday): it next opens on Monday, 2026-11-23"),
        (date(2026, 11, 24), "closed on 2026-11-24 (Prakash Gurpurb"),
        (date(2026, 12, 31), ""),
    ],
)
def test_a_closed_day_says_when_it_next_opens(day, said):
    found = market.closed(from_date(day))
    assert said in found
    assert bool(found) == bool(said)


def test_a_day_nobody_knows_is_not_guessed():
    with pytest.raises(OutsideKnownDates, match="upgrade, or add"):
        market.closed(from_date(date(2031, 5, 5)))
