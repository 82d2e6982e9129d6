"""Options near the money: which, when the price moves, and what happens to those it has left."""

import threading
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput, NothingToDo, Refused
from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import from_date
from auction_bt.live.watchlist import Watcher, Watchlist, parted
from tests.waiting import until

DAY = from_date(date(2026, 3, 10))
INDEX = "NSE_INDEX|Nifty 50"


def option(strike, right=Right.CALL):
    contract = Contract(INDEX, DAY + 2, Decimal(strike), right)
    return Instrument(f"NSE_FO|{strike}{right.value}", Decimal("0.05"), 65, Kind.OPTION, f"NIFTY {strike}", contract)


FUTURE = Instrument("NSE_FO|F", Decimal("0.10"), 65, Kind.FUTURE, "NIFTY FUT", Contract(INDEX, DAY + 20))


class Book:
    """A master that lists two expiries."""

    def __init__(self, *listings):
        self.listings = listings

    def contracts(self, underlying, day, segments, types):
        assert (underlying, day) == (INDEX, DAY)
        return list(self.listings)

    def instrument(self, listing, day):
        return option(listing.strike)


def listing(strike, expiry):
    return SimpleNamespace(strike=str(strike), expiry=expiry)


def listed(reach=1, strikes=range(24_000, 26_050, 50)):
    return Watchlist.of(
        Book(*(listing(s, e) for e in (DAY + 9, DAY + 2) for s in strikes), listing(1, DAY - 1)), FUTURE, DAY, reach
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NIFTY-FUT + ATM±10", ("NIFTY-FUT", 10)),
        ("NIFTY-FUT+atm+-3", ("NIFTY-FUT", 3)),
        ("NIFTY-FUT + ATM+/-3 ", ("NIFTY-FUT", 3)),
        ("NSE_FO|12 3", ("NSE_FO|12 3", 0)),
        ("M&M + ATM", ("M&M + ATM", 0)),
    ],
)
def test_a_watch_is_parted(text, found):
    assert parted(text) == found


def test_so_many_strikes_are_refused():
    with pytest.raises(BadInput, match="1 to 100 strikes"):
        parted("NIFTY-FUT + ATM±500")


def test_the_nearest_expiry_that_lives_is_watched():
    assert listed().strikes[0] == 24_000
    with pytest.raises(NothingToDo, match="lists no options"):
        Watchlist.of(Book(), FUTURE, DAY, 1)
    with pytest.raises(BadInput, match="instruments --refresh"):
        Watchlist.of(None, FUTURE, DAY, 1)


@given(price=st.floats(20_000, 30_000), reach=st.integers(1, 60))
def test_the_money_is_the_nearest_strike_with_its_neighbours(price, reach):
    watchlist = listed(reach)
    found = [float(o.contract.strike) for o in watchlist.around(price)]
    money = min(watchlist.strikes, key=lambda strike: (abs(strike - price), strike))
    at = watchlist.strikes.index(money)
    assert found == list(watchlist.strikes[max(0, at - reach) : at + reach + 1])


def frame(price, where="ltpc"):
    ltpc = {"ltpc": {"ltp": price}}
    feed = {"ltpc": ltpc, "full": {"fullFeed": {"marketFF": ltpc}}, "greeks": {"firstLevelWithGreeks": ltpc}}[where]
    return {"feeds": {FUTURE.symbol: feed, "NSE_FO|other": ltpc}}


def test_what_comes_near_is_watched_once_and_what_could_not_be_is_tried_again():
    asked, alarms, fails = [], [], [True]

    def watch(options):
        if fails and fails.pop():
            raise Refused("the store is away")
        asked.append([int(o.contract.strike) for o in options])

    with Watcher([listed()], watch, alarms.append) as watcher:
        watcher.see({"feeds": None})
        watcher.see({"type": "market_info"})
        watcher.see(frame(25_010, "full"))
        until(lambda: alarms)
        watcher.see(frame(25_012, "greeks"))
        until(lambda: asked)
        watcher.see(frame(25_080))
        until(lambda: len(asked) == 2)
        watcher.see(frame(25_010))  # nothing new: they are still watched
        watcher.see(frame(25_140))
        until(lambda: len(asked) == 3)
    assert asked == [[24_950, 25_000, 25_050], [25_100, 25_150], [25_200]]
    assert alarms == ["options near the money are not watched: the store is away"]
    assert not any(thread.name == "watchlist" for thread in threading.enumerate())
