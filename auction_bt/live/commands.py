"""What a person may tell a running day: halt, resume, flatten. Each is a recorded message, obeyed in its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from auction_bt.core.bar import Bar, Source
from auction_bt.core.ist import MINUTE_NS
from auction_bt.core.risk import RiskBook
from auction_bt.store import Event

from .steps import LiveSteps

NO_ORDERS: Final = "alerts only"
STALE: Final = "stale bar"  # of minutes that were missed: decided on, never traded
FLATTENED: Final = "flattened"
STOPPING: Final = "stopping"  # by the end of a run; the next one begins without it
_OLD_NS: Final = 2 * MINUTE_NS  # from the beginning of a minute: one of it, and another to be known in


@dataclass(frozen=True, slots=True)
class Obeyed:
    """A word that was obeyed.

    Parameters
    ----------
    seq : int, ns
        Of its message.
    halted : str
        Why nothing is opened after it; '' where trades are.
    blocked : tuple of (symbol, why)
        Symbols in which none is opened after it.
    """

    seq: int
    halted: str
    blocked: tuple[tuple[str, str], ...]


class Commands:
    """A sink that obeys recorded commands, in front of the steps.

    Parameters
    ----------
    steps : LiveSteps
    risk : RiskBook
    heard : callable (int, str)
        Takes the `seq` and the text of each ``order`` message, after the broker has.

    Attributes
    ----------
    is_late : bool
        Whether the bar under way is one of minutes that were missed.
    obeyed : dict of str to Obeyed
        By the name under which a word was given.
    was_told : bool
        Whether there was any, but for the end of a run.
    """

    def __init__(self, steps: LiveSteps, risk: RiskBook, heard: Callable[[int, str], None]) -> None:
        self._steps = steps
        self._risk = risk
        self._heard = heard
        self.is_late = False
        self.obeyed: dict[str, Obeyed] = {}
        self.was_told = False
        self.on_tick = steps.on_tick
        self.on_gap = steps.on_gap

    def on_bar(self, bar: Bar) -> None:
        """Take a bar; one that was asked for after a break is history by now, and no trade is opened on it."""
        self.is_late = bar.source is Source.CANDLES and bar.known_seq - bar.ts > _OLD_NS
        before = self._risk.halted
        if self.is_late and not before:
            self._risk.halted = STALE
        self._steps.on_bar(bar)
        self.is_late = False
        if self._risk.halted == STALE:
            self._risk.halted = before

    def on_event(self, event: Event) -> None:
        """Take a message of our own kinds."""
        if event.kind == "command":
            self._obey(json.loads(event.payload), event.seq)
        elif event.kind == "state" and self._risk.halted == STOPPING and json.loads(event.payload).get("what") == "start":
            self._risk.halted = ""
        self._steps.on_event(event)
        if event.kind == "order":
            self._heard(event.seq, event.payload)

    def _obey(self, said: dict[str, object], seq: int) -> None:
        what, symbol, reason = said.get("what"), str(said.get("symbol") or ""), str(said.get("reason") or "")
        self.was_told = self.was_told or reason != STOPPING
        risk = self._risk
        if what == "halt":
            risk.halted = risk.halted or reason or "halted"
        elif what == "resume" and symbol:
            risk.blocked.pop(symbol, None)
        elif what == "resume" and risk.halted != NO_ORDERS:
            risk.halted = ""
        elif what == "flatten":
            if symbol:
                risk.blocked[symbol] = FLATTENED
            else:
                risk.halted = risk.halted or FLATTENED
            self._steps.leave_all(seq, reason or "manual", symbol)
        if name := said.get("id"):
            self.obeyed[str(name)] = Obeyed(seq, risk.halted, tuple(sorted(risk.blocked.items())))
