"""The price step: the coarsest that prices allow, and whether they lie on one that is known."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .bar import BarColumns

# Steps of the exchanges, largest first, then ever finer ones for data from elsewhere.
STEPS: Final = tuple(map(Decimal, (
    "5", "1", "0.5", "0.10", "0.05", "0.01", "0.001", "0.0001", "0.00005", "0.00001", "0.000001", "0.0000001", "0.00000001",
)))  # fmt: skip
USUAL: Final = Decimal("0.05")  # in India, for the cash market and derivatives alike
FINEST: Final = Decimal("0.01")  # of NSE and BSE; finer prices are adjusted or averaged ones
FEW: Final = 20  # different prices say too little: whole rupees come by chance
STRAY: Final = 0.01  # share of prices that may lie beside the step: averages, block deals

Prices = NDArray[np.float64]


def fits(prices: Prices, step: Decimal) -> NDArray[np.bool_]:
    """Return which prices are multiples of `step`."""
    index = prices / float(step)
    # A price of 1e6 on a step of 1e-4 is known to 1e-6 of a step; what is off it is off by far more.
    on: NDArray[np.bool_] = np.abs(index - np.rint(index)) < 1e-3
    return on


def inferred(prices: Prices, *, is_india: bool) -> Decimal:
    """Return the coarsest step that all prices fit; of few Indian ones none above the usual.

    Parameters
    ----------
    prices : float64 (n,), rupees
        Different ones.
    """
    return next((step for step in _steps(prices, is_india=is_india) if fits(prices, step).all()), STEPS[-1])


def tightened(stored: Decimal, prices: Prices, *, is_india: bool, finest: Decimal = STEPS[-1]) -> Decimal:
    """Return the coarsest step that the stored one is a multiple of and that `prices` fit too; the stored one where they fit it.

    Notes
    -----
    Prices only ever make a step finer: those which came before fit the stored one, and fit what divides it. Strays do not count,
    and where no step will do the stored one stays.
    """
    if not misfit(prices, stored):
        return stored
    finer = (s for s in _steps(prices, is_india=is_india) if finest <= s < stored and stored % s == 0)
    return next((step for step in finer if not misfit(prices, step)), stored)


def misfit(prices: Prices, step: Decimal) -> str:
    """Return, for people, how many prices are not multiples of `step`; empty where no more are than stray."""
    off = misfit_share(prices, step)
    if off <= STRAY:
        return ""
    return f"{off:.0%} of the prices are not multiples of tick {step}: give the right one with import --tick"


def misfit_share(prices: Prices, step: Decimal) -> float:
    """Return the share of prices that are not multiples of `step`; 0 of none."""
    return float((~fits(prices, step)).mean()) if len(prices) else 0.0


def misfit_of_bars(bars: BarColumns, step: Decimal) -> str:
    """Return `misfit` of the prices of bars."""
    return misfit(np.unique(np.concatenate((bars.open, bars.high, bars.low, bars.close))), step)


def _steps(prices: Prices, *, is_india: bool) -> list[Decimal]:
    return [step for step in STEPS if not (is_india and len(prices) < FEW and step > USUAL)]
