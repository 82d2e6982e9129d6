"""The simulated broker behind a real socket, and the broker's own SDK, unmodified, in front of it."""

from contextlib import contextmanager

import upstox_client
import urllib3

from auction_bt.sim.broker import Broker
from auction_bt.sim.listening import Listening
from auction_bt.sim.rest import create_app
from auction_bt.sim.service import Service
from tests.sim.made import at, exchange


class Clock:
    """A time that stands still until it is set."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now


@contextmanager
def serving(*, on=None, now=None, minutes=None, **service):
    """Serve on a free port of loopback; yield the service, which has ``url`` and ``told``, the updates in order."""
    clock = Clock(now or at(10, 0))
    made = Told(Broker(on or exchange(), clock, minutes), **service)
    made.broker.outbox.listeners.append(made.told.append)
    with Listening(create_app(made)) as server:
        made.url = server.url
        try:
            yield made
        finally:
            for client in made.clients:
                client.close()


class Told(Service):
    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.url, self.told, self.clients = "", [], []

    def states(self):
        return [update.body["status"] for update in list(self.told) if update.kind == "order"]


class Sdk:
    """The SDK's classes of one client that sends a token; its own repetitions are off unless they are asked for."""

    def __init__(self, service, token="", retries=False):
        configuration = upstox_client.Configuration()
        configuration.host = configuration.order_host = service.url
        configuration.sandbox = False
        configuration.access_token = token
        self.client = upstox_client.ApiClient(configuration)
        if not retries:
            self.client.rest_client.pool_manager.connection_pool_kw["retries"] = urllib3.Retry(0, redirect=0)

        service.clients.append(self)

    def close(self):
        self.client.rest_client.pool_manager.clear()

    def __getattr__(self, name):
        return getattr(upstox_client, name)(self.client)


def logged_in(service, **named):
    return Sdk(service, service.sessions.grant(service.broker.clock()), **named)


def order(**changed):
    """A request to place an order, as the SDK wants it."""
    asked = {
        "quantity": 10, "product": "I", "validity": "DAY", "price": 1300.0, "instrument_token": "NSE_EQ|INE002A01018",
        "order_type": "LIMIT", "transaction_type": "BUY", "disclosed_quantity": 0, "trigger_price": 0.0, "is_amo": False,
        "tag": "t1", "slice": False,
    }  # fmt: skip
    return upstox_client.PlaceOrderV3Request(**(asked | changed))


def market(**changed):
    return order(**({"order_type": "MARKET", "price": 0.0, "market_protection": -1} | changed))


def change(order_id, **changed):
    asked = {"order_id": order_id, "validity": "DAY", "price": 1301.0, "order_type": "LIMIT", "trigger_price": 0.0,
             "quantity": 10, "disclosed_quantity": 0}  # fmt: skip
    return upstox_client.ModifyOrderRequest(**(asked | changed))


def refusal(error):
    """HTTP status and the broker's code in what the SDK has raised."""
    import json

    said = json.loads(error.value.body)
    assert said["status"] == "error"
    row = said["errors"][0]
    assert row["error_code"] == row["errorCode"]
    return error.value.status, row["error_code"]
