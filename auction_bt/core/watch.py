"""An open trade watched at bar closes: acceptance beyond the edge, a regime that turned, the trailing stop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

from .regime import Regime
from .trade import Side


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of an open trade from bar to bar.

    Parameters
    ----------
    side : Side
    regime : Regime
        At entry.
    edge : int, ticks
        The edge of value the trade leans on, frozen at entry: VAL for a long, VAH for a short.
    entered : int, ns
        Time of the entry's fill, to the second, as an exchange says it.
    best, worst : int, ticks
        Most and least favourable extreme of the bars closed since.
    flips : int
        Bars in a row whose regime was against the trade.
    beyond : int
        Acceptance bins in a row that closed beyond the edge.
    bin : int
        Number of the acceptance bin of the last bar, counted from the session's open; -1 before the first.
    bin_close : int, ticks
    bin_counted : bool
        This bin's close has been judged.
    """

    side: Side
    regime: Regime
    edge: int
    entered: int
    best: int
    worst: int
    flips: int = 0
    beyond: int = 0
    bin: int = -1
    bin_close: int = 0
    bin_counted: bool = False

    def step(self, *, ts: int, close: int, high: int, low: int, regime: Regime, session_open: int, bar: int, bin_ns: int) -> Self:
        """Return the watch after one more closed bar.

        Parameters
        ----------
        ts : int, ns
            End of the bar.
        close, high, low : int, ticks
        session_open : int, ns
        bar, bin_ns : int, ns
            Length of a bar and of an acceptance bin; 0 bins = off.
        """
        sign = self.side.sign
        best = max(self.best, high) if sign > 0 else min(self.best, low)
        worst = min(self.worst, low) if sign > 0 else max(self.worst, high)
        flips = self.flips + 1 if self._is_against(regime) else 0
        state = replace(self, best=best, worst=worst, flips=flips)
        if not bin_ns:
            return state
        number, into = divmod(ts - bar - session_open, bin_ns)
        if state.bin != number:
            if state.bin >= 0 and not state.bin_counted:  # the bin ended without a bar at its very end
                state = state._count(state.bin_close)
            # A bin that began before the entry is none of the trade's.
            state = replace(state, bin=number, bin_counted=session_open + number * bin_ns < self.entered)
        state = replace(state, bin_close=close)
        if into + bar >= bin_ns and not state.bin_counted:
            state = replace(state._count(close), bin_counted=True)
        return state

    def _count(self, close: int) -> Self:
        return replace(self, beyond=self.beyond + 1 if (close - self.edge) * self.side.sign < 0 else 0)

    def _is_against(self, regime: Regime) -> bool:
        against = Regime.BEAR if self.side is Side.LONG else Regime.BULL
        return regime is against

    def reason_to_leave(self, *, acceptance_bins: int, flip_bars: int) -> str:
        """Return ``acceptance``, ``flip`` or an empty string; 0 turns a rule off."""
        if acceptance_bins and self.beyond >= acceptance_bins:
            return "acceptance"
        if flip_bars and self.flips >= flip_bars:
            return "flip"
        return ""

    def trail(self, distance: float) -> float:
        """Return the chandelier stop in ticks: the best price so far less `distance` (ticks)."""
        return self.best - self.side.sign * distance
