"""Looks between messages."""

from types import SimpleNamespace

import pytest

from auction_bt.live import looks
from auction_bt.live.looks import Looks


def test_a_look_is_made_when_it_is_due_and_not_at_every_message(monkeypatch):
    now, seen = [10.0], []
    monkeypatch.setattr(looks, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def look():
        seen.append(now[0])
        return 0.2

    found = Looks(look)
    assert found.wait() == pytest.approx(0.2)
    now[0] = 10.15
    assert found.wait() == pytest.approx(0.05)
    now[0] = 10.3
    found.wait()
    assert seen == [10.0, 10.3]


def test_one_that_wants_another_look_at_once_gets_it_and_nothing_is_waited_for():
    seen = []
    found = Looks(lambda: seen.append(1) or -1.0)
    assert [found.wait(), found.wait()] == [0.0, 0.0]
    assert len(seen) == 2
