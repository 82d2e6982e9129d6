"""A run as a picture: candles, value area, regimes, trades, volume at price, money. Nothing global: no pyplot, no style sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

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
from .core.ist import MINUTE_NS, day_index, day_start, to_date
from .core.tick import F64, I64
from .core.trade import Side, Trade
from .wording import number, plural, rupees

__all__ = ["LevelColumns", "draw", "plot_cerebro", "plotter"]

_INK, _MUTED, _GRID = "#1d2733", "#6b7785", "#e6eaee"
_UP, _DOWN = "#7fb5a8", "#dd9b97"
_WON, _LOST = "#00796b", "#c62828"
_POC, _VALUE = "#e08a00", "#3f6fb5"
_REGIMES: Final = (
    (1.0, "bull", "#4caf8e"),
    (0.0, "balanced", "#9db4d3"),
    (-1.0, "bear", "#e2766f"),
    (2.0, "transition", "#e9c46a"),
)
_STEPS_MIN: Final = (1, 2, 5, 10, 15, 30, 60, 120, 180)
_MOST_LABELS: Final = 14
_PROFILE_ROWS: Final = 96


@dataclass(frozen=True, slots=True, eq=False)
class LevelColumns:
    """What the indicator said at each bar; NaN where it said nothing.

    Parameters
    ----------
    poc, vah, val : float64, shape (n_bars,), rupees
    regime : float64, shape (n_bars,)
        -1 bear, 0 balanced, 1 bull, 2 transition.
    """

    poc: F64
    vah: F64
    val: F64
    regime: F64

    def __post_init__(self) -> None:
        if len({len(getattr(self, f.name)) for f in fields(self)}) != 1:
            raise ValueError("columns of one table have one length")

    def __len__(self) -> int:
        return len(self.poc)


def draw(
    path: str | Path,
    bars: BarColumns,
    levels: LevelColumns,
    trades: Sequence[Trade] = (),
    title: str = "",
    subtitle: str = "",
    *,
    synthetic: bool = False,
) -> None:
    """Write a PNG of one symbol's run.

    Parameters
    ----------
    path : str or Path
        Ends in ``.png``; its folder exists.
    bars : BarColumns
        In time order; the x axis counts bars, so nights and gaps take no room.
    levels : LevelColumns
        One row a bar.
    trades : sequence of Trade
        Of this symbol; open ones are drawn to the last bar, hollow, and kept out of the money panel.
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
    Volume at price spreads each bar's volume evenly over its range: a picture, not the profile the strategy reads.
    Equal arguments give equal bytes with one version of matplotlib.
    """
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise BadInput(f"{target}: a picture is a .png file")
    if not len(bars):
        raise NothingToDo("there are no bars to draw: choose days the store holds")
    if len(levels) != len(bars):
        raise BadInput(f"{len(levels)} rows of levels cannot belong to {len(bars)} bars")

    figure = Figure(figsize=(16, 9.5 if trades else 8.2), dpi=110, facecolor="white")
    canvas = FigureCanvasAgg(figure)
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

    starts = _day_starts(bars.ts)
    _candles(price, bars)
    _levels(price, levels, starts)
    _trades(price, bars, trades)
    _volume_at_price(profile, bars)
    _regimes(band, levels.regime)
    if money is not None:
        _money(money, bars, trades)
        panels.append(money)
    _frame(price, profile, band, money)
    _time_axis(panels, bars.ts, starts)
    _tag_last(price, bars, levels)
    _words(figure, price, trades, title, subtitle, synthetic=synthetic)
    try:
        with target.open("wb") as file:
            canvas.print_png(file, metadata={"Software": None})
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}; choose another --plot FILE.png") from None


def _day_starts(ts: I64) -> I64:
    """Index of each day's first bar but the first's."""
    days = day_index(ts)
    return np.flatnonzero(np.diff(days)) + 1


def _candles(axes: Any, bars: BarColumns) -> None:
    x = np.arange(len(bars))
    rising = bars.close >= bars.open
    colours = np.where(rising, _UP, _DOWN)
    wicks = np.stack([np.column_stack([x, bars.low]), np.column_stack([x, bars.high])], axis=1)
    axes.add_collection(LineCollection(list(wicks), colors=colours, linewidths=0.8 if len(x) < 1500 else 0.5, zorder=3))
    if len(x) < 4000:  # a body is thinner than a pixel from there on
        low, high = np.minimum(bars.open, bars.close), np.maximum(bars.open, bars.close)
        left, right = x - 0.36, x + 0.36
        bodies = np.stack([np.column_stack(p) for p in ((left, low), (left, high), (right, high), (right, low))], axis=1)
        axes.add_collection(PolyCollection(list(bodies), facecolors=colours, edgecolors=colours, linewidths=0.3, zorder=3))
    axes.set_xlim(-1, len(x) + max(2.0, len(x) * 0.004))
    axes.autoscale_view(scalex=False)


def _levels(axes: Any, levels: LevelColumns, starts: I64) -> None:
    # A NaN between days keeps one day's last level from running into the next day's first.
    x = np.insert(np.arange(len(levels), dtype=np.float64), starts, starts - 0.5)
    poc, vah, val = (np.insert(column, starts, np.nan) for column in (levels.poc, levels.vah, levels.val))
    axes.fill_between(x, val, vah, step="mid", color=_VALUE, alpha=0.09, linewidth=0, zorder=1)
    for column in (vah, val):
        axes.plot(x, column, color=_VALUE, linewidth=1.0, linestyle=(0, (4, 2)), drawstyle="steps-mid", zorder=2)
    axes.plot(x, poc, color=_POC, linewidth=1.7, drawstyle="steps-mid", zorder=4)


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
    end = _place(np.array([last if t.is_open else t.exit_ts for t in trades], dtype=np.int64), bars)
    paths = [[(b, t.entry_price), (e, t.exit_price)] for b, e, t in zip(begin.tolist(), end.tolist(), trades, strict=True)]
    colours = [_WON if t.pnl_net > 0 else _LOST for t in trades]
    size = min(1.0, (30 / len(trades)) ** 0.5)  # many trades: smaller marks, so that price stays visible
    axes.add_collection(LineCollection(paths, colors=colours, linewidths=1.3, alpha=0.85, zorder=6))
    for side, marker in ((Side.LONG, "^"), (Side.SHORT, "v")):
        chosen = [i for i, t in enumerate(trades) if t.side is side]
        axes.scatter(
            begin[chosen], [trades[i].entry_price for i in chosen], marker=marker, s=78 * size, c=[colours[i] for i in chosen],
            edgecolors="white", linewidths=0.9, zorder=8,
        )  # fmt: skip
    closed = [i for i, t in enumerate(trades) if not t.is_open]
    at = [trades[i].exit_price for i in closed]
    axes.scatter(end[closed], at, marker="X", s=88 * size, c="white", linewidths=0, zorder=7)
    axes.scatter(end[closed], at, marker="x", s=40 * size, c=[colours[i] for i in closed], linewidths=1.8 * size, zorder=8)
    still = [i for i, t in enumerate(trades) if t.is_open]
    edges = [colours[i] for i in still]
    axes.scatter(
        end[still], [trades[i].exit_price for i in still], marker="o", s=48 * size, facecolors="white", edgecolors=edges, zorder=8
    )


def _volume_at_price(axes: Any, bars: BarColumns) -> None:
    edges = np.linspace(bars.low.min(), bars.high.max(), _PROFILE_ROWS + 1)
    step = edges[1] - edges[0]
    axes.set_xticks([])
    if step <= 0:
        return
    low, high = bars.low[:, None], np.maximum(bars.high, bars.low + step / 50)[:, None]
    share = np.clip(np.minimum(high, edges[1:]) - np.maximum(low, edges[:-1]), 0, None) / (high - low)
    volume = bars.volume.astype(np.float64) @ share
    if not volume.any():
        return
    colours = [_POC if i == int(volume.argmax()) else _VALUE for i in range(_PROFILE_ROWS)]
    axes.barh(edges[:-1] + step / 2, volume, height=step * 0.86, color=colours, alpha=0.55, linewidth=0)
    axes.set_xlim(0, volume.max() * 1.06)


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
    profile.set_xlabel("volume at price\n(from bars)", fontsize=8, color=_MUTED)
    if money is not None:
        money.grid(axis="y", color=_GRID, linewidth=0.7)
        money.yaxis.tick_right()


def _tag_last(axes: Any, bars: BarColumns, levels: LevelColumns) -> None:
    """Name the last levels at the right edge of the price panel."""
    span = float(bars.high.max() - bars.low.min()) or 1.0
    placed: list[float] = []
    for name, column, colour in (("POC", levels.poc, _POC), ("VAH", levels.vah, _VALUE), ("VAL", levels.val, _VALUE)):
        value = float(column[-1])
        if not np.isfinite(value) or any(abs(value - other) < span * 0.032 for other in placed):
            continue
        placed.append(value)
        axes.annotate(
            name, (1, value), (-3, 0), xycoords=("axes fraction", "data"), textcoords="offset points", ha="right", va="center",
            fontsize=7.5, fontweight="bold", color="white", zorder=9,
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


def time_labels(ts: I64) -> tuple[list[int], list[str]]:
    """Return bars to label on a time axis that counts bars, and their texts in IST.

    Parameters
    ----------
    ts : int64, shape (n_bars,), ns

    Returns
    -------
    (index, text)
        Clock times at the finest whole step that leaves at most 14 labels, the date under the first of each day; dates alone,
        thinned evenly, where there are more days than labels.
    """
    day = np.asarray(day_index(ts))
    minute = (ts - np.asarray(day_start(day))) // MINUTE_NS
    firsts = np.append(0, np.flatnonzero(np.diff(day)) + 1)
    chosen = firsts[:: -(-len(firsts) // _MOST_LABELS)]
    if len(firsts) <= _MOST_LABELS // 2:
        for step in _STEPS_MIN:
            turns = np.flatnonzero(np.diff(minute // step)) + 1
            # A label too near the first bar of its day would be written over that day's.
            room = len(ts) // (_MOST_LABELS * 2)
            turns = turns[turns - firsts[np.searchsorted(firsts, turns, side="right") - 1] > room]
            if len(turns) + len(firsts) <= _MOST_LABELS:
                chosen = np.union1d(firsts, turns)
                break
    is_first = set(firsts.tolist())
    dates_only = len(firsts) > _MOST_LABELS // 2
    texts = []
    for i in chosen.tolist():
        clock = "" if dates_only else f"{minute[i] // 60:02d}:{minute[i] % 60:02d}"
        date = f"{to_date(int(day[i])):%d %b %Y}" if i in is_first else ""
        texts.append("\n".join(part for part in (clock, date) if part))
    return chosen.tolist(), texts


def _words(figure: Any, price: Any, trades: Sequence[Trade], title: str, subtitle: str, *, synthetic: bool) -> None:
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
    handles += [Patch(facecolor=colour, label=name) for _, name, colour in _REGIMES]
    price.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(-0.004, 0.998), ncols=len(handles), frameon=False, fontsize=8.5,
        labelcolor=_INK, handlelength=1.5, columnspacing=1.3, handletextpad=0.5, borderaxespad=0.2,
    )  # fmt: skip
