"""How often targets were reached before stops, beside how often a price without drift would have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum, sqrt
from statistics import NormalDist
from typing import Final

import numpy as np

from .planned import Planned

EXACT: Final = 1000  # trades up to which the distribution is convolved; beyond it the normal one is as good


@dataclass(frozen=True, slots=True)
class HitRate:
    """First targets reached, against chance.

    Parameters
    ----------
    trades : int
        With a known stop and target.
    hits : int
        That sold at their first target.
    undecided : int
        That met neither: closed by time, by acceptance, at the session's end. Counted as no hits.
    null : float
        Mean probability of a hit for a price without drift.
    p_value : float in (0, 1]
        Probability of so many hits or more for such a price.
    left_out : int
        Trades whose stop or target is not known.
    """

    trades: int
    hits: int
    undecided: int
    null: float
    p_value: float
    left_out: int

    @property
    def rate(self) -> float:
        """Share of hits."""
        return self.hits / self.trades


def hit_rate_null(plans: Iterable[Planned]) -> HitRate | None:
    """Return the hits of closed trades beside what chance gives; None where no trade has a known stop and target.

    Notes
    -----
    A price without drift reaches a target at distance a before a stop at distance b with probability b / (a + b). A trade
    that other exits closed first might have reached its target still; the null has it do so, the count does not. So the test
    is strict: it may miss an edge, and a rate below the null is no proof of a loss. Charges are not in it.
    """
    nulls: list[float] = []
    hits = undecided = left_out = 0
    for plan in plans:
        if plan.stop is None or plan.target is None:
            left_out += 1
            continue
        nulls.append(plan.stop / (plan.target + plan.stop))
        reasons = {f.reason for f in plan.trade.fills} | {plan.trade.reason}
        if "target1" in reasons:
            hits += 1
        elif "stop" not in reasons:
            undecided += 1
    if not nulls:
        return None
    return HitRate(len(nulls), hits, undecided, fsum(nulls) / len(nulls), at_least(hits, nulls), left_out)


def at_least(hits: int, chances: Sequence[float]) -> float:
    """Return the probability of `hits` or more successes in trials of these `chances` (Poisson binomial), in (0, 1]."""
    if hits <= 0:
        return 1.0
    tiny = float(np.finfo(np.float64).tiny)
    if len(chances) > EXACT:
        spread = sqrt(fsum(c * (1 - c) for c in chances))
        z = (hits - 0.5 - fsum(chances)) / spread if spread > 0 else 0.0
        return min(1.0, max(tiny, NormalDist().cdf(-z)))
    law = np.zeros(len(chances) + 1)
    law[0] = 1.0
    for n, chance in enumerate(chances, start=1):
        law[1 : n + 1] = law[1 : n + 1] * (1 - chance) + law[:n] * chance
        law[0] *= 1 - chance
    return min(1.0, max(tiny, float(law[hits:].sum())))
