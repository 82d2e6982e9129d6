"""Adds to the open trade of a strategy: whether one is due and allowed, and the one that is under way."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .core.adds import ADD_REQUESTS, Adds, plan_add
from .core.decision import Decision
from .core.entry_hours import EntryHours
from .core.exits import ExitGroup
from .core.guards import AT_ONCE, Proposal
from .core.instrument import Instrument
from .core.ledger import OpenTrade, rupees
from .core.plan import Terms
from .core.risk import RiskBook
from .core.trade import Levels
from .core.trading_day import Sent
from .entry_gate import EntryGate
from .reading import LevelsNow


class Adding:
    """Follows the adds of one trade at a time.

    Parameters
    ----------
    rule : Adds
    instrument : Instrument
    terms : Terms
    book : RiskBook
    gate : EntryGate

    Attributes
    ----------
    order : backtrader order or None
        Given, and neither filled nor over.
    """

    def __init__(self, rule: Adds, instrument: Instrument, terms: Terms, book: RiskBook, gate: EntryGate) -> None:
        self._rule, self._instrument, self._terms, self._book, self._gate = rule, instrument, terms, book, gate
        self.order: Any = None
        self._decision: Decision | None = None
        self._made, self._refused = 0, ""

    def begin(self) -> None:
        """Take it that another trade was opened."""
        self._made, self._refused = 0, ""

    def is_due(self, opened: OpenTrade, close: float) -> bool:
        """Return whether a trade asks for its next add at `close` rupees."""
        return self.order is None and self._rule.is_due(opened, close, self._made)

    def decide(
        self,
        opened: OpenTrade,
        group: ExitGroup,
        levels: LevelsNow,
        quality: float,
        proposal: Proposal,
        seq: int,
        hours: EntryHours,
    ) -> Decision | None:
        """Return what the log says of an add that is due; None where it says that already: it may stay due for many bars.

        Parameters
        ----------
        opened : OpenTrade
        group : ExitGroup
            Its exits now.
        levels : LevelsNow
        quality : float
            Of the window's ticks; NaN where there are none to judge.
        proposal : Proposal
        seq : int, ns
            The message at which it is decided.
        hours : EntryHours
        """
        book, to_price, of = self._book, self._instrument.to_price, opened.decision
        plan = plan_add(opened, group, proposal.close, quality, self._instrument, self._terms, equity=float(book.equity),
                        free=float(book.free), room=self._gate.room())  # fmt: skip
        refusal = self._gate.refusal(proposal, hours, group.deadlines) or plan.refusal
        if refusal and refusal == self._refused:
            return None
        self._refused = refusal
        poc, vah, val, regime, source = levels
        return Decision(
            seq, proposal.ts, of.symbol, "refuse_add" if refusal else "add", of.side, of.setup, regime.label,
            Levels(to_price(poc), to_price(vah), to_price(val), source), refusal, plan.qty, plan.stop, evidence=plan.evidence,
        )  # fmt: skip

    def given(self, order: Any, decision: Decision) -> None:
        """Take the order that carries a decision out."""
        self.order, self._decision, self._made = order, decision, self._made + 1
        self._stake(decision, 1)
        self._book.sent(Sent(max(decision.ts, decision.seq), AT_ONCE, ADD_REQUESTS))

    def is_of(self, order: Any) -> bool:
        """Return whether an order is the add under way."""
        return self.order is not None and order.ref == self.order.ref

    def filled(self) -> None:
        """Take it that the add was filled."""
        self.order = None

    def lapsed(self) -> Decision:
        """Take it that the add came to nothing; return what was decided."""
        decision, self.order = self._decision, None
        assert decision is not None  # noqa: S101 - for the type checker
        self._stake(decision, -1)
        return decision

    def _stake(self, decision: Decision, sign: int) -> None:
        worth = sign * rupees(decision.evidence["close"]) * decision.qty
        self._book.grown(decision.symbol, worth * Decimal(repr(self._terms.margin)), worth)
