"""A run as a picture: candles, value area, regimes, trades, volume at price, money. Nothing global: no pyplot, no style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from .cerebro_plot import plot_cerebro, plotter
from .core.bar import BarColumns
from .core.errors import BadInput, NothingToDo
from .core.ist import MINUTE_NS
from .core.tick import F64, I64
from .core.trade import Side, Trade
from .picture import LevelColumns, PriceRows, apart, day_starts, exits_of, spread, time_labels
from .wording import number, plural, rupees, whole

__all__ = ["LevelColumns", "PriceRows", "draw", "plot_cerebro", "plotter"]

_INK, _MUTED, _GRID = "#1d2733", "#6b7785", "#e6eaee"
_UP, _DOWN = "#7fb5a8", "#dd9b97"
_WON, _LOST = "#00796b", "#c62828"
_POC, _VALUE = "#e08a00", "#3f6fb5"
_ROWS, _PEAK = "#94afd7", "#7a3e9d"  # of the volume at price; its peak is another thing than the POC of the last window
_REGIMES: Final = (
    (1.0, "bull", "#4caf8e"),
    (0.0, "balanced", "#9db4d3"),
    (-1.0, "bear", "#e2766f"),
    (2.0, "transition", "#e9c46a"),
)
_MANY_BARS: Final = 2000  # a candle is thinner than a pixel from there on
_TAG_ROOM: Final = 13.5  # points from one level's name to the next
_TRADE_ROOM: Final = 30  # trades that have room for marks of full size


def draw(
    path: str | Path | BinaryIO,
    bars: BarColumns,
    levels: LevelColumns,
    trades: Sequence[Trade] = (),
    title: str = "",
    subtitle: str = "",
    *,
    rows: PriceRows | None = None,
    synthetic: bool = False,
) -> None:
    """Write a PNG of one symbol's run.

    Parameters
    ----------
    path : str, Path or binary file
        A path ends in ``.png``; its folder exists.
    bars : BarColumns
        In time order; the x axis counts bars, so nights and gaps take no room.
    levels : LevelColumns
        One row a bar.
    trades : sequence of Trade
        Of this symbol; open ones are drawn to the last bar, hollow, and kept out of the money panel.
    rows : PriceRows, optional
        The volume at price, drawn as it is; without it each bar's volume is spread evenly over its range.
    synthetic : bool
        Say on the picture that the data is made up.

    Raises
    ------
    NothingToDo
        There are no bars.
    BadInput
        The file cannot be written, or `levels` are not of these bars.

    Notes
    -----
    The volume at price is that of all bars drawn, the levels are those of the window that ended at each bar.
    Equal arguments give equal bytes with one version of matplotlib.
    """
    target = Path(path) if isinstance(path, str | Path) else path
    if isinstance(target, Path) and target.suffix.lower() != ".png":
        raise BadInput(f"{target}: a picture is a .png file")
    if not len(bars):
        raise NothingToDo("there are no bars to draw: choose days the store holds")
    if len(levels) != len(bars):
        raise BadInput(f"{len(levels)} rows of levels cannot belong to {len(bars)} bars: give one row a bar")

    figure = Figure(figsize=(16, 9.5 if trades else 8.2), dpi=110, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)
    heights = [7.2, 0.22] + ([1.7] if trades else [])
    grid = GridSpec(
        len(heights), 2, figure=figure, width_ratios=[9, 1], height_ratios=heights,
        left=0.026, right=0.938, top=0.875, bottom=0.065, wspace=0.005, hspace=0.03,
    )  # fmt: skip
    price = figure.add_subplot(grid[0, 0])
    profile = figure.add_subplot(grid[0, 1], sharey=price)
    band = figure.add_subplot(grid[1, 0], sharex=price)
    panels = [price, band]
    money = figure.add_subplot(grid[2, 0], sharex=price) if trades else None

    starts = day_starts(bars.ts)
    _candles(price, bars)
    _levels(price, levels, starts)
    _trades(price, bars, trades)
    _regimes(band, levels.regime)
    if money is not None:
        _money(money, bars, trades)
        panels.append(money)
    _frame(price, profile, band, money)
    _volume_at_price(profile, bars, rows)
    _time_axis(panels, bars.ts, starts)
    _tag_last(price, levels)
    if len(bars) > _MANY_BARS and len(starts):
        subtitle = "   ·   ".join(filter(None, (subtitle, f"{whole(len(bars))} bars: choose fewer days to see candles")))
    _words(figure, trades, title, subtitle, synthetic=synthetic)
    _legend(price, levels.regime, trades)
    image = BytesIO()
    canvas.print_png(image, metadata={"Software": None})
    if not isinstance(target, Path):
        target.write(image.getvalue())
        return
    try:
        target.write_bytes(image.getvalue())
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}; choose another --plot FILE.png") from None


def _candles(axes: Any, bars: BarColumns) -> None:
    x = np.arange(len(bars))
    rising = bars.close >= bars.open
    colours = np.where(rising, _UP, _DOWN)
    wicks = np.stack([np.column_stack([x, bars.low]), np.column_stack([x, bars.high])], axis=1)
    axes.add_collection(LineCollection(list(wicks), colors=colours, linewidths=0.8 if len(x) < 1500 else 0.5, zorder=3))
    if len(x) <= _MANY_BARS:
        low, high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
        left, right = x - 0.36, x + 0.36
        bodies = np.stack([np.column_stack(p) for p in ((left, low), (left, high), (right, high), (right, low))], axis=1)
        axes.add_collection(PolyCollection(list(bodies), facecolors=colours, edgecolors=colours, linewidths=0.3, zorder=3))
    axes.set_xlim(-1, len(x) + max(2.0, len(x) * 0.028))  # room for the names of the last levels
    axes.autoscale_view(scalex=False)


def _levels(axes: Any, levels: LevelColumns, starts: I64) -> None:
    # A NaN between days keeps one day's last level from running into the next day's first.
    x = np.insert(np.arange(len(levels), dtype=np.float64), starts, starts - 0.5)
    poc, vah, val = (np.insert(column, starts, np.nan) for column in (levels.poc, levels.vah, levels.val))
    axes.fill_between(x, val, vah, step="mid", color=_VALUE, alpha=0.09, linewidth=0, zorder=1)
    thin = min(1.0, max(0.3, (_MANY_BARS / len(levels)) ** 0.5))
    for column in (vah, val):
        axes.plot(
            x, column, color=_VALUE, linewidth=thin, linestyle=(0, (4, 2)) if thin == 1 else "-",
            alpha=0.5 + thin / 2, drawstyle="steps-mid", zorder=2,
        )  # fmt: skip
    axes.plot(x, poc, color=_POC, linewidth=1.7 * thin, drawstyle="steps-mid", zorder=4)


def _place(ts: I64, bars: BarColumns) -> F64:
    """Return where on the x axis the times `ts` (ns) lie."""
    index = np.clip(np.searchsorted(bars.ts, ts, side="right") - 1, 0, len(bars) - 1)
    within = (ts - bars.ts[index]) / MINUTE_NS
    return np.asarray(index + np.clip(within, 0, 1) - 0.5, dtype=np.float64)


def _trades(axes: Any, bars: BarColumns, trades: Sequence[Trade]) -> None:
    if not trades:
        return
    last = int(bars.ts[-1]) + MINUTE_NS
    begin = _place(np.array([t.entry_ts for t in trades], dtype=np.int64), bars)
    outs = [(i, ts, price) for i, t in enumerate(trades) for ts, price in exits_of(t)]
    still = [i for i, t in enumerate(trades) if t.is_open]
    # The average exit of an open trade counts the shares already sold too: these have marks of their own.
    ends = outs + [(i, last, float(bars.close[-1]) if exits_of(trades[i]) else trades[i].exit_price) for i in still]
    end = _place(np.array([ts for _, ts, _ in ends], dtype=np.int64), bars)
    colours = [_WON if t.pnl_net > 0 else _LOST for t in trades]
    paths = [[(begin[i], trades[i].entry_price), (x, price)] for (i, _, price), x in zip(ends, end.tolist(), strict=True)]
    of_ends = [colours[i] for i, _, _ in ends]
    size = min(1.0, _TRADE_ROOM / len(trades)) ** 0.75  # many trades: smaller marks, so that price stays visible
    axes.add_collection(LineCollection(paths, colors=of_ends, linewidths=max(0.5, 1.3 * size**0.5), alpha=0.85, zorder=6))
    for side, marker in ((Side.LONG, "^"), (Side.SHORT, "v")):
        chosen = [i for i, t in enumerate(trades) if t.side is side]
        axes.scatter(
            begin[chosen], [trades[i].entry_price for i in chosen], marker=marker, s=78 * size, c=[colours[i] for i in chosen],
            edgecolors="white", linewidths=0.9 * size, zorder=8,
        )  # fmt: skip
    n = len(outs)
    at = [price for _, _, price in outs]
    if size > 0.5:  # a white ground makes a cross legible on a candle
        axes.scatter(end[:n], at, marker="X", s=62 * size, c="white", linewidths=0, zorder=7)
    axes.scatter(end[:n], at, marker="x", s=27 * size, c=of_ends[:n], linewidths=1.5 * size**0.5, zorder=8)
    marks = [price for _, _, price in ends[n:]]
    axes.scatter(end[n:], marks, marker="o", s=48 * size, facecolors="white", edgecolors=of_ends[n:], zorder=8)


def _volume_at_price(axes: Any, bars: BarColumns, rows: PriceRows | None) -> None:
    axes.set_xticks([])
    axes.set_xlabel(f"volume at price\n(from {rows.source if rows else 'bars'})", fontsize=8, color=_MUTED)
    prices, volume = (rows.price, rows.volume) if rows else spread(bars)
    if not volume.any():
        return
    step = float(np.diff(prices).min()) if len(prices) > 1 else 0.0
    bottom, top = axes.get_ylim()
    # Lines of at least a hair's width, not bars: of rows thinner than a pixel the longest one is then what is seen.
    width = min(9.0, max(0.7, 0.86 * step / (top - bottom) * _points_high(axes)))
    peak = int(volume.argmax())
    ends = [[(0, p), (v, p)] for p, v in zip(prices.tolist(), volume.tolist(), strict=True)]
    axes.add_collection(LineCollection(ends, colors=_ROWS, linewidths=width, capstyle="butt"))
    axes.add_collection(LineCollection([ends[peak]], colors=_PEAK, linewidths=max(1.6, width), capstyle="butt", zorder=3))
    axes.set_xlim(0, float(volume.max()) * 1.06)
    text = f"peak of the {'days' if len(day_starts(bars.ts)) else 'day'} shown\n{number(float(prices[peak]), 2)}"
    high = (prices[peak] - bottom) / (top - bottom) > 0.9
    axes.annotate(
        text, (1, prices[peak]), (-3, -3 if high else 3), xycoords=("axes fraction", "data"), textcoords="offset points",
        ha="right", va="top" if high else "bottom", fontsize=7, color=_PEAK, fontweight="bold", zorder=4, linespacing=1.1,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip


def _points_high(axes: Any) -> float:
    return float(axes.get_position().height * axes.figure.get_figheight() * 72)


def _regimes(axes: Any, regime: F64) -> None:
    known = np.where(np.isfinite(regime), regime, 9.0)
    starts = np.append(0, np.flatnonzero(np.diff(known)) + 1)
    lengths = np.diff(np.append(starts, len(known)))
    for value, _, colour in _REGIMES:
        spans = [(s - 0.5, n) for s, n in zip(starts.tolist(), lengths.tolist(), strict=True) if known[s] == value]
        axes.broken_barh(spans, (0, 1), facecolors=colour, linewidth=0)
    axes.set_ylim(0, 1)
    axes.set_yticks([])


def _money(axes: Any, bars: BarColumns, trades: Sequence[Trade]) -> None:
    closed = sorted((t for t in trades if not t.is_open), key=lambda t: (t.exit_seq, t.symbol))
    x = _place(np.array([t.exit_ts for t in closed], dtype=np.int64), bars)
    net = np.cumsum([float(t.pnl_net) for t in closed]) if closed else np.empty(0)
    x, net = np.concatenate([[-1.0], x, [len(bars) - 0.5]]), np.concatenate([[0.0], net, net[-1:] if len(net) else [0.0]])
    axes.axhline(0, color=_MUTED, linewidth=0.8, zorder=2)
    for colour, side in ((_WON, np.maximum(net, 0)), (_LOST, np.minimum(net, 0))):
        axes.fill_between(x, side, 0, step="post", color=colour, alpha=0.16, linewidth=0, zorder=1)
    axes.plot(x, net, color=_INK, linewidth=1.3, drawstyle="steps-post", zorder=3)
    axes.margins(y=0.14)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 0)))
    beside = {"xycoords": "axes fraction", "textcoords": "offset points", "ha": "right", "annotation_clip": False}
    colour = _WON if net[-1] > 0 else _LOST if net[-1] < 0 else _MUTED
    right = (1.16, 0.5)  # under the volume at price, clear of the line and of its labels
    axes.annotate(
        rupees(float(net[-1]), plus=True), right, (0, 2), va="bottom", fontsize=12, fontweight="bold", color=colour, **beside
    )
    axes.annotate("net, after costs", right, (0, -3), va="top", fontsize=8.5, color=_MUTED, **beside)


def _frame(price: Any, profile: Any, band: Any, money: Any) -> None:
    for axes in (price, profile, band, money):
        if axes is None:
            continue
        for spine in axes.spines.values():
            spine.set_color(_GRID)
        axes.set_axisbelow(True)
        axes.tick_params(colors=_MUTED, labelsize=8.5, length=0)
    price.grid(axis="y", color=_GRID, linewidth=0.7)
    price.tick_params(labelleft=False)
    price.margins(y=0.05)
    profile.tick_params(labelleft=False, labelright=True, labelsize=9)
    profile.grid(axis="y", color=_GRID, linewidth=0.7)
    profile.yaxis.set_major_locator(MaxNLocator(10))
    profile.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value, 2)))
    if money is not None:
        money.grid(axis="y", color=_GRID, linewidth=0.7)
        money.yaxis.tick_right()


def _tag_last(axes: Any, levels: LevelColumns) -> None:
    """Name the last levels at the right edge of the price panel, moved apart where they would touch."""
    named = (("VAL", levels.val, _VALUE), ("POC", levels.poc, _POC), ("VAH", levels.vah, _VALUE))
    tags = [(float(column[-1]), name, colour) for name, column, colour in named if np.isfinite(column[-1])]
    bottom, top = axes.get_ylim()
    points = _points_high(axes) / (top - bottom)
    wanted = [(value - bottom) * points for value, _, _ in tags]
    for (value, name, colour), at, place in zip(tags, wanted, apart(wanted, _TAG_ROOM), strict=True):
        axes.annotate(
            name, (1, value), (-3, place - at), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="center", fontsize=7.5, fontweight="bold", color="white", zorder=9,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"},
        )  # fmt: skip


def _time_axis(panels: list[Any], ts: I64, starts: I64) -> None:
    at, texts = time_labels(ts)
    for axes in panels:
        for start in starts.tolist() if len(starts) <= 80 else ():
            axes.axvline(start - 0.5, color="#c3ccd5", linewidth=0.8, zorder=0)
        axes.xaxis.set_major_locator(FixedLocator(at))
        axes.tick_params(axis="x", labelbottom=False)
    panels[0].grid(axis="x", color=_GRID, linewidth=0.6)
    bottom = panels[-1]
    bottom.set_xticks(at, texts)
    bottom.tick_params(axis="x", labelbottom=True, labelsize=8.5, pad=4)


def _words(figure: Any, trades: Sequence[Trade], title: str, subtitle: str, *, synthetic: bool) -> None:
    figure.text(0.026, 0.972, title, fontsize=16, fontweight="bold", color=_INK, va="top")
    figure.text(0.026, 0.937, subtitle, fontsize=10, color=_MUTED, va="top")
    if trades:
        won = sum(t.pnl_net > 0 for t in trades if not t.is_open)
        closed = sum(not t.is_open for t in trades)
        still = f"  ·  {len(trades) - closed} open" if closed < len(trades) else ""
        text = f"{plural(closed, 'trade')}  ·  {won} won  ·  {closed - won} lost{still}"
        figure.text(0.937, 0.972, text, fontsize=11, color=_INK, va="top", ha="right")
    if synthetic:
        figure.text(
            0.934, 0.945 if trades else 0.972, "SYNTHETIC DATA", fontsize=9,
             fontweight="bold", color="white", va="top", ha="right",
            bbox={"boxstyle": "round,pad=0.35", "facecolor": "#7b5ea7", "edgecolor": "none"},
        )  # fmt: skip


def _legend(price: Any, regime: F64, trades: Sequence[Trade]) -> None:
    handles: list[Any] = [
        Line2D([], [], color=_POC, linewidth=1.7, label="POC"),
        Patch(facecolor="#e3eaf4", edgecolor=_VALUE, linestyle="--", label="value area (VAH, VAL)"),
    ]
    if trades:
        plain: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "none"}
        handles += [
            Line2D([], [], marker="^", color=_MUTED, markersize=8, label="long", **plain),
            Line2D([], [], marker="v", color=_MUTED, markersize=8, label="short", **plain),
            Line2D([], [], marker="x", color=_MUTED, markersize=6, markeredgewidth=1.8, linestyle="none", label="exit"),
            Line2D([], [], color=_WON, linewidth=2, label="won"),
            Line2D([], [], color=_LOST, linewidth=2, label="lost"),
        ]
    handles += [Patch(facecolor=colour, label=name) for value, name, colour in _REGIMES if (regime == value).any()]
    price.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.004, 0.998), ncols=len(handles), frameon=False, fontsize=8.5,
        labelcolor=_INK, handlelength=1.5, columnspacing=1.3, handletextpad=0.5, borderaxespad=0.2,
    )  # fmt: skip
