"""The simulated exchange, one rule at a time."""

from dataclasses import replace

import pytest

from auction_bt.sim.money import to_rupees, units
from auction_bt.sim.order import Change, Kind, Request, Status, Validity
from auction_bt.sim.position import Holding
from tests.sim.made import FUTURE, INDEX, OPTION, PLAIN, SHARE, at, exchange

TEN = at(10, 0)


def told(updates, kind="order"):
    return [update.body for update in updates if update.kind == kind]


def states(updates):
    return [body["status"] for body in told(updates)]


def limit(price, quantity=10, buy=True, **more):
    return Request(SHARE, buy, quantity, Kind.LIMIT, units(price), **more)


def stop(trigger, buy=False, quantity=10, **more):
    return Request(SHARE, buy, quantity, Kind.STOP_MARKET, trigger=units(trigger), **more)


def market(buy=True, quantity=10, **more):
    return Request(SHARE, buy, quantity, **more)


def placed(on, request, now=TEN):
    answer = on.place(request, now)
    assert not answer.problems
    return answer.order_ids[0]


def tick(on, price, size=100, key=SHARE, now=TEN, **book):
    return on.on_tick(key, now, price, size, now=now, **book)


def note(on, order_id):
    return on.books.by_id[order_id].note


def status(on, order_id):
    return on.books.by_id[order_id].status


def test_an_order_goes_through_the_broker_before_it_is_open():
    on = exchange()
    answer = on.place(limit(1300), TEN)
    assert states(answer.updates) == ["put order req received", "validation pending", "open pending", "open"]
    assert len(answer.order_ids[0]) == 15
    assert answer.order_ids[0].startswith("261123")


def test_a_market_order_pays_the_worse_of_the_trade_and_the_book():
    on = exchange()
    order_id = placed(on, market())
    assert states(tick(on, 1310, ask=1310.4, bid=1309.9)) == ["complete"]
    assert to_rupees(on.books.fills(order_id)[0].price) == 1310.4


def test_a_market_order_rests_as_a_limit_where_the_price_has_run_away():
    on = exchange()
    tick(on, 1310)
    order_id = placed(on, market())
    assert told([*tick(on, 1330)]) == []
    row = on.books.by_id[order_id]
    assert (row.status, to_rupees(row.limit)) == (Status.OPEN, 1323.1)
    tick(on, 1320)
    assert to_rupees(on.books.fills(order_id)[0].price) == 1323.1


def test_a_limit_order_that_rested_is_filled_at_its_price_and_by_what_was_traded():
    on = exchange()
    order_id = placed(on, limit(1300, 30))
    tick(on, 1305, ask=1305.1)
    first = tick(on, 1299.9, 20)
    assert [(b["status"], b["filled_quantity"], b["pending_quantity"]) for b in told(first)] == [("open", 20, 10)]
    assert tick(on, 1300.1) == ()
    assert tick(on, 1299, 0) == ()  # the book alone has changed
    assert states(tick(on, 1300, 10)) == ["complete"]
    assert [to_rupees(fill.price) for fill in on.books.fills(order_id)] == [1300, 1300]


def test_what_was_traded_is_given_out_once():
    on = exchange()
    first, second = placed(on, limit(1300)), placed(on, limit(1301))
    tick(on, 1299, 15)
    assert [on.books.by_id[o].filled for o in (first, second)] == [10, 5]


def test_the_average_is_by_fill():
    on = exchange()
    order_id = placed(on, market(quantity=30))
    tick(on, 1310, 10)
    body = told(tick(on, 1311.1, 20))[-1]
    assert (body["average_price"], body["filled_quantity"]) == (1310.7333, 30)
    assert on.books.by_id[order_id].is_final


def test_a_stop_waits_is_triggered_by_a_trade_and_then_protected_from_its_trigger():
    on = exchange()
    tick(on, 1310)
    order_id = placed(on, stop(1300))
    assert status(on, order_id) is Status.TRIGGER_PENDING
    assert tick(on, 1299, 0) == ()
    assert states(tick(on, 1299.9, 4, bid=1299.5)) == ["open", "open"]
    assert to_rupees(on.books.by_id[order_id].limit) == 1287
    assert tick(on, 1280) == ()  # beyond its protection
    assert to_rupees(on.books.fills()[0].price) == 1299.5


def test_a_stop_whose_trigger_is_passed_is_rejected():
    on = exchange()
    tick(on, 1310)
    assert "must be below" in note(on, placed(on, stop(1311)))


def test_what_is_not_filled_at_once_of_an_ioc_order_is_cancelled():
    on = exchange()
    order_id = placed(on, limit(1310, 30, validity=Validity.IOC))
    assert states(tick(on, 1310, 10)) == ["open", "cancelled"]
    assert on.books.by_id[order_id].filled == 10
    late = placed(on, limit(1310, validity=Validity.IOC))
    on.on_time(at(10, 0, 1))
    assert status(on, late) is Status.CANCELLED


def test_a_change_that_is_good_and_one_that_is_not():
    on = exchange()
    order_id = placed(on, limit(1300))
    good = on.modify(Change(order_id, price=units(1301)), TEN)
    assert states(good.updates) == ["modify validation pending", "modify pending", "modified", "open"]
    bad = on.modify(Change(order_id, price=units(1301.05)), TEN)
    assert states(bad.updates) == ["modify validation pending", "not modified", "open"]
    assert to_rupees(on.books.by_id[order_id].request.price) == 1301
    assert on.modify(Change("1"), TEN).problems[0].code == "UDAPI100010"


def test_a_cancel_and_one_that_fails():
    on = exchange()
    order_id = placed(on, limit(1300))
    assert states(on.cancel(order_id, TEN, reject="too late").updates) == ["cancel pending", "not cancelled", "open"]
    assert states(on.cancel(order_id, TEN).updates) == ["cancel pending", "cancelled"]
    assert on.cancel(order_id, TEN).problems[0].code == "UDAPI100040"
    assert on.modify(Change(order_id, price=units(1300)), TEN).problems[0].code == "UDAPI100041"


@pytest.mark.parametrize(("request_", "code"), [
    (replace(market(), quantity=0), "UDAPI1052"),
    (replace(market(), price=units(1300)), "UDAPI1040"),
    (replace(market(), protection=0), "UDAPI1158"),
    (replace(market(), protection=26), "UDAPI100036"),
    (replace(limit(1300), price=0), "UDAPI1029"),
    (replace(stop(1300), trigger=0), "UDAPI1032"),
    (replace(limit(1300), kind=Kind.STOP_LIMIT), "UDAPI1031"),
    (replace(market(), tag="x" * 41), "UDAPI1119"),
    (replace(market(), product="CO"), "UDAPI1035"),
    (replace(market(), key="NSE_EQ|NONE"), "UDAPI100011"),
    (replace(market(), after_market=True), "UDAPI100039"),
])  # fmt: skip
def test_what_is_refused_at_the_door(request_, code):
    on = exchange()
    assert [problem.code for problem in on.place(request_, TEN).problems] == [code]
    assert not on.books.orders()


@pytest.mark.parametrize(("request_", "why"), [
    (limit(1300.05), "tick size"),
    (limit(1500), "execution range"),
    (Request(FUTURE, True, 64), "lot"),
    (Request(FUTURE, True, 65 * 28), "freeze"),
    (Request(INDEX, True, 1), "tradable"),
    (limit(1310, 10_000), "Margin"),
    (limit(1310, buy=False, product="D"), "holdings"),
    (Request(SHARE, True, 10, Kind.STOP_LIMIT, units(1310), units(1311)), "trigger price"),
])  # fmt: skip
def test_what_is_rejected_behind_the_door(request_, why):
    on = exchange()
    answer = on.place(request_, TEN)
    assert states(answer.updates) == ["put order req received", "validation pending", "rejected"]
    assert why in note(on, answer.order_ids[0])


def test_a_large_order_is_cut_by_the_freeze_quantity():
    on = exchange(100_000_000)
    answer = on.place(Request(OPTION, True, 65 * 30, slices=True), TEN)
    assert [on.books.by_id[o].request.quantity for o in answer.order_ids] == [1800, 150]


def test_nothing_is_taken_while_the_market_is_closed_but_orders_for_the_morning():
    on = exchange()
    assert on.place(market(), at(16, 30)).problems[0].code == "UDAPI100057"
    order_id = placed(on, market(after_market=True), at(8, 0))
    assert status(on, order_id) is Status.AFTER_MARKET
    other = placed(on, limit(1300, after_market=True), at(8, 0))
    assert states(on.modify(Change(other, price=units(1301)), at(8, 1)).updates) == ["modify after market order req received"]
    assert states(on.cancel(other, at(8, 1)).updates) == ["cancelled after market order"]
    assert states(on.on_time(at(9, 0))) == ["validation pending", "open pending", "open"]
    assert tick(on, 1312, now=at(9, 5)) == ()  # orders are only collected
    assert states(tick(on, 1312, now=at(9, 10))) == ["complete"]


def test_a_second_exit_of_the_same_shares_needs_margin():
    on = exchange(3000)
    placed(on, market())
    tick(on, 1310)
    first = placed(on, limit(1320, buy=False))
    second = placed(on, limit(1320, buy=False))
    assert status(on, first) is Status.OPEN
    assert "Margin Exceeds, Required:2640.00, Available:380.00" in note(on, second)


def test_funds_follow_losses_at_once_and_gains_tomorrow():
    on = exchange(100_000)
    placed(on, market())
    tick(on, 1310)
    tick(on, 1300)
    assert to_rupees(on.books.available()) == 100_000 - 2620 - 100
    placed(on, market(buy=False))
    tick(on, 1320)
    assert (to_rupees(on.books.available()), to_rupees(on.books.profit())) == (100_000, 100)


def test_shares_of_the_demat_account_can_be_sold_once():
    on = exchange(0, holdings=(Holding(SHARE, 10, units(1000)),))
    order_id = placed(on, market(buy=False, product="D"))
    assert "Check holdings: 0" in note(on, placed(on, market(buy=False, product="D")))
    tick(on, 1310)
    assert status(on, order_id) is Status.COMPLETE
    assert (on.books.holdings()[0].used, on.books.holdings()[0].free) == (10, 0)


def test_stop_orders_of_a_share_with_a_closing_auction_end_with_continuous_trading():
    on = exchange()
    stopped, waiting = placed(on, stop(1300)), placed(on, limit(1290, product="D"))
    other = placed(on, Request(PLAIN, True, 1, Kind.STOP_MARKET, trigger=units(410), product="D"))
    on.on_time(at(15, 15))
    assert [status(on, o) for o in (stopped, waiting, other)] == [Status.CANCELLED, Status.OPEN, Status.TRIGGER_PENDING]
    assert "closing auction" in note(on, stopped)
    assert tick(on, 1280, now=at(15, 25)) == ()
    assert states(tick(on, 1280, now=at(15, 31))) == ["cancelled", "complete"]  # the other share's day is over
    assert to_rupees(on.books.fills()[-1].price) == 1280  # the auction's one price
    assert on.place(stop(1200, product="D"), at(15, 21)).problems[0].code == "UDAPI100057"


def test_the_broker_closes_intraday_positions_at_his_time():
    on = exchange()
    placed(on, Request(FUTURE, True, 65))
    tick(on, 25_000, key=FUTURE)
    exit_ = placed(on, Request(FUTURE, False, 65, Kind.LIMIT, units(25_100)))
    updates = tick(on, 25_010, key=FUTURE, now=at(15, 20))
    assert status(on, exit_) is Status.CANCELLED
    assert [body["placed_by"] for body in told(updates)][-1] == "RMS"
    assert on.books.positions()[0].quantity == 0
    assert "square off" in note(on, placed(on, Request(FUTURE, True, 65), at(15, 21)))


def test_the_day_ends_for_what_is_left():
    on = exchange()
    order_id = placed(on, limit(1290, product="D"))
    on.on_time(at(16, 0))
    assert status(on, order_id) is Status.CANCELLED


def test_exits_by_tag_close_what_the_tag_has_opened_purchases_first():
    on = exchange(10_000_000)
    placed(on, market(tag="a"))
    placed(on, Request(PLAIN, False, 5, tag="a"))
    placed(on, market(quantity=7, tag="b"))
    tick(on, 1310)
    tick(on, 400, key=PLAIN)
    answer = on.exit_all(TEN, tag="a")
    assert [(o.request.key, o.request.buy, o.request.quantity) for o in map(on.books.by_id.get, answer.order_ids)] == [
        (PLAIN, True, 5), (SHARE, False, 10),
    ]  # fmt: skip
    tick(on, 1310)
    assert {held.key: held.quantity for held in on.books.positions()} == {SHARE: 7, PLAIN: -5}


def test_the_kill_switch_wants_no_open_position_cancels_orders_and_stays_for_twelve_hours():
    on = exchange()
    order_id = placed(on, market())
    tick(on, 1310)
    assert on.switch([("NSE_EQ", True)], TEN).problems[0].code == "UDAPI1184"
    placed(on, market(buy=False))
    tick(on, 1310)
    waiting = placed(on, limit(1300))
    assert not on.switch([("NSE_EQ", True)], TEN).problems
    assert (status(on, order_id), status(on, waiting)) == (Status.COMPLETE, Status.CANCELLED)
    assert on.place(market(), TEN).problems[0].code == "UDAPI1187"
    assert on.switch([("NSE_EQ", False)], TEN).problems[0].code == "UDAPI1185"
    assert not on.switch([("NSE_EQ", False)], TEN + 13 * 3600 * 10**9).problems


def test_the_feed_is_told_what_the_real_one_carries():
    on = exchange()
    placed(on, market(tag="amt1", quantity=2))
    order, position = tick(on, 1310.5, 1)
    assert dict(order.body) == {
        "user_id": "SIM001", "userId": "SIM001", "exchange": "NSE", "instrument_token": SHARE, "instrument_key": SHARE,
        "trading_symbol": "RELIANCE", "tradingsymbol": "RELIANCE", "product": "I", "order_type": "MARKET",
        "average_price": 1310.5, "price": 1323.1, "trigger_price": 0, "quantity": 2, "disclosed_quantity": 0,
        "pending_quantity": 1, "transaction_type": "BUY", "order_ref_id": "SIM00000001", "exchange_order_id": "1100000010000001",
        "parent_order_id": "", "validity": "DAY",
        "status_message": "", "is_amo": False, "variety": "SIMPLE", "tag": "amt1", "exchange_timestamp": "2026-11-23 10:00:00",
        "order_id": "261123010000001", "order_request_id": "1", "order_timestamp": "2026-11-23 10:00:00", "filled_quantity": 1,
        "guid": None, "placed_by": "SIM001", "status_message_raw": None, "update_type": "order", "status": "open",
    }  # fmt: skip
    body = position.body
    assert (body["update_type"], body["exchange"], body["quantity"], body["buy_value"]) == ("position", "NSE_EQ", 1, 1310.5)
    assert not {"pnl", "last_price", "realised", "unrealised"} & set(body)
