"""Words to a running day, as recorded messages in their place."""

import json
from decimal import Decimal

import pytest

from auction_bt.core.risk import RiskBook
from auction_bt.live.commands import NO_ORDERS, STOPPING, Commands
from auction_bt.store import Event


class Steps:
    """What a command reaches behind."""

    def __init__(self) -> None:
        self.left: list[str] = []
        self.on_tick = self.on_gap = self.on_bar = lambda _: None

    def on_event(self, event: Event) -> None:
        pass

    def leave_all(self, seq: int, reason: str, symbol: str) -> None:
        self.left.append(symbol or "all")


def risk_after(*said: dict[str, object], halted: str = "") -> RiskBook:
    risk = RiskBook(Decimal(1), halted=halted)
    commands = Commands(Steps(), risk, lambda *_: None)
    for seq, words in enumerate(said):
        commands.on_event(Event(seq, str(words["kind"]), "", json.dumps(words)))
    return risk


HALT = {"kind": "command", "what": "halt", "reason": "by hand"}
STOP = {"kind": "command", "what": "halt", "reason": STOPPING}
FLAT = {"kind": "command", "what": "flatten", "reason": "manual"}
START = {"kind": "state", "what": "start", "settings": {"cash": 1}}
RECORDER = {"kind": "state", "what": "recorder", "settings": {}}


@pytest.mark.parametrize(
    ("said", "halted"),
    [
        ((STOP,), STOPPING),
        ((STOP, START), ""),  # a run that was ended by hand, and begun again, trades again
        ((STOP, FLAT, START), ""),
        ((STOP, RECORDER), STOPPING),
        ((HALT, STOP, START), "by hand"),  # but for what was halted before
        ((FLAT, START), "flattened"),
    ],
)
def test_a_new_start_lifts_what_the_last_end_has_halted_and_no_more(said: tuple[dict[str, object], ...], halted: str) -> None:
    assert risk_after(*said).halted == halted


def test_alerts_alone_stay_alerts_alone() -> None:
    assert risk_after(STOP, START, halted=NO_ORDERS).halted == NO_ORDERS
