"""The access token of a running day: what is told of its end, and of its absence before the open; never the token itself."""

import threading
from datetime import date
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.brokers.charges import NoCharges
from auction_bt.cli.alerting import told_token
from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, MINUTE_NS, day_start, from_date
from auction_bt.core.leg import Leg
from auction_bt.live.alerts import FILE
from auction_bt.live.assembly import LiveRun, recording_of
from auction_bt.live.engine import LivePlan, Orders
from auction_bt.live.recording import Place
from auction_bt.live.token_watch import TokenAlarms, TokenWatch
from auction_bt.sim.sessions import Sessions
from auction_bt.synthetic import DEMO
from auction_bt.upstox.token import Token
from tests.waiting import until

DAY = day_start(from_date(date(2026, 3, 10)))


def at(hour, minute=0):
    return DAY + (hour * 60 + minute) * MINUTE_NS


OPENS, ENDS = at(9, 15), at(15, 30)
HOURS = [(OPENS, ENDS)]


def told(alarms, times, token, why=""):
    """What is told when it looks at `times`, by the minute of the day."""
    said = {}
    for now in times:
        if text := alarms.due(now, token, why):
            said[(now - DAY) // MINUTE_NS] = text
    return said


def minutes(begin, end):
    return range(begin, end, MINUTE_NS)


def token_of(ns):
    return Token.of(Sessions().grant(ns), "a file")


def test_a_token_that_outlives_the_day_is_not_spoken_of():
    assert told(TokenAlarms(OPENS, ENDS), minutes(at(3, 31), at(23, 59)), token_of(at(8))) == {}


def test_a_run_that_waits_through_the_night_is_told_of_the_end_and_of_the_morning_without_a_token():
    alarms, token = TokenAlarms(OPENS, ENDS), token_of(at(1))
    said = told(alarms, minutes(at(1), at(3, 40)), token)
    assert list(said) == [150, 200, 210]  # 02:30, 03:20, 03:30
    assert "ends in 60 min, at 2026-03-10 03:30 IST" in said[150]
    assert "has ended at 2026-03-10 03:30 IST" in said[210]
    said = told(alarms, minutes(at(3, 40), at(15, 30)), None, "there is none of today")
    assert list(said) == [8 * 60 + 45, 9 * 60 + 10]
    assert said[525] == "the market opens at 09:15, and there is none of today"


def test_a_login_before_the_morning_says_nothing_more():
    alarms = TokenAlarms(OPENS, ENDS)
    assert told(alarms, minutes(at(1), at(4)), token_of(at(1)))
    assert told(alarms, minutes(at(4), at(15, 30)), token_of(at(4))) == {}


@pytest.mark.parametrize("is_silent", [False, True])
def test_a_machine_that_slept_is_told_once(is_silent):
    alarms = TokenAlarms(OPENS, ENDS)
    token = Token("kept", "a file") if is_silent else token_of(at(1))  # one that does not say when it ends
    alarms.due(at(1), token)
    said = told(alarms, minutes(at(8, 50), at(9, 5)), token)
    assert list(said) == [530]
    assert "the market opens at 09:15, and there is no access token: run `login`" in said[530]


def test_one_that_dies_within_the_session_is_told_before():
    ending = Token("kept", "a file", expires=at(12))
    said = told(TokenAlarms(OPENS, ENDS), minutes(at(9), at(15, 30)), ending)
    assert list(said) == [11 * 60, 11 * 60 + 50, 12 * 60]
    late = told(TokenAlarms(OPENS, ENDS), minutes(at(11, 57), at(12)), ending)
    assert [text.split(", at")[0] for text in late.values()] == ["the access token ends in 3 min"]


@given(st.lists(st.integers(at(0), at(23)), min_size=1, max_size=40), st.integers(at(0), DAY + 2 * DAY_NS), st.booleans())
def test_each_thing_is_told_once_however_it_is_looked_at(times, expires, is_gone):
    token = Token("kept", "a file", expires=expires)
    alarms = TokenAlarms(OPENS, ENDS)
    said = [text for now in sorted(times) if (text := alarms.due(now, None if is_gone and now > at(5) else token))]
    assert len(said) <= 5
    assert len(set(said)) >= len(said) - 1  # the two words before the open are the same
    if expires >= ENDS and not is_gone:
        assert said == []


def test_it_is_asked_for_beside_the_day_and_no_token_is_told():
    text = Sessions().grant(at(8, 44))
    heard, held = [], [text]

    def ask():
        if held[0] is None:
            raise BadInput("no access token: run `login`")
        if not held[0]:
            raise KeyError(text)
        return held[0]

    now = [at(8, 44)]
    with TokenWatch(ask, lambda: now[0], heard.append, HOURS, every=0.005):
        held[0], now[0] = None, at(8, 45)
        until(lambda: len(heard) == 1)
        held[0], now[0] = "", at(9, 10)
        until(lambda: len(heard) == 2)
    assert heard == [
        "the market opens at 09:15, and no access token: run `login`",
        "the market opens at 09:15, and the access token cannot be had (KeyError)",
    ]


def test_a_place_that_hangs_holds_nobody_up():
    asked, goes_on, heard = threading.Event(), threading.Event(), []

    def ask():
        asked.set()
        goes_on.wait(30)
        raise BadInput("none")

    with TokenWatch(ask, lambda: at(8, 50), heard.append, HOURS, every=0.005) as watch:
        assert asked.wait(30)
    goes_on.set()
    watch._thread.join(30)
    assert heard == []  # it is over


def test_a_closed_day_is_not_watched():
    with TokenWatch(lambda: pytest.fail("asked"), lambda: 0, print, []) as watch:
        assert watch._thread.ident is None


class Clock:
    is_by_frames = False

    def __call__(self):
        return at(11, 30)

    def see(self, _):
        pass


def test_a_live_run_and_a_recording_have_one(tmp_path):
    instrument = next(iter(DEMO.values()))
    plan = LivePlan((instrument,), {}, Decimal(1), NoCharges(), DAY, Orders.NONE)
    text = Sessions().grant(at(1))  # of last night: not good any more, and nobody has noticed
    place = Place(f"sqlite:///{tmp_path / 'a.db'}", tmp_path, "http://127.0.0.1:9", lambda: text, Clock())
    heard, today = [], from_date(date(2026, 3, 10))
    recording = recording_of(place, plan, None, print)
    live = LiveRun(place, plan, (Leg(instrument, today, today, "X"),), recording, on_news=print, on_alarm=heard.append,
                   look=lambda _: 1.0, make=lambda *_, **__: None, decides=False)  # fmt: skip
    with live.begun():
        until(lambda: heard)
    assert heard == ["the access token has ended at 2026-03-10 03:30 IST: the broker refuses it at the next call; "
                     "run `login`, and the day goes on with the new one"]  # fmt: skip


def test_a_start_without_a_token_is_told_to_who_is_not_there(tmp_path, monkeypatch):
    came = []
    monkeypatch.delenv("UPSTOX_ACCESS_TOKEN", raising=False)
    monkeypatch.setattr("auction_bt.cli.alerting.sender_of", lambda _: lambda *words: came.append(words) or True)
    args = SimpleNamespace(config=None, keyring=False, state=tmp_path / "s")
    for now in (at(9) - 2 * DAY_NS, at(9)):  # a Sunday, on which nobody waits for it, and a Tuesday
        assert came == []
        with pytest.raises(BadInput, match="no access token"):
            told_token(args, lambda ns=now: ns)
    assert [(title, text.partition(":")[0]) for title, text in came] == [("auction_bt", "not started")]
    assert "2026-03-10 09:00:00 not started: no access token" in (tmp_path / "s" / FILE).read_text()
