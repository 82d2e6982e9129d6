"""What a trade costs: the vectors of the contract notes, and what must hold for every price and quantity."""

import pickle
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auction_bt.brokers.charges import NoCharges, SimpleRate, key_of
from auction_bt.brokers.indian import indian_charges
from auction_bt.core.breakdown import KINDS, Breakdown, Rounding
from auction_bt.core.errors import BadInput, Refused
from auction_bt.core.instrument import Contract, Instrument, Kind, Right
from auction_bt.core.ist import from_date
from auction_bt.core.tariff import MAX_SLICES, Exchange, Product, Segment, split
from auction_bt.market.rates import plans, rates_on

DAY = date(2026, 11, 20)
KINDS_OF = {
    "NSE_EQ|INE002A01018": Kind.EQUITY, "BSE_EQ|INE002A01018": Kind.EQUITY, "NSE_FO|51502": Kind.FUTURE, "BSE_FO|1": Kind.FUTURE,
    "NSE_FO|43919": Kind.OPTION, "BSE_FO|2": Kind.OPTION, "NIFTY-FUT": Kind.FUTURE, "BTCUSD": Kind.OTHER, "MCX_FO|1": Kind.FUTURE,
}  # fmt: skip


def instrument(symbol: str, kind: Kind | None = None, **more) -> Instrument:
    return Instrument(symbol, Decimal("0.05"), 1, kind or KINDS_OF[symbol], **more)


def round_trip(segment, bought, sold, qty, *, day=DAY, exchange=Exchange.NSE, plan="upstox", rounding=Rounding.PAISA, group=""):
    rates = rates_on(day, segment, exchange, plan, group)
    there, back = rates.order(Decimal(bought), (qty,), buy=True), rates.order(Decimal(sold), (qty,), buy=False)
    return (there + back).rounded(rounding)


def paid(found: Breakdown) -> dict[str, str]:
    return {kind: str(amount) for kind, amount in found.kinds.items() if amount}


def test_a_hundred_shares_intraday_cost_what_the_note_says():
    found = round_trip(Segment.INTRADAY, "1000", "1010", 100)

    assert paid(found) == {
        "brokerage": "40.00", "stt": "25.25", "transaction": "6.17", "sebi": "0.20", "stamp": "3.00", "gst": "8.35",
    }  # fmt: skip
    assert found.total == Decimal("82.97")


@pytest.mark.parametrize(
    ("day", "stt", "total", "points"), [(DAY, "812.50", 966, "14.9"), (date(2026, 3, 31), "325.00", 479, "7.4")]
)
def test_a_lot_of_nifty_futures_costs_what_the_note_says(day, stt, total, points):
    found = round_trip(Segment.FUTURES, "25000", "25000", 65, day=day)

    assert paid(found) == {
        "brokerage": "40.00", "stt": stt, "transaction": "59.48", "sebi": "3.25", "stamp": "32.50", "gst": "18.49",
    }  # fmt: skip
    assert round(found.total) == total
    assert f"{found.total / 65:.1f}" == points


def test_while_ipft_was_ten_rupees_a_crore_the_exchange_took_the_same_in_other_parts():
    before = round_trip(Segment.FUTURES, "25000", "25000", 65, day=date(2026, 2, 27))

    assert (before.transaction, before.ipft) == (Decimal("56.23"), Decimal("3.25"))
    assert before.total == round_trip(Segment.FUTURES, "25000", "25000", 65, day=date(2026, 3, 31)).total


def test_options_pay_on_their_premium_and_brokerage_is_flat():
    found = round_trip(Segment.OPTIONS, "100", "110", 65)  # 6,500 bought, 7,150 sold

    # 0.15 % of 7,150; 3,553 a crore of 13,650; 0.003 % of 6,500; 18 % of 40 + 4.85 + 0.01
    assert paid(found) == {"brokerage": "40.00", "stt": "10.73", "transaction": "4.85", "sebi": "0.01", "stamp": "0.20",
                           "gst": "8.08"}  # fmt: skip


def test_delivery_pays_stt_on_both_sides_and_the_depository_for_the_first_sale_of_the_day():
    rates = rates_on(DAY, Segment.DELIVERY, Exchange.NSE)
    bought = rates.order(Decimal(1000), (100,), buy=True)
    sold, again = (rates.order(Decimal(1000), (100,), buy=False, first_sale=first) for first in (True, False))

    assert (bought.stt, sold.stt, bought.stamp, sold.stamp) == (100, 100, 15, 0)
    assert (bought.dp, sold.dp, again.dp) == (0, Decimal("18.5"), 0)
    assert sold.gst - again.gst == Decimal("18.5") * Decimal("0.18")


def test_bse_charges_by_contract():
    per_crore = {
        (Segment.INTRADAY, ""): 375, (Segment.FUTURES, ""): 0, (Segment.OPTIONS, ""): 3250, (Segment.OPTIONS, "other"): 500,
    }  # fmt: skip
    for (segment, group), rupees in per_crore.items():
        rates = rates_on(DAY, segment, Exchange.BSE, group=group)
        assert rates.order(Decimal(10_000_000), (1,), buy=True).transaction == rupees


def test_the_contract_note_of_a_day_rounds_stt_and_stamp_duty_to_rupees():
    found = round_trip(Segment.INTRADAY, "1000", "1010", 70, rounding=Rounding.NOTE)  # STT 17.675, stamp 2.10

    assert (found.stt, found.stamp) == (18, 2)
    assert found.gst == round_trip(Segment.INTRADAY, "1000", "1010", 70).gst


def test_small_orders_pay_a_share_and_large_ones_the_flat_brokerage():
    small, large = (round_trip(Segment.INTRADAY, "100", "100", qty).brokerage for qty in (10, 1000))

    assert (small, large) == (2, 40)  # 0.1 % of 1,000 twice; the cap


def test_the_promotion_for_orders_by_the_api_has_ended():
    fees = [round_trip(Segment.OPTIONS, "100", "110", 65, day=d, plan="upstox-api").brokerage for d in (date(2026, 9, 30), DAY)]

    assert fees == [20, 40]


def test_each_slice_of_a_frozen_quantity_pays_brokerage():
    assert split(1800, 1800) == (1800,)
    assert split(4000, 1800) == (1800, 1800, 400)
    assert len(split(1800 * MAX_SLICES, 1800)) == MAX_SLICES
    with pytest.raises(BadInput, match="make 26 orders of at most 1800, and a request may have 25"):
        split(1800 * MAX_SLICES + 1, 1800)
    charges, future = indian_charges(), instrument("NSE_FO|51502")
    sliced = charges.of(future, 25_000.0, 4000, buy=True, day=from_date(DAY), freeze=1800)
    assert sliced.brokerage == 60
    assert sliced.stamp == charges.of(future, 25_000.0, 4000, buy=True, day=from_date(DAY)).stamp


def test_several_fills_of_an_order_pay_one_brokerage_on_its_average():
    rates = rates_on(DAY, Segment.FUTURES, Exchange.NSE)
    whole = rates.order(Decimal("25001"), (130,), buy=True)
    apart = rates.order(Decimal("25000"), (65,), buy=True) + rates.order(Decimal("25002"), (65,), buy=True)

    assert (whole.brokerage, apart.brokerage) == (20, 40)
    assert whole.stamp == apart.stamp


def test_a_position_that_the_broker_had_to_close_pays_fifty_rupees_and_gst():
    charges, share = indian_charges(), instrument("NSE_EQ|INE002A01018")
    own, broker = (charges.of(share, 1000.0, 100, buy=False, day=from_date(DAY), reason=r) for r in ("square_off", "broker"))

    assert own.square_off == 0
    assert (broker.square_off, broker.total - own.total) == (50, 59)


def test_exercising_an_option_is_taxed_on_its_intrinsic_value():
    late, early = (rates_on(d, Segment.OPTIONS, Exchange.NSE).exercised(Decimal(200), 65) for d in (DAY, date(2026, 3, 31)))

    assert (late.total, early.total) == (Decimal("19.5"), Decimal("16.25"))  # 0.15 and 0.125 % of 13,000


@pytest.mark.parametrize(
    ("symbol", "product", "key"),
    [
        ("NSE_EQ|INE002A01018", Product.INTRADAY, (Segment.INTRADAY, Exchange.NSE, "")),
        ("BSE_EQ|INE002A01018", Product.DELIVERY, (Segment.DELIVERY, Exchange.BSE, "")),
        ("NSE_FO|51502", Product.DELIVERY, (Segment.FUTURES, Exchange.NSE, "")),
        ("NIFTY-FUT", Product.INTRADAY, (Segment.FUTURES, Exchange.NSE, "")),
        ("BSE_FO|2", Product.INTRADAY, (Segment.OPTIONS, Exchange.BSE, "")),
        ("BTCUSD", Product.INTRADAY, None),
        ("MCX_FO|1", Product.INTRADAY, None),
    ],
)
def test_kind_product_and_prefix_say_what_is_paid(symbol, product, key):
    assert key_of(instrument(symbol), product) == key


@pytest.mark.parametrize(
    ("underlying", "group"), [("BSE_INDEX|SENSEX", ""), ("BSE_EQ|INE002A01018", "other"), ("BSE_INDEX|SENSEX50", "other")]
)
def test_an_option_of_bse_pays_by_what_it_is_on(underlying, group):
    contract = Contract(underlying, from_date(DAY), Decimal(80_000), Right.CALL)

    assert key_of(instrument("BSE_FO|2", contract=contract)) == (Segment.OPTIONS, Exchange.BSE, group)


def test_data_from_elsewhere_pays_a_simple_rate_and_an_index_is_not_traded():
    charges, day = indian_charges(), from_date(DAY)

    assert paid(charges.of(instrument("BTCUSD"), 50_000.0, 2, buy=True, day=day)) == {"other": "10.00"}
    assert charges.notes(instrument("BTCUSD"), [day])[0].certainty == "unverified"
    for model in (charges, SimpleRate()):
        with pytest.raises(Refused, match="is an index and cannot be bought or sold"):
            model.of(instrument("NSE_INDEX|Nifty 50", Kind.INDEX), 25_000.0, 1, buy=True, day=day)


def test_a_model_can_be_sent_to_another_process():
    charges = indian_charges("upstox-api", 2)

    assert pickle.loads(pickle.dumps(charges)) == charges


def test_no_charges_are_none():
    none, day = NoCharges(), from_date(DAY)

    assert none.of(instrument("NIFTY-FUT"), 25_000.0, 65, buy=True, day=day).total == 0
    assert none.round_trip(instrument("NIFTY-FUT"), 25_000.0, 65, day=day) == 0
    assert none.notes(instrument("NIFTY-FUT"), [day]) == ()


PRICES = st.decimals("0.01", "200000", places=2)
DAYS = st.dates(date(2015, 1, 1), date(2030, 12, 31)).map(from_date)
TRADED = st.sampled_from(list(KINDS_OF))
ORDERS = {"price": PRICES, "qty": st.integers(1, 100_000), "buy": st.booleans(), "day": DAYS, "symbol": TRADED,
          "product": st.sampled_from(Product), "plan": st.sampled_from(plans())}  # fmt: skip


def order(price, qty, buy, day, symbol, product, plan, times=1) -> Breakdown:
    return indian_charges(plan, times).of(instrument(symbol), float(price), qty, buy=buy, day=day, product=product)


@given(**ORDERS)
def test_no_kind_is_negative_and_rounded_kinds_are_whole_paise_that_add_up(**asked):
    found = order(**asked)
    for rounding in Rounding:
        rounded = found.rounded(rounding)
        assert list(rounded.kinds) == list(KINDS)
        assert sum(rounded.kinds.values()) == rounded.total
        assert all(v >= 0 and v == v.quantize(Decimal("0.01")) for v in rounded.kinds.values())
    assert abs(found.rounded().total - found.total) <= Decimal("0.005") * len(KINDS)


@given(**ORDERS)
def test_a_buyer_pays_no_stt_but_for_delivery_and_a_seller_no_stamp_duty(**asked):
    found = order(**asked)
    key = key_of(instrument(asked["symbol"]), asked["product"])
    if key is not None:
        assert (found.stt == 0) == (asked["buy"] and key[0] is not Segment.DELIVERY)
        assert (found.stamp == 0) == (not asked["buy"])
        assert (found.dp > 0) == (not asked["buy"] and key[0] is Segment.DELIVERY)
        assert found.gst == (found.brokerage + found.transaction + found.ipft + found.sebi + found.dp) * Decimal("0.18")


@given(more=st.integers(1, 50_000), **ORDERS)
def test_more_shares_never_cost_less(more, **asked):
    few, many = order(**asked), order(**asked | {"qty": asked["qty"] + more})

    assert all(a <= b for a, b in zip(few.kinds.values(), many.kinds.values(), strict=True))
    assert few.rounded().total <= many.rounded().total


@given(**ORDERS)
def test_twice_is_twice(**asked):
    assert order(**asked, times=2).total == 2 * order(**asked).total


@given(**ORDERS)
def test_the_quick_estimate_of_a_round_trip_is_both_orders(**asked):
    charges, thing = indian_charges(asked["plan"]), instrument(asked["symbol"])
    both = order(**asked | {"buy": True}) + order(**asked | {"buy": False})

    assert (
        charges.round_trip(thing, float(asked["price"]), asked["qty"], day=asked["day"], product=asked["product"]) == both.total
    )


@given(price=PRICES, qty=st.integers(1, 100_000))
def test_the_dated_charges_are_the_arithmetic_of_the_rates(price, qty):
    """An independent computation, in paise, of an intraday sale on NSE."""
    turnover = price * qty
    brokerage = min(Decimal(20), turnover / 1000)
    exchange, sebi = turnover * 307 / 10**7, turnover / 10**6
    expected = brokerage + exchange + sebi + turnover * 25 / 10**5 + (brokerage + exchange + sebi) * 18 / 100
    found = order(price, qty, False, from_date(DAY), "NSE_EQ|INE002A01018", Product.INTRADAY, "upstox")

    assert found.total.quantize(Decimal("1e-9"), ROUND_HALF_UP) == expected.quantize(Decimal("1e-9"), ROUND_HALF_UP)
