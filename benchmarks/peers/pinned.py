"""The peers: what is installed of each, what it is asked to do, and what it cannot express."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Peer:
    """A backtester in an environment of its own.

    Parameters
    ----------
    name : str
        Of its environment.
    module : str
        In `benchmarks.peers`.
    distribution : str
    pins : tuple of str
    beside : dict of str to str
        The case of ours that each of its cases is held against.
    aims : dict of str to float
        How many times as fast ours should be.
    equal : dict of str to int
        Cases whose fills must be ours, and from which field on: 0 time, price, size; 1 price, size.
    lacks : str
        What it cannot express of the workload.
    """

    name: str
    module: str
    distribution: str
    pins: tuple[str, ...]
    beside: dict[str, str]
    aims: dict[str, float]
    equal: dict[str, int]
    lacks: str


_TICKS, _DAY, _BARS = "ticks to fills", "the day stock is given", "bars to fills"
_NUMPY, _PANDAS = "numpy==2.4.6", "pandas==3.1.1"

PEERS: Final = (
    Peer("backtrader", "stock", "backtrader", ("backtrader==1.9.78.123", _NUMPY, _PANDAS),
         {"replaydata, PandasData": _DAY, "replaydata, leanest feed": _DAY, "resampledata, PandasData": _DAY,
          "resampledata, leanest feed": _DAY, "bars, PandasData, runonce": _BARS},
         {"replaydata, PandasData": 120, "replaydata, leanest feed": 80, "bars, PandasData, runonce": 3},
         {"replaydata, PandasData": 0, "replaydata, leanest feed": 0, "bars, PandasData, runonce": 1},
         "nothing, replayed; resampled, orders meet whole bars"),
    Peer("back-trader-cpp", "cpp", "back-trader-cpp", ("back-trader-cpp==0.38.0", _NUMPY, _PANDAS),
         {"replaydata, PandasData": _TICKS, "resampledata, PandasData": _TICKS, "bars, PandasData, runonce": _BARS},
         {"replaydata, PandasData": 4}, {"replaydata, PandasData": 0},
         "feeds written in Python; its resampled minutes are not stock's"),
    Peer("nautilus_trader", "nautilus", "nautilus_trader", ("nautilus_trader==1.221.0", _NUMPY, "pandas==2.3.3"),
         {"trade ticks, minutes inside": _TICKS}, {"trade ticks, minutes inside": 8}, {},
         "deciding at the first tick after a bar; strategies of backtrader"),
    Peer("hftbacktest", "hft", "hftbacktest", ("hftbacktest==2.4.4", "numba==0.68.1", "numpy==2.2.6"),
         {"trades and a made-up book, polled": _TICKS}, {}, {},
         "bars, indicators, brackets: bars and wishes given, exits polled once a second, a book made up"),
    Peer("backtesting.py", "backtestingpy", "backtesting", ("backtesting==0.6.6", _NUMPY, _PANDAS),
         {"bars": _BARS}, {}, {}, "ticks; levels given"),
    Peer("vectorbt", "vectorised", "vectorbt", ("vectorbt==1.2.0", "numba==0.68.1", _NUMPY, _PANDAS),
         {"bars, from_signals": _BARS}, {}, {}, "ticks, orders, stops at a price: wishes given, stops as shares of the entry"),
)  # fmt: skip
