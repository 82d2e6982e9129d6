"""The end of a live run by hand: what is under way is waited for, and what stays is named."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from auction_bt.cli.live_screen import LiveScreen, Word
from auction_bt.core.exits import ExitGroup
from auction_bt.core.ist import SECOND_NS, from_date
from auction_bt.core.keeper import Keeper
from auction_bt.core.keeping import Terms
from auction_bt.core.live_order import Action, Asked, Outcome, Row, Status
from auction_bt.core.trade import Side
from auction_bt.synthetic import DEMO

INSTRUMENT = next(iter(DEMO.values()))
LOT = INSTRUMENT.lot


class Ending:
    """A screen after the word to stop, and one trade whose entry is on its way."""

    def __init__(self, on_exit: str = "keep") -> None:
        self.sent: list[Action] = []
        self.keeper = Keeper(Terms(INSTRUMENT.symbol, float(INSTRUMENT.tick)), Side.SHORT, LOT,
                             ExitGroup(Side.SHORT, LOT, 2_500.0), 1, SECOND_NS, self.sent.append)  # fmt: skip
        engine = SimpleNamespace(strategies=[], broker=SimpleNamespace(keepers={INSTRUMENT.symbol: self.keeper}))
        self.told: list[dict[str, Any]] = []
        self.live: Any = SimpleNamespace(session=SimpleNamespace(engine=engine), is_quiet=True,
                                         tell=lambda **message: self.told.append(message))  # fmt: skip
        plan: Any = SimpleNamespace(instruments=(INSTRUMENT,), day=from_date(date(2026, 3, 10)), is_elsewhere=True)
        self.screen = LiveScreen(SimpleNamespace(every=5, on_exit=on_exit), plan, None, Word())  # type: ignore[arg-type]
        self.lines: list[str] = []
        self.screen.say = self.lines.append  # type: ignore[method-assign]
        self.screen._stop(self.live, 100.0)

    def hear(self, tag: str, status: Status, filled: int = 0) -> None:
        order = self.keeper.orders.by_tag[tag].intent
        row = Row(f"n{tag}", tag, order.symbol, order.buy, status, order.qty, filled, 2_400.0 * bool(filled), order.trigger)
        self.keeper.on_answer(tag, Asked.PLACE, Outcome.ACCEPTED, f"n{tag}", "", 2, 2 * SECOND_NS)
        self.keeper.on_row(row, 2, 2 * SECOND_NS)

    def may_end(self, seconds: float) -> bool:
        return self.screen._may_end(self.live, 100.0 + seconds)

    def says_at_the_end(self) -> list[str]:
        before = len(self.lines)
        self.screen._say_what_stays(self.live.session.engine)
        return self.lines[before:]


def test_an_entry_on_its_way_is_waited_for_and_so_is_its_stop() -> None:
    end = Ending()
    assert [m["what"] for m in end.told] == ["halt"]
    assert "what is under way is waited for" in end.lines[0]
    assert not end.may_end(1)
    (entry,) = end.keeper.orders.by_tag
    end.hear(entry, Status.COMPLETE, LOT)
    assert not end.may_end(2), "it is filled, and its stop is on its way"
    end.hear(list(end.keeper.orders.by_tag)[1], Status.TRIGGER_PENDING)
    assert end.may_end(3)
    assert end.says_at_the_end() == [
        f"{INSTRUMENT.name}: short {LOT} stays open; its stop at 2,500.00 rests at the exchange, its targets do not"
    ]
    assert end.screen.alarms == 0


def test_a_position_without_its_stop_is_an_alarm_when_nobody_waits_any_longer() -> None:
    end = Ending()
    (entry,) = end.keeper.orders.by_tag
    end.hear(entry, Status.COMPLETE, LOT)
    end.hear(list(end.keeper.orders.by_tag)[1], Status.REJECTED)
    assert not end.may_end(5)
    assert end.may_end(31)
    (said,) = end.says_at_the_end()
    assert "NO STOP AT EXCHANGE" in said or "nobody waits" in said
    assert end.screen.alarms == 1


def test_an_order_that_nobody_waits_for_is_named_where_the_word_came_twice() -> None:
    end = Ending()
    end.screen.word.times = 2
    assert end.may_end(0)
    (said,) = end.says_at_the_end()
    assert "an order is under way, and nobody waits for its end" in said


@pytest.mark.parametrize("on_exit", ["keep", "flatten"])
def test_nothing_under_way_ends_at_once(on_exit: str) -> None:
    end = Ending(on_exit)
    end.live.session.engine.broker.keepers.clear()
    assert end.may_end(0)
    assert end.says_at_the_end() == []
