"""Each reject of the broker and the exchange, as a user of the SDK meets it: the call is accepted, the order is not."""

import pytest
import upstox_client
from upstox_client.rest import ApiException

from auction_bt.sim.sessions import INVALID
from tests.sim.made import FUTURE, INDEX, OPTION, PLAIN, SHARE, at, exchange
from tests.sim.served import logged_in, market, order, refusal, serving


@pytest.fixture
def service():
    with serving(on=exchange(5_000)) as made:
        yield made


@pytest.fixture
def sdk(service):
    return logged_in(service)


def status_of(sdk, asked):
    """The state and the reason of an order that the broker has accepted."""
    (order_id,) = sdk.OrderApiV3.place_order(asked).data.order_ids
    row = sdk.OrderApi.get_order_status(order_id=order_id).data
    return row.status, row.status_message


@pytest.mark.parametrize(("asked", "why"), [
    (order(quantity=100), "RMS:Margin Exceeds, Required:26000.00, Available:5000.00: you need Rs 21000.00 more"),
    (order(price=1300.05), "16283 : Price 1300.05 is not a multiple of the tick size of 0.1"),
    (order(order_type="SL-M", price=0.0, trigger_price=1320.03),
     "16283 : Trigger price 1320.03 is not a multiple of the tick size of 0.1"),
    (order(instrument_token=FUTURE, quantity=64, price=25_000.0), "17070 : The quantity 64 is not a multiple of the lot of 65"),
    (order(instrument_token=FUTURE, quantity=65 * 28, price=25_000.0),
     "17080 : Quantity 1820 is above the freeze quantity of 1800"),
    (order(price=1441.1), "17070 : Price 1441.1 is out of the current execution range 1179 to 1441"),
    (order(price=1178.9), "17070 : Price 1178.9 is out of the current execution range 1179 to 1441"),
    (order(order_type="SL", price=1320.0, trigger_price=1321.0),
     "16321 : The trigger price of a stop order lies between the market and its price"),
    (order(product="D", transaction_type="SELL"), "RMS:Rule: Check holdings: 0 shares can be sold, not 10"),
    (market(instrument_token=INDEX), "RMS:Rule: Check instrument is tradable: an index cannot be bought or sold"),
])  # fmt: skip
def test_an_order_that_is_rejected_says_why(sdk, asked, why):
    assert status_of(sdk, asked) == ("rejected", why)


def test_a_price_at_the_edge_of_the_band_and_all_the_money_there_is_are_good(sdk):
    assert status_of(sdk, order(price=1179.0))[0] == "open"
    assert status_of(sdk, order(transaction_type="SELL", price=1441.0, quantity=9))[0] == "open"


def test_a_second_exit_of_the_same_shares_wants_margin_as_if_it_opened_a_position(service, sdk):
    assert status_of(sdk, market(quantity=15))[0] == "open"
    service.broker.tick(SHARE, at(10, 0), 1310.0, 100)
    stop = order(order_type="SL-M", price=0.0, trigger_price=1300.0, transaction_type="SELL", quantity=15)
    assert status_of(sdk, stop)[0] == "trigger pending"
    state, why = status_of(sdk, order(transaction_type="SELL", price=1320.0, quantity=15))
    assert (state, why.split(",")[1]) == ("rejected", " Required:3960.00")
    assert sdk.OrderApi.cancel_multi_order(tag="t1").status == "success"
    assert status_of(sdk, order(transaction_type="SELL", price=1320.0, quantity=15))[0] == "open"


def test_a_change_that_is_bad_leaves_the_order_as_it_was(service, sdk):
    (order_id,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    asked = upstox_client.ModifyOrderRequest(order_id=order_id, validity="DAY", price=1300.07, order_type="LIMIT",
                                             trigger_price=0.0, quantity=10, disclosed_quantity=0)  # fmt: skip
    assert sdk.OrderApiV3.modify_order(asked).data.order_id == order_id
    states = [state.status for state in sdk.OrderApi.get_order_details("2.0", order_id=order_id).data]
    assert states[-3:] == ["modify validation pending", "not modified", "open"]
    assert sdk.OrderApi.get_order_status(order_id=order_id).data.price == 1300.0


@pytest.mark.parametrize(("now", "key", "is_open"), [
    (at(9, 14, 59), OPTION, False), (at(9, 15), OPTION, True), (at(15, 39, 59), OPTION, True), (at(15, 40), OPTION, False),
    (at(15, 14, 59), SHARE, True), (at(15, 15), SHARE, False), (at(15, 29, 59), PLAIN, True), (at(15, 30), PLAIN, False),
])  # fmt: skip
def test_what_is_open_when(service, sdk, now, key, is_open):
    service.broker.clock.now = now
    asked = order(instrument_token=key, product="D", quantity=65 if key is OPTION else 1,
                  price={OPTION: 70.0, SHARE: 1300.0, PLAIN: 400.0}[key])  # fmt: skip
    if is_open:
        assert status_of(sdk, asked)[0] == "open"
        return
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(asked)
    assert refusal(error) == (400, "UDAPI100057")


def test_every_call_that_moves_an_order_wants_the_registered_address_and_no_read_does(service, sdk):
    (order_id,) = sdk.OrderApiV3.place_order(order()).data.order_ids
    service.static_ips = ("10.1.1.1",)
    change = upstox_client.ModifyOrderRequest(order_id=order_id, validity="DAY", price=1301.0, order_type="LIMIT",
                                              trigger_price=0.0)  # fmt: skip
    for call in (
        lambda: sdk.OrderApiV3.place_order(order()),
        lambda: sdk.OrderApiV3.modify_order(change),
        lambda: sdk.OrderApiV3.cancel_order(order_id),
        lambda: sdk.OrderApi.cancel_multi_order(tag="t1"),
        sdk.OrderApi.exit_positions,
    ):
        with pytest.raises(ApiException) as error:
            call()
        assert refusal(error) == (403, "UDAPI1154")
    assert [row.status for row in sdk.OrderApi.get_order_book("2.0").data] == ["open"]
    assert sdk.PortfolioApi.get_positions("2.0").data == []
    service.static_ips = ("10.1.1.1", "127.0.0.1")
    assert sdk.OrderApiV3.cancel_order(order_id).status == "success"


def test_a_token_that_nobody_gave(service, sdk):
    sdk.client.configuration.access_token = sdk.client.configuration.access_token[:-4] + "AAAA"
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(order())
    assert refusal(error) == (INVALID.status, INVALID.code) == (401, "UDAPI100050")
    assert service.broker.read(lambda on, _: on.books.orders()) == []
