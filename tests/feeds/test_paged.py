"""Days of many ticks, read page by page, are those held in memory."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from auction_bt.backtest import Request, run_backtest
from auction_bt.core.bar import BarColumns
from auction_bt.core.errors import Refused
from auction_bt.core.ist import day_index, day_start, from_date, to_date
from auction_bt.core.paged import Page, PagedTape
from auction_bt.derive import derive
from auction_bt.feeds import paged, stored
from auction_bt.feeds.stored import load
from auction_bt.report import dumps
from auction_bt.store.cache import DayCache
from auction_bt.store.dsn import open_store
from tests.builders import bars_of, columns_of, random_ticks, recorded
from tests.streams import DAYS, INSTRUMENTS, made, streams

COLUMNS = ("seq", "ts", "k", "price", "bid", "ask", "clock")
FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "one_entry_an_edge": False, "period": 20}


@pytest.fixture
def in_pages(monkeypatch):
    """Return a function: it makes all that is loaded from then on be read in pages of so many ticks."""

    def make(size):
        monkeypatch.setattr(stored, "_HELD", -1)
        monkeypatch.setattr(paged, "PAGE", size)

    return make


def per_price(tape):
    """Return (bar, price, volume) of a tape."""
    bar = np.repeat(np.arange(len(tape)), np.diff(tape.offsets))
    cells, place = np.unique(np.stack((bar, tape.k)), axis=1, return_inverse=True)
    volume = np.zeros(cells.shape[1], np.int64)
    np.add.at(volume, place.reshape(-1), tape.size)
    return [(*cell, v) for cell, v in zip(cells.T.tolist(), volume.tolist(), strict=True) if v]


def assert_equal(pages, held):
    for name in ("ts", "known_seq", "close", "volume", "tick_volume"):
        np.testing.assert_array_equal(getattr(pages.bars, name), getattr(held.bars, name))
    assert per_price(pages.tape) == per_price(held.tape)
    np.testing.assert_array_equal(pages.tick_days, held.tick_days)
    np.testing.assert_array_equal(pages.quality, held.quality)
    assert repr(pages.grades) == repr(held.grades)  # NaN equals nothing
    assert (pages.market is None) == (held.market is None)
    if held.market is None:
        return
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(pages.market, name)[:], getattr(held.market, name))
    np.testing.assert_array_equal(pages.market.known, held.market.known)
    for day in held.sessions:
        assert pages.market.ticks_from(day) == held.market.ticks_from(day)


@settings(max_examples=4, deadline=None)
@given(given_stream=streams())
def test_a_troubled_feed_in_pages_is_the_one_held(tmp_path_factory, given_stream):
    folder = tmp_path_factory.mktemp("paged")
    days = [from_date(d) for d in DAYS]
    begin, end = day_start(days[0]), day_start(days[-1] + 1)
    symbols = INSTRUMENTS[: given_stream[1]]
    with open_store(f"sqlite:///{folder / 'a.db'}", create=True) as store, pytest.MonkeyPatch.context() as patch:
        for instrument in symbols:
            store.put_instrument(instrument)
        store.add_raw(made(*given_stream))
        derive(store, [i.symbol for i in symbols], days)
        held = [load(store, i, begin, end) for i in symbols]
        patch.setattr(stored, "_HELD", -1)
        patch.setattr(paged, "PAGE", 61)
        cache = DayCache(folder / "cache", keep_free=0)
        for instrument, want in zip(symbols, held, strict=True):
            assert_equal(load(store, instrument, begin, end, cache), want)


@pytest.fixture
def filled(tmp_path):
    """A store of three days of one instrument that trades often, and its cache."""
    ticks = columns_of(random_ticks(3, per_minute=40, seed=5), spread=1)
    bars, instrument = bars_of(ticks), replace(recorded(ticks).instrument, symbol="X")
    with open_store(f"sqlite:///{tmp_path / 'a.db'}", create=True) as store:
        store.put_instrument(instrument)
        for d in np.unique(day_index(ticks.ts)).tolist():
            own = range(d, d + 1)
            store.put_derived("X", own, ticks.take(day_index(ticks.ts) == d), bars.take(day_index(bars.ts) == d), [])
        yield store, instrument, DayCache(tmp_path / "cache", keep_free=0)


def whole_days(store):
    days = store.days("X")
    return day_start(days[0]), day_start(days[-1] + 1)


@pytest.mark.parametrize("chosen", [{}, {"source": "candles", "levels": "flat"}])
def test_a_run_on_pages_ends_in_the_same_bytes(filled, in_pages, chosen):
    store, _, cache = filled
    days = store.days("X")
    request = Request(("X",), to_date(days[1]), to_date(days[2]), FREE | chosen)
    held = run_backtest(store, request, cache)

    in_pages(1000)
    pages = run_backtest(store, request, cache)

    assert isinstance(pages.traced[0].recorded.market, PagedTape)
    assert len(held.result.trades) > 5
    assert dumps(pages.result) == dumps(held.result)


def test_few_pages_are_held_and_each_is_read_once_by_who_goes_forward(filled, in_pages, monkeypatch):
    store, instrument, cache = filled
    in_pages(500)
    market = load(store, instrument, *whole_days(store), cache).market
    read = []
    monkeypatch.setattr(
        Page, "of", classmethod(lambda cls, ticks, *rest, of=Page.of: read.append(len(ticks)) or of(ticks, *rest))
    )

    seen = [market.price[i] for i in range(len(market.seq))]
    assert len(seen) == sum(read) == len(market.seq)
    assert max(read) == 500
    assert len(market.seq._pages._held) == 3


def test_columns_are_read_like_arrays(filled, in_pages):
    store, instrument, cache = filled
    held = load(store, instrument, *whole_days(store)).market
    in_pages(701)
    market = load(store, instrument, *whole_days(store), cache).market
    rng = np.random.default_rng(2)
    n = len(held.seq)
    for a, b in np.sort(rng.integers(0, n + 1, (60, 2))).tolist():
        np.testing.assert_array_equal(market.k[a:b], held.k[a:b])
        at = int(held.clock[min(a, n - 1)]) + b % 3 - 1
        for side in ("left", "right"):
            assert market.clock.searchsorted(at, side=side) == held.clock.searchsorted(at, side=side)
    assert market.clock.searchsorted(2**62) == n
    assert len(market.k[5:5]) == 0
    for outside in (n, -1):
        with pytest.raises(IndexError):
            market.k[outside]


def test_a_day_stored_anew_under_a_run_is_said(filled, in_pages):
    store, instrument, cache = filled
    in_pages(1000)
    market = load(store, instrument, *whole_days(store), cache).market
    day = store.days("X")[0]
    fewer = store.ticks("X", day_start(day), day_start(day + 1)).take(slice(100))
    store.put_derived("X", range(day, day + 1), fewer, BarColumns.empty(), [])
    load(store, instrument, *whole_days(store), cache)
    with pytest.raises(Refused, match="stored anew while a run read them"):
        market.price[0]


def test_a_damaged_file_is_read_anew(filled, in_pages):
    store, instrument, cache = filled
    want = load(store, instrument, *whole_days(store), cache).market
    in_pages(1000)
    (file, *_) = sorted((cache._folder).rglob("*.npy"))
    file.write_bytes(file.read_bytes()[:-80_000])
    market = load(store, instrument, *whole_days(store), cache).market
    np.testing.assert_array_equal(market.price[:], want.price)


def test_a_cache_that_keeps_nothing_leaves_all_ticks_in_memory(filled, in_pages, tmp_path):
    store, instrument, _ = filled
    in_pages(1000)
    found = load(store, instrument, *whole_days(store), DayCache(tmp_path / "full", keep_free=2**62))
    assert isinstance(found.market.seq, np.ndarray)
