"""Pictures: drawn for anything a run can hold, and stock cerebro.plot() without a display."""

import os
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import backtrader as bt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import imread

from auction_bt.backtest import Request, run_backtest
from auction_bt.cli import main
from auction_bt.cli.backtest import picture
from auction_bt.core.bar import Bar, BarColumns
from auction_bt.core.errors import BadInput, NothingToDo
from auction_bt.core.ist import DAY_NS, MINUTE_NS
from auction_bt.core.trade import Fill, Levels, Side, Trade
from auction_bt.picture import PriceRows, apart, exits_of, time_labels
from auction_bt.plots import LevelColumns, draw, plot_cerebro, plotter
from auction_bt.shown import rows_of
from auction_bt.store.dsn import open_store

OPEN = 1_765_770_300 * 10**9  # 2025-12-15 09:15 IST
LEVELS = Levels(100.0, 101.0, 99.0, "rolling")


def bars_of(count: int, days: int = 1) -> BarColumns:
    each = -(-count // days)
    walk = 100 + np.cumsum(np.random.default_rng(3).integers(-3, 4, count)) * 0.05
    return BarColumns.of(
        [
            Bar("X", OPEN + i // each * DAY_NS + i % each * MINUTE_NS, p, p + 0.1, p - 0.1, p + 0.05, 10 + i % 7)
            for i, p in enumerate(walk.tolist())
        ]
    )


def levels_of(bars: BarColumns) -> LevelColumns:
    regime = np.array([np.nan, 0, 1, 2, -1])[np.arange(len(bars)) * 5 // max(len(bars), 1)]
    poc = np.where(np.isfinite(regime), bars.close.mean(), np.nan)
    return LevelColumns(poc, poc + 0.5, poc - 0.5, regime)


def trade_of(
    bars: BarColumns, begin: int, end: int, side: Side = Side.LONG, net: str = "10", *, still_open: bool = False
) -> Trade:
    first, last = int(bars.ts[begin]), int(bars.ts[end])
    prices = float(bars.close[begin]), float(bars.close[end])
    return Trade(
        "X", "X", side, "fade", "balanced", LEVELS, 1, first + 30 * 10**9, first, prices[0], 0 if still_open else last, last,
        prices[1], 99.0, "open" if still_open else "target1", Decimal(net), Decimal(0), Decimal(net), 0.0, 0.0, 1.0, (),
    )  # fmt: skip


def test_a_picture_is_written_and_shows_something(tmp_path):
    bars = bars_of(400)
    trades = [trade_of(bars, 20, 40), trade_of(bars, 60, 90, Side.SHORT, "-7"), trade_of(bars, 300, 399, still_open=True)]
    draw(tmp_path / "run.png", bars, levels_of(bars), trades, "A title", "and what it is", synthetic=True)
    image = imread(tmp_path / "run.png")
    assert image.shape[0] > 800
    assert image.shape[1] > 1500
    assert len(np.unique(image[::4, ::4, :3].reshape(-1, 3), axis=0)) > 50


def test_equal_runs_give_equal_pictures_and_synthetic_ones_say_so(tmp_path):
    bars = bars_of(50)
    for name, synthetic in (("a", False), ("b", False), ("c", True)):
        draw(tmp_path / f"{name}.png", bars, levels_of(bars), synthetic=synthetic)
    a, b, c = ((tmp_path / f"{name}.png").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_drawing_leaves_no_figure_and_no_setting_behind(tmp_path):
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).resolve().parents[1])!r})
import matplotlib
before = dict(matplotlib.rcParams.copy())
import numpy as np
from auction_bt.core.bar import Bar, BarColumns
from auction_bt.plots import LevelColumns, draw
bars = BarColumns.of([Bar("X", i * 60 * 10**9, 1.0, 2.0, 0.5, 1.5, 3) for i in range(9)])
draw({str(tmp_path / "x.png")!r}, bars, LevelColumns(*np.ones((4, 9))))
assert "matplotlib.pyplot" not in sys.modules
assert repr(dict(matplotlib.rcParams.copy())) == repr(before)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@settings(max_examples=20, deadline=None)
@given(
    count=st.integers(1, 60),
    days=st.integers(1, 40),
    flat=st.booleans(),
    unknown=st.booleans(),
    picks=st.lists(st.tuples(st.integers(0, 59), st.integers(0, 59), st.sampled_from(Side), st.booleans()), max_size=4),
)
def test_any_run_can_be_drawn(tmp_path_factory, count, days, flat, unknown, picks):
    bars = bars_of(count, min(days, count))
    if flat:
        price = np.full(count, 100.0)
        bars = BarColumns(bars.ts, price, price, price, price, bars.volume * 0, bars.tick_volume, bars.known_seq, bars.source)
    levels = LevelColumns(*np.full((4, count), np.nan)) if unknown else levels_of(bars)
    trades = [trade_of(bars, min(a, b) % count, max(a, b) % count, side, still_open=o) for a, b, side, o in picks]
    path = tmp_path_factory.mktemp("any") / "run.png"
    draw(path, bars, levels, trades)
    assert path.stat().st_size > 5_000


def test_a_run_without_bars_is_nothing_to_do(tmp_path):
    empty = np.empty(0)
    with pytest.raises(NothingToDo, match="no bars to draw"):
        draw(tmp_path / "run.png", BarColumns.empty(), LevelColumns(empty, empty, empty, empty))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "said"), [("run.jpg", "is a .png"), ("missing/run.png", "cannot write .*No such file")])
def test_a_file_that_cannot_be_written_is_said_in_one_line(tmp_path, name, said):
    bars = bars_of(5)
    with pytest.raises(BadInput, match=said) as caught:
        draw(tmp_path / name, bars, levels_of(bars))
    assert "\n" not in str(caught.value)


def test_levels_of_other_bars_are_refused(tmp_path):
    with pytest.raises(BadInput, match="3 rows of levels cannot belong to 5 bars"):
        draw(tmp_path / "run.png", bars_of(5), levels_of(bars_of(3)))


def test_a_day_is_labelled_by_clock_time_in_ist_with_its_date_once():
    at, texts = time_labels(bars_of(375).ts)
    assert texts[0] == "09:15\n15 Dec 2025"
    assert texts[1:4] == ["09:30", "10:00", "10:30"] or texts[1:4] == ["10:00", "10:30", "11:00"]
    assert len(at) == len(set(at)) <= 14
    assert sum("2025" in t for t in texts) == 1


def test_each_of_a_few_days_is_dated_and_many_days_show_dates_alone():
    _, few = time_labels(bars_of(3 * 375, 3).ts)
    assert [t.split("\n")[1] for t in few if "\n" in t] == ["15 Dec 2025", "16 Dec 2025", "17 Dec 2025"]
    at, many = time_labels(bars_of(100 * 20, 100).ts)
    assert len(many) <= 14
    assert all(":" not in t and "20" in t for t in many)
    assert len(set(np.diff(at))) == 1


@given(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 23), st.integers(0, 59)), min_size=1, max_size=30))
def test_no_two_labels_of_a_time_axis_touch_whatever_is_missing(days):
    parts = [
        OPEN + d * DAY_NS + (np.arange(n) + (np.arange(n) > n // 2) * hole) * MINUTE_NS for d, (n, _, hole) in enumerate(days)
    ]
    ts = np.concatenate(parts)
    at, texts = time_labels(ts)
    assert at
    assert (np.diff(at) >= 0.036 * len(ts)).all()
    dated = [i for i, text in zip(at, texts, strict=True) if "20" in text.split("\n")[-1] and " " in text]
    assert (np.diff(dated) >= 0.06 * len(ts)).all()


def test_the_first_bar_after_a_gap_is_labelled_only_where_there_is_room():
    minutes = np.concatenate([np.arange(0, 257), np.arange(347, 375)])  # nothing from 13:32 to 15:01
    _, texts = time_labels(OPEN + minutes * MINUTE_NS)
    assert "13:30" in texts
    assert "15:02" not in texts


@given(st.lists(st.floats(-1e4, 1e4), max_size=6), st.floats(0.1, 100))
def test_names_of_levels_are_moved_apart_and_no_farther_than_needed(wanted, room):
    wanted = sorted(wanted)
    places = apart(wanted, room)
    assert len(places) == len(wanted)
    assert (np.diff(places) >= room - 1e-6).all()
    if all(np.diff(wanted) > room):
        assert places == pytest.approx(wanted)
    assert sum(places) == pytest.approx(sum(wanted), abs=1e-6)


def kept_artists(monkeypatch) -> tuple[list[Axes], list[str]]:
    axes, words = [], []
    add, annotate, text, label = Figure.add_subplot, Axes.annotate, Figure.text, Axes.set_xlabel
    monkeypatch.setattr(Figure, "add_subplot", lambda *a, **k: axes.append(add(*a, **k)) or axes[-1])
    monkeypatch.setattr(Axes, "annotate", lambda self, t, *a, **k: words.append(t) or annotate(self, t, *a, **k))
    monkeypatch.setattr(Axes, "set_xlabel", lambda self, t, *a, **k: words.append(t) or label(self, t, *a, **k))
    monkeypatch.setattr(Figure, "text", lambda self, x, y, t, **k: words.append(t) or text(self, x, y, t, **k))
    return axes, words


def test_given_rows_are_drawn_as_they_are_and_the_peak_is_named_apart_from_the_poc(monkeypatch):
    axes, words = kept_artists(monkeypatch)
    bars = bars_of(60)
    rows = PriceRows(np.array([99.0, 99.05, 100.4]), np.array([7, 0, 3]))
    draw(BytesIO(), bars, levels_of(bars), rows=rows)
    lines, peak = (c for c in axes[1].collections if isinstance(c, LineCollection))
    assert [s.tolist() for s in lines.get_segments()] == [[[0, p], [v, p]] for p, v in ((99.0, 7), (99.05, 0), (100.4, 3))]
    assert peak.get_segments()[0].tolist() == [[0, 99.0], [7, 99.0]]
    assert "volume at price\n(from ticks)" in words
    assert "peak of the day shown\n99.00" in words
    assert {"POC", "VAH", "VAL"} <= set(words)
    legend = [t.get_text() for t in axes[0].get_legend().get_texts()]
    assert legend == ["POC", "value area (VAH, VAL)", "bull", "balanced", "bear", "transition"]


def test_what_is_not_there_is_not_in_the_legend_and_many_days_ask_for_fewer(monkeypatch):
    axes, words = kept_artists(monkeypatch)
    bars = bars_of(2400, 8)
    levels = LevelColumns(*np.ones((4, len(bars))))
    draw(BytesIO(), bars, levels, subtitle="eight days")
    assert [t.get_text() for t in axes[0].get_legend().get_texts()][2:] == ["bull"]
    assert "eight days   ·   2,400 bars: choose fewer days to see candles" in words
    assert "volume at price\n(from bars)" in words
    assert {"POC", "VAH", "VAL"} <= set(words)  # all three at one price


def test_each_exit_fill_has_its_own_mark():
    bars = bars_of(60)
    whole = trade_of(bars, 10, 40)
    fills = tuple(Fill(0, int(bars.ts[i]), 100.0 + i, 5, why) for i, why in ((10, "entry"), (20, "target1"), (40, "target2")))
    assert exits_of(whole) == [(whole.exit_ts, whole.exit_price)]
    assert exits_of(replace(whole, fills=fills)) == [(int(bars.ts[20]), 120.0), (int(bars.ts[40]), 140.0)]
    still = trade_of(bars, 10, 40, still_open=True)
    assert exits_of(still) == []
    assert exits_of(replace(still, fills=fills[:2])) == [(int(bars.ts[20]), 120.0)]
    draw(BytesIO(), bars, levels_of(bars), [replace(whole, fills=fills), replace(still, fills=fills[:2])])


def test_rows_that_do_not_rise_or_fit_are_refused():
    for price, volume in (([2.0, 1.0], [1, 1]), ([1.0], [1, 2]), ([1.0], [-1])):
        with pytest.raises(ValueError, match="rising prices"):
            PriceRows(np.array(price), np.array(volume))


@pytest.fixture(scope="module")
def traced(shared_data, tmp_path_factory):
    files = sorted(shared_data("upstox-capture-20251215").glob("NSE_FO*_data.json.gz"))
    folder = tmp_path_factory.mktemp("recorded")
    day = date(2025, 12, 15)
    dsn = f"sqlite:///{(folder / 'a.db').as_posix()}"
    assert main(["import", "--store", dsn, *map(str, files)]) == 0
    with open_store(dsn, readonly=True) as store:
        found = {
            source: run_backtest(store, Request(("NSE_FO|51502",), day, day, {"source": source, "own_profile": True})).traced[0]
            for source in ("auto", "ticks", "candles")
        }
    return found, Request(("NSE_FO|51502",), day, day, {"own_profile": True})


def test_the_volume_at_price_of_a_recording_is_that_of_its_ticks(traced):
    found, _ = traced
    recorded = found["ticks"].recorded
    every = np.arange(len(recorded.bars))
    rows = rows_of(found["ticks"], every)
    volume = np.bincount(recorded.tape.k, recorded.tape.size)
    assert rows.source == "ticks"
    assert int(rows.volume.sum()) == int(recorded.tape.size.sum())
    peak = recorded.instrument.to_price(int(volume.argmax()))
    assert rows.price[rows.volume.argmax()] == peak
    mixed = rows_of(found["auto"], every)
    bare = np.array([not recorded.tape.bar(b)[1].any() for b in every]) & (recorded.bars.volume > 0)
    assert mixed.source == ("ticks and bars" if bare.any() else "ticks")
    assert int(mixed.volume.sum()) == int(rows.volume.sum() + recorded.bars.volume[bare].sum())
    candles = rows_of(found["candles"], every)
    assert (candles.source, int(candles.volume.sum())) == ("bars", int(recorded.bars.volume.sum()))
    few = rows_of(found["ticks"], every[100:110])
    assert int(few.volume.sum()) == int(recorded.tape.size[recorded.tape.offsets[100] : recorded.tape.offsets[110]].sum())


def test_a_picture_that_cannot_be_written_is_named_as_the_user_named_it(traced, tmp_path):
    found, request = traced
    with pytest.raises(BadInput) as caught:
        picture(tmp_path / "missing" / "run.png", found["auto"], request)
    assert str(tmp_path / "missing" / "run.png") in str(caught.value)
    assert f".run.{os.getpid()}" not in str(caught.value)
    picture(tmp_path / "run.png", found["auto"], request)
    assert [p.name for p in tmp_path.iterdir()] == ["run.png"]


def stock_run(days: int = 1, **kwargs) -> bt.Cerebro:
    bars = bars_of(120 * days, days)
    frame = pd.DataFrame(
        {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")},
        index=pd.to_datetime(bars.ts, unit="ns"),
    )

    class Average(bt.Strategy):
        def __init__(self):
            bt.indicators.SMA(self.data, period=10)

    cerebro = bt.Cerebro(**kwargs)
    cerebro.adddata(bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes))
    cerebro.addstrategy(Average)
    cerebro.run()
    return cerebro


def shown_labels(figure: Figure) -> list[str]:
    figure.canvas.draw()
    return [
        tick.label1.get_text()
        for axes in figure.axes
        for tick in axes.xaxis.get_major_ticks()
        if tick.label1.get_visible() and tick.label1.get_text()
    ]


def test_stock_cerebro_plots_with_our_plotter_sized_and_with_time_labels(tmp_path):
    ((figure,),) = stock_run().plot(plotter=plotter(use="Agg", width=9, height=5, dpi=60, style="candle"), iplot=False)
    assert figure.get_size_inches().tolist() == [9, 5]
    labels = shown_labels(figure)
    assert len(labels) >= 3
    assert any(":" in text for text in labels)
    figure.savefig(tmp_path / "stock.png")
    assert imread(tmp_path / "stock.png").shape[:2] == (300, 540)


def test_only_the_lowest_panel_is_labelled():
    ((figure,),) = plot_cerebro(stock_run(), use="Agg")
    figure.canvas.draw()
    shown = {round(a.get_position().y0, 4) for a in figure.axes if any(t.label1.get_visible() for t in a.xaxis.get_major_ticks())}
    assert shown == {min(round(a.get_position().y0, 4) for a in figure.axes)}


def test_plotting_twice_and_in_parts_gives_separate_whole_figures():
    cerebro = stock_run(days=2)
    ((first,),) = plot_cerebro(cerebro, use="Agg", style="bar")
    axes = len(first.axes)
    ((again,),) = plot_cerebro(cerebro, use="Agg")
    assert again is not first
    assert len(again.axes) == axes == len(first.axes)
    ((one, two),) = plot_cerebro(cerebro, use="Agg", numfigs=2)
    assert shown_labels(one)
    assert shown_labels(two)


def test_one_plots_scheme_does_not_leak_into_the_next():
    plotter(use="Agg", style="candle", tickrotation=77)
    assert plotter(use="Agg").p.scheme.tickrotation != 77


def test_plotting_without_a_run_or_its_history_says_what_to_do():
    with pytest.raises(BadInput, match=r"call cerebro\.run\(\) first"):
        plot_cerebro(bt.Cerebro())
    with pytest.raises(BadInput, match="exactbars=0"):
        plot_cerebro(stock_run(exactbars=1))


HEADLESS = """
import sys
sys.path.insert(0, {root!r})
{before}
import backtrader as bt, pandas as pd
from auction_bt.plots import plotter
cerebro = bt.Cerebro()
index = pd.date_range("2025-12-15 09:15", periods=60, freq="min")
frame = pd.DataFrame(dict(open=1.0, high=2.0, low=0.5, close=1.5, volume=3), index=index)
cerebro.adddata(bt.feeds.PandasData(dataname=frame, timeframe=bt.TimeFrame.Minutes))
cerebro.addstrategy(bt.Strategy)
cerebro.run()
((figure,),) = cerebro.plot(plotter=plotter(), iplot=False)
figure.savefig({path!r})
import matplotlib
print(matplotlib.get_backend().lower())
"""


@pytest.mark.parametrize(
    ("before", "environment", "backend"),
    [
        ("", {}, "agg"),
        ("import backtrader.plot", {}, "agg"),
        ("import matplotlib; matplotlib.use('svg')", {}, "svg"),
        ("", {"MPLBACKEND": "pdf"}, "pdf"),
        ("import backtrader.plot", {"MPLBACKEND": "pdf"}, "pdf"),
    ],
)
def test_without_a_display_stock_plotting_works_whatever_was_imported_first(tmp_path, before, environment, backend):
    code = HEADLESS.format(root=str(Path(__file__).resolve().parents[1]), path=str(tmp_path / "run.png"), before=before)
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "MPLBACKEND"}
    env = {k: v for k, v in os.environ.items() if k not in hidden} | environment
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [backend]
    assert (tmp_path / "run.png").stat().st_size > 5_000
