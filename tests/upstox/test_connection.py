"""The connection to the simulated broker's sockets: what is asked for comes, whatever happens to the line."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from random import Random
from typing import Any

import pytest
import upstox_client

from auction_bt.core.errors import BadInput
from auction_bt.sim.day import day_of_seed
from auction_bt.sim.service import Feeds
from auction_bt.sim.simulation import Simulation, Terms
from auction_bt.sim.socket_faults import SocketFault, SocketFaultKind
from auction_bt.synthetic import DEMO
from auction_bt.upstox.client import UpstoxClient
from auction_bt.upstox.connection import Connection, FeedState, MarketFeed, Patience, PortfolioFeed
from auction_bt.upstox.frames import Frames
from tests.sim.served import market, serving
from tests.waiting import until

DAY = date(2026, 3, 10)
HASTY = Patience(ping=0.3, dead=1.0, mute=1.5)


class Listener:
    """Keeps what a connection tells, in its order."""

    def __init__(self, *, acknowledges: bool = False) -> None:
        self.acknowledges = acknowledges
        self.told: list[tuple[str, Any]] = []

    def on_frame(self, payload: bytes | str, acknowledge: Any) -> None:
        self.told.append(("frame", payload))
        if self.acknowledges:
            acknowledge()

    def on_state(self, state: FeedState, why: str) -> None:
        self.told.append(("state", (state, why)))

    def on_gap(self, begin: int, end: int, why: str) -> None:
        self.told.append(("gap", (begin, end, why)))

    def of(self, kind: str) -> list[Any]:
        return [value for its, value in list(self.told) if its == kind]

    @property
    def named(self) -> dict[str, Any]:
        return {"on_frame": self.on_frame, "on_state": self.on_state, "on_gap": self.on_gap}


@contextmanager
def running(feed: Connection) -> Iterator[None]:
    feed.start()
    try:
        yield
    finally:
        feed.close()
        assert feed.state is FeedState.CLOSED


def client_of(url: str, token: str) -> UpstoxClient:
    made = UpstoxClient(url)
    made.send_token(token)
    return made


def simulated(*faults: SocketFault, speed: float = 400.0, instruments: int = 1, lockstep: bool = False) -> Simulation:
    day = day_of_seed(7, DAY, list(DEMO.values())[:instruments], per_minute=20)
    return Simulation(day, Terms(speed=speed, socket_faults=faults, lockstep=lockstep))


def feed_of(simulation: Simulation, listener: Listener, **named: Any) -> MarketFeed:
    token = simulation.grant()
    named = {"clock": simulation.clock, "random": Random(3), "patience": HASTY, **named}
    feed = MarketFeed(lambda: client_of(simulation.url, token), **listener.named, **named)
    feed.subscribe(simulation.day.keys)
    return feed


def test_in_lockstep_every_frame_of_a_day_comes_once_and_in_order() -> None:
    day = day_of_seed(7, DAY, list(DEMO.values())[:2], per_minute=2)
    sent = [shown.message["currentTs"] for shown in day.frames()]
    with Simulation(day, Terms(lockstep=True)) as simulation:
        heard, updates = Listener(acknowledges=True), Listener(acknowledges=True)
        token = simulation.grant()
        portfolio = PortfolioFeed(lambda: client_of(simulation.url, token), clock=simulation.clock, **updates.named)
        with running(portfolio), running(feed_of(simulation, heard)):
            simulation.player.join(60)
            until(lambda: len(heard.of("frame")) > len(sent))
    frames = Frames()
    got = [frames.decode(payload) for payload in heard.of("frame")]
    assert got[0]["type"] == "market_info"
    assert [m["currentTs"] for m in got[1:]] == sent
    assert not heard.of("gap")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (SocketFault(SocketFaultKind.CLOSE, 40, code=1000), "closed by the server (1000)"),
        (SocketFault(SocketFaultKind.CLOSE, 40, code=1011), "closed by the server (1011)"),
        (SocketFault(SocketFaultKind.CUT, 40), "broken"),
        (SocketFault(SocketFaultKind.HALF_OPEN, 40, seconds=3.0), "nothing heard for 1 s"),
        (SocketFault(SocketFaultKind.MUTE, 40, seconds=4.0), "no frame for"),
    ],
)
def test_a_line_that_breaks_is_found_and_asked_again_for_the_same(fault: SocketFault, why: str) -> None:
    with simulated(fault) as simulation:
        heard = Listener()
        feed = feed_of(simulation, heard, expects=lambda: True)
        with running(feed):
            until(lambda: feed.counts.connects >= 2 and len(heard.of("frame")) > 80, timeout=60)
    (gap,) = heard.of("gap")[:1]
    assert gap[0] < gap[1]
    assert why in gap[2]
    kinds = [kind for kind, _ in heard.told]
    after = kinds.index("gap")
    assert kinds[after + 1] == "frame"  # what is missing is told before what comes after it
    frames = Frames()
    assert all(simulation.day.keys[0] in frames.decode(p)["feeds"] for p in heard.of("frame")[60:80])


def test_a_server_that_accepts_and_drops_is_not_hammered() -> None:
    fault = SocketFault(SocketFaultKind.FLAP, 10, times=200)
    with simulated(fault) as simulation:
        heard = Listener()
        feed = feed_of(simulation, heard)
        with running(feed):
            until(lambda: feed.counts.connects >= 5, timeout=60)
            begin, before = time.monotonic(), feed.counts.connects
            threading.Event().wait(2.0)  # the time in which the SDK's own way connects some 650 times
            spent = time.monotonic() - begin
    assert feed.counts.connects - before <= 2 + spent * 2


def test_what_is_asked_for_while_it_runs_comes_and_what_is_left_goes() -> None:
    with simulated(instruments=3, speed=200.0) as simulation:
        heard = Listener()
        first, second, third = simulation.day.keys
        feed = feed_of(simulation, heard)
        feed.unsubscribe([second, third])
        frames = Frames()

        def seen(since: int) -> set[str]:
            return {key for p in heard.of("frame")[since:] for key in frames.decode(p).get("feeds", {})}

        with running(feed):
            until(lambda: len(heard.of("frame")) > 10)
            assert seen(0) == {first}
            feed.subscribe([second], "ltpc")
            until(lambda: second in seen(0))
            feed.unsubscribe([first])
            until(lambda: simulation.server.keys == {second})
            feed.subscribe([second])
            last = len(heard.of("frame"))
            until(lambda: any("fullFeed" in frames.decode(p)["feeds"].get(second, {}) for p in heard.of("frame")[last:]))
        with pytest.raises(BadInput):
            feed.subscribe([first], "depth")


def test_updates_of_the_account_come_as_text() -> None:
    with simulated(speed=60.0) as simulation:
        heard, frames = Listener(), Listener()
        token = simulation.grant()
        feed = PortfolioFeed(lambda: client_of(simulation.url, token), clock=simulation.clock, **heard.named)
        with running(feed), running(feed_of(simulation, frames)):
            until(lambda: feed.state is FeedState.LIVE and len(frames.of("frame")) > 20)
            asked = market(instrument_token=simulation.day.keys[0], quantity=250)
            upstox_client.OrderApiV3(client_of(simulation.url, token).sdk).place_order(asked)
            until(lambda: any(json.loads(text).get("status") == "complete" for text in heard.of("frame")))
    assert feed.counts.texts == len(heard.of("frame")) > 1
    assert not feed.counts.frames


def test_a_token_that_is_none_is_said_and_the_next_one_taken() -> None:
    tokens = ["dead"]
    with simulated() as simulation:
        heard = Listener()
        feed = MarketFeed(lambda: client_of(simulation.url, tokens[-1]), clock=simulation.clock, **heard.named)
        feed.subscribe(simulation.day.keys)
        feed._backoff._ceiling = 0.2
        with running(feed):
            until(lambda: (FeedState.NO_TOKEN) in [state for state, _ in heard.of("state")])
            tokens.append(simulation.grant())
            until(lambda: feed.state is FeedState.LIVE, timeout=30)
    said = next(why for state, why in heard.of("state") if state is FeedState.NO_TOKEN)
    assert "UDAPI100050" in said
    assert "dead" not in said


def test_a_source_without_a_token_is_no_connection() -> None:
    def none() -> UpstoxClient:
        raise BadInput("no access token: set one")

    heard = Listener()
    feed = MarketFeed(none, clock=lambda: 0, **heard.named)
    with running(feed):
        until(lambda: feed.state is FeedState.NO_TOKEN)
    assert (FeedState.NO_TOKEN, "no access token: set one") in heard.of("state")


def test_a_server_that_is_away_is_said_and_found_when_it_comes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    heard = Listener()
    feed = MarketFeed(lambda: client_of(f"http://127.0.0.1:{port}", "t"), clock=lambda: 0, random=Random(1), **heard.named)
    with running(feed):
        until(lambda: feed.state is FeedState.DISCONNECTED)
    assert any("cannot connect" in why for _, why in heard.of("state"))


def test_an_answer_that_leads_nowhere_safe_is_not_followed() -> None:
    with serving(feeds=Feeds("http://elsewhere/", "http://elsewhere/")) as service:
        heard = Listener()
        feed = MarketFeed(lambda: client_of(service.url, service.sessions.grant(service.broker.clock())),
                          clock=service.broker.clock, **heard.named)  # fmt: skip
        with running(feed):
            until(lambda: feed.state is FeedState.DISCONNECTED)
    assert any("names no address" in why for _, why in heard.of("state"))


def test_closing_takes_no_longer_than_a_turn_and_nothing_comes_after() -> None:
    with simulated(speed=2000.0) as simulation:
        heard = Listener()
        before = set(threading.enumerate())
        feed = feed_of(simulation, heard)
        feed.start()
        until(lambda: len(heard.of("frame")) > 5)
        feed.close()
        assert feed.state is FeedState.CLOSED
        assert heard.told[-1] == ("state", (FeedState.CLOSED, ""))
        assert not any(thread.name == "market feed" for thread in set(threading.enumerate()) - before)
        until(lambda: not simulation.server.count("market"))


def test_closing_before_it_was_begun_is_nothing() -> None:
    feed = MarketFeed(lambda: client_of("http://127.0.0.1:1", ""), clock=lambda: 0, **Listener().named)
    feed.close()
