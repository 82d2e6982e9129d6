"""Rate limits, candles and the outbox: each against what it must be, said in another way."""

import json
import socket
from datetime import date
from threading import Barrier, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.core.errors import BadInput
from auction_bt.core.ist import DAY_NS, MINUTE_NS, SECOND_NS, day_index, to_date
from auction_bt.market.limits import OrderRates
from auction_bt.sim.answer import Update
from auction_bt.sim.broker import Broker, Outbox
from auction_bt.sim.history import Candle, Minutes, merged, most_days
from auction_bt.sim.listening import Listening
from auction_bt.sim.order import Request
from auction_bt.sim.rates import RateLimits
from auction_bt.sim.rest import create_app
from auction_bt.sim.service import Service
from auction_bt.sim.shapes import portfolio_text
from tests.sim.made import SHARE, at, exchange
from tests.sim.served import logged_in, order, serving
from tests.waiting import until

TEN = at(10, 0)


@given(st.lists(st.integers(0, 300), max_size=60))
def test_no_window_has_more_calls_than_it_may_and_none_is_refused_that_would_fit(gaps):
    limits = RateLimits({"orders": OrderRates(3, 10, 25)})
    now, taken = 0, []
    for gap in gaps:
        now += gap * SECOND_NS // 100 * (1 + gap % 7)
        windows = ((SECOND_NS, 3), (MINUTE_NS, 10), (30 * MINUTE_NS, 25))
        fits = all(sum(then > now - span for then in taken) < most for span, most in windows)
        assert limits.take("orders", now) is fits
        assert limits.take("other", now)
        taken += [now] * fits


@given(st.lists(st.tuples(st.integers(0, 374), st.integers(90, 110), st.integers(1, 50)), max_size=60), st.integers(1, 300))
def test_candles_are_made_of_all_trades_and_of_nothing_else(trades, interval):
    minutes = Minutes()
    for minute, price, size in sorted(trades, key=lambda trade: trade[0]):
        minutes.add(SHARE, at(9, 15) + minute * MINUTE_NS + 7, price, size)
        minutes.add(SHARE, at(9, 15) + minute * MINUTE_NS + 8, 1000, 0)  # the book alone
    day = day_index(at(9, 15))
    found = merged(minutes.of(SHARE, day, at(16, 0)), "minutes", interval)
    bins = {}
    for minute, price, size in sorted(trades, key=lambda trade: trade[0]):
        bins.setdefault(minute // interval, []).append((price, size))
    expected = []
    for which, rows in sorted(bins.items()):
        prices = [price for price, _ in rows]
        begin, volume = at(9, 15) + which * interval * MINUTE_NS, sum(size for _, size in rows)
        expected.append(Candle(begin, prices[0], max(prices), min(prices), prices[-1], volume))
    assert found == expected
    assert minutes.of(SHARE, day - 1, at(16, 0)) == minutes.of("NSE_EQ|NONE", day, at(16, 0)) == []


def test_weeks_and_months_begin_where_the_calendar_says():
    days = [Candle(at(9, 15) + i * DAY_NS, 1, 2, 1, 1, 1) for i in range(60)]  # from Monday 2026-11-23 on
    weeks, months = ([to_date(day_index(c.ts)) for c in merged(days, unit, 1)] for unit in ("weeks", "months"))
    assert weeks[:2] == [date(2026, 11, 23), date(2026, 11, 30)]
    assert months == [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]


@pytest.mark.parametrize(("unit", "interval", "most"), [
    ("minutes", 1, 31), ("minutes", 15, 31), ("minutes", 16, 92), ("minutes", 300, 92), ("hours", 5, 92), ("days", 1, 3653),
    ("weeks", 1, None), ("months", 1, None),
])  # fmt: skip
def test_how_many_days_a_question_may_span(unit, interval, most):
    assert most_days(unit, interval) == most


@pytest.mark.parametrize(("unit", "interval"), [("minutes", 0), ("minutes", 301), ("hours", 6), ("days", 2), ("seconds", 1)])
def test_candles_there_are_none_of(unit, interval):
    with pytest.raises(KeyError):
        most_days(unit, interval)


@given(st.permutations(range(6)))
def test_updates_are_told_in_the_order_in_which_they_happened_whichever_is_released_first(order_):
    outbox, told = Outbox(), []
    outbox.listeners.append(lambda update: told.append(update.at))
    held = [outbox.put([Update("order", 2 * i, {}), Update("order", 2 * i + 1, {})]) for i in range(6)]
    released = set()
    for i in order_:
        held[i].release()
        held[i].release()
        released.add(i)
        ready = next((n for n in range(6) if n not in released), 6)
        assert told == list(range(2 * ready))
        assert outbox.is_idle == (ready == 6)


def test_what_a_listener_does_is_told_after_what_it_was_told_of():
    outbox, told = Outbox(), []

    def listen(update):
        assert not outbox.is_idle
        told.append(update.at)
        if update.at == 0:
            outbox.put([Update("order", 9, {})]).release()

    outbox.listeners.append(listen)
    outbox.put([Update("order", 0, {}), Update("order", 1, {})]).release()
    assert (told, outbox.is_idle) == ([0, 1, 9], True)


def test_a_message_of_the_portfolio_feed_is_the_updates_json():
    on = exchange()
    clock = TEN
    broker, texts = Broker(on, lambda: clock), []
    broker.outbox.listeners.append(lambda update: texts.append(portfolio_text(update)))
    broker.act(lambda made, now: made.place(Request(SHARE, True, 1), now))[1].release()
    broker.tick(SHARE, TEN, 1310.0, 5)
    said = [json.loads(text) for text in texts]
    assert [(row["update_type"], row.get("status")) for row in said] == [
        ("order", "put order req received"), ("order", "validation pending"), ("order", "open pending"), ("order", "open"),
        ("order", "complete"), ("position", None),
    ]  # fmt: skip


def test_many_clients_and_ticks_at_once_lose_nothing():
    with serving(on=exchange(10**9), limits=RateLimits({})) as service:
        start, errors = Barrier(4), []

        def trade(which):
            sdk = logged_in(service)
            start.wait(10)
            try:
                for i in range(15):
                    asked = order(quantity=1, price=1310.0, tag=f"{which}-{i}", transaction_type="BUY" if which % 2 else "SELL")
                    (order_id,) = sdk.OrderApiV3.place_order(asked).data.order_ids
                    if i % 3 == 0 and sdk.OrderApi.get_order_status(order_id=order_id).data.status == "open":
                        sdk.OrderApi.cancel_multi_order(tag=f"{which}-{i}")
            except Exception as error:
                errors.append(error)

        threads = [Thread(target=trade, args=(which,)) for which in range(3)]
        for thread in threads:
            thread.start()
        start.wait(10)
        while any(thread.is_alive() for thread in threads):
            service.broker.tick(SHARE, TEN, 1310.0, 1, 1309.9, 1310.1)
        for thread in threads:
            thread.join(30)
        assert errors == []
        assert until(lambda: service.broker.outbox.is_idle)
        on = service.broker.read(lambda made, _: made)
        told = {}
        for update in service.told:
            if update.kind == "order":
                told.setdefault(update.body["order_id"], []).append(update.body["status"])
        assert len(told) == len(on.books.orders()) == 45
        for order_id, states in told.items():
            assert states == [state.status for state in on.books.history(order_id)]


def test_an_address_that_is_taken_is_one_clear_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        app = create_app(Service(Broker(exchange(), lambda: TEN)))
        with pytest.raises(BadInput, match="give another port"):
            Listening(app, other.getsockname()[1])
