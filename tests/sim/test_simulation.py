"""The simulated broker, whole: a made-up day through real sockets, in lockstep."""

import json
import urllib.request
from datetime import date

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from auction_bt.sim.answer import Update
from auction_bt.sim.day import day_of_seed
from auction_bt.sim.simulation import Simulation, Terms
from auction_bt.synthetic import DEMO
from auction_bt.upstox.frames import Frames
from tests.waiting import until

ACK = json.dumps({"guid": "1", "method": "ack", "data": {}}).encode()


def asked(simulation: Simulation, token: str, path: str) -> str:
    request = urllib.request.Request(simulation.url + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request) as answer:
        found: str = json.load(answer)["data"]["authorizedRedirectUri"]
    return found


def test_each_frame_waits_for_the_one_before_and_all_of_them_come() -> None:
    day = day_of_seed(7, date(2026, 3, 10), list(DEMO.values())[:1], per_minute=2)
    sent = [shown.message for shown in day.frames()]
    frames = Frames()
    with Simulation(day, Terms(lockstep=True)) as simulation:
        token = simulation.grant()
        market = asked(simulation, token, "/v3/feed/market-data-feed/authorize")
        portfolio = asked(simulation, token, "/v2/feed/portfolio-stream-feed/authorize?update_types=order")
        with connect(market) as feed, connect(portfolio):
            first = frames.decode(feed.recv(timeout=20))  # type: ignore[arg-type]
            assert first["type"] == "market_info"
            feed.send(ACK)
            feed.send(
                json.dumps({"guid": "2", "method": "sub", "data": {"instrumentKeys": list(day.keys), "mode": "full"}}).encode()
            )
            got = []
            for number in range(len(sent)):
                got.append(frames.decode(feed.recv(timeout=20)))  # type: ignore[arg-type]
                assert simulation.player.played <= number + 1
                feed.send(ACK)
            simulation.player.join(20)

        assert [m.get("currentTs") for m in got] == [m["currentTs"] for m in sent]
        assert [m.get("feeds") for m in got[-5:-1]] == [frames.decode(frames.encode(m)).get("feeds") for m in sent[-5:-1]]
        assert simulation.player.error is None
        assert simulation.player.is_over
        assert simulation.account()["orders"] == 0


def test_a_code_opens_a_socket_once() -> None:
    day = day_of_seed(7, date(2026, 3, 10), list(DEMO.values())[:1], per_minute=1)
    with Simulation(day, Terms(lockstep=True)) as simulation:
        market = asked(simulation, simulation.grant(), "/v3/feed/market-data-feed/authorize")
        with connect(market) as feed:
            assert feed.recv(timeout=20)
        with pytest.raises(InvalidStatus) as refused:
            connect(market)
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("asked_for", "told"),
    [("", ["order"]), ("?update_types=position", ["position"]), ("?update_types=order%2Cposition", ["order", "position"])],
)
@pytest.mark.parametrize("is_direct", [False, True])
def test_the_portfolio_feed_tells_of_what_was_asked_for(asked_for: str, told: list[str], is_direct: bool) -> None:
    day = day_of_seed(7, date(2026, 3, 10), list(DEMO.values())[:1], per_minute=1)
    with Simulation(day, Terms(lockstep=True)) as simulation:
        token = simulation.grant()
        if is_direct:  # the address that the SDK has built in: of the server, with the token
            address = simulation.server.feeds.portfolio.replace("/portfolio", f"/v2/feed/portfolio-stream-feed{asked_for}")
        else:
            address = asked(simulation, token, f"/v2/feed/portfolio-stream-feed/authorize{asked_for}")
        with connect(address, additional_headers={"Authorization": f"Bearer {token}"}) as feed:
            until(lambda: simulation.server.count("portfolio") == 1)
            for kind in ("order", "position", "order", "position"):
                simulation.server.tell(Update(kind, 0, {"update_type": kind}))
            got = [json.loads(feed.recv(timeout=20))["update_type"] for _ in range(2 * len(told))]
    assert got == 2 * told
