"""VolumeProfile inside backtrader: every engine mode, bits, causality, bad parameters."""

# ruff: noqa: DTZ001 (backtrader counts in naive UTC, an anchor in naive IST)
import datetime as dt
import itertools
from decimal import Decimal
from types import SimpleNamespace

import backtrader as bt
import numpy as np
import pandas as pd
import pytest

from auction_bt.core.errors import AuctionError, BadInput
from auction_bt.core.profile import Grid, Method, profile_of_candles, profile_of_ticks
from auction_bt.core.regime import Rule
from auction_bt.core.tape import TickTape
from auction_bt.indicators import VolumeProfile

LINES = ("poc", "vah", "val", "regime", "balance")
TICK = 0.05
DAY_BARS = 60
MODES = [
    (preload, runonce, exactbars)
    for preload, runonce, exactbars in itertools.product((True, False), (True, False), (-2, -1, 0, 1))
]


def frame(n: int = 260, seed: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    close = 2000 + np.cumsum(rng.integers(-6, 7, n))
    low, high = close - rng.integers(0, 9, n), close + rng.integers(0, 9, n)
    volume = rng.integers(0, 3000, n) * (rng.random(n) > 0.05)
    stamps = [dt.datetime(2024, 1, 1 + b // DAY_BARS, 4, 0) + dt.timedelta(minutes=b % DAY_BARS) for b in range(n)]
    columns = {"open": close, "high": high, "low": low, "close": close}
    prices = {name: np.round(k * TICK, 2) for name, k in columns.items()}
    return pd.DataFrame({**prices, "volume": volume.astype(float)}, index=pd.DatetimeIndex(stamps))


def tape_of(df: pd.DataFrame, seed: int = 8) -> TickTape:
    rng = np.random.default_rng(seed)
    n = len(df)
    counts = rng.integers(0, 7, n)
    k = np.repeat(np.rint(df.close / TICK).astype(np.int64), counts) + rng.integers(-5, 6, counts.sum())
    size = rng.integers(0, 90, counts.sum())
    return TickTape(np.concatenate(([0], np.cumsum(counts))), k, size, np.arange(n) // DAY_BARS, np.arange(n) // 150)


def first_bars(tape: TickTape, n: int) -> TickTape:
    end = tape.offsets[n]
    return TickTape(tape.offsets[: n + 1], tape.k[:end], tape.size[:end], tape.day[:n], tape.contract[:n])


class PandasTicks(bt.feeds.PandasData):
    params = (("tape", None),)

    def __init__(self):
        super().__init__()
        if self.p.tape is not None:
            self.tape = self.p.tape


class Watcher(bt.Strategy):
    params = (("profile", {}), ("back", 0))

    def __init__(self):
        self.profile = VolumeProfile(self.data, **{"tick_size": TICK, **self.p.profile})
        self.seen, self.evidence = [], []

    def prenext(self):
        self.next()

    def next(self):
        self.seen.append([getattr(self.profile.lines, name)[0] for name in LINES])
        self.evidence.append(list(self.profile.evidence().values()))


def run(df, profile=None, tape=None, strategy=Watcher, *, preload=True, runonce=True, exactbars=0, prepare=None, **kwargs):
    cerebro = bt.Cerebro(stdstats=False, preload=preload, runonce=runonce, exactbars=exactbars)
    feed = PandasTicks(dataname=df, tape=tape, timeframe=bt.TimeFrame.Minutes)
    if prepare:
        prepare(cerebro, feed)
    else:
        cerebro.adddata(feed)
    cerebro.addstrategy(strategy, profile=profile or {}, **kwargs)
    (strat,) = cerebro.run()
    return strat


def bits(rows) -> bytes:
    return np.array(rows, np.float64).tobytes()


WINDOWS = [
    {"period": 20},
    {"period": 1},
    {"window": "session", "regime": "auction"},
    {"window": "composite", "period": 2, "method": "hdi", "regime": "auction"},
    {"window": "anchored", "anchor": dt.datetime(2024, 1, 2, 9, 45), "ticks_per_row": 4},
]


@pytest.mark.parametrize("profile", WINDOWS)
@pytest.mark.parametrize("with_ticks", [False, True])
def test_every_engine_mode_gives_the_same_bits(profile, with_ticks):
    df = frame()
    tape = tape_of(df) if with_ticks else None
    expected = run(df, profile, tape)
    assert len(expected.seen) == len(df)
    assert np.isfinite(np.array(expected.seen)[-1, 0])
    for preload, runonce, exactbars in MODES:
        got = run(df, profile, tape, preload=preload, runonce=runonce, exactbars=exactbars)
        assert bits(got.seen) == bits(expected.seen), (preload, runonce, exactbars)
        assert bits(got.evidence) == bits(expected.evidence), (preload, runonce, exactbars)


@pytest.mark.parametrize("profile", [*WINDOWS, {"period": 20, "regime": "auction"}])
@pytest.mark.parametrize("with_ticks", [False, True])
@pytest.mark.parametrize("runonce", [False, True])
def test_cutting_the_future_off_changes_no_value(profile, with_ticks, runonce):
    df = frame()
    tape = tape_of(df)
    whole = run(df, profile, tape if with_ticks else None, runonce=runonce)
    for n in (21, 60, 61, 100, 149, 151, 259):
        part = run(df.iloc[:n], profile, first_bars(tape, n) if with_ticks else None, runonce=runonce)
        assert bits(part.seen) == bits(whole.seen[:n]), n
        assert bits(part.evidence) == bits(whole.evidence[:n]), n


def test_changing_the_future_changes_no_value():
    df = frame()
    other = df.copy()
    other.iloc[130:, :4] = np.round(other.iloc[130:, :4] * 3, 2)
    other.iloc[130:, 4] *= 7
    assert bits(run(df, {"period": 20}).seen[:130]) == bits(run(other, {"period": 20}).seen[:130])


@pytest.mark.parametrize("method", list(Method))
def test_levels_are_those_of_a_profile_built_from_scratch(method):
    df = frame()
    seen = np.array(run(df, {"period": 20, "method": method.value, "value_area": 0.68}).seen)
    low, high, close = (np.rint(df[name].to_numpy() / TICK).astype(np.int64) for name in ("low", "high", "close"))
    volume = df.volume.to_numpy().astype(np.int64)
    assert np.isnan(seen[:19]).all()
    for b in range(19, len(df)):
        span = slice(b - 19, b + 1)
        profile = profile_of_candles(low[span], high[span], close[span], volume[span], Grid.of(TICK), method, 0.68)
        assert tuple(seen[b, :3]) == profile.prices


def test_ticks_win_over_the_candle_of_their_bar_and_candles_fill_bars_without():
    df = frame()
    tape = tape_of(df)
    tape = TickTape(tape.offsets, tape.k, tape.size, tape.day, np.zeros(len(df), np.int64))
    grid = Grid.of(TICK)
    seen = {s: np.array(run(df, {"period": 1, "source": s}, tape).seen) for s in ("ticks", "candles", "auto")}
    some = 0
    for b in range(len(df)):
        k, size = tape.bar(b)
        exact = profile_of_ticks(k, size, grid)
        np.testing.assert_array_equal(seen["ticks"][b, :3], exact.prices)
        np.testing.assert_array_equal(seen["auto"][b], seen["ticks" if exact.total else "candles"][b])
        some += not exact.total
    assert 0 < some < len(df)


def test_prices_on_lines_equal_the_decimal_literals():
    seen = np.array(run(frame(), {"period": 20}).seen)[19:, :3]
    for price in np.unique(seen):
        assert price == float(str(Decimal(str(round(price / TICK))) * Decimal("0.05")))


def test_no_window_holds_bars_of_two_contracts():
    df = frame()
    strat = run(df, {"period": 20}, tape_of(df))
    bars = np.array(strat.evidence)[:, 5]
    assert bars[149] == 20
    assert list(bars[150:153]) == [1, 2, 3]
    assert np.isnan(np.array(strat.seen)[150:169, 0]).all()
    assert np.isfinite(np.array(strat.seen)[169, 0])


def test_a_session_begins_at_midnight_in_india():
    stamps = pd.DatetimeIndex([dt.datetime(2024, 1, 1, 18, 29), dt.datetime(2024, 1, 1, 18, 30), dt.datetime(2024, 1, 1, 18, 31)])
    df = pd.DataFrame({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 5.0}, index=stamps)
    assert [row[5] for row in run(df, {"window": "session"}).evidence] == [1, 1, 2]
    assert [row[5] for row in run(df, {"window": "session"}, runonce=False).evidence] == [1, 1, 2]


def test_an_anchor_counts_bars_from_their_start_where_the_feed_knows_it():
    class Ends(Watcher):
        def __init__(self):
            starts = (np.array(self.data.p.dataname.index.astype("datetime64[ns]")).view("i8")) - 60_000_000_000
            self.data.bars = SimpleNamespace(ts=starts)
            super().__init__()

    df = frame(30)
    anchor = dt.datetime(2024, 1, 1, 9, 40)  # 04:10 UTC
    assert run(df, {"window": "anchored", "anchor": anchor}).evidence[10][5] == 1
    for runonce in (True, False):
        got = run(df, {"window": "anchored", "anchor": anchor}, strategy=Ends, runonce=runonce)
        assert [row[5] for row in got.evidence[9:13]] == [0, 0, 1, 2]


def test_bars_with_missing_prices_or_volume_have_no_volume():
    df = frame()
    df.iloc[30, 1] = np.nan
    df.iloc[40, 4] = np.nan
    df.iloc[50, 4] = np.inf
    df.iloc[60, 4] = -5.0
    once, step = run(df, {"period": 20}), run(df, {"period": 20}, runonce=False)
    assert bits(once.seen) == bits(step.seen)
    clean = frame()
    clean.iloc[[30, 40, 50, 60], 4] = 0.0
    assert bits(once.seen) == bits(run(clean, {"period": 20}).seen)


def test_without_volume_nothing_is_defined():
    df = frame(60)
    df["volume"] = 0.0
    for runonce in (True, False):
        strat = run(df, {"period": 5, "regime": "auction"}, runonce=runonce)
        assert np.isnan(np.array(strat.seen)).all()
        assert strat.evidence[-1][3:] == [0.0, 0.0, 5.0]


def test_a_bar_still_being_traded_ends_at_the_values_of_the_closed_bar():
    class Last(Watcher):
        def next(self):
            self.last = getattr(self, "last", {})
            self.last[len(self.data)] = [getattr(self.profile.lines, name)[0] for name in LINES]
            self.evidence.append(self.profile.evidence())

    def replay(cerebro, feed):
        cerebro.replaydata(feed, timeframe=bt.TimeFrame.Minutes, compression=5)

    def resample(cerebro, feed):
        cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=5)

    df = frame(180)
    for profile in ({"period": 6, "regime": "auction"}, {"window": "composite", "period": 2}, {"window": "session"}):
        replayed = run(df, profile, strategy=Last, prepare=replay)
        resampled = run(df, profile, strategy=Last, prepare=resample)
        assert bits([replayed.last[b] for b in sorted(resampled.last)]) == bits(
            [resampled.last[b] for b in sorted(resampled.last)]
        )
        assert len(replayed.evidence) > 2 * len(resampled.evidence)


def test_another_feed_moving_on_does_not_add_a_bar_twice():
    df = frame(120)
    slow = df.iloc[::10]

    class Second(Watcher):
        def __init__(self):
            self.profile = VolumeProfile(self.data1, tick_size=TICK, period=4)
            self.seen = {}

        def next(self):
            self.seen[len(self.data1)] = [getattr(self.profile.lines, name)[0] for name in LINES]

    def both(cerebro, feed):
        cerebro.adddata(feed)
        cerebro.adddata(bt.feeds.PandasData(dataname=slow, timeframe=bt.TimeFrame.Minutes))

    alone = run(slow, {"period": 4})
    for runonce in (True, False):
        got = run(df, strategy=Second, prepare=both, runonce=runonce).seen
        assert bits([got[b] for b in sorted(got)]) == bits([alone.seen[b - 1] for b in sorted(got)])


def test_resampled_bars_ignore_the_tape_of_the_bars_they_are_made_of():
    def resample(cerebro, feed):
        cerebro.resampledata(feed, timeframe=bt.TimeFrame.Minutes, compression=5)

    df = frame(120)
    assert bits(run(df, {"period": 6}, tape_of(df), prepare=resample).seen) == bits(run(df, {"period": 6}, prepare=resample).seen)
    with pytest.raises(BadInput, match="candles"):
        run(df, {"period": 6, "source": "ticks"}, tape_of(df), prepare=resample)


def test_evidence_looks_back_in_every_mode():
    class Back(Watcher):
        def next(self):
            super().next()
            if len(self.evidence) > 1 and self.p.back:
                assert bits(list(self.profile.evidence(-1).values())) == bits(self.evidence[-2])

    for exactbars, runonce in ((0, True), (0, False), (-1, False), (1, False)):
        # Memory is saved down to `period` bars, so the bar before is always there.
        strat = run(frame(150), {"period": 20, "regime": "auction"}, strategy=Back, runonce=runonce, exactbars=exactbars, back=1)
        assert len(strat.evidence) == 150
        for ago in (1, -150):
            with pytest.raises(BadInput, match="no evidence"):
                strat.profile.evidence(ago)


@pytest.mark.parametrize("profile", WINDOWS)
def test_areas_are_the_lines_in_ticks(profile):
    strat = run(frame(), profile, tape_of(frame()))

    shown = [None if np.isnan(row[3]) else (*(round(x / TICK) for x in row[:3]), int(row[3])) for row in strat.seen]
    assert strat.profile.areas == shown
    assert run(frame(), profile, tape_of(frame()), runonce=False).profile.areas is None


def test_memory_saved_by_the_engine_is_saved_beside_the_lines_too():
    strat = run(frame(), {"period": 20}, exactbars=1)
    assert len(strat.profile._recent) <= 2 * 6 * 20
    with pytest.raises(BadInput):
        strat.profile.evidence(-20)


def test_regimes_are_those_of_the_rule_asked_for():
    for rule in Rule:
        seen = np.array(run(frame(), {"period": 20, "regime": rule.value}).seen)
        assert set(np.unique(seen[19:, 3])) <= {-1.0, 0.0, 1.0, 2.0} | ({np.nan} if np.isnan(seen[19:, 3]).any() else set())
        balance = seen[19:, 4]
        if rule is Rule.ORIGINAL:
            width = np.rint((seen[19:, 1] - seen[19:, 2]) / TICK)
            off = np.rint((2 * seen[19:, 0] - seen[19:, 1] - seen[19:, 2]) / TICK)
            np.testing.assert_array_equal(balance, np.where(width > 0, off / np.maximum(width, 1), 0.0))
        else:
            np.testing.assert_array_equal(balance, np.array(run(frame(), {"period": 20, "regime": "auction"}).evidence)[19:, 0])


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"period": 0}, "period 0"),
        ({"period": 1.5}, "period 1.5"),
        ({"period": True}, "period True"),
        ({"value_area": 0}, "value_area 0"),
        ({"value_area": 1.01}, "value_area 1.01"),
        ({"value_area": float("nan")}, "value_area nan"),
        ({"value_area": "0.7"}, "value_area '0.7'"),
        ({"method": "tpo"}, "method 'tpo' is unknown: use two_row"),
        ({"source": "quotes"}, "source 'quotes' is unknown: use auto, ticks, candles"),
        ({"window": "day"}, "window 'day' is unknown: use rolling, session"),
        ({"regime": "trend"}, "regime 'trend' is unknown: use original, auction"),
        ({"ticks_per_row": 0}, "ticks_per_row 0"),
        ({"tick_size": -0.05}, "tick_size"),
        ({"tick_size": "five"}, "tick_size 'five'"),
        ({"tick_size": None}, "give tick_size"),
        ({"window": "anchored"}, "anchor"),
        ({"window": "anchored", "anchor": "yesterday"}, "anchor 'yesterday'"),
        ({"source": "ticks"}, "source='candles'"),
    ],
)
@pytest.mark.parametrize("runonce", [True, False])
def test_a_wrong_parameter_is_named_with_what_is_allowed(profile, words, runonce):
    with pytest.raises(BadInput) as error:
        run(frame(30), {"period": 5, **profile}, runonce=runonce)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_tape_of_other_bars_is_refused():
    df = frame(100)
    with pytest.raises(AuctionError, match="90 bars, the feed has 100"):
        run(df, {"period": 5}, first_bars(tape_of(df), 90))
    with pytest.raises(AuctionError, match="90 bars, the feed has more"):
        run(df, {"period": 5}, first_bars(tape_of(df), 90), runonce=False)


def test_the_tick_size_comes_from_the_feeds_instrument():
    class Own(Watcher):
        def __init__(self):
            self.data.instrument = SimpleNamespace(tick=Decimal("0.05"))
            self.p.profile = {**self.p.profile, "tick_size": None}
            super().__init__()

    assert bits(run(frame(), {"period": 20}, strategy=Own).seen) == bits(run(frame(), {"period": 20}).seen)


def test_an_indicator_of_a_line_is_refused():
    class OnClose(bt.Strategy):
        params = (("profile", {}),)

        def __init__(self):
            VolumeProfile(self.data.close, tick_size=TICK)

    with pytest.raises(BadInput, match="high, low, close and volume"):
        run(frame(30), strategy=OnClose)
