"""Options near the money: which, when the price moves, and what happens to those it has left."""

import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput, NothingToDo, Refused
from auction_bt.core.instrument import Right
from auction_bt.instruments.book import InstrumentBook
from auction_bt.live.watchlist import Watcher, Watchlist, parted
from tests.instruments.made import BANKNIFTY, NIFTY, RELIANCE, contract, day, index, load, share
from tests.waiting import until

DAY = day("2026-11-20")
FUTURE = "NSE_FO|51503"
RIGHTS = ("CE", "PE")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Two expiries of an index from 24,000 to 26,000, one that is over, a share's options, and an index without any."""
    strikes = enumerate(range(24_000, 26_050, 50))
    rows = [index(), contract(51503, "2026-12-29"), share(), index(BANKNIFTY, "BANKNIFTY", "Nifty Bank"),
            contract(52002, "2026-12-29", underlying=BANKNIFTY, symbol="BANKNIFTY"),
            contract(59999, "2026-11-17", "CE", 1.0)]  # fmt: skip
    for n, strike in strikes:
        for expiry, first in (("2026-12-01", 70_000), ("2026-11-24", 60_000)):
            rows += [contract(first + 2 * n + k, expiry, right, float(strike)) for k, right in enumerate(RIGHTS)]
    rows += [contract(80_000 + n, "2026-11-24", "CE", 1300.0 + n * 10, RELIANCE, "RELIANCE") for n in range(5)]
    state = tmp_path_factory.mktemp("watchlist")
    load(state, {DAY: rows})
    with InstrumentBook.open(state) as opened:
        yield opened


@pytest.fixture(scope="module")
def listed(book):
    return watched(book, FUTURE)


def watched(book, key, reach=1):
    listing = book.of_key(key, DAY)
    assert listing is not None
    return Watchlist.of(book, book.instrument(listing, DAY), DAY, reach)


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


def test_the_nearest_expiry_that_lives_is_watched(book, listed):
    assert listed.strikes == tuple(range(24_000, 26_050, 50))
    for strike, options in zip(listed.strikes, listed.options, strict=True):
        contracts = [option.contract for option in options]
        assert [c.right for c in contracts] == [Right.CALL, Right.PUT]
        assert {(float(c.strike), c.expiry) for c in contracts} == {(strike, day("2026-11-24"))}


def test_a_share_and_an_index_have_the_options_on_them(book, listed):
    assert watched(book, RELIANCE).strikes == (1300, 1310, 1320, 1330, 1340)
    assert watched(book, NIFTY) == replace(listed, signal=NIFTY)


def test_what_has_no_options_is_told(book):
    with pytest.raises(NothingToDo, match="lists no options"):
        watched(book, "NSE_FO|52002")
    with pytest.raises(BadInput, match="instruments --refresh"):
        Watchlist.of(None, book.instrument(book.of_key(FUTURE, DAY), DAY), DAY, 1)
    with pytest.raises(BadInput, match=r"does not list NSE_FO\|1:"):
        Watchlist.of(book, replace(book.instrument(book.of_key(FUTURE, DAY), DAY), symbol="NSE_FO|1", name=""), DAY, 1)


@given(price=st.floats(20_000, 30_000), reach=st.integers(1, 60))
def test_the_money_is_the_nearest_strike_with_its_neighbours(listed, price, reach):
    watchlist = replace(listed, reach=reach)
    found = [float(o.contract.strike) for o in watchlist.around(price)][:: len(RIGHTS)]
    money = min(watchlist.strikes, key=lambda strike: (abs(strike - price), strike))
    at = watchlist.strikes.index(money)
    assert found == list(watchlist.strikes[max(0, at - reach) : at + reach + 1])


def frame(price, where="ltpc"):
    ltpc = {"ltpc": {"ltp": price}}
    feed = {"ltpc": ltpc, "full": {"fullFeed": {"marketFF": ltpc}}, "greeks": {"firstLevelWithGreeks": ltpc}}[where]
    return {"feeds": {FUTURE: feed, "NSE_FO|other": ltpc}}


def test_what_comes_near_is_watched_once_and_what_could_not_be_is_tried_again(listed):
    asked, alarms, fails = [], [], [True]

    def watch(options):
        if fails and fails.pop():
            raise Refused("the store is away")
        asked.append([int(o.contract.strike) for o in options][:: len(RIGHTS)])

    with Watcher([listed], watch, alarms.append) as watcher:
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
