"""Turns commands of other processes into recorded messages, and says what came of each."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from .command_box import Command, CommandBox
from .commands import FLATTENED, Obeyed
from .engine import LiveAuctionEngine

_FLAT_S: Final = 60.0


class Told(Protocol):
    """What takes messages of our own into the order, and knows what is on the disk."""

    def tell(self, **message: object) -> None:
        """Record a message and let the engine take it."""
        ...

    def is_on_disk(self, seq: int) -> bool:
        """Return whether all messages up to `seq` (ns) are on the disk."""
        ...


@dataclass(frozen=True, slots=True)
class _Under:
    # A command under way.
    command: Command
    symbol: str  # its key; '' for all
    since: float


class Obedience:
    """Looks into the command box between messages.

    Parameters
    ----------
    box : CommandBox
    engine : LiveAuctionEngine
    told : Told
    say : callable (str)
        Takes a line for the terminal.
    now : callable returning float, s
        A clock that only runs forward.
    """

    def __init__(
        self, box: CommandBox, engine: LiveAuctionEngine, told: Told, say: Callable[[str], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._box = box
        self._engine = engine
        self._told = told
        self._say = say
        self._now = now
        self._under: dict[str, _Under] = {}
        self._names = {}
        for instrument in engine.plan.instruments:
            self._names[instrument.symbol.upper()] = self._names[(instrument.name or instrument.symbol).upper()] = (
                instrument.symbol
            )

    def look(self) -> None:
        """Obey what has come, and answer what is done."""
        for command in self._box.waiting():
            if command.name not in self._under:
                self._begin(command)
        for name, under in list(self._under.items()):
            obeyed = self._engine.obeyed(name)
            if obeyed is not None and self._told.is_on_disk(obeyed.seq):
                self._box.drop(name)
                if (text := self._result(under, obeyed)) is not None:
                    self._box.tell(name, text)
                    self._say(f"{under.command.what} ({under.command.by}): {text.replace(chr(10), '; ')}")
                    del self._under[name]

    def _begin(self, command: Command) -> None:
        symbol = self._names.get(command.symbol.upper(), "")
        if command.symbol and not symbol:
            self._box.drop(command.name)
            names = ", ".join(sorted(i.name or i.symbol for i in self._engine.plan.instruments))
            self._box.tell(command.name, f"no symbol {command.symbol} in this run: it trades {names}")
            return
        self._box.accept(command.name)
        self._under[command.name] = _Under(command, symbol, self._now())
        reason = "manual" if command.what == "flatten" else _reason(command)
        self._told.tell(kind="command", what=command.what, symbol=symbol, by=command.by, reason=reason, id=command.name)

    def _result(self, under: _Under, obeyed: Obeyed) -> str | None:
        what = under.command.what
        if what == "halt":
            return "no new trade is opened; open trades keep their stops and targets"
        if what == "resume":
            held = [f"{symbol} ({why})" for symbol, why in obeyed.blocked]
            rest = f"; still blocked: {', '.join(held)}" if held else ""
            return f"still halted: {obeyed.halted}{rest}" if obeyed.halted else f"trades are opened again{rest}"
        left = self._left(under.symbol)
        if not left:
            return "flat"
        return "not flat:\n" + "\n".join(left) if self._now() - under.since > _FLAT_S else None

    def _left(self, symbol: str) -> list[str]:
        found = []
        for strategy in self._engine.strategies:
            key, name = strategy.instrument.symbol, strategy.instrument.name or strategy.instrument.symbol
            if symbol and key != symbol:
                continue
            broker = self._engine.broker
            keeper = broker.keeper(key) if self._engine.plan.is_elsewhere else None
            size = keeper.held * keeper.side.sign if keeper is not None else round(broker.positions[strategy.data].size)
            if size or keeper is not None:
                orders = [tag for tag, order in keeper.orders.by_tag.items() if not order.is_final] if keeper is not None else []
                found.append(f"{name} {size:+,} shares{', orders ' + ', '.join(orders) if orders else ''}")
        return found


def _reason(command: Command) -> str:
    return {"halt": f"halted by {command.by}", "flatten": FLATTENED}.get(command.what, "")


def halt_first(box: CommandBox, tell: Callable[..., None]) -> None:
    """Halt where somebody has asked for that while no bot ran: before a message that is new can open a trade.

    Parameters
    ----------
    box : CommandBox
        The word stays in it, to be obeyed and answered in its place.
    tell : callable
        See `Told.tell`.
    """
    asked = (command for command in box.waiting() if command.what in {"halt", "flatten"} and not command.symbol)
    if (first := next(asked, None)) is not None:
        tell(kind="command", what="halt", symbol="", by=first.by, reason=_reason(first))
