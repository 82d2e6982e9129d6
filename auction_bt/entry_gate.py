"""Whether anything may be opened at a bar at all, whatever the signal: the book, the guards, the hours."""

from __future__ import annotations

from typing import Any

from .core.entry_hours import EntryHours
from .core.exits import Deadline
from .core.guards import Proposal
from .core.instrument import Instrument
from .core.no_trade import names_of
from .core.risk import RiskBook
from .core.trade import Side
from .guard_settings import guards_of


class EntryGate:
    """Asks them in one order, in every mode.

    Parameters
    ----------
    params : backtrader params of `AuctionStrategy`
    instrument : Instrument
        The signal's.
    book : RiskBook
    """

    def __init__(self, params: Any, instrument: Instrument, book: RiskBook) -> None:
        self._p, self._book, self._symbol = params, book, instrument.symbol
        self._names = names_of(instrument)
        self.guards = guards_of(params)

    def room(self) -> float:
        """Return what may be bought or sold, in rupees; infinite where nothing limits it."""
        return self.guards.exposure.room(self._book, self._symbol)

    def propose(
        self, side: Side, seq: int, ts: int, bar: int, close: float, poc: float, lot_value: float, requests: int, silence: int, *,
        adds: bool = False,
    ) -> Proposal:  # fmt: skip
        """Return what the guards are asked about; parameters as of `Proposal`, but for `seq` (ns), the message decided at."""
        now = max(ts, seq)  # a bar may become known long after its end
        return Proposal(self._symbol, self._names, side, now, ts, bar, close, poc, lot_value, requests, silence, adds)

    def refusal(self, proposal: Proposal, hours: EntryHours, deadlines: tuple[Deadline, ...]) -> str:
        """Return why nothing may be opened, as the decision log has it; '' where it may.

        Parameters
        ----------
        deadlines : tuple of Deadline
            Of the trade.
        """
        p, now = self._p, proposal.now
        said = self._book.refusal(proposal.symbol, adds=proposal.adds) or self.guards.refusal(proposal, self._book)
        if said:
            return said
        if now - proposal.ts > p.stale_bars * proposal.bar:
            return "stale bar"
        if said := hours.refusal(now, p.entry_from_min, p.entry_until_min):
            return said
        if 0 < p.trade_until <= now:
            return "roll"
        return "entry window" if any(d.at <= now for d in deadlines) else ""
