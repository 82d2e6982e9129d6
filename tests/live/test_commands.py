"""Words to a running day, as recorded messages in their place."""

import json
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest

from auction_bt.core.risk import RiskBook
from auction_bt.live.command_box import Command, CommandBox
from auction_bt.live.commands import NO_ORDERS, STOPPING, Commands
from auction_bt.live.obedience import Obedience, halt_first
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


class Bot:
    """A run whose messages never cease to wait: what is told comes into its place when the test says so."""

    def __init__(self) -> None:
        self.risk = RiskBook(Decimal(1))
        self.commands = Commands(Steps(), self.risk, lambda *_: None)
        self.plan = SimpleNamespace(instruments=(), is_elsewhere=False)
        self.strategies: list[object] = []
        self.told: list[dict[str, object]] = []
        self.on_disk = 0

    def tell(self, **message: object) -> None:
        self.told.append(message)

    def obeyed(self, name: str) -> object:
        return self.commands.obeyed.get(name)

    def is_on_disk(self, seq: int) -> bool:
        return seq <= self.on_disk

    def take(self, seq: int) -> None:
        words = self.told.pop(0)
        self.commands.on_event(Event(seq, str(words["kind"]), "", json.dumps(words)))


def test_a_word_is_answered_when_it_was_obeyed_and_is_on_the_disk_and_by_what_it_led_to_itself(tmp_path: Path) -> None:
    box, bot = CommandBox(tmp_path), Bot()
    obedience = Obedience(box, bot, bot, lambda _: None)  # type: ignore[arg-type]
    names = [box.post(Command(what, by="command line")) for what in ("halt", "resume", "halt")]
    obedience.look()
    assert [m["what"] for m in bot.told] == ["halt", "resume", "halt"]
    for seq in (1, 2, 3):
        bot.take(seq)
    obedience.look()
    assert box.answer(names[0], 0) is None, "it is not on the disk yet"
    assert len(box.waiting()) == 3
    bot.on_disk = 2
    obedience.look()
    assert "no new trade is opened" in (box.answer(names[0], 0) or "")
    assert box.answer(names[1], 0) == "trades are opened again", "whatever came after it"
    assert box.answer(names[2], 0) is None
    assert [c.name for c in box.waiting()] == names[2:]


@pytest.mark.parametrize(("what", "symbol", "is_halted"), [
    ("halt", "", True), ("flatten", "", True), ("resume", "", False), ("flatten", "X", False),
])  # fmt: skip
def test_what_was_to_be_halted_while_no_bot_ran_is_so_before_the_first_message(
    tmp_path: Path, what: str, symbol: str, is_halted: bool
) -> None:
    box, bot = CommandBox(tmp_path), Bot()
    name = box.post(Command(what, symbol, by="command line"))
    halt_first(box, bot.tell)
    assert [m["what"] for m in bot.told] == (["halt"] if is_halted else [])
    while bot.told:
        bot.take(1)
    assert bool(bot.risk.halted) is is_halted
    assert [c.name for c in box.waiting()] == [name], "it is obeyed and answered in its place all the same"


def test_whether_a_person_has_said_a_word_is_known_and_the_end_of_a_run_is_none() -> None:
    for said, was_told in ((STOP, False), (START, False), (HALT, True), (FLAT, True)):
        commands = Commands(Steps(), RiskBook(Decimal(1)), lambda *_: None)
        commands.on_event(Event(1, str(said["kind"]), "", json.dumps(said)))
        assert commands.was_told is was_told
