"""Stock ``cerebro.plot()`` made to work without a display and with current matplotlib, by a plotter of our own."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import backtrader as bt
import matplotlib

from .core.errors import BadInput

_NOT_INTERACTIVE: Final = frozenset({"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"})


def plotter(*, width: float = 16, height: float = 9, dpi: float = 100, use: str | None = None, **scheme: Any) -> Any:
    """Return a plotter for ``cerebro.plot(plotter=…)``.

    Parameters
    ----------
    width, height : float, inches
    dpi : float, dots an inch
        Stock backtrader takes these three and ignores them.
    use : str, optional
        Matplotlib backend. Otherwise what was chosen before stays; where nothing was, and there is no display, ``Agg``.
    **scheme
        Fields of backtrader's ``PlotScheme``, as ``cerebro.plot(**kwargs)`` takes them (``style="candle"``, ``volume=False``, …).

    Notes
    -----
    The class is made here because importing ``backtrader.plot`` sets matplotlib's backend for the whole process.
    """
    stock = _stock_plot(use)
    base: Any = stock.Plot

    class AuctionPlot(base):  # type: ignore[misc]  # backtrader has no types
        """Backtrader's plot, sized, labelled, and silent without a display."""

        def plot(self, strategy: Any, figid: int = 0, numfigs: int = 1, **kwargs: Any) -> list[Any]:
            pyplot = import_module("matplotlib.pyplot")
            for number in range(figid, figid + numfigs):
                pyplot.close(number)  # an earlier plot of this number would be drawn over
            with matplotlib.rc_context({"figure.figsize": (width, height), "figure.dpi": dpi}):
                figures: list[Any] = super().plot(strategy, figid=figid, numfigs=numfigs, **kwargs) or []
            for figure in figures:
                _label(figure, self.pinf.sch.tickrotation)
                _localise(figure, getattr(strategy.data, "_tz", None))
                if not _is_interactive():
                    pyplot.close(figure)  # still whole and saveable; only pyplot forgets it
            return figures

        def show(self) -> None:
            if _is_interactive():
                super().show()

    return AuctionPlot(scheme=stock.PlotScheme(), **scheme)


def plot_cerebro(cerebro: Any, plotter: Any = None, **kwargs: Any) -> list[list[Any]]:
    """Plot a finished run with backtrader's own charts.

    Parameters
    ----------
    cerebro : bt.Cerebro
        After ``run()``.
    plotter : optional
        Another plotter than ours.
    **kwargs
        As of ``Cerebro.plot``: numfigs, iplot, start, end; width, height, dpi, use and the fields of ``PlotScheme``.

    Returns
    -------
    list of list of Figure
        One list a strategy, one figure a chart; ``figures[0][0].savefig("run.png")``.

    Raises
    ------
    BadInput
        Nothing was run, or the run kept no history.
    """
    if not getattr(cerebro, "runstrats", None):
        raise BadInput("there is no run to plot: call cerebro.run() first")
    if getattr(cerebro, "_exactbars", 0) > 0:
        raise BadInput("a run with exactbars=1 keeps no history to plot: run with exactbars=0 or below")
    call = {name: kwargs.pop(name) for name in ("numfigs", "iplot", "start", "end") if name in kwargs}
    kwargs.pop("tight", None)  # for saving, which is the caller's
    chosen = plotter if plotter is not None else _plotter(**kwargs)
    figures = bt.Cerebro.plot(cerebro, plotter=chosen, **call)
    return [list(found) for found in figures if found]


_plotter = plotter  # `plot_cerebro` has an argument of that name


def _stock_plot(use: str | None) -> Any:
    """Return the module ``backtrader.plot``, which picks TkAgg on import whatever was chosen, with that put right."""
    first = "backtrader.plot" not in sys.modules
    # A copy is asked because asking matplotlib itself resolves "none chosen yet" to some backend.
    before = matplotlib.rcParams.copy()["backend"] if first else None
    stock = import_module("backtrader.plot")

    chosen = use or (before if isinstance(before, str) else None) or os.environ.get("MPLBACKEND")
    if chosen:
        matplotlib.use(chosen)
    elif not _has_display() and "ipykernel" not in sys.modules:
        matplotlib.use("Agg")
    return stock


def _has_display() -> bool:
    if find_spec("_tkinter") is None:
        return False
    return sys.platform in {"win32", "darwin"} or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _is_interactive() -> bool:
    return matplotlib.get_backend().lower() not in _NOT_INTERACTIVE


def _localise(figure: Any, zone: Any) -> None:
    """Show times in the feed's zone: backtrader writes them in UTC."""
    formatters = {id(f): f for axes in figure.axes if hasattr(f := axes.xaxis.get_major_formatter(), "dates")}
    for formatter in formatters.values() if zone is not None else ():
        formatter.dates = [bt.date2num(bt.num2date(when, zone)) for when in formatter.dates]


def _label(figure: Any, rotation: float) -> None:
    """Show the time labels of the lowest panel: backtrader hides all and then asks matplotlib for the visible ones only."""
    if not figure.axes:
        return
    lowest = min(round(axes.get_position().y0, 6) for axes in figure.axes)
    for axes in figure.axes:
        is_lowest = round(axes.get_position().y0, 6) == lowest
        axes.tick_params(axis="x", labelbottom=is_lowest, labelrotation=rotation)
    figure.subplots_adjust(bottom=0.09)
