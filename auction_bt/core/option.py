"""Prices and deltas of European options on a future: Black 1976, without interest for want of time."""

from __future__ import annotations

from math import erf, isfinite, log, nan, sqrt
from typing import Final

from .instrument import Right
from .ist import DAY_NS

YEAR_NS: Final = 365 * DAY_NS
_HIGHEST: Final = 10.0  # a volatility of 1,000 %: what no quote of a living contract needs
_STEPS: Final = 80  # bisections: to the last bit


def premium_of(forward: float, strike: float, years: float, vol: float, right: Right) -> float:
    """Return the premium.

    Parameters
    ----------
    forward, strike : float, rupees
        `forward` is the price of the future on the underlying.
    years : float
        To expiry.
    vol : float, a year
        0.15 for 15 %.

    Returns
    -------
    float, rupees
    """
    sign = 1 if right is Right.CALL else -1
    spread = vol * sqrt(years)
    if spread <= 0:
        return max(0.0, sign * (forward - strike))
    d1 = log(forward / strike) / spread + spread / 2
    return sign * (forward * _cdf(sign * d1) - strike * _cdf(sign * (d1 - spread)))


def delta_of(forward: float, strike: float, years: float, vol: float, right: Right) -> float:
    """Return by how much the premium moves for a rupee of the future: 0 to 1 for a call, -1 to 0 for a put.

    Parameters
    ----------
    forward, strike, years, vol, right
        See `premium_of`.
    """
    sign = 1 if right is Right.CALL else -1
    spread = vol * sqrt(years)
    if spread <= 0:
        return float(sign) if sign * (forward - strike) > 0 else 0.0
    return sign * _cdf(sign * (log(forward / strike) / spread + spread / 2))


def vol_of(premium: float, forward: float, strike: float, years: float, right: Right) -> float:
    """Return the volatility at which a premium is right; NaN where none is (below its intrinsic value, or expired).

    Parameters
    ----------
    premium, forward, strike : float, rupees
    years : float
    right : Right
    """
    sign = 1 if right is Right.CALL else -1
    if not (isfinite(premium) and years > 0 and forward > 0 and strike > 0 and premium > max(0.0, sign * (forward - strike))):
        return nan
    low, high = 0.0, _HIGHEST
    if premium_of(forward, strike, years, high, right) < premium:
        return nan
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if premium_of(forward, strike, years, middle, right) < premium:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _cdf(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2
