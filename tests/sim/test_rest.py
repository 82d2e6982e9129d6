"""The simulated broker as the SDK of the real one sees it: each class unmodified, over a real socket, into its own models."""

import gzip
import json
from datetime import date

import pytest
import upstox_client
import urllib3
from upstox_client.rest import ApiException

from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_index
from auction_bt.market.agreement import differences
from auction_bt.sim.history import Candle, Minutes
from auction_bt.sim.money import units
from auction_bt.sim.position import Holding
from auction_bt.sim.service import Feeds
from auction_bt.sim.sessions import Scope
from tests.sim.made import FUTURE, OPTION, PLAIN, SHARE, at, exchange
from tests.sim.served import Sdk, change, logged_in, market, order, refusal, serving
from tests.waiting import until


@pytest.fixture
def service():
    with serving(on=exchange(5_000_000, holdings=(Holding(SHARE, 10, units(1000)),)),
                 feeds=Feeds("ws://127.0.0.1:1/market", "ws://127.0.0.1:1/portfolio")) as made:  # fmt: skip
        yield made


@pytest.fixture
def sdk(service):
    return logged_in(service)


def placed(sdk, asked):
    answer = sdk.OrderApiV3.place_order(asked)
    assert (answer.status, answer.metadata.latency > 0) == ("success", True)
    return answer.data.order_ids[0]


def test_an_order_is_placed_changed_read_and_cancelled(service, sdk):
    order_id = placed(sdk, order())
    assert sdk.OrderApiV3.modify_order(change(order_id)).data.order_id == order_id
    row = sdk.OrderApi.get_order_book("2.0").data[0]
    assert (row.order_id, row.status, row.price, row.pending_quantity, row.tag) == (order_id, "open", 1301.0, 10, "t1")
    assert sdk.OrderApi.get_order_status(order_id=order_id).data.status == "open"
    assert sdk.OrderApiV3.cancel_order(order_id).data.order_id == order_id
    states = [state.status for state in sdk.OrderApi.get_order_details("2.0", order_id=order_id).data]
    assert states == [
        "put order req received", "validation pending", "open pending", "open", "modify validation pending", "modify pending",
        "modified", "open", "cancel pending", "cancelled",
    ]  # fmt: skip
    assert until(lambda: service.states() == states, what="the feed told the same")


def test_a_market_order_is_filled_by_ticks_and_makes_a_position(service, sdk):
    order_id = placed(sdk, market())
    service.broker.tick(SHARE, at(10, 0), 1310.0, 4)
    service.broker.tick(SHARE, at(10, 0), 1310.2, 40)
    trades = sdk.OrderApi.get_trade_history("2.0").data
    assert [(t.quantity, t.average_price, t.order_id) for t in trades] == [(4, 1310.0, order_id), (6, 1310.2, order_id)]
    assert [t.trade_id for t in sdk.OrderApi.get_trades_by_order(order_id, "2.0").data] == [t.trade_id for t in trades]
    (held,) = sdk.PortfolioApi.get_positions("2.0").data
    assert (held.quantity, held.average_price, held.unrealised, held.exchange) == (10, 1310.12, 0.8, "NSE")
    funds = sdk.UserApi.get_user_fund_margin_v3().data
    assert funds.available_to_trade.total == 5_000_000 - 2620.24
    assert funds.available_to_trade.cash_available_to_trade.margin_used.cash_margin_var_elm == 2620.24
    assert sdk.UserApi.get_user_fund_margin("2.0").data["equity"].available_margin == 5_000_000 - 2620.24


def test_holdings_profile_and_the_positions_there_are_none_of(sdk):
    (held,) = sdk.PortfolioApi.get_holdings("2.0").data
    assert (held.isin, held.quantity, held.average_price, held.pnl) == ("INE002A01018", 10, 1000.0, 3100.0)
    assert sdk.PortfolioApi.get_mtf_positions().data == []
    assert sdk.UserApi.get_profile("2.0").data.user_id == "SIM001"


def test_version_2_of_the_order_calls(sdk):
    given = {name: value for name, value in order().to_dict().items() if name not in {"slice", "market_protection"}}
    asked = upstox_client.PlaceOrderRequest(**given)
    order_id = sdk.OrderApi.place_order(asked, "2.0").data.order_id
    assert sdk.OrderApi.modify_order(change(order_id), "2.0").data.order_id == order_id
    assert sdk.OrderApi.cancel_order(order_id, "2.0").data.order_id == order_id


def test_a_large_order_is_cut_into_several(sdk):
    answer = sdk.OrderApiV3.place_order(order(instrument_token=OPTION, quantity=65 * 30, price=100.0, slice=True))
    assert len(answer.data.order_ids) == 2


def test_several_orders_at_once_purchases_first(sdk):
    def line(name, **changed):
        given = {key: value for key, value in order(**changed).to_dict().items() if key != "market_protection"}
        return upstox_client.MultiOrderRequest(**given, correlation_id=name)

    answer = sdk.OrderApi.place_multi_order([line("a", transaction_type="SELL"), line("b"), line("c", price=0.0)])
    assert (answer.status, [row.correlation_id for row in answer.data]) == ("partial_success", ["b", "a"])
    assert [(e.correlation_id, e.error_code) for e in answer.errors] == [("c", "UDAPI1029")]
    assert (answer.summary.total, answer.summary.success, answer.summary.error) == (3, 2, 1)
    gone = sdk.OrderApi.cancel_multi_order(tag="t1")
    assert (gone.status, len(gone.data.order_ids)) == ("success", 2)


def test_positions_are_closed_by_tag(service, sdk):
    placed(sdk, market())
    placed(sdk, market(tag="other", instrument_token=PLAIN))
    service.broker.tick(SHARE, at(10, 0), 1310.0, 100)
    service.broker.tick(PLAIN, at(10, 0), 400.0, 100)
    assert len(sdk.OrderApi.exit_positions(tag="t1").data.order_ids) == 1
    service.broker.tick(SHARE, at(10, 0), 1310.0, 100)
    assert {p.instrument_token: p.quantity for p in sdk.PortfolioApi.get_positions("2.0").data} == {SHARE: 0, PLAIN: 10}


@pytest.mark.parametrize(("asked", "said"), [
    (order(quantity=0), (400, "UDAPI1052")),
    (order(price=0.0), (400, "UDAPI1029")),
    (order(instrument_token="NSE_EQ|NONE"), (400, "UDAPI100011")),
    (market(market_protection=0), (400, "UDAPI1158")),
    (market(price=1.0), (400, "UDAPI1040")),
])  # fmt: skip
def test_what_is_refused_says_why_in_the_brokers_envelope(sdk, asked, said):
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(asked)
    assert refusal(error) == said


def test_a_rejected_order_was_accepted_first(sdk):
    order_id = placed(sdk, order(quantity=100_000_000))
    row = sdk.OrderApi.get_order_status(order_id=order_id).data
    assert row.status == "rejected"
    assert "Margin Exceeds" in row.status_message
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.cancel_order(order_id)
    assert refusal(error) == (400, "UDAPI100040")


@pytest.mark.parametrize("ask", [
    lambda sdk: sdk.OrderApiV3.cancel_order("1"),
    lambda sdk: sdk.OrderApiV3.modify_order(change("1")),
    lambda sdk: sdk.OrderApi.get_order_status(order_id="1"),
    lambda sdk: sdk.OrderApi.get_order_details("2.0", tag="none"),
])  # fmt: skip
def test_an_order_nobody_knows(sdk, ask):
    with pytest.raises(ApiException) as error:
        ask(sdk)
    assert refusal(error) == (404, "UDAPI100010")


def test_the_market_is_closed_at_night(service, sdk):
    service.broker.clock.now = at(20, 0)
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(order())
    assert refusal(error) == (400, "UDAPI100057")
    assert sdk.OrderApi.get_order_details("2.0", order_id=placed(sdk, order(is_amo=True))).data[-1].variety == "AMO"


def test_what_is_not_simulated_is_not_found(sdk):
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.get_gtt_order_details()
    assert refusal(error) == (404, "UDAPI100060")
    with pytest.raises(ApiException) as error:
        sdk.PortfolioApi.convert_positions(upstox_client.ConvertPositionRequest(SHARE, "D", "I", "BUY", 1), "2.0")
    assert refusal(error) == (404, "UDAPI100060")


# Who may call


def test_a_token_dies_at_half_past_three_in_the_morning(service, sdk):
    sdk.OrderApi.get_order_book("2.0")
    service.broker.clock.now = at(27, 30) - SECOND_NS
    sdk.OrderApi.get_order_book("2.0")
    service.broker.clock.now = at(27, 30)
    with pytest.raises(ApiException) as error:
        sdk.OrderApi.get_order_book("2.0")
    assert refusal(error) == (401, "UDAPI100050")


def test_who_has_no_token_is_not_asked_for_one_where_none_is_needed(service):
    sdk = Sdk(service)
    with pytest.raises(ApiException) as error:
        sdk.OrderApi.get_order_book("2.0")
    assert refusal(error) == (401, "UDAPI100050")
    assert sdk.MarketHolidaysAndTimingsApi.get_exchange_timings("2026-11-23").status == "success"


def test_a_token_that_may_only_read_is_forbidden_to_trade_not_unknown(service):
    sdk = Sdk(service, service.sessions.grant(at(10, 0), Scope.EXTENDED))
    assert sdk.OrderApi.get_order_book("2.0").data == []
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(order())
    assert refusal(error) == (403, "UDAPI100067")


def test_orders_come_from_a_registered_address_alone(service, sdk):
    sdk.UserApi.update_user_ip(upstox_client.UpdateUserIpRequest(primary_ip="10.1.1.1"))
    with pytest.raises(ApiException) as error:
        sdk.OrderApi.get_order_book("2.0")
    assert refusal(error) == (401, "UDAPI100050")  # a new address costs the token
    again = logged_in(service)
    assert again.OrderApi.get_order_book("2.0").data == []
    with pytest.raises(ApiException) as error:
        again.OrderApiV3.place_order(order())
    assert refusal(error) == (403, "UDAPI1154")
    assert again.UserApi.get_user_ips().data.primary_ip == "10.1.1.1"


def test_a_code_makes_one_login(service):
    app, sdk = service.sessions.app, Sdk(service)
    fields = {"client_id": app.client_id, "redirect_uri": app.redirect, "response_type": "code", "state": "s"}
    with urllib3.PoolManager() as http:
        went = http.request("GET", f"{service.url}/v2/login/authorization/dialog", fields=fields, redirect=False)
    code = went.headers["Location"].partition("code=")[2].partition("&")[0]
    named = {"code": code, "client_id": app.client_id, "client_secret": app.secret, "redirect_uri": app.redirect,
             "grant_type": "authorization_code"}  # fmt: skip
    with pytest.raises(ApiException) as error:
        sdk.LoginApi.token("2.0", **named | {"client_secret": "no"})
    assert refusal(error) == (401, "UDAPI100016")
    answer = sdk.LoginApi.token("2.0", **named)
    assert (answer.user_id, answer.broker) == ("SIM001", "UPSTOX")
    mine = Sdk(service, answer.access_token)
    assert mine.OrderApi.get_order_book("2.0").data == []
    with pytest.raises(ApiException) as error:
        sdk.LoginApi.token("2.0", **named)
    assert refusal(error) == (401, "UDAPI100057")
    mine.LoginApi.logout("2.0")
    with pytest.raises(ApiException) as error:
        mine.OrderApi.get_order_book("2.0")
    assert refusal(error) == (401, "UDAPI100050")


def test_addresses_of_the_sockets_hold_a_code_that_counts_once(service, sdk):
    market_ = sdk.WebsocketApi.get_market_data_feed_authorize_v3().data.authorized_redirect_uri
    mine = sdk.WebsocketApi.get_portfolio_stream_feed_authorize("2.0", order_update=True, position_update=True).data
    assert market_.startswith("ws://127.0.0.1:1/market?code=")
    assert mine.authorized_redirect_uri.endswith("&update_types=order%2Cposition")
    code = market_.partition("code=")[2]
    assert not service.sessions.take_code(code[::-1], "market", at(10, 0))
    assert service.sessions.take_code(code, "market", at(10, 0))
    assert not service.sessions.take_code(code, "market", at(10, 0))


def test_more_orders_than_ten_a_second_are_too_many(service, sdk):
    seconds = [0]
    service.seconds = lambda: seconds[0]
    for _ in range(10):
        placed(sdk, order(quantity=1))
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(order())
    assert refusal(error) == (429, "UDAPI10005")
    assert "Retry-After" not in error.value.headers
    sdk.OrderApi.get_order_book("2.0")  # other calls are counted apart
    seconds[0] = SECOND_NS
    placed(sdk, order(quantity=1))


# The market


def test_days_and_hours_are_those_of_our_own_tables(service):
    api = Sdk(service).MarketHolidaysAndTimingsApi
    for text in ("2026-11-23", "2026-11-24", "2026-12-25", "2026-11-28"):
        raw = {"_preload_content": False}
        timings = json.loads(api.get_exchange_timings(text, **raw).data)["data"]
        holidays = json.loads(api.get_holiday(text, **raw).data)["data"]
        assert differences(date.fromisoformat(text), holidays, timings) == []
    assert any(row.description == "Christmas" for row in api.get_holidays().data)
    assert api.get_exchange_timings("2026-11-24").data == []


@pytest.mark.parametrize(("now", "said"), [
    (at(8, 0), "NORMAL_CLOSE"), (at(9, 1), "PRE_OPEN_START"), (at(9, 13), "PRE_OPEN_END"), (at(9, 15), "NORMAL_OPEN"),
    (at(15, 30), "NORMAL_CLOSE"), (at(15, 55), "CLOSING_START"), (at(16, 0), "CLOSING_END"),
])  # fmt: skip
def test_the_state_of_the_market(service, sdk, now, said):
    service.broker.clock.now = now
    assert logged_in(service).MarketHolidaysAndTimingsApi.get_market_status("NSE").data.status == said


def test_candles_newest_first_today_in_the_intraday_call_alone():
    def past(key, day):
        return [Candle(at(9, 15) - (day_index(at(0, 0)) - day) * DAY_NS + i * MINUTE_NS, 1, 2 + i, 1, 1.5, 10) for i in range(3)]

    with serving(minutes=Minutes(past)) as service:
        service.broker.tick(SHARE, at(9, 15, 5), 1310.0, 10)
        service.broker.tick(SHARE, at(9, 15, 50), 1309.0, 5)
        service.broker.tick(SHARE, at(9, 16), 1312.0, 1)
        api = Sdk(service).HistoryV3Api
        today = api.get_intra_day_candle_data(SHARE, "minutes", "1").data.candles
        assert today == [
            ["2026-11-23T09:16:00+05:30", 1312.0, 1312.0, 1312.0, 1312.0, 1, 0],
            ["2026-11-23T09:15:00+05:30", 1310.0, 1310.0, 1309.0, 1309.0, 15, 0],
        ]
        found = api.get_historical_candle_data1(SHARE, "minutes", "3", "2026-11-23", "2026-11-20").data.candles
        assert found[0] == ["2026-11-22T09:15:00+05:30", 1, 4, 1, 1.5, 30, 0]
        assert len(api.get_historical_candle_data(SHARE, "days", "1", "2026-11-20").data.candles) == 1
        for asked, code in (
            ((SHARE, "minutes", "1", "2026-11-20", "2026-10-01"), "UDAPI1148"),
            ((SHARE, "seconds", "1", "2026-11-20", "2026-11-20"), "UDAPI1146"),
            (("NSE_EQ|NONE", "minutes", "1", "2026-11-20", "2026-11-20"), "UDAPI1087"),
        ):
            with pytest.raises(ApiException) as error:
                api.get_historical_candle_data1(*asked)
            assert refusal(error) == (400, code)


def test_the_instrument_master_is_one_that_we_can_read(service, tmp_path):
    from auction_bt.instruments.master import MasterFile

    address = f"{service.url}/market-quote/instruments/exchange/complete.json.gz"
    path = tmp_path / "complete.json.gz"
    with urllib3.PoolManager() as http:
        path.write_bytes(http.request("GET", address, headers={"User-Agent": "auction-bt"}).data)
        assert http.request("GET", address, headers={"User-Agent": ""}).status == 403
    rows = {row["instrument_key"]: row for row in json.loads(gzip.decompress(path.read_bytes()))}
    assert (rows[SHARE]["cas_eligible"], rows[FUTURE]["freeze_quantity"]) == (True, 1800)
    assert {row[0] for row in MasterFile(path)} == set(rows)


def test_charges_and_margins(sdk):
    paid = sdk.ChargeApi.get_brokerage(SHARE, 100, "I", "SELL", 1000.0, "2.0").data.charges
    assert (paid.taxes.stt, paid.brokerage) == (25.0, 20.0)
    lines = [upstox_client.Instrument(SHARE, 10, "I", "BUY", 1310.0), upstox_client.Instrument(FUTURE, 65, "D", "SELL", 25_000.0)]
    found = sdk.ChargeApi.post_margin(upstox_client.MarginRequest(lines)).data
    assert ([m.total_margin for m in found.margins], found.required_margin) == ([2620.0, 243_750.0], 246_370.0)


def test_the_kill_switch(service, sdk):
    placed(sdk, order())
    off = [upstox_client.KillSwitchSegmentUpdateRequest(segment="NSE_EQ", action="DISABLE")]
    assert sdk.UserApi.update_kill_switch(off).data[0] == {
        "segment": "NSE_EQ", "segment_status": "INACTIVE", "kill_switch_enabled": True,
    }  # fmt: skip
    assert sdk.OrderApi.get_order_book("2.0").data[0].status == "cancelled"
    with pytest.raises(ApiException) as error:
        sdk.OrderApiV3.place_order(order())
    assert refusal(error) == (400, "UDAPI1187")
    on = [upstox_client.KillSwitchSegmentUpdateRequest(segment="NSE_EQ", action="ENABLE")]
    with pytest.raises(ApiException) as error:
        sdk.UserApi.update_kill_switch(on)
    assert refusal(error) == (400, "UDAPI1185")
    assert [row["kill_switch_enabled"] for row in sdk.UserApi.get_kill_switch().data] == [True, False, False, False]
