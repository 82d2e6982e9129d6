"""The SDK's client, and the traps it keeps others from."""

import pytest
import upstox_client

from auction_bt.upstox.client import UpstoxClient, data_of
from tests.broker.server import Broker, serving


@pytest.fixture
def broker():
    broker = Broker()
    with serving(broker) as url:
        broker.url = url
        yield broker


def asked(client, day="2026-11-25"):
    return upstox_client.MarketHolidaysAndTimingsApi(client.sdk).get_exchange_timings(day, **client.options)


@pytest.mark.parametrize("first", [True, False])
def test_a_configuration_made_before_or_after_by_somebody_else_is_neither_used_nor_changed(broker, first):
    configuration = upstox_client.Configuration
    before, configuration._default = configuration._default, None
    try:
        theirs = configuration(sandbox=True) if first else None
        client = UpstoxClient(broker.url + "/")
        client.send_token("secret")
        theirs = theirs or configuration(sandbox=True)
        assert len(data_of(asked(client).data)) == 7
        assert (theirs.access_token, broker.url in theirs.host) == ("", False)
        assert (client.sdk.configuration.sandbox, client.sdk.configuration.order_host) == (False, broker.url)
    finally:
        configuration._default = before


def test_no_token_is_sent_until_it_is_asked_for(broker):
    client = UpstoxClient(broker.url)
    asked(client)
    client.send_token("secret")
    asked(client)
    assert [authorization for _, authorization in broker.calls] == [None, "Bearer secret"]


@pytest.mark.parametrize("fault", ["reset", "cut"])
def test_the_sdk_repeats_nothing_by_itself(broker, fault):
    client = UpstoxClient(broker.url)
    broker.faults = dict.fromkeys(range(1, 6), fault)
    with pytest.raises(client.transport):
        asked(client).data  # noqa: B018  the body is read here
    assert len(broker.calls) == 1


def test_a_refusal_is_raised_with_what_the_broker_says(broker):
    client = UpstoxClient(broker.url)
    broker.faults = {1: 429}
    with pytest.raises(client.refusal) as caught:
        asked(client)
    assert (caught.value.status, b"UDAPI10005" in caught.value.body) == (429, True)
