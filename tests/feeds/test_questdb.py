"""A feed from a store: held against what plain loops make of the same ticks and minutes, in anyone's Cerebro and in ours."""

import datetime as dt
import os
import sys
from decimal import Decimal

import backtrader as bt
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auction_bt.brokers.tick_broker import TickBroker
from auction_bt.core.bar import Bar, BarColumns, Source
from auction_bt.core.errors import AuctionError, BadInput, NothingToDo, Refused, UnknownSymbol
from auction_bt.core.instrument import Instrument, Kind
from auction_bt.core.ist import DAY_NS, IST, MINUTE_NS, SECOND_NS, day_index, day_start, from_date, to_date, to_datetime
from auction_bt.core.stamps import to_num
from auction_bt.core.tick import Tick, TickColumns
from auction_bt.engine import AuctionCerebro
from auction_bt.feeds.questdb import QuestDBData
from auction_bt.feeds.stored import StoredData, load
from auction_bt.indicators import VolumeProfile
from auction_bt.market.sessions import session_of
from auction_bt.store.dsn import open_store
from auction_bt.strategy import AuctionStrategy
from auction_bt.synthetic import DEMO, Shape
from tests.test_replay import fill

TF = bt.TimeFrame
FREE = {"cost_multiple": 0.0, "stop_cost_multiple": 0.0, "min_r": 0.0, "period": 30}
EQUITY = Instrument("NSE_EQ|INE002A01018", Decimal("0.05"), 1, Kind.EQUITY, "RELIANCE")
FUTURE = Instrument("NSE_FO|51502", Decimal("0.10"), 75, Kind.FUTURE, "NIFTY-FUT")
OTHER = Instrument("BTC", Decimal("0.01"), 1, Kind.OTHER)
DAYS = [from_date(dt.date(2026, 7, 30)), from_date(dt.date(2026, 7, 31)), from_date(dt.date(2026, 8, 3))]  # another close then


def made(instrument, seed, per_day, hours):
    """Ticks from a seed between two hours of each of `DAYS`, some late by seconds, and minutes that say a little more."""
    rng = np.random.default_rng(seed)
    k = 24_000
    for day in DAYS:
        seq = np.sort(
            rng.integers(day_start(day) + hours[0] * 3600 * SECOND_NS, day_start(day) + hours[1] * 3600 * SECOND_NS, per_day)
        )
        seq += np.arange(per_day)
        ts = seq - rng.integers(0, 10**9, per_day) - np.where(rng.random(per_day) < 0.05, 50 * SECOND_NS, 0)
        ts = np.maximum(ts, day_start(day))
        ticks, bars = [], {}
        for at, order in zip(ts.tolist(), seq.tolist(), strict=True):
            k += int(rng.integers(-3, 4))
            price = instrument.to_price(k)
            ticks.append(Tick(instrument.symbol, order, at, price, int(rng.integers(0, 9)), oi=float(rng.integers(9))))
            minute = at - at % MINUTE_NS
            o, h, lo, _, v = bars.get(minute, (price, price, price, price, 0))
            bars[minute] = (o, max(h, instrument.to_price(k + 1)), min(lo, price), price, v + int(rng.integers(1, 9)))
        rows = [
            Bar(instrument.symbol, m, o, h, lo, c, v, 0, m + MINUTE_NS, Source.I1) for m, (o, h, lo, c, v) in sorted(bars.items())
        ]
        yield day, TickColumns.of(ticks), BarColumns.of(rows)


@pytest.fixture(scope="module")
def dsn(new_lasting_dsn):
    """A store of three days: an equity around its session, a thin future, something traded round the clock, two odd ones."""
    name = new_lasting_dsn()
    with open_store(name, create=True) as store:
        for seed, (instrument, n, hours) in enumerate([(EQUITY, 2000, (9, 16)), (FUTURE, 150, (9, 16)), (OTHER, 400, (0, 24))]):
            store.put_instrument(instrument)
            for day, ticks, bars in made(instrument, seed, n, hours):
                store.put_derived(instrument.symbol, range(day, day + 1), ticks, bars, [])
        day, ticks, bars = next(made(EQUITY, 9, 50, (10, 11)))
        no_ticks, no_bars = TickColumns.empty(), BarColumns.empty()
        odd = (
            ("TICKS", Kind.EQUITY, ticks, no_bars),
            ("BARS", Kind.EQUITY, no_ticks, bars),
            ("INDEX", Kind.INDEX, no_ticks, bars),
        )
        for symbol, kind, t, b in odd:
            store.put_instrument(Instrument(symbol, Decimal("0.05"), 1, kind))
            store.put_derived(symbol, range(day, day + 1), t, b, [])
        day, ticks, bars = next(made(EQUITY, 9, 50, (8, 9)))
        store.put_instrument(Instrument("EARLY", Decimal("0.05"), 1, Kind.EQUITY))
        store.put_derived("EARLY", range(day, day + 1), ticks, bars, [])
        store.put_instrument(Instrument("NOTHING", Decimal("0.05"), 1, Kind.EQUITY))
    return name


def shown(data, **run):
    """The bars a strategy sees in a stock Cerebro: (stamp in ms, open, high, low, close, volume)."""

    class Look(bt.Strategy):
        def __init__(self):
            self.rows = []

        def next(self):
            d = self.datas[-1]
            stamp = round((d.datetime[0] - 719_163) * 86_400_000)
            self.rows.append((stamp, d.open[0], d.high[0], d.low[0], d.close[0], d.volume[0]))

    cerebro = bt.Cerebro(stdstats=False)
    for each in data if isinstance(data, list) else [data]:
        cerebro.adddata(each)
    cerebro.addstrategy(Look)
    return cerebro.run(**run)[0].rows


# --- what plain loops make of it


def bin_end(ts, width, instrument):
    """The end of the bar that `ts` lies in, counted from the open; None outside the session."""
    day = day_index(ts)
    session = session_of(instrument, day)
    opened, closed = session.bounds(day)
    if not opened <= ts < closed:
        return None
    at = opened
    while at + width <= ts:
        at += width
    return min(at + width, closed)


def bars_by_hand(rows, width, instrument):
    """Bars of (ts, open, high, low, close, volume), given in order."""
    found = {}
    for ts, o, h, lo, c, v in rows:
        if (end := bin_end(ts, width, instrument)) is not None:
            key = (day_index(ts), end)
            before = found.get(key)
            found[key] = (
                (o, h, lo, c, v) if before is None else (before[0], max(before[1], h), min(before[2], lo), c, before[4] + v)
            )
    return [(end // 10**6, *map(float, row)) for (_, end), row in sorted(found.items())]


def ticks_by_hand(ticks, width, instrument):
    """Bars of ticks; a tick of a bar that is over by then adds its volume to the one that is open."""
    by_day = {}
    for ts, price, size in zip(ticks.ts.tolist(), ticks.price.tolist(), ticks.size.tolist(), strict=True):
        end = bin_end(ts, width, instrument)
        if end is None:
            continue
        of_day = by_day.setdefault(day_index(ts), [])
        if not of_day or end > of_day[-1][0]:
            of_day.append([end, price, price, price, price, size])
        elif end == of_day[-1][0]:
            bar = of_day[-1]
            of_day[-1] = [end, bar[1], max(bar[2], price), min(bar[3], price), price, bar[5] + size]
        else:
            of_day[-1][5] += size
    return [(end // 10**6, *map(float, row)) for _, of_day in sorted(by_day.items()) for end, *row in of_day]


def rows_of(bars):
    return zip(*(getattr(bars, n).tolist() for n in ("ts", "open", "high", "low", "close", "volume")), strict=True)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    instrument=st.sampled_from([EQUITY, FUTURE, OTHER]),
    minutes=st.sampled_from([1, 2, 5, 7, 30, 60, 375, 400, 1440]),
    first=st.integers(0, 2),
    last=st.integers(0, 2),
)
def test_minutes_are_counted_from_the_open_and_end_at_the_close(dsn, instrument, minutes, first, last):
    first, last = min(first, last), max(first, last)
    days = {"fromdate": to_date(DAYS[first]), "todate": to_date(DAYS[last])}
    with open_store(dsn, readonly=True) as store:
        begin, end = day_start(DAYS[first]), day_start(DAYS[last] + 1)
        bars, ticks = store.bars(instrument.symbol, begin, end), store.ticks(instrument.symbol, begin, end)
    known = bars.take(bars.known_seq < end)
    of_bars = shown(QuestDBData(dataname=instrument.symbol, store=dsn, compression=minutes, **days))
    assert of_bars == bars_by_hand(rows_of(known), minutes * MINUTE_NS, instrument)
    of_minutes = ticks_by_hand(ticks, MINUTE_NS, instrument)
    of_ticks = shown(QuestDBData(dataname=instrument.symbol, store=dsn, compression=minutes, source="ticks", **days))
    rebuilt = [(ms * 10**6 - MINUTE_NS, *row) for ms, *row in of_minutes]
    assert of_ticks == bars_by_hand(rebuilt, minutes * MINUTE_NS, instrument)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instrument=st.sampled_from([EQUITY, FUTURE, OTHER]), seconds=st.sampled_from([5, 45, 60, 1000, 86_400]))
def test_seconds_are_made_of_ticks(dsn, instrument, seconds):
    with open_store(dsn, readonly=True) as store:
        ticks = store.ticks(instrument.symbol, 0, 2**62)
    data = QuestDBData(dataname=instrument.name or instrument.symbol, store=dsn, timeframe=TF.Seconds, compression=seconds)
    assert shown(data) == ticks_by_hand(ticks, seconds * SECOND_NS, instrument)
    assert data.tape.offsets[-1] == len(data.tape.k) == len(data.ticks)


@pytest.mark.parametrize("instrument", [EQUITY, FUTURE, OTHER], ids=lambda i: i.kind)
@pytest.mark.parametrize("source", ["bars", "ticks"])
def test_days_are_one_bar_a_session_stamped_on_their_own_date(dsn, instrument, source):
    data = QuestDBData(dataname=instrument.symbol, store=dsn, timeframe=TF.Days, source=source)
    rows = shown(data)
    minutes = shown(QuestDBData(dataname=instrument.symbol, store=dsn, source=source))
    expected = bars_by_hand([(ms * 10**6 - MINUTE_NS, *row) for ms, *row in minutes], DAY_NS, instrument)
    assert [row[1:] for row in rows] == [row[1:] for row in expected]
    dates = [data.num2date(stamp) for stamp in data.lines.datetime.array]
    assert [d.date() for d in dates] == [to_date(day) for day in DAYS]
    closes = {Kind.EQUITY: [930, 930, 915], Kind.FUTURE: [930, 930, 940], Kind.OTHER: [1440] * 3}[instrument.kind]
    assert [round((d.hour * 3600 + d.minute * 60 + d.second + d.microsecond / 1e6) / 60, 3) for d in dates] == closes


def test_ticks_are_one_bar_each_in_the_order_of_their_messages(dsn):
    with open_store(dsn, readonly=True) as store:
        ticks = store.ticks(EQUITY.symbol, 0, 2**62)
    inside = [bin_end(ts, DAY_NS, EQUITY) is not None for ts in ticks.ts.tolist()]
    ticks = ticks.take(np.array(inside))
    data = QuestDBData(dataname="RELIANCE", store=dsn, timeframe=TF.Ticks)
    rows = shown(data)
    assert [row[4] for row in rows] == ticks.price.tolist()
    assert [row[5] for row in rows] == ticks.size.tolist()
    assert all(row[1] == row[2] == row[3] == row[4] for row in rows)
    assert list(data.lines.datetime.array) == [to_num(ts) for ts in np.maximum.accumulate(ticks.ts).tolist()]
    assert list(data.lines.openinterest.array) == ticks.oi.tolist()
    assert data.ticks.seq.tolist() == ticks.seq.tolist()


def test_half_hours_begin_with_the_session_and_the_last_may_be_short(dsn):
    data = QuestDBData(dataname="NIFTY-FUT", store=dsn, compression=30, todate=dt.date(2026, 7, 30))
    stamps = [f"{to_datetime(end):%H:%M}" for end in data.ends.tolist()]
    assert stamps[:3] == ["09:45", "10:15", "10:45"]
    assert stamps[-2:] == ["15:15", "15:30"]
    assert [f"{to_datetime(ts):%H:%M}" for ts in data.bars.ts.tolist()][-1] == "15:15"
    later = QuestDBData(dataname="NIFTY-FUT", store=dsn, compression=30, fromdate=dt.date(2026, 8, 3))
    assert f"{to_datetime(int(later.ends[-1])):%H:%M}" == "15:40"


def test_prints_outside_the_session_are_shown_where_they_are_asked_for(dsn):
    with open_store(dsn, readonly=True) as store:
        ticks, bars = store.ticks(EQUITY.symbol, 0, 2**62), store.bars(EQUITY.symbol, 0, 2**62)
    asked = {"dataname": "RELIANCE", "store": dsn, "sessions": False}
    assert len(shown(QuestDBData(timeframe=TF.Ticks, **asked))) == len(ticks)
    assert len(shown(QuestDBData(**asked))) == len(bars)
    half_hours = QuestDBData(compression=30, **asked)
    assert int(half_hours.bars.volume.sum()) == int(bars.volume.sum())
    of_first = half_hours.ends[half_hours.tape.day == DAYS[0]]
    stamps = [f"{to_datetime(end):%H:%M}" for end in of_first.tolist()]
    assert stamps == ["09:15", "09:45", *(f"{h}:{m}" for h in range(10, 15) for m in (15, 45)), "15:15", "15:30", "16:00"]
    days = QuestDBData(timeframe=TF.Days, **asked)
    assert [row[5] for row in shown(days)] == [float(bars.volume[day_index(bars.ts) == day].sum()) for day in DAYS]


# --- which range


def test_a_date_is_a_whole_day_and_a_datetime_an_instant(dsn):
    def times(**dates):
        ends = QuestDBData(dataname="RELIANCE", store=dsn, **dates).ends
        return [f"{to_datetime(end):%d %H:%M}" for end in (int(ends[0]), int(ends[-1]))]

    begin, end = dt.datetime(2026, 7, 30, 11, 0), dt.datetime(2026, 7, 31, 14, 0)  # noqa: DTZ001 - without a zone on purpose
    assert times() == ["30 09:16", "03 15:15"]
    assert times(fromdate=dt.date(2026, 7, 31)) == ["31 09:16", "03 15:15"]
    assert times(todate=dt.date(2026, 7, 30)) == ["30 09:16", "30 15:30"]
    assert times(fromdate=dt.date(2026, 7, 31), todate=dt.date(2026, 7, 31)) == ["31 09:16", "31 15:30"]
    assert times(fromdate=begin, todate=end) == ["30 11:01", "31 13:59"]  # what 13:59 was is known at 14:00, which is left out
    assert times(fromdate=begin.replace(tzinfo=IST).astimezone(dt.UTC), todate=end.replace(tzinfo=IST)) == [
        "30 11:01",
        "31 13:59",
    ]
    assert times(fromdate=begin, todate=end, compression=30) == ["30 11:15", "31 14:00"]
    assert times(fromdate=begin, todate=end, timeframe=TF.Seconds, compression=3600) == ["30 11:15", "31 14:00"]


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"dataname": "RELIENCE"}, UnknownSymbol, "unknown symbol 'RELIENCE': did you mean RELIANCE"),
        ({}, BadInput, "dataname is missing"),
        ({"dataname": "INDEX"}, BadInput, "INDEX has no volume, so it has no volume profile: take its future"),
        ({"dataname": "INDEX", "timeframe": TF.Ticks}, BadInput, "INDEX has no volume"),
        ({"dataname": "NOTHING"}, NothingToDo, "holds no data of it: import or record some"),
        ({"dataname": "RELIANCE", "fromdate": dt.date(2026, 8, 4)}, NothingToDo,
         "no data of NSE_EQ|INE002A01018 from 2026-08-04 00:00:00: the store has 2026-07-30 to 2026-08-03"),
        ({"dataname": "RELIANCE", "fromdate": dt.date(2026, 8, 1), "todate": dt.date(2026, 8, 2)}, NothingToDo, "no data of"),
        ({"dataname": "EARLY"}, NothingToDo, "no bars inside the session of EARLY at all: sessions=False shows"),
        ({"dataname": "EARLY", "timeframe": TF.Seconds}, NothingToDo, "no ticks inside the session of EARLY at all"),
        ({"dataname": "BARS", "timeframe": TF.Ticks}, NothingToDo, "no ticks of BARS at all: the store has bars"),
        ({"dataname": "BARS", "source": "ticks"}, NothingToDo, "no ticks of BARS at all: the store has bars"),
        ({"dataname": "TICKS", "source": "bars"}, NothingToDo, "no bars of TICKS at all: the store has ticks: source='ticks'"),
        ({"dataname": "RELIANCE", "fromdate": dt.date(2026, 8, 4), "todate": dt.date(2026, 8, 3)}, BadInput, "swap them"),
        ({"dataname": "RELIANCE", "fromdate": "2026-08-04"}, BadInput, "fromdate '2026-08-04' must be a date or a datetime"),
        ({"dataname": "RELIANCE", "timeframe": TF.Weeks}, BadInput, "timeframe Week is none of"),
        ({"dataname": "RELIANCE", "timeframe": TF.Days, "compression": 2}, BadInput, "compression 2 of days"),
        ({"dataname": "RELIANCE", "timeframe": TF.Ticks, "compression": 9}, BadInput, "compression 9 of ticks"),
        ({"dataname": "RELIANCE", "compression": 0}, BadInput, "compression 0 must be"),
        ({"dataname": "RELIANCE", "timeframe": TF.Ticks, "source": "bars"}, BadInput, "are made of ticks"),
        ({"dataname": "RELIANCE", "source": "candles"}, BadInput, "source must be auto, bars, ticks"),
        ({"dataname": "RELIANCE", "store": "auction.db"}, BadInput, "store 'auction.db' is no DSN"),
        ({"dataname": "RELIANCE", "store": "sqlite:///no/such.db"}, BadInput, "no store at no/such.db"),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_refused_in_one_line_when_the_feed_is_made(dsn, asked, error, says):
    with pytest.raises(error) as caught:
        QuestDBData(**{"store": dsn, **asked})
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, AuctionError)


def test_bars_are_built_from_ticks_where_the_store_has_no_bars(dsn):
    assert len(shown(QuestDBData(dataname="TICKS", store=dsn))) > 20
    assert len(shown(QuestDBData(dataname="BARS", store=dsn))) > 20


def test_an_open_store_stays_open_and_one_that_was_opened_is_closed(dsn):
    with open_store(dsn, readonly=True) as store:
        given = QuestDBData(dataname="RELIANCE", store=store)
        assert len(store.instruments()) > 3
    own = QuestDBData(dataname="RELIANCE", store=dsn)
    if sys.platform == "linux" and dsn.startswith("sqlite"):
        assert dsn.removeprefix("sqlite:///") not in {os.path.realpath(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")}
    assert shown(given) == shown(own)


def test_a_cache_changes_nothing(dsn, tmp_path):
    for timeframe in (TF.Ticks, TF.Minutes):
        plain, *cached = (
            shown(QuestDBData(dataname="RELIANCE", store=dsn, timeframe=timeframe, cache=cache))
            for cache in (None, tmp_path / "c", str(tmp_path / "c"))
        )
        assert cached == [plain, plain]
    assert len(list((tmp_path / "c").rglob("*.npy"))) == 3


# --- in anyone's Cerebro


@pytest.mark.parametrize("run", [{}, {"runonce": False}, {"preload": False}, {"exactbars": 1}, {"exactbars": -1}], ids=str)
def test_every_mode_of_cerebro_shows_the_same_bars(dsn, run):
    expected = shown(QuestDBData(dataname="RELIANCE", store=dsn, compression=5))
    assert shown(QuestDBData(dataname="RELIANCE", store=dsn, compression=5), **run) == expected


def test_backtraders_indicators_and_its_resampler_work_on_it(dsn):
    class Mean(bt.Strategy):
        def __init__(self):
            self.mean = bt.indicators.SMA(self.data, period=10)
            self.rows = []

        def next(self):
            self.rows.append((self.data.datetime.datetime(0), self.mean[0]))

    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(QuestDBData(dataname="RELIANCE", store=dsn))
    cerebro.addstrategy(Mean)
    rows = cerebro.run()[0].rows
    closes = [row[4] for row in shown(QuestDBData(dataname="RELIANCE", store=dsn))]
    assert [mean for _, mean in rows] == pytest.approx([sum(closes[i - 9 : i + 1]) / 10 for i in range(9, len(closes))])
    assert str(rows[0][0]) == "2026-07-30 09:25:00"  # Indian: backtrader shows a feed's own zone

    for timeframe, compression in ((TF.Minutes, 5), (TF.Minutes, 15), (TF.Days, 1)):

        class Look(bt.Strategy):
            rows = []

            def next(self):
                d = self.data
                self.rows.append((d.datetime.datetime(0).date(), d.open[0], d.high[0], d.low[0], d.close[0], d.volume[0]))

        Look.rows = []
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.resampledata(QuestDBData(dataname="RELIANCE", store=dsn), timeframe=timeframe, compression=compression)
        cerebro.addstrategy(Look)
        cerebro.run()
        ours = shown(QuestDBData(dataname="RELIANCE", store=dsn, timeframe=timeframe, compression=compression))
        assert [row[1:] for row in Look.rows] == [row[1:] for row in ours]
        assert sorted({row[0] for row in Look.rows}) == [to_date(day) for day in DAYS]


def test_two_symbols_and_two_lengths_of_bars_run_together(dsn):
    feeds = [QuestDBData(dataname=s, store=dsn, compression=n) for s, n in (("RELIANCE", 1), ("NIFTY-FUT", 5), ("RELIANCE", 30))]
    assert shown(feeds)[-1] == shown(QuestDBData(dataname="RELIANCE", store=dsn, compression=30))[-1]
    assert [f._name for f in feeds] == [EQUITY.symbol, FUTURE.symbol, EQUITY.symbol]


def test_parameters_are_tried_in_other_processes(dsn):
    class Period(bt.Strategy):
        params = (("period", 1),)

        def __init__(self):
            bt.indicators.SMA(period=self.p.period)

    Period.__module__, Period.__qualname__ = __name__, "Period"
    globals()["Period"] = Period
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.adddata(QuestDBData(dataname="RELIANCE", store=dsn, compression=5))
    cerebro.optstrategy(Period, period=[2, 3])
    assert [run[0].p.period for run in cerebro.run(maxcpus=1)] == [2, 3]


# --- with what this package adds


class Levels(bt.Strategy):
    params = (("window", "session"),)

    def __init__(self):
        self.profile = VolumeProfile(self.data, period=1, window=self.p.window)
        self.rows = []

    def next(self):
        lines = self.profile.lines
        self.rows.append((int(self.data.tape.day[len(self) - 1]), lines.poc[0], lines.vah[0], lines.val[0]))


@pytest.mark.parametrize("kind", ["stock", "ours"])
@pytest.mark.parametrize("asked", [{"compression": 5}, {"compression": 30}, {"timeframe": TF.Days}, {"timeframe": TF.Ticks},
                                   {"timeframe": TF.Seconds, "compression": 90}], ids=str)  # fmt: skip
def test_a_sessions_profile_is_that_of_its_ticks_whatever_the_bars(dsn, kind, asked):
    def last_of_day(**bars):
        data = QuestDBData(dataname="RELIANCE", store=dsn, source="auto" if "timeframe" in bars else "ticks", **bars)
        cerebro = bt.Cerebro(stdstats=False) if kind == "stock" else AuctionCerebro()
        if kind == "stock" or data.bars is None:
            cerebro.adddata(data)
            cerebro.addstrategy(Levels)
        else:
            cerebro.add_symbol(data, Levels)
        return {row[0]: row[1:] for row in cerebro.run()[0].rows}

    expected = last_of_day()
    assert len(expected) == 3
    assert last_of_day(**asked) == expected


@pytest.fixture(scope="module")
def recording(new_lasting_dsn):
    """A store of two recorded days of one future, derived from its messages."""
    name = new_lasting_dsn()
    with open_store(name, create=True) as store:
        fill(store, [DEMO[Shape.BALANCED]], seed=3)
    return name


def traded(data, kind):
    cerebro = bt.Cerebro(stdstats=False) if kind == "stock" else AuctionCerebro()
    cerebro.setbroker(TickBroker())
    cerebro.broker.setcash(1_000_000)
    if kind == "stock":
        cerebro.adddata(data)
        cerebro.addstrategy(AuctionStrategy, **FREE)
    else:
        cerebro.add_symbol(data, AuctionStrategy, **FREE)
    strategy = cerebro.run()[0]
    assert {f.source for trade in strategy.trades for f in trade.fills} == {"ticks"}
    return strategy.trades, strategy.decisions


def test_minutes_are_the_stored_feed_itself(recording):
    instrument = DEMO[Shape.BALANCED]
    with open_store(recording, readonly=True) as store:
        stored = StoredData(recorded=load(store, instrument, 0, 2**62))
    data = QuestDBData(dataname=instrument.symbol, store=recording)
    for name in ("bars", "tape", "market"):
        ours, theirs = getattr(data, name), getattr(stored, name)
        for column in theirs.__dataclass_fields__:
            assert np.asarray(getattr(ours, column)).tobytes() == np.asarray(getattr(theirs, column)).tobytes(), column
    assert data.instrument == stored.instrument
    for name in ("tick_days", "bar_quality", "ends"):
        assert getattr(data, name).tobytes() == getattr(stored, name).tobytes()
    assert shown(data) == shown(stored)


@pytest.mark.parametrize("kind", ["stock", "ours"])
def test_the_strategy_trades_it_as_it_trades_the_stored_feed(recording, kind):
    with open_store(recording, readonly=True) as store:
        stored = StoredData(recorded=load(store, DEMO[Shape.BALANCED], 0, 2**62))
    expected = traded(stored, "ours")
    assert len(expected[0]) > 3
    assert traded(QuestDBData(dataname=DEMO[Shape.BALANCED].symbol, store=recording), kind) == expected


@pytest.mark.parametrize("minutes", [3, 5])
def test_the_strategy_trades_longer_bars_on_their_ticks_the_same_in_both_cerebros(recording, minutes):
    runs = [
        traded(QuestDBData(dataname=DEMO[Shape.BALANCED].symbol, store=recording, compression=minutes), k)
        for k in ("stock", "ours")
    ]
    assert runs[0] == runs[1]
    assert runs[0][0]
    bars = QuestDBData(dataname=DEMO[Shape.BALANCED].symbol, store=recording, compression=minutes)
    entered = [d.seq for d in runs[0][1] if d.action == "enter"]
    assert set(entered) <= set(bars.bars.known_seq.tolist())
    assert all(trade.entry_seq > seq for trade, seq in zip(runs[0][0], entered, strict=False))


def test_ticks_and_seconds_are_for_the_stock_loop_alone(recording):
    data = QuestDBData(dataname=DEMO[Shape.BALANCED].symbol, store=recording, timeframe=TF.Ticks)
    with pytest.raises(Refused, match="add_symbol needs bars that say when each was known"):
        AuctionCerebro().add_symbol(data, Levels)
